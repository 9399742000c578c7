// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/disk_rules.h"

#include <gtest/gtest.h>

#include <functional>

namespace lineside::media {
namespace {

DiskFacts card() {
    DiskFacts facts;
    facts.dev = "sdb";
    facts.bytes = 32'000'000'000;
    facts.model = "SD Reader";
    facts.sysfs = "/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2.3/1-2.3:1.0/host6/block/sdb/";
    return facts;
}

TEST(DiskRules, ACardMayBeWritten) {
    EXPECT_EQ(why_not_written(card(), {}), "");
    EXPECT_EQ(why_not_written(card(), {"/1-2.3/", "SD Reader", 1'000'000, 64'000'000'000}), "");
}

TEST(DiskRules, EachReasonAloneForbidsIt) {
    struct Case {
        std::string reason;
        std::function<void(DiskFacts&, DiskPolicy&)> change;
    };
    const std::vector<Case> cases{
        {"part of a disk", [](DiskFacts& f, DiskPolicy&) { f.partition = true; }},
        {"mounted at /", [](DiskFacts& f, DiskPolicy&) { f.mounts = {"/"}; }},
        {"swap in use", [](DiskFacts& f, DiskPolicy&) { f.swaps = {"/dev/sdb2"}; }},
        {"built on it: dm-0", [](DiskFacts& f, DiskPolicy&) { f.holders = {"dm-0"}; }},
        {"LVM2_member", [](DiskFacts& f, DiskPolicy&) { f.members = {"sdb1: LVM2_member"}; }},
        {"not at this slot's port", [](DiskFacts&, DiskPolicy& p) { p.below = "/1-2.4/"; }},
        {"not at this slot's port", [](DiskFacts&, DiskPolicy& p) { p.below = "/1-2.33/"; }},
        {"no medium", [](DiskFacts& f, DiskPolicy&) { f.bytes = 0; }},
        {"read-only", [](DiskFacts& f, DiskPolicy&) { f.read_only = true; }},
        {"not a Other", [](DiskFacts&, DiskPolicy& p) { p.model = "Other"; }},
        {"at least", [](DiskFacts&, DiskPolicy& p) { p.least_bytes = 64'000'000'000; }},
        {"at most", [](DiskFacts&, DiskPolicy& p) { p.most_bytes = 16'000'000'000; }},
    };
    for (const Case& each : cases) {
        DiskFacts facts = card();
        DiskPolicy policy;
        each.change(facts, policy);
        const std::string why = why_not_written(facts, policy);
        EXPECT_NE(why.find(each.reason), std::string::npos) << each.reason << ": " << why;
    }
}

TEST(DiskFacts, WhatIsNoDiskIsRefused) {
    EXPECT_EQ(read_disk_facts("/dev/lineside-none").error().code, "usb.left");
    EXPECT_EQ(read_disk_facts("/dev/null").error().code, "media.forbidden");
}

}  // namespace
}  // namespace lineside::media
