// SPDX-License-Identifier: Apache-2.0
// bootloader/flash.xml as flash.sh leaves it: which file goes into which partition of which device.
// Thread: any (pure). Source of the format: l4t R32 flash.xml,
// <partition_layout><device><partition>.
#pragma once

#include "station/base/error.h"

#include <string>
#include <string_view>
#include <vector>

namespace lineside::image_build {

struct LayoutEntry {
    std::string device;  // sdmmc_user, spi, …
    std::string name;
    std::string type;       // data, GPT, protective_master_boot_record, …
    std::string file;       // as the layout says, trimmed; "" = nothing is written
    bool oem_sign = false;  // the tool signs the file and writes that instead
    // True for partition tables: made by the tool at flash time, and no partition of their own.
    [[nodiscard]] bool is_table() const;
};

// Errors: image.build (not the expected XML, a name twice on one device, more than 512 partitions).
[[nodiscard]] base::Result<std::vector<LayoutEntry>> parse_layout(std::string_view xml);

}  // namespace lineside::image_build
