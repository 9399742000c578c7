// SPDX-License-Identifier: Apache-2.0
// What a person or a screen may do. Each route of the web declares the role it needs.
// Thread: any (pure).
#pragma once

#include <optional>
#include <string_view>

namespace lineside::people {

// anyone: no login at all; display: an enrolled wall screen; the rest are people.
enum class Role { anyone, display, operator_, qa, manager, technician, admin };

// Who sees the wall and works at it is below qa, manager and technician; of these none is above
// another, since who loads serials is not who maps ports.
[[nodiscard]] bool allows(Role has, Role needed);
[[nodiscard]] std::string_view to_text(Role role);
// Of a person's account: operator to admin.
[[nodiscard]] std::optional<Role> account_role(std::string_view text);

}  // namespace lineside::people
