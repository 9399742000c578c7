// SPDX-License-Identifier: Apache-2.0
// Buffers on their way out, written as fast as the reader takes them. Points into memory that its
// owner keeps. Internal to web/server. Thread: the io_context's.
#pragma once

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace lineside::web {

class Gather {
  public:
    void clear() {
        buffers_.clear();
        done_ = 0;
    }
    void add(boost::asio::const_buffer buffer) {
        if (buffer.size() > 0) {
            buffers_.push_back(buffer);
        }
    }
    [[nodiscard]] bool empty() const { return done_ == buffers_.size(); }
    // What one writev takes.
    [[nodiscard]] std::span<const boost::asio::const_buffer> front() const {
        constexpr std::size_t kMost = 64;
        const std::span<const boost::asio::const_buffer> all(buffers_);
        return all.subspan(done_, std::min(kMost, buffers_.size() - done_));
    }
    // Appends the first bytes of what is left, at most `most`.
    void copy_front(std::string& to, std::size_t most) const {
        for (const auto& buffer : front()) {
            const std::size_t part = std::min(most - to.size(), buffer.size());
            to.append(static_cast<const char*>(buffer.data()), part);
            if (to.size() == most) {
                return;
            }
        }
    }
    void consume(std::size_t bytes) {
        while (bytes > 0 && !empty()) {
            auto& first = buffers_[done_];
            const std::size_t part = std::min(bytes, first.size());
            first += part;
            bytes -= part;
            done_ += first.size() == 0 ? 1U : 0U;
        }
    }

  private:
    std::vector<boost::asio::const_buffer> buffers_;
    std::size_t done_ = 0;
};

}  // namespace lineside::web
