// SPDX-License-Identifier: Apache-2.0
// `lineside classify --method jetson-usb --way a|b|c|d [--exit N] FILE [--json]`: what a flash
// tool's log says of its run, by the worker's own code. Needs no service. Thread: the command's.
#pragma once

#include <CLI/CLI.hpp>

namespace lineside::app {

// Exit status: 0 said (whatever the outcome), 2 usage, or the file cannot be read.
void add_classify_command(CLI::App& app, int& status);

}  // namespace lineside::app
