// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/flash_layout.h"

#include "station/base/text.h"
#include "workers/image-build/image_file.h"

#include <gtest/gtest.h>

#include <fstream>

namespace lineside::image_build {
namespace {

namespace fs = std::filesystem;

std::string layout(std::string_view body) {
    return R"(<?xml version="1.0"?><!-- comment --><partition_layout version="01.00.0000">
<device type="spi" instance="0"><partition name="mb1" type="mb1_bootloader"><size> 262144 </size>
<filename> mb1_t194_prod.bin </filename></partition></device>
<device type="sdmmc_user" instance="3">)" +
           std::string(body) + "</device></partition_layout>";
}

TEST(FlashLayout, Gives_partition_and_file) {
    const auto entries = parse_layout(layout(
        R"(<partition name="master_boot_record" type="protective_master_boot_record"><filename>mbr.bin</filename></partition>
<partition name="APP" type="data"><size> APPSIZE </size><filename> system.img </filename></partition>
<partition name="UDA" type="data"><size>0</size></partition>
<partition name="kernel" type="data" oem_sign="true"><filename>boot.img</filename></partition>)"));
    ASSERT_TRUE(entries) << entries.error().message;
    ASSERT_EQ(entries->size(), 5U);
    EXPECT_TRUE((*entries)[4].oem_sign);
    EXPECT_FALSE((*entries)[2].oem_sign);
    EXPECT_EQ((*entries)[0].device, "spi");
    EXPECT_EQ((*entries)[0].file, "mb1_t194_prod.bin");
    EXPECT_TRUE((*entries)[1].is_table());
    EXPECT_EQ((*entries)[2].device, "sdmmc_user");
    EXPECT_EQ((*entries)[2].file, "system.img");
    EXPECT_FALSE((*entries)[2].is_table());
    EXPECT_EQ((*entries)[3].file, "");
}

TEST(FlashLayout, Refuses_what_is_not_one) {
    EXPECT_FALSE(parse_layout(""));
    EXPECT_FALSE(parse_layout("<partition_layout>"));
    EXPECT_FALSE(parse_layout("<other/>"));
    EXPECT_FALSE(parse_layout(layout(R"(<partition type="data"/>)")));
    EXPECT_FALSE(parse_layout(layout(R"(<partition name="a"/><partition name="a"/>)")));
}

class ImageFileTest : public testing::Test {
  protected:
    fs::path write(const std::string& bytes) {
        fs::path path = fs::path(testing::TempDir()) / "image-file";
        std::ofstream(path, std::ios::binary) << bytes;
        return path;
    }
    template <typename T>
    static std::string raw(T value) {
        return {reinterpret_cast<const char*>(&value), sizeof value};
    }
    static std::string header(std::uint32_t blocks, std::uint32_t chunks) {
        return raw(0xED26FF3AU) + raw(std::uint16_t{1}) + raw(std::uint16_t{0}) +
               raw(std::uint16_t{28}) + raw(std::uint16_t{12}) + raw(4096U) + raw(blocks) +
               raw(chunks) + raw(0U);
    }
    static std::string chunk(std::uint16_t type, std::uint32_t blocks, const std::string& body) {
        return raw(type) + raw(std::uint16_t{0}) + raw(blocks) +
               raw(static_cast<std::uint32_t>(12 + body.size())) + body;
    }
};

TEST_F(ImageFileTest, Plain_file_is_hashed_as_it_is) {
    for (const std::string& bytes :
         {std::string(), std::string("abc"), std::string(100'000, 'q')}) {
        const auto content = hash_image_file(write(bytes), nullptr).value();
        EXPECT_EQ(content.bytes, bytes.size());
        EXPECT_EQ(content.sha256, base::sha256_hex(bytes));
    }
    EXPECT_FALSE(hash_image_file("/nowhere/at/all", nullptr));
}

TEST_F(ImageFileTest, First_bytes_are_hashed_whatever_they_are) {
    const auto file = write(header(7, 4));
    EXPECT_EQ(hash_first(file, 1000, nullptr).value().sha256, base::sha256_hex(header(7, 4)));
    const auto begin = hash_first(file, 5, nullptr).value();
    EXPECT_EQ(begin.bytes, 5U);
    EXPECT_EQ(begin.sha256, base::sha256_hex(header(7, 4).substr(0, 5)));
    EXPECT_FALSE(hash_first("/nowhere/at/all", 5, nullptr));
}

TEST_F(ImageFileTest, Sparse_file_is_hashed_as_what_it_stands_for) {
    const std::string data(4096, 'd');
    const std::string image = header(7, 4) + chunk(0xCAC1, 1, data) +
                              chunk(0xCAC2, 2, std::string("\1\2\3\4", 4)) + chunk(0xCAC3, 3, "") +
                              chunk(0xCAC1, 1, data);
    std::string content = data;
    for (int i = 0; i < 2048; ++i) {
        content += "\1\2\3\4";
    }
    content += std::string(3 * 4096, '\0') + data;
    const auto hashed = hash_image_file(write(image), nullptr);
    ASSERT_TRUE(hashed) << hashed.error().message;
    EXPECT_EQ(hashed->bytes, content.size());
    EXPECT_EQ(hashed->sha256, base::sha256_hex(content));
}

TEST_F(ImageFileTest, Damaged_sparse_file_is_refused) {
    const std::string data(4096, 'd');
    for (const std::string& bad :
         {header(2, 1) + chunk(0xCAC1, 1, data), header(1, 2) + chunk(0xCAC1, 1, data),
          header(1, 1) + chunk(0xCAC1, 1, data.substr(1)), header(1, 1) + chunk(0xCAC9, 1, data),
          header(1, 1) + chunk(0xCAC2, 1, "12345"), header(1, 1) + chunk(0xCAC1, 2, data + data),
          (header(1, 1) + chunk(0xCAC1, 1, data)).substr(0, 3000)}) {
        EXPECT_EQ(hash_image_file(write(bad), nullptr).error().code, "image.build");
    }
}

}  // namespace
}  // namespace lineside::image_build
