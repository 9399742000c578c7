// SPDX-License-Identifier: Apache-2.0
// `lineside doctor [--json] [--leftovers]`: what is wrong with this host before the first unit
// suffers from it, each with a code, the cause and the command that mends it; or what dead jobs
// left behind. Changes nothing. Exit status: 0 nothing (warnings count as nothing), 1 found.
// Thread: any; blocks for some ten milliseconds.
#pragma once

#include "station/doctor/checks.h"

#include <iosfwd>
#include <string>

namespace CLI {
class App;
}

namespace lineside::doctor {

struct Options {
    bool json = false;
    bool leftovers = false;
    std::string config = "/etc/lineside/station.toml";
    std::string helper_config = "/etc/lineside/helper.toml";
    std::string helper_socket;  // "" = from the configuration
    std::string root;           // "" = this host; tests give a folder that looks like one
    bool of_service = false;    // the station looks itself: its key is the credential it was given
};

// What the checks need to know, from the two configurations; what cannot be read keeps its default.
[[nodiscard]] Wanted wanted_by(const Options& options, const Host& host);
[[nodiscard]] std::string_view to_text(Weight weight);  // fine, warning, error

void add_options(CLI::App& command, Options& options);
[[nodiscard]] int run_doctor(const Options& options);
[[nodiscard]] int run_doctor(const Options& options, std::ostream& out);

}  // namespace lineside::doctor
