// SPDX-License-Identifier: Apache-2.0
#include "station/people/badge_rows.h"

#include <fmt/format.h>

namespace lineside::people {
namespace {

using base::Json;

template <class T>
auto error_of(const T& failed) {
    return tl::unexpected<base::Error>(failed.error());
}

Status tell(Tx& tx, const journal::Stamp& stamp, std::string kind, const std::string& actor,
            Json data) {
    journal::Event event;
    event.kind = std::move(kind);
    event.actor = actor;
    event.data = std::move(data);
    auto told = journal::append(tx, stamp, event);
    return told ? Status() : Status(error_of(told));
}

// `what`: a condition on badge_shift s with one number.
Status end_shifts(Tx& tx, const journal::Stamp& stamp, const std::string& what, std::int64_t value,
                  const std::string& actor) {
    auto open = tx.all<std::int64_t, std::int64_t, std::string>(
        "SELECT s.id, s.session_id, a.name FROM badge_shift s JOIN badge b ON b.id = s.badge_id "
        "JOIN account a ON a.id = b.account_id WHERE s.ended_ms IS NULL AND " +
            what,
        value);
    if (!open) {
        return error_of(open);
    }
    for (const auto& [id, session, holder] : *open) {
        auto ended = tx.run("UPDATE badge_shift SET ended_ms = ?1, ended_by = ?2 WHERE id = ?3",
                            stamp.at_ms, actor, id);
        if (!ended) {
            return error_of(ended);
        }
        if (auto told =
                tell(tx, stamp, "shift.ended", actor, {{"session", session}, {"account", holder}});
            !told) {
            return told;
        }
    }
    return {};
}

}  // namespace

Result<std::vector<BadgeRow>> read_badges(Tx& tx) {
    auto rows = tx.all<std::int64_t, std::int64_t, db::Blob, std::int64_t>(
        "SELECT b.id, b.account_id, b.hash, b.made_ms FROM badge b JOIN account a ON a.id = "
        "b.account_id WHERE b.revoked_ms IS NULL AND a.state = 'active'");
    if (!rows) {
        return error_of(rows);
    }
    std::vector<BadgeRow> badges;
    for (auto& [id, account, hash, made] : *rows) {
        badges.push_back({id, account, hash.bytes, made});
    }
    return badges;
}

Result<std::vector<ShiftRow>> read_shifts(Tx& tx) {
    auto rows = tx.all<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>(
        "SELECT s.id, s.badge_id, s.session_id, b.account_id, s.expires_ms FROM badge_shift s "
        "JOIN badge b ON b.id = s.badge_id JOIN account a ON a.id = b.account_id "
        "JOIN session e ON e.id = s.session_id WHERE s.ended_ms IS NULL AND b.revoked_ms IS NULL "
        "AND a.state = 'active' AND e.ended_ms IS NULL");
    if (!rows) {
        return error_of(rows);
    }
    std::vector<ShiftRow> shifts;
    for (const auto& [id, badge, session, account, expires] : *rows) {
        shifts.push_back({id, badge, session, account, expires});
    }
    return shifts;
}

Result<BadgeRow> add_badge(Tx& tx, const journal::Stamp& stamp, BadgeRow badge,
                           const std::string& actor) {
    auto account = tx.one<std::string>(
        "SELECT name FROM account WHERE id = ?1 AND state = 'active'", badge.account);
    if (!account) {
        return error_of(account);
    }
    if (!*account) {
        return base::fail("request.unknown", "There is no such account, or it is closed");
    }
    if (auto revoked = revoke_badges_of(tx, stamp, badge.account, actor); !revoked) {
        return error_of(revoked);
    }
    badge.made_ms = stamp.at_ms;
    auto id = tx.insert(
        "INSERT INTO badge (account_id, hash, made_ms, made_by) VALUES (?1, ?2, ?3, "
        "?4)",
        badge.account, db::Blob{badge.hash}, badge.made_ms, actor);
    if (!id) {
        return error_of(id);
    }
    badge.id = *id;
    auto told = tell(tx, stamp, "badge.made", actor, {{"account", std::get<0>(**account)}});
    return told ? Result<BadgeRow>(std::move(badge)) : error_of(told);
}

Status revoke_badges_of(Tx& tx, const journal::Stamp& stamp, std::int64_t account,
                        const std::string& actor) {
    if (auto ended = end_shifts(tx, stamp, "b.account_id = ?1", account, actor); !ended) {
        return ended;
    }
    auto revoked = tx.run(
        "UPDATE badge SET revoked_ms = ?1, revoked_by = ?2 WHERE account_id = ?3 AND revoked_ms IS "
        "NULL",
        stamp.at_ms, actor, account);
    if (!revoked) {
        return error_of(revoked);
    }
    if (*revoked == 0) {
        return {};
    }
    auto name = tx.one<std::string>("SELECT name FROM account WHERE id = ?1", account);
    return name ? tell(tx, stamp, "badge.revoked", actor, {{"account", std::get<0>(**name)}})
                : Status(error_of(name));
}

Result<ShiftRow> add_shift(Tx& tx, const journal::Stamp& stamp, ShiftRow shift,
                           const std::string& holder) {
    auto good = tx.any(
        "SELECT 1 FROM session e, badge b JOIN account a ON a.id = b.account_id WHERE e.id = ?1 "
        "AND "
        "e.screen IS NOT NULL AND e.ended_ms IS NULL AND b.id = ?2 AND b.revoked_ms IS NULL AND "
        "a.state = 'active'",
        shift.session, shift.badge);
    if (!good) {
        return error_of(good);
    }
    if (!*good) {
        return base::fail("people.badge");
    }
    if (auto ended = end_shifts_at(tx, stamp, shift.session, holder); !ended) {
        return error_of(ended);
    }
    auto id = tx.insert(
        "INSERT INTO badge_shift (badge_id, session_id, opened_ms, expires_ms) VALUES (?1, ?2, ?3, "
        "?4)",
        shift.badge, shift.session, stamp.at_ms, shift.expires_ms);
    if (!id) {
        return error_of(id);
    }
    shift.id = *id;
    auto told = tell(tx, stamp, "shift.opened", holder, {{"session", shift.session}});
    return told ? Result<ShiftRow>(shift) : error_of(told);
}

Status end_shifts_at(Tx& tx, const journal::Stamp& stamp, std::int64_t session,
                     const std::string& actor) {
    return end_shifts(tx, stamp, "s.session_id = ?1", session, actor);
}

}  // namespace lineside::people
