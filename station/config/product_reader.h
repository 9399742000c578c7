// SPDX-License-Identifier: Apache-2.0
// What is made and how: the tables [[profile]] and [[recipe]], which stand in station.toml or in
// the file that [station] recipes names. Thread: any; blocks on disk.
#pragma once

#include "station/config/label_reader.h"
#include "station/config/table_reader.h"

namespace lineside::config {

// Nothing: it is no TOML, and a complaint says where.
[[nodiscard]] std::optional<toml::table> parse(std::string_view text, const std::string& file,
                                               std::vector<Complaint>& complaints);
// Of the table `top`; needs the printer and the table of models of reading.config.
void read_products(TableReader& top, const Labels& labels, const std::string& file,
                   Reading& reading);
// Of reading.config.recipes, or of `given` in its place.
void read_recipes_file(std::optional<std::string_view> given, const Labels& labels,
                       Reading& reading);

}  // namespace lineside::config
