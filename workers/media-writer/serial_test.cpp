// SPDX-License-Identifier: Apache-2.0
#include "workers/media-writer/serial.h"

#include <gtest/gtest.h>

namespace lineside::media_writer {
namespace {

using media::Fill;

TEST(Serial, A_block_says_the_serial_it_was_made_of) {
    for (const std::string& serial :
         std::vector<std::string>{"1", "RC26-00042", std::string(64, 'x')}) {
        EXPECT_EQ(serial_in(block_of(serial)), serial);
    }
    EXPECT_EQ(serial_in({}), "");
    SerialBlock noise{};
    noise.fill(std::byte{'A'});
    EXPECT_EQ(serial_in(noise), "") << "no end";
    auto other = block_of("RC26-00042");
    other[3] = std::byte{7};
    EXPECT_EQ(serial_in(other), "");
}

TEST(Serial, Its_block_is_never_a_part_of_the_image) {
    const media::ImageMap map(1 << 20, {{65536, 131072, Fill::data}}, Fill::zero);
    EXPECT_EQ(why_not_there(map, 0, 1 << 21), "");
    EXPECT_EQ(why_not_there(map, 65536 - 4096, 1 << 21), "");
    EXPECT_NE(why_not_there(map, 65536, 1 << 21).find("image's data"), std::string::npos);
    EXPECT_NE(why_not_there(map, 131072 - 4096, 1 << 21), "");
    EXPECT_EQ(why_not_there(map, 131072, 1 << 21), "");
    EXPECT_EQ(why_not_there(map, 1 << 20, 1 << 21), "") << "behind the image";
    EXPECT_NE(why_not_there(map, 1 << 21, 1 << 21).find("end of the disk"), std::string::npos);
    EXPECT_NE(why_not_there(map, ~std::uint64_t{4095}, 1 << 21), "");
}

TEST(Serial, By_a_recipe_its_block_is_before_the_first_partition) {
    EXPECT_NE(why_not_before_partitions(0), "");
    EXPECT_NE(why_not_before_partitions(28 * 1024), "") << "a GUID table in sectors of 4096";
    EXPECT_EQ(why_not_before_partitions(32 * 1024), "");
    EXPECT_EQ(why_not_before_partitions((1 << 20) - 4096), "");
    EXPECT_NE(why_not_before_partitions(1 << 20), "");
    EXPECT_NE(why_not_before_partitions(~std::uint64_t{4095}), "");
}

}  // namespace
}  // namespace lineside::media_writer
