// SPDX-License-Identifier: Apache-2.0
#include "web/api/record_filter.h"

#include "station/base/codes.h"
#include "station/base/text.h"
#include "web/server/problem.h"
#include "web/server/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace lineside::api {
namespace {

tl::unexpected<base::Error> wrong(std::string_view name, std::string_view wanted) {
    return tl::unexpected(web::http_error("http.parameter", fmt::format("Parameter {} must be {}", name, wanted)));
}

// Takes `count` digits off the front of `text`.
std::optional<int> digits(std::string_view& text, std::size_t count) {
    const auto part = text.substr(0, count);
    if (part.size() != count || !std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        return std::nullopt;
    }
    text.remove_prefix(count);
    return static_cast<int>(base::to_int(part).value_or(0));
}

bool skip(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

// Codes whose name or display code is `text`, as a condition.
bool add_code(RecordFilter& filter, std::string_view text) {
    const std::string wanted = base::to_lower_ascii(text);
    std::string condition;
    std::vector<db::Value> values;
    const auto add = [&](std::string_view part, std::string value) {
        condition += (condition.empty() ? "" : " OR ") + std::string(part);
        values.emplace_back(std::move(value));
    };
    for (const auto& entry : base::all_codes()) {
        if (base::to_lower_ascii(entry.display) == wanted || entry.code == wanted) {
            entry.code == "step.*" ? add("substr(code, 1, 5) = ?", "step.") : add("code = ?", std::string(entry.code));
        }
    }
    if (values.empty()) {
        add("lower(code) = ?", wanted);
    }
    filter.add("(" + condition + ")", values);
    return true;
}

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
    if (const auto ms = base::to_int(text)) {
        return *ms >= 0 ? ms : std::nullopt;
    }
    const auto year = digits(text, 4);
    if (!year || !skip(text, '-')) {
        return std::nullopt;
    }
    const auto month = digits(text, 2);
    if (!month || !skip(text, '-')) {
        return std::nullopt;
    }
    const auto day = digits(text, 2);
    if (!day || (!skip(text, 'T') && !skip(text, 't') && !skip(text, ' '))) {
        return std::nullopt;
    }
    const auto hour = digits(text, 2);
    if (!hour || !skip(text, ':')) {
        return std::nullopt;
    }
    const auto minute = digits(text, 2);
    if (!minute) {
        return std::nullopt;
    }
    int second = 0;
    std::int64_t ms = 0;
    if (skip(text, ':')) {
        const auto s = digits(text, 2);
        if (!s) {
            return std::nullopt;
        }
        second = *s;
        if (skip(text, '.')) {
            int scale = 100;
            bool any = false;
            while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
                ms += (text.front() - '0') * scale;
                scale /= 10;
                any = true;
                text.remove_prefix(1);
            }
            if (!any) {
                return std::nullopt;
            }
        }
    }
    std::int64_t offset = 0;  // minutes east
    if (!skip(text, 'Z') && !skip(text, 'z')) {
        const bool west = !text.empty() && text.front() == '-';
        if (!west && (text.empty() || text.front() != '+')) {
            return std::nullopt;
        }
        text.remove_prefix(1);
        const auto h = digits(text, 2);
        skip(text, ':');
        const auto m = digits(text, 2);
        if (!h || !m || *h > 23 || *m > 59) {
            return std::nullopt;
        }
        offset = (*h * 60 + *m) * (west ? -1 : 1);
    }
    const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!text.empty() || !date.ok() || *hour > 23 || *minute > 59 || second > 60) {
        return std::nullopt;
    }
    const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    return (((days * 24 + *hour) * 60 + *minute - offset) * 60 + second) * 1000 + ms;
}

void RecordFilter::add(std::string_view text, const std::vector<db::Value>& more) {
    where += " AND ";
    auto next = more.begin();
    for (const char c : text) {
        if (c == '?' && next != more.end()) {
            values.push_back(*next++);
            where += fmt::format("?{}", values.size());
        } else {
            where += c;
        }
    }
}

base::Result<RecordFilter> record_filter(const web::Request& request) {
    RecordFilter filter;
    const auto get = [&](std::string_view name) {
        auto value = request.query_value(name);
        return value && value->empty() ? std::nullopt : value;
    };
    for (const std::string_view name : {"serial_from", "serial_to", "batch", "code"}) {
        if (const auto text = get(name); text && text->size() > 64) {
            return wrong(name, "at most 64 characters");
        }
    }
    if (const auto text = get("serial_from")) {
        filter.add("lower(serial) >= ?", {base::to_lower_ascii(*text)});
    }
    if (const auto text = get("serial_to")) {
        filter.add("lower(serial) <= ?", {base::to_lower_ascii(*text)});
    }
    for (const auto& [name, sql] : {std::pair{"since", "ended_ms >= ?"}, std::pair{"until", "ended_ms < ?"}}) {
        if (const auto text = get(name)) {
            const auto at = parse_time(*text);
            if (!at) {
                return wrong(name, "UTC milliseconds, or a time as 2026-11-20T10:41:24Z");
            }
            filter.add(sql, {*at});
        }
    }
    if (const auto text = get("result")) {
        std::vector<db::Value> values;
        std::string marks;
        for (const auto part : base::split(*text, ',')) {
            if (part != "PASS" && part != "FAIL" && part != "ERROR" && part != "ABORTED") {
                return wrong("result", "one or more of PASS,FAIL,ERROR,ABORTED");
            }
            marks += marks.empty() ? "?" : ", ?";
            values.emplace_back(std::string(part));
        }
        filter.add("result IN (" + marks + ")", values);
    }
    if (const auto text = get("batch")) {
        filter.add("batch = ?", {*text});
    }
    if (const auto text = get("image")) {
        const bool hex = std::all_of(text->begin(), text->end(), [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        });
        if (!hex || text->size() < 6 || text->size() > 64) {
            return wrong("image", "6 to 64 hexadecimal digits");
        }
        filter.add("substr(image, 1, ?) = ?", {static_cast<std::int64_t>(text->size()), *text});
    }
    if (const auto text = get("slot")) {
        if (!web::is_slot_label(*text)) {
            return wrong("slot", "the label of a slot");
        }
        filter.add("slot = ?", {*text});
    }
    if (const auto text = get("code")) {
        add_code(filter, *text);
    }
    return filter;
}

}  // namespace lineside::api
