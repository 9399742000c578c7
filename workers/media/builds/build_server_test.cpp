// SPDX-License-Identifier: Apache-2.0
#include "workers/media/builds/build_server.h"

#include "workers/media/builds/version_choice.h"

#include <gtest/gtest.h>

namespace lineside::media {
namespace {

using base::Json;

// A server that answers what it was given, and nothing for the rest.
class Played {
  public:
    Json& operator[](const std::string& target) { return answers_[target]; }
    BuildServer server() {
        return BuildServer([this](const std::string& target) {
            ++asked;
            const auto found = answers_.find(target);
            return found == answers_.end() ? base::Result<std::optional<Json>>(std::nullopt)
                                           : std::optional(found->second);
        });
    }
    // One more build of `builder`.
    void build(const std::string& builder, Json properties,
               Json text = Json::array({"build", "successful"})) {
        const std::string below = "/json/builders/" + builder + "/builds/";
        const auto number = built_[builder]++;
        Json build{
            {"number", number}, {"text", std::move(text)}, {"properties", std::move(properties)}};
        answers_[below + std::to_string(number)] = build;
        answers_[below + "-1"] = std::move(build);
    }
    int asked = 0;

  private:
    std::map<std::string, Json> answers_;
    std::map<std::string, std::int64_t> built_;
};

Json triples(const std::string& product, const std::string& platform, Json files, Json urls) {
    return Json::array({Json::array({"branch", "x", "Build"}),
                        Json::array({"product", product, "Build"}),
                        Json::array({"platform", platform, "Build"}),
                        Json::array({"urls", std::move(urls), "Step"}),
                        Json::array({"upload_files", std::move(files), "Step"})});
}

Played two_platforms() {
    Played played;
    played["/json"] = {{"builders",
                        {{"armv6j",
                          {{"basedir", "armv6j"},
                           {"schedulers",
                            {"default / arch: armv6j / branch-filter: 'raspberry-pi.*'",
                             "default / arch: armv6j / branch-filter: 'pi-lamp.*'", "button"}}}},
                         {"rootfs_armv6j",
                          {{"basedir", "rootfs_armv6j"},
                           {"schedulers", {"rootfs / arch: armv6j / branch-filter: 'armv6j.*'"}}}},
                         {"idle", {{"basedir", "idle"}, {"schedulers", Json::array()}}}}}};
    return played;
}

std::vector<std::string> files_of(const BuildPlatform& platform) {
    std::vector<std::string> names;
    for (const BuildFile& each : platform.files) {
        names.push_back(each.target);
    }
    return names;
}

TEST(BuildServer, Platforms_and_architectures_are_those_of_the_schedulers) {
    Played played = two_platforms();
    const auto listing = played.server().platforms();
    ASSERT_TRUE(listing) << listing.error().message;
    ASSERT_EQ(listing->platforms.size(), 2U);
    EXPECT_EQ(listing->platforms[0].name, "pi-lamp");
    EXPECT_EQ(listing->platforms[1].name, "raspberry-pi");
    EXPECT_EQ(listing->platforms[1].architecture, "armv6j");
    EXPECT_EQ(played.asked, 1);
}

TEST(BuildServer, Builders_may_also_be_a_list) {
    Played played;
    played["/json"] = {{"builders",
                        {{{"basedir", "armv7a"},
                          {"schedulers", {"default / arch: armv7a / branch filter: 'bone'"}}}}}};
    const auto listing = played.server().platforms();
    ASSERT_TRUE(listing);
    ASSERT_EQ(listing->platforms.size(), 1U);
    EXPECT_EQ(listing->platforms[0].name, "bone");
}

TEST(BuildServer, Files_are_of_successful_builds_and_of_their_own_platform) {
    Played played = two_platforms();
    played.build("armv6j",
                 triples("uboot", "raspberry-pi", {"2015.01_a_uboot.img"}, "/uboot/raspberry-pi"));
    played.build("armv6j", triples("uboot", "raspberry-pi", {"2015.02_b_uboot.img"}, "x/y"),
                 Json::array({"failed", "build"}));
    played.build("armv6j", triples("linux", "pi-lamp", {"3.19_c_boot.tar", "3.19_c_root.tar"},
                                   "linux/pi-lamp/"));
    played.build("rootfs_armv6j", triples("rootfs", "factory-systemd", {"v_rootfs.tar.xz"},
                                          Json::array({"/rootfs/factory-systemd"})));
    const auto listing = played.server().builds(std::nullopt);
    ASSERT_TRUE(listing) << listing.error().message;
    EXPECT_EQ(files_of(listing->platforms[0]),
              (std::vector<std::string>{"/linux/pi-lamp/3.19_c_boot.tar",
                                        "/linux/pi-lamp/3.19_c_root.tar",
                                        "/rootfs/factory-systemd/v_rootfs.tar.xz"}));
    EXPECT_EQ(files_of(listing->platforms[1]),
              (std::vector<std::string>{"/rootfs/factory-systemd/v_rootfs.tar.xz",
                                        "/uboot/raspberry-pi/2015.01_a_uboot.img"}));
    EXPECT_EQ(listing->platforms[1].files[1].version, "2015.01_a");
    EXPECT_EQ(listing->platforms[1].files[1].type, "uboot");
    EXPECT_TRUE(listing->warnings.empty()) << listing->warnings.front();
}

TEST(BuildServer, Properties_may_be_an_object_and_urls_may_be_missing) {
    Played played = two_platforms();
    played.build("armv6j", {{"product", "misc"},
                            {"platform", "raspberry-pi"},
                            {"upload_files", "a_boot.tar a_root.tar"}});
    const auto listing = played.server().builds("raspberry-pi");
    ASSERT_TRUE(listing);
    ASSERT_EQ(listing->platforms.size(), 1U);
    EXPECT_EQ(files_of(listing->platforms[0]),
              (std::vector<std::string>{"/misc/raspberry-pi/a_boot.tar",
                                        "/misc/raspberry-pi/a_root.tar"}));
}

TEST(BuildServer, What_was_built_again_is_the_newer_builds) {
    Played played = two_platforms();
    for (int i = 0; i < 3; ++i) {
        played.build("armv6j",
                     triples("uboot", "raspberry-pi", {"v_uboot.img"}, "uboot/raspberry-pi"));
    }
    const auto listing = played.server().builds("raspberry-pi");
    ASSERT_TRUE(listing);
    ASSERT_EQ(listing->platforms[0].files.size(), 1U);
    EXPECT_EQ(listing->platforms[0].files[0].build, 2);
}

TEST(BuildServer, Names_that_could_leave_a_folder_or_move_a_terminal_are_left_out) {
    const std::array<Json, 8> hostile{
        triples("uboot", "raspberry-pi", {"../../etc/passwd_uboot"}, "uboot/raspberry-pi"),
        triples("uboot", "raspberry-pi", {"a/b_uboot.img"}, "uboot/raspberry-pi"),
        triples("uboot", "raspberry-pi", {"\x1b[2Jx_uboot.img"}, "uboot/raspberry-pi"),
        triples("uboot", "raspberry-pi", {"x\n_uboot.img"}, "uboot/raspberry-pi"),
        triples("uboot", "raspberry-pi", {"-rf_uboot"}, "uboot/raspberry-pi"),
        triples("uboot", "raspberry-pi", {"x_uboot.img"}, "uboot/../../x"),
        triples("../uboot", "raspberry-pi", {"x_uboot.img"}, "uboot/raspberry-pi"),
        triples("uboot", "..", {"x_uboot.img"}, "uboot/raspberry-pi")};
    for (const Json& each : hostile) {
        Played played = two_platforms();
        played.build("armv6j", each);
        const auto listing = played.server().builds(std::nullopt);
        ASSERT_TRUE(listing);
        EXPECT_TRUE(listing->platforms[1].files.empty()) << each.dump();
        ASSERT_FALSE(listing->warnings.empty()) << each.dump();
        for (const char c : listing->warnings.front()) {
            EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20) << each.dump();
        }
    }
    Played played;
    played["/json"] = {
        {"builders",
         {{"../x",
           {{"basedir", "../x"}, {"schedulers", {"default / arch: a / branch-filter: 'p'"}}}}}}};
    const auto listing = played.server().platforms();
    ASSERT_TRUE(listing);
    EXPECT_TRUE(listing->platforms.empty());
    EXPECT_EQ(listing->warnings.size(), 1U);
}

TEST(BuildServer, An_answer_of_another_shape_is_an_error_that_names_the_question) {
    const std::array<Json, 5> roots{
        Json(3), Json::array(), Json::object(), {{"builders", 7}}, {{"builders", "x"}}};
    for (const Json& each : roots) {
        Played played;
        played["/json"] = each;
        const auto listing = played.server().platforms();
        ASSERT_FALSE(listing) << each.dump();
        EXPECT_NE(listing.error().message.find("/json"), std::string::npos);
    }
    for (const Json& number : {Json(-4), Json("7"), Json(1.5), Json()}) {
        Played played = two_platforms();
        played["/json/builders/armv6j/builds/-1"] = {{"number", number}};
        EXPECT_FALSE(played.server().builds(std::nullopt)) << number.dump();
    }
    for (const Json& builders : {Json::array({1}), Json::array({"x"}), Json{{"a", nullptr}}}) {
        Played played;
        played["/json"] = {{"builders", builders}};
        (void)played.server().platforms();  // whatever it says, it does not fall over
    }
}

TEST(BuildServer, Builds_that_are_gone_are_counted_and_only_the_newest_are_asked_for) {
    Played played = two_platforms();
    played["/json/builders/armv6j/builds/-1"] = {{"number", 1'000'000'000}};
    const auto listing = played.server().builds("pi-lamp");
    ASSERT_TRUE(listing);
    EXPECT_LE(played.asked, BuildServer::kMostBuilds + 3);
    ASSERT_EQ(listing->warnings.size(), 2U);
    EXPECT_NE(listing->warnings[1].find("1999 of its builds"), std::string::npos)
        << listing->warnings[1];
}

// Version choice.

BuildPlatform platform_with(const std::vector<std::pair<std::string, std::string>>& files) {
    BuildPlatform platform{"raspberry-pi", "armv6j", {}};
    for (const auto& [owner, name] : files) {
        BuildFile file;
        file.product = owner == "raspberry-pi" ? "uboot" : "rootfs";
        file.owner = owner;
        file.file = name;
        file.version = name.substr(0, name.rfind('_'));
        file.type = name.substr(name.rfind('_') + 1);
        file.type = file.type.substr(0, file.type.find('.'));
        platform.files.push_back(file);
    }
    return platform;
}

std::vector<std::string> names_of(const base::Result<std::vector<ProductVersion>>& versions) {
    std::vector<std::string> names;
    for (const ProductVersion& each : *versions) {
        names.push_back(each.name);
    }
    return names;
}

TEST(VersionChoice, A_recipe_wants_the_types_it_loads_with_rootfs_first) {
    Recipe recipe;
    for (const char* name :
         {"Uboot", "Linux_Root", "Rootfs_Portage", "Linux_Boot", "Rootfs_Rootfs"}) {
        recipe.load.push_back({name, 0, {}});
    }
    const auto wanted = wanted_products(recipe);
    ASSERT_EQ(wanted.size(), 3U);
    EXPECT_EQ(wanted[0].product, "rootfs");
    EXPECT_EQ(wanted[0].types, (std::vector<std::string>{"portage", "rootfs"}));
    EXPECT_EQ(wanted[1].types, (std::vector<std::string>{"uboot"}));
    EXPECT_EQ(wanted[2].names, (std::vector<std::string>{"Linux_Root", "Linux_Boot"}));
}

TEST(VersionChoice, A_version_counts_only_with_exactly_the_wanted_types) {
    const auto platform = platform_with({{"factory", "a_rootfs.tar"},
                                         {"factory", "a_portage.tar"},
                                         {"factory", "b_rootfs.tar"},
                                         {"factory", "c_rootfs.tar"},
                                         {"factory", "c_portage.tar"},
                                         {"factory", "c_extra.tar"},
                                         // Its name begins like another one's: still its own.
                                         {"factory", "a_1_rootfs.tar"}});
    const WantedProduct both{"rootfs", {"rootfs", "portage"}, {"Rootfs_Rootfs", "Rootfs_Portage"}};
    EXPECT_EQ(names_of(fitting_versions(platform, both, "")), (std::vector<std::string>{"a"}));
    const WantedProduct one{"rootfs", {"rootfs"}, {"Rootfs_Rootfs"}};
    EXPECT_EQ(names_of(fitting_versions(platform, one, "")),
              (std::vector<std::string>{"a_1", "b"}));
}

TEST(VersionChoice, The_argument_is_a_regular_expression_for_a_part) {
    const auto platform = platform_with({{"raspberry-pi", "2015.01-rc1_x_uboot.img"},
                                         {"raspberry-pi", "2015.01_x_uboot.img"},
                                         {"raspberry-pi", "2014.07_x_uboot.img"}});
    const WantedProduct uboot{"uboot", {"uboot"}, {"Uboot"}};
    EXPECT_EQ(names_of(fitting_versions(platform, uboot, "2015")).size(), 2U);
    EXPECT_EQ(names_of(fitting_versions(platform, uboot, "01_")),
              (std::vector<std::string>{"2015.01_x"}));
    EXPECT_EQ(names_of(fitting_versions(platform, uboot, "201[45].0[17]_")).size(), 2U);
    EXPECT_TRUE(fitting_versions(platform, uboot, "none")->empty());
    const auto wrong = fitting_versions(platform, uboot, "(");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, "request.invalid");
    EXPECT_FALSE(fitting_versions(platform, uboot, std::string(1000, 'a')));
}

TEST(VersionChoice, Without_a_question_it_is_the_last_or_the_newest_factory_rootfs) {
    const WantedProduct uboot{"uboot", {"uboot"}, {"Uboot"}};
    const WantedProduct rootfs{"rootfs", {"rootfs"}, {"Rootfs_Rootfs"}};
    const auto boots = platform_with({{"raspberry-pi", "2_uboot"}, {"raspberry-pi", "10_uboot"}});
    const auto versions = fitting_versions(boots, uboot, "");
    EXPECT_EQ((*versions)[*version_by_itself(*versions, uboot, "")].name, "2");
    const auto roots = platform_with({{"f", "a_factory-x_20150306055251_c7_rootfs.tar"},
                                      {"f", "a_factory-y_20140306055251_c8_rootfs.tar"},
                                      {"m", "z_media_20160306055251_c9_rootfs.tar"}});
    const auto all = fitting_versions(roots, rootfs, "");
    ASSERT_EQ(all->size(), 3U);
    EXPECT_EQ((*all)[*version_by_itself(*all, rootfs, "")].name, "a_factory-x_20150306055251_c7");
    EXPECT_EQ((*all)[*version_by_itself(*all, rootfs, "_")].owner, "m");
    const auto none =
        fitting_versions(platform_with({{"m", "z_rootfs.tar"}, {"m", "y_rootfs.tar"}}), rootfs, "");
    EXPECT_FALSE(version_by_itself(*none, rootfs, ""));
    EXPECT_FALSE(version_by_itself({}, uboot, ""));
}

TEST(VersionChoice, The_words_are_those_of_the_seed) {
    const WantedProduct rootfs{"rootfs", {"rootfs", "portage"}, {}};
    EXPECT_EQ(box_of(rootfs, ""),
              " +-----------------------------+\n"
              " | product:    rootfs          |\n"
              " | reg_name:                   |\n"
              " | file_types: rootfs, portage |\n"
              " +-----------------------------+\n");
    const WantedProduct uboot{"uboot", {"uboot"}, {}};
    EXPECT_EQ(found_words(uboot, "", {{"a", "p", {}}}, false),
              "Found one version for product uboot with regex .*.*\n");
    EXPECT_EQ(found_words(uboot, "x", {{"a", "p", {}}, {"b", "p", {}}}, true),
              "Found multiple versions for product uboot with regex .*x.*\n  [0]: a\n  [1]: b\n");
}

}  // namespace
}  // namespace lineside::media
