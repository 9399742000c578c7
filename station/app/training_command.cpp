// SPDX-License-Identifier: Apache-2.0
#include "station/app/training_command.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <vector>

namespace lineside::app {
namespace {

namespace fs = std::filesystem;

constexpr int kNotThere = 3;

// Beside an installed program, or in the source tree that this one was built in.
fs::path training_program() {
    std::error_code error;
    const fs::path bin = fs::canonical("/proc/self/exe", error).parent_path();
    for (const char* place :
         {"../lib/lineside/training/deploy/training", "../../../deploy/training"}) {
        const fs::path found = fs::canonical(bin / place, error);
        if (!error && ::access(found.c_str(), X_OK) == 0) {
            return found;
        }
    }
    return {};
}

int run_training(const std::string& socket, const std::vector<std::string>& arguments) {
    const fs::path program = training_program();
    if (program.empty()) {
        std::cerr
            << "Training is not installed here: the virtual line that it needs is not part of "
               "a station's packages. Run it from a source tree of this version: build it "
               "there with deploy/run, then build/release/bin/lineside training start\n";
        return kNotThere;
    }
    ::setenv("LINESIDE_SOCKET", socket.c_str(), 1);  // whose wall shows the link
    std::vector<std::string> words{program.native()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    ::execv(program.c_str(), argv.data());
    std::cerr << program.native()
              << " cannot be started: " << std::error_code(errno, std::generic_category()).message()
              << "\n";
    return kNotThere;
}

}  // namespace

void add_training_command(CLI::App& app, const std::string& socket, int& status) {
    auto* training = app.add_subcommand(
        "training", "start, stop or status of a training station on virtual boards");
    training->prefix_command();
    training->set_help_flag();  // the program itself says what there is
    training->callback(
        [training, &socket, &status] { status = run_training(socket, training->remaining()); });
}

}  // namespace lineside::app
