// SPDX-License-Identifier: Apache-2.0
#include "workers/protocol/line_splitter.h"

#include <fmt/format.h>

namespace lineside::protocol {

void LineSplitter::push(std::string_view bytes) {
    if (broken_) {
        return;
    }
    if (start_ > 0) {
        buffer_.erase(0, start_);
        scanned_ -= start_;
        start_ = 0;
    }
    buffer_.append(bytes);
}

base::Result<std::optional<std::string_view>> LineSplitter::next() {
    if (!broken_) {
        const auto end = buffer_.find('\n', scanned_);
        const auto length = (end == std::string::npos ? buffer_.size() : end) - start_;
        if (length <= max_line_) {
            if (end == std::string::npos) {
                scanned_ = buffer_.size();
                return std::nullopt;
            }
            const std::string_view line = std::string_view(buffer_).substr(start_, length);
            start_ = scanned_ = end + 1;
            return line;
        }
        broken_ = true;
        buffer_.clear();
        start_ = scanned_ = 0;
    }
    return base::fail("protocol.invalid", fmt::format("line longer than {} bytes", max_line_));
}

}  // namespace lineside::protocol
