// SPDX-License-Identifier: Apache-2.0
// The end of a batch: withdrawn while no unit has anything of it, or closed with an account of
// where each of its serials went. What is left of it is never given out again.
// Thread: a db thread.   Durable: when the caller's transaction commits.
#pragma once

#include "station/base/json.h"
#include "station/db/query.h"

#include <cstdint>
#include <string>

namespace lineside::serial_pool {

// Each serial of a batch is in exactly one of these; `loaded` is their sum, always.
struct BatchAccount {
    std::string batch;
    std::string pool;
    std::string state;
    std::int64_t loaded = 0;
    std::int64_t passed = 0;    // on a unit that passed
    std::int64_t scrapped = 0;  // given up by a person, or on a unit that never passed
    std::int64_t voided = 0;    // part of scrapped: given up by a person
    std::int64_t in_doubt = 0;
    std::int64_t at_work = 0;  // reserved or issued now; none once the batch is closed
    std::int64_t left = 0;
};

// Counted serial by serial, not by what remains.   Errors: request.unknown, station.bug (it does
// not add up: then the database is damaged), db.failed.
[[nodiscard]] base::Result<BatchAccount> batch_account(db::Tx& tx, const std::string& batch);
[[nodiscard]] base::Json to_json(const BatchAccount& account);

struct BatchEnd {
    std::string batch;
    std::string by_user;
    std::string reason;  // may be empty for close
    std::int64_t at_ms = 0;
};
// open -> withdrawn.   Errors: request.unknown, request.invalid (no reason), request.conflict (not
// open, units have serials of it), db.failed.
[[nodiscard]] base::Result<BatchAccount> withdraw_batch(db::Tx& tx, const BatchEnd& end);
// open -> closed.   Errors: request.unknown, request.conflict (not open, units are at work with its
// serials), db.failed.
[[nodiscard]] base::Result<BatchAccount> close_batch(db::Tx& tx, const BatchEnd& end);

// From this many serials on the station warns that the pool is low.   Errors: request.unknown,
// request.invalid, db.failed.
[[nodiscard]] base::Status set_warn_at(db::Tx& tx, const std::string& pool, std::int64_t warn_at);

}  // namespace lineside::serial_pool
