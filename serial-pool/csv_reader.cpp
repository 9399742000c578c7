// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/csv_reader.h"

#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace lineside::serial_pool {
namespace {

constexpr std::string_view kLoneCr =
    "a carriage return stands alone; save the file with LF or CRLF line ends";

constexpr std::size_t kMostFields = 1000;  // a line of separators shall not fill the memory

// Length of the well-formed UTF-8 sequence at `text[0]`, 0 if there is none (RFC 3629: no overlong
// form, no surrogate, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto tail = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
        return byte(i) >= low && byte(i) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return tail(1) ? 2 : 0;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        const bool fits = tail(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF);
        return fits && tail(2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const bool fits = tail(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
        return fits && tail(2) && tail(3) ? 4 : 0;
    }
    return 0;
}

bool plain_ascii_without_nul(const char* eight) {
    std::uint64_t word = 0;
    std::memcpy(&word, eight, sizeof(word));
    constexpr std::uint64_t kHigh = 0x8080808080808080ULL;
    constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
    return ((word | (word - kOnes)) & kHigh) == 0;
}

}  // namespace

std::vector<BadByte> find_bad_bytes(std::string_view text, std::size_t most) {
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") ||
        text.starts_with(std::string_view("\0\0\xFE\xFF", 4))) {
        return {{0, 1, "the file is UTF-16 or UTF-32; save it as UTF-8"}};
    }
    if (text.size() >= 2 && text.size() % 2 == 0 && ((text[0] == '\0') != (text[1] == '\0'))) {
        return {{0, 1, "the file is UTF-16 without a byte order mark; save it as UTF-8"}};
    }
    std::vector<BadByte> found;
    std::int64_t line = 1;
    std::size_t counted = 0;  // line breaks before here are in `line`
    for (std::size_t i = 0; i < text.size() && found.size() < most;) {
        if (i + 8 <= text.size() && plain_ascii_without_nul(text.data() + i)) {
            i += 8;
            continue;
        }
        const std::size_t length = text[i] == '\0' ? 0 : utf8_length(text.substr(i));
        if (length != 0) {
            i += length;
            continue;
        }
        line += std::count(text.begin() + static_cast<std::ptrdiff_t>(counted),
                           text.begin() + static_cast<std::ptrdiff_t>(i), '\n');
        counted = i;
        found.push_back({i, line,
                         text[i] == '\0' ? "a NUL byte; save the file as UTF-8 text"
                                         : "not UTF-8; save the file as UTF-8"});
        i = std::min(text.find('\n', i), text.size());  // one finding per line
    }
    return found;
}

std::int64_t column_of(std::string_view text, std::size_t offset) {
    const std::string_view before = text.substr(0, offset);
    const std::size_t newline = before.rfind('\n');
    const std::string_view line =
        newline == std::string_view::npos ? before : before.substr(newline + 1);
    return 1 + std::count_if(line.begin(), line.end(), [](char c) {
               return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;  // not a continuation byte
           });
}

bool CsvReader::at_line_end(std::size_t at) const {
    return at >= text_.size() || text_[at] == '\n' ||
           (text_[at] == '\r' && at + 1 < text_.size() && text_[at + 1] == '\n');
}

void CsvReader::give_up(CsvRow& row, std::size_t offset, std::int64_t line, std::string message) {
    row.problem = CsvRow::Problem{offset, line, std::move(message)};
    // Reading goes on behind the line of the problem, so that one bad quote does not hide the rest.
    const std::size_t newline = text_.find('\n', offset);
    at_ = newline == std::string_view::npos ? text_.size() : newline + 1;
    line_ = line + 1;
    row.end = std::min(newline, text_.size());
}

bool CsvReader::skip_line_without_fields(CsvRow& row) {
    std::size_t first = at_;
    while (first < text_.size() && (text_[first] == ' ' || text_[first] == '\t')) {
        ++first;
    }
    const bool comment = text_[at_] == '#';
    if (!comment && !at_line_end(first)) {
        return false;
    }
    const std::size_t newline = text_.find('\n', at_);
    const std::string_view line =
        text_.substr(at_, newline == std::string_view::npos ? newline : newline - at_);
    const std::size_t cr = line.find('\r');
    if (cr != std::string_view::npos && !at_line_end(at_ + cr)) {
        row.line = line_;  // rows may hide behind it
        row.end = at_;
        give_up(row, at_ + cr, line_, std::string(kLoneCr));
        return true;
    }
    at_ = newline == std::string_view::npos ? text_.size() : newline + 1;
    ++line_;
    return true;
}

bool CsvReader::next(CsvRow& row) {
    row.fields.clear();
    row.problem.reset();
    while (at_ < text_.size()) {
        if (skip_line_without_fields(row)) {
            if (row.problem) {
                return true;
            }
            continue;
        }
        row.line = line_;
        row.end = at_;
        read_fields(row);
        return true;
    }
    return false;
}

// at_ stands on the opening quote; afterwards behind the closing one.
bool CsvReader::read_quoted(CsvRow& row, CsvField& field) {
    const std::size_t open = at_;
    const std::int64_t open_line = line_;
    field.offset = open;
    std::string resolved;
    bool doubled = false;
    std::size_t from = open + 1;
    while (true) {
        const std::size_t quote = text_.find('"', from);
        if (quote == std::string_view::npos) {
            give_up(row, open, open_line, "the quote that opens here is never closed");
            return false;
        }
        if (quote + 1 < text_.size() && text_[quote + 1] == '"') {
            resolved.append(text_, from, quote + 1 - from);
            doubled = true;
            from = quote + 2;
            continue;
        }
        const std::string_view inside = text_.substr(open + 1, quote - open - 1);
        line_ += std::count(inside.begin(), inside.end(), '\n');
        if (doubled) {
            resolved.append(text_, from, quote - from);
            kept_.push_back(std::move(resolved));
            field.value = kept_.back();
        } else {
            field.value = inside;
        }
        at_ = quote + 1;
        break;
    }
    while (at_ < text_.size() && text_[at_] != separator_ &&
           (text_[at_] == ' ' || text_[at_] == '\t')) {
        ++at_;
    }
    if (at_ < text_.size() && text_[at_] != separator_ && !at_line_end(at_)) {
        if (line_ != open_line) {
            give_up(row, open, open_line,
                    "the quote that opens here is not closed before the end of the line");
        } else {
            give_up(row, at_, line_,
                    text_[at_] == '\r'
                        ? std::string(kLoneCr)
                        : "text follows a closing quote; a quote inside a field is written twice");
        }
        return false;
    }
    field.value = base::trim_blanks(field.value);
    return true;
}

void CsvReader::read_fields(CsvRow& row) {
    while (true) {
        while (at_ < text_.size() && text_[at_] != separator_ &&
               (text_[at_] == ' ' || text_[at_] == '\t')) {
            ++at_;
        }
        CsvField field{{}, at_, line_};
        if (at_ < text_.size() && text_[at_] == '"') {
            if (!read_quoted(row, field)) {
                return;
            }
        } else {
            std::size_t end = at_;
            while (end < text_.size() && text_[end] != separator_ && text_[end] != '\n' &&
                   text_[end] != '\r' && text_[end] != '"') {
                ++end;
            }
            if (end < text_.size() && text_[end] == '"') {
                give_up(row, end, line_, "a quote stands inside a field that is not quoted");
                return;
            }
            if (end < text_.size() && text_[end] == '\r' && !at_line_end(end)) {
                give_up(row, end, line_, std::string(kLoneCr));
                return;
            }
            field.value = base::trim_blanks(text_.substr(at_, end - at_));
            at_ = end;
        }
        if (row.fields.size() == kMostFields) {
            give_up(row, field.offset, field.line,
                    fmt::format("the line has more than {} fields", kMostFields));
            return;
        }
        row.fields.push_back(field);
        if (at_ < text_.size() && text_[at_] == separator_) {
            ++at_;
            continue;
        }
        row.end = at_;
        row.end_line = line_;
        if (at_ < text_.size()) {
            at_ += text_[at_] == '\r' ? 2U : 1U;
        }
        ++line_;
        return;
    }
}

}  // namespace lineside::serial_pool
