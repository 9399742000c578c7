// SPDX-License-Identifier: Apache-2.0
// RFC 8785 canonical JSON: the one byte sequence of a value, so that a hash or a signature over it
// can be made anew by anybody's program. Keys in order of their UTF-16 code units, no blanks, text
// escaped only where it must be, numbers as ECMAScript writes them.
// Thread: any (pure).
#pragma once

#include "station/base/json.h"

#include <string>
#include <string_view>

namespace lineside::trust {

// Errors: protocol.invalid: a whole number beyond 2^53 - 1 (another reader would round it: write it
// as text), a number that is not finite, text that is not UTF-8.
[[nodiscard]] base::Result<std::string> canonical_json(const base::Json& value);

// Appends `text` as a canonical JSON string, quotes included. Bytes that are no UTF-8 go through as
// they are: two different texts never become one.
void append_canonical_text(std::string& out, std::string_view text);

}  // namespace lineside::trust
