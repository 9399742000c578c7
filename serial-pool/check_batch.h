// SPDX-License-Identifier: Apache-2.0
// `lineside check batch FILE [--test-only] [--ap-ssid TEMPLATE] [--against DB]
// [--json]`: says whether a batch would be
// loaded, and changes nothing: no database, no service, no temporary file.
// Thread: the command's.
#pragma once

#include "serial-pool/unit_fields.h"
#include "station/base/error.h"

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>

namespace lineside::serial_pool {

struct CheckBatchArguments {
    std::string file;  // "-" = standard input
    bool test_only = false;
    std::optional<std::filesystem::path> against;  // database of a station, running or not
    std::optional<std::filesystem::path> key;  // with it tokens are compared with the database too
    std::optional<SsidTemplate> ap_ssid;
    bool json = false;
};

// Exit codes: 0 accept, 1 reject, 2 usage (a file that is not there counts as usage).
[[nodiscard]] int run_check_batch(const CheckBatchArguments& arguments, std::ostream& out,
                                  std::ostream& err);

}  // namespace lineside::serial_pool
