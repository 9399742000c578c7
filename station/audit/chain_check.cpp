// SPDX-License-Identifier: Apache-2.0
#include "station/audit/chain_check.h"

#include <fmt/format.h>

#include <algorithm>

namespace lineside::audit {
namespace {

using trust::Hash;

constexpr std::string_view kForeign = "journal.foreign";

// Is `row` whole by itself, under number `seq`?
bool holds_as(const ChainRow& row, std::int64_t seq) {
    if (!row.prev || !row.hash || !row.strange.empty()) {
        return false;
    }
    trust::EventRow numbered = row.row;
    numbered.seq = seq;
    return trust::chain_hash(*row.prev, numbered) == *row.hash;
}

}  // namespace

std::string_view to_text(Why why) {
    switch (why) {
        case Why::altered:
            return "altered";
        case Why::removed:
            return "removed";
        case Why::inserted:
            return "inserted";
        case Why::truncated:
            return "truncated";
    }
    return "altered";
}

ChainCheck::ChainCheck(std::optional<Head> head, std::vector<Mark> marks)
    : head_(head), marks_(std::move(marks)) {
    std::stable_sort(marks_.begin(), marks_.end(),
                     [](const Mark& l, const Mark& r) { return l.seq < r.seq; });
}

void ChainCheck::found(std::optional<std::int64_t> seq, Why why, std::string detail) {
    // What is found later counts only where it lies earlier; a place counts more than none.
    if (!finding_ || (seq && (!finding_->first_bad_seq || *seq < *finding_->first_bad_seq))) {
        finding_ = Finding{seq, why, std::move(detail)};
    }
}

bool ChainCheck::add(ChainRow row) {
    if (!bad_.empty()) {  // what follows helps to tell what was done
        bad_.push_back(std::move(row));
        return bad_.size() <= kReach;
    }
    const std::int64_t seq = row.row.seq;
    if (seq < 1) {
        found(seq, Why::inserted, "numbers begin at 1");
        return false;
    }
    if (seq != last_seq_ + 1) {
        if (head_ && last_seq_ >= head_->seq) {
            found(seq, Why::inserted, "the station wrote no row behind its last one");
        } else {
            found(last_seq_ + 1, Why::removed,
                  seq == last_seq_ + 2
                      ? "the row is missing"
                      : fmt::format("rows {} to {} are missing", last_seq_ + 1, seq - 1));
        }
        return false;
    }
    if (row.prev != running_ || !holds_as(row, seq)) {
        bad_.push_back(std::move(row));
        return true;
    }
    if (head_ && seq > head_->seq) {
        found(seq, Why::inserted, "the station wrote no row behind its last one");
        return false;
    }
    running_ = *row.hash;
    last_seq_ = seq;
    ++events_;
    behind_.push_back(running_);
    if (behind_.size() > kReach + 1) {
        behind_.pop_front();
    }
    if (row.row.kind == kForeign) {
        check_foreign(row.row);
    }
    check_marks();
    return true;
}

// The station itself found the journal changed, told so, and went on behind what it found.
void ChainCheck::check_foreign(const trust::EventRow& row) {
    const auto data = base::parse_json(row.data, row.data.size());
    const auto expected = data ? base::field<std::int64_t>(*data, "expected_seq")
                               : base::Result<std::int64_t>(tl::unexpected(data.error()));
    const std::int64_t wrote = expected.value_or(row.seq - 1);
    const bool more = wrote + 1 < row.seq;
    found(more ? wrote + 1 : std::max<std::int64_t>(wrote, 1), more ? Why::inserted : Why::altered,
          fmt::format("the station itself found at row {} that another program had written",
                      row.seq));
}

void ChainCheck::check_marks() {
    for (; next_mark_ < marks_.size() && marks_[next_mark_].seq <= last_seq_; ++next_mark_) {
        const Mark& mark = marks_[next_mark_];
        if (mark.seq == last_seq_ && mark.head == running_) {
            ++marks_held_;
            last_mark_held_ = mark.seq;
            continue;
        }
        // Rows up to the last mark that held are good; which of those behind it was the first to
        // be written anew, no hash can tell.
        found(last_mark_held_ + 1, Why::altered,
              fmt::format("row {} is not the one that was signed for ({}); some row of {} to {} "
                          "and all behind it were written anew",
                          mark.seq, mark.from, last_mark_held_ + 1, mark.seq));
    }
}

std::optional<Finding> ChainCheck::finish() {
    if (!bad_.empty()) {
        Finding judged = judge();
        found(judged.first_bad_seq, judged.why, std::move(judged.detail));
    } else if (!finding_ || finding_->first_bad_seq.value_or(0) > last_seq_) {
        check_end();
    }
    return finding_;
}

// The rows themselves are a whole chain: does it end where it should?
void ChainCheck::check_end() {
    const auto cut = [&](std::int64_t known, std::string_view by) {
        if (known > last_seq_) {
            found(last_seq_ + 1, Why::truncated,
                  fmt::format("the journal ends at {}; {} knows row {}", last_seq_, by, known));
        }
    };
    if (next_mark_ < marks_.size()) {
        cut(marks_.back().seq, marks_.back().from);
    }
    if (!head_) {
        return;
    }
    cut(head_->seq, "table station");
    if (!finding_) {  // a row put in behind the last one moves this number, too
        cut(head_->highest, "sqlite_sequence");
    }
    if (head_->seq == last_seq_ && head_->hash != running_) {
        found(std::max<std::int64_t>(last_seq_, 1), Why::altered,
              "the last row is not the one whose hash table station holds");
    }
    if (head_->highest < last_seq_) {
        found(std::nullopt, Why::altered, "sqlite_sequence was set back");
    }
}

Finding ChainCheck::judge() const {
    const ChainRow& row = bad_.front();
    const std::int64_t seq = row.row.seq;
    const auto say = [](std::int64_t where, Why why, std::string detail) {
        return Finding{where, why, std::move(detail)};
    };
    if (!row.strange.empty()) {
        return say(seq, Why::altered, fmt::format("column {} has another type", row.strange));
    }
    if (const auto before = put_in_before()) {
        return say(*before, Why::inserted, "the rows behind it were numbered anew");
    }
    if (head_ && seq > head_->seq) {
        return say(seq, Why::inserted, "the station wrote no row behind its last one");
    }
    if (true_row_follows()) {
        return say(seq, Why::inserted, "the rows behind it were numbered anew");
    }
    if (const auto out = taken_out()) {
        return say(seq, Why::removed,
                   *out == 1 ? "the rows behind it were numbered anew"
                             : fmt::format("{} rows; those behind were numbered anew", *out));
    }
    if (row.prev != running_ && holds_as(row, seq) && rehashed_before()) {
        return say(std::max<std::int64_t>(seq - 1, 1), Why::altered,
                   "its hash was made anew; the row behind it still names the old one");
    }
    return say(seq, Why::altered, "its content does not give its hash");
}

// One of the next rows is the one that belongs here, and so is the one behind it: rows were put in
// and the others numbered anew. (Had two rows changed places, the one behind would be in its own.)
bool ChainCheck::true_row_follows() const {
    const std::int64_t seq = bad_.front().row.seq;
    for (std::size_t i = 1; i < bad_.size(); ++i) {
        if (bad_[i].prev == running_ && holds_as(bad_[i], seq)) {
            return i + 1 == bad_.size() ? !holds_as(bad_[0], bad_[i].row.seq)
                                        : holds_as(bad_[i + 1], seq + 1);
        }
    }
    return false;
}

// The row was a later one: how many before it are gone?
std::optional<std::int64_t> ChainCheck::taken_out() const {
    const ChainRow& row = bad_.front();
    const auto reach = static_cast<std::int64_t>(kReach);
    for (std::int64_t gone = 1; gone <= reach; ++gone) {
        if (!holds_as(row, row.row.seq + gone)) {
            continue;
        }
        // Two rows that changed places are no removal: the other one is still there.
        const bool still_there =
            std::any_of(bad_.begin() + 1, bad_.end(), [&](const ChainRow& other) {
                return other.prev == running_ && holds_as(other, row.row.seq);
            });
        return still_there ? std::nullopt : std::optional(gone);
    }
    return std::nullopt;
}

// The row was an earlier one, and belongs behind a row that is there: what stands between was put
// in, and fits so well that it did not show by itself.
std::optional<std::int64_t> ChainCheck::put_in_before() const {
    const ChainRow& row = bad_.front();
    for (std::size_t back = 1; back < behind_.size(); ++back) {
        const std::int64_t was = row.row.seq - static_cast<std::int64_t>(back);
        if (was >= 1 && row.prev == behind_[behind_.size() - 1 - back] && holds_as(row, was)) {
            return was;
        }
    }
    return std::nullopt;
}

// The bad row is whole by itself but follows another row than the one before it: that one was
// altered and hashed anew, unless it was this one, which then the next row would not follow.
bool ChainCheck::rehashed_before() const {
    const ChainRow& row = bad_.front();
    if (bad_.size() > 1) {
        return bad_[1].prev == row.hash;
    }
    return !head_ || head_->seq != row.row.seq || head_->hash == *row.hash;
}

}  // namespace lineside::audit
