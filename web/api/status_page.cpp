// SPDX-License-Identifier: Apache-2.0
// The page shown where the dashboard is not built: plain HTML without script, enough to see what
// each slot says and how to build the dashboard.
#include "station/base/markup.h"
#include "web/api/api.h"

#include <fmt/format.h>

namespace lineside::api {
namespace {

std::string text_of(const Json& object, const char* name) {
    if (const auto found = object.find(name); found != object.end()) {
        if (found->is_string()) {
            return base::escape_markup(found->get<std::string>());
        }
        if (found->is_number_integer()) {
            return fmt::format("{}", found->get<std::int64_t>());
        }
    }
    return {};
}

std::string slot_row(const Json& tile) {
    const auto outcome = text_of(tile, "outcome");
    std::string state = text_of(tile, "word");
    if (const auto percent = text_of(tile, "percent"); !percent.empty() && outcome.empty()) {
        state += " " + percent + " %";
    }
    if (const auto code = text_of(tile, "display_code"); !code.empty()) {
        state += " " + code;
    }
    std::string note;
    for (const char* part : {"reason", "note", "action"}) {
        if (const auto text = text_of(tile, part); !text.empty()) {
            note += (note.empty() ? "" : ". ") + text;
        }
    }
    return fmt::format("<tr class=\"{}\"><th>{}</th><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                       outcome, text_of(tile, "slot"), state, text_of(tile, "serial"), note);
}

}  // namespace

std::string_view status_page_style() {
    return "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 "
           "1rem;color:#1b1f24}\n"
           "table{border-collapse:collapse;width:100%}\n"
           "th,td{text-align:left;padding:.4rem .8rem;border-bottom:1px solid #d0d7de}\n"
           "tr.PASS td:nth-child(2){background:#1a7f37;color:#fff}\n"
           "tr.FAIL td:nth-child(2){background:#b42318;color:#fff}\n"
           "tr.ERROR td:nth-child(2){outline:3px solid #b42318;outline-offset:-3px}\n"
           "tr.ABORTED td:nth-child(2){outline:3px solid #9a6700;outline-offset:-3px}\n"
           "code{background:#eef1f4;padding:.1rem .3rem}\n"
           "p.hint{background:#fff8c5;padding:.6rem .8rem;border-left:4px solid #9a6700}\n";
}

web::Response status_page(const Json& wall) {
    const Json station = wall.is_object() ? wall.value("station", Json::object()) : Json::object();
    std::string rows;
    if (const auto tiles = wall.is_object() ? wall.find("tiles") : wall.end();
        wall.is_object() && tiles != wall.end()) {
        for (const Json& tile : *tiles) {
            if (tile.is_object()) {
                rows += slot_row(tile);
            }
        }
    }
    std::string counts;
    if (const auto found = station.find("counts"); found != station.end() && found->is_object()) {
        for (const auto& [name, word] :
             {std::pair{"pass", "passed"}, std::pair{"fail", "failed"},
              std::pair{"error", "station problems"}, std::pair{"aborted", "stopped"}}) {
            if (const auto one = found->find(name); one != found->end() && one->is_object()) {
                counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", text_of(*one, "count"),
                                      word);
            }
        }
    }
    std::string html = fmt::format(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0} - "
        "Lineside</title>"
        "<meta http-equiv=\"refresh\" content=\"5\"><meta name=\"viewport\" "
        "content=\"width=device-width\">"
        "<link rel=\"stylesheet\" href=\"/plain.css\"></head>\n<body>\n<h1>{0}</h1>\n"
        "<p class=\"hint\">The dashboard is not built; this is the plain status page, renewed "
        "every 5 seconds. "
        "To build it: <code>npm ci &amp;&amp; npm run build</code> in <code>web/ui</code> (Node 18 "
        "or newer).</p>\n"
        "<p>{1}. {2} "
        "{3}</p>\n<table>\n<tr><th>Slot</th><th>State</th><th>Serial</th><th>Note</th></tr>\n{4}</"
        "table>\n"
        "<p><a href=\"/api/v1/records/export?format=csv\">Records as CSV</a>, "
        "<a href=\"/api/v1/openapi.yaml\">API</a>, <a "
        "href=\"/metrics\">metrics</a></p>\n</body></html>\n",
        text_of(station, "name").empty() ? "Lineside station" : text_of(station, "name"),
        text_of(station, "word").empty() ? "Running" : text_of(station, "word"),
        text_of(station, "reason"), counts, rows);
    return web::text_response(200, "text/html; charset=utf-8", std::move(html));
}

}  // namespace lineside::api
