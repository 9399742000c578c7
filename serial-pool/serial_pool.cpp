// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/serial_pool.h"

#include "station/base/broken.h"
#include "station/base/crash_point.h"
#include "station/base/text.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace lineside::serial_pool {
namespace {

using base::JobId;
using base::LeaseId;
using base::OrderId;
using base::SerialId;
using base::UnitId;

constexpr std::array<std::pair<LeaseState, std::string_view>, 6> kStates{{
    {LeaseState::reserved, "reserved"},
    {LeaseState::issued, "issued"},
    {LeaseState::burned, "burned"},
    {LeaseState::in_doubt, "in_doubt"},
    {LeaseState::released, "released"},
    {LeaseState::voided, "voided"},
}};

constexpr std::string_view kSelectLease =
    "SELECT l.id, l.serial_id, l.unit_id, l.state, s.value, b.name, s.token_sealed IS NOT NULL"
    " FROM lease l JOIN serial s ON s.id = l.serial_id JOIN batch b ON b.id = s.batch_id WHERE ";

std::optional<std::int64_t> or_null(JobId job) {
    return job ? std::optional(job.value) : std::nullopt;
}

template <typename Key>
Result<std::optional<Lease>> find_lease(Tx& tx, std::string_view where, const Key& key) {
    auto row = tx.one<LeaseId, SerialId, UnitId, std::string, std::string, std::string, bool>(
        std::string(kSelectLease) + std::string(where), key);
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    if (!*row) {
        return std::optional<Lease>();
    }
    const auto& [id, serial, unit, state, value, batch, has_token] = **row;
    Lease found{id, serial, unit, LeaseState::reserved, value, batch, has_token};
    if (const auto known = lease_state_from_text(state)) {
        found.state = *known;
    } else {
        return base::fail("db.failed", fmt::format("a lease has the unknown state {}", state));
    }
    return std::optional(found);
}

// What the order may take next, as a lease without id and unit.
Result<std::optional<Lease>> first_free(Tx& tx, OrderId order) {
    // The order's own batches, then nobody's: two looks, each along the indexes and at its end with
    // the first row; sorted together they would cost as much as the rest, and so would INSERT …
    // SELECT, which keeps the rows in a table of its own. What free means is asked twice: of the
    // column that the triggers keep, and of the leases.
    constexpr std::string_view kFirstFree =
        "SELECT * FROM (SELECT s.id, s.value, b.name, s.token_sealed IS NOT NULL FROM orders o"
        " CROSS JOIN batch b CROSS JOIN serial s WHERE o.id = ?1 AND b.pool_id = o.pool_id"
        " AND b.state = 'open' AND b.order_id = o.id AND s.batch_id = b.id AND s.free = 1"
        " AND NOT EXISTS (SELECT 1 FROM lease l WHERE l.serial_id = s.id AND l.state <> 'released')"
        " ORDER BY b.id, s.id LIMIT 1) UNION ALL "
        "SELECT * FROM (SELECT s.id, s.value, b.name, s.token_sealed IS NOT NULL FROM orders o"
        " CROSS JOIN batch b CROSS JOIN serial s WHERE o.id = ?1 AND b.pool_id = o.pool_id"
        " AND b.state = 'open' AND b.order_id IS NULL AND s.batch_id = b.id AND s.free = 1"
        " AND NOT EXISTS (SELECT 1 FROM lease l WHERE l.serial_id = s.id AND l.state <> 'released')"
        " ORDER BY b.id, s.id LIMIT 1) LIMIT 1";
    constexpr std::string_view kCareless =
        "SELECT s.id, s.value, b.name, s.token_sealed IS NOT NULL"
        " FROM orders o JOIN batch b ON b.pool_id = o.pool_id JOIN serial s ON s.batch_id = b.id"
        " WHERE o.id = ?1 AND b.state = 'open' AND (b.order_id IS NULL OR b.order_id = o.id)"
        " AND NOT EXISTS (SELECT 1 FROM lease l WHERE l.serial_id = s.id AND l.state IN "
        "('reserved','issued','burned')) ORDER BY b.order_id IS NULL, b.id, s.id LIMIT 1";
    auto row = tx.one<SerialId, std::string, std::string, bool>(
        base::broken("no-index") ? kCareless : kFirstFree, order);
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    if (!*row) {
        return std::optional<Lease>();
    }
    auto& [serial, value, batch, has_token] = **row;
    return std::optional(Lease{{}, serial, {}, LeaseState::reserved, value, batch, has_token});
}

// Inside the transaction: a death here must leave the lease as it was.
void moved_but_not_committed(LeaseState state) {
    switch (state) {
        case LeaseState::issued:
            return base::crash_point("lease_issue_written");
        case LeaseState::burned:
            return base::crash_point("lease_burn_written");
        case LeaseState::in_doubt:
            return base::crash_point("lease_doubt_written");
        case LeaseState::released:
            return base::crash_point("lease_release_written");
        case LeaseState::reserved:
        case LeaseState::voided:
            return;
    }
}

Status move_to(Tx& tx, LeaseId id, LeaseState state, const Move& move) {
    auto moved = tx.run(
        "UPDATE lease SET state = ?2, job_id = coalesce(?3, job_id), epoch = ?4, at_ms = ?5, "
        "reason = ?6, by_user = ?7"
        " WHERE id = ?1",
        id, to_text(state), or_null(move.job), move.epoch, move.at_ms,
        db::null_if_empty(move.reason), db::null_if_empty(move.by_user));
    if (!moved) {
        return tl::unexpected<base::Error>(moved.error());
    }
    moved_but_not_committed(state);
    return {};
}

tl::unexpected<base::Error> cannot(const Lease& lease, std::string_view wanted) {
    return base::fail("lease.refused", fmt::format("Serial {} is {}, it cannot be {}", lease.value,
                                                   to_text(lease.state), wanted));
}

// Moves from one of `from` to `to`; a state of `stay` is good as it is.
Status step(Tx& tx, LeaseId id, std::initializer_list<LeaseState> from,
            std::initializer_list<LeaseState> stay, LeaseState to, const Move& move) {
    auto found = lease(tx, id);
    if (!found) {
        return tl::unexpected<base::Error>(found.error());
    }
    if (std::find(stay.begin(), stay.end(), found->state) != stay.end()) {
        return {};
    }
    if (std::find(from.begin(), from.end(), found->state) == from.end()) {
        return cannot(*found, to_text(to));
    }
    return move_to(tx, id, to, move);
}

}  // namespace

std::string_view to_text(LeaseState state) {
    for (const auto& [each, text] : kStates) {
        if (each == state) {
            return text;
        }
    }
    return "";
}

std::optional<LeaseState> lease_state_from_text(std::string_view text) {
    for (const auto& [state, each] : kStates) {
        if (each == text) {
            return state;
        }
    }
    return std::nullopt;
}

Result<std::optional<Lease>> live_lease(Tx& tx, UnitId unit) {
    return find_lease(tx, "l.unit_id = ?1 AND l.state <> 'released' AND l.state <> 'voided'", unit);
}

Result<Lease> lease(Tx& tx, LeaseId id) {
    auto found = find_lease(tx, "l.id = ?1", id);
    if (!found) {
        return tl::unexpected<base::Error>(found.error());
    }
    if (!*found) {
        return base::fail("lease.refused", fmt::format("There is no lease {}", id.value));
    }
    return **found;
}

Result<std::optional<Lease>> lease_of_serial(Tx& tx, std::string_view serial) {
    return find_lease(tx, "l.state <> 'released' AND s.value_key = ?1",
                      base::to_lower_ascii(serial));
}

Result<Lease> reserve(Tx& tx, UnitId unit, OrderId order, const Move& move) {
    auto own = live_lease(tx, unit);
    if (!own) {
        return tl::unexpected<base::Error>(own.error());
    }
    if (*own) {
        if ((*own)->state == LeaseState::reserved) {  // by an older job: it is this job's now
            if (auto moved = move_to(tx, (*own)->id, LeaseState::reserved, move); !moved) {
                return tl::unexpected<base::Error>(moved.error());
            }
        }
        return **own;
    }
    auto free = first_free(tx, order);
    if (!free) {
        return tl::unexpected<base::Error>(free.error());
    }
    if (*free) {
        Lease made = **free;
        made.unit = unit;
        auto id = tx.insert(
            "INSERT INTO lease (serial_id, unit_id, job_id, state, epoch, at_ms, reason, by_user)"
            " VALUES (?1, ?2, ?3, 'reserved', ?4, ?5, ?6, ?7)",
            made.serial, unit, or_null(move.job), move.epoch, move.at_ms,
            db::null_if_empty(move.reason), db::null_if_empty(move.by_user));
        if (!id) {
            return tl::unexpected<base::Error>(id.error());
        }
        made.id = LeaseId(*id);
        base::crash_point("lease_reserve_written");
        return made;
    }
    auto pool = tx.one<std::string>(
        "SELECT p.name FROM orders o JOIN pool p ON p.id = o.pool_id WHERE o.id = ?1", order);
    if (!pool) {
        return tl::unexpected<base::Error>(pool.error());
    }
    if (!*pool) {
        return base::fail("request.unknown", fmt::format("There is no order {}", order.value));
    }
    return base::fail("pool.empty", fmt::format("Pool {} has no serial left", std::get<0>(**pool)));
}

Result<Issued> issue(Tx& tx, LeaseId id, const Move& move) {
    auto found = lease(tx, id);
    if (!found) {
        return tl::unexpected<base::Error>(found.error());
    }
    switch (found->state) {
        case LeaseState::reserved:
            if (base::broken("no-intent")) {
                break;  // burn() makes up for it, when the unit has had the serial for long
            }
            [[fallthrough]];
        case LeaseState::in_doubt:
            if (auto moved = move_to(tx, id, LeaseState::issued, move); !moved) {
                return tl::unexpected<base::Error>(moved.error());
            }
            found->state = LeaseState::issued;
            break;
        case LeaseState::issued:
        case LeaseState::burned:
            break;
        case LeaseState::released:
        case LeaseState::voided:
            return cannot(*found, "issued");
    }
    auto sealed = tx.one<std::optional<db::Blob>>("SELECT token_sealed FROM serial WHERE id = ?1",
                                                  found->serial);
    if (!sealed) {
        return tl::unexpected<base::Error>(sealed.error());
    }
    Issued issued{*found, {}};
    if (*sealed && std::get<0>(**sealed)) {
        issued.sealed = std::get<0>(**sealed)->bytes;
    }
    return issued;
}

Result<std::optional<base::Secret>> open_token(const TokenVault& vault, const Issued& issued) {
    if (issued.sealed.empty()) {
        return std::optional<base::Secret>();
    }
    auto token = vault.open_token(issued.sealed, {issued.lease.value, issued.lease.batch});
    if (!token) {
        return tl::unexpected<base::Error>(token.error());
    }
    return std::optional(std::move(*token));
}

Result<std::vector<UnitField>> unit_fields(Tx& tx, base::SerialId serial) {
    std::vector<UnitField> fields;
    auto own = tx.all<std::string, std::optional<std::string>, std::optional<db::Blob>>(
        "SELECT name, value, sealed FROM serial_field WHERE serial_id = ?1", serial);
    if (!own) {
        return tl::unexpected<base::Error>(own.error());
    }
    for (auto& [name, value, sealed] : *own) {
        fields.push_back({std::move(name), value.value_or(""), sealed ? sealed->bytes : ""});
    }
    auto templates = tx.all<std::string, std::string, std::string>(
        "SELECT t.name, t.template, s.value FROM serial s JOIN batch_template t ON t.batch_id = "
        "s.batch_id WHERE s.id = ?1",
        serial);
    if (!templates) {
        return tl::unexpected<base::Error>(templates.error());
    }
    for (const auto& [name, text, value] : *templates) {
        auto made = SsidTemplate::parse(text);
        if (!made) {
            return tl::unexpected<base::Error>(made.error());
        }
        fields.push_back({name, made->of(value), {}});
    }
    return fields;
}

Result<base::Secret> open_field(const TokenVault& vault, const Lease& lease,
                                const UnitField& field) {
    return field.sealed.empty()
               ? base::Secret(field.value)
               : vault.open_token(field.sealed, {lease.value, lease.batch, field.name});
}

Status burn(Tx& tx, LeaseId id, const Move& move) {
    if (base::broken("no-intent")) {
        if (auto late = step(tx, id, {LeaseState::reserved},
                             {LeaseState::issued, LeaseState::burned, LeaseState::in_doubt},
                             LeaseState::issued, move);
            !late) {
            return late;
        }
    }
    return step(tx, id, {LeaseState::issued, LeaseState::in_doubt}, {LeaseState::burned},
                LeaseState::burned, move);
}

Status doubt(Tx& tx, LeaseId id, const Move& move) {
    return step(tx, id, {LeaseState::issued}, {LeaseState::in_doubt, LeaseState::burned},
                LeaseState::in_doubt, move);
}

Status release(Tx& tx, LeaseId id, const Move& move) {
    return step(tx, id, {LeaseState::reserved}, {LeaseState::released}, LeaseState::released, move);
}

Status void_lease(Tx& tx, LeaseId id, const Move& move) {
    if (move.reason.empty() || move.by_user.empty()) {
        return base::fail("request.invalid", "Giving up a serial needs a name and a reason");
    }
    return step(tx, id, {LeaseState::in_doubt}, {}, LeaseState::voided, move);
}

Result<std::optional<LeaseId>> settle(Tx& tx, UnitId unit, const Move& move) {
    auto own = live_lease(tx, unit);
    if (!own) {
        return tl::unexpected<base::Error>(own.error());
    }
    if (!*own || ((*own)->state != LeaseState::reserved && (*own)->state != LeaseState::issued)) {
        return std::optional<LeaseId>();
    }
    const LeaseState state =
        (*own)->state == LeaseState::reserved ? LeaseState::released : LeaseState::in_doubt;
    if (auto moved = move_to(tx, (*own)->id, state, move); !moved) {
        return tl::unexpected<base::Error>(moved.error());
    }
    return std::optional((*own)->id);
}

Result<Adopted> adopt_unit(Tx& tx, UnitId provisional, UnitId known, const Move& move) {
    auto temporary = live_lease(tx, provisional);
    if (!temporary) {
        return tl::unexpected<base::Error>(temporary.error());
    }
    Adopted adopted;
    if (provisional == known) {
        adopted.live = std::move(*temporary);
        return adopted;
    }
    if (*temporary) {
        if ((*temporary)->state != LeaseState::reserved) {
            return base::fail(
                "lease.doubt",
                fmt::format("Serial {} may be on this unit already, which is known under another",
                            (*temporary)->value));
        }
        if (auto released = release(tx, (*temporary)->id, move); !released) {
            return tl::unexpected<base::Error>(released.error());
        }
        adopted.released = (*temporary)->id;
        base::crash_point("adopt_written");
    }
    auto live = live_lease(tx, known);
    if (!live) {
        return tl::unexpected<base::Error>(live.error());
    }
    adopted.live = std::move(*live);
    return adopted;
}

}  // namespace lineside::serial_pool
