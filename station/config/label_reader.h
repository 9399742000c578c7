// SPDX-License-Identifier: Apache-2.0
// [printer] and [[label]] out of TOML, and the label of each profile.   Thread: any.
#pragma once

#include "station/config/config.h"

#include "station/base/toml.h"

namespace lineside::config {

class TableReader;

[[nodiscard]] labels::PrinterPlan read_printer(TableReader in);
// By id; an element that is wrong is left out, with its complaint.
using Labels = std::map<std::string, labels::Template>;
[[nodiscard]] Labels read_labels(const std::vector<const toml::table*>& tables,
                                 const std::string& file, std::vector<Complaint>& complaints);

}  // namespace lineside::config
