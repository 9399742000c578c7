// SPDX-License-Identifier: Apache-2.0
// `lineside replay FILE…`: what a station makes of the recordings of one job, in their order
// ("01-flash.1.events.jsonl" …), by the rules it works by. Needs no service and changes nothing.
// Exit status: 0 shown, 2 a file that is no recording.   Thread: the command's.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace lineside::app {

int replay(const std::vector<std::string>& files, bool json, std::ostream& out, std::ostream& err);

}  // namespace lineside::app
