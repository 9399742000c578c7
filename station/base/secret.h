// SPDX-License-Identifier: Apache-2.0
// A secret in memory: wiped on destruction, never printed. There is no operator<<, no formatter and
// no JSON conversion; who needs the value says reveal() where a reviewer can see it.
// Thread: as any value.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace lineside::base {

class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    Secret(const Secret&) = default;
    Secret& operator=(const Secret& other) {
        if (this != &other) {
            wipe();
            value_ = other.value_;
        }
        return *this;
    }
    Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            wipe();
            value_ = std::move(other.value_);
            other.wipe();
        }
        return *this;
    }
    ~Secret() { wipe(); }

    [[nodiscard]] std::string_view reveal() const { return value_; }
    [[nodiscard]] bool empty() const { return value_.empty(); }

  private:
    void wipe() {
        volatile char* p = value_.data();
        for (std::size_t i = 0; i < value_.size(); ++i) {
            p[i] = 0;
        }
        value_.clear();
    }
    std::string value_;
};

}  // namespace lineside::base
