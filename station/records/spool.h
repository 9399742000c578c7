// SPDX-License-Identifier: Apache-2.0
// Bytes that are written once and read once afterwards, on disk instead of in memory, in a file
// without a name: whoever drops the spool, or dies, leaves nothing behind. Private to
// station/records.   Errors: disk.full, station.bug.   Thread: one at a time; blocks on disk.
#pragma once

#include "station/base/error.h"
#include "station/base/unique_fd.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace lineside::records {

class Spool {
  public:
    // Nothing is made before the first bytes overflow the buffer (64 KiB).
    explicit Spool(std::filesystem::path folder) : folder_(std::move(folder)) {}

    [[nodiscard]] base::Status append(std::string_view bytes);
    [[nodiscard]] std::uint64_t size() const { return written_ + buffer_.size(); }
    // After the last append(): the next piece, at most 64 KiB; empty: that was all.
    [[nodiscard]] base::Result<std::string> next();

  private:
    [[nodiscard]] base::Status open();
    [[nodiscard]] base::Status flush();

    std::filesystem::path folder_;
    base::UniqueFd file_;
    std::string buffer_;         // behind what is in the file
    std::uint64_t written_ = 0;  // bytes in the file
    std::uint64_t read_ = 0;
};

}  // namespace lineside::records
