// SPDX-License-Identifier: Apache-2.0
// Whether a tool's own story is whole, for each way: never its exit status alone, never its word
// alone. What is on the unit is proven elsewhere, on the unit. Thread: any (pure).
#pragma once

#include "workers/jetson-usb/transcript.h"

#include <optional>
#include <span>
#include <string>

namespace lineside::jetson_usb {

// What lacks: "" = the tool did not say at all that it succeeded. Nothing: the story is whole.
// `must_write`: partitions whose write must be seen to end, in the ways that name partitions.
[[nodiscard]] std::optional<std::string> missing_proof(const Transcript& seen,
                                                       std::span<const std::string> must_write);

// The tool's last word rules over its exit status: meta-tegra's initrd-flash ends with 0 after
// "Final status: FAILED".
[[nodiscard]] bool text_rules(const Transcript& seen);

}  // namespace lineside::jetson_usb
