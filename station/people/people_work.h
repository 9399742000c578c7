// SPDX-License-Identifier: Apache-2.0
// How People does what takes time, and the words its parts share. Private to station/people.
#pragma once

#include "station/base/text.h"
#include "station/people/people.h"

#include <fmt/format.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace lineside::people {

inline constexpr std::size_t kLongestName = 64;

// Characters nobody sees, or that turn the text around them: two names that look alike would stand
// in the audit trail.
inline constexpr std::string_view kUnseen[] = {"\u00ad", "\u061c", "\u200b", "\u200c", "\u200d",
                                               "\u200e", "\u200f", "\u2028", "\u2029", "\u202a",
                                               "\u202b", "\u202c", "\u202d", "\u202e", "\u2060",
                                               "\u2066", "\u2067", "\u2068", "\u2069", "\ufeff"};

// Shown on pages and records: one line, nothing invisible.
inline base::Result<std::string> good_name(std::string_view what, std::string_view text) {
    const std::string name(base::trim_blanks(text));
    const bool control = std::any_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    const bool unseen =
        std::any_of(std::begin(kUnseen), std::end(kUnseen),
                    [&](std::string_view each) { return name.find(each) != std::string::npos; });
    if (name.empty() || name.size() > kLongestName || control || unseen) {
        return base::fail(
            "request.invalid",
            fmt::format("{}: 1 to {} bytes on one line, all to be seen", what, kLongestName));
    }
    return name;
}

inline std::string in_words(std::int64_t ms) {
    const std::int64_t s = (ms + 999) / 1000;
    return s < 60 ? fmt::format("{} s", s) : fmt::format("{} min", (s + 59) / 60);
}

template <typename T>
void People::hash_work(std::function<T()> work, std::function<void(T)> then) {
    ++hashing_;
    auto guard = boost::asio::make_work_guard(parts_.loop);
    boost::asio::post(pool_, [this, alive = alive_, work = std::move(work), then = std::move(then),
                              guard = std::move(guard)]() mutable {
        boost::asio::post(guard.get_executor(),
                          [this, alive, result = work(), then = std::move(then)]() mutable {
                              if (*alive) {
                                  --hashing_;
                                  then(std::move(result));
                              }
                          });
    });
}

template <typename T>
void People::commit(std::function<Result<T>(Tx&)> work, std::function<void(Result<T>)> then) {
    parts_.store.write<T>(std::move(work),
                          [alive = alive_, then = std::move(then)](Result<T> done) {
                              if (*alive) {
                                  then(std::move(done));
                              }
                          });
}

}  // namespace lineside::people
