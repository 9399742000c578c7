// SPDX-License-Identifier: Apache-2.0
#include "station/records/shift.h"

#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

namespace lineside::records {
namespace {

using base::Json;

constexpr int kDayMin = 1440;
constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::int64_t kDayMs = kDayMin * kMinuteMs;
constexpr int kThursday = 4;  // 1970-01-01
constexpr int kRecent = 9;
constexpr std::time_t kFirst = 1'577'836'800;  // 2020-01-01: nothing was recorded before

using Date = std::chrono::year_month_day;

// The moment of a clock on the wall; where it was put forward or back, one of the two.
std::int64_t local_ms(const Date& date, int minutes) {
    std::tm local{};
    local.tm_year = static_cast<int>(date.year()) - 1900;
    local.tm_mon = static_cast<int>(static_cast<unsigned>(date.month())) - 1;
    local.tm_mday = static_cast<int>(static_cast<unsigned>(date.day()));
    local.tm_min = minutes;
    local.tm_isdst = -1;
    return static_cast<std::int64_t>(std::mktime(&local)) * 1000;
}

std::int64_t offset_ms(std::time_t at) {
    std::tm local{};
    ::localtime_r(&at, &local);
    return static_cast<std::int64_t>(local.tm_gmtoff) * 1000;
}

// From when on the wall's clock is how much before UTC, newest first; the last one holds from ever.
std::vector<std::pair<std::int64_t, std::int64_t>> offsets() {
    constexpr std::time_t kDay = 86'400;
    std::vector<std::pair<std::int64_t, std::int64_t>> found{{0, offset_ms(kFirst)}};
    const std::time_t end = std::time(nullptr) + 366 * kDay;
    for (std::time_t day = kFirst; day < end; day += kDay) {
        if (offset_ms(day + kDay) == found.front().second) {
            continue;
        }
        std::time_t before = day;
        std::time_t after = day + kDay;
        while (after - before > 1) {
            const std::time_t middle = before + (after - before) / 2;
            (offset_ms(middle) == found.front().second ? before : after) = middle;
        }
        found.insert(found.begin(), {static_cast<std::int64_t>(after) * 1000, offset_ms(after)});
    }
    return found;
}

bool begins_on(const Shift& shift, unsigned weekday) {
    return ((shift.days >> weekday) & 1U) != 0;
}

}  // namespace

Shifts default_shifts() {
    return {{"early", 6 * 60}, {"late", 14 * 60}, {"night", 22 * 60}};
}

const Shift* find_shift(const Shifts& shifts, std::string_view name) {
    const auto found = std::find_if(shifts.begin(), shifts.end(),
                                    [&](const Shift& shift) { return shift.name == name; });
    return found == shifts.end() ? nullptr : &*found;
}

int minutes_of(const Shifts& shifts, const Shift& shift) {
    int least = kDayMin;
    for (const Shift& other : shifts) {
        const int ahead = (other.start_min - shift.start_min + kDayMin) % kDayMin;
        least = ahead > 0 ? std::min(least, ahead) : least;
    }
    return least;
}

base::Result<Stretch> stretch_of_day(const Shifts& shifts, const Shift* shift,
                                     std::string_view day) {
    const auto number = [&](std::size_t from, std::size_t count) {
        const std::string_view part = day.substr(std::min(from, day.size()), count);
        const bool digits = part.find_first_not_of("0123456789") == std::string_view::npos;
        return digits && part.size() == count ? static_cast<int>(base::to_int(part).value_or(0))
                                              : 0;
    };
    const Date date(std::chrono::year(number(0, 4)),
                    std::chrono::month(static_cast<unsigned>(number(5, 2))),
                    std::chrono::day(static_cast<unsigned>(number(8, 2))));
    if (day.size() != 10 || day[4] != '-' || day[7] != '-' || !date.ok()) {
        return base::fail("request.invalid", "day: 2026-11-28 expected");
    }
    if (shift == nullptr) {
        return Stretch{local_ms(date, 0), local_ms(date, kDayMin)};
    }
    return Stretch{local_ms(date, shift->start_min),
                   local_ms(date, shift->start_min + minutes_of(shifts, *shift))};
}

std::string shift_condition(const Shifts& shifts, const Shift& shift, std::string_view column) {
    std::string offset;
    const auto known = offsets();
    for (const auto& [since, ms] : known) {
        offset += since == 0 ? fmt::format(" ELSE {}", ms)
                             : fmt::format(" WHEN {} >= {} THEN {}", column, since, ms);
    }
    offset = known.size() == 1 ? std::to_string(known.front().second)
                               : fmt::format("CASE{} END", offset);
    // Milliseconds on the wall's clock, counted from when the shift began on the first day.
    const std::string clock =
        fmt::format("({} + ({}) - {})", column, offset, shift.start_min * kMinuteMs);
    std::string condition = fmt::format("({} + {}) % {} < {}", clock, kDayMs, kDayMs,
                                        minutes_of(shifts, shift) * kMinuteMs);
    if (shift.days != kEveryDay) {
        std::string days;
        for (unsigned day = 0; day < 7; ++day) {
            if (begins_on(shift, day)) {
                days += fmt::format("{}{}", days.empty() ? "" : ", ", day);
            }
        }
        condition += fmt::format(" AND ({} / {} + {}) % 7 IN ({})", clock, kDayMs, kThursday, days);
    }
    return "(" + condition + ")";
}

Json shifts_json(const Shifts& shifts, std::int64_t now_ms) {
    Json list = Json::array();
    for (const Shift& shift : shifts) {
        Json days = Json::array();
        for (unsigned day = 0; day < 7; ++day) {
            if (begins_on(shift, day)) {
                days.push_back(day);
            }
        }
        list.push_back(
            {{"name", shift.name},
             {"start", fmt::format("{:02}:{:02}", shift.start_min / 60, shift.start_min % 60)},
             {"minutes", minutes_of(shifts, shift)},
             {"days", std::move(days)}});
    }
    const std::int64_t local = now_ms + offset_ms(static_cast<std::time_t>(now_ms / 1000));
    const std::chrono::sys_days today{std::chrono::days(local / kDayMs)};
    std::vector<Json> begun;
    for (int back = 0; back < 8; ++back) {
        const std::chrono::sys_days day = today - std::chrono::days(back);
        const Date date(day);
        const unsigned weekday = std::chrono::weekday(day).c_encoding();
        const std::string name =
            fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
        for (const Shift& shift : shifts) {
            const std::int64_t since = local_ms(date, shift.start_min);
            if (begins_on(shift, weekday) && since <= now_ms) {
                begun.push_back(
                    {{"shift", shift.name},
                     {"day", name},
                     {"since", since},
                     {"until", local_ms(date, shift.start_min + minutes_of(shifts, shift))}});
            }
        }
    }
    std::sort(begun.begin(), begun.end(), [](const Json& a, const Json& b) {
        return a["since"].get<std::int64_t>() > b["since"].get<std::int64_t>();
    });
    begun.resize(std::min<std::size_t>(begun.size(), kRecent));
    return {{"shifts", std::move(list)}, {"recent", begun}};
}

}  // namespace lineside::records
