// SPDX-License-Identifier: Apache-2.0
// Walks the journal's rows, first to last, and says which one is the first that is not as the
// station wrote it, and what was done to it. Pure: rows come from a database or an export.
// README.md says how a verdict is found and what no check can see. Thread: any.
#pragma once

#include "station/trust/anchor.h"
#include "station/trust/event_chain.h"

#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace lineside::audit {

// A row as it was found.
struct ChainRow {
    trust::EventRow row;
    std::optional<trust::Hash> prev;  // nothing: not 32 bytes
    std::optional<trust::Hash> hash;
    std::string strange;  // a column whose value has not its type
};

enum class Why { altered, removed, inserted, truncated };
[[nodiscard]] std::string_view to_text(Why why);

struct Finding {
    std::optional<std::int64_t> first_bad_seq;  // nothing: not a matter of one row
    Why why = Why::altered;
    std::string detail;  // one plain sentence
};

// The journal's end as the station noted it beside the journal.
struct Head {
    std::int64_t seq = 0;
    trust::Hash hash{};
    std::int64_t highest = 0;  // highest number ever given (sqlite_sequence)
};

// What signed for a head; the signature is checked already.
struct Mark {
    std::int64_t seq = 0;
    trust::Hash head{};
    std::string from;  // for messages: "anchor of the database", a file's name
};

class ChainCheck {
  public:
    // `head`: of a database; an export has none.   `marks`: in any order.
    ChainCheck(std::optional<Head> head, std::vector<Mark> marks);

    // The next row, by rising seq. False: no further row is wanted.
    [[nodiscard]] bool add(ChainRow row);
    // Ends the walk: the earliest finding, or nothing.
    [[nodiscard]] std::optional<Finding> finish();

    // Of the rows that follow each other rightly.
    [[nodiscard]] std::int64_t events() const { return events_; }
    [[nodiscard]] std::int64_t last_seq() const { return last_seq_; }
    [[nodiscard]] const trust::Hash& head() const { return running_; }
    [[nodiscard]] std::int64_t marks_held() const { return marks_held_; }
    [[nodiscard]] std::int64_t last_mark_held() const { return last_mark_held_; }

  private:
    // How many rows put in or taken out in one place are still told from altered ones.
    static constexpr std::size_t kReach = 64;

    void check_foreign(const trust::EventRow& row);
    void check_marks();
    void check_end();
    void found(std::optional<std::int64_t> seq, Why why, std::string detail);
    [[nodiscard]] Finding judge() const;
    [[nodiscard]] bool true_row_follows() const;
    [[nodiscard]] std::optional<std::int64_t> taken_out() const;
    [[nodiscard]] std::optional<std::int64_t> put_in_before() const;
    [[nodiscard]] bool rehashed_before() const;

    std::optional<Head> head_;
    std::vector<Mark> marks_;  // by seq
    std::size_t next_mark_ = 0;
    trust::Hash running_ = trust::kChainStart;
    std::int64_t last_seq_ = 0;
    std::int64_t events_ = 0;
    std::int64_t marks_held_ = 0;
    std::int64_t last_mark_held_ = 0;
    std::deque<trust::Hash> behind_{trust::kChainStart};  // last ones; back() is running_
    std::vector<ChainRow> bad_;  // the first bad row and some that follow it
    std::optional<Finding> finding_;
};

}  // namespace lineside::audit
