// SPDX-License-Identifier: Apache-2.0
// [slot.power] and [slot.recovery]: what is read, and every complaint with its line.
#include "station/config/config.h"

#include <gtest/gtest.h>

namespace lineside::config {
namespace {

using namespace std::chrono_literals;
using power::Driver;

constexpr std::string_view kSlot = R"([[slot]]
label = "1"
port = "pci-0000:00:14.0-usb-0:1.1"
)";

Reading read(const std::string& more) {
    return read_config_text(std::string(kSlot) + more, "s.toml");
}
std::string complaints(const std::string& more) {
    std::string text;
    for (const auto& complaint : read(more).complaints) {
        if (complaint.field.starts_with("slot")) {
            text += to_text(complaint) + "\n";
        }
    }
    return text;
}
power::SlotPower power_of(const std::string& more) {
    const Reading reading = read(more);
    EXPECT_EQ(complaints(more), "");
    const auto& power = reading.config.slots.at(0).power;
    EXPECT_TRUE(power.has_value());
    return power.value_or(power::SlotPower{});
}

TEST(PowerConfig, None_unless_it_stands_there) {
    EXPECT_FALSE(read("").config.slots.at(0).power.has_value());
}

TEST(PowerConfig, Each_driver_with_what_it_needs) {
    auto power = power_of("[slot.power]\ndriver = \"hub-port\"\noff_s = 3.5\nback_s = 90\n");
    EXPECT_EQ(power.power.driver, Driver::hub_port);
    EXPECT_EQ(power.off, 3500ms);
    EXPECT_EQ(power.back, 90s);
    EXPECT_EQ(power.power.within, 15s);
    EXPECT_FALSE(power.recovery.has_value());

    power = power_of(
        "[slot.power]\ndriver = \"gpio\"\nchip = \"/dev/gpiochip0\"\nline = 5\nactive_low = true\n"
        "[slot.recovery]\ndriver = \"gpio\"\nchip = \"mcp2221_gpio\"\nline = 0\n");
    EXPECT_EQ(power.power.line, 5U);
    EXPECT_TRUE(power.power.active_low);
    EXPECT_FALSE(power.power.active_is_on);
    EXPECT_EQ(power.recovery->chip, "mcp2221_gpio");
    EXPECT_TRUE(power.recovery->active_is_on);

    power = power_of(
        "[slot.power]\ndriver = \"serial-relay\"\ndevice = \"/dev/ttyUSB0\"\nbaud = 115200\n"
        "frame = \"7E2\"\non = \"A0 01 01 A2\"\noff = \"a00100a1\"\non_answer = \"4f4b\"\n");
    EXPECT_EQ(power.power.on_bytes, std::string("\xa0\x01\x01\xa2", 4));
    EXPECT_EQ(power.power.off_bytes, std::string("\xa0\x01\x00\xa1", 4));
    EXPECT_EQ(power.power.on_answer, "OK");

    power = power_of(
        "[slot.power]\ndriver = \"http\"\non = \"http://10.0.0.7/relay/3?turn=on\"\n"
        "off = \"http://10.0.0.7?off\"\nmethod = \"POST\"\nuser = \"admin\"\n"
        "password_file = \"/run/credentials/lineside-stationd.service/pdu\"\n");
    EXPECT_EQ(power.power.address, "10.0.0.7:80");
    EXPECT_EQ(power.power.on_target, "/relay/3?turn=on");
    EXPECT_EQ(power.power.off_target, "/?off");
    power = power_of(
        "[slot.power]\ndriver = \"http\"\non = \"http://[fd00::7]:8080/on\"\n"
        "off = \"http://[fd00::7]:8080/off\"\n");
    EXPECT_EQ(power.power.address, "[fd00::7]:8080");

    power = power_of(
        "[slot.power]\ndriver = \"command\"\non = [\"/usr/local/bin/outlet\", \"3\", \"on\"]\n"
        "off = [\"/usr/local/bin/outlet\", \"3\", \"off\"]\nwithin_s = 2\n");
    EXPECT_EQ(power.power.off_command.back(), "off");
    EXPECT_EQ(power.power.within, 2s);

    power = power_of(
        "[slot.power]\ndriver = \"snmp\"\naddress = \"10.0.0.7\"\n"
        "oid = \"1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.3\"\noff = 3\n"
        "settings_file = \"/etc/lineside/strip/snmp.conf\"\n");
    EXPECT_EQ(power.power.address, "10.0.0.7:161");
    EXPECT_EQ(power.power.on_value, 1);
    EXPECT_EQ(power.power.off_value, 3);
    EXPECT_EQ(power.power.state_oid, "");

    power = power_of("[slot.power]\ndriver = \"manual\"\n");
    EXPECT_EQ(power.power.within, 900s);
}

struct Wrong {
    const char* name;
    std::string text;
    std::string told;  // of the complaint's line
    friend std::ostream& operator<<(std::ostream& out, const Wrong& row) { return out << row.name; }
};

class PowerComplaint : public ::testing::TestWithParam<Wrong> {};

TEST_P(PowerComplaint, Names_line_field_and_remedy) {
    const std::string told = complaints(GetParam().text);
    EXPECT_NE(told.find(GetParam().told), std::string::npos) << told;
    EXPECT_FALSE(read(GetParam().text).config.slots.at(0).power.has_value());
}

const std::string kGpio = "[slot.power]\ndriver = \"gpio\"\nchip = \"c\"\n";
const std::string kRelay = "[slot.power]\ndriver = \"serial-relay\"\ndevice = \"/dev/ttyS0\"\n";
const std::string kHttp = "[slot.power]\ndriver = \"http\"\n";
const std::string kSnmp =
    "[slot.power]\ndriver = \"snmp\"\naddress = \"10.0.0.7\"\n"
    "settings_file = \"/etc/lineside/strip/snmp.conf\"\n";

INSTANTIATE_TEST_SUITE_P(
    All, PowerComplaint,
    ::testing::Values(
        Wrong{"unknown", "[slot.power]\ndriver = \"hubport\"\n",
              "s.toml:5:10: slot.power.driver must be one of hub-port, manual, gpio, serial-relay, "
              "http, snmp, command; did you mean 'hub-port'?"},
        Wrong{"no_driver", "[slot.power]\noff_s = 1\n", "s.toml:4:1: slot.power.driver is missing"},
        Wrong{"recovery_alone", "[slot.recovery]\ndriver = \"gpio\"\nchip = \"c\"\nline = 1\n",
              "slot.power.driver is missing: [slot.recovery] goes with a [slot.power]"},
        Wrong{"recovery_by_hub",
              "[slot.power]\ndriver = \"hub-port\"\n[slot.recovery]\ndriver = \"hub-port\"\n",
              "s.toml:7:10: slot.recovery.driver must be one of gpio, serial-relay, http, snmp, "
              "command"},
        Wrong{"recovery_by_hand",
              "[slot.power]\ndriver = \"manual\"\n[slot.recovery]\ndriver = \"gpio\"\nchip = "
              "\"c\"\nline = 1\n",
              "slot.recovery.driver goes with a switch"},
        Wrong{"no_line", kGpio, "slot.power.line is missing: the line's number"},
        Wrong{"line_text", kGpio + "line = \"5\"\n",
              "s.toml:7:8: slot.power.line must be a whole number from 0 to 1023"},
        Wrong{"key_of_another", kGpio + "line = 5\nbaud = 9600\n",
              "s.toml:8:1: slot.power.baud is not a known key"},
        Wrong{"hex", kRelay + "on = \"A0 1\"\noff = \"00\"\n",
              "s.toml:7:6: slot.power.on must be bytes in hex"},
        Wrong{"no_bytes", kRelay + "on = \"  \"\noff = \"00\"\n", "slot.power.on must be bytes"},
        Wrong{"speed", kRelay + "on = \"01\"\noff = \"00\"\nbaud = 9601\n",
              "slot.power.baud must be a usual speed"},
        Wrong{"frame", kRelay + "on = \"01\"\noff = \"00\"\nframe = \"8X1\"\n",
              "slot.power.frame must be bits, parity and stop bits"},
        Wrong{"device",
              "[slot.power]\ndriver = \"serial-relay\"\ndevice = \"ttyS0\"\non = "
              "\"01\"\noff = \"00\"\n",
              "s.toml:6:10: slot.power.device must be a serial line below /dev"},
        Wrong{"https", kHttp + "on = \"https://10.0.0.7/\"\noff = \"http://10.0.0.7/\"\n",
              "s.toml:6:6: slot.power.on must begin with http://"},
        Wrong{"name", kHttp + "on = \"http://pdu.lan/1\"\noff = \"http://pdu.lan/0\"\n",
              "slot.power.on must be an address and a path"},
        Wrong{"login_in_url", kHttp + "on = \"http://a:b@10.0.0.7/\"\noff = \"http://10.0.0.7/\"\n",
              "slot.power.on must not hold a login: take user and password_file"},
        Wrong{"two_hosts", kHttp + "on = \"http://10.0.0.7/\"\noff = \"http://10.0.0.8/\"\n",
              "slot.power.off must have the address that \"on\" has"},
        Wrong{"half_a_login",
              kHttp + "on = \"http://10.0.0.7/\"\noff = \"http://10.0.0.7/\"\nuser = \"a\"\n",
              "slot.power.password_file is missing"},
        Wrong{"method",
              kHttp + "on = \"http://10.0.0.7/\"\noff = \"http://10.0.0.7/\"\nmethod = \"get\"\n",
              "slot.power.method must be \"GET\", \"POST\" or \"PUT\""},
        Wrong{"no_oid", kSnmp, "slot.power.oid is missing"},
        Wrong{"oid_by_name", kSnmp + "oid = \"sPDUOutletCtl.3\"\n",
              "s.toml:8:7: slot.power.oid must be an object's number"},
        Wrong{"same_values", kSnmp + "oid = \"1.3.6.1\"\non = 2\n",
              "slot.power.off must be another value than \"on\""},
        Wrong{"strip_by_name",
              "[slot.power]\ndriver = \"snmp\"\naddress = \"strip.lan\"\noid = \"1.3.6.1\"\n"
              "settings_file = \"/etc/strip.conf\"\n",
              "s.toml:6:11: slot.power.address must be an address, no name to be looked up"},
        Wrong{"settings",
              "[slot.power]\ndriver = \"snmp\"\naddress = \"10.0.0.7\"\noid = \"1.3.6.1\"\n"
              "settings_file = \"/etc/strip.conf\"\n",
              "s.toml:8:17: slot.power.settings_file must be the whole path of a snmp.conf"},
        Wrong{"shell", "[slot.power]\ndriver = \"command\"\non = [\"outlet on\"]\noff = []\n",
              "s.toml:6:6: slot.power.on must be a program by its whole path"},
        Wrong{"time", "[slot.power]\ndriver = \"hub-port\"\noff_s = 0\n",
              "slot.power.off_s must be a number from 0.1 to 120"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace lineside::config
