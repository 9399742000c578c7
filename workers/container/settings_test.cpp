// SPDX-License-Identifier: Apache-2.0
#include "workers/container/settings.h"

#include <gtest/gtest.h>

namespace lineside::container {
namespace {

using base::Json;

const std::string kDigest = "sha256:" + std::string(64, 'd');

TEST(ContainerSettings, Are_read_and_written_alike) {
    EXPECT_FALSE(*read_settings(Json::object()));
    EXPECT_FALSE(*read_settings({{"container", nullptr}}));
    const Json given{{"image", "a/b:1"}, {"digest", kDigest}, {"engine", "podman"}};
    const auto read = read_settings({{"container", given}});
    ASSERT_TRUE(read && *read);
    EXPECT_EQ(to_json(**read), given);
    EXPECT_EQ(to_json(**read_settings({{"container", {{"image", "a"}}}})), (Json{{"image", "a"}}));
}

TEST(ContainerSettings, Wrong_ones_name_their_field) {
    struct Row {
        Json given;
        std::string field;
    };
    const std::vector<Row> table{
        {{{"image", "--privileged"}}, "image"},
        {Json::object(), "image"},
        {{{"image", "a"}, {"digest", "sha256:abc"}}, "digest"},
        {{{"image", "a@sha256:" + std::string(64, 'e')}, {"digest", kDigest}}, "digest"},
        {{{"image", "a"}, {"engine", "/bin/sh"}}, "engine"},
        {{{"image", "a"}, {"password", "x"}}, "texts"},
        {{{"image", 7}}, "texts"},
        {7, "table"},
    };
    for (const Row& row : table) {
        const auto read = read_settings({{"container", row.given}});
        ASSERT_FALSE(read) << row.given;
        EXPECT_EQ(read.error().code, "config.invalid");
        EXPECT_NE(read.error().message.find(row.field), std::string::npos) << read.error().message;
    }
    EXPECT_TRUE(check({"a@" + kDigest, kDigest, ""}).empty());
}

TEST(ContainerSettings, Images_are_allowed_by_name) {
    constexpr std::string_view kAllowed = "a/b,c:1,registry.local";
    for (const char* good : {"a/b", "a/b:1", "a/b@sha256:00", "c:1"}) {
        EXPECT_TRUE(is_allowed(good, kAllowed)) << good;
    }
    for (const char* bad :
         {"a/bc", "a/b/c", "a", "c", "c:2", "c:11", "", "registry.local:5000/x"}) {
        EXPECT_FALSE(is_allowed(bad, kAllowed)) << bad;
    }
    EXPECT_FALSE(is_allowed("a", ""));
}

}  // namespace
}  // namespace lineside::container
