// SPDX-License-Identifier: Apache-2.0
#include "station/people/role.h"

#include <array>
#include <utility>

namespace lineside::people {
namespace {

constexpr std::array<std::pair<Role, std::string_view>, 7> kRoles{{
    {Role::anyone, "anyone"},
    {Role::display, "display"},
    {Role::operator_, "operator"},
    {Role::qa, "qa"},
    {Role::manager, "manager"},
    {Role::technician, "technician"},
    {Role::admin, "admin"},
}};

}  // namespace

bool allows(Role has, Role needed) {
    switch (needed) {
        case Role::anyone:
            return true;
        case Role::display:
            return has != Role::anyone;
        case Role::operator_:
            return has != Role::anyone && has != Role::display;
        case Role::qa:
            return has == Role::qa || has == Role::manager || has == Role::technician ||
                   has == Role::admin;
        case Role::manager:
        case Role::technician:
        case Role::admin:
            return has == needed || has == Role::admin;
    }
    return false;
}

std::string_view to_text(Role role) {
    for (const auto& [each, text] : kRoles) {
        if (each == role) {
            return text;
        }
    }
    return "";
}

std::optional<Role> account_role(std::string_view text) {
    for (const auto& [each, name] : kRoles) {
        if (name == text && allows(each, Role::operator_)) {
            return each;
        }
    }
    return std::nullopt;
}

}  // namespace lineside::people
