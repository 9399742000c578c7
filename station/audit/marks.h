// SPDX-License-Identifier: Apache-2.0
// Signed heads from outside: anchors and certificates somebody kept. Private to station/audit.
// Thread: any; blocks on disk.
#pragma once

#include "station/audit/chain_check.h"
#include "station/trust/signing_key.h"

#include <filesystem>

namespace lineside::audit {

// The head that one line of text (an anchor or a certificate) signs for.
[[nodiscard]] trust::Checked<Mark> read_mark(std::string_view line, const trust::PublicKeys& keys);
// Every line of a file.   Errors: config.missing, config.invalid (naming file, line and field).
[[nodiscard]] base::Result<std::vector<Mark>> read_marks(const std::filesystem::path& file,
                                                         const trust::PublicKeys& keys);

}  // namespace lineside::audit
