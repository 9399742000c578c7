// SPDX-License-Identifier: Apache-2.0
// The host as the checks see it: files below a root, so that a test can play a host.
// Thread: any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace lineside::doctor {

class Host {
  public:
    explicit Host(std::string root) : root_(std::move(root)) {}

    [[nodiscard]] std::filesystem::path path(const std::string& absolute) const {
        return root_ + absolute;
    }
    [[nodiscard]] bool exists(const std::string& absolute) const;
    // Whether it exists is hidden from this user (a sandbox, a folder of others).
    [[nodiscard]] bool hidden(const std::string& absolute) const;
    // The whole file without its last line end; nothing when it cannot be read.
    [[nodiscard]] std::optional<std::string> read(const std::string& absolute) const;
    [[nodiscard]] std::optional<std::int64_t> number(const std::string& absolute) const;
    [[nodiscard]] bool program(const std::string& name) const;  // in the usual folders
    [[nodiscard]] bool user(const std::string& name) const;
    [[nodiscard]] bool process(const std::string& name) const;  // by /proc/<pid>/comm
    [[nodiscard]] bool sees_processes() const;                  // of other users, too
    [[nodiscard]] bool real() const { return root_.empty(); }

  private:
    std::string root_;
};

}  // namespace lineside::doctor
