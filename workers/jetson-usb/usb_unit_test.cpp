// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/usb_unit.h"

#include <gtest/gtest.h>

#include <fstream>

namespace lineside::jetson_usb {
namespace {

using namespace std::string_literals;

const std::string kNx = "\x12\x01\x00\x02\x00\x00\x00\x40\x55\x09\x19\x7e\x02\x01\x01\x02\x00\x01"s;
const std::string kConfig = "\x09\x02\x20\x00\x01\x01\x00\x80\x10"s;
const std::string kVendorInterface = "\x09\x04\x00\x00\x02\xff\xff\xff\x00"s;
const std::string kBulkIn = "\x07\x05\x81\x02\x00\x02\x00"s;
const std::string kBulkOut = "\x07\x05\x01\x02\x00\x02\x00"s;
const std::string kInterruptIn = "\x07\x05\x81\x03\x08\x00\x09"s;

TEST(UsbUnit, Is_read_from_its_descriptors) {
    const auto unit = parse_descriptors(kNx + kConfig + kVendorInterface + kBulkIn + kBulkOut);
    ASSERT_TRUE(unit);
    EXPECT_EQ(unit->id, "0955:7e19");
    EXPECT_TRUE(unit->bulk_in);
    EXPECT_TRUE(unit->bulk_out);
}

TEST(UsbUnit, Counts_bulk_endpoints_of_the_first_configuration_only) {
    const auto unit = parse_descriptors(kNx + kConfig + kVendorInterface + kInterruptIn + kBulkOut +
                                        kConfig + kBulkIn);
    ASSERT_TRUE(unit);
    EXPECT_FALSE(unit->bulk_in);
    EXPECT_TRUE(unit->bulk_out);
}

TEST(UsbUnit, Never_reads_past_the_end_of_damaged_descriptors) {
    const std::string all = kNx + kConfig + kVendorInterface + kBulkIn + kBulkOut;
    for (std::size_t length = 0; length < all.size(); ++length) {
        const auto unit = parse_descriptors(all.substr(0, length));
        EXPECT_EQ(unit.has_value(), length >= kNx.size()) << length;
        EXPECT_FALSE(unit && unit->bulk_out) << length;
    }
    EXPECT_FALSE(parse_descriptors(kNx + "\x00\x05\x81\x02\x00\x02\x00"s)->bulk_in);
    EXPECT_FALSE(parse_descriptors(kNx + "\x03\x05\x81"s)->bulk_in);
}

TEST(UsbUnit, Is_looked_for_at_one_port) {
    const std::filesystem::path devices = testing::TempDir() + "/usb_unit_test";
    std::filesystem::create_directories(devices / "1-2.3");
    std::ofstream(devices / "1-2.3/descriptors", std::ios::binary) << kNx + kConfig + kBulkIn;
    EXPECT_EQ(unit_at("1-2.3", devices).value_or(UsbUnit{}).id, "0955:7e19");
    EXPECT_FALSE(unit_at("1-2.4", devices));
    std::filesystem::remove_all(devices);
}

TEST(UsbUnit, Has_a_hub_above_it_or_a_root_port) {
    const std::filesystem::path devices = testing::TempDir() + "/usb_unit_hub_test";
    std::filesystem::create_directories(devices / "1-2.3");
    EXPECT_TRUE(hub_above("1-2.3.4", devices));
    EXPECT_FALSE(hub_above("1-2.4.3", devices));
    EXPECT_FALSE(hub_above("1-3.1", devices));
    EXPECT_TRUE(hub_above("1-3", devices));
    std::filesystem::remove_all(devices);
}

}  // namespace
}  // namespace lineside::jetson_usb
