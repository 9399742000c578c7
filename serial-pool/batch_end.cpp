// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/batch_end.h"

#include <fmt/format.h>

namespace lineside::serial_pool {
namespace {

using base::Result;
using base::Status;

// A serial's one lease that is not released says where it is; without one it is left. Every row of
// the batch is looked at once.
constexpr std::string_view kAccount =
    "SELECT CASE WHEN l.id IS NULL THEN 'left' WHEN l.state = 'burned' AND EXISTS (SELECT 1 FROM "
    "job j WHERE j.unit_id = l.unit_id AND j.outcome = 'PASS') THEN 'passed' ELSE l.state END AS "
    "place, count(*) FROM serial s LEFT JOIN lease l ON l.serial_id = s.id AND l.state <> "
    "'released' WHERE s.batch_id = ?1 GROUP BY place";

Result<BatchAccount> end_batch(db::Tx& tx, const BatchEnd& end, const char* state,
                               Status (*may)(const BatchAccount&)) {
    auto account = batch_account(tx, end.batch);
    if (!account) {
        return account;
    }
    if (account->state != "open") {
        return base::fail("request.conflict",
                          fmt::format("Batch {} is {} already", end.batch, account->state));
    }
    if (auto allowed = may(*account); !allowed) {
        return tl::unexpected<base::Error>(allowed.error());
    }
    auto ended = tx.run(
        "UPDATE batch SET state = ?2, ended_ms = ?3, ended_by = ?4, end_reason = ?5"
        " WHERE name = ?1",
        end.batch, state, end.at_ms, end.by_user, db::null_if_empty(end.reason));
    if (!ended) {
        return tl::unexpected<base::Error>(ended.error());
    }
    account->state = state;
    return account;
}

}  // namespace

Result<BatchAccount> batch_account(db::Tx& tx, const std::string& batch) {
    auto row = tx.one<std::int64_t, std::string, std::string, std::int64_t>(
        "SELECT b.id, p.name, b.state, b.count FROM batch b JOIN pool p ON p.id = b.pool_id"
        " WHERE b.name = ?1 AND b.state <> 'loading'",
        batch);
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    if (!*row) {
        return base::fail("request.unknown", fmt::format("There is no batch {}", batch));
    }
    const auto& [id, pool, state, loaded] = **row;
    BatchAccount account;
    account.batch = batch;
    account.pool = pool;
    account.state = state;
    account.loaded = loaded;
    auto places = tx.all<std::string, std::int64_t>(kAccount, id);
    if (!places) {
        return tl::unexpected<base::Error>(places.error());
    }
    for (const auto& [place, count] : *places) {
        if (place == "left") {
            account.left += count;
        } else if (place == "passed") {
            account.passed += count;
        } else if (place == "voided" || place == "burned") {
            account.scrapped += count;
            account.voided += place == "voided" ? count : 0;
        } else if (place == "in_doubt") {
            account.in_doubt += count;
        } else {
            account.at_work += count;  // reserved, issued
        }
    }
    const std::int64_t sum =
        account.passed + account.scrapped + account.in_doubt + account.at_work + account.left;
    if (sum != loaded) {
        return base::fail("station.bug",
                          fmt::format("Batch {}: {} serials were loaded, {} are accounted for",
                                      batch, loaded, sum));
    }
    return account;
}

base::Json to_json(const BatchAccount& account) {
    return {{"batch", account.batch},     {"pool", account.pool},
            {"state", account.state},     {"loaded", account.loaded},
            {"passed", account.passed},   {"scrapped", account.scrapped},
            {"voided", account.voided},   {"in_doubt", account.in_doubt},
            {"at_work", account.at_work}, {"left", account.left}};
}

Result<BatchAccount> withdraw_batch(db::Tx& tx, const BatchEnd& end) {
    if (end.reason.empty()) {
        return base::fail("request.invalid", "reason: a batch is withdrawn for a reason");
    }
    return end_batch(tx, end, "withdrawn", [](const BatchAccount& account) -> Status {
        if (account.left == account.loaded) {
            return {};
        }
        return base::fail("request.conflict",
                          fmt::format("Units have {} serials of batch {}; close it instead",
                                      account.loaded - account.left, account.batch));
    });
}

Result<BatchAccount> close_batch(db::Tx& tx, const BatchEnd& end) {
    return end_batch(tx, end, "closed", [](const BatchAccount& account) -> Status {
        if (account.at_work == 0) {
            return {};
        }
        return base::fail("request.conflict",
                          fmt::format("Units are being made with {} serials of batch {}; close it "
                                      "when they are done",
                                      account.at_work, account.batch));
    });
}

Status set_warn_at(db::Tx& tx, const std::string& pool, std::int64_t warn_at) {
    if (warn_at < 0) {
        return base::fail("request.invalid", "warn_at: 0 or more serials");
    }
    auto set = tx.run("UPDATE pool SET low_mark = ?2 WHERE name = ?1", pool, warn_at);
    if (!set) {
        return tl::unexpected<base::Error>(set.error());
    }
    return *set == 1 ? Status()
                     : base::fail("request.unknown", fmt::format("There is no pool {}", pool));
}

}  // namespace lineside::serial_pool
