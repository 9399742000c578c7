// SPDX-License-Identifier: Apache-2.0
// The built worker against its own manifest: what it says of itself is what method.toml says. The
// station believes the worker, people and the helper read the manifest.
#include "station/base/unique_fd.h"
#include "workers/protocol/messages.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOML_EXCEPTIONS 0
#include "station/base/toml.h"

#include <array>
#include <string>

namespace lineside::jetson_usb {
namespace {

// The first line of the worker at `path`, "" if none came within 5 s. The worker ends by itself
// when its channel does.
std::string first_line_of(const std::string& path) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return {};
    }
    base::UniqueFd ours(ends[0]);
    base::UniqueFd its(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, its.get(), 3);
    std::string name = path;
    std::array<char*, 2> arguments{name.data(), nullptr};
    pid_t child = 0;
    const int spawned =
        ::posix_spawn(&child, path.c_str(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    its.reset();
    std::string line;
    pollfd readable{ours.get(), POLLIN, 0};
    char byte = 0;
    while (spawned == 0 && ::poll(&readable, 1, 5000) > 0 && ::read(ours.get(), &byte, 1) == 1 &&
           byte != '\n') {
        line += byte;
    }
    ours.reset();
    if (spawned == 0) {
        ::waitpid(child, nullptr, 0);
    }
    return line;
}

}  // namespace

TEST(Hello, Says_what_the_manifest_says) {
    const std::string folder = LINESIDE_METHOD_FOLDER;
    const auto manifest = toml::parse_file(folder + "/method.toml");
    ASSERT_TRUE(manifest) << manifest.error().description();
    const std::string line =
        first_line_of(folder + "/" + manifest["exec"].value_or(std::string("no exec")));
    const auto said = protocol::parse_from_worker(line);
    ASSERT_TRUE(said) << line << ": " << said.error().message;
    const auto& hello = std::get<protocol::Hello>(*said);
    EXPECT_EQ(hello.version, manifest["protocol"].value_or(0));
    EXPECT_EQ(hello.method, manifest["name"].value_or(std::string()));
    EXPECT_EQ(hello.silence_s, manifest["silence_s"].value_or(0));
    EXPECT_EQ(hello.chip_id, manifest["chip_id"].value_or(std::string()));
    EXPECT_FALSE(hello.chip_id.empty());
}

}  // namespace lineside::jetson_usb
