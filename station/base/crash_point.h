// SPDX-License-Identifier: Apache-2.0
// Named places where tests kill the process. Compiled in with -DLINESIDE_CRASHPOINTS=ON; even then
// a point does nothing unless the environment says so:
//   LINESIDE_CRASH_AT=name[:n]   the process dies at its n-th hit of the point (n = 1)
//   LINESIDE_CRASH_DIR=folder    whoever comes to a point whose name is a file in this folder takes
//                                the file away and dies. So a point is armed while processes run,
//                                for services and workers alike, and exactly one of them dies.
// Errors: none, a folder or file that is not there arms nothing. Thread: any.
#pragma once

#include <string_view>

namespace lineside::base {

#ifdef LINESIDE_CRASHPOINTS
void crash_point(std::string_view name);
#else
inline void crash_point(std::string_view /*name*/) {}
#endif

}  // namespace lineside::base
