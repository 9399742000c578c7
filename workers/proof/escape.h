// SPDX-License-Identifier: Apache-2.0
// File names are bytes, our files and messages are text: a name is written with every byte outside
// '!'..'~', and every backslash, as \xHH. The escaped form is ASCII, has no blank and no line end,
// and is what manifests, digests and messages show. Thread: any (pure).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lineside::proof {

[[nodiscard]] std::string escape_name(std::string_view bytes);
// Only what escape_name() makes is accepted, so that one name has one text.
[[nodiscard]] std::optional<std::string> unescape_name(std::string_view text);

}  // namespace lineside::proof
