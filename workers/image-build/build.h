// SPDX-License-Identifier: Apache-2.0
// The three things the image-build worker does. Paths come from the root helper, never from the
// service:
//   LINESIDE_BSP     the BSP tree of the profile, read-only for us
//   LINESIDE_OUT     an empty folder of this job, which the helper publishes
//   LINESIDE_CACHE   a folder of root's that outlasts the job, for our stat caches; without it
//   .stat-cache/
//                    of LINESIDE_IMAGES (the image cache) where that may be written, else every
//                    file is read
//   the lane         an overlay over the BSP tree, from the job line
// Thread: one.
#pragma once

#include "station/base/error.h"
#include "workers/image-build/content_key.h"
#include "workers/proof/image_record.h"
#include "workers/sdk/station.h"

#include <filesystem>
#include <string>

namespace lineside::image_build {

struct Places {
    std::filesystem::path bsp;
    std::filesystem::path out;
    std::filesystem::path cache;
    std::filesystem::path lane;
};

// Reads the environment and the job line; what is missing stays empty.
[[nodiscard]] Places find_places(const protocol::JobLine& job);
// Where the stat cache called `name` lies; "" when there is no place for it.
[[nodiscard]] std::filesystem::path cache_file(const Places& places, std::string_view name);

// What is told of an image: {"id","digest","partitions","files","bytes","tool_version","in_force"}.
[[nodiscard]] base::Json told_of(const proof::ImageRecord& image);

// {"key","files","bytes"}. Errors: config.invalid, image.build.
[[nodiscard]] base::Result<base::Json> make_key(worker::Station& station, const Places& places);
// told_of() it; writes tree/, manifest.jsonl, tree.jsonl and last
// image.json below places.out, or leaves places.out empty. Errors: config.invalid, image.build,
// disk.full, tool.missing, operator.stopped, station.stopping.
[[nodiscard]] base::Result<base::Json> build_image(worker::Station& station, const Places& places);
// told_of() it, and "known". Errors: image.broken.
[[nodiscard]] base::Result<base::Json> verify_image(worker::Station& station, const Places& places);

}  // namespace lineside::image_build
