// SPDX-License-Identifier: Apache-2.0
// Cuts a byte stream into lines of bounded length, for both ends of the channel. A line that is
// longer than the bound is an error and stays one: there is no way to find the next message after
// it. Usage: push(bytes), then next() until it gives no line. A view is valid until the next
// push(). Thread: as any value.
#pragma once

#include "station/base/error.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lineside::protocol {

class LineSplitter {
  public:
    explicit LineSplitter(std::size_t max_line) : max_line_(max_line) {}

    void push(std::string_view bytes);
    // The next whole line without its '\n', or nothing yet. Errors: protocol.invalid (line too
    // long).
    [[nodiscard]] base::Result<std::optional<std::string_view>> next();
    // Bytes of a line whose end has not come: not empty at EOF means the last message was cut off.
    [[nodiscard]] std::size_t pending() const { return buffer_.size() - start_; }

  private:
    std::size_t max_line_;
    std::string buffer_;
    std::size_t start_ = 0;    // of the first line not yet given
    std::size_t scanned_ = 0;  // no '\n' before this
    bool broken_ = false;
};

}  // namespace lineside::protocol
