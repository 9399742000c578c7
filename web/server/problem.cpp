// SPDX-License-Identifier: Apache-2.0
#include "web/server/problem.h"

#include "station/base/codes.h"

#include <algorithm>
#include <array>

namespace lineside::web {
namespace {

struct Row {
    std::string_view code;
    unsigned status;
};

// clang-format off
constexpr std::array kRows{
    Row{"http.malformed",       400},
    Row{"http.parameter",       400},
    Row{"http.header",          403},
    Row{"http.origin",          403},
    Row{"http.not_found",       404},
    Row{"http.method",          405},
    Row{"http.timeout",         408},
    Row{"http.too_large",       413},
    Row{"http.target",          414},
    Row{"http.content_type",    415},
    Row{"http.host",            421},
    Row{"http.headers",         431},
    Row{"http.busy",            503},
    Row{"http.version",         505},
    Row{"people.needed",        401},
    Row{"people.role",          403},
    Row{"people.login",         401},
    Row{"people.wait",          429},
    Row{"people.link",          403},
    Row{"people.badge",         403},
    Row{"people.password",      422},
    Row{"slot.ack_not_ready",   409},
    Row{"slot.job_changed",     409},
    Row{"slot.no_retry",        409},
    Row{"slot.no_job",          409},
    Row{"slot.closed",          409},
    Row{"batch.exists",         409},
    Row{"batch.refused",        422},
    Row{"batch.invalid",        422},
    Row{"request.invalid",      400},
    Row{"request.refused",      403},
    Row{"request.unknown",      404},
    Row{"request.conflict",     409},
    Row{"protocol.invalid",     400},
    Row{"config.missing",       404},
    Row{"config.invalid",       400},
    Row{"pool.unknown",         404},
    Row{"pool.empty",           409},
    Row{"order.none",           409},
    Row{"order.wrong_model",    409},
    Row{"lease.refused",        409},
    Row{"lease.doubt",          409},
    Row{"unit.known",           409},
    Row{"label.wrong",          409},
    Row{"power.failed",         502},
    Row{"label.failed",         409},
    Row{"label.content",        409},
    Row{"station.stopping",     503},
    Row{"db.failed",            503},
    Row{"disk.full",            507},
};
// clang-format on

}  // namespace

unsigned status_of(std::string_view code) {
    const auto* row =
        std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.code == code; });
    return row == kRows.end() ? 500 : row->status;
}

base::Json problem_json(const base::Error& error) {
    const auto& entry = base::code_entry(error.code);
    base::Json problem = {
        {"type", "/problems/" + error.code},
        {"title", entry.sentence},
        {"status", status_of(error.code)},
        {"code", error.code},
    };
    if (!error.message.empty()) {
        problem["detail"] = error.message;
    }
    const std::string_view hint = error.hint.empty() ? entry.action : std::string_view(error.hint);
    if (!hint.empty()) {
        problem["hint"] = hint;
    }
    return problem;
}

Response problem_response(const base::Error& error) {
    auto response = json_response(status_of(error.code), problem_json(error));
    response.content_type = "application/problem+json";
    if (response.status == 503) {
        response.headers.push_back({"Retry-After", "2"});
    }
    return response;
}

}  // namespace lineside::web
