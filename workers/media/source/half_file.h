// SPDX-License-Identifier: Apache-2.0
// The half of a download that is on disk, and what says that the server's file is still the same.
// Errors: media.source, disk.full.
// Thread: one; blocks on disk.
#pragma once

#include "station/base/error.h"
#include "station/base/unique_fd.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace lineside::media {

class HalfFile {
  public:
    static constexpr std::size_t kMostMark = 1024;

    explicit HalfFile(const std::filesystem::path& file)
        : part_(file.string() + ".part"), mark_file_(file.string() + ".mark") {}

    // What is there already; nothing where nobody can say what it is of.
    [[nodiscard]] base::Status open();
    [[nodiscard]] base::Status begin_anew(const std::string& mark);
    [[nodiscard]] base::Status append(std::string_view piece);
    // Under its own name from here on.   Durable: yes.
    [[nodiscard]] base::Status become(const std::filesystem::path& file);
    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] const std::string& mark() const { return mark_; }

  private:
    std::filesystem::path part_, mark_file_;
    base::UniqueFd fd_;
    std::uint64_t size_ = 0;
    std::string mark_;
};

}  // namespace lineside::media
