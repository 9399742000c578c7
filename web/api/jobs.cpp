// SPDX-License-Identifier: Apache-2.0
#include "station/records/job_context.h"
#include "station/records/job_log.h"
#include "web/api/api.h"
#include "web/api/proofs.h"
#include "web/api/words.h"

#include "station/base/codes.h"

#include <fmt/format.h>

namespace lineside::api {
namespace {

using Text = std::optional<std::string>;
using Number = std::optional<std::int64_t>;

std::string_view step_state(const Text& outcome) {
    if (!outcome) {
        return "running";
    }
    return *outcome == "ok" ? "done" : *outcome == "failed" ? "failed" : "interrupted";
}

Result<Json> steps_of(Tx& tx, std::int64_t job) {
    auto rows =
        tx.all<std::int64_t, std::int64_t, std::string, std::int64_t, Number, Text, Text, Text>(
            "SELECT idx, attempt, name, started_ms, ended_ms, outcome, code, message FROM step "
            "WHERE job_id = ?1 ORDER BY id",
            job);
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    Json steps = Json::array();
    for (const auto& [index, attempt, name, started, ended, outcome, code, message] : *rows) {
        const bool told = message && !message->empty();
        steps.push_back({{"index", index},
                         {"attempt", attempt},
                         {"name", name},
                         {"word", step_word(name)},
                         {"kind", step_kind(name)},
                         {"state", step_state(outcome)},
                         {"started_at", started},
                         {"ended_at", or_null(ended)},
                         {"code", or_null(code)},
                         {"sentence", told   ? Json(*message)
                                      : code ? Json(base::code_entry(*code).sentence)
                                             : Json()}});
    }
    return steps;
}

Result<Json> lease_of(Tx& tx, std::int64_t job) {
    auto row = tx.one<std::string, std::string, std::string, std::string>(
        "SELECT s.value, l.state, p.name, b.name FROM job j JOIN lease l ON l.id = max("
        "coalesce((SELECT lease_id FROM unit_lease WHERE unit_id = j.unit_id), 0),"
        "coalesce((SELECT max(id) FROM lease WHERE unit_id = j.unit_id AND job_id = j.id"
        "  AND (state = 'released' OR state = 'voided')), 0))"
        " JOIN serial s ON s.id = l.serial_id JOIN batch b ON b.id = s.batch_id"
        " JOIN pool p ON p.id = b.pool_id WHERE j.id = ?1",
        job);
    if (!row) {
        return tl::unexpected(row.error());
    }
    if (!*row) {
        return Json();
    }
    const auto& [serial, state, pool, batch] = **row;
    return Json{{"serial", serial}, {"state", state}, {"pool", pool}, {"batch", batch}};
}

Json log_json(const records::JoinedLog& log, std::int64_t redactions) {
    Json segments = Json::array();
    for (const records::LogSegment& s : log.segments) {
        segments.push_back({{"index", s.index},
                            {"attempt", s.attempt},
                            {"name", s.name},
                            {"word", step_word(s.name)},
                            {"from", s.from},
                            {"size", s.size}});
    }
    return {{"size", log.size},
            {"ended", log.ended},
            {"redactions", redactions},
            {"segments", std::move(segments)}};
}

// How its image was released when it began; null: nobody asked yet.
Result<Json> release_of(Tx& tx, std::int64_t job) {
    auto row = tx.one<std::string, std::optional<std::string>, std::optional<std::string>>(
        "SELECT image_release, image_released_by, image_release_reason FROM job WHERE id = ?1 AND "
        "image_release IS NOT NULL",
        job);
    if (!row) {
        return tl::unexpected(row.error());
    }
    if (!*row) {
        return Json();
    }
    const auto& [how, by, reason] = **row;
    return Json{{"how", how}, {"by", or_null(by)}, {"reason", or_null(reason)}};
}

Result<Json> job_json(Tx& tx, std::int64_t job, const std::string& folder) {
    auto row = tx.one<std::int64_t, std::string, std::int64_t, std::int64_t, std::string, Text,
                      Text, Text, std::string, Text, Text, Text, std::int64_t, Number,
                      std::int64_t>(
        "SELECT j.unit_id, j.slot, j.attempt, o.id, o.name, j.image_key, i.profile, "
        "coalesce(i.tool_version, j.tool_version),"
        " u.model, j.outcome, j.code, j.message, j.started_ms, j.ended_ms, j.redactions FROM job j"
        " JOIN orders o ON o.id = j.order_id JOIN unit u ON u.id = j.unit_id LEFT JOIN image i ON "
        "i.key = j.image_key"
        " WHERE j.id = ?1",
        job);
    if (!row) {
        return tl::unexpected(row.error());
    }
    if (!*row) {
        return base::fail("request.unknown", fmt::format("There is no job {}", job));
    }
    const auto& [unit, slot, attempt, order, order_name, image, profile, version, model, outcome,
                 code, message, started, ended, redactions] = **row;
    auto steps = steps_of(tx, job);
    auto proofs = proofs_of(tx, job);
    auto lease = lease_of(tx, job);
    auto certificate =
        tx.one<bool>("SELECT EXISTS (SELECT 1 FROM certificate WHERE job_id = ?1)", job);
    auto log = records::joined_log(tx, job, folder);
    if (!steps || !proofs || !lease || !certificate || !log) {
        return tl::unexpected(!steps         ? steps.error()
                              : !proofs      ? proofs.error()
                              : !lease       ? lease.error()
                              : !certificate ? certificate.error()
                                             : log.error());
    }
    Json json{{"job", job},
              {"unit", unit},
              {"slot", slot},
              {"attempt", attempt},
              {"order", {{"id", order}, {"name", order_name}}},
              {"image", nullptr},
              {"model", model},
              {"running", !outcome.has_value()},
              {"started_at", started},
              {"ended_at", or_null(ended)},
              {"steps", std::move(*steps)},
              {"proofs", std::move(*proofs)},
              {"lease", std::move(*lease)},
              {"certificate", std::get<0>(**certificate)},
              {"log", log_json(*log, redactions)}};
    if (image) {
        json["image"] = {{"id", *image}, {"name", image_name(profile.value_or(""), version)}};
    }
    auto release = release_of(tx, job);
    if (!release) {
        return release;
    }
    json["image_release"] = std::move(*release);
    add_verdict_words(json, outcome, code, message);
    return json;
}

}  // namespace

void get_job(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto job = request.number("job");
    api.read(reply, [job, folder = api.facade.log_folder(job)](Tx& tx) {
        return job_json(tx, job, folder);
    });
}

void get_job_context(Api& api, const Request& request, const ReplyPtr& reply) {
    api.read(reply,
             [job = request.number("job")](Tx& tx) { return records::job_context(tx, job); });
}

}  // namespace lineside::api
