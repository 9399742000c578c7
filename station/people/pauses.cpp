// SPDX-License-Identifier: Apache-2.0
#include "station/people/pauses.h"

#include <algorithm>

namespace lineside::people {
namespace {

constexpr std::int64_t kFirstMs = 1'000;
constexpr std::int64_t kLongestMs = 15 * 60'000;
constexpr std::int64_t kForgottenMs = 24 * 3'600'000;

}  // namespace

const Pauses::Tries* Pauses::find(const std::string& key, std::int64_t now_ms) const {
    const auto found = keys_.find(key);
    return found == keys_.end() || now_ms - found->second.last_ms > kForgottenMs ? nullptr
                                                                                 : &found->second;
}

std::int64_t Pauses::wait_ms(const std::string& key, std::int64_t now_ms) const {
    const Tries* tries = find(key, now_ms);
    return tries == nullptr ? 0 : std::max<std::int64_t>(0, tries->until_ms - now_ms);
}

int Pauses::tries_left(const std::string& key, std::int64_t now_ms) const {
    const Tries* tries = find(key, now_ms);
    return tries == nullptr ? free_ : std::max(0, free_ - tries->failures);
}

void Pauses::failed(const std::string& key, std::int64_t now_ms) {
    const Tries* known = find(key, now_ms);
    Tries tries = known == nullptr ? Tries{} : *known;
    ++tries.failures;
    tries.last_ms = now_ms;
    const int beyond = tries.failures - free_ - 1;
    if (beyond >= 0) {
        tries.until_ms = now_ms + std::min(kLongestMs, kFirstMs << std::min(beyond, 20));
    }
    if (keys_.size() >= kMost && !keys_.contains(key)) {
        keys_.erase(std::min_element(keys_.begin(), keys_.end(), [](const auto& a, const auto& b) {
            return a.second.until_ms < b.second.until_ms;
        }));
    }
    keys_[key] = tries;
}

}  // namespace lineside::people
