// SPDX-License-Identifier: Apache-2.0
#include "station/doctor/power.h"

#include "station/power/plan.h"
#include "station/usb/port_path.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

namespace lineside::doctor {
namespace {

constexpr const char* kCode = "host.power";

Finding wrong(const PowerNeed& need, std::string_view cause, std::string mend) {
    return {kCode, Weight::error, fmt::format("power of slot {}: {}", need.slot, cause),
            std::move(mend)};
}

// By its label, as libgpiod looks for it.
bool chip_there(const Host& host, const std::string& name) {
    if (name.starts_with('/')) {
        return host.exists(name);
    }
    if (host.exists("/dev/" + name)) {
        return true;
    }
    std::error_code error;
    for (const auto& chip :
         std::filesystem::directory_iterator(host.path("/sys/class/gpio"), error)) {
        const std::string file = "/sys/class/gpio/" + chip.path().filename().string() + "/label";
        if (host.read(file) == name) {
            return true;
        }
    }
    // Without the old interface in sysfs only the chip itself would tell.
    return error && host.exists("/dev/gpiochip0");
}

mode_t mode_of(const Host& host, const std::string& path) {
    struct stat status {};
    return ::stat(host.path(path).c_str(), &status) == 0 ? status.st_mode : 0;
}

std::optional<Finding> problem(const Host& host, const Wanted& wanted, const PowerNeed& need) {
    using enum PowerNeed::What;
    switch (need.what) {
        case chip:
            return chip_there(host, need.name)
                       ? std::nullopt
                       : std::optional(wrong(need,
                                             fmt::format("there is no GPIO chip {}", need.name),
                                             "gpiodetect"));
        case device:
            return host.exists(need.name) || host.hidden(need.name)
                       ? std::nullopt
                       : std::optional(wrong(need, need.name + " is not there",
                                             "ls -l /dev/serial/by-path/"));
        case program:
            if (host.hidden(need.name) || (mode_of(host, need.name) & 0111) != 0) {
                return std::nullopt;
            }
            return wrong(
                need, need.name + " is no program that can be run",
                need.name == power::kSnmpSet ? "apt-get install snmp" : "chmod +x " + need.name);
        case password:
            if (!host.exists(need.name) && !host.hidden(need.name)) {
                return wrong(need, fmt::format("its password file {} is not there", need.name),
                             "install -m 0600 -o lineside /dev/stdin " + need.name);
            }
            return (mode_of(host, need.name) & 077) == 0
                       ? std::nullopt
                       : std::optional(wrong(
                             need, fmt::format("others may read its password in {}", need.name),
                             "chmod go= " + need.name));
        case hub_port:
            if (!wanted.helper_read ||
                std::any_of(wanted.switch_ports.begin(), wanted.switch_ports.end(),
                            [&](const std::string& may) {
                                return need.name == may || usb::is_behind(need.name, may);
                            })) {
                return std::nullopt;
            }
            return wrong(need, fmt::format("the root helper may not switch port {}", need.name),
                         fmt::format("add \"{}\" to switch_ports of /etc/lineside/helper.toml, "
                                     "then: systemctl restart lineside-helper",
                                     need.name));
    }
    return std::nullopt;
}

}  // namespace

Finding power_switches(const Host& host, const Wanted& wanted) {
    for (const PowerNeed& need : wanted.power) {
        if (auto found = problem(host, wanted, need)) {
            return *found;
        }
    }
    return {kCode, Weight::fine, "", ""};
}

}  // namespace lineside::doctor
