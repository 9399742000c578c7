// SPDX-License-Identifier: Apache-2.0
// `lineside training start|stop|status`: a second station on virtual boards, apart from this one.
// Thread: the command's.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace lineside::app {

// The program that does it (deploy/training) gets what follows `training`, and takes the place of
// this one. Exit status where it is not there: 3.
void add_training_command(CLI::App& app, const std::string& socket, int& status);

}  // namespace lineside::app
