// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/wanted.h"

namespace lineside::image_build {

using worker::Station;

base::Result<Wanted> wanted_of(Station& station) {
    auto inputs = inputs_from_json(station.job().params);
    if (!inputs) {
        return tl::unexpected(inputs.error());
    }
    auto preparation = read_preparation(station.job());
    if (!preparation) {
        return tl::unexpected(preparation.error());
    }
    auto lines = key_lines(*preparation);
    if (!lines) {
        return tl::unexpected(lines.error());
    }
    inputs->before_flash = std::move(*lines);
    if (inputs->is_package() && !inputs->before_flash.empty()) {
        return base::fail("config.invalid",
                          "\"prepare\" must be left out: a package is finished, so nothing can be "
                          "done to it before the flash");
    }
    auto settings = container::read_settings(station.job().params);
    if (!settings) {
        return tl::unexpected(settings.error());
    }
    return Wanted{std::move(*inputs), std::move(*preparation), std::move(*settings), {}};
}

// The container's image is here before anything else is done: with another one other tools would
// make the product's image.
base::Status fetch(Station& station, Wanted& wanted, container::PhasePlace place) {
    if (!wanted.container) {
        return {};
    }
    auto image = container::fetch_image(station, *wanted.container, place);
    if (!image) {
        return tl::unexpected(image.error());
    }
    wanted.inputs.container = image->id;
    wanted.container->digest = image->digest;  // this one, whatever its name means by and by
    wanted.fetched = std::move(*image);
    return {};
}

}  // namespace lineside::image_build
