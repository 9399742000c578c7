// SPDX-License-Identifier: Apache-2.0
// The image-build worker: params.mode says which of its three jobs to do (README.md).
#include "workers/image-build/build.h"
#include "workers/sdk/worker.h"

namespace {

using lineside::base::Json;
using lineside::base::Result;
namespace image_build = lineside::image_build;

Result<Json> work(lineside::worker::Station& station) {
    auto mode = lineside::base::field<std::string>(station.job().params, "mode");
    if (!mode) {
        return tl::unexpected(mode.error());
    }
    const auto places = image_build::find_places(station.job());
    if (*mode == "key") {
        return image_build::make_key(station, places);
    }
    if (*mode == "build") {
        return image_build::build_image(station, places);
    }
    if (*mode == "verify") {
        return image_build::verify_image(station, places);
    }
    return lineside::base::fail("config.invalid", "\"mode\" must be key, build or verify");
}

}  // namespace

int main() {
    return lineside::worker::run({"image-build", LINESIDE_VERSION, 120}, work);
}
