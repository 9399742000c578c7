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
    std::string_view title;  // empty: the sentence of station/base/codes
    std::string_view hint;
};

// clang-format off
constexpr std::array kRows{
    Row{"http.malformed",      400, "Request cannot be read", "Correct the request"},
    Row{"http.parameter",      400, "A parameter is not valid", "See openapi.yaml for what this path takes"},
    Row{"http.header",         403, "Request did not come from this station's page", "Send the header X-Lineside: 1"},
    Row{"http.origin",         403, "Request comes from another site", "Open the page at this station's own address"},
    Row{"http.not_found",      404, "There is no such page", "See openapi.yaml for what there is"},
    Row{"http.method",         405, "This path does not take that method", "Use a method the header Allow names"},
    Row{"http.timeout",        408, "Request came too slowly", "Send it again"},
    Row{"http.length",         411, "Length of the body is not said", "Send Content-Length"},
    Row{"http.too_large",      413, "Body is too large", "Send less"},
    Row{"http.target",         414, "Address is too long", "Use a shorter address"},
    Row{"http.content_type",   415, "Body is of the wrong kind", "Send the Content-Type that openapi.yaml names"},
    Row{"http.host",           421, "This address is not the station's own", "Open http://127.0.0.1 with the station's port"},
    Row{"http.headers",        431, "Headers are too large", "Send fewer or shorter headers"},
    Row{"http.busy",           503, "Station has no free connection for this", "Try again in a few seconds"},
    Row{"http.version",        505, "HTTP version is not supported", "Use HTTP/1.1"},

    Row{"slot.ack_not_ready",  409, "There is nothing to acknowledge yet", "Take the unit out first"},
    Row{"slot.job_changed",    409, "Another unit is in the slot by now", "Look at the tile again"},
    Row{"slot.no_retry",       409, "A new attempt cannot be started here now", "Look at the tile for what to do"},
    Row{"slot.no_job",         409, "Nothing runs in this slot", ""},
    Row{"batch.exists",        409, "A batch of this name is loaded already", "Choose another name"},
    Row{"batch.refused",       422, "The batch was not loaded", "Mend the named lines"},

    Row{"batch.invalid",       422, "", ""},
    Row{"request.invalid",     400, "", ""},
    Row{"request.refused",     403, "", ""},
    Row{"request.unknown",     404, "", ""},
    Row{"request.conflict",    409, "", ""},
    Row{"protocol.invalid",    400, "", ""},
    Row{"config.missing",      404, "", ""},
    Row{"config.invalid",      400, "", ""},
    Row{"pool.unknown",        404, "", ""},
    Row{"pool.empty",          409, "", ""},
    Row{"order.none",          409, "", ""},
    Row{"order.wrong_model",   409, "", ""},
    Row{"lease.refused",       409, "", ""},
    Row{"lease.doubt",         409, "", ""},
    Row{"unit.known",          409, "", ""},
    Row{"station.stopping",    503, "", ""},
    Row{"db.failed",           503, "", ""},
    Row{"disk.full",           507, "", ""},
};
// clang-format on

const Row* find(std::string_view code) {
    const auto* row =
        std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.code == code; });
    return row == kRows.end() ? nullptr : row;
}

}  // namespace

unsigned status_of(std::string_view code) {
    const Row* row = find(code);
    return row != nullptr ? row->status : 500;
}

base::Error http_error(std::string_view code, std::string message) {
    base::Error error;
    error.code = code;
    error.kind = base::Kind::config;
    const Row* row = find(code);
    error.message =
        !message.empty() || row == nullptr ? std::move(message) : std::string(row->title);
    error.hint = row != nullptr ? row->hint : std::string_view{};
    return error;
}

base::Json problem_json(const base::Error& error) {
    const Row* row = find(error.code);
    const auto& entry = base::code_entry(error.code);
    const bool own = row != nullptr && !row->title.empty();
    base::Json problem = {
        {"type", "/problems/" + error.code},
        {"title", own ? row->title : entry.sentence},
        {"status", row != nullptr ? row->status : 500U},
        {"code", error.code},
    };
    if (!error.message.empty()) {
        problem["detail"] = error.message;
    }
    // An own row's hint rules over the one make_error() took for a code the list does not know.
    std::string_view hint = error.hint;
    if (own && (hint.empty() || !base::is_known_code(error.code))) {
        hint = row->hint;
    }
    if (hint.empty() && !own) {
        hint = entry.action;
    }
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
