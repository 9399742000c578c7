// SPDX-License-Identifier: Apache-2.0
// Where a job's things are, and what is told of an image.
#include "workers/image-build/build.h"

#include <unistd.h>

#include <cstdlib>
#include <system_error>

namespace lineside::image_build {

using base::Json;
using proof::ImageRecord;
namespace fs = std::filesystem;

Places find_places(const protocol::JobLine& job) {
    const auto variable = [](const char* name) {
        const char* value = std::getenv(name);
        return fs::path(value == nullptr ? "" : value);
    };
    fs::path cache = variable("LINESIDE_CACHE");
    if (const fs::path images = variable("LINESIDE_IMAGES"); cache.empty() && !images.empty()) {
        cache = images / ".stat-cache";
    }
    return {variable("LINESIDE_BSP"), variable("LINESIDE_OUT"), cache,
            fs::path(job.lane.value_or(""))};
}

Json told_of(const ImageRecord& image) {
    return {{"id", image.id},
            {"digest", image.digest},
            {"partitions", image.partitions.size()},
            {"files", image.files},
            {"bytes", image.tree_bytes},
            {"tool_version", "L4T " + image.release},
            {"in_force", image.in_force},
            {"container", image.container}};
}

fs::path cache_file(const Places& places, std::string_view name) {
    std::error_code ignored;
    fs::create_directories(places.cache, ignored);
    const bool usable = !places.cache.empty() && access(places.cache.c_str(), W_OK) == 0;
    return usable ? places.cache / name : fs::path();
}

}  // namespace lineside::image_build
