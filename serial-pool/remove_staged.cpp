// SPDX-License-Identifier: Apache-2.0
// Taking back what nobody has seen: the rows of a batch that is still loading, in slices.
#include "serial-pool/staged_load.h"

#include "serial-pool/write_slices.h"

#include <chrono>

namespace lineside::serial_pool {
namespace {

using base::BatchId;
using base::Result;
using base::Status;
using Clock = std::chrono::steady_clock;

template <typename T>
Status status_of(const Result<T>& result) {
    return result ? Status() : tl::unexpected<base::Error>(result.error());
}

// Runs `slice` until it says that nothing is left.
Status in_slices(db::Store& store, const std::function<Result<bool>(db::Tx&)>& slice) {
    bool more = true;
    while (more) {
        auto done = store.write_now(
            [&](db::Tx& tx) -> Status {
                auto left = slice(tx);
                more = left && *left;
                return status_of(left);
            },
            db::Store::Share::alone);
        if (!done) {
            return done;
        }
    }
    return {};
}

Result<bool> remove_serials(db::Tx& tx, BatchId batch) {
    const auto until = Clock::now() + kSliceTime;
    auto rows = tx.all<std::int64_t>("SELECT id FROM serial WHERE batch_id = ?1 LIMIT 2000", batch);
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    for (const auto& [id] : *rows) {
        for (const char* sql : {"DELETE FROM serial_field WHERE serial_id = ?1",
                                "DELETE FROM serial WHERE id = ?1"}) {
            if (auto gone = tx.run(sql, id); !gone) {
                return tl::unexpected<base::Error>(gone.error());
            }
        }
        if (Clock::now() >= until) {
            break;
        }
    }
    return !rows->empty();
}

// The register of tokens has no index by batch: it is walked through from end to end, a piece a
// slice.
Result<bool> remove_tokens(db::Tx& tx, BatchId batch, db::Blob& behind) {
    const auto until = Clock::now() + kSliceTime;
    std::vector<db::Blob> ours;
    bool more = false;
    auto walked = tx.each("SELECT mac, batch_id FROM token WHERE mac > ?1 ORDER BY mac",
                          {db::Value(behind)}, [&](const db::Tx::Row& row) {
                              behind = row.blob(0);
                              if (row.integer(1) == batch.value) {
                                  ours.push_back(behind);
                              }
                              more = ours.size() >= 500 || Clock::now() >= until;
                              return !more;
                          });
    if (!walked) {
        return tl::unexpected<base::Error>(walked.error());
    }
    for (const db::Blob& mac : ours) {
        if (auto gone = tx.run("DELETE FROM token WHERE mac = ?1", mac); !gone) {
            return tl::unexpected<base::Error>(gone.error());
        }
    }
    return more;
}

}  // namespace

Status remove_staged(db::Store& store, BatchId batch) {
    auto done = in_slices(store, [&](db::Tx& tx) { return remove_serials(tx, batch); });
    if (done) {
        done = in_slices(store, [&](db::Tx& tx) -> Result<bool> {
            auto gone = tx.run(
                "DELETE FROM token_spare WHERE id IN (SELECT id FROM token_spare"
                " WHERE batch_id = ?1 AND serial_id IS NULL LIMIT 500)",
                batch);
            return gone ? Result<bool>(*gone != 0) : tl::unexpected<base::Error>(gone.error());
        });
    }
    db::Blob behind;
    if (done) {
        done = in_slices(store, [&](db::Tx& tx) { return remove_tokens(tx, batch, behind); });
    }
    return !done ? done : store.write_now([&](db::Tx& tx) -> Status {
        for (const char* sql : {"DELETE FROM batch_template WHERE batch_id = ?1",
                                "DELETE FROM batch WHERE id = ?1 AND state = 'loading'"}) {
            if (auto gone = tx.run(sql, batch); !gone) {
                return status_of(gone);
            }
        }
        return {};
    });
}

Result<std::vector<std::string>> remove_unfinished(db::Store& store) {
    std::vector<std::tuple<BatchId, std::string>> batches;
    auto asked = store.read_now([&](db::Tx& tx) -> Status {
        auto rows = tx.all<BatchId, std::string>(
            "SELECT id, name FROM batch WHERE state = 'loading' ORDER BY id");
        if (rows) {
            batches = std::move(*rows);
        }
        return status_of(rows);
    });
    std::vector<std::string> names;
    for (const auto& [id, name] : batches) {
        if (asked) {
            asked = remove_staged(store, id);
            names.push_back(name);
        }
    }
    return asked ? Result<std::vector<std::string>>(std::move(names))
                 : tl::unexpected<base::Error>(asked.error());
}

}  // namespace lineside::serial_pool
