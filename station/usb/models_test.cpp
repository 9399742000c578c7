// SPDX-License-Identifier: Apache-2.0
#include "station/usb/models.h"

#include "station/base/files.h"

#include <gtest/gtest.h>

#include <unistd.h>

namespace lineside::usb {
namespace {

std::filesystem::path write(std::string_view text) {
    auto path =
        std::filesystem::path(testing::TempDir()) / fmt::format("models_test.{}.toml", ::getpid());
    EXPECT_TRUE(base::replace_file(path, text));
    return path;
}

}  // namespace

TEST(Models, Ids_lead_to_models_gadgets_and_what_is_never_a_target) {
    const auto models = read_models(write(R"(
[[model]]
id = "xavier-nx"
name = "Xavier NX"
pids = ["7e19"]
[[never]]
pid = "7045"
why = "board-control MCU of the developer kit"
[gadget]
pids = ["7020"]
)"));
    ASSERT_TRUE(models) << models.error().message;
    ASSERT_NE(models->in_recovery(0x0955, 0x7e19), nullptr);
    EXPECT_EQ(models->in_recovery(0x0955, 0x7e19)->id, "xavier-nx");
    EXPECT_EQ(models->in_recovery(0x1234, 0x7e19), nullptr);
    EXPECT_NE(models->never_a_target(0x0955, 0x7045), nullptr);
    EXPECT_TRUE(models->is_gadget(0x0955, 0x7020));
}

TEST(Models, A_bad_row_is_named_with_its_line) {
    const auto models =
        read_models(write("[[model]]\nid = \"a\"\nname = \"A\"\npids = [\"7E19\"]\n"));
    ASSERT_FALSE(models);
    EXPECT_NE(models.error().message.find(".toml:1"), std::string::npos) << models.error().message;
}

}  // namespace lineside::usb
