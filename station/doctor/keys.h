// SPDX-License-Identifier: Apache-2.0
// The two keys of a station: what seals its tokens and what signs its records. Each must be there,
// closed to others and a key; the one that signs must be the one the database has on record.
// Thread: any; blocks on disk.
#pragma once

#include "station/doctor/checks.h"

namespace lineside::doctor {

[[nodiscard]] Finding sealing_key(const Host& host, const Wanted& wanted);
[[nodiscard]] Finding signing_key(const Host& host, const Wanted& wanted);

}  // namespace lineside::doctor
