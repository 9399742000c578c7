// SPDX-License-Identifier: Apache-2.0
// The disk at the slot's own port, opened so that nobody else can write or mount it, and judged
// twice: before it is opened, and again when it is held, right before the first byte.
// Errors: media.forbidden, usb.left, unit.storage, media.too_small.
// Thread: one; blocks on the device.
#pragma once

#include "workers/media-writer/params.h"
#include "workers/media/engine/medium.h"
#include "workers/media/engine/prepared_image.h"

namespace lineside::media_writer {

struct Target {
    media::DiskFacts facts;
    std::unique_ptr<media::Medium> medium;
};

// `image_bytes`: what has to fit.
[[nodiscard]] Result<Target> open_target(const Params& params, std::uint64_t image_bytes);

// The facts of the disk now, if it may be written and is the one that the station saw.
[[nodiscard]] Result<media::DiskFacts> judged(const Params& params);

// What a step works with, checked and opened. Errors: also config.invalid, image.broken.
struct Work {
    Params params;
    std::shared_ptr<const media::PreparedImage> image;
    Target target;
};
[[nodiscard]] Result<Work> begin_work(const protocol::JobLine& job);

// Why `now`, judged by the same rules, may not be what `then` was; "" = it is the same disk. Pure.
[[nodiscard]] std::string why_another(const media::DiskFacts& then, const media::DiskFacts& now);

}  // namespace lineside::media_writer
