// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/batch_csv.h"

#include "serial-pool/csv_reader.h"
#include "serial-pool/row_index.h"
#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lineside::serial_pool {
namespace {

using base::Status;

constexpr std::string_view kBom = "\xEF\xBB\xBF";
constexpr std::array<char, 3> kSeparators{',', ';', '\t'};

// The columns a header may name, and their places in a file without one.
enum Column : std::size_t { kSerial, kToken, kApSsid, kApPassword, kSpareToken };
constexpr std::array<std::string_view, 5> kColumns{"serial", "token", "ap_ssid", "ap_password",
                                                   "spare_token"};

std::string lower(std::string_view text) {
    return base::to_lower_ascii(text);
}

// Column names may be shown; what looks like anything but a name may be a token without header.
std::string shown_name(std::string_view name) {
    const bool plain = name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                                  c == '-' || c == ' ';
                       });
    return plain && !name.empty() ? fmt::format(" (\"{}\")", name) : std::string();
}

int known_names(const CsvRow& row) {
    return static_cast<int>(
        std::count_if(row.fields.begin(), row.fields.end(), [](const CsvField& field) {
            const std::string name = lower(field.value);
            return name == "serial" || name == "token";
        }));
}

CsvRow first_row(std::string_view text, char separator, std::deque<std::string>& kept) {
    CsvReader reader(text, separator);
    CsvRow row;
    if (!reader.next(row)) {
        row.fields.clear();
    }
    kept = reader.take_kept();
    return row;
}

// The separator of the whole file, from its first row; NUL when there is none in it. A serial holds
// no separator, so the right one leaves a serial (or a column name) in front. A tab may also be the
// blank before a comma: then the comma counts, since the other choice would put it into every
// token.
char find_separator(std::string_view text) {
    char best = '\0';
    int best_score = -1;
    for (const char candidate : kSeparators) {
        std::deque<std::string> kept;
        const CsvRow row = first_row(text, candidate, kept);
        if (row.fields.size() < 2) {
            continue;
        }
        // Names first, then a serial in front, then the one that stands first in the line.
        int score = 1000 * known_names(row) + (is_serial(row.fields[0].value) ? 100 : 0);
        if (score == 0 &&
            (best == '\0' || row.fields[1].offset < first_row(text, best, kept).fields[1].offset)) {
            score = 1;
        }
        if (score > best_score) {
            best = candidate;
            best_score = score;
        }
    }
    return best;
}

// A field that is missing at the end of a row is told behind a quoted one of several lines.
void sort_by_place(std::vector<Complaint>& complaints) {
    std::stable_sort(complaints.begin(), complaints.end(),
                     [](const Complaint& a, const Complaint& b) {
                         return std::pair(a.line, a.column) < std::pair(b.line, b.column);
                     });
}

class Checker {
  public:
    Checker(std::string_view text, const BatchOptions& options)
        : options_(options),
          separator_(find_separator(text)),
          reader_(text, reading_separator()),
          text_(text) {
        report_.most_complaints = options.most_complaints;
        report_.separator = separator_;
        report_.text = text;
        report_.ap_ssid = options.ap_ssid;
    }

    BatchReport check() {
        CsvRow row;
        bool first = true;
        while (reader_.next(row)) {
            if (first) {
                first = false;
                if (known_names(row) > 0) {
                    report_.header = true;
                    if (!read_header(row)) {
                        return finish();
                    }
                    continue;
                }
                warn_of_strange_header(row);
            }
            ++report_.data_lines;
            check_row(row);
        }
        if (report_.data_lines == 0 && report_.accepted()) {
            report_.complain({1, 1, "", "the file holds no serial; nothing would be stored"});
        }
        return finish();
    }

  private:
    // A first line without any may still be followed by lines with commas.
    [[nodiscard]] char reading_separator() const { return separator_ == '\0' ? ',' : separator_; }

    BatchReport finish() {
        report_.kept = reader_.take_kept();
        sort_by_place(report_.errors);
        return std::move(report_);
    }

    void complain_at(std::size_t offset, std::int64_t line, std::string_view field,
                     std::string message) {
        report_.complain(
            {line, report_.errors.size() < report_.most_complaints ? column_of(text_, offset) : 1,
             std::string(field), std::move(message), std::string(row_serial_)});
    }
    void warn_at(const CsvField& field, std::string_view name, std::string message) {
        report_.warn({field.line, column_of(text_, field.offset), std::string(name),
                      std::move(message), std::string(row_serial_)});
    }

    bool read_header(const CsvRow& row) {
        if (row.problem) {
            complain_at(row.problem->offset, row.problem->line, "", row.problem->message);
            return false;
        }
        places_.fill(kNone);
        bool good = true;
        for (std::size_t i = 0; i < row.fields.size(); ++i) {
            const CsvField& field = row.fields[i];
            const auto* const known =
                std::find(kColumns.begin(), kColumns.end(), lower(field.value));
            if (known == kColumns.end()) {
                warn_at(field, "",
                        fmt::format("column {}{} is ignored", i + 1, shown_name(field.value)));
                continue;
            }
            std::size_t& place = places_[static_cast<std::size_t>(known - kColumns.begin())];
            if (place != kNone) {
                complain_at(field.offset, field.line, *known,
                            fmt::format("the header names two columns \"{}\"", *known));
                good = false;
            }
            place = i;
        }
        if (places_[kSerial] == kNone) {
            complain_at(row.end, row.end_line, "serial", "the header names no column \"serial\"");
            good = false;
        }
        if (places_[kToken] == kNone && !options_.test_only) {
            complain_at(
                row.end, row.end_line, "token",
                "the header names no column \"token\"; only a test-only batch may lack tokens");
        }
        if (places_[kApSsid] != kNone && options_.ap_ssid) {
            const CsvField& field = row.fields[places_[kApSsid]];
            complain_at(field.offset, field.line, "ap_ssid",
                        "the file has a column \"ap_ssid\" and a template was given; use one");
            good = false;
        }
        columns_ = row.fields.size();
        return good;
    }

    // Without "serial" or "token" the first row counts as a pair, by contract; names by habit
    // deserve a word.
    void warn_of_strange_header(const CsvRow& row) {
        static constexpr std::array<std::string_view, 11> kHabits{
            "sn",        "s/n", "serial_number", "serialnumber", "serial-number", "serialno",
            "serial_no", "id",  "number",        "serials",      "device"};
        if (!row.fields.empty() && std::find(kHabits.begin(), kHabits.end(),
                                             lower(row.fields[0].value)) != kHabits.end()) {
            warn_at(
                row.fields[0], "serial",
                "this line is taken as a serial; a header must name the columns serial and token");
        }
    }

    void check_row(const CsvRow& row) {
        row_serial_ = {};
        if (row.problem) {
            complain_at(row.problem->offset, row.problem->line, field_name(row.fields.size()),
                        row.problem->message);
            return;
        }
        if (row.fields.size() > columns_) {
            const CsvField& surplus = row.fields[columns_];
            complain_at(surplus.offset, surplus.line, "",
                        fmt::format("the line has {} fields, at most {} are expected; a token that "
                                    "holds {} must be quoted",
                                    row.fields.size(), columns_, shown(reading_separator())));
            return;
        }
        const CsvField serial = field_at(row, places_[kSerial]);
        const CsvField token = field_at(row, places_[kToken]);
        const bool good_serial = check_serial(serial);
        if (good_serial && report_.header && serial.value != token.value) {
            row_serial_ = serial.value;
        }
        const bool good_token = check_token(token);
        BatchFields fields;
        const bool good_fields = check_fields(row, good_serial ? serial.value : "", fields);
        const CsvField spare = field_at(row, places_[kSpareToken]);
        fields.spare_token = spare.value;
        const bool good_spare =
            spare.value.empty() || check_token_text(spare, kColumns[kSpareToken]);
        if (good_serial && good_token && good_fields && good_spare) {
            add_pair(serial, token, fields, spare);
        }
    }

    // The access point; `serial` is empty when it is bad.
    bool check_fields(const CsvRow& row, std::string_view serial, BatchFields& fields) {
        bool good = true;
        const auto look = [&](Column column, std::string_view& into,
                              std::string (*why_not)(std::string_view)) {
            if (places_[column] == kNone) {
                return;
            }
            const CsvField field = field_at(row, places_[column]);
            into = field.value;
            if (std::string why = why_not(field.value); !why.empty()) {
                complain_at(field.offset, field.line, kColumns[column], std::move(why));
                good = false;
            }
        };
        look(kApSsid, fields.ap_ssid, why_no_ssid);
        look(kApPassword, fields.ap_password, why_no_ap_password);
        if (options_.ap_ssid && !serial.empty()) {
            if (const std::string why = why_no_ssid(options_.ap_ssid->of(serial)); !why.empty()) {
                const CsvField field = field_at(row, places_[kSerial]);
                complain_at(field.offset, field.line, "ap_ssid", "by the template " + why);
                good = false;
            }
        }
        return good;
    }

    [[nodiscard]] std::string_view field_name(std::size_t column) const {
        const auto* const found = std::find(places_.begin(), places_.end(), column);
        return found == places_.end() ? std::string_view()
                                      : kColumns[static_cast<std::size_t>(found - places_.begin())];
    }

    static CsvField field_at(const CsvRow& row, std::size_t column) {
        if (column < row.fields.size()) {
            return row.fields[column];
        }
        return CsvField{{}, row.end, row.end_line};
    }

    bool check_serial(const CsvField& field) {
        std::string why = why_no_serial(field.value, separator_);
        if (why.empty()) {
            return true;
        }
        complain_at(field.offset, field.line, "serial", std::move(why));
        return false;
    }

    bool check_token(const CsvField& field) {
        if (field.value.empty()) {
            if (options_.test_only ||
                places_[kToken] == kNone) {  // the latter was told at the header
                return true;
            }
            complain_at(field.offset, field.line, "token",
                        "the token is missing; only a test-only batch may lack tokens");
            return false;
        }
        return check_token_text(field, kColumns[kToken]);
    }

    bool check_token_text(const CsvField& field, std::string_view name) {
        std::string why = why_no_token(field.value);
        if (why.empty()) {
            return true;
        }
        complain_at(field.offset, field.line, name, std::move(why));
        return false;
    }

    void add_pair(const CsvField& serial, const CsvField& token, const BatchFields& fields,
                  const CsvField& spare) {
        const BatchRow row{serial.value, token.value, serial.line};
        const BatchRow* same_serial = by_serial_.find(row, report_.rows);
        const BatchRow* same_token =
            row.token.empty() ? nullptr : by_token_.find(row, report_.rows);
        const bool same_pair = same_serial != nullptr && same_serial->serial == row.serial &&
                               same_serial->token == row.token;
        const bool same_fields =
            report_.fields.empty() || same_serial == nullptr ||
            report_.fields[static_cast<std::size_t>(same_serial - report_.rows.data())] == fields;
        if (same_pair && same_fields) {
            warn_at(serial, "",
                    fmt::format("the pair of line {} again; stored once", same_serial->line));
            return;
        }
        if (same_serial != nullptr) {
            const char* how =
                same_pair ? "with another ap_ssid, ap_password or spare_token"
                : same_serial->serial == row.serial
                    ? "with another token"
                    : "in other letters; capital and small letters are the same serial";
            complain_at(serial.offset, serial.line, "serial",
                        fmt::format("the serial of line {} again, {}", same_serial->line, how));
        }
        if (same_token != nullptr && same_token != same_serial) {
            complain_at(
                token.offset, token.line, "token",
                fmt::format("the token of line {} again, with another serial", same_token->line));
        }
        const bool new_tokens = check_spare(row, token, spare);
        if (same_serial != nullptr || same_token != nullptr || !new_tokens) {
            return;
        }
        if (serial.value.size() == 6 && lower(serial.value) == "serial" &&
            lower(token.value) == "token") {
            warn_at(serial, "", "this line is taken as a pair, though it reads like a header");
        }
        report_.rows.push_back(row);
        if (places_[kApSsid] != kNone || places_[kApPassword] != kNone ||
            places_[kSpareToken] != kNone) {
            report_.fields.push_back(fields);
        }
        if (!spare.value.empty()) {
            ++report_.spare_tokens;
            spares_.push_back({row.serial, spare.value, row.line});
            by_spare_.add(spares_.back(), spares_);
        }
        by_serial_.add(row, report_.rows);
        if (!row.token.empty()) {
            by_token_.add(row, report_.rows);
        }
    }

    // A spare token is as much a token as the others: each is there once.
    bool check_spare(const BatchRow& row, const CsvField& token, const CsvField& spare) {
        if (!row.token.empty()) {
            if (const BatchRow* before = by_spare_.find(row, spares_); before != nullptr) {
                complain_at(token.offset, token.line, "token",
                            fmt::format("the spare token of line {} again", before->line));
                return false;
            }
        }
        if (spare.value.empty()) {
            return true;
        }
        const BatchRow as_row{row.serial, spare.value, row.line};
        const BatchRow* before = by_token_.find(as_row, report_.rows);
        if (before == nullptr) {
            before = by_spare_.find(as_row, spares_);
        }
        if (before == nullptr && spare.value == row.token) {
            before = &row;
        }
        if (before != nullptr) {
            complain_at(spare.offset, spare.line, kColumns[kSpareToken],
                        fmt::format("the token of line {} again", before->line));
        }
        return before == nullptr;
    }

    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    const BatchOptions options_;
    const char separator_;
    CsvReader reader_;
    std::string_view text_;
    BatchReport report_;
    std::array<std::size_t, kColumns.size()> places_{0, 1, kNone, kNone, kNone};
    std::size_t columns_ = 2;
    std::string_view row_serial_;  // of the row that is checked, where complaints may tell it
    RowIndex<SerialOf> by_serial_;
    RowIndex<TokenOf> by_token_;
    std::vector<BatchRow> spares_;  // a spare in the place of the token
    RowIndex<TokenOf> by_spare_;
};

void put(std::vector<Complaint>& list, std::int64_t& total, std::size_t most, Complaint complaint) {
    ++total;
    if (list.size() < most) {
        list.push_back(std::move(complaint));
    }
}

// Column of a view into the text; 1 for one that is kept apart (a token with quotes in it).
std::int64_t column_in(const BatchReport& report, std::string_view part) {
    const std::less_equal<const char*> not_after;
    const char* begin = report.text.data();
    if (!not_after(begin, part.data()) || !not_after(part.data(), begin + report.text.size())) {
        return 1;
    }
    return column_of(report.text, static_cast<std::size_t>(part.data() - begin));
}

}  // namespace

void BatchReport::complain(Complaint complaint) {
    put(errors, errors_total, most_complaints, std::move(complaint));
}

void BatchReport::warn(Complaint complaint) {
    put(warnings, warnings_total, most_complaints, std::move(complaint));
}

BatchReport check_batch(std::string_view bytes, const BatchOptions& options) {
    const std::string_view text = bytes.starts_with(kBom) ? bytes.substr(kBom.size()) : bytes;
    BatchReport broken;
    broken.most_complaints = options.most_complaints;
    if (bytes.size() > kMaxBatchBytes) {
        broken.complain(
            {1, 1, "",
             fmt::format("the file is longer than {} MiB; split it", kMaxBatchBytes >> 20U)});
        return broken;
    }
    for (BadByte& bad : find_bad_bytes(text, options.most_complaints)) {
        broken.complain({bad.line, column_of(text, bad.offset), "", std::move(bad.message)});
    }
    return broken.accepted() ? Checker(text, options).check() : std::move(broken);
}

Status complain_about_known(BatchReport& report, const KnownPairs& known, std::size_t from,
                            std::size_t to) {
    for (std::size_t i = from; i < std::min(to, report.rows.size()); ++i) {
        const BatchRow& row = report.rows[i];
        auto has_serial = known.has_serial(lower(row.serial));
        if (!has_serial) {
            return tl::unexpected<base::Error>(has_serial.error());
        }
        if (*has_serial) {
            report.complain({row.line, column_in(report, row.serial), "serial",
                             "the serial is in the pool already", std::string(row.serial)});
            continue;
        }
        const auto ask = [&](const auto& has, std::string_view token, const char* field) -> Status {
            if (token.empty() || !has) {
                return {};
            }
            auto found = has(i);
            if (!found) {
                return tl::unexpected<base::Error>(found.error());
            }
            if (*found) {
                const bool known_as_serial = report.header && row.serial != row.token;
                report.complain({row.line, column_in(report, token), field,
                                 "the token is in the pool already, with another serial",
                                 known_as_serial ? std::string(row.serial) : std::string()});
            }
            return {};
        };
        Status asked = ask(known.has_token, row.token, "token");
        if (asked && !report.fields.empty()) {
            asked = ask(known.has_spare, report.fields[i].spare_token, "spare_token");
        }
        if (!asked) {
            return asked;
        }
    }
    sort_by_place(report.errors);
    return {};
}

}  // namespace lineside::serial_pool
