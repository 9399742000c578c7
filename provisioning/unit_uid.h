// SPDX-License-Identifier: Apache-2.0
// The one link between a unit in recovery mode and the same unit booted: the boot ROM prints
// BR_CID, the kernel shows another number made from the same fuses. Thread: any (pure). Source: the
// field layout of NVIDIA's fuse driver as documented by OE4T's tools; sample
// 0x88021911645838891c00000019028200 -> 0x716636a62b640a08 from the fact sheet.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace lineside::provisioning {

// The uids a kernel may show for this BR_CID ("0x" and 32 hex digits): first the true one, then the
// one of kernels whose fuse driver reads the y coordinate where it should read the wafer. Empty:
// not a BR_CID, or a chip we do not know.
[[nodiscard]] std::vector<std::uint64_t> linux_uids(std::string_view br_cid);

// What the unit shows: "0x716636a62b640a08" (efuse-burn/ecid) or decimal (tegra_chip_uid).
[[nodiscard]] std::optional<std::uint64_t> parse_uid(std::string_view text);

}  // namespace lineside::provisioning
