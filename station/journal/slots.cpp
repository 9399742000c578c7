// SPDX-License-Identifier: Apache-2.0
#include "station/journal/slots.h"

#include <fmt/format.h>

namespace lineside::journal {

Result<std::vector<Closing>> closed_slots(Tx& tx) {
    std::vector<Closing> found;
    auto read = tx.each(
        "SELECT slot, closed_ms, closed_by, reason FROM slot_closing WHERE reopened_ms IS NULL "
        "ORDER BY id",
        {}, [&](const Tx::Row& row) {
            found.push_back({row.text(0), row.integer(1), row.text(2), row.text(3), 0});
            return true;
        });
    return read ? Result<std::vector<Closing>>(std::move(found))
                : tl::unexpected<base::Error>(read.error());
}

Result<std::optional<Closing>> closing_of(Tx& tx, const std::string& slot) {
    auto all = closed_slots(tx);  // few at any time
    if (!all) {
        return tl::unexpected<base::Error>(all.error());
    }
    for (Closing& each : *all) {
        if (each.slot == slot) {
            return std::optional(std::move(each));
        }
    }
    return std::optional<Closing>();
}

Result<Closing> close_slot(Tx& tx, const Stamp& stamp, const std::string& slot, base::JobId job,
                           const std::string& by, const std::string& reason,
                           const base::Json& counts) {
    auto there = closing_of(tx, slot);
    if (!there) {
        return tl::unexpected<base::Error>(there.error());
    }
    if (*there) {
        return base::fail("slot.closed", fmt::format("Slot {} is closed already", slot));
    }
    auto written = tx.run(
        "INSERT INTO slot_closing (slot, closed_ms, closed_by, reason) VALUES (?1, ?2, ?3, ?4)",
        slot, stamp.at_ms, by, reason);
    if (!written) {
        return tl::unexpected<base::Error>(written.error());
    }
    base::Json data = counts;
    data["reason"] = reason;
    auto seq =
        append(tx, stamp, {"slot.closed", slot, {}, job, by == kByRule ? "" : by, std::move(data)});
    if (!seq) {
        return tl::unexpected<base::Error>(seq.error());
    }
    return Closing{slot, stamp.at_ms, by, reason, *seq};
}

Result<std::int64_t> reopen_slot(Tx& tx, const Stamp& stamp, const std::string& slot,
                                 const std::string& by, const std::string& reason) {
    auto written = tx.run(
        "UPDATE slot_closing SET reopened_ms = ?1, reopened_by = ?2, reopen_reason = ?3 WHERE slot "
        "= ?4 AND reopened_ms IS NULL",
        stamp.at_ms, by, reason, slot);
    if (!written) {
        return written;
    }
    if (*written == 0) {
        return base::fail("request.conflict", fmt::format("Slot {} is not closed", slot));
    }
    return append(tx, stamp, {"slot.reopened", slot, {}, {}, by, {{"reason", reason}}});
}

Result<std::int64_t> put_places(Tx& tx, const Stamp& stamp, const std::vector<Place>& places,
                                const std::string& by) {
    if (auto gone = tx.run("DELETE FROM slot_place"); !gone) {
        return gone;
    }
    base::Json told = base::Json::array();
    for (const Place& each : places) {
        auto written =
            tx.run("INSERT INTO slot_place (slot, line, place, hub) VALUES (?1, ?2, ?3, ?4)",
                   each.slot, each.line, each.place, each.hub);
        if (!written) {
            return written;
        }
        told.push_back(
            {{"slot", each.slot}, {"line", each.line}, {"place", each.place}, {"hub", each.hub}});
    }
    return append(tx, stamp, {"slots.placed", "", {}, {}, by, {{"places", std::move(told)}}});
}

Result<std::vector<Place>> places(Tx& tx) {
    std::vector<Place> found;
    auto read = tx.each("SELECT slot, line, place, hub FROM slot_place ORDER BY line, place", {},
                        [&](const Tx::Row& row) {
                            found.push_back({row.text(0), static_cast<int>(row.integer(1)),
                                             static_cast<int>(row.integer(2)), row.text(3)});
                            return true;
                        });
    return read ? Result<std::vector<Place>>(std::move(found))
                : tl::unexpected<base::Error>(read.error());
}

Result<std::int64_t> put_ports(Tx& tx, const Stamp& stamp, const std::vector<SlotPort>& ports,
                               const std::string& by) {
    if (auto gone = tx.run("DELETE FROM slot_port"); !gone) {
        return gone;
    }
    base::Json told = base::Json::array();
    for (const SlotPort& each : ports) {
        auto written = tx.run(
            "INSERT INTO slot_port (slot, port, peer, mapped_ms, mapped_by) VALUES (?1, ?2, ?3, "
            "?4, ?5)",
            each.slot, each.port, db::null_if_empty(each.peer), stamp.at_ms, by);
        if (!written) {
            return written;
        }
        told.push_back({{"slot", each.slot}, {"port", each.port}, {"peer", each.peer}});
    }
    return append(tx, stamp, {"slots.mapped", "", {}, {}, by, {{"slots", std::move(told)}}});
}

Result<std::vector<SlotPort>> ports(Tx& tx) {
    std::vector<SlotPort> found;
    auto read = tx.each(
        "SELECT slot, port, coalesce(peer, ''), mapped_ms, mapped_by FROM slot_port ORDER BY slot",
        {}, [&](const Tx::Row& row) {
            found.push_back({row.text(0), row.text(1), row.text(2), row.integer(3), row.text(4)});
            return true;
        });
    return read ? Result<std::vector<SlotPort>>(std::move(found))
                : tl::unexpected<base::Error>(read.error());
}

}  // namespace lineside::journal
