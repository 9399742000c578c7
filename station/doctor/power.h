// SPDX-License-Identifier: Apache-2.0
// What the slots' power switches need of the host. Switches nothing.   Thread: any.
#pragma once

#include "station/doctor/checks.h"

namespace lineside::doctor {

[[nodiscard]] Finding power_switches(const Host& host, const Wanted& wanted);

}  // namespace lineside::doctor
