// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/content_key.h"

#include "station/base/text.h"

#include <gtest/gtest.h>

namespace lineside::image_build {
namespace {

base::Json params() {
    return {{"mode", "key"},
            {"profile", "camera"},
            {"board", "jetson-xavier-nx-crc"},
            {"rootdev", "mmcblk0p1"},
            {"env", {{"BOARDID", "3668"}, {"FAB", "100"}}},
            {"mutable", {"/var/", "/etc/machine-id"}}};
}

std::string key(const base::Json& json, std::string_view tree = "t") {
    const auto inputs = inputs_from_json(json);
    EXPECT_TRUE(inputs) << inputs.error().message;
    return inputs ? content_key(*inputs, tree) : "";
}

TEST(ContentKey, Covers_every_input) {
    std::set<std::string> seen{key(params())};
    const auto changed = [&](const char* name, const base::Json& value) {
        auto json = params();
        json[name] = value;
        EXPECT_TRUE(seen.insert(key(json)).second) << name;
    };
    changed("board", "other");
    changed("rootdev", "sda1");
    changed("sign", true);
    changed("sign", false);
    changed("env", {{"BOARDID", "3668"}, {"FAB", "200"}});
    changed("env", base::Json::object());
    changed("mutable", {"/var/"});
    changed("unproven", {"APP", "UDA"});
    EXPECT_TRUE(seen.insert(key(params(), "u")).second);
}

TEST(ContentKey, Is_the_same_for_the_same_inputs) {
    auto json = params();
    json["profile"] = "another-name";
    json["release"] = "2.0";
    json["mutable"] = {"/etc/machine-id", "/var/", "/var/"};
    json["unproven"] = {"VER_b", "VER", "APP"};
    EXPECT_EQ(key(json), key(params()));
    EXPECT_TRUE(base::is_hex64(key(params())));
}

TEST(ContentKey, Refuses_what_is_no_word_or_no_known_variable) {
    const auto refused = [](const char* name, const base::Json& value) {
        auto json = params();
        json[name] = value;
        const auto inputs = inputs_from_json(json);
        EXPECT_FALSE(inputs) << name;
        return inputs ? "" : inputs.error().code;
    };
    for (const char* bad : {"", "-b", "a b", "a;b", "a\nb", "../x/y"}) {
        EXPECT_EQ(refused("board", bad), "config.invalid") << bad;
    }
    EXPECT_EQ(refused("rootdev", 5), "config.invalid");
    EXPECT_EQ(refused("env", {{"LD_PRELOAD", "x"}}), "config.invalid");
    EXPECT_EQ(refused("env", {{"FAB", "1 2"}}), "config.invalid");
    EXPECT_EQ(refused("mutable", {"var"}), "config.invalid");
    EXPECT_EQ(refused("unproven", {"a/b"}), "config.invalid");
    EXPECT_EQ(refused("sign", "yes"), "config.invalid");
}

}  // namespace
}  // namespace lineside::image_build
