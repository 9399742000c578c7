// SPDX-License-Identifier: Apache-2.0
#include "station/labels/label_rows.h"

#include <fmt/format.h>

#include <ctime>

namespace lineside::labels {
namespace {

using base::JobId;
using base::UnitId;

constexpr std::string_view kColumns =
    "SELECT l.id, l.job_id, l.copy, l.state, l.tries, coalesce(l.message, ''), l.begun_ms IS NOT "
    "NULL, EXISTS (SELECT 1 FROM label c WHERE c.job_id = l.job_id AND c.checked_ms IS NOT NULL) "
    "FROM label l ";

template <class Error>
auto passed_on(const Error& error) {
    return tl::unexpected<base::Error>(error);
}

Result<std::vector<LabelRow>> rows(Tx& tx, const std::string& rest, std::int64_t value) {
    auto found = tx.all<std::int64_t, JobId, std::int64_t, std::string, std::int64_t, std::string,
                        bool, bool>(std::string(kColumns) + rest, value);
    if (!found) {
        return passed_on(found.error());
    }
    std::vector<LabelRow> out;
    for (auto& [id, job, copy, state, tries, message, begun, checked] : *found) {
        out.push_back({id, job, copy, state, tries, message, begun, checked, 0});
    }
    return out;
}

Result<LabelRow> row(Tx& tx, std::int64_t label) {
    auto found = rows(tx, "WHERE l.id = ?1", label);
    if (!found) {
        return passed_on(found.error());
    }
    if (found->empty()) {
        return base::fail("request.unknown", fmt::format("There is no label {}", label));
    }
    return found->front();
}

// Writes the journal row and gives the label as it is now.
Result<LabelRow> append_of_label(Tx& tx, const journal::Stamp& stamp, std::int64_t label,
                                 const char* kind, const std::string& actor,
                                 Json data = Json::object()) {
    auto now = row(tx, label);
    if (!now) {
        return now;
    }
    auto job = tx.one<std::string, UnitId>("SELECT slot, unit_id FROM job WHERE id = ?1", now->job);
    if (!job) {
        return passed_on(job.error());
    }
    const auto& [slot, unit] = job->value();
    data["label"] = label;
    data["copy"] = now->copy;
    auto seq = journal::append(tx, stamp, {kind, slot, unit, now->job, actor, std::move(data)});
    if (!seq) {
        return passed_on(seq.error());
    }
    now->seq = *seq;
    return now;
}

Status passed(Tx& tx, JobId job) {
    auto outcome = tx.one<std::optional<std::string>>("SELECT outcome FROM job WHERE id = ?1", job);
    if (!outcome) {
        return passed_on(outcome.error());
    }
    if (!*outcome) {
        return base::fail("request.unknown", fmt::format("There is no job {}", job.value));
    }
    if (std::get<0>(**outcome) != "PASS") {
        return base::fail("request.conflict", "A label is printed after PASS");
    }
    return {};
}

Result<LabelRow> add(Tx& tx, const journal::Stamp& stamp, JobId job, std::int64_t copy,
                     const std::string& label, const std::string& reason,
                     const std::string& actor) {
    auto id = tx.insert(
        "INSERT INTO label (job_id, copy, template, reason, asked_ms, asked_by, state) VALUES (?1, "
        "?2, ?3, ?4, ?5, ?6, 'waiting')",
        job, copy, label, db::null_if_empty(reason), stamp.at_ms, actor);
    if (!id) {
        return passed_on(id.error());
    }
    Json data{{"template", label}};
    if (!reason.empty()) {
        data["reason"] = reason;
    }
    return append_of_label(tx, stamp, *id, copy == 1 ? "label.asked" : "label.reprint", actor,
                           std::move(data));
}

constexpr std::string_view kShown =
    "SELECT l.id, l.job_id, j.unit_id, (SELECT expected FROM proof WHERE job_id = j.id AND kind = "
    "'serial' AND ok = 1 ORDER BY id DESC LIMIT 1), j.slot, l.copy, l.state, l.state = 'failed' "
    "AND "
    "l.begun_ms IS NOT NULL, l.tries, l.message, l.asked_ms, l.asked_by, l.reason, l.printed_ms, "
    "l.checked_ms FROM label l JOIN job j ON j.id = l.job_id ";

Result<Json> shown(Tx& tx, const std::string& rest, std::vector<db::Value> args) {
    Json list = Json::array();
    const auto text = [](const Tx::Row& r, int i) {
        return r.is_null(i) ? Json(nullptr) : Json(r.text(i));
    };
    const auto time = [](const Tx::Row& r, int i) {
        return r.is_null(i) ? Json(nullptr) : Json(r.integer(i));
    };
    auto done = tx.each(std::string(kShown) + rest, std::move(args), [&](const Tx::Row& r) {
        list.push_back({{"label", r.integer(0)},
                        {"job", r.integer(1)},
                        {"unit", r.integer(2)},
                        {"serial", text(r, 3)},
                        {"slot", r.text(4)},
                        {"copy", r.integer(5)},
                        {"state", r.text(6)},
                        {"doubt", r.integer(7) != 0},
                        {"tries", r.integer(8)},
                        {"message", text(r, 9)},
                        {"asked_ms", r.integer(10)},
                        {"asked_by", r.text(11)},
                        {"reason", text(r, 12)},
                        {"printed_ms", time(r, 13)},
                        {"checked_ms", time(r, 14)}});
        return true;
    });
    return done ? Result<Json>(std::move(list)) : passed_on(done.error());
}

std::string day_of(std::int64_t ms) {
    const std::time_t s = static_cast<std::time_t>(ms / 1000);
    std::tm local{};
    ::localtime_r(&s, &local);
    return fmt::format("{:04}-{:02}-{:02}", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday);
}

}  // namespace

Result<std::optional<LabelRow>> newest_label(Tx& tx, JobId job) {
    auto found = rows(tx, "WHERE l.job_id = ?1 ORDER BY l.copy DESC LIMIT 1", job.value);
    if (!found) {
        return passed_on(found.error());
    }
    return found->empty() ? std::optional<LabelRow>() : found->front();
}

Result<LabelRow> ask_label(Tx& tx, const journal::Stamp& stamp, JobId job, const std::string& label,
                           const std::string& actor) {
    auto there = newest_label(tx, job);
    if (!there) {
        return passed_on(there.error());
    }
    if (*there) {
        return **there;
    }
    if (auto good = passed(tx, job); !good) {
        return passed_on(good.error());
    }
    return add(tx, stamp, job, 1, label, "", actor);
}

Result<LabelRow> ask_copy(Tx& tx, const journal::Stamp& stamp, JobId job, const std::string& label,
                          const std::string& reason, const std::string& actor) {
    if (auto good = passed(tx, job); !good) {
        return passed_on(good.error());
    }
    auto there = newest_label(tx, job);
    if (!there) {
        return passed_on(there.error());
    }
    if (*there && (*there)->state == "waiting") {
        return base::fail("request.conflict", "Its label waits for the printer already");
    }
    if (!*there) {  // copy 1 is the one that needs no reason; its reason is kept all the same
        return add(tx, stamp, job, 1, label, reason, actor);
    }
    return add(tx, stamp, job, (*there)->copy + 1, label, reason, actor);
}

Result<std::vector<LabelRow>> waiting_labels(Tx& tx) {
    return rows(tx, "WHERE l.state = 'waiting' AND l.id > ?1 ORDER BY l.id", 0);
}

Result<bool> begin_try(Tx& tx, std::int64_t at_ms, std::int64_t label) {
    auto done = tx.run(
        "UPDATE label SET tries = tries + 1, begun_ms = ?1 WHERE id = ?2 AND state = 'waiting'",
        at_ms, label);
    return done ? Result<bool>(*done == 1) : passed_on(done.error());
}

Status tried_in_vain(Tx& tx, std::int64_t label, const std::string& message) {
    auto done =
        tx.run("UPDATE label SET message = ?1, begun_ms = NULL WHERE id = ?2", message, label);
    return done ? Status() : passed_on(done.error());
}

Result<LabelRow> label_printed(Tx& tx, const journal::Stamp& stamp, std::int64_t label,
                               const std::string& actor) {
    auto done = tx.run(
        "UPDATE label SET state = 'printed', printed_ms = ?1, message = NULL WHERE id = ?2 AND "
        "state <> 'printed'",
        stamp.at_ms, label);
    if (!done) {
        return passed_on(done.error());
    }
    return *done == 0 ? row(tx, label) : append_of_label(tx, stamp, label, "label.printed", actor);
}

Result<LabelRow> label_failed(Tx& tx, const journal::Stamp& stamp, std::int64_t label,
                              const std::string& message, bool doubt) {
    auto done = tx.run(
        "UPDATE label SET state = 'failed', message = ?1, begun_ms = CASE WHEN ?2 THEN begun_ms "
        "END "
        "WHERE id = ?3 AND state = 'waiting'",
        message, doubt, label);
    if (!done) {
        return passed_on(done.error());
    }
    return *done == 0 ? row(tx, label)
                      : append_of_label(tx, stamp, label, "label.failed", "",
                                        {{"message", message}, {"doubt", doubt}});
}

Result<LabelRow> label_again(Tx& tx, const journal::Stamp& stamp, std::int64_t label,
                             const std::string& actor) {
    auto now = row(tx, label);
    if (!now) {
        return now;
    }
    if (now->state != "failed") {
        return base::fail("request.conflict", "This label did not fail");
    }
    if (now->doubt()) {
        return base::fail("request.conflict",
                          "This label may be printed. If it is not there, print another copy");
    }
    auto done = tx.run("UPDATE label SET state = 'waiting', tries = 0 WHERE id = ?1", label);
    if (!done) {
        return passed_on(done.error());
    }
    return append_of_label(tx, stamp, label, "label.again", actor);
}

Result<LabelRow> label_found(Tx& tx, const journal::Stamp& stamp, std::int64_t label,
                             const std::string& actor) {
    auto now = row(tx, label);
    if (!now) {
        return now;
    }
    if (!now->doubt()) {
        return base::fail("request.conflict", "There is no doubt about this label");
    }
    return label_printed(tx, stamp, label, actor);
}

Result<LabelRow> label_checked(Tx& tx, const journal::Stamp& stamp, JobId job,
                               const std::string& actor) {
    auto there = newest_label(tx, job);
    if (!there || !*there) {
        return there ? base::fail("request.conflict", "No label was printed for this unit")
                     : passed_on(there.error());
    }
    const std::int64_t id = (*there)->id;
    auto done = tx.run(
        "UPDATE label SET state = 'printed', printed_ms = coalesce(printed_ms, ?1), message = "
        "NULL, "
        "checked_ms = ?1, checked_by = ?2 WHERE id = ?3 AND checked_ms IS NULL",
        stamp.at_ms, actor, id);
    if (!done) {
        return passed_on(done.error());
    }
    return *done == 0 ? row(tx, id) : append_of_label(tx, stamp, id, "label.checked", actor);
}

Result<std::int64_t> label_wrong(Tx& tx, const journal::Stamp& stamp, JobId job,
                                 const std::string& actor) {
    auto there = newest_label(tx, job);
    if (!there || !*there) {
        return there ? base::fail("request.conflict", "No label was printed for this unit")
                     : passed_on(there.error());
    }
    auto now = append_of_label(tx, stamp, (*there)->id, "label.wrong", actor);
    return now ? Result<std::int64_t>(now->seq) : passed_on(now.error());
}

Result<Json> open_labels(Tx& tx) {
    auto list = shown(tx,
                      "WHERE l.state <> 'printed' AND l.copy = (SELECT max(copy) FROM label WHERE "
                      "job_id = l.job_id) ORDER BY l.id LIMIT 500",
                      {});
    if (!list) {
        return list;
    }
    return Json{{"labels", std::move(*list)}};
}

Result<Json> labels_of_unit(Tx& tx, std::int64_t unit) {
    return shown(tx, "WHERE j.unit_id = ?1 ORDER BY l.id DESC LIMIT 100", {unit});
}

Result<Subject> subject_of(Tx& tx, JobId job) {
    if (auto good = passed(tx, job); !good) {
        return passed_on(good.error());
    }
    auto found = tx.one<std::string, std::string, std::string, std::string, std::int64_t,
                        std::string, std::string, std::string, std::int64_t>(
        "SELECT coalesce((SELECT expected FROM proof WHERE job_id = j.id AND kind = 'serial' AND "
        "ok "
        "= 1 ORDER BY id DESC LIMIT 1), ''), u.model, o.profile, o.name, j.unit_id, j.slot, "
        "coalesce(u.chip_id, ''), coalesce(u.module_serial, ''), j.ended_ms FROM job j JOIN unit u "
        "ON u.id = j.unit_id JOIN orders o ON o.id = j.order_id WHERE j.id = ?1",
        job);
    if (!found) {
        return passed_on(found.error());
    }
    const auto& [serial, model, profile, order, unit, slot, chip, module, ended] = found->value();
    Subject subject;
    subject.profile = profile;
    subject.values = {serial,
                      model,
                      profile,
                      order,
                      day_of(ended),
                      std::to_string(unit),
                      std::to_string(job.value),
                      slot,
                      "",
                      chip,
                      module,
                      false};
    return subject;
}

}  // namespace lineside::labels
