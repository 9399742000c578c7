// SPDX-License-Identifier: Apache-2.0
// A batch file as anybody might save it. Whatever it holds: complaints stand in order inside the
// file, an accepted file holds good rows only and each serial and token once, a plain writing of
// them is accepted as the same, and what is printed of it can be printed.
#include "serial-pool/batch_csv.h"
#include "station/base/text.h"

#include <algorithm>
#include <cstdlib>
#include <set>

namespace {

using namespace lineside;
using namespace lineside::serial_pool;

void must(bool so) {
    if (!so) {
        std::abort();
    }
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        out.append(c == '"' ? 2 : 1, c);
    }
    return out + "\"";
}

void look_at(std::string_view bytes, const BatchOptions& options) {
    const BatchReport report = check_batch(bytes, options);
    const auto lines = 1 + std::count(bytes.begin(), bytes.end(), '\n');
    std::int64_t line = 1;
    for (const Complaint& each : report.errors) {
        must(each.line >= line && each.line <= lines && each.column >= 1);
        must(!each.message.empty());
        line = each.line;
    }
    must(!base::dump_json(to_json(report, "f", true)).empty());
    must(!to_text(report, "f").empty());
    if (!report.accepted()) {
        return;
    }
    must(!report.rows.empty());
    must(report.fields.empty() || report.fields.size() == report.rows.size());
    const bool ssid = !report.fields.empty() && !report.fields[0].ap_ssid.empty();
    const bool password = !report.fields.empty() && !report.fields[0].ap_password.empty();
    std::string plain = "serial,token";
    plain += ssid ? ",ap_ssid" : "";
    plain += password ? ",ap_password\n" : "\n";
    std::set<std::string> seen;
    for (std::size_t i = 0; i < report.rows.size(); ++i) {
        const BatchRow& row = report.rows[i];
        must(is_serial(row.serial) && seen.insert("s" + base::to_lower_ascii(row.serial)).second);
        must(row.token.empty()
                 ? options.test_only
                 : is_token(row.token) && seen.insert("t" + std::string(row.token)).second);
        plain += quoted(row.serial) + "," + quoted(row.token);
        if (ssid) {
            must(why_no_ssid(report.fields[i].ap_ssid).empty());
            plain += "," + quoted(report.fields[i].ap_ssid);
        }
        if (password) {
            must(why_no_ap_password(report.fields[i].ap_password).empty());
            plain += "," + quoted(report.fields[i].ap_password);
        }
        plain += "\n";
    }
    const BatchReport again = check_batch(plain, options);
    // A pair "serial","token" is warned of: it reads like a header.
    must(again.accepted() && again.warnings_total <= 1 && again.rows.size() == report.rows.size());
    for (std::size_t i = 0; i < report.rows.size(); ++i) {
        must(again.rows[i].serial == report.rows[i].serial);
        must(again.rows[i].token == report.rows[i].token);
        must(report.fields.empty() || again.fields[i] == report.fields[i]);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    look_at(bytes, {});
    BatchOptions options;
    options.test_only = true;
    look_at(bytes, options);
    // The first line as a template.
    const std::size_t newline = std::min(bytes.find('\n'), bytes.size());
    if (auto parsed = SsidTemplate::parse(bytes.substr(0, newline))) {
        options.ap_ssid = std::move(*parsed);
        look_at(bytes.substr(newline), options);
    }
    return 0;
}
