// SPDX-License-Identifier: Apache-2.0
#include "station/core/verdict.h"

#include <gtest/gtest.h>

namespace lineside::core {

TEST(Verdict, Pass_needs_all_four) {
    for (unsigned bits = 0; bits < 16; ++bits) {
        const Evidence evidence{(bits & 1U) != 0, (bits & 2U) != 0, (bits & 4U) != 0,
                                (bits & 8U) != 0};
        const Verdict verdict = decide(evidence, std::nullopt);
        EXPECT_EQ(verdict.outcome == Outcome::pass, bits == 15U) << bits;
        EXPECT_NE(verdict.outcome, Outcome::fail) << "missing proof never blames the unit";
    }
}

TEST(Verdict, Without_a_serial_the_image_is_proven_all_the_same) {
    for (unsigned bits = 0; bits < 16; ++bits) {
        const Evidence evidence{(bits & 1U) != 0, (bits & 2U) != 0, (bits & 4U) != 0,
                                (bits & 8U) != 0, false};
        EXPECT_EQ(decide(evidence, std::nullopt).outcome == Outcome::pass, (bits & 3U) == 3U)
            << bits;
    }
}

TEST(Verdict, An_ending_is_never_a_pass_and_kind_decides) {
    const Evidence full{true, true, true, true};
    EXPECT_EQ(decide(full, base::make_error("boot.none")).outcome, Outcome::fail);
    EXPECT_EQ(decide(full, base::make_error("usb.left")).outcome, Outcome::error);
    EXPECT_EQ(decide(full, base::make_error("operator.stopped")).outcome, Outcome::aborted);
    EXPECT_EQ(decide(full, base::make_error("config.invalid")).outcome, Outcome::error);
}

}  // namespace lineside::core
