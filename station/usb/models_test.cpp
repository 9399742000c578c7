// SPDX-License-Identifier: Apache-2.0
#include "station/usb/models.h"

#include "station/base/files.h"

#include <gtest/gtest.h>

#include <unistd.h>

namespace lineside::usb {
namespace {

constexpr std::string_view kUnits = R"(
[[model]]
id = "xavier-nx"
name = "Xavier NX"
pids = ["7e19"]
[[never]]
pid = "7045"
why = "board-control MCU of the developer kit"
[gadget]
pids = ["7020"]
)";

std::filesystem::path write(std::string_view text) {
    auto path =
        std::filesystem::path(testing::TempDir()) / fmt::format("models_test.{}.toml", ::getpid());
    EXPECT_TRUE(base::replace_file(path, text));
    return path;
}

}  // namespace

TEST(Models, Ids_lead_to_models_gadgets_and_what_is_never_a_target) {
    const auto models = read_models(write(kUnits));
    ASSERT_TRUE(models) << models.error().message;
    ASSERT_NE(models->in_recovery(0x0955, 0x7e19), nullptr);
    EXPECT_EQ(models->in_recovery(0x0955, 0x7e19)->id, "xavier-nx");
    EXPECT_EQ(models->in_recovery(0x1234, 0x7e19), nullptr);
    EXPECT_NE(models->never_a_target(0x0955, 0x7045), nullptr);
    EXPECT_TRUE(models->is_gadget(0x0955, 0x7020));
}

TEST(Models, A_disk_is_any_but_what_units_show) {
    const std::string units = std::string(kUnits) + "[[disk]]\nid = \"card\"\nname = \"Card\"\n";
    const auto models =
        read_models(write(units + "[[disk]]\nid = \"own\"\nname = \"Own\"\nusb_ids = "
                                  "[\"0955:7035\"]\n"));
    ASSERT_TRUE(models) << models.error().message;
    const auto id_of = [&](std::uint16_t vendor, std::uint16_t product) {
        const Model* found = models->of_disk(vendor, product);
        return found == nullptr ? "" : found->id;
    };
    EXPECT_EQ(id_of(0x05e3, 0x0749), "card");
    EXPECT_EQ(id_of(0x0955, 0x7035), "own");
    EXPECT_EQ(id_of(0x0955, 0x7020), "") << "a booted unit shows a disk, too";
    EXPECT_EQ(id_of(0x0955, 0x7045), "");
    EXPECT_EQ(id_of(0x0955, 0x9999), "");
    EXPECT_EQ(id_of(0x1d6b, 0x0104), "") << "a unit that is flashed by meta-tegra's tool";
    EXPECT_EQ(models->in_recovery(0x05e3, 0x0749), nullptr);
    for (const char* wrong : {"[[disk]]\nid = \"x\"\n", "[[disk]]\nname = \"x\"\n",
                              "[[disk]]\nid = \"card\"\nname = \"again\"\n",
                              "[[disk]]\nid = \"x\"\nname = \"X\"\nusb_ids = [\"7035\"]\n",
                              "[[disk]]\nid = \"x\"\nname = \"X\"\nusb_ids = \"0955:7035\"\n"}) {
        const auto read = read_models(write(units + wrong));
        ASSERT_FALSE(read) << wrong;
        EXPECT_NE(read.error().message.find("a disk needs"), std::string::npos);
    }
}

TEST(Models, A_bad_row_is_named_with_its_line) {
    const auto models =
        read_models(write("[[model]]\nid = \"a\"\nname = \"A\"\npids = [\"7E19\"]\n"));
    ASSERT_FALSE(models);
    EXPECT_NE(models.error().message.find(".toml:1"), std::string::npos) << models.error().message;
}

}  // namespace lineside::usb
