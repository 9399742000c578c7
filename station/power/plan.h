// SPDX-License-Identifier: Apache-2.0
// How a slot's unit is switched off and on: [slot.power] of station.toml, and [slot.recovery], the
// line that makes it enter recovery mode. Read at start, constant afterwards.
// Thread: any (plain values).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::power {

enum class Driver { hub_port, gpio, serial_relay, http, snmp, command, manual };
[[nodiscard]] std::string_view to_text(Driver driver);  // as in station.toml: "hub-port"
[[nodiscard]] std::optional<Driver> driver_from_text(std::string_view text);

// net-snmp's program, of Debian's package snmp.
inline constexpr std::string_view kSnmpSet = "/usr/bin/snmpset";

// One switch, of whatever kind. Only the members of its driver mean something.
struct SwitchPlan {
    Driver driver = Driver::manual;
    std::chrono::milliseconds within{5'000};  // for one switching; manual: for the person
    // gpio. Power: the line is active while it is off, and nobody's when the station is not
    // running, so that units stay on then. Recovery: active while it is on.
    std::string chip;           // "/dev/gpiochip0", or the chip's label: "mcp2221_gpio"
    unsigned line = 0;          // offset on that chip
    bool active_low = false;    // active is 0 V
    bool active_is_on = false;  // of the recovery line
    // serial-relay
    std::string device;  // "/dev/serial/by-path/…"
    int baud = 9600;
    std::string frame = "8N1";
    std::string on_bytes;  // raw, out of hex
    std::string off_bytes;
    std::string on_answer;  // what the relay says to it; "": nothing is waited for
    std::string off_answer;
    // http, without TLS
    std::string address;  // "10.0.0.7:80", "[fd00::7]:8080": no name to be looked up; of snmp, too
    std::string method = "GET";
    std::string on_target;  // "/relay/3?turn=on"
    std::string off_target;
    std::string on_body;
    std::string off_body;
    std::string content_type = "text/plain";
    std::string user;           // "": no login
    std::string password_file;  // read at each switching; its first line is the password
    // snmp, by kSnmpSet
    std::string oid;  // of what switches the socket: an INTEGER
    int on_value = 1;
    int off_value = 2;
    std::string state_oid;      // read until it has that value, too; "": the answer is believed
    std::string settings_file;  // …/snmp.conf: version, community or login
    // command
    std::vector<std::string> on_command;  // argv, no shell
    std::vector<std::string> off_command;
};

struct SlotPower {
    SwitchPlan power;
    // On from before the power comes until `hold` after it: the unit then enters recovery mode.
    std::optional<SwitchPlan> recovery;
    std::chrono::milliseconds off{2'000};    // how long it stays off
    std::chrono::milliseconds hold{1'000};   // how long the recovery line is held once it is on
    std::chrono::milliseconds back{60'000};  // from on to its return in recovery mode
};

}  // namespace lineside::power
