// SPDX-License-Identifier: Apache-2.0
// `lineside check session FILE [--json]`: says whether a prepared session would be accepted, and
// changes nothing.   Thread: the command's.
#pragma once

#include <iosfwd>
#include <string>

namespace lineside::provisioning::session {

// `file`: "-" = standard input. Exit status: 0 accept, 1 reject, 2 usage (a file that cannot be
// read, too).
[[nodiscard]] int run_check_session(const std::string& file, bool json, std::ostream& out,
                                    std::ostream& err);

}  // namespace lineside::provisioning::session
