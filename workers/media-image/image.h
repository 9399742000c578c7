// SPDX-License-Identifier: Apache-2.0
// The three jobs of an image worker, for disk images: which image this is, taking it into the
// cache, and whether the cached one is still what was taken in. Errors: config.invalid,
// config.missing, media.source, image.broken, disk.full, operator.stopped.
// Thread: the worker's; a second one computes while this one listens to the station.
#pragma once

#include "workers/sdk/station.h"

namespace lineside::media_image {

using base::Json;
using base::Result;

// {"key"}: SHA-256 over all that decides what is written: the file as it lies there, its block map,
// and how a medium is compared.
[[nodiscard]] Result<Json> make_key(worker::Station& station);
// {"digest", "bytes", "sha256", "tool_version", …}, as image-build answers.
[[nodiscard]] Result<Json> build_image(worker::Station& station);
[[nodiscard]] Result<Json> verify_image(worker::Station& station);

}  // namespace lineside::media_image
