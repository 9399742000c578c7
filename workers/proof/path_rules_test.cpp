// SPDX-License-Identifier: Apache-2.0
#include "workers/proof/path_rules.h"

#include "workers/proof/escape.h"

#include <gtest/gtest.h>

namespace lineside::proof {
namespace {

PathRules rules(std::vector<std::string> list) {
    return PathRules::parse(list).value();
}

TEST(PathRules, Exact_rule_matches_only_its_path) {
    const auto r = rules({"/etc/machine-id"});
    EXPECT_TRUE(r.match("/etc/machine-id"));
    EXPECT_FALSE(r.match("/etc/machine-id2"));
    EXPECT_FALSE(r.match("/etc/machine-id/x"));
    EXPECT_FALSE(r.match("/etc/machine"));
}

TEST(PathRules, Folder_rule_matches_folder_and_all_below) {
    const auto r = rules({"/var/", "/home/*/cache/"});
    EXPECT_TRUE(r.match("/var"));
    EXPECT_TRUE(r.match("/var/log/a/b"));
    EXPECT_FALSE(r.match("/variable"));
    EXPECT_TRUE(r.match("/home/ana/cache/x/y"));
    EXPECT_TRUE(r.match("/home/ana/cache"));
    EXPECT_FALSE(r.match("/home/ana/x/cache"));
    EXPECT_FALSE(r.match("/home/ana"));
    EXPECT_TRUE(rules({"/"}).match("/any/thing"));
}

TEST(PathRules, Star_stays_within_one_part) {
    const auto r = rules({"/etc/ssh/ssh_host_*_key*"});
    EXPECT_TRUE(r.match("/etc/ssh/ssh_host_rsa_key"));
    EXPECT_TRUE(r.match("/etc/ssh/ssh_host_ed25519_key.pub"));
    EXPECT_FALSE(r.match("/etc/ssh/ssh_host_/x_key"));
    EXPECT_FALSE(r.match("/etc/ssh/sshd_config"));
}

TEST(PathRules, Refuses_rules_that_are_no_plain_absolute_path) {
    for (const char* bad : {"", "etc", "//", "/a//b", "/a/../b", "/.", "/a/./b"}) {
        const std::vector<std::string> list{bad};
        EXPECT_FALSE(PathRules::parse(list)) << bad;
    }
}

TEST(EscapeName, Goes_there_and_back_for_every_byte) {
    std::string all;
    for (int i = 0; i < 256; ++i) {
        all.push_back(static_cast<char>(i));
    }
    const auto text = escape_name(all);
    EXPECT_EQ(unescape_name(text), all);
    EXPECT_EQ(text.find_first_of(" \n\t"), std::string::npos);
    EXPECT_EQ(escape_name("/a b\\"), "/a\\x20b\\x5c");
}

TEST(EscapeName, Has_one_text_per_name) {
    for (const char* bad : {"a b", "\\x61", "\\x2", "\\", "\\x2G", "\\X20", "\\x5C"}) {
        EXPECT_FALSE(unescape_name(bad)) << bad;
    }
}

}  // namespace
}  // namespace lineside::proof
