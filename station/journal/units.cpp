// SPDX-License-Identifier: Apache-2.0
// What is known of a unit: its chip id, its module serial, whether it was made before.
#include "station/journal/journal.h"
#include "station/journal/rows.h"

namespace lineside::journal {

using base::JobId;
using base::UnitId;

Status set_module_serial(Tx& tx, UnitId unit, const std::string& serial) {
    return run_one(tx.run("UPDATE unit SET module_serial = ?1 WHERE id = ?2", serial, unit),
                   "module serial");
}

Status set_board(Tx& tx, JobId job, const base::Json& board) {
    return run_one(tx.run("UPDATE job SET board = ?1 WHERE id = ?2", base::dump_json(board), job),
                   "board");
}

Status set_tool_version(Tx& tx, JobId job, const std::string& version) {
    return run_one(tx.run("UPDATE job SET tool_version = ?1 WHERE id = ?2", version, job),
                   "tool version");
}

Result<ChipBinding> bind_chip(Tx& tx, const Stamp& stamp, JobId job, UnitId unit,
                              const std::string& slot, const std::string& chip_id) {
    // The job may have moved to another unit since the caller looked: the row rules.
    auto now = tx.one<UnitId>("SELECT unit_id FROM job WHERE id = ?1", job);
    if (!now) {
        return tl::unexpected<base::Error>(now.error());
    }
    if (*now) {
        unit = std::get<0>(**now);
    }
    ChipBinding binding{unit, false, std::nullopt, std::nullopt};
    auto own = tx.one<std::optional<std::string>>("SELECT chip_id FROM unit WHERE id = ?1", unit);
    auto known = tx.one<UnitId>("SELECT id FROM unit WHERE chip_id = ?1", chip_id);
    if (!own || !known) {
        return tl::unexpected<base::Error>(!own ? own.error() : known.error());
    }
    if (*known && std::get<0>(**known) == unit) {
        binding.known = true;
        return binding;
    }
    if (*own && std::get<0>(**own)) {
        return base::fail("unit.swapped",
                          "Another unit than the one this job began with is at the port");
    }
    if (!*known) {
        if (auto done = run_one(tx.run("UPDATE unit SET chip_id = ?1 WHERE id = ?2", chip_id, unit),
                                "chip id");
            !done) {
            return tl::unexpected<base::Error>(done.error());
        }
    } else {
        binding.known = true;
        binding.unit = std::get<0>(**known);
        auto live =
            tx.one<JobId>("SELECT id FROM job WHERE unit_id = ?1 AND outcome IS NULL AND id <> ?2",
                          binding.unit, job);
        if (!live) {
            return tl::unexpected<base::Error>(live.error());
        }
        if (*live) {
            binding.live_elsewhere = std::get<0>(**live);
            return binding;
        }
        auto moved = tx.run(
            "UPDATE job SET unit_id = ?1, attempt = 1 + (SELECT coalesce(max(attempt), 0) FROM job "
            "WHERE unit_id = ?1)"
            " WHERE id = ?2",
            binding.unit, job);
        if (auto done = run_one(std::move(moved), "unit merge"); !done) {
            return tl::unexpected<base::Error>(done.error());
        }
    }
    auto seq = append(tx, stamp,
                      {"unit.chip_id",
                       slot,
                       binding.unit,
                       job,
                       "",
                       {{"chip_id", chip_id}, {"known", binding.known}}});
    if (!seq) {
        return tl::unexpected<base::Error>(seq.error());
    }
    return binding;
}

Result<std::optional<std::string>> refused_rework(Tx& tx, JobId job, UnitId unit) {
    auto passed = tx.one<JobId>(
        "SELECT max(id) FROM job WHERE unit_id = ?1 AND outcome = 'PASS' AND id <> ?2 HAVING "
        "max(id) "
        "IS NOT NULL",
        unit, job);
    if (!passed) {
        return tl::unexpected<base::Error>(passed.error());
    }
    if (!*passed) {
        return std::optional<std::string>();
    }
    auto reason = tx.one<std::string>(
        "SELECT rework_reason FROM job WHERE unit_id = ?1 AND id > ?2 AND rework_reason IS NOT NULL"
        " ORDER BY id DESC LIMIT 1",
        unit, std::get<0>(**passed));
    if (!reason) {
        return tl::unexpected<base::Error>(reason.error());
    }
    if (*reason) {
        auto copied = run_one(
            tx.run("UPDATE job SET rework_reason = ?1 WHERE id = ?2", std::get<0>(**reason), job),
            "rework reason");
        return copied ? Result<std::optional<std::string>>(std::nullopt)
                      : tl::unexpected<base::Error>(copied.error());
    }
    auto serial = tx.one<std::string>(
        "SELECT value FROM unit_serial WHERE unit_id = ?1 AND state = 'burned'", unit);
    if (!serial) {
        return tl::unexpected<base::Error>(serial.error());
    }
    return std::optional<std::string>(*serial ? std::get<0>(**serial) : "");
}

Result<std::int64_t> allow_rework(Tx& tx, const Stamp& stamp, JobId job, const std::string& slot,
                                  const std::string& reason, const std::string& actor) {
    auto allowed = tx.run(
        "UPDATE job SET rework_reason = ?1 WHERE id = ?2 AND code = 'unit.known' AND rework_reason "
        "IS NULL",
        reason, job);
    if (!allowed) {
        return allowed;
    }
    auto unit = tx.one<UnitId>("SELECT unit_id FROM job WHERE id = ?1", job);
    if (!unit) {
        return tl::unexpected<base::Error>(unit.error());
    }
    if (*allowed == 0 || !*unit) {
        return base::fail("request.conflict",
                          "This unit was not refused for having passed before, or has its reason");
    }
    return append(
        tx, stamp,
        {"job.rework_allowed", slot, std::get<0>(**unit), job, actor, {{"reason", reason}}});
}

Result<std::string> module_serial_of(Tx& tx, UnitId unit) {
    auto known =
        tx.one<std::string>("SELECT coalesce(module_serial, '') FROM unit WHERE id = ?1", unit);
    if (!known) {
        return tl::unexpected<base::Error>(known.error());
    }
    return *known ? std::get<0>(**known) : std::string();
}

Result<std::optional<JobId>> module_serial_elsewhere(Tx& tx, UnitId unit,
                                                     const std::string& serial) {
    auto live = tx.one<JobId>(
        "SELECT j.id FROM unit u JOIN job j ON j.unit_id = u.id WHERE u.module_serial = ?1 AND "
        "u.id "
        "<> ?2 AND j.outcome IS NULL",
        serial, unit);
    if (!live) {
        return tl::unexpected<base::Error>(live.error());
    }
    return *live ? std::optional(std::get<0>(**live)) : std::nullopt;
}

}  // namespace lineside::journal
