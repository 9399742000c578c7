// SPDX-License-Identifier: Apache-2.0
#include "workers/media/builds/settings.h"

#include "workers/media/builds/recipe_source.h"

#include <gtest/gtest.h>

namespace lineside::media {
namespace {

std::string first_error(std::string_view text) {
    Report report;
    (void)read_settings(text, report);
    if (report.accepted()) {
        return "accepted";
    }
    const Finding& first = report.errors().front();
    return fmt::format("{}: {}: {}", first.line, first.field, first.message);
}

TEST(Settings, All_keys_are_read) {
    Report report;
    const auto settings = read_settings(R"(
[recipes]
server = "git@host.example:group/recipes.git"
user = "/home/me/own-recipes"
[buildbot]
server = "http://build.example/"
port = 8010
[local]
products = "/srv/my_products"
)",
                                        report);
    EXPECT_TRUE(report.accepted()) << report.to_text("f", "");
    EXPECT_EQ(settings.at("recipes.server"), "git@host.example:group/recipes.git");
    EXPECT_EQ(settings.at("buildbot.port"), "8010");
    EXPECT_EQ(build_server_address(settings).value(), "http://build.example:8010");
}

TEST(Settings, What_is_not_known_or_not_right_is_told_with_line_and_remedy) {
    EXPECT_EQ(first_error("[recipes]\nsever = \"x\"\n"),
              "2: recipes.sever: there is no key \"recipes.sever\"; is recipes.server meant?");
    EXPECT_NE(first_error("[rezepte]\nx = 1\n").find("there is no key"), std::string::npos);
    EXPECT_NE(first_error("[rezepte]\n").find("1: rezepte"), std::string::npos);
    EXPECT_NE(first_error("server = \"x\"\n").find("below a table"), std::string::npos);
    EXPECT_NE(first_error("[buildbot]\nport = 70000\n").find("2: buildbot.port"),
              std::string::npos);
    EXPECT_NE(first_error("[buildbot]\nport = 0\n").find("1 to 65535"), std::string::npos);
    EXPECT_NE(first_error("[recipes]\nserver = 3\n").find("text in quotes"), std::string::npos);
    EXPECT_NE(first_error("[buildbot]\nport = true\n").find("text in quotes"), std::string::npos);
    EXPECT_NE(first_error("[buildbot]\nport = \"80x\"\n").find("whole number"), std::string::npos);
    EXPECT_NE(first_error("[recipes]\nuser = \"/home/my_recipes\"\n").find("underscores"),
              std::string::npos);
    EXPECT_NE(first_error("[recipes]\nuser = \"recipes\"\n").find("whole path"), std::string::npos);
    EXPECT_NE(first_error("[local]\nproducts = \"/a/../b\"\n").find(".."), std::string::npos);
    EXPECT_NE(first_error("[recipes\n").find("1: "), std::string::npos);
    EXPECT_NE(
        first_error("[buildbot]\nserver = \"http://h:8010\"\nport = 8010\n").find("port already"),
        std::string::npos);
    EXPECT_NE(first_error("[buildbot]\nserver = \"http://u:secret@h\"\n").find("password"),
              std::string::npos);
    EXPECT_EQ(first_error("[buildbot]\nserver = \"http://u:secret@h\"\n").find("secret@"),
              std::string::npos);
    EXPECT_EQ(first_error("[buildbot]\nserver = \"\"\nport = \"\"\n"), "accepted");
}

TEST(Settings, Recipe_sources) {
    for (const char* good : {"https://github.com/embEDUx/flashtool-recipes", "https://h/p.git",
                             "git@h:a/b.git", "ssh://git@h/p.git", "ssh://git@h:22/p.git",
                             "file:///srv/r", "/srv/r", "git://h/p", "http://127.0.0.1:8000/r.git",
                             "git@apu.in.htwg-konstanz.de:labworks/Flashtool_config.git"}) {
        EXPECT_EQ(why_no_recipe_source(good), "") << good;
    }
    for (const char* bad : {"ext::sh -c id", "-u", "--upload-pack=id", "recipes", "../r",
                            "git@-oProxyCommand=x:p", "ssh://-oProxyCommand=x/p", "https://",
                            "https:///p", "https://u:p@h/p.git", "https://u@h/p", "ssh://u:p@h/p",
                            "file://r", "git@h:-x", "h:p", "ftp://h/p", "git@h", "https://-h/p"}) {
        EXPECT_NE(why_no_recipe_source(bad), "") << bad;
    }
}

TEST(Settings, Assignments_and_keys_in_any_case) {
    Settings settings;
    EXPECT_TRUE(set_setting("Recipes.Server=/srv/r", settings));
    EXPECT_EQ(settings.at("recipes.server"), "/srv/r");
    EXPECT_TRUE(set_setting("buildbot.server = build.example ", settings));
    EXPECT_EQ(settings.at("buildbot.server"), "http://build.example");
    EXPECT_EQ(set_setting("recipes.server", settings).error().code, "request.invalid");
    EXPECT_EQ(set_setting("nonsense=1", settings).error().code, "request.invalid");
    EXPECT_EQ(set_setting("local.products=", settings).error().code, "config.invalid");
    EXPECT_EQ(set_setting("local.products=/a\nb", settings).error().code, "config.invalid");
}

TEST(Settings, What_is_saved_is_read_again) {
    std::string pattern = ::testing::TempDir() + "settings-XXXXXX";
    const std::filesystem::path folder = ::mkdtemp(pattern.data());
    const Settings settings{{"recipes.server", "/srv/a \"quoted\" \\ path"},
                            {"recipes.user", "/srv/ü"},
                            {"buildbot.server", "http://[::1]"},
                            {"buildbot.port", "8010"},
                            {"local.products", "/p"}};
    ASSERT_TRUE(save_settings(settings, folder));
    const auto again = load_settings(folder);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, settings);
    EXPECT_EQ(build_server_address(*again).value(), "http://[::1]:8010");
    Settings wrong = settings;
    wrong["buildbot.server"] = "http://[::1]:80";
    EXPECT_FALSE(save_settings(wrong, folder));
    EXPECT_EQ(*load_settings(folder), settings);
    std::filesystem::remove_all(folder);
    EXPECT_EQ(load_settings(folder).error().code, "config.missing");
}

}  // namespace
}  // namespace lineside::media
