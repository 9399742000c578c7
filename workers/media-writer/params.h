// SPDX-License-Identifier: Apache-2.0
// The typed parameters of a media-writer step; README.md has their table. Checked here, before the
// disk is touched.   Errors: config.invalid, naming the field.   Thread: as any value.
#pragma once

#include "workers/media/engine/disk_rules.h"
#include "workers/protocol/messages.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace lineside::media_writer {

using base::Json;
using base::Result;
using base::Status;

// The disk that the station saw arrive at the slot's port.
struct SeenDisk {
    std::string name;            // the kernel's: "sdb"
    std::uint64_t bytes = 0;     // of its medium
    std::uint64_t sequence = 0;  // diskseq; 0: the kernel does not count
};

struct Params {
    SeenDisk disk;
    media::DiskPolicy policy;  // below: the slot's own port
    bool probe = true;         // for media that hold less than they say
    bool discard = false;
    std::uint64_t serial_at =
        0;  // of step set-serial: byte of the disk where the serial's block is
    std::filesystem::path image;  // folder in the cache
};

// A block of its own, so that nothing beside it is written.
constexpr std::uint64_t kSerialBlock = 4096;

[[nodiscard]] Result<Params> read_params(const protocol::JobLine& job);

}  // namespace lineside::media_writer
