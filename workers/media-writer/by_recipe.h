// SPDX-License-Identifier: Apache-2.0
// Step flash of a profile whose image is a recipe: partition table, file systems and products onto
// the disk at the slot's port, in its own size, each proven by reading back. What is told is the
// digest of the recipe and the product files that were read, after all of them were found again.
// Errors: what open_target, workers/media/recipe and the prepared recipe say.
// Thread: one; a second one works.
#pragma once

#include "station/base/json.h"
#include "workers/sdk/station.h"

namespace lineside::media_writer {

// Is the job's image a prepared recipe?
[[nodiscard]] bool holds_recipe(const protocol::JobLine& job);
[[nodiscard]] base::Result<base::Json> set_up_card(worker::Station& station);

}  // namespace lineside::media_writer
