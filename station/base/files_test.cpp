// SPDX-License-Identifier: Apache-2.0
#include "station/base/files.h"

#include <gtest/gtest.h>

#include <unistd.h>

namespace lineside::base {

TEST(Files, Replace_then_read_gives_the_same) {
    const auto path =
        std::filesystem::path(testing::TempDir()) / ("files_test." + std::to_string(::getpid()));
    ASSERT_TRUE(replace_file(path, "one"));
    ASSERT_TRUE(replace_file(path, "two"));
    EXPECT_EQ(read_file(path, 100).value(), "two");
    EXPECT_FALSE(std::filesystem::exists(path.string() + ".tmp"));
    EXPECT_FALSE(read_file(path, 2)) << "longer than allowed is an error, not a cut";
    std::filesystem::remove(path);
    EXPECT_EQ(read_file(path, 100).error().code, "config.missing");
}

}  // namespace lineside::base
