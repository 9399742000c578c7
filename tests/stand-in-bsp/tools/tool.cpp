// SPDX-License-Identifier: Apache-2.0
#include "tool.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace standin {

bool CommandLine::has(const std::string& word, std::size_t count,
                      std::vector<std::string>* values) const {
    const auto it = std::find(words.begin(), words.end(), word);
    if (it == words.end() || static_cast<std::size_t>(words.end() - it) <= count) {
        return false;
    }
    if (values != nullptr) {
        values->assign(it + 1, it + 1 + static_cast<std::ptrdiff_t>(count));
    }
    return true;
}

CommandLine read_command_line(int argc, char** argv) {
    CommandLine line;
    for (int i = 1; i < argc; i++) {
        const std::string word = argv[i];
        if (word == "--instance" && i + 1 < argc) {
            line.instance = argv[++i];
        } else {
            line.words.push_back(word);
        }
    }
    return line;
}

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

void Progress::show(std::uint64_t done, std::uint64_t total) {
    constexpr std::uint64_t kDots = 48;
    const int percent = static_cast<int>(total == 0 ? 100 : done * 100 / total);
    if (percent == percent_) {
        return;
    }
    percent_ = percent;
    const auto dots = static_cast<std::size_t>(static_cast<std::uint64_t>(percent) * kDots / 100);
    char number[24];
    std::snprintf(number, sizeof number, "] %03d%%\r", percent);
    print("[" + std::string(dots, '.') + std::string(kDots - dots, ' ') + number +
          (percent == 100 ? "\n" : ""));
}

std::vector<std::uint8_t> read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        throw Stop{kRefused, "Error: cannot open " + path + "\n"};
    }
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_file(const std::string& path, const std::vector<std::uint8_t>& bytes) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) {
        throw Stop{kRefused, "Error: cannot write " + path + "\n"};
    }
}

namespace {

int run_here(const std::function<void()>& body) {
    try {
        body();
    } catch (const Stop& stop) {
        print(stop.text);
        return stop.status;
    }
    return 0;
}

// Two forks and a session of its own, as a tool that wants to outlive its caller does; the caller
// waits on a pipe.
int run_detached(const std::function<void()>& body) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return kRefused;
    }
    const pid_t first = ::fork();
    if (first == 0) {
        ::setsid();
        if (::fork() != 0) {
            ::_exit(0);
        }
        const auto status = static_cast<unsigned char>(run_here(body));
        std::fflush(stdout);
        ::_exit(::write(ends[1], &status, 1) == 1 ? 0 : 1);
    }
    ::close(ends[1]);
    ::waitpid(first, nullptr, 0);
    unsigned char status = kRefused;
    [[maybe_unused]] const auto got = ::read(ends[0], &status, 1);
    return status;
}

}  // namespace

int run(const std::function<void()>& body) {
    return std::getenv("STAND_IN_DETACH") != nullptr ? run_detached(body) : run_here(body);
}

}  // namespace standin
