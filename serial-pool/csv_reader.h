// SPDX-License-Identifier: Apache-2.0
// Rows of a delimited text file held in memory: RFC 4180 quotes, LF or CRLF, blank lines and lines
// that start with # skipped, blanks and tabs around a field trimmed. Knows nothing of serials.
// Fields are views into the text; a field with doubled quotes is kept by the reader.
// Thread: one.   Cost: linear, also for broken files.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::serial_pool {

// First byte that is not UTF-8 or is NUL, with what is wrong, one per line, at most `most`.
struct BadByte {
    std::size_t offset = 0;
    std::int64_t line = 1;
    std::string message;
};
// `text` starts after a byte order mark. A text in UTF-16 or UTF-32 gives one finding for the
// whole.
[[nodiscard]] std::vector<BadByte> find_bad_bytes(std::string_view text, std::size_t most);

// Column of a byte in its line: 1-based, counted in characters.
[[nodiscard]] std::int64_t column_of(std::string_view text, std::size_t offset);

struct CsvField {
    std::string_view value;  // trimmed, quotes resolved
    std::size_t offset = 0;  // of its first byte in the text
    std::int64_t line = 1;   // where it begins
};

struct CsvRow {
    std::vector<CsvField> fields;
    std::int64_t line = 1;  // where it begins
    std::size_t end = 0;    // offset behind its last byte
    std::int64_t end_line = 1;
    // A row that cannot be read: where and why. `fields` holds what was read before.
    struct Problem {
        std::size_t offset = 0;
        std::int64_t line = 1;
        std::string message;
    };
    std::optional<Problem> problem;
};

class CsvReader {
  public:
    // `text` without byte order mark; must outlive the reader.
    CsvReader(std::string_view text, char separator) : text_(text), separator_(separator) {}

    // Reads the next row that is neither blank nor comment; false at the end.
    [[nodiscard]] bool next(CsvRow& row);
    // Texts of fields with doubled quotes; their owner must live as long as the views do.
    [[nodiscard]] std::deque<std::string> take_kept() { return std::move(kept_); }

  private:
    [[nodiscard]] bool skip_line_without_fields(CsvRow& row);
    void read_fields(CsvRow& row);
    [[nodiscard]] bool read_quoted(CsvRow& row, CsvField& field);
    void give_up(CsvRow& row, std::size_t offset, std::int64_t line, std::string message);
    [[nodiscard]] bool at_line_end(std::size_t at) const;

    std::string_view text_;
    char separator_;
    std::size_t at_ = 0;
    std::int64_t line_ = 1;
    std::deque<std::string> kept_;
};

}  // namespace lineside::serial_pool
