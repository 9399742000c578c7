// SPDX-License-Identifier: Apache-2.0
// How long somebody who guesses must wait: a pause that grows with each failure, for a place that
// asks and for an account asked from that place. Nobody is locked out: the owner of an account who
// comes from elsewhere does not wait for who guesses here.
// Thread: one at a time. Memory: at most kMost keys, the one that may go on first is forgotten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

namespace lineside::people {

class Pauses {
  public:
    // The first `free` failures cost nothing, then 1 s, doubled each time, at most 15 min. A day
    // without a failure forgets all.
    explicit Pauses(int free) : free_(free) {}
    // Milliseconds from `now_ms` (monotonic) until a try of `key` is looked at; 0 = now.
    [[nodiscard]] std::int64_t wait_ms(const std::string& key, std::int64_t now_ms) const;
    void failed(const std::string& key, std::int64_t now_ms);
    void good(const std::string& key) { keys_.erase(key); }
    // Failures that are still free.
    [[nodiscard]] int tries_left(const std::string& key, std::int64_t now_ms) const;

    static constexpr std::size_t kMost = 4096;

  private:
    struct Tries {
        int failures = 0;
        std::int64_t until_ms = 0;
        std::int64_t last_ms = 0;
    };
    [[nodiscard]] const Tries* find(const std::string& key, std::int64_t now_ms) const;
    int free_;
    std::unordered_map<std::string, Tries> keys_;
};

}  // namespace lineside::people
