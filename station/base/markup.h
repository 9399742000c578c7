// SPDX-License-Identifier: Apache-2.0
// Text inside HTML, XML or SVG.   Thread: any (pure).
#pragma once

#include <string>
#include <string_view>

namespace lineside::base {

// `text` as the content of an element or of a quoted attribute: no character of it is markup.
[[nodiscard]] std::string escape_markup(std::string_view text);

}  // namespace lineside::base
