// SPDX-License-Identifier: Apache-2.0
// Collects small texts into pieces of at most 64 KiB for a Sink, and remembers that the receiver
// left. Thread: one.
#pragma once

#include "station/records/record_export.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace lineside::records {

inline constexpr std::size_t kPieceBytes = 64 * 1024;

class PieceWriter {
  public:
    explicit PieceWriter(const Sink& sink) : sink_(sink) {}
    // False once the receiver is gone.
    bool write(std::string_view text) {
        while (good_ && !text.empty()) {
            const std::size_t part = std::min(text.size(), kPieceBytes - piece_.size());
            piece_.append(text.substr(0, part));
            text.remove_prefix(part);
            if (piece_.size() == kPieceBytes) {
                flush();
            }
        }
        return good_;
    }
    [[nodiscard]] bool finish() {
        if (good_ && !piece_.empty()) {
            flush();
        }
        return good_;
    }

  private:
    void flush() {
        good_ = sink_(std::string(piece_));  // a copy: g++ 12 warns falsely about a move here
        piece_.clear();
    }
    const Sink& sink_;
    std::string piece_;
    bool good_ = true;
};

}  // namespace lineside::records
