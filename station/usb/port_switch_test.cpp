// SPDX-License-Identifier: Apache-2.0
// The switch of a port over a sysfs of plain files: which files are written, and that a hub's own
// word counts. The kernel's side of it is not shown here.
#include "station/usb/port_switch.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace lineside::usb {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class PortSwitch : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string name = ::testing::TempDir() + "ports-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        sysfs = fs::canonical(name);
        fs::create_directories(sysfs / "bus/usb/devices");
        // A socket with both halves behind a hub with both, and one of a root hub without USB 3.
        hub("usb1/1-1", 480);
        hub("usb2/2-1", 5000);
        hub("usb1", 480);
        hub("usb2", 5000);
        usb2 = port("usb1/1-1/1-1:1.0/1-1-port3");
        usb3 = port("usb2/2-1/2-1:1.0/2-1-port3");
        fs::create_directory_symlink(usb3, usb2 / "peer");
        fs::create_directory_symlink(usb2, usb3 / "peer");
        root = port("usb1/1-0:1.0/usb1-port13");
    }
    void TearDown() override { fs::remove_all(sysfs); }

    fs::path controller() { return sysfs / "devices/pci0000:00/0000:00:14.0"; }
    void hub(const std::string& path, int speed) {
        const fs::path folder = controller() / path;
        fs::create_directories(folder);
        std::ofstream(folder / "speed") << speed << "\n";
        std::ofstream(folder / "busnum") << (speed == 480 ? 1 : 2) << "\n";
        std::ofstream(folder / "devnum") << "7\n";
        fs::create_directory_symlink(folder, sysfs / "bus/usb/devices" / folder.filename());
    }
    fs::path port(const std::string& path) {
        const fs::path folder = controller() / path;
        fs::create_directories(folder);
        std::ofstream(folder / "disable") << "0\n";
        return folder;
    }
    static std::string state(const fs::path& port) {
        std::string text;
        std::ifstream(port / "disable") >> text;
        return text;
    }
    base::Status set(const std::string& chain, bool on) {
        Ports ports;
        ports.sysfs = sysfs;
        ports.settle = 30ms;
        ports.ask = [this](int bus, int device, bool super_speed) {
            EXPECT_EQ(super_speed, bus == 2);
            EXPECT_EQ(device, 7);
            if (on_ask && super_speed) {
                on_ask();
            }
            return bus == 2 ? usb3_says : usb2_says;
        };
        return switch_port("pci-0000:00:14.0-usb-0:" + chain, on, ports);
    }

    std::optional<unsigned> usb2_says = 0x0009;  // each port alone, over-current likewise
    std::optional<unsigned> usb3_says = 0x0001;
    std::function<void()> on_ask;
    fs::path sysfs;
    fs::path usb2;
    fs::path usb3;
    fs::path root;
};

TEST_F(PortSwitch, Both_halves_of_a_socket_go_off_and_on) {
    ASSERT_TRUE(set("1.3", false));
    EXPECT_EQ(state(usb2), "1");
    EXPECT_EQ(state(usb3), "1");
    EXPECT_EQ(state(root), "0");
    ASSERT_TRUE(set("1.3", true));
    EXPECT_EQ(state(usb2), "0");
    EXPECT_EQ(state(usb3), "0");
}

TEST_F(PortSwitch, A_port_of_the_root_hub_is_found_and_one_is_not_thirteen) {
    ASSERT_TRUE(set("13", false));
    EXPECT_EQ(state(root), "1");
    EXPECT_EQ(state(usb2), "0");
    EXPECT_EQ(set("1", false).error().code, "power.failed");
    EXPECT_EQ(set("1.13", false).error().code, "power.failed");
}

// The key alone could be a port of the USB 3 root hub: a unit in recovery mode is never there.
TEST_F(PortSwitch, The_key_is_the_usb2_half) {
    port("usb2/2-0:1.0/usb2-port2");
    EXPECT_FALSE(set("2", false));
}

TEST_F(PortSwitch, A_hub_that_says_otherwise_is_an_error_and_gets_its_power_back) {
    on_ask = [this] {  // from then on its port takes all, and stays as it was
        fs::remove(usb3 / "disable");
        fs::create_symlink("/dev/null", usb3 / "disable");
    };
    const auto told = set("1.3", false);
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().code, "power.failed");
    EXPECT_NE(told.error().message.find("2-1-port3 did not switch off"), std::string::npos)
        << told.error().message;
    EXPECT_EQ(state(usb2), "0");
}

// Nothing is touched: the unit would be lost to the kernel, and still have its power.
TEST_F(PortSwitch, A_hub_that_cannot_switch_a_port_alone_is_left_as_it_is) {
    struct {
        std::optional<unsigned> says;
        const char* told;
    } rows[] = {{0x0008, "cannot switch one port alone"},
                {0x000a, "cannot switch one port at all"},
                {std::nullopt, "does not answer"}};
    for (const auto& row : rows) {
        usb3_says = row.says;
        const auto told = set("1.3", false);
        ASSERT_FALSE(told);
        EXPECT_EQ(told.error().message, std::string("Hub 2-1 ") + row.told);
        EXPECT_EQ(state(usb2), "0");
    }
}

TEST_F(PortSwitch, What_is_still_plugged_in_was_not_switched_off) {
    fs::create_directory(usb2 / "device");
    EXPECT_FALSE(set("1.3", false));
    EXPECT_EQ(state(usb2), "0");
    EXPECT_TRUE(set("1.3", true));  // on, there may be something
}

TEST_F(PortSwitch, A_kernel_without_the_switch_is_named) {
    fs::remove(usb3 / "disable");
    const auto told = set("1.3", false);
    ASSERT_FALSE(told);
    EXPECT_NE(told.error().message.find("Linux 6.0"), std::string::npos) << told.error().message;
    EXPECT_EQ(state(usb2), "0");
}

}  // namespace
}  // namespace lineside::usb
