// SPDX-License-Identifier: Apache-2.0
// `lineside certificate verify FILE --key PUB…`: did the station sign this birth certificate? One
// line of JSON:
//   {"ok":true,"serial":…,"unit":…,"job":…,"station":…,"chip_id":…,"journal":{…},"key":…}
//   {"ok":false,"field":"steps[0].outcome","detail":"…"}     field "" = the file as a whole
// Thread: the command's.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <vector>

namespace lineside::audit {

// Exit codes: 0 good, 1 bad, 2 usage, or a file that cannot be read.
[[nodiscard]] int run_certificate_verify(const std::filesystem::path& file,
                                         const std::vector<std::filesystem::path>& keys,
                                         std::ostream& out, std::ostream& err);

}  // namespace lineside::audit
