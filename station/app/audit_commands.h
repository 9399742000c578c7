// SPDX-License-Identifier: Apache-2.0
// The commands `lineside audit`, `lineside certificate` and `lineside key`. Checking and making a
// key work without a service; export and get ask the running one.
// Thread: the command's.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace lineside::app {

// Adds the commands; each sets `status` to its exit code when it ran.
void add_audit_commands(CLI::App& app, const std::string& socket, int& status);

}  // namespace lineside::app
