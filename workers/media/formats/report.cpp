// SPDX-License-Identifier: Apache-2.0
#include "workers/media/formats/report.h"

namespace lineside::media {
namespace {

base::Json list_json(const std::vector<Finding>& findings, std::int64_t total,
                     const std::string& file) {
    base::Json list = base::Json::array();
    auto add = [&](const Finding& each) {
        list.push_back({{"file", file},
                        {"line", each.line},
                        {"column", each.column},
                        {"field", each.field},
                        {"message", each.message}});
    };
    for (const Finding& each : findings) {
        add(each);
    }
    if (const auto more = total - static_cast<std::int64_t>(findings.size()); more > 0) {
        add({findings.back().line, 1, "", fmt::format("{} more are not listed", more)});
    }
    return list;
}

void append(std::string& text, const std::vector<Finding>& findings, std::int64_t total,
            const std::string& file, std::string_view kind) {
    for (const Finding& each : findings) {
        fmt::format_to(std::back_inserter(text), "{}:{}:{}: {}: {}{}{}\n", file, each.line,
                       each.column, kind, each.field, each.field.empty() ? "" : ": ", each.message);
    }
    if (const auto more = total - static_cast<std::int64_t>(findings.size()); more > 0) {
        fmt::format_to(std::back_inserter(text), "and {} more {}s\n", more, kind);
    }
}

}  // namespace

void Report::keep(std::vector<Finding>& list, std::int64_t& total, Finding finding) {
    ++total;
    if (list.size() < kMost) {
        list.push_back(std::move(finding));
    }
}

base::Json Report::to_json(const std::string& file, std::int64_t count) const {
    return {{"verdict", accepted() ? "accept" : "reject"},
            {"count", accepted() ? count : 0},
            {"warnings", list_json(warnings_, warnings_total_, file)},
            {"errors", list_json(errors_, errors_total_, file)}};
}

std::string Report::to_text(const std::string& file, std::string_view accepted_as) const {
    std::string text;
    append(text, warnings_, warnings_total_, file, "warning");
    append(text, errors_, errors_total_, file, "error");
    if (accepted()) {
        fmt::format_to(std::back_inserter(text), "{}: accept: {}\n", file, accepted_as);
    } else {
        fmt::format_to(std::back_inserter(text), "{}: reject: {} errors\n", file, errors_total_);
    }
    return text;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const auto first = text.find_first_not_of(kBlank);
    return first == std::string_view::npos
               ? std::string_view()
               : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string cut_text(std::string_view text, std::size_t bytes) {
    std::size_t end = text.size();
    if (end > bytes) {
        end = bytes;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
            --end;
        }
    }
    return std::string(text.substr(0, end));
}

std::string plain(std::string_view text) {
    constexpr std::size_t kMostShown = 80;
    if (text.empty()) {
        return "\"\"";
    }
    std::string out;
    for (const char c : cut_text(text, kMostShown)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
        } else {
            out += c;
        }
    }
    return text.size() > kMostShown ? out + "…" : out;
}

std::string shown(std::string_view text) {
    return text.empty() ? plain(text) : fmt::format("\"{}\"", plain(text));
}

}  // namespace lineside::media
