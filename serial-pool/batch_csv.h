// SPDX-License-Identifier: Apache-2.0
// The contract of a batch file: which bytes are a batch of serials and tokens, and which complaint
// names which line. Everything else (loading, `lineside check batch`, the pool page) asks this.
// No complaint ever holds a token, nor any text of a field that might be one in the wrong column;
// so it tells the line's serial only where that is known to be one.
// Thread: any (pure).   Cost: one pass, about 40 bytes per row beside the file itself.
#pragma once

#include "serial-pool/pair_text.h"
#include "serial-pool/unit_fields.h"
#include "station/base/error.h"
#include "station/base/json.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::serial_pool {

inline constexpr std::size_t kMaxBatchBytes = 256UL << 20U;  // a longer file is refused
struct Complaint {
    std::int64_t line = 1;    // 1-based
    std::int64_t column = 1;  // 1-based, in characters of that line
    std::string field;        // serial, token, ap_ssid, ap_password, spare_token, "" for the line
    std::string message;
    // Of that line, where it is known to be one: the header names the column, or the pool has it.
    // In a file without header whose columns are swapped it would be the token. Else "".
    std::string serial{};
};

struct BatchRow {
    std::string_view serial;
    std::string_view token;  // empty = none (test-only batch)
    std::int64_t line = 0;
};

// The access point of a unit, where the batch has it, and a token that some serial of the batch
// gets when its own is revoked.
struct BatchFields {
    std::string_view ap_ssid;      // empty = no such column
    std::string_view ap_password;  // empty = no such column
    std::string_view spare_token;  // empty = no such column, or none in this row
    bool operator==(const BatchFields&) const = default;
};

struct BatchOptions {
    bool test_only = false;  // tokens may be missing
    std::size_t most_complaints = 1000;
    std::optional<SsidTemplate> ap_ssid{};  // for a file without that column
};

// Views into the checked bytes: the caller keeps those as long as the report.
struct BatchReport {
    std::vector<BatchRow> rows;       // what would be stored; of use only when accepted
    std::vector<BatchFields> fields;  // one per row, or none at all
    std::optional<SsidTemplate> ap_ssid;
    std::vector<Complaint> errors;  // the first ones, by line
    std::vector<Complaint> warnings;
    std::int64_t errors_total = 0;  // more than errors.size() when the list was cut
    std::int64_t warnings_total = 0;
    std::int64_t data_lines = 0;  // rows read, bad ones too
    std::int64_t spare_tokens = 0;
    char separator = '\0';  // NUL: none seen (one column)
    bool header = false;
    std::deque<std::string> kept;  // texts of fields with doubled quotes
    std::size_t most_complaints = 1000;
    std::string_view text;  // the bytes behind the byte order mark

    [[nodiscard]] bool accepted() const { return errors_total == 0; }
    // Pairs that would be stored: all or none.
    [[nodiscard]] std::int64_t count() const {
        return accepted() ? static_cast<std::int64_t>(rows.size()) : 0;
    }
    void complain(Complaint complaint);
    void warn(Complaint complaint);
};

// Checks a whole file against itself.
[[nodiscard]] BatchReport check_batch(std::string_view bytes, const BatchOptions& options);

// What the pool holds already. `serial_key` is the serial in lower case, `row` counts from 0.
struct KnownPairs {
    std::function<base::Result<bool>(std::string_view serial_key)> has_serial;
    std::function<base::Result<bool>(std::size_t row)> has_token;  // may be empty: not asked
    std::function<base::Result<bool>(std::size_t row)> has_spare;  // the same
};
// Adds a complaint for each row of [from, to) whose serial or token is known.   Errors: those of
// the two functions.
[[nodiscard]] base::Status complain_about_known(BatchReport& report, const KnownPairs& known,
                                                std::size_t from = 0,
                                                std::size_t to = static_cast<std::size_t>(-1));

// {"verdict","count","warnings","errors"} as `lineside check batch --json` prints it; with details
// also errors_total, lines, separator, header and sample as the pool page shows them.
[[nodiscard]] base::Json to_json(const BatchReport& report, const std::string& file,
                                 bool details = false);
// For people: "pairs.csv:3:7: token: …" per complaint, then what was cut and the verdict.
[[nodiscard]] std::string to_text(const BatchReport& report, const std::string& file);

}  // namespace lineside::serial_pool
