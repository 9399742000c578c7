// SPDX-License-Identifier: Apache-2.0
// A unit that is a folder: commands run in a local shell, in that folder as the login's home.
// Absolute paths that a program reads from its stdin (NUL separated) are looked up below `root` and
// told without it. Thread: one test at a time.
#pragma once

#include "provisioning/shell.h"

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace lineside::provisioning::testing {

namespace fs = std::filesystem;

inline std::string slurp(const fs::path& file) {
    std::ostringstream out;
    out << std::ifstream(file, std::ios::binary).rdbuf();
    return out.str();
}

class LocalShell final : public Shell {
  public:
    explicit LocalShell(fs::path home, fs::path root = {})
        : home_(std::move(home)), root_(root.string()) {}

    // What a unit answers instead, when set: gets the output of the local run.
    std::function<std::string(const std::string& command, std::string out)> twist;
    std::vector<std::string> commands;  // every command line that was sent

    base::Result<ExecEnd> exec(const ExecRequest& request) override {
        commands.push_back(request.command);
        const fs::path in = home_ / ".in";
        const fs::path out = home_ / ".out";
        const fs::path err = home_ / ".err";
        std::ofstream(in, std::ios::binary) << below_root(request.input);
        std::ofstream(home_ / ".command") << harmless(request.command);
        const std::string line = "cd '" + home_.string() + "' && sh ./.command <'" + in.string() +
                                 "' >'" + out.string() + "' 2>'" + err.string() + "'";
        const int status = std::system(line.c_str());
        ExecEnd end;
        end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
        std::string said = without_root(slurp(out));
        if (twist) {
            said = twist(request.command, std::move(said));
        }
        if (request.on_output) {
            for (std::size_t at = 0; at < said.size(); at += 1000) {
                if (auto taken =
                        request.on_output(Stream::out, std::string_view(said).substr(at, 1000));
                    !taken) {
                    return tl::unexpected(taken.error());
                }
            }
        }
        end.out = std::move(said);
        end.err = slurp(err);
        return end;
    }

  private:
    // A test must not empty the caches of the machine it runs on, nor wait for its disks.
    static std::string harmless(std::string command) {
        for (const auto& [what, with] :
             {std::pair<std::string, std::string>{"/proc/sys/vm/drop_caches", "/dev/null"},
              {"\nsync\n", "\n:\n"}}) {
            if (const auto at = command.find(what); at != std::string::npos) {
                command.replace(at, what.size(), with);
            }
        }
        return command;
    }
    std::string below_root(const std::string& input) const {
        if (root_.empty() || input.find('\0') == std::string::npos) {
            return input;
        }
        std::string out;
        bool start = true;
        for (const char c : input) {
            if (start) {
                out += root_;
            }
            out.push_back(c);
            start = c == '\0';
        }
        return out;
    }
    std::string without_root(std::string text) const {
        for (auto at = text.find(root_); !root_.empty() && at != std::string::npos;
             at = text.find(root_, at)) {
            text.erase(at, root_.size());
        }
        return text;
    }

    fs::path home_;
    std::string root_;
};

// A folder of its own that goes away with the test.
class TempDir {
  public:
    TempDir() {
        std::string name = fs::temp_directory_path() / "provisioning-XXXXXX";
        path_ = mkdtemp(name.data()) == nullptr ? fs::path() : fs::path(name);
    }
    ~TempDir() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    [[nodiscard]] const fs::path& path() const { return path_; }
    void write(const std::string& name, const std::string& content, bool executable = false) const {
        fs::create_directories((path_ / name).parent_path());
        std::ofstream(path_ / name, std::ios::binary) << content;
        fs::permissions(path_ / name, executable ? fs::perms(0755) : fs::perms(0644));
    }

  private:
    fs::path path_;
};

}  // namespace lineside::provisioning::testing
