// SPDX-License-Identifier: Apache-2.0
#include "station/config/power_reader.h"

#include "station/base/text.h"
#include "station/config/table_reader.h"
#include "station/loop/endpoint.h"
#include "station/power/serial_frame.h"

#include <fmt/format.h>

#include <array>

namespace lineside::config {
namespace {

using power::Driver;
using power::SwitchPlan;

constexpr std::size_t kMostBytes = 64;  // to a relay
constexpr std::size_t kMostUrl = 1024;
constexpr std::string_view kScheme = "http://";

void read_gpio(TableReader& in, SwitchPlan& plan) {
    plan.chip = in.required_text("chip");
    plan.line = static_cast<unsigned>(in.number("line", 0, 0, 1023));
    if (!in.has("line")) {
        in.complain("line", "is missing: the line's number on its chip, as gpioinfo lists it");
    }
    plan.active_low = in.flag("active_low", false);
}

std::string read_bytes(TableReader& in, std::string_view key, bool required) {
    const std::string text = required ? in.required_text(key) : in.text(key, "");
    const auto bytes = power::bytes_of_hex(text);
    if (!bytes || bytes->size() > kMostBytes || (required && !text.empty() && bytes->empty())) {
        in.complain(key, fmt::format("must be bytes in hex, such as \"A0 01 01 A2\", at most {}",
                                     kMostBytes));
    }
    return bytes.value_or("");
}

void read_serial(TableReader& in, SwitchPlan& plan) {
    plan.device = in.required_text("device");
    if (!plan.device.empty() && !plan.device.starts_with("/dev/")) {
        in.complain("device",
                    "must be a serial line below /dev, best by its place: /dev/serial/by-path/…");
    }
    plan.baud = static_cast<int>(in.number("baud", plan.baud, 1200, 115'200));
    plan.frame = in.text("frame", plan.frame);
    if (!power::serial_format(plan.baud, "8N1")) {
        in.complain("baud",
                    "must be a usual speed: 1200, 2400, 4800, 9600, 19200, 38400, 57600 "
                    "or 115200");
    } else if (!power::serial_format(plan.baud, plan.frame)) {
        in.complain("frame", "must be bits, parity and stop bits, such as \"8N1\" or \"7E2\"");
    }
    plan.on_bytes = read_bytes(in, "on", true);
    plan.off_bytes = read_bytes(in, "off", true);
    plan.on_answer = read_bytes(in, "on_answer", false);
    plan.off_answer = read_bytes(in, "off_answer", false);
}

// Splits "http://10.0.0.7/relay/3?on"; complains of what is none.
std::string read_url(TableReader& in, std::string_view key, std::string& address) {
    const std::string url = in.required_text(key);
    if (url.empty()) {
        return {};
    }
    if (!url.starts_with(kScheme)) {
        in.complain(key,
                    "must begin with http://: switches are asked in the clear, so keep them on "
                    "a network of their own");
        return {};
    }
    const std::string_view rest = std::string_view(url).substr(kScheme.size());
    const auto slash = rest.find_first_of("/?");
    std::string host(rest.substr(0, slash));
    std::string target(slash == std::string_view::npos ? "/" : rest.substr(slash));
    if (target.front() == '?') {
        target.insert(0, 1, '/');
    }
    if (host.find('@') != std::string::npos) {
        in.complain(key, "must not hold a login: take user and password_file");
        return {};
    }
    if (!loop::endpoint_of(host)) {
        host += ":80";
    }
    const bool plain = std::all_of(target.begin(), target.end(),
                                   [](unsigned char c) { return c > ' ' && c < 0x7f && c != '#'; });
    if (!loop::endpoint_of(host) || !plain || url.size() > kMostUrl) {
        in.complain(key,
                    "must be an address and a path, no name to be looked up: "
                    "\"http://10.0.0.7/relay/3?turn=on\" or \"http://[fd00::7]:8080/…\"");
        return {};
    }
    if (!address.empty() && address != host) {
        in.complain(key, "must have the address that \"on\" has");
    }
    address = host;
    return target;
}

void read_http(TableReader& in, SwitchPlan& plan) {
    plan.on_target = read_url(in, "on", plan.address);
    plan.off_target = read_url(in, "off", plan.address);
    plan.method = in.text("method", plan.method);
    if (plan.method != "GET" && plan.method != "POST" && plan.method != "PUT") {
        in.complain("method", "must be \"GET\", \"POST\" or \"PUT\"");
    }
    plan.on_body = in.text("on_body", "");
    plan.off_body = in.text("off_body", "");
    plan.content_type = in.text("content_type", plan.content_type);
    if (plan.content_type.find_first_of("\r\n") != std::string::npos) {
        in.complain("content_type", "must be one line, such as \"application/json\"");
    }
    plan.user = in.text("user", "");
    plan.password_file = in.text("password_file", "");
    if (plan.user.empty() != plan.password_file.empty()) {
        in.complain(plan.user.empty() ? "user" : "password_file",
                    "is missing: a login is both, user and password_file");
    }
    if (!plan.password_file.empty() && plan.password_file.front() != '/') {
        in.complain("password_file",
                    "must be a whole path, such as "
                    "/run/credentials/lineside-stationd.service/pdu");
    }
}

bool is_oid(std::string_view text) {
    constexpr std::size_t kFewest = 3;
    constexpr std::size_t kMost = 64;
    constexpr std::size_t kDigits = 10;
    const auto arcs = base::split(text.substr(text.starts_with('.') ? 1 : 0), '.');
    return arcs.size() >= kFewest && arcs.size() <= kMost &&
           std::all_of(arcs.begin(), arcs.end(), [](std::string_view arc) {
               return !arc.empty() && arc.size() <= kDigits &&
                      arc.find_first_not_of("0123456789") == std::string_view::npos;
           });
}

std::string read_oid(TableReader& in, std::string_view key, bool required) {
    std::string text = required ? in.required_text(key) : in.text(key, "");
    if (!text.empty() && !is_oid(text)) {
        in.complain(key,
                    "must be an object's number, such as \"1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.3\"");
    }
    return text;
}

void read_snmp(TableReader& in, SwitchPlan& plan) {
    plan.address = in.required_text("address");
    if (!plan.address.empty() && !loop::endpoint_of(plan.address)) {
        plan.address += ":161";
        if (!loop::endpoint_of(plan.address)) {
            in.complain("address",
                        "must be an address, no name to be looked up: \"10.0.0.7\" or "
                        "\"[fd00::7]:1161\"");
        }
    }
    plan.oid = read_oid(in, "oid", true);
    plan.state_oid = read_oid(in, "state_oid", false);
    constexpr std::int64_t kMost = 0x7fffffff;
    plan.on_value = static_cast<int>(in.number("on", plan.on_value, 0, kMost));
    plan.off_value = static_cast<int>(in.number("off", plan.off_value, 0, kMost));
    if (plan.on_value == plan.off_value) {
        in.complain("off", "must be another value than \"on\"");
    }
    plan.settings_file = in.required_text("settings_file");
    if (!plan.settings_file.empty() &&
        (plan.settings_file.front() != '/' || !plan.settings_file.ends_with("/snmp.conf"))) {
        in.complain("settings_file",
                    "must be the whole path of a snmp.conf with version and community or login, "
                    "such as /etc/lineside/strip/snmp.conf");
    }
}

void read_command(TableReader& in, SwitchPlan& plan) {
    for (const auto& [key, words] :
         {std::pair("on", &plan.on_command), std::pair("off", &plan.off_command)}) {
        *words = in.texts(key);
        if (words->empty() || !words->front().starts_with('/')) {
            in.complain(key,
                        "must be a program by its whole path and its words, without a shell: "
                        "[\"/usr/local/bin/outlet\", \"3\", \"on\"]");
        }
    }
}

bool read_driver(TableReader& in, bool recovery, SwitchPlan& plan) {
    const std::string name = in.required_text("driver");
    const auto driver = power::driver_from_text(name);
    const bool of_units = driver == Driver::hub_port || driver == Driver::manual;
    if (!driver || (recovery && of_units)) {
        constexpr std::string_view kAll[]{"hub-port", "manual", "gpio",   "serial-relay",
                                          "http",     "snmp",   "command"};
        const auto known = std::span(kAll).subspan(recovery ? 2 : 0);
        const std::string near = driver ? "" : base::nearest(name, known);
        if (!name.empty()) {
            in.complain("driver", fmt::format("must be one of {}{}", fmt::join(known, ", "),
                                              near.empty() || near == name
                                                  ? ""
                                                  : fmt::format("; did you mean '{}'?", near)));
        }
        (void)in.rest();  // whose they are is not known
        return false;
    }
    plan.driver = *driver;
    plan.active_is_on = recovery;
    const double usual = plan.driver == Driver::manual     ? 900
                         : plan.driver == Driver::hub_port ? 15
                                                           : 5;
    plan.within = std::chrono::milliseconds(
        static_cast<std::int64_t>(in.real("within_s", usual, 0.1, 3600) * 1000));
    switch (plan.driver) {
        case Driver::gpio:
            read_gpio(in, plan);
            break;
        case Driver::serial_relay:
            read_serial(in, plan);
            break;
        case Driver::http:
            read_http(in, plan);
            break;
        case Driver::snmp:
            read_snmp(in, plan);
            break;
        case Driver::command:
            read_command(in, plan);
            break;
        case Driver::hub_port:
        case Driver::manual:
            break;
    }
    return true;
}

std::chrono::milliseconds read_time(TableReader& in, std::string_view key,
                                    std::chrono::milliseconds usual, double least, double most) {
    const double seconds = static_cast<double>(usual.count()) / 1000;
    return std::chrono::milliseconds(
        static_cast<std::int64_t>(in.real(key, seconds, least, most) * 1000));
}

}  // namespace

std::optional<power::SlotPower> read_power(const toml::table& slot, const toml::table* power,
                                           const toml::table* recovery, const std::string& file,
                                           std::vector<Complaint>& complaints) {
    if (power == nullptr && recovery == nullptr) {
        return std::nullopt;
    }
    const std::size_t before = complaints.size();
    power::SlotPower out;
    TableReader in(power, &slot, "slot.power", file, complaints);
    if (power == nullptr) {
        in.complain("driver", "is missing: [slot.recovery] goes with a [slot.power]");
        return std::nullopt;
    }
    out.off = read_time(in, "off_s", out.off, 0.1, 120);
    out.hold = read_time(in, "hold_s", out.hold, 0, 60);
    out.back = read_time(in, "back_s", out.back, 1, 600);
    read_driver(in, false, out.power);
    in.finish();
    if (recovery != nullptr) {
        TableReader held(recovery, recovery, "slot.recovery", file, complaints);
        SwitchPlan plan;
        read_driver(held, true, plan);
        held.finish();
        if (out.power.driver == Driver::manual) {
            held.complain("driver", "goes with a switch: a person who switches holds the button");
        }
        out.recovery = std::move(plan);
    }
    return complaints.size() == before ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace lineside::config
