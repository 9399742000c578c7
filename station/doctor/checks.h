// SPDX-License-Identifier: Apache-2.0
// The checks of a host, one function each, in the order they are told.
// Thread: any.
#pragma once

#include "station/doctor/host.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::doctor {

// What a profile flashes from: a tree or an unpacked package, by the program that flashes with it;
// or a package's archive.
struct Source {
    std::string path;
    std::string program;  // below path; "" = path is an archive
};

// What a slot's power switch needs of this host.
struct PowerNeed {
    enum class What { chip, device, program, password, hub_port };
    What what = What::device;
    std::string slot;
    std::string name;  // a path, a GPIO chip's label, a port
};

// What the checks need to know of this station; the defaults are those of an installed one.
struct Wanted {
    std::string config;  // "" = there is no readable configuration
    std::string data = "/var/lib/lineside";
    std::string lanes = "/var/lib/lineside-helper/lanes";
    std::string key_file = "/etc/lineside/station.key";
    std::string signing_key = "/var/lib/lineside-keys/signing.pem";
    std::string helper_socket = "/run/lineside-helper/helper.sock";
    std::string station_socket = "/run/lineside/station.sock";
    std::string cgroup_root;  // "" = not configured
    std::string service_user = "lineside";
    std::string worker_user = "lineside-worker";
    std::uint16_t port = 8080;
    std::vector<Source> bsp;  // of the profiles
    std::vector<PowerNeed> power;
    bool helper_read = false;               // helper.toml was there to be read
    std::vector<std::string> switch_ports;  // … which ports it lets the service switch
};

enum class Weight { fine, warning, error };

struct Finding {
    std::string code;  // "host.autosuspend"
    Weight weight = Weight::fine;
    std::string cause;  // one sentence, what is so
    std::string mend;   // the command that mends it
};

// `code` is that of its finding, or how that one begins.
struct Check {
    std::string_view code;
    Finding (*look)(const Host& host, const Wanted& wanted);
};
[[nodiscard]] std::span<const Check> checks();
// One finding per check; a check that finds nothing wrong gives a fine one.
[[nodiscard]] std::vector<Finding> check_host(const Host& host, const Wanted& wanted);

}  // namespace lineside::doctor
