// SPDX-License-Identifier: Apache-2.0
// Strong ids: a UnitId never passes for a JobId. The value 0 means "none"; rows start at 1.
// Thread: any (plain values).
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace lineside::base {

template <typename Tag>
struct Id {
    std::int64_t value = 0;
    constexpr Id() = default;
    constexpr explicit Id(std::int64_t v) : value(v) {}
    [[nodiscard]] constexpr explicit operator bool() const { return value != 0; }
    constexpr auto operator<=>(const Id&) const = default;  // NOLINT(modernize-use-nullptr)
};

using UnitId = Id<struct UnitTag>;
using JobId = Id<struct JobTag>;
using StepId = Id<struct StepTag>;
using OrderId = Id<struct OrderTag>;
using SerialId = Id<struct SerialTag>;
using LeaseId = Id<struct LeaseTag>;
using BatchId = Id<struct BatchTag>;
using ImageRow = Id<struct ImageTag>;

}  // namespace lineside::base

template <typename Tag>
struct std::hash<lineside::base::Id<Tag>> {
    std::size_t operator()(lineside::base::Id<Tag> id) const noexcept {
        return std::hash<std::int64_t>{}(id.value);
    }
};
