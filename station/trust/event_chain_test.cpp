// SPDX-License-Identifier: Apache-2.0
#include "station/trust/event_chain.h"

#include "station/base/text.h"

#include <gtest/gtest.h>

#include <functional>

namespace lineside::trust {
namespace {

EventRow sample() {
    EventRow row;
    row.seq = 7;
    row.at_ms = 1700000000123;
    row.mono_ns = 9007199254740993;  // 2^53 + 1: the digits must survive
    row.boot = "b0";
    row.epoch = 3;
    row.kind = "job.state";
    row.slot = "A1";
    row.unit_id = 4;
    row.data = R"({"state":"flashing"})";
    return row;
}

}  // namespace

TEST(EventChain, Text_is_the_array_the_readme_names) {
    EXPECT_EQ(event_text(sample()),
              R"([7,1700000000123,"9007199254740993","b0",3,"job.state","A1",4,null,null,)"
              R"("{\"state\":\"flashing\"}"])");
}

// The same digest, made by another program:
//   printf 'lineside event 1\n' > f; head -c 32 /dev/zero >> f; printf %s "$text" >> f; sha256sum f
TEST(EventChain, Hash_is_what_another_program_computes) {
    base::Sha256 other;
    other.update("lineside event 1\n");
    other.update(std::string(32, '\0'));
    other.update(event_text(sample()));
    EXPECT_EQ(base::to_hex(chain_hash(kChainStart, sample())), other.hex());
    EXPECT_EQ(base::to_hex(chain_hash(kChainStart, sample())),
              "f1a1faa9e576aa5d2f4600bc6613951d2a2059ffc813cd961deb9b262b29c5b6");
}

TEST(EventChain, Every_field_and_the_hash_before_count) {
    const Hash good = chain_hash(kChainStart, sample());
    const std::function<void(EventRow&)> kEdits[] = {
        [](EventRow& r) { r.seq = 8; },          [](EventRow& r) { r.at_ms += 1; },
        [](EventRow& r) { r.mono_ns += 1; },     [](EventRow& r) { r.boot = "b1"; },
        [](EventRow& r) { r.epoch = 4; },        [](EventRow& r) { r.kind = "job.stat"; },
        [](EventRow& r) { r.slot = "A2"; },      [](EventRow& r) { r.slot.reset(); },
        [](EventRow& r) { r.slot = "null"; },    [](EventRow& r) { r.unit_id = 5; },
        [](EventRow& r) { r.unit_id.reset(); },  [](EventRow& r) { r.job_id = 0; },
        [](EventRow& r) { r.actor = ""; },       [](EventRow& r) { r.data += ' '; },
        [](EventRow& r) { r.data[0] = '\xff'; },
    };
    for (const auto& edit : kEdits) {
        EventRow row = sample();
        edit(row);
        EXPECT_NE(chain_hash(kChainStart, row), good) << event_text(row);
    }
    EXPECT_NE(chain_hash(good, sample()), good);
}

// A text cannot run over into the field behind it.
TEST(EventChain, Fields_do_not_run_together) {
    EventRow left = sample();
    EventRow right = sample();
    left.boot = "b\",3,\"k";
    left.kind = "x";
    right.boot = "b";
    right.kind = "k\",3,\"x";
    EXPECT_NE(event_text(left), event_text(right));
}

TEST(EventChain, Hashes_are_read_back_only_whole) {
    const Hash hash = chain_hash(kChainStart, sample());
    EXPECT_EQ(hash_from_bytes(to_bytes(hash)), hash);
    EXPECT_EQ(hash_from_hex(base::to_hex(hash)), hash);
    EXPECT_FALSE(hash_from_bytes("short"));
    EXPECT_FALSE(hash_from_hex("00"));
    EXPECT_FALSE(hash_from_hex(std::string(64, 'G')));
}

}  // namespace lineside::trust
