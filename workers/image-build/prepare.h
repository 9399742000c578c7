// SPDX-License-Identifier: Apache-2.0
// What is done in the build area before flash.sh makes the image: the steps of a prepared session,
// each by its script `system-tools/<step>.sh` of the BSP tree, as root in the lane. Their effects
// are in the image and so on every unit. Thread: one.
#pragma once

#include "provisioning/session/preparation.h"
#include "workers/container/runner.h"
#include "workers/image-build/tree_scan.h"

#include <filesystem>
#include <string>
#include <vector>

namespace lineside::image_build {

struct Preparation {
    std::vector<provisioning::session::RecipeStep> steps;  // allowed, in their order
    base::Json in_force = base::Json::object();            // what the image will hold, no secrets
};

// Reads params.prepare [{"step","args"}] and the secrets "<step>.<argument>" of the job line, by
// the rules of provisioning/session. Errors: config.invalid, naming the step; without secrets.
[[nodiscard]] base::Result<Preparation> read_preparation(const protocol::JobLine& job);

// Lines for the content key, "" without steps: another step, order, argument or secret is another
// image. Of a secret a slow digest, since the key is shown. Errors: station.bug.
[[nodiscard]] base::Result<std::string> key_lines(const Preparation& preparation);

// Runs the steps. Secrets go by standard input, never in an argument. Errors: image.build (no
// script, or its last lines), disk.full, tool.missing, operator.stopped, station.stopping; in a
// container those of container::Runner::run().
[[nodiscard]] base::Status run_preparation(worker::Station& station, container::Runner& runner,
                                           const std::filesystem::path& lane,
                                           const Preparation& preparation);

}  // namespace lineside::image_build
