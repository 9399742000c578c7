// SPDX-License-Identifier: Apache-2.0
#include "workers/media/recipe/outside.h"

#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>

namespace lineside::media {
namespace {

// A card that is partitioned in part only has gigabytes that no boot loader goes to.
constexpr std::uint64_t kMostOfAGap = 64 * kPieceBytes;

}  // namespace

base::Result<std::string> put_variables(
    std::string_view word,
    const std::function<base::Result<std::string>(std::string_view name)>& value) {
    std::string result;
    while (!word.empty()) {
        const auto begin = word.find("${");
        const auto end = begin == std::string_view::npos ? begin : word.find('}', begin);
        if (end == std::string_view::npos) {
            break;
        }
        const std::string_view name = word.substr(begin + 2, end - begin - 2);
        const bool known = name == "file" || name == "device" ||
                           (name.starts_with("device") && name.size() <= 9 &&
                            name.find_first_not_of("0123456789", 6) == std::string_view::npos);
        result += word.substr(0, begin);
        if (known) {
            auto text = value(name);
            if (!text) {
                return text;
            }
            result += *text;
        } else {
            result += word.substr(begin, end + 1 - begin);
        }
        word.remove_prefix(end + 1);
    }
    return result.append(word);
}

std::vector<Extent> bytes_outside(const std::vector<Slice>& slices, const std::vector<bool>& named,
                                  std::uint64_t disk_bytes) {
    std::vector<Extent> ranges;
    std::uint64_t at = 0;
    auto add = [&](std::uint64_t begin, std::uint64_t end) {
        const std::uint64_t most = std::min(end, begin + std::min(end, kMostOfAGap));
        if (begin < end) {
            ranges.push_back({begin, most, Fill::data});
        }
    };
    for (std::size_t i = 0; i < slices.size(); ++i) {
        if (!named.at(i)) {
            add(at, slices[i].begin);
            at = slices[i].end();
        }
    }
    add(at, disk_bytes);
    return ranges;
}

base::Result<HashValue> hash_ranges(int fd, const std::vector<Extent>& ranges,
                                    const std::atomic<bool>& stop) {
    const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                                XXH3_freeState);
    XXH3_128bits_reset(state.get());
    std::vector<char> buffer(kPieceBytes);
    for (const Extent& range : ranges) {
        for (std::uint64_t at = range.begin; at < range.end;) {
            if (stop) {
                return base::fail("operator.stopped");
            }
            const auto wanted =
                static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), range.end - at));
            const ssize_t got = ::pread(fd, buffer.data(), wanted, static_cast<off_t>(at));
            if (got <= 0) {
                return base::fail_errno("unit.storage", fmt::format("cannot read byte {}", at),
                                        got < 0 ? errno : EIO);
            }
            XXH3_128bits_update(state.get(), buffer.data(), static_cast<std::size_t>(got));
            at += static_cast<std::uint64_t>(got);
        }
    }
    HashValue value{};
    const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
    std::memcpy(value.data(), &hash, sizeof hash);
    return value;
}

}  // namespace lineside::media
