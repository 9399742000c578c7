// SPDX-License-Identifier: Apache-2.0
#include "workers/media-writer/disk_life.h"

#include <gtest/gtest.h>

namespace lineside::media_writer {
namespace {

constexpr std::string_view kStats =
    "   7       0 loop0 34 0 680 3 0 0 0 0 0 4 3 0 0 0 0 0 0\n"
    "   8      16 sdb 100 2 5000 40 2000 7 90000 500 3 600 540 0 0 0 0 4 1\n"
    "   8     160 sdk 1 2 3 4 5 6 7 8 9 10 11\n"
    "   8      32 sdc 1 2 3\n";

TEST(DiskLife, Reads_and_writes_that_ended_are_what_counts) {
    EXPECT_EQ(finished_of(kStats, 8, 16), "100 2000");
    EXPECT_EQ(finished_of(kStats, 7, 0), "34 0");
    EXPECT_EQ(finished_of(kStats, 8, 160), "1 5");
    EXPECT_EQ(finished_of(kStats, 8, 32), "") << "a line that is cut";
    EXPECT_EQ(finished_of(kStats, 8, 1), "");
    EXPECT_EQ(finished_of("", 8, 16), "");
}

TEST(DiskLife, Where_nobody_can_say_it_counts_as_alive) {
    DiskLife none("/dev/lineside-no-such-disk");
    EXPECT_TRUE(none.moved());
    EXPECT_TRUE(none.moved());
}

}  // namespace
}  // namespace lineside::media_writer
