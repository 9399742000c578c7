// SPDX-License-Identifier: Apache-2.0
// Remembers the SHA-256 of files that have not changed since they were last read, so that the
// content key of a tree of gigabytes costs one stat() per file. A file counts as unchanged when
// device, inode, size, mtime and ctime are all as remembered; ctime cannot be set back by a
// program, so only writing to the disk behind the kernel's back escapes. What changed in the last
// two seconds before it was hashed is not remembered: within one tick of the file system's clock a
// second change would be invisible. A missing or damaged cache file is an empty cache. Thread: one
// at a time.
#pragma once

#include "station/base/error.h"

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>

namespace lineside::image_build {

class StatCache {
  public:
    // `file` may be empty: then nothing is kept.
    explicit StatCache(std::filesystem::path file);

    [[nodiscard]] std::optional<std::string> find(const struct stat& file);
    // `hashed_from_ns`: wall time at which reading began, nanoseconds since 1970.
    void add(const struct stat& file, std::string sha256, std::int64_t hashed_from_ns);
    // Writes what was found or added since construction (what was not asked for has left the tree).
    // Durable: yes. Errors: disk.full, station.bug.
    [[nodiscard]] base::Status save() const;

    [[nodiscard]] std::size_t hits() const { return hits_; }

  private:
    struct Entry {
        std::uint64_t size = 0;
        std::int64_t mtime_ns = 0;
        std::int64_t ctime_ns = 0;
        std::string sha256;
        bool used = false;
    };
    struct Key {
        std::uint64_t dev = 0;
        std::uint64_t ino = 0;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const {
            return std::hash<std::uint64_t>{}(key.ino * 0x9E3779B97F4A7C15ULL ^ key.dev);
        }
    };
    void load();

    std::filesystem::path file_;
    std::unordered_map<Key, Entry, KeyHash> entries_;
    std::size_t hits_ = 0;
};

}  // namespace lineside::image_build
