// SPDX-License-Identifier: Apache-2.0
// A stand-in for the engine's command line, for tests: writes down how it was called and does what
// the test says. Thread: one.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace lineside::container::testing {

inline const std::string kId = "sha256:" + std::string(64, 'a');
inline const std::string kDigest = "sha256:" + std::string(64, 'd');
inline const std::string kImage = "reeplayer/camera-sw:l4t-system-crc-nx-32.7.2-5";

class FakeEngine {
  public:
    // docker 20.10 with nothing fetched; a fetch succeeds, and what runs says "flashed".
    FakeEngine() {
        std::string name = ::testing::TempDir() + "/engine.XXXXXX";
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        write("docker",
              "#!/bin/sh\nhere=$(dirname \"$0\")\nfor word; do printf '%s|' \"$word\"; done "
              ">>\"$here/calls\"\necho >>\"$here/calls\"\n"
              "case $1 in --version) what=name;; version|info) what=probe;; image) "
              "what=inspect;; *) what=$1;; esac\n. \"$here/$what\"\n");
        std::filesystem::permissions(folder_ / "docker", std::filesystem::perms::owner_all);
        write("name", "echo 'Docker version 20.10.24, build 297e128'");
        write("probe", "echo 20.10.24");
        write("inspect",
              "[ -e \"$here/pulled\" ] || { echo \"Error: No such image: $5\" >&2; exit "
              "1; }\necho '" +
                  kId + " [\"reeplayer/camera-sw@" + kDigest + "\"]'");
        write("pull",
              "echo 'ea362f368469: Pulling fs layer'; echo '0123456789ab: Already exists'\n"
              "echo 'ea362f368469: Pull complete'; : >\"$here/pulled\"");
        write("run", "echo flashed");
        for (const char* done : {"pause", "unpause"}) {
            write(done, "exit 0");
        }
        write("rm", "exit 1");
    }
    ~FakeEngine() { std::filesystem::remove_all(folder_); }
    FakeEngine(const FakeEngine&) = delete;
    FakeEngine& operator=(const FakeEngine&) = delete;

    // What a call does: name, probe, inspect, pull, run, pause, unpause, rm.
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ / name) << text << "\n";
    }
    // One call a line, each word ended by '|'.
    [[nodiscard]] std::string calls() const {
        std::ifstream file(folder_ / "calls");
        std::stringstream text;
        text << file.rdbuf();
        return text.str();
    }
    [[nodiscard]] std::string program() const { return folder_ / "docker"; }
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

  private:
    std::filesystem::path folder_;
};

}  // namespace lineside::container::testing
