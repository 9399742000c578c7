// SPDX-License-Identifier: Apache-2.0
// The media-image worker: params.mode says which of its three jobs to do (README.md).
#include "workers/media-image/image.h"
#include "workers/sdk/worker.h"

namespace {

using lineside::base::Json;
using lineside::base::Result;

Result<Json> work(lineside::worker::Station& station) {
    const auto mode = lineside::base::field<std::string>(station.job().params, "mode");
    if (!mode) {
        return tl::unexpected(mode.error());
    }
    if (*mode == "key") {
        return lineside::media_image::make_key(station);
    }
    if (*mode == "build") {
        return lineside::media_image::build_image(station);
    }
    if (*mode == "verify") {
        return lineside::media_image::verify_image(station);
    }
    return lineside::base::fail("config.invalid", "\"mode\" must be key, build or verify");
}

}  // namespace

int main() {
    return lineside::worker::run({"media-image", LINESIDE_VERSION, 120}, work);
}
