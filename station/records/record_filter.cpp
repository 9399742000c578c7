// SPDX-License-Identifier: Apache-2.0
#include "station/records/record_filter.h"

#include "station/base/codes.h"
#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace lineside::records {
namespace {

using base::Result;
using base::Status;

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::int64_t kDayMs = 1440 * kMinuteMs;

tl::unexpected<base::Error> wrong(std::string_view field, std::string_view wanted) {
    return base::fail("request.invalid", fmt::format("{}: {} expected", field, wanted));
}

// Takes `digits` digits off the front.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
    const std::string_view part = text.substr(0, digits);
    if (part.size() != digits || part.find_first_not_of("0123456789") != std::string_view::npos) {
        return std::nullopt;
    }
    text.remove_prefix(digits);
    return static_cast<int>(base::to_int(part).value_or(0));
}
bool take(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

std::optional<std::int64_t> take_date(std::string_view& text) {
    const auto year = take_number(text, 4);
    if (!year || !take(text, '-')) {
        return std::nullopt;
    }
    const auto month = take_number(text, 2);
    if (!month || !take(text, '-')) {
        return std::nullopt;
    }
    const auto day = take_number(text, 2);
    if (!day) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date(std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day)));
    if (!date.ok()) {
        return std::nullopt;
    }
    return std::chrono::sys_days(date).time_since_epoch().count() * kDayMs;
}

// "10:41", "10:41:24", "10:41:24.010": milliseconds of the day.
std::optional<std::int64_t> take_clock(std::string_view& text) {
    const auto hour = take_number(text, 2);
    if (!hour || *hour > 23 || !take(text, ':')) {
        return std::nullopt;
    }
    const auto minute = take_number(text, 2);
    if (!minute || *minute > 59) {
        return std::nullopt;
    }
    std::int64_t ms = (*hour * 60 + *minute) * kMinuteMs;
    if (take(text, ':')) {
        const auto second = take_number(text, 2);
        if (!second || *second > 59) {
            return std::nullopt;
        }
        ms += *second * 1000;
        if (take(text, '.')) {
            std::int64_t scale = 100;
            const std::size_t before = text.size();
            while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
                ms += (text.front() - '0') * scale;
                scale /= 10;
                text.remove_prefix(1);
            }
            if (text.size() == before) {
                return std::nullopt;
            }
        }
    }
    return ms;
}

// "" (UTC), "Z", "+01:00", "-0530": minutes east of UTC.
std::optional<std::int64_t> take_zone(std::string_view& text) {
    if (text.empty() || take(text, 'Z') || take(text, 'z')) {
        return 0;
    }
    // In a request '+' may have become a blank.
    const bool west = text.front() == '-';
    if (!west && text.front() != '+' && text.front() != ' ') {
        return std::nullopt;
    }
    text.remove_prefix(1);
    const auto hours = take_number(text, 2);
    (void)take(text, ':');
    const auto minutes = take_number(text, 2);
    if (!hours || !minutes || *hours > 14 || *minutes > 59) {
        return std::nullopt;
    }
    const std::int64_t zone = *hours * 60 + *minutes;
    return west ? -zone : zone;
}

Status parse_results(std::string_view text, RecordFilter& filter) {
    constexpr std::array<std::string_view, 4> kOutcomes{"PASS", "FAIL", "ERROR", "ABORTED"};
    for (const std::string_view part : base::split(text, ',')) {
        std::string name(base::trim_blanks(part));
        std::transform(name.begin(), name.end(), name.begin(), [](char c) {
            return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        });
        if (std::find(kOutcomes.begin(), kOutcomes.end(), name) == kOutcomes.end()) {
            return wrong("result", "PASS, FAIL, ERROR or ABORTED");
        }
        filter.results.push_back(std::move(name));
    }
    return {};
}

// "boot.none" or what the wall shows, "F12"; case ignored. A step's display code means all steps.
Status parse_code(std::string_view text, RecordFilter& filter) {
    const std::string wanted = base::to_lower_ascii(text);
    for (const base::CodeEntry& entry : base::all_codes()) {
        if (base::to_lower_ascii(entry.display) == wanted || entry.code == wanted) {
            filter.codes.emplace_back(entry.code);
            return {};
        }
    }
    if (!base::is_known_code(wanted)) {
        return wrong("code", "a code such as boot.none or F12");
    }
    filter.codes.push_back(wanted);
    return {};
}

}  // namespace

Result<std::int64_t> parse_time(std::string_view text, bool end_of_day) {
    constexpr std::string_view kWanted = "UTC milliseconds, 2026-11-20 or 2026-11-20T10:41:24Z";
    if (text.size() > 8 && text.find_first_not_of("0123456789") == std::string_view::npos) {
        const auto ms = base::to_int(text);
        return ms ? Result<std::int64_t>(*ms) : wrong("time", kWanted);
    }
    auto date = take_date(text);
    if (!date) {
        return wrong("time", kWanted);
    }
    if (text.empty()) {
        return *date + (end_of_day ? kDayMs : 0);
    }
    if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) {
        return wrong("time", kWanted);
    }
    const auto clock = take_clock(text);
    const auto zone = clock ? take_zone(text) : std::nullopt;
    if (!zone || !text.empty()) {
        return wrong("time", kWanted);
    }
    return *date + *clock - *zone * kMinuteMs;
}

Status parse_serial_range(std::string_view text, RecordFilter& filter) {
    const auto dots = text.find("..");
    const std::string_view from = text.substr(0, dots);
    const std::string_view to = dots == std::string_view::npos ? from : text.substr(dots + 2);
    if (text.empty() || (from.empty() && to.empty()) || to.find("..") != std::string_view::npos) {
        return wrong("serial", "A..B");
    }
    filter.serial_from = from.empty() ? std::nullopt : std::optional<std::string>(from);
    filter.serial_to = to.empty() ? std::nullopt : std::optional<std::string>(to);
    if (!from.empty() && !to.empty() && base::to_lower_ascii(to) < base::to_lower_ascii(from)) {
        return base::fail(
            "request.invalid",
            fmt::format("serial: {} sorts behind {} (serials are compared as text)", from, to));
    }
    return {};
}

Result<const Shift*> known_shift(const Shifts& shifts, const std::string& name) {
    const Shift* found = find_shift(shifts, name);
    if (found != nullptr) {
        return found;
    }
    std::string known;
    for (const Shift& shift : shifts) {
        known += known.empty() ? shift.name : ", " + shift.name;
    }
    return wrong("shift", known.empty() ? "none, this station has no shifts," : known);
}

Result<RecordFilter> parse_filter(const std::map<std::string, std::string>& fields,
                                  const Shifts& shifts) {
    const auto text = [&](const char* name) -> std::optional<std::string> {
        const auto found = fields.find(name);
        return found == fields.end() || found->second.empty() ? std::nullopt
                                                              : std::optional(found->second);
    };
    RecordFilter filter;
    filter.serial_from = text("serial_from");
    filter.serial_to = text("serial_to");
    filter.batch = text("batch");
    filter.order = text("order");
    filter.operator_ = text("operator");
    filter.slot = text("slot");
    Status good;
    for (const bool end : {false, true}) {
        const char* name = end ? "until" : "since";
        if (const auto given = text(name)) {
            auto ms = parse_time(*given, end);
            if (!ms) {
                return base::with_context(ms.error(), name);
            }
            (end ? filter.until_ms : filter.since_ms) = *ms;
        }
    }
    if (const auto result = text("result")) {
        good = parse_results(*result, filter);
    }
    if (const auto code = text("code"); code && good) {
        good = parse_code(*code, filter);
    }
    if (const auto image = text("image"); image && good) {
        filter.image = base::to_lower_ascii(*image);
        if (image->size() < 6 || image->size() > 64 ||
            filter.image->find_first_not_of("0123456789abcdef") != std::string::npos) {
            good = wrong("image", "6 to 64 hex digits");
        }
    }
    if (!good) {
        return tl::unexpected<base::Error>(good.error());
    }
    const Shift* shift = nullptr;
    if (const auto name = text("shift")) {
        auto known = known_shift(shifts, *name);
        if (!known) {
            return tl::unexpected<base::Error>(known.error());
        }
        shift = *known;
    }
    if (const auto day = text("day")) {
        auto stretch = stretch_of_day(shifts, shift, *day);
        if (!stretch) {
            return tl::unexpected<base::Error>(stretch.error());
        }
        filter.day = *stretch;
    } else if (shift != nullptr) {
        filter.shift_sql = shift_condition(shifts, *shift, "ended_ms");
    }
    return filter;
}

namespace {

constexpr std::int64_t kFew = 20'000;  // looked up one by one as fast as all records are looked at

constexpr std::string_view kUnitsOfSerials =
    "SELECT l.unit_id FROM serial s JOIN lease l ON l.serial_id = s.id AND l.state <> 'released'";

}  // namespace

Where where(const RecordFilter& filter, bool few_serials) {
    Where made;
    const auto add = [&](std::string_view condition, db::Value value) {
        made.args.push_back(std::move(value));
        made.sql += made.sql.empty() ? " WHERE " : " AND ";
        made.sql += fmt::format(fmt::runtime(condition), made.args.size());
    };
    // The view finds a serial from its unit; few serials are found the other way, by their index,
    // and the view has the last word.
    if (filter.serial_from) {
        add("lower(serial) >= ?{}", base::to_lower_ascii(*filter.serial_from));
    }
    if (filter.serial_to) {
        add("lower(serial) <= ?{}", base::to_lower_ascii(*filter.serial_to));
    }
    if (few_serials && filter.serial_from && filter.serial_to) {
        made.sql += fmt::format(" AND unit IN ({} WHERE s.value_key >= ?1 AND s.value_key <= ?2)",
                                kUnitsOfSerials);
    }
    if (filter.since_ms) {
        add("ended_ms >= ?{}", *filter.since_ms);
    }
    if (filter.until_ms) {
        add("ended_ms < ?{}", *filter.until_ms);
    }
    if (filter.day) {
        add("ended_ms >= ?{}", filter.day->since_ms);
        add("ended_ms < ?{}", filter.day->until_ms);
    }
    if (!filter.shift_sql.empty()) {
        made.sql += (made.sql.empty() ? " WHERE " : " AND ") + filter.shift_sql;
    }
    if (filter.batch) {
        add("batch = ?{}", *filter.batch);
        if (few_serials) {
            made.sql += fmt::format(
                " AND unit IN ({} JOIN batch b ON b.id = s.batch_id WHERE b.name = ?{})",
                kUnitsOfSerials, made.args.size());
        }
    }
    if (filter.order) {
        add("\"order\" = ?{}", *filter.order);
    }
    if (filter.operator_ == "plug-in") {  // nobody pressed anything, so nobody stands there
        add("operator IN (?{}, '')", *filter.operator_);
    } else if (filter.operator_) {
        add("operator = ?{}", *filter.operator_);
    }
    if (filter.slot) {
        add("slot = ?{}", *filter.slot);
    }
    if (filter.image) {
        add("substr(image, 1, length(?{0})) = ?{0}", *filter.image);
    }
    const auto add_any = [&](std::string_view column, const std::vector<std::string>& values) {
        if (values.empty()) {
            return;
        }
        std::string list;
        for (const std::string& value : values) {
            made.args.emplace_back(value);
            if (value == "step.*") {
                list += fmt::format("{}{} GLOB ?{}", list.empty() ? "" : " OR ", column,
                                    made.args.size());
            } else {
                list +=
                    fmt::format("{}{} = ?{}", list.empty() ? "" : " OR ", column, made.args.size());
            }
        }
        made.sql += fmt::format("{}({})", made.sql.empty() ? " WHERE " : " AND ", list);
    };
    add_any("result", filter.results);
    add_any("code", filter.codes);
    return made;
}

Result<bool> asks_for_few_serials(db::Tx& tx, const RecordFilter& filter) {
    const auto few = [](const auto& counted) -> Result<bool> {
        return counted ? Result<bool>(std::get<0>(counted->value()) <= kFew)
                       : tl::unexpected<base::Error>(counted.error());
    };
    if (filter.serial_from && filter.serial_to) {
        return few(
            tx.one<std::int64_t>("SELECT count(*) FROM (SELECT 1 FROM serial WHERE value_key >= ?1 "
                                 "AND value_key <= ?2 LIMIT ?3)",
                                 base::to_lower_ascii(*filter.serial_from),
                                 base::to_lower_ascii(*filter.serial_to), kFew + 1));
    }
    if (filter.batch) {
        return few(tx.one<std::int64_t>(
            "SELECT count(*) FROM (SELECT 1 FROM serial WHERE batch_id = (SELECT "
            "id FROM batch WHERE name = ?1) LIMIT ?2)",
            *filter.batch, kFew + 1));
    }
    return false;
}

Where narrowed(Where where, std::string_view condition, const std::vector<db::Value>& values) {
    where.sql += where.sql.empty() ? " WHERE " : " AND ";
    auto next = values.begin();
    for (const char c : condition) {
        if (c == '?' && next != values.end()) {
            where.args.push_back(*next++);
            where.sql += fmt::format("?{}", where.args.size());
        } else {
            where.sql += c;
        }
    }
    return where;
}

}  // namespace lineside::records
