// SPDX-License-Identifier: Apache-2.0
// Profiles that write disks: what they are read as, and what is told as wrong.
#include "station/config/config.h"

#include "station/base/files.h"

#include <gtest/gtest.h>

#include <unistd.h>

namespace lineside::config {
namespace {

// The table of models beside it has one module and one disk.
class DiskRecipe : public testing::Test {
  protected:
    void SetUp() override {
        models_ = std::filesystem::path(testing::TempDir()) /
                  fmt::format("disk_models.{}.toml", ::getpid());
        ASSERT_TRUE(base::replace_file(
            models_,
            "[[model]]\nid = \"xavier-nx\"\nname = \"NX\"\npids = [\"7e19\"]\n"
            "[[disk]]\nid = \"card\"\nname = \"Card\"\n[gadget]\npids = [\"7020\"]\n"));
    }
    [[nodiscard]] std::string text() const {
        return fmt::format(R"([station]
id = "st"
data = "/var/lib/lineside"
key_file = "/etc/lineside/key"
models = "{}"
[printer]
address = "192.168.1.9:9100"
[[recipe]]
id = "card"
[[recipe.step]]
use = "flash"
method = "media-writer"
disk_model = "SD Reader"
least_bytes = 8_000_000_000
most_bytes = 64_000_000_000
[[profile]]
id = "gateway-card"
model = "card"
bsp = "/srv/images"
recipe = "card"
[profile.image]
file = "gateway.img.xz"
bmap = "gateway.bmap"
)",
                           models_.string());
    }
    [[nodiscard]] std::string with(std::string_view from, std::string_view to) const {
        std::string changed = text();
        const auto at = changed.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return changed.replace(at, from.size(), to);
    }
    static std::string complaints(const std::string& toml) {
        std::string all;
        for (const Complaint& each : read_config_text(toml, "station.toml").complaints) {
            all += to_text(each) + "\n";
        }
        return all;
    }
    std::filesystem::path models_;
};

TEST_F(DiskRecipe, Is_read_with_nothing_of_a_unit_that_boots) {
    EXPECT_EQ(complaints(text()), "");
    const Config config = read_config_text(text(), "station.toml").config;
    const core::Profile& profile = config.profiles.at(0);
    EXPECT_TRUE(profile.disk);
    EXPECT_FALSE(profile.serials);
    EXPECT_TRUE(config.labels.empty()) << "what has no serial gets no label by itself";
    EXPECT_EQ(
        profile.image_params,
        (base::Json{{"file", "gateway.img.xz"}, {"bmap", "gateway.bmap"}, {"verify", "xxh3"}}));
    ASSERT_EQ(profile.steps.size(), 1U);
    EXPECT_EQ(profile.steps[0].method, "media-writer");
    EXPECT_EQ(profile.steps[0].params, (base::Json{{"disk_model", "SD Reader"},
                                                   {"least_bytes", 8'000'000'000},
                                                   {"most_bytes", 64'000'000'000},
                                                   {"probe", true},
                                                   {"discard", false}}));
}

TEST_F(DiskRecipe, A_serial_goes_where_the_recipe_says) {
    const std::string toml =
        with("[[profile]]", "[[recipe.step]]\nuse = \"set-serial\"\nat = 512_000\n[[profile]]");
    EXPECT_EQ(complaints(toml), "");
    const core::Profile profile = read_config_text(toml, "station.toml").config.profiles.at(0);
    EXPECT_TRUE(profile.serials);
    EXPECT_EQ(profile.steps.at(1).method, "media-writer");
    EXPECT_EQ(profile.steps.at(1).params, (base::Json{{"at", 512'000}}));
    EXPECT_EQ(profile.steps.at(1).on_interrupt, core::OnInterrupt::hold);
}

constexpr std::string_view kImage = "file = \"gateway.img.xz\"\nbmap = \"gateway.bmap\"\n";

TEST_F(DiskRecipe, A_recipe_with_its_products_stands_in_place_of_an_image) {
    const std::string toml = with(kImage,
                                  "recipe = \"board_lamp.yml\"\nkeep_root_password = true\n"
                                  "[profile.image.products]\nRootfs_Rootfs = \"root.tar.xz\"\n"
                                  "Uboot = \"u-boot.img\"\n");
    EXPECT_EQ(complaints(toml), "");
    EXPECT_EQ(
        read_config_text(toml, "station.toml").config.profiles.at(0).image_params,
        (base::Json{{"recipe", "board_lamp.yml"},
                    {"keep_root_password", true},
                    {"products", {{"Rootfs_Rootfs", "root.tar.xz"}, {"Uboot", "u-boot.img"}}}}));
    for (const auto& [image, told] : std::vector<std::pair<std::string, std::string>>{
             {"recipe = \"../b.yml\"\n", "recipe must be the name"},
             {"recipe = \"b.yaml\"\n", "recipe must be {platform}.yml"},
             {"recipe = \"b.yml\"\nfile = \"x.img\"\n", "file"},
             {"recipe = \"b.yml\"\n[profile.image.products]\nUbot = \"u\"\n", "Ubot"},
             {"recipe = \"b.yml\"\n[profile.image.products]\nUboot = \"/u\"\n",
              "Uboot must be the name"}}) {
        const std::string all = complaints(with(kImage, image));
        EXPECT_NE(all.find(told), std::string::npos) << image << all;
    }
    // A serial goes between the table and the first partition.
    for (const auto& [at, good] : std::vector<std::pair<std::uint64_t, bool>>{
             {0, false}, {28'672, false}, {32'768, true}, {1'044'480, true}, {1'048'576, false}}) {
        std::string numbered = with(kImage, "recipe = \"b.yml\"\n");
        numbered.insert(numbered.find("[[profile]]"),
                        fmt::format("[[recipe.step]]\nuse = \"set-serial\"\nat = {}\n", at));
        EXPECT_EQ(complaints(numbered).empty(), good) << at << ": " << complaints(numbered);
    }
}

TEST_F(DiskRecipe, What_does_not_fit_is_named) {
    struct Case {
        std::string_view from, to, told;
    };
    const std::vector<Case> cases{
        {"use = \"flash\"", "use = \"wait-unit\"", "recipe.step must be use = \"flash\""},
        {"[[profile]]", "[[recipe.step]]\nuse = \"prove-image\"\n[[profile]]",
         "use must be \"flash\" or \"set-serial\""},
        {"[[profile]]", "[[recipe.step]]\nuse = \"set-serial\"\n[[profile]]", "at is missing"},
        {"[[profile]]", "[[recipe.step]]\nuse = \"set-serial\"\nat = 100\n[[profile]]",
         "at must be a multiple of 4096"},
        {"[[profile]]", "[[recipe.step]]\nuse = \"flash\"\n[[profile]]", "recipe.step must be"},
        {"most_bytes = 64_000_000_000", "most_bytes = 1", "most_bytes must not be less"},
        {"disk_model = ", "disk_modell = ", "disk_modell"},
        {"model = \"card\"", "model = \"xavier-nx\"", "model 'xavier-nx' is no disk"},
        {"bsp = ", "board = \"x\"\nbsp = ", "board"},
        {"file = \"gateway.img.xz\"\n", "", "file is missing"},
        {"file = \"gateway.img.xz\"", "file = \"../gateway.img\"", "file must be the name"},
        {"bmap = \"gateway.bmap\"", "verify = \"md5\"", "verify must be"},
        {"bmap = \"gateway.bmap\"", "sha256 = \"abc\"", "sha256 must be"},
        {"[profile.image]", "[profile.ssh]\nuser = \"x\"\n[profile.image]", "ssh"},
    };
    for (const Case& each : cases) {
        const std::string told = complaints(with(each.from, each.to));
        EXPECT_NE(told.find(each.told), std::string::npos) << each.to << "\n" << told;
    }
    std::string jetson = with("method = \"media-writer\"\n", "");
    EXPECT_NE(complaints(jetson).find("board"), std::string::npos);
}

}  // namespace
}  // namespace lineside::config
