// SPDX-License-Identifier: Apache-2.0
#include "station/audit/chain_check.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

namespace lineside::audit {
namespace {

using Rows = std::vector<ChainRow>;

ChainRow row_of(std::int64_t seq, std::string data, const trust::Hash& prev) {
    ChainRow row;
    row.row = {seq, 1700000000000 + seq, seq, "boot", 1, "job.state", "A1", 1, 2, {}, data};
    row.prev = prev;
    row.hash = trust::chain_hash(prev, row.row);
    return row;
}

Rows journal(int count) {
    Rows rows;
    trust::Hash head = trust::kChainStart;
    for (int seq = 1; seq <= count; ++seq) {
        rows.push_back(row_of(seq, "{\"n\":" + std::to_string(seq) + "}", head));
        head = *rows.back().hash;
    }
    return rows;
}

ChainRow& at(Rows& rows, std::int64_t seq) {
    return rows.at(static_cast<std::size_t>(seq - 1));
}
void number_anew(Rows& rows) {
    std::int64_t seq = 0;
    for (ChainRow& row : rows) {
        row.row.seq = ++seq;
    }
}
// Makes every hash from `from` on fit again.
void hash_anew(Rows& rows, std::int64_t from, std::int64_t to) {
    for (std::int64_t seq = from; seq <= to; ++seq) {
        at(rows, seq).prev = seq == 1 ? trust::kChainStart : *at(rows, seq - 1).hash;
        at(rows, seq).hash = trust::chain_hash(*at(rows, seq).prev, at(rows, seq).row);
    }
}

Head head_of(const Rows& rows) {
    return {rows.back().row.seq, *rows.back().hash, rows.back().row.seq};
}
std::vector<Mark> marks_of(Rows& rows, const std::vector<std::int64_t>& seqs) {
    std::vector<Mark> marks;
    marks.reserve(seqs.size());
    for (const std::int64_t seq : seqs) {
        marks.push_back({seq, *at(rows, seq).hash, "anchor"});
    }
    return marks;
}

std::string verdict(const Rows& rows, std::optional<Head> head, std::vector<Mark> marks = {}) {
    ChainCheck check(head, std::move(marks));
    for (const ChainRow& row : rows) {
        if (!check.add(row)) {
            break;
        }
    }
    const auto finding = check.finish();
    if (!finding) {
        return "ok";
    }
    return std::string(to_text(finding->why)) + " " +
           (finding->first_bad_seq ? std::to_string(*finding->first_bad_seq) : "-");
}

TEST(ChainCheck, What_the_station_wrote_is_good) {
    Rows rows = journal(200);
    EXPECT_EQ(verdict(rows, head_of(rows), marks_of(rows, {200, 1, 77})), "ok");
    EXPECT_EQ(verdict(rows, std::nullopt), "ok");
    EXPECT_EQ(verdict({}, Head{}), "ok");
    ChainCheck check(head_of(rows), marks_of(rows, {3, 77}));
    for (const ChainRow& row : rows) {
        ASSERT_TRUE(check.add(row));
    }
    ASSERT_FALSE(check.finish());
    EXPECT_EQ(check.events(), 200);
    EXPECT_EQ(check.last_seq(), 200);
    EXPECT_EQ(check.marks_held(), 2);
    EXPECT_EQ(check.last_mark_held(), 77);
}

// One edit each, as somebody could make it with a shell; `head` stays what the station wrote.
struct Edit {
    const char* name;
    std::function<void(Rows&)> make;
    const char* verdict;
};

class ChainEdits : public ::testing::TestWithParam<Edit> {};

TEST_P(ChainEdits, is_found_with_its_row) {
    Rows rows = journal(100);
    const Head head = head_of(rows);
    GetParam().make(rows);
    EXPECT_EQ(verdict(rows, head), GetParam().verdict) << GetParam().name;
}

const Edit kEdits[] = {
    {"content", [](Rows& r) { at(r, 50).row.data = "{}"; }, "altered 50"},
    {"content of the first", [](Rows& r) { at(r, 1).row.kind = "x"; }, "altered 1"},
    {"content of the last", [](Rows& r) { at(r, 100).row.at_ms += 1; }, "altered 100"},
    {"hash alone", [](Rows& r) { (*at(r, 50).hash)[3] ^= 1; }, "altered 50"},
    {"prev alone", [](Rows& r) { (*at(r, 50).prev)[3] ^= 1; }, "altered 50"},
    {"prev of the first", [](Rows& r) { (*at(r, 1).prev)[3] ^= 1; }, "altered 1"},
    {"hash of another length", [](Rows& r) { at(r, 50).hash.reset(); }, "altered 50"},
    {"another type", [](Rows& r) { at(r, 50).strange = "at_ms"; }, "altered 50"},
    {"content and its hash",
     [](Rows& r) {
         at(r, 50).row.data = "{}";
         hash_anew(r, 50, 50);
     },
     "altered 50"},
    {"first row and its hash",
     [](Rows& r) {
         at(r, 1).row.data = "{}";
         hash_anew(r, 1, 1);
     },
     "altered 1"},
    {"last row and its hash",
     [](Rows& r) {
         at(r, 100).row.data = "{}";
         hash_anew(r, 100, 100);
     },
     "altered 100"},
    {"last but one and its hash",
     [](Rows& r) {
         at(r, 99).row.data = "{}";
         hash_anew(r, 99, 99);
     },
     "altered 99"},
    {"prev and hash of one",
     [](Rows& r) {
         (*at(r, 50).prev)[0] ^= 1;
         at(r, 50).hash = trust::chain_hash(*at(r, 50).prev, at(r, 50).row);
     },
     "altered 50"},
    {"whole tail written anew",
     [](Rows& r) {
         at(r, 50).row.data = "{}";
         hash_anew(r, 50, 100);
     },
     "altered 100"},
    {"removed", [](Rows& r) { r.erase(r.begin() + 49); }, "removed 50"},
    {"first removed", [](Rows& r) { r.erase(r.begin()); }, "removed 1"},
    {"several removed", [](Rows& r) { r.erase(r.begin() + 49, r.begin() + 60); }, "removed 50"},
    {"removed, numbered anew",
     [](Rows& r) {
         r.erase(r.begin() + 49);
         number_anew(r);
     },
     "removed 50"},
    {"first removed, numbered anew",
     [](Rows& r) {
         r.erase(r.begin());
         number_anew(r);
     },
     "removed 1"},
    {"last but one removed, numbered anew",
     [](Rows& r) {
         r.erase(r.begin() + 98);
         number_anew(r);
     },
     "removed 99"},
    {"several removed, numbered anew",
     [](Rows& r) {
         r.erase(r.begin() + 49, r.begin() + 60);
         number_anew(r);
     },
     "removed 50"},
    {"last removed", [](Rows& r) { r.pop_back(); }, "truncated 100"},
    {"end removed", [](Rows& r) { r.resize(60); }, "truncated 61"},
    {"all removed", [](Rows& r) { r.clear(); }, "truncated 1"},
    {"put in behind the last", [](Rows& r) { r.push_back(row_of(101, "{}", *r.back().hash)); },
     "inserted 101"},
    {"put in behind the last, not fitting",
     [](Rows& r) { r.push_back(row_of(101, "{}", trust::kChainStart)); }, "inserted 101"},
    {"put in far behind", [](Rows& r) { r.push_back(row_of(900, "{}", *r.back().hash)); },
     "inserted 900"},
    {"put in before the first",
     [](Rows& r) { r.insert(r.begin(), row_of(0, "{}", trust::kChainStart)); }, "inserted 0"},
    {"put in below zero",
     [](Rows& r) { r.insert(r.begin(), row_of(-7, "{}", trust::kChainStart)); }, "inserted -7"},
    {"put in between, numbered anew",
     [](Rows& r) {
         r.insert(r.begin() + 49, row_of(50, "{}", trust::kChainStart));
         number_anew(r);
     },
     "inserted 50"},
    {"put in between, fitting, numbered anew",
     [](Rows& r) {
         r.insert(r.begin() + 49, row_of(50, "{}", *at(r, 49).hash));
         number_anew(r);
     },
     "inserted 50"},
    {"put in as the first, fitting, numbered anew",
     [](Rows& r) {
         r.insert(r.begin(), row_of(1, "{}", trust::kChainStart));
         number_anew(r);
     },
     "inserted 1"},
    {"put in before the last, numbered anew",
     [](Rows& r) {
         r.insert(r.begin() + 99, row_of(100, "{}", trust::kChainStart));
         number_anew(r);
     },
     "inserted 100"},
    {"put in before the last, fitting, numbered anew",
     [](Rows& r) {
         r.insert(r.begin() + 99, row_of(100, "{}", *at(r, 99).hash));
         number_anew(r);
     },
     "inserted 100"},
    {"three put in, numbered anew",
     [](Rows& r) {
         r.insert(r.begin() + 49, 3, row_of(50, "{}", trust::kChainStart));
         number_anew(r);
     },
     "inserted 50"},
    {"two neighbours changed places",
     [](Rows& r) {
         std::swap(at(r, 50), at(r, 51));
         number_anew(r);
     },
     "altered 50"},
    {"last two changed places",
     [](Rows& r) {
         std::swap(at(r, 99), at(r, 100));
         number_anew(r);
     },
     "altered 99"},
    {"two far ones changed places",
     [](Rows& r) {
         std::swap(at(r, 10), at(r, 30));
         number_anew(r);
     },
     "altered 10"},
};
INSTANTIATE_TEST_SUITE_P(All, ChainEdits, ::testing::ValuesIn(kEdits));

// Who writes the whole tail anew, and the station's own note, is found by what was signed.
TEST(ChainCheck, Signed_heads_find_what_no_hash_can) {
    const Rows good = journal(100);
    Rows signed_rows = good;
    const auto marks = marks_of(signed_rows, {20, 40, 80, 100});
    Rows rows = good;
    at(rows, 50).row.data = "{}";
    hash_anew(rows, 50, 100);
    EXPECT_EQ(verdict(rows, head_of(rows)), "ok") << "without a signed head nobody can tell";
    EXPECT_EQ(verdict(rows, head_of(rows), marks), "altered 41");
    rows = good;
    rows.erase(rows.begin() + 49);
    number_anew(rows);
    hash_anew(rows, 50, 99);
    EXPECT_EQ(verdict(rows, head_of(rows), marks), "altered 41");
    rows = good;
    rows.resize(90);
    EXPECT_EQ(verdict(rows, head_of(rows), marks), "truncated 91");
    EXPECT_EQ(verdict(rows, std::nullopt, marks), "truncated 91");
    EXPECT_EQ(verdict({}, Head{}, marks), "truncated 1");
    rows = good;
    rows.resize(80);
    EXPECT_EQ(verdict(rows, std::nullopt, marks_of(signed_rows, {20, 80})), "ok")
        << "rows cut behind the last signed head";
    // The first row that is bad counts, whoever tells.
    rows = good;
    at(rows, 50).row.data = "{}";
    hash_anew(rows, 50, 90);
    EXPECT_EQ(verdict(rows, head_of(good), marks), "altered 41");
    EXPECT_EQ(verdict(rows, head_of(good)), "altered 90") << "no trace of where it began";
    rows = good;
    at(rows, 10).row.data = "{}";
    at(rows, 50).row.data = "{}";
    EXPECT_EQ(verdict(rows, head_of(good), marks), "altered 10");
}

TEST(ChainCheck, The_stations_own_note_is_compared) {
    const Rows rows = journal(10);
    Head head = head_of(rows);
    head.hash[0] ^= 1;
    EXPECT_EQ(verdict(rows, head), "altered 10");
    head = head_of(rows);
    head.seq = 11;
    EXPECT_EQ(verdict(rows, head), "truncated 11");
    head = head_of(rows);
    head.highest = 12;
    EXPECT_EQ(verdict(rows, head), "truncated 11");
    head = head_of(rows);
    head.seq = 9;
    head.hash = *rows[8].hash;
    EXPECT_EQ(verdict(rows, head), "inserted 10");
    head = head_of(rows);
    head.highest = 3;
    EXPECT_EQ(verdict(rows, head), "altered -");
}

// A station that goes on behind foreign rows tells of them; the chain is whole then.
TEST(ChainCheck, What_the_station_found_itself_is_told) {
    const auto foreign = [](Rows& rows, std::int64_t expected) {
        const auto seq = rows.back().row.seq + 1;
        ChainRow row = row_of(seq, fmt::format("{{\"expected_seq\":{}}}", expected), {});
        row.prev = *rows.back().hash;
        row.row.kind = "journal.foreign";
        row.hash = trust::chain_hash(*row.prev, row.row);
        rows.push_back(row);
    };
    Rows rows = journal(10);
    rows.push_back(row_of(11, "{}", *rows.back().hash));
    foreign(rows, 10);
    EXPECT_EQ(verdict(rows, head_of(rows)), "inserted 11");
    rows = journal(10);
    at(rows, 10).row.data = "{}";
    hash_anew(rows, 10, 10);
    foreign(rows, 10);
    EXPECT_EQ(verdict(rows, head_of(rows)), "altered 10");
}

// Any one edit, anywhere: found, and the row is right.
TEST(ChainCheck, Random_edits) {
    std::mt19937 dice(20261128);
    const auto roll = [&](std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>(low, high)(dice);
    };
    for (int round = 0; round < 3000; ++round) {
        const std::int64_t count = roll(1, 130);
        Rows rows = journal(static_cast<int>(count));
        const Head head = head_of(rows);
        const std::int64_t seq = roll(1, count);
        std::string wanted;
        switch (roll(0, 7)) {
            case 0: {
                auto& data = at(rows, seq).row.data;
                data[static_cast<std::size_t>(roll(0, static_cast<std::int64_t>(data.size()) -
                                                          1))] ^= static_cast<char>(roll(1, 255));
                wanted = "altered " + std::to_string(seq);
                break;
            }
            case 1:
                (*at(rows, seq).hash)[static_cast<std::size_t>(roll(0, 31))] ^=
                    static_cast<std::uint8_t>(roll(1, 255));
                wanted = "altered " + std::to_string(seq);
                break;
            case 2:
                at(rows, seq).row.job_id = roll(3, 900);
                hash_anew(rows, seq, seq);
                wanted = "altered " + std::to_string(seq);
                break;
            case 3: {  // rows out, a hole
                const std::int64_t last = std::min(count, seq + roll(0, 5));
                rows.erase(rows.begin() + seq - 1, rows.begin() + last);
                wanted = (last == count ? "truncated " : "removed ") + std::to_string(seq);
                break;
            }
            case 4: {  // rows out, no hole
                const std::int64_t last = std::min(count, seq + roll(0, 5));
                rows.erase(rows.begin() + seq - 1, rows.begin() + last);
                number_anew(rows);
                wanted = (last == count ? "truncated " : "removed ") + std::to_string(seq);
                break;
            }
            case 5: {  // rows in, fitting or not
                const bool fits = roll(0, 1) == 1;
                const trust::Hash before = seq == 1 ? trust::kChainStart : *at(rows, seq - 1).hash;
                rows.insert(rows.begin() + seq - 1, static_cast<std::size_t>(fits ? 1 : roll(1, 5)),
                            row_of(seq, "{\"x\":1}", fits ? before : trust::Hash{7}));
                number_anew(rows);
                wanted = "inserted " + std::to_string(seq);
                break;
            }
            case 6: {
                const std::int64_t where = count + roll(1, 50);
                rows.push_back(row_of(where, "{}", *rows.back().hash));
                wanted = "inserted " + std::to_string(where);
                break;
            }
            default: {
                const std::int64_t other = roll(1, count);
                if (other == seq) {
                    continue;
                }
                std::swap(at(rows, seq), at(rows, other));
                number_anew(rows);
                wanted = "altered " + std::to_string(std::min(seq, other));
            }
        }
        ASSERT_EQ(verdict(rows, head), wanted) << "round " << round << ", " << count << " rows";
    }
}

}  // namespace
}  // namespace lineside::audit
