// SPDX-License-Identifier: Apache-2.0
// Recipes and profiles of method media-writer, which writes a disk at the slot's own port: what a
// unit that boots needs (a board, a login, steps over SSH) has no meaning for them. The words are
// those of workers/media-writer and workers/media-image. Thread: any.
#pragma once

#include "station/config/config.h"
#include "station/config/table_reader.h"

#include "station/base/toml.h"

#include <vector>

namespace lineside::config {

// Is the first of these step tables the flash of such a recipe?
[[nodiscard]] bool writes_disk(const std::vector<const toml::table*>& steps);
[[nodiscard]] core::StepPlan read_disk_step(const toml::table& table, const std::string& file,
                                            std::vector<Complaint>& complaints);
void check_disk_order(TableReader& in, const std::vector<core::StepPlan>& steps);
// [profile.image] of such a profile: which file, how it is compared; or which recipe with which
// files. `serial_at`: where the units' serials go, if they get one.
[[nodiscard]] base::Json read_disk_image(const toml::table* table, const toml::table& profile,
                                         const std::string& file,
                                         std::optional<std::uint64_t> serial_at,
                                         std::vector<Complaint>& complaints);

}  // namespace lineside::config
