// SPDX-License-Identifier: Apache-2.0
// The rules between state rows and journal that a query can tell. Private to station/audit.
// Thread: any (constant data).
#pragma once

#include "station/audit/chain_check.h"

#include <span>

namespace lineside::audit {

struct StateRule {
    Why why;
    const char* sql;  // gives (seq or NULL, sentence) of every row that contradicts the journal
};
[[nodiscard]] std::span<const StateRule> state_rules();

}  // namespace lineside::audit
