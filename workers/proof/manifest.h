// SPDX-License-Identifier: Apache-2.0
// The manifest of a root file system: one FileRecord per line of JSON, sorted by path (bytes). It
// is made at build time from the file system image itself and read again when a unit is proven.
// Thread: any (plain values; reading blocks on disk).
#pragma once

#include "station/base/error.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace lineside::proof {

struct FileRecord {
    std::string path;        // "/etc/hostname", bytes as on disk
    char type = 'f';         // f file, d folder, l link, c b device, p pipe, s socket
    std::uint32_t mode = 0;  // the low 12 bits
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint64_t size = 0;  // bytes; of a link: of its target
    std::string sha256;      // of the content; of a link: of its target; else ""
    std::string link;        // a link's target, bytes
    std::string xattrs;      // SHA-256 over the extended attributes, "" when there are none
    bool operator==(const FileRecord&) const = default;
};

[[nodiscard]] std::string format_record(const FileRecord& record);  // one line with '\n'
// Errors: protocol.invalid, naming the field.
[[nodiscard]] base::Result<FileRecord> parse_record(std::string_view line);

// Calls `take` for each record in order. Errors: image.broken (cannot be read, a bad line, not
// sorted), or the first error of `take`.
[[nodiscard]] base::Status read_manifest(const std::filesystem::path& file,
                                         const std::function<base::Status(FileRecord)>& take);

}  // namespace lineside::proof
