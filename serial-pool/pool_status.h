// SPDX-License-Identifier: Apache-2.0
// What is left and where the rest went: the pool page, `lineside pool status` and the wall's top
// bar. JSON shapes are those of web/api/openapi.yaml. Thread: a db thread (read-only).
#pragma once

#include "station/base/ids.h"
#include "station/base/json.h"
#include "station/db/query.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lineside::serial_pool {

struct SerialCounts {
    std::int64_t total = 0;
    std::int64_t free = 0;
    std::int64_t reserved = 0;
    std::int64_t issued = 0;
    std::int64_t burned = 0;
    std::int64_t in_doubt = 0;
    std::int64_t voided = 0;
    std::int64_t set_aside = 0;  // never given out: their batch was withdrawn or closed
};

struct BatchStatus {
    std::int64_t id = 0;
    std::string name;
    std::string pool;
    bool test_only = false;
    std::int64_t loaded_ms = 0;
    std::string loaded_by;
    std::string state;                 // open, withdrawn, closed; a loading one is not shown
    std::string source;                // file, generated
    std::optional<std::string> order;  // for this order alone
    std::optional<std::int64_t> ended_ms;
    std::optional<std::string> ended_by;
    std::optional<std::string> end_reason;
    SerialCounts counts;
};

struct PoolStatus {
    std::string name;
    std::int64_t warn_at = 0;  // low when free is at or below it
    SerialCounts counts;
    std::int64_t used_last_hour = 0;
    std::optional<std::int64_t> needed;  // units the open orders of this pool still lack
    [[nodiscard]] bool low() const { return counts.free <= warn_at; }
};

[[nodiscard]] base::Result<std::vector<BatchStatus>> batch_status(db::Tx& tx);  // newest first
[[nodiscard]] base::Result<std::vector<PoolStatus>> pool_status(db::Tx& tx, std::int64_t now_ms);
// Open orders for which no serial is left: of their own batches, and of those of their pool that
// are nobody's.
[[nodiscard]] base::Result<std::set<base::OrderId>> orders_without_serials(db::Tx& tx);
[[nodiscard]] base::Json to_json(const BatchStatus& batch);
[[nodiscard]] base::Json to_json(const PoolStatus& pool);
// PoolPage: {"pools":[…],"batches":[…],"in_doubt":[…]}
[[nodiscard]] base::Result<base::Json> pool_page(db::Tx& tx, std::int64_t now_ms);

}  // namespace lineside::serial_pool
