// SPDX-License-Identifier: Apache-2.0
// Where things stand in a JSON text that a person wrote: the line of a list's items, keys that are
// there twice, the place of a mistake. The values themselves come from base::parse_json().
// Thread: any (pure).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::provisioning::session {

struct Place {
    int line = 0;  // from 1; 0 = the file as a whole
    int column = 0;
};

struct Layout {
    struct Twice {
        std::string key;
        std::optional<std::size_t> index;  // of the list's item it stands in
        Place place;
    };
    std::vector<Place> items;     // of the list, in its order
    std::vector<Twice> twice;     // at most 100
    std::optional<Place> broken;  // it is not JSON from there on, or too deep
};

// `list`: the key of the outermost object whose list's items are wanted. At most 32 levels deep.
[[nodiscard]] Layout layout_of(std::string_view text, std::string_view list);

}  // namespace lineside::provisioning::session
