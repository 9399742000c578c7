// SPDX-License-Identifier: Apache-2.0
// Cuts a vendor tool's output into lines as a person would see them: '\r', '\n' and "\r\n" each end
// a line, for progress bars are redrawn with '\r' alone. A line longer than the bound is given in
// pieces: tool output may be anything and is never an error.
// Thread: as any value.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace lineside::worker {

class ToolLines {
  public:
    using Take = std::function<void(std::string_view line)>;
    explicit ToolLines(std::size_t max_line = 16 * 1024) : max_line_(max_line) {}

    void push(std::string_view bytes, const Take& take);
    void finish(const Take& take);  // what stands there without an end

  private:
    std::size_t max_line_;
    std::string line_;
    bool after_return_ = false;
};

}  // namespace lineside::worker
