// SPDX-License-Identifier: Apache-2.0
// What both stand-in tools share: their command line, their progress bar and how they end. The
// printed texts and exit statuses are those the real R32.7.4 tools were seen to give.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace standin {

// How a tool ends early: the text (if any) goes to stdout.
struct Stop {
    int status;
    std::string text;
};
constexpr int kUsbGone = 8;     // no device, vanished, boot ROM silent
constexpr int kNotRunning = 4;  // tegradevflash: another loader is there
constexpr int kRefused = 1;     // the device said no

// The words after --instance PORT; `instance` is empty without one.
struct CommandLine {
    std::string instance;
    std::vector<std::string> words;
    // True when the word is there; its `count` following words go to `values`.
    bool has(const std::string& word, std::size_t count = 0,
             std::vector<std::string>* values = nullptr) const;
};
CommandLine read_command_line(int argc, char** argv);

// The bar of 48 dots, redrawn by \r, ended by "100%\r\n".
class Progress {
  public:
    void show(std::uint64_t done, std::uint64_t total);

  private:
    int percent_ = -1;
};

std::vector<std::uint8_t> read_file(const std::string& path);
void write_file(const std::string& path, const std::vector<std::uint8_t>& bytes);
void print(const std::string& text);
// Runs `body` and turns a Stop into output and an exit status. With STAND_IN_DETACH in the
// environment it runs in a process that has left its parent and its session: killing the one that
// was started does not end it.
int run(const std::function<void()>& body);

}  // namespace standin
