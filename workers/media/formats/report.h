// SPDX-License-Identifier: Apache-2.0
// What a check of somebody's file found: complaints with file, line, column and field, each with
// its remedy, and the answer `lineside check … --json` prints.
// Thread: any (plain values).
#pragma once

#include "station/base/json.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::media {

struct Finding {
    std::int64_t line = 1;    // 1-based; 1 for what concerns the whole file
    std::int64_t column = 1;  // 1-based, in bytes
    std::string field;        // "recipe.partitions[1].size", empty for the whole file
    std::string message;      // what is so and what to do about it
};

class Report {
  public:
    // More findings than this are counted, not kept: a file can be all errors.
    static constexpr std::size_t kMost = 100;

    void error(Finding finding) { keep(errors_, errors_total_, std::move(finding)); }
    void warning(Finding finding) { keep(warnings_, warnings_total_, std::move(finding)); }

    [[nodiscard]] bool accepted() const { return errors_total_ == 0; }
    [[nodiscard]] const std::vector<Finding>& errors() const { return errors_; }
    [[nodiscard]] const std::vector<Finding>& warnings() const { return warnings_; }
    [[nodiscard]] std::int64_t errors_total() const { return errors_total_; }
    [[nodiscard]] std::int64_t warnings_total() const { return warnings_total_; }

    // {"verdict","count","warnings","errors"}; `count` is 0 in the answer of a refused file.
    [[nodiscard]] base::Json to_json(const std::string& file, std::int64_t count) const;
    // One line a finding, as a compiler prints it, and the verdict last.
    [[nodiscard]] std::string to_text(const std::string& file, std::string_view accepted_as) const;

  private:
    static void keep(std::vector<Finding>& list, std::int64_t& total, Finding finding);

    std::vector<Finding> errors_, warnings_;
    std::int64_t errors_total_ = 0, warnings_total_ = 0;
};

// Without blanks, tabs and line breaks at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);
// At most `bytes` of UTF-8, never ending inside a character. A character has no more UTF-16 units
// than bytes.
[[nodiscard]] std::string cut_text(std::string_view text, std::size_t bytes);
// Text of a file inside a message: at most 80 bytes of it, nothing that a terminal would obey.
// `plain` without quotes, as Flashtool's own messages have it.
[[nodiscard]] std::string shown(std::string_view text);
[[nodiscard]] std::string plain(std::string_view text);

}  // namespace lineside::media
