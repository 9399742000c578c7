// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/stat_cache.h"

#include "station/base/files.h"
#include "station/base/text.h"

#include <charconv>
#include <string_view>

namespace lineside::image_build {
namespace {

constexpr std::string_view kHead = "lineside-stat-cache 1";
constexpr std::size_t kMaxBytes = 512UL * 1024 * 1024;
constexpr std::int64_t kNsPerS = 1'000'000'000;
constexpr std::int64_t kTooFreshNs = 2 * kNsPerS;

std::int64_t to_ns(const struct timespec& t) {
    return t.tv_sec * kNsPerS + t.tv_nsec;
}

template <typename T>
bool take(std::string_view& line, T& value) {
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (error != std::errc{} || end == line.data() + line.size() || *end != ' ') {
        return false;
    }
    line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
    return true;
}

}  // namespace

StatCache::StatCache(std::filesystem::path file) : file_(std::move(file)) {
    load();
}

void StatCache::load() {
    if (file_.empty()) {
        return;
    }
    const auto text = base::read_file(file_, kMaxBytes);
    if (!text) {
        return;
    }
    bool first = true;
    for (std::string_view line : base::split(*text, '\n')) {
        if (first) {
            if (line != kHead) {
                return;
            }
            first = false;
            continue;
        }
        Key key;
        Entry entry;
        if (line.empty()) {
            continue;
        }
        if (!take(line, key.dev) || !take(line, key.ino) || !take(line, entry.size) ||
            !take(line, entry.mtime_ns) || !take(line, entry.ctime_ns) || !base::is_hex64(line)) {
            entries_.clear();
            return;
        }
        entry.sha256 = line;
        entries_[key] = std::move(entry);
    }
}

std::optional<std::string> StatCache::find(const struct stat& file) {
    const auto it = entries_.find({file.st_dev, file.st_ino});
    if (it == entries_.end()) {
        return std::nullopt;
    }
    Entry& entry = it->second;
    if (entry.size != static_cast<std::uint64_t>(file.st_size) ||
        entry.mtime_ns != to_ns(file.st_mtim) || entry.ctime_ns != to_ns(file.st_ctim)) {
        return std::nullopt;
    }
    entry.used = true;
    ++hits_;
    return entry.sha256;
}

void StatCache::add(const struct stat& file, std::string sha256, std::int64_t hashed_from_ns) {
    const Key key{file.st_dev, file.st_ino};
    if (to_ns(file.st_ctim) + kTooFreshNs > hashed_from_ns ||
        to_ns(file.st_mtim) + kTooFreshNs > hashed_from_ns) {
        entries_.erase(key);
        return;
    }
    entries_[key] = {static_cast<std::uint64_t>(file.st_size), to_ns(file.st_mtim),
                     to_ns(file.st_ctim), std::move(sha256), true};
}

base::Status StatCache::save() const {
    if (file_.empty()) {
        return {};
    }
    std::string text(kHead);
    text.push_back('\n');
    for (const auto& [key, entry] : entries_) {
        if (entry.used) {
            text += fmt::format("{} {} {} {} {} {}\n", key.dev, key.ino, entry.size, entry.mtime_ns,
                                entry.ctime_ns, entry.sha256);
        }
    }
    return base::replace_file(file_, text);
}

}  // namespace lineside::image_build
