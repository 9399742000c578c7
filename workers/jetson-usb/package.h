// SPDX-License-Identifier: Apache-2.0
// What a BSP tree or a package is, before the first unit meets it: its kind, the board it is for,
// and what it does not tell. inspect() is pure over a list of its files; listing_of() reads a
// folder or an archive. Thread: any; listing_of blocks on disk.
#pragma once

#include "station/base/error.h"
#include "workers/jetson-usb/way.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lineside::jetson_usb {

// Names are relative to the tree's or package's own top folder.
struct Listing {
    std::map<std::string, std::uint64_t, std::less<>> sizes;  // of regular files and links
    std::map<std::string, std::string, std::less<>> texts;    // of the small ones in kTold
    std::map<std::string, std::string, std::less<>> links;    // where board files (*.conf) lead
    std::string sha256;  // of the archive; of a folder: of its files' names, sizes and contents,
                         // but for rootfs/
    bool archive = false;
    std::string name;  // last part of its path
};
inline constexpr std::uint64_t kTextLimit = 64 * 1024;

// Errors: config.missing, config.invalid (neither a folder nor an archive that can be read, no room
// for a name that leaves the folder).
[[nodiscard]] base::Result<Listing> listing_of(const std::filesystem::path& path);

struct Package {
    std::optional<Way> way;  // nothing: it is of no kind known here
    std::string board;       // "jetson-xavier-nx-devkit-emmc"
    std::string board_id;    // "3668"
    std::string sku;
    std::string fab;
    std::string release;  // "32.7.4"
    std::uint64_t bytes = 0;
    std::uint64_t files = 0;
    std::string sha256;
    std::vector<std::string> missing;  // files without which it cannot flash: a sentence each
    std::vector<std::string> unknown;  // what it does not say of itself: "sku", …
};
// `board`: of a tree with many board files the one that is meant; then it must be there, and the
// module's id and SKU are those in its file's name, or in the name it is a link to
// ("p3509-0000+p3668-0001-qspi-emmc.conf" is 3668 and 0001). FAB is the unit's own.
[[nodiscard]] Package inspect(const Listing& listing, const std::string& board = {});

}  // namespace lineside::jetson_usb
