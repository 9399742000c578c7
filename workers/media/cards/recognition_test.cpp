// SPDX-License-Identifier: Apache-2.0
#include "workers/media/cards/recognition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lineside::media {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Builder {
    CardSighting sighting;
    Builder& is_there(const std::string& dev, bool system = false) {
        sighting.present.push_back({dev, system});
        return *this;
    }
    Builder& saw(const std::string& action, std::initializer_list<std::string> devs,
                 int times = 1) {
        for (int i = 0; i < times; ++i) {
            for (const std::string& dev : devs) {
                sighting.events.push_back({action, dev, "block", "disk"});
            }
        }
        return *this;
    }
    [[nodiscard]] std::string guess() const {
        const CardGuess g = recognise_card(sighting);
        return fmt::format("{} {}{}", g.scenario, fmt::join(g.candidates, ","),
                           g.ask ? " ask" : "");
    }
};

// The four tables of the Flashtool's documentation.
TEST(Recognition, TheFourScenarios) {
    EXPECT_EQ(Builder().saw("change", {"sdd"}, 2).guess(), "1 sdd");
    EXPECT_EQ(Builder()
                  .saw("add", {"sdb", "sdc", "sdd", "sde", "sdf"})
                  .saw("change", {"sdb", "sdc", "sde", "sdf"})
                  .saw("change", {"sdd"}, 5)
                  .guess(),
              "2 sdd");
    EXPECT_EQ(Builder()
                  .saw("add", {"sdb", "sdc", "sdd", "sde", "sdf"})
                  .saw("change", {"sdb", "sdc", "sde", "sdf"})
                  .guess(),
              "3 sdd");
    EXPECT_EQ(Builder().saw("add", {"mmcblk0"}).guess(), "4 mmcblk0");
}

TEST(Recognition, SeveralAreAskedAbout) {
    EXPECT_EQ(Builder().saw("change", {"sdc", "sdb"}).guess(), "1 sdb,sdc ask");
    EXPECT_EQ(Builder().saw("add", {"sdb", "sdc"}).saw("change", {"sdb", "sdc"}, 3).guess(),
              "2 sdb,sdc ask");
    EXPECT_EQ(Builder().saw("add", {"sdb", "sdc", "sdd"}).saw("change", {"sdb"}).guess(),
              "3 sdc,sdd ask");
    EXPECT_EQ(Builder().saw("add", {"mmcblk0", "mmcblk1"}).guess(), "4 mmcblk0,mmcblk1 ask");
    EXPECT_EQ(
        Builder().saw("add", {"sdb", "sdc"}).saw("add", {"sdc"}).saw("change", {"sdc"}).guess(),
        "0 sdb,sdc ask");
    EXPECT_EQ(Builder().guess(), "0 ");
}

TEST(Recognition, WhatIsNeverACard) {
    EXPECT_EQ(Builder().is_there("sda", true).saw("change", {"sda", "sdd"}, 2).guess(), "1 sdd");
    EXPECT_EQ(Builder().is_there("sda", true).saw("change", {"sda"}, 9).guess(), "0 ");
    EXPECT_EQ(Builder().is_there("mmcblk0", true).saw("add", {"mmcblk0", "mmcblk1"}).guess(),
              "4 mmcblk1");
    EXPECT_EQ(Builder().is_there("sdb").saw("change", {"sdb"}).guess(), "1 sdb");
    EXPECT_EQ(Builder()
                  .saw("add", {"loop0", "mmcblk1boot0", "mmcblk1", "dm-0", "sr0"})
                  .saw("change", {"loop1", "md127"})
                  .guess(),
              "4 mmcblk1");
    Builder other;
    other.sighting.events = {{"add", "sdb1", "block", "partition"},
                             {"add", "1-1", "usb", "usb_device"},
                             {"bind", "sdc", "block", "disk"},
                             {"add", "sdd", "block", "disk"}};
    EXPECT_EQ(other.guess(), "4 sdd");
}

TEST(Recognition, WhatWentAwayIsNoCandidate) {
    EXPECT_EQ(Builder().saw("add", {"sdb", "sdc"}).saw("remove", {"sdb"}).guess(), "4 sdc");
    EXPECT_EQ(Builder().saw("add", {"sdb"}).saw("remove", {"sdb"}).saw("add", {"sdb"}).guess(),
              "4 sdb");
}

TEST(Sighting, IsReadOrRefused) {
    Report report;
    const CardSighting sighting = read_sighting(
        R"({"present":[{"dev":"/dev/sda","system":true},{"dev":"sdb"}],"events":[{"action":"add",
        "dev":"sdc","subsystem":"block","devtype":"disk","seqnum":7},{"action":"add","dev":"sdd"}]})",
        report);
    EXPECT_TRUE(report.accepted());
    ASSERT_EQ(sighting.present.size(), 2U);
    EXPECT_EQ(sighting.present[0].dev, "sda");
    EXPECT_THAT(recognise_card(sighting).candidates, ElementsAre("sdc", "sdd"));
    for (const std::string text :
         {"", "[]", "{}", "{\"events\":{}}", R"({"events":[{"action":"add"}]})",
          R"({"events":[{"dev":"sdb"}]})", R"({"events":[7]})",
          R"({"events":[{"action":1,"dev":"sdb"}]})", R"({"events":[],"present":"sda"})",
          R"({"events":[],"present":[{"dev":"sda","system":"yes"}]})",
          R"({"events":[{"action":"add","dev":"a b"}]})",
          R"({"events":[{"action":"add","dev":"../sdb"}]})",
          R"({"events":[{"action":"add","dev":"/sys/sdb"}]})"}) {
        Report refused;
        (void)read_sighting(text, refused);
        EXPECT_FALSE(refused.accepted()) << text;
    }
    Report empty;
    EXPECT_THAT(recognise_card(read_sighting(R"({"events":[]})", empty)).candidates, IsEmpty());
    EXPECT_TRUE(empty.accepted());
}

}  // namespace
}  // namespace lineside::media
