// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/pool_status.h"

#include "station/base/codes.h"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace lineside::serial_pool {
namespace {

using base::Json;
using base::Result;
using base::Status;

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kMostInDoubt = 1000;

// Burned serials are the many: they are what is left when the few others are counted by their
// indexes.
Status count_serials(db::Tx& tx, std::map<std::int64_t, SerialCounts>& by_batch) {
    auto counted = tx.each("SELECT batch_id, count(*) FROM serial WHERE free = 1 GROUP BY batch_id",
                           {}, [&](const db::Tx::Row& row) {
                               if (const auto found = by_batch.find(row.integer(0));
                                   found != by_batch.end()) {  // else it is still loading
                                   found->second.free = row.integer(1);
                               }
                               return true;
                           });
    if (!counted) {
        return counted;
    }
    counted = tx.each(
        "SELECT s.batch_id, l.state, count(*) FROM lease l JOIN serial s ON s.id = l.serial_id"
        // Said twice: the first is the index's own words, the second what is sought in it.
        " WHERE l.state <> 'released' AND l.state <> 'burned'"
        " AND l.state IN ('reserved', 'issued', 'in_doubt', 'voided')"
        " GROUP BY s.batch_id, l.state",
        {}, [&](const db::Tx::Row& row) {
            const auto found = by_batch.find(row.integer(0));
            if (found == by_batch.end()) {
                return true;
            }
            SerialCounts& counts = found->second;
            const std::string state = row.text(1);
            (state == "reserved" ? counts.reserved
             : state == "issued" ? counts.issued
             : state == "voided" ? counts.voided
                                 : counts.in_doubt) = row.integer(2);
            return true;
        });
    for (auto& [batch, counts] : by_batch) {
        counts.burned = counts.total - counts.free - counts.reserved - counts.issued -
                        counts.in_doubt - counts.voided;
    }
    return counted;
}

void add(SerialCounts& sum, const SerialCounts& more) {
    sum.total += more.total;
    sum.free += more.free;
    sum.reserved += more.reserved;
    sum.issued += more.issued;
    sum.burned += more.burned;
    sum.in_doubt += more.in_doubt;
    sum.voided += more.voided;
    sum.set_aside += more.set_aside;
}

Json counts_json(const SerialCounts& counts) {
    return {{"total", counts.total},       {"free", counts.free},
            {"reserved", counts.reserved}, {"issued", counts.issued},
            {"burned", counts.burned},     {"in_doubt", counts.in_doubt},
            {"voided", counts.voided},     {"set_aside", counts.set_aside}};
}

template <typename T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

// The pools' sums over their batches, with the pace of the last hour.
Result<std::vector<PoolStatus>> pools_of(db::Tx& tx, const std::vector<BatchStatus>& batches,
                                         std::int64_t now_ms) {
    auto rows = tx.all<std::string, std::int64_t, std::int64_t, std::optional<std::int64_t>>(
        "SELECT p.name, p.low_mark,"
        " (SELECT count(*) FROM lease l JOIN serial s ON s.id = l.serial_id JOIN batch b ON b.id = "
        "s.batch_id"
        "  WHERE l.state = 'burned' AND l.at_ms >= ?1 AND b.pool_id = p.id),"
        " (SELECT sum(max(0, o.quantity - (SELECT count(DISTINCT j.unit_id) FROM job j WHERE "
        "j.order_id = o.id"
        "  AND j.outcome = 'PASS'))) FROM orders o WHERE o.pool_id = p.id AND o.state = 'open' AND "
        "o.takes_serials = 1)"
        " FROM pool p WHERE EXISTS (SELECT 1 FROM batch b WHERE b.pool_id = p.id"
        "  AND b.state <> 'loading') ORDER BY p.id",
        now_ms - kHourMs);
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    std::vector<PoolStatus> pools;
    for (const auto& [name, warn_at, used, needed] : *rows) {
        PoolStatus pool{name, warn_at, {}, used, needed};
        for (const BatchStatus& batch : batches) {
            if (batch.pool == name) {
                add(pool.counts, batch.counts);
            }
        }
        pools.push_back(std::move(pool));
    }
    return pools;
}

// What is certainly known of a serial that left the station and was not read back: what the unit
// was heard to say, and how far the step came that writes it.
std::string certainly(const std::optional<std::string>& heard,
                      const std::optional<std::string>& written) {
    if (heard) {
        return fmt::format("The unit says another serial: {}", *heard);
    }
    if (written == "ok") {
        return "Written to the unit without complaint, not read back";
    }
    if (written == "failed") {
        return "Sent to the unit, which complained; not read back";
    }
    return written ? "Sent to the unit, the write was cut off" : "Serial sent, not read back";
}

Result<Json> in_doubt(db::Tx& tx) {
    auto rows = tx.all<std::string, std::string, std::string, std::int64_t,
                       std::optional<std::int64_t>, std::optional<std::string>,
                       std::optional<std::string>, std::int64_t, std::optional<std::string>,
                       std::optional<std::string>, std::optional<std::string>,
                       std::optional<std::string>, std::optional<std::string>>(
        "SELECT s.value, p.name, b.name, l.unit_id, l.job_id, j.slot, u.chip_id, l.at_ms, j.code, "
        "j.message, l.reason,"
        " (SELECT heard FROM proof WHERE job_id = l.job_id AND kind = 'serial' AND ok = 0 ORDER BY "
        "id DESC LIMIT 1),"
        " (SELECT coalesce(outcome, 'begun') FROM step WHERE job_id = l.job_id AND name = "
        "'set-serial' ORDER BY id DESC LIMIT 1)"
        " FROM lease l JOIN serial s ON s.id = l.serial_id JOIN batch b ON b.id = s.batch_id"
        " JOIN pool p ON p.id = b.pool_id JOIN unit u ON u.id = l.unit_id LEFT JOIN job j ON j.id "
        "= l.job_id"
        " WHERE l.state <> 'released' AND l.state <> 'burned' AND l.state = 'in_doubt'"
        " ORDER BY l.at_ms DESC, l.id DESC LIMIT ?1",
        kMostInDoubt);
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    Json list = Json::array();
    for (const auto& [serial, pool, batch, unit, job, slot, chip, since, code, message, reason,
                      heard, written] : *rows) {
        std::optional<std::string> cause;
        const std::string because = code                                     ? *code
                                    : reason && base::is_known_code(*reason) ? *reason
                                                                             : "";
        if (!because.empty()) {
            const base::CodeEntry& entry = base::code_entry(because);
            cause = fmt::format("{} ({})", message ? *message : std::string(entry.sentence),
                                entry.display);
        } else if (reason) {
            cause = reason;
        }
        list.push_back(
            {{"serial", serial},
             {"pool", pool},
             {"batch", batch},
             {"unit", unit},
             {"job", or_null(job)},
             {"slot", or_null(slot)},
             {"chip_id", or_null(chip)},
             {"since", since},
             {"certain", certainly(heard, written)},
             {"cause", or_null(cause)},
             {"next_step", "Plug the unit into any free slot"},
             {"next_step_why", "The same unit is made again with this serial and reads it back"},
             {"otherwise", "Give the serial up, with a reason"}});
    }
    return list;
}

}  // namespace

Result<std::vector<BatchStatus>> batch_status(db::Tx& tx) {
    auto rows = tx.all<std::int64_t, std::string, std::string, bool, std::int64_t, std::string,
                       std::int64_t, std::string, std::string, std::optional<std::string>,
                       std::optional<std::int64_t>, std::optional<std::string>,
                       std::optional<std::string>>(
        "SELECT b.id, b.name, p.name, b.test_only, b.loaded_ms, b.loaded_by, b.count, b.state, "
        "b.source, o.name, b.ended_ms, b.ended_by, b.end_reason FROM batch b JOIN pool p ON p.id = "
        "b.pool_id LEFT JOIN orders o ON o.id = b.order_id WHERE b.state <> 'loading'"
        " ORDER BY b.id DESC");
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    std::map<std::int64_t, SerialCounts> counts;
    for (const auto& row : *rows) {
        counts[std::get<0>(row)].total = std::get<6>(row);
    }
    if (auto counted = count_serials(tx, counts); !counted) {
        return tl::unexpected<base::Error>(counted.error());
    }
    std::vector<BatchStatus> batches;
    for (const auto& [id, name, pool, test_only, loaded_ms, loaded_by, total, state, source, order,
                      ended_ms, ended_by, reason] : *rows) {
        SerialCounts of_batch = counts[id];
        if (state != "open") {
            of_batch.set_aside = std::exchange(of_batch.free, 0);
        }
        batches.push_back({id, name, pool, test_only, loaded_ms, loaded_by, state, source, order,
                           ended_ms, ended_by, reason, of_batch});
    }
    return batches;
}

Result<std::vector<PoolStatus>> pool_status(db::Tx& tx, std::int64_t now_ms) {
    auto batches = batch_status(tx);
    return batches ? pools_of(tx, *batches, now_ms) : tl::unexpected<base::Error>(batches.error());
}

Result<std::set<base::OrderId>> orders_without_serials(db::Tx& tx) {
    auto rows = tx.all<base::OrderId>(
        "SELECT o.id FROM orders o WHERE o.state = 'open' AND o.takes_serials = 1 AND NOT EXISTS "
        "(SELECT 1 FROM "
        "batch b"
        " WHERE b.pool_id = o.pool_id AND b.state = 'open' AND (b.order_id IS NULL OR b.order_id = "
        "o.id) AND EXISTS (SELECT 1 FROM serial s WHERE s.batch_id = b.id AND s.free = 1))");
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    std::set<base::OrderId> orders;
    for (const auto& [id] : *rows) {
        orders.insert(id);
    }
    return orders;
}

Json to_json(const BatchStatus& batch) {
    Json json = counts_json(batch.counts);
    json.update({{"id", batch.id},
                 {"name", batch.name},
                 {"pool", batch.pool},
                 {"test_only", batch.test_only},
                 {"loaded_at", batch.loaded_ms},
                 {"loaded_by", batch.loaded_by},
                 {"state", batch.state},
                 {"source", batch.source},
                 {"order", or_null(batch.order)},
                 {"ended_at", or_null(batch.ended_ms)},
                 {"ended_by", or_null(batch.ended_by)},
                 {"end_reason", or_null(batch.end_reason)}});
    return json;
}

Json to_json(const PoolStatus& pool) {
    Json json = counts_json(pool.counts);
    json.update({{"name", pool.name},
                 {"low", pool.low()},
                 {"warn_at", pool.warn_at},
                 {"used_last_hour", pool.used_last_hour},
                 {"needed", or_null(pool.needed)}});
    return json;
}

Result<Json> pool_page(db::Tx& tx, std::int64_t now_ms) {
    auto batches = batch_status(tx);
    if (!batches) {
        return tl::unexpected<base::Error>(batches.error());
    }
    auto pools = pools_of(tx, *batches, now_ms);
    auto doubts = in_doubt(tx);
    if (!pools || !doubts) {
        return tl::unexpected<base::Error>(!pools ? pools.error() : doubts.error());
    }
    Json page{
        {"pools", Json::array()}, {"batches", Json::array()}, {"in_doubt", std::move(*doubts)}};
    for (const PoolStatus& pool : *pools) {
        page["pools"].push_back(to_json(pool));
    }
    for (const BatchStatus& batch : *batches) {
        page["batches"].push_back(to_json(batch));
    }
    return page;
}

}  // namespace lineside::serial_pool
