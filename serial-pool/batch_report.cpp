// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/batch_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace lineside::serial_pool {
namespace {

constexpr std::size_t kSampleRows = 10;  // from each end

base::Json to_json(const Complaint& each, const std::string& file) {
    base::Json json{{"file", file},
                    {"line", each.line},
                    {"column", each.column},
                    {"field", each.field},
                    {"message", each.message}};
    if (!each.serial.empty()) {
        json["serial"] = each.serial;
    }
    return json;
}

base::Json to_json(const std::vector<Complaint>& complaints, const std::string& file) {
    base::Json list = base::Json::array();
    for (const Complaint& each : complaints) {
        list.push_back(to_json(each, file));
    }
    return list;
}

// Where the report has no member for it, a last entry tells that the list was cut.
void add_cut(base::Json& list, const std::vector<Complaint>& complaints, std::int64_t total,
             const std::string& file) {
    const auto more = total - static_cast<std::int64_t>(complaints.size());
    if (more > 0 && !complaints.empty()) {
        list.push_back(to_json(
            {complaints.back().line, 1, "", fmt::format("{} more are not listed", more)}, file));
    }
}

base::Json sample(const BatchReport& report) {
    base::Json list = base::Json::array();
    for (std::size_t i = 0; i < report.rows.size(); ++i) {
        if (i == kSampleRows && report.rows.size() > 2 * kSampleRows) {
            i = report.rows.size() - kSampleRows;
        }
        const BatchRow& row = report.rows[i];
        list.push_back({{"line", row.line},
                        {"serial", row.serial},
                        {"token_length",
                         row.token.empty() ? base::Json(nullptr) : base::Json(row.token.size())}});
    }
    return list;
}

void append(std::string& text, const std::vector<Complaint>& complaints, const std::string& file,
            std::string_view kind) {
    for (const Complaint& each : complaints) {
        fmt::format_to(std::back_inserter(text), "{}:{}:{}: {}: {}\n", file, each.line, each.column,
                       kind, each.message);
    }
}

void append_cut(std::string& text, std::int64_t total, std::size_t shown, std::string_view what) {
    if (total > static_cast<std::int64_t>(shown)) {
        fmt::format_to(std::back_inserter(text), "and {} more {}\n",
                       total - static_cast<std::int64_t>(shown), what);
    }
}

}  // namespace

base::Json to_json(const BatchReport& report, const std::string& file, bool details) {
    base::Json json{{"verdict", report.accepted() ? "accept" : "reject"},
                    {"count", report.count()},
                    {"warnings", to_json(report.warnings, file)},
                    {"errors", to_json(report.errors, file)}};
    if (!details) {
        add_cut(json["errors"], report.errors, report.errors_total, file);
        add_cut(json["warnings"], report.warnings, report.warnings_total, file);
    } else {
        json["errors_total"] = report.errors_total;
        json["warnings_total"] = report.warnings_total;
        json["lines"] = report.data_lines;
        json["separator"] = report.separator == '\0' ? base::Json(nullptr)
                                                     : base::Json(std::string(1, report.separator));
        json["header"] = report.header;
        json["ap_ssid"] = report.ap_ssid ? base::Json(report.ap_ssid->text())
                          : !report.fields.empty() && !report.fields[0].ap_ssid.empty()
                              ? base::Json("by column")
                              : base::Json(nullptr);
        json["ap_password"] = !report.fields.empty() && !report.fields[0].ap_password.empty();
        json["spare_tokens"] = report.spare_tokens;
        json["sample"] = sample(report);
    }
    return json;
}

std::string to_text(const BatchReport& report, const std::string& file) {
    std::string text;
    append(text, report.warnings, file, "warning");
    append_cut(text, report.warnings_total, report.warnings.size(), "warnings");
    append(text, report.errors, file, "error");
    append_cut(text, report.errors_total, report.errors.size(), "errors");
    if (report.accepted()) {
        fmt::format_to(std::back_inserter(text), "{}: accepted, {} pairs would be stored\n", file,
                       report.count());
    } else {
        fmt::format_to(std::back_inserter(text),
                       "{}: rejected, nothing would be stored; errors: {}\n", file,
                       report.errors_total);
    }
    return text;
}

}  // namespace lineside::serial_pool
