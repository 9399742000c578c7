// SPDX-License-Identifier: Apache-2.0
#include "workers/sdk/tool_lines.h"

namespace lineside::worker {

void ToolLines::push(std::string_view bytes, const Take& take) {
    while (!bytes.empty()) {
        if (after_return_ && bytes.front() == '\n') {
            bytes.remove_prefix(1);
            after_return_ = false;
            continue;
        }
        after_return_ = false;
        const auto end = bytes.find_first_of("\r\n");
        const auto piece = bytes.substr(0, std::min(end, max_line_ - line_.size()));
        line_.append(piece);
        bytes.remove_prefix(piece.size());
        const bool ended = !bytes.empty() && (bytes.front() == '\r' || bytes.front() == '\n');
        if (ended) {
            after_return_ = bytes.front() == '\r';
            bytes.remove_prefix(1);
        }
        if (ended || line_.size() >= max_line_) {
            const std::string line = std::exchange(line_, {});
            take(line);
        }
    }
}

void ToolLines::finish(const Take& take) {
    after_return_ = false;
    if (!line_.empty()) {
        const std::string line = std::exchange(line_, {});
        take(line);
    }
}

}  // namespace lineside::worker
