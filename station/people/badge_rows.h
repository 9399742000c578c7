// SPDX-License-Identifier: Apache-2.0
// Badges and who works at a screen by one, in the database, each change with its journal row in the
// transaction of the caller. Of what a badge holds only the hash comes here.
// Errors: request.unknown, people.badge, db.failed. Thread: a db thread.
#pragma once

#include "station/people/people_rows.h"

#include <cstdint>
#include <string>
#include <vector>

namespace lineside::people {

struct BadgeRow {
    std::int64_t id = 0;
    std::int64_t account = 0;
    std::string hash;  // 32 bytes
    std::int64_t made_ms = 0;
};
struct ShiftRow {
    std::int64_t id = 0;
    std::int64_t badge = 0;
    std::int64_t session = 0;  // the screen's
    std::int64_t account = 0;  // of the badge
    std::int64_t expires_ms = 0;
};

// Those that are not revoked, of active accounts.
[[nodiscard]] Result<std::vector<BadgeRow>> read_badges(Tx& tx);
// Those that have not ended, at screens that are let in.
[[nodiscard]] Result<std::vector<ShiftRow>> read_shifts(Tx& tx);

// Revokes the one before and ends its shifts. Errors: request.conflict (the account is closed).
[[nodiscard]] Result<BadgeRow> add_badge(Tx& tx, const journal::Stamp& stamp, BadgeRow badge,
                                         const std::string& actor);
// Also where there is none.
[[nodiscard]] Status revoke_badges_of(Tx& tx, const journal::Stamp& stamp, std::int64_t account,
                                      const std::string& actor);
// Ends the shift before at that screen. Errors: people.badge (revoked, closed or put out
// meanwhile).
[[nodiscard]] Result<ShiftRow> add_shift(Tx& tx, const journal::Stamp& stamp, ShiftRow shift,
                                         const std::string& holder);
[[nodiscard]] Status end_shifts_at(Tx& tx, const journal::Stamp& stamp, std::int64_t session,
                                   const std::string& actor);

}  // namespace lineside::people
