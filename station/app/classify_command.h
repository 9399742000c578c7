// SPDX-License-Identifier: Apache-2.0
// `lineside classify --method jetson-usb --way a|b|c|d [--exit N] FILE [--json]`: what a flash
// tool's log says of its run, by the worker's own code. Needs no service. Thread: the command's.
#pragma once

#include <CLI/CLI.hpp>

namespace lineside::app {

// Exit status: 0 said (whatever the outcome), 2 usage, or the file cannot be read.
void add_classify_command(CLI::App& app, int& status);

// `lineside import-check PATH [--json]`: kind, board, release and hash of a tree or package, and
// what it does not say. Exit status: 0 it can be flashed, 1 it lacks something, 2 it cannot be
// read.
void add_import_check_command(CLI::App& app, int& status);

}  // namespace lineside::app
