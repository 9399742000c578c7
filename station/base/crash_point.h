// SPDX-License-Identifier: Apache-2.0
// Named places where tests kill the process. Compiled in with -DLINESIDE_CRASHPOINTS=ON; even then
// a point does nothing unless LINESIDE_CRASH_AT=name[:n] is in the environment (n = on the n-th
// hit). Thread: any.
#pragma once

#include <string_view>

namespace lineside::base {

#ifdef LINESIDE_CRASHPOINTS
void crash_point(std::string_view name);
#else
inline void crash_point(std::string_view /*name*/) {}
#endif

}  // namespace lineside::base
