// SPDX-License-Identifier: Apache-2.0
// What a build job asks for, read from its line, with the image of its container fetched.
// Thread: one.
#pragma once

#include "workers/container/runner.h"
#include "workers/image-build/content_key.h"
#include "workers/image-build/prepare.h"
#include "workers/sdk/station.h"

#include <optional>

namespace lineside::image_build {

struct Wanted {
    BuildInputs inputs;
    Preparation preparation;
    std::optional<container::Settings> container;
    std::optional<container::ContainerImage> fetched;
};

// Errors: config.invalid, naming the field.
[[nodiscard]] base::Result<Wanted> wanted_of(worker::Station& station);

// Nothing to do where the tools run on the host. Errors: container.*, operator.stopped,
// station.stopping.
[[nodiscard]] base::Status fetch(worker::Station& station, Wanted& wanted,
                                 container::PhasePlace place);

}  // namespace lineside::image_build
