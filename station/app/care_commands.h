// SPDX-License-Identifier: Apache-2.0
// Commands that care for what a station keeps: backup, restore, the sealing key.
// Thread: the command's.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace lineside::app {

// Adds `backup`, `restore` and to `key`: `rotate`, `status`, `append`. The exit status goes to
// `status`: 0 done, 1 refused or not so, 2 usage, 3 no service.
void add_care_commands(CLI::App& app, const std::string& socket, int& status);

}  // namespace lineside::app
