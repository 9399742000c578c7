// SPDX-License-Identifier: Apache-2.0
// `lineside check recipe|bmap|udev`: says whether a file would be accepted, and changes nothing.
// Each answers 0 accept, 1 reject, 2 unreadable, and with `json` the object every check prints.
// Thread: the command's; blocks on disk.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>

namespace lineside::media {

// The file's name is judged too: it says which platform the recipe is for.
[[nodiscard]] int run_check_recipe(const std::filesystem::path& file, bool json, std::ostream& out,
                                   std::ostream& err);
// With an image the checksum of each range is compared; it may be packed (.gz, .xz, .zst, .bz2,
// .zip).
[[nodiscard]] int run_check_bmap(const std::filesystem::path& map,
                                 const std::optional<std::filesystem::path>& image, bool json,
                                 std::ostream& out, std::ostream& err);
// Adds `candidates`, `scenario` and `ask` to the answer: which disk is the card by these events.
[[nodiscard]] int run_check_udev(const std::filesystem::path& file, bool json, std::ostream& out,
                                 std::ostream& err);

}  // namespace lineside::media
