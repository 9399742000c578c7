// SPDX-License-Identifier: Apache-2.0
// Profiles and recipes in a file of their own, and their secrets hidden for a page.
#include "station/base/files.h"
#include "station/config/recipe_secrets.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace lineside::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kProducts = R"([[recipe]]
id = "camera"
step = [ { use = "flash" }, { use = "wait-unit" }, { use = "prove-image" }, { use = "set-serial" },
  { use = "set-wifi-ap", ssid = "Réép", wifi_ap_password = "hunter2-abc", retries = 1 }, { use = "read-serial" } ]
[[profile]]
id = "crc-nx"   # password = old-one
model = "xavier-nx"
board = "jetson-xavier-nx-devkit-emmc"
rootdev = "mmcblk0p1"
bsp = "/opt/bsp"
recipe = "camera"
expect = { id = "3668", sku = ["0001"] }
image.env = { FAB = "100", SIGN_TOKEN = "tok-77" }
[profile.ssh]
user = "reeplayer"
password = """
se"cret
two"""   # the password of the image
)";

class RecipesFile : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = fs::path(testing::TempDir()) / fmt::format("recipes-{}", ::getpid());
        fs::create_directories(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }
    void write(const char* name, std::string_view text) {
        ASSERT_TRUE(base::replace_file(folder_ / name, text));
    }
    [[nodiscard]] std::string station(std::string_view more = {}) const {
        return fmt::format(
            "[station]\nid = \"a\"\ndata = \"{0}/data\"\nkey_file = \"{0}/key\"\n"
            "models = \"{0}/models.toml\"\nrecipes = \"{0}/recipes.toml\"\n{1}",
            folder_.string(), more);
    }
    [[nodiscard]] std::string told() const {
        std::string all;
        for (const auto& complaint : read_config(folder_ / "station.toml").complaints) {
            all += to_text(complaint) + "\n";
        }
        return all;
    }
    fs::path folder_;
};

HiddenSecrets hidden() {
    auto made = HiddenSecrets::of(std::string(kProducts));
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return made ? std::move(*made) : HiddenSecrets();
}

std::string changed(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

}  // namespace

TEST_F(RecipesFile, Is_read_with_station_toml) {
    write("station.toml", station());
    write("recipes.toml", kProducts);
    const Reading reading = read_config(folder_ / "station.toml");
    EXPECT_EQ(told(), "");
    ASSERT_EQ(reading.config.profiles.size(), 1U);
    EXPECT_EQ(reading.config.profiles[0].steps.size(), 6U);
    EXPECT_EQ(reading.config.profiles[0].steps[3].secrets.at("ssh_password").reveal(),
              "se\"cret\ntwo");
    EXPECT_EQ(recipes_file_of(folder_ / "station.toml").value(), folder_ / "recipes.toml");
}

TEST_F(RecipesFile, Complaints_carry_the_name_of_their_file) {
    write("station.toml", station("portt = 1\n"));
    write("recipes.toml", changed(std::string(kProducts), "use = \"flash\"", "use = \"flsh\"") +
                              "[station]\nid = \"b\"\n");
    EXPECT_NE(told().find("station.toml:7:1: station.portt is not a known key"), std::string::npos)
        << told();
    EXPECT_NE(told().find("recipes.toml:3:"), std::string::npos) << told();
    EXPECT_NE(told().find("station is not a known key"), std::string::npos)
        << "a station's settings have no place there: " << told();
}

TEST_F(RecipesFile, Profiles_stand_in_one_of_the_two_files) {
    write("station.toml", station(kProducts));
    write("recipes.toml", "");
    EXPECT_NE(told().find("station.toml:"), std::string::npos);
    EXPECT_NE(told().find("must stand in " + (folder_ / "recipes.toml").string()),
              std::string::npos)
        << told();
}

TEST_F(RecipesFile, That_is_not_there_or_within_the_data_is_told) {
    write("station.toml", station());
    EXPECT_NE(told().find("recipes.toml: "), std::string::npos) << told();
    write("station.toml", changed(station(), "/recipes.toml", "/data/recipes.toml"));
    EXPECT_NE(told().find("station.recipes must lie outside the data folder"), std::string::npos);
    write("station.toml", changed(station(), folder_.string() + "/recipes.toml", "recipes.toml"));
    EXPECT_NE(told().find("must be a whole path"), std::string::npos) << told();
}

TEST_F(RecipesFile, A_model_the_station_does_not_know_is_told_before_the_start_fails) {
    write("station.toml", station());
    write("recipes.toml", changed(std::string(kProducts), "xavier-nx", "xavier-nxx"));
    EXPECT_EQ(told(), "") << "without a table of models nobody can say";
    write("models.toml",
          "[[model]]\nid = \"xavier-nx\"\nname = \"Xavier NX\"\npids = [\"7e19\"]\n[gadget]\npids "
          "= [\"7020\"]\n");
    EXPECT_NE(told().find("there is no model 'xavier-nxx'; did you mean 'xavier-nx'?"),
              std::string::npos)
        << told();
}

TEST(RecipeSecrets, Are_not_shown) {
    const auto secrets = hidden();
    for (const char* secret : {"hunter2", "se\"cret", "two", "old-one", "tok-77"}) {
        EXPECT_EQ(secrets.shown().find(secret), std::string::npos) << secrets.shown();
    }
    EXPECT_NE(secrets.shown().find("id = \"crc-nx\"   # password = (kept-2)"), std::string::npos)
        << secrets.shown();
    EXPECT_NE(secrets.shown().find("password = \"(kept-4)\"   # the password of the image"),
              std::string::npos)
        << secrets.shown();
    EXPECT_NE(secrets.shown().find("wifi_ap_password = \"(kept-1)\", retries = 1 }"),
              std::string::npos);
}

TEST(RecipeSecrets, Left_as_they_are_they_are_kept) {
    const auto secrets = hidden();
    const auto meant = secrets.put_back(secrets.shown(), "f");
    EXPECT_TRUE(meant.complaints.empty());
    EXPECT_EQ(meant.text, kProducts);
    EXPECT_TRUE(meant.written.empty());
}

TEST(RecipeSecrets, Move_with_their_table_and_can_be_written_anew) {
    const auto secrets = hidden();
    auto meant =
        secrets.put_back(changed(secrets.shown(), "\"(kept-1)\"", "\"brand-new\"") +
                             "[[profile]]\nid = \"second\"\n[profile.ssh]\npassword = '(kept-4)'\n",
                         "f");
    EXPECT_TRUE(meant.complaints.empty());
    EXPECT_EQ(meant.written, std::vector<std::string>{"recipe.step.wifi_ap_password"});
    EXPECT_NE(meant.text.find("\"brand-new\""), std::string::npos);
    EXPECT_EQ(meant.text.find("(kept-"), std::string::npos);
    EXPECT_TRUE(meant.text.ends_with("password = \"\"\"\nse\"cret\ntwo\"\"\"\n"));
}

TEST(RecipeSecrets, Cannot_be_copied_to_where_they_are_shown) {
    const auto secrets = hidden();
    struct Try {
        const char* from;
        const char* to;
        std::int64_t line;
    };
    for (const auto& [from, to, line] :
         {Try{"\"Réép\"", "\"(kept-4)\"", 4}, Try{"\"Réép\"", "\"x(kept-1)\"", 4},
          Try{"\"(kept-1)\"", "\"(kept-4)\"", 4},
          Try{"SIGN_TOKEN = \"(kept-3)\"", "SIGN_TOKEN = \"(kept-4)\"", 13},
          Try{"\"(kept-1)\"", "\"(kept-9)\"", 4},
          Try{"# password = (kept-2)", "# password = (kept-4)", 6},
          Try{"# password = (kept-2)", "# a note (kept-2)", 6},
          Try{"id = \"camera\"", "id = \"camera\" # (kept-1)", 2}}) {
        const auto meant = secrets.put_back(changed(secrets.shown(), from, to), "f");
        ASSERT_FALSE(meant.complaints.empty()) << to;
        EXPECT_EQ(meant.complaints[0].line, line) << to;
        for (const auto& complaint : meant.complaints) {
            EXPECT_EQ(complaint.message.find("hunter2"), std::string::npos);
        }
    }
}

TEST(RecipeSecrets, Complaints_stand_where_the_edited_text_has_them) {
    const auto secrets = hidden();
    const auto meant =
        secrets.put_back(changed(secrets.shown(), "retries = 1", "retries = 99"), "f");
    ASSERT_TRUE(meant.complaints.empty());
    const auto reading = read_config_text(
        "[station]\nid = \"a\"\ndata = \"/d\"\nkey_file = \"/k\"\nrecipes = \"/r.toml\"\n", "s",
        meant.text);
    ASSERT_EQ(reading.complaints.size(), 1U);
    const auto complaint = meant.in_edited(reading.complaints[0]);
    EXPECT_EQ(complaint.line, 4);
    // As toml++ gives it for the edited text itself.
    const auto bare = read_config_text(
        "[station]\nid = \"a\"\ndata = \"/d\"\nkey_file = \"/k\"\nrecipes = \"/r.toml\"\n", "s",
        changed(secrets.shown(), "retries = 1", "retries = 99"));
    ASSERT_FALSE(bare.complaints.empty());
    EXPECT_EQ(complaint.column, bare.complaints[0].column);
    EXPECT_NE(complaint.column, reading.complaints[0].column);
}

TEST(RecipeSecrets, What_is_no_toml_is_not_shown) {
    const auto bad = HiddenSecrets::of("[profile.ssh]\npassword = \"hunter2\nuser = 3\n");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().message.find("hunter2"), std::string::npos) << bad.error().message;
    const auto edited = hidden().put_back("[profile\n", "f");
    ASSERT_EQ(edited.complaints.size(), 1U);
    EXPECT_EQ(edited.complaints[0].line, 1);
}

}  // namespace lineside::config
