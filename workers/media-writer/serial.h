// SPDX-License-Identifier: Apache-2.0
// Step set-serial: the serial that the station issues for this disk, written into a block of its
// own where the image or the recipe leaves nothing, read back past the page cache, and told to the
// station as what the disk says. The token is not written. Errors: config.invalid (the block is the
// image's), serial errors of the station, what open_target says, unit.storage, usb.left.   Thread:
// one.
#pragma once

#include "workers/media-writer/params.h"
#include "workers/media/engine/image_map.h"
#include "workers/sdk/station.h"

#include <array>

namespace lineside::media_writer {

[[nodiscard]] base::Result<base::Json> write_serial(worker::Station& station);

// Why the block at `at` of a disk of `bytes` is not free for a serial; "" = it is. Pure.
[[nodiscard]] std::string why_not_there(const media::ImageMap& map, std::uint64_t at,
                                        std::uint64_t bytes);
// The same of a disk by a recipe: behind every partition table, before the first partition. Pure.
[[nodiscard]] std::string why_not_before_partitions(std::uint64_t at);
// The serial, a newline, zeros; and what such a block says, "" = nothing. Pure.
using SerialBlock = std::array<std::byte, kSerialBlock>;
[[nodiscard]] SerialBlock block_of(std::string_view serial);
[[nodiscard]] std::string serial_in(const SerialBlock& block);

}  // namespace lineside::media_writer
