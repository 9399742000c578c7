// SPDX-License-Identifier: Apache-2.0
#include "workers/media/formats/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

namespace lineside::media {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kGood = R"(---
type: mmc

recipe:
    partition_table: msdos
    partitions:
        -   name: boot
            size: 100mb
            fs_type: fat32
            mount_point: /boot
            mount_opts:
            flags: boot, lba
        -   name: rootfs
            size: max
            fs_type: btrfs
            mount_point: /
            mount_opts:
            flags:
    load:
        Uboot:
            command: dd if=${file} of=${device} bs=1K skip=1 seek=1 oflag=dsync
        Linux_Boot:
            device: 0
        Rootfs_Rootfs:
            device: '1'
        Misc_Root:
)";

// kGood with the first `what` written as `with`.
std::string changed(const std::string& what, const std::string& with) {
    std::string text = kGood;
    const auto at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), with);
}

// "line field: message" of each error.
std::vector<std::string> errors_of(const std::string& text) {
    Report report;
    (void)read_recipes(text, report);
    std::vector<std::string> found;
    for (const Finding& each : report.errors()) {
        EXPECT_GE(each.line, 1);
        found.push_back(fmt::format("{} {}: {}", each.line, each.field, each.message));
    }
    return found;
}

TEST(Recipe, TheSampleIsReadWhole) {
    Report report;
    const auto recipes = read_recipes(kGood, report);
    EXPECT_THAT(errors_of(kGood), IsEmpty());
    ASSERT_EQ(recipes.size(), 1U);
    const Recipe& recipe = recipes[0];
    EXPECT_EQ(recipe.partition_table, "msdos");
    ASSERT_EQ(recipe.partitions.size(), 2U);
    EXPECT_EQ(recipe.partitions[0].name, "BOOT");
    EXPECT_EQ(recipe.partitions[0].size.value, 100U << 20);
    EXPECT_THAT(recipe.partitions[0].flags, ElementsAre("boot", "lba"));
    EXPECT_EQ(recipe.partitions[1].size.kind, PartitionSize::Kind::rest);
    ASSERT_EQ(recipe.load.size(), 3U);  // Misc_Root is blank
    EXPECT_THAT(recipe.load[0].command, ElementsAre("dd", "if=${file}", "of=${device}", "bs=1K",
                                                    "skip=1", "seek=1", "oflag=dsync"));
    EXPECT_EQ(recipe.load[2].device, 1U);
}

struct Change {
    std::string what, with;
    std::string error;  // part of the one error, empty: accepted
};
std::ostream& operator<<(std::ostream& out, const Change& c) {
    return out << c.what << " -> " << c.with;
}

class RecipeChange : public ::testing::TestWithParam<Change> {};

TEST_P(RecipeChange, IsAcceptedOrRefused) {
    const auto errors = errors_of(changed(GetParam().what, GetParam().with));
    if (GetParam().error.empty()) {
        EXPECT_THAT(errors, IsEmpty());
    } else {
        EXPECT_THAT(errors, Contains(HasSubstr(GetParam().error)));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Keys, RecipeChange,
    ::testing::Values(
        Change{"type: mmc", "type: MMC", ""},
        Change{"type: mmc", "type:", "2 type: document(0): does not define attribute type"},
        Change{"type: mmc", "type: nand", "recipe type \"nand\" is not known"},
        Change{"type: mmc", "type: mmc\nversion: 3", "Attribute version is not allowed"},
        Change{"type: mmc", "type: mmc\ntype: mmc", "3 type: Attribute type is given twice"},
        Change{"msdos", "gpt", ""}, Change{"msdos", "'gpt'", ""},
        Change{"msdos", "mbr", "Partition table mbr stated in document is not supported!"},
        Change{"msdos", "", "Partition table \"\" stated in document is not supported!"},
        Change{"msdos", "[gpt]", "recipe.partition_table: must be one value"},
        Change{"    partition_table: msdos\n", "", "Attributes are missing: partition_table"},
        Change{"    partition_table: msdos\n", "    partition_table: msdos\n    label: x\n",
               "Attribute label is not allowed for recipe MMC"},
        Change{"            mount_opts:\n            flags: boot, lba\n",
               "            flags: boot, lba\n", "Attributes are missing: mount_opts"},
        Change{"flags: boot, lba", "flag: boot", "did you mean flags?"},
        Change{"flags: boot, lba", "flags: ''", ""}, Change{"flags: boot, lba", "flags: ~", ""},
        Change{"Misc_Root:", "Kernel:", "Attribute Kernel is not allowed for recipe Load"},
        Change{"Misc_Root:", "Uboot:", "Attribute Uboot is given twice"}));

INSTANTIATE_TEST_SUITE_P(
    Values, RecipeChange,
    ::testing::Values(
        Change{"name: boot", "name: '  Boot  '", ""}, Change{"name: boot", "name: 1", ""},
        Change{"name: boot", "name:", "Partition must contain a name."},
        Change{"name: boot", "name: '   '", "Partition must contain a name."},
        Change{"name: boot", "name: RootFS", "Name of a partition must be unique!"},
        Change{"name: boot", "name: \"a\\nb\"", "one line without control characters"},
        Change{"fat32", "vfat", ""}, Change{"fat32", "ext2", ""}, Change{"fat32", "ext3", ""},
        Change{"fat32", "ext4", ""},
        Change{"fat32", "FAT32", "Filesystem type FAT32 is not supported."},
        Change{"fat32", "xfs", "Filesystem type xfs is not supported."},
        Change{"fat32", "", "Filesystem type \"\" is not supported."},
        Change{"boot, lba", "boot,lba ,  hidden", ""},
        Change{"boot, lba", "boot,,lba", "Flag \"\" for partition BOOT is not valid."},
        Change{"boot, lba", "bootable", "Flag bootable for partition BOOT is not valid."},
        Change{"boot, lba", "Boot", "Flag Boot for partition BOOT is not valid."},
        Change{"boot, lba", "[boot, lba]", "must be one value"},
        Change{"mount_point: /boot", "mount_point:", ""},
        Change{"mount_point: /boot", "mount_point: boot", "is no path from /"},
        Change{"mount_point: /boot", "mount_point: /a/../b", "is no path from /"},
        Change{"mount_opts:", "mount_opts: ro,noatime", ""},
        Change{"mount_opts:", "mount_opts: \"ro 0 0\\n/dev/sda / ext4\"", "one word"}));

INSTANTIATE_TEST_SUITE_P(
    Load, RecipeChange,
    ::testing::Values(
        Change{"device: 0", "device: 1", ""},
        Change{"device: 0", "device: 2", "\"2\" is the index of no partition: there are 2"},
        Change{"device: 0", "device: -1", "is the index of no partition"},
        Change{"device: 0", "device: 0.0", "is the index of no partition"},
        Change{"device: 0", "device: true", "is the index of no partition"},
        Change{"device: 0", "device:", "must state exactly one attribute (device|command)"},
        Change{"device: 0", "device: 0\n            command: dd",
               "must state exactly one attribute (device|command)"},
        Change{"device: 0", "device: 0\n            command:", ""},
        Change{"device: 0", "partition: 0", "Attribute partition is not allowed"},
        Change{"device: 0", "command: ''", "the command is empty"},
        Change{"of=${device}", "of=${device1}", ""},
        Change{"of=${device}", "of=${device2}", "${device2} names no partition"},
        Change{"of=${device}", "of=${disk}", "is not known"},
        Change{"of=${device}", "of=$device", "begins no variable"},
        Change{"oflag=dsync", "oflag=dsync && sync", "run without a shell"},
        Change{"oflag=dsync", "| tee x", "run without a shell"},
        Change{"oflag=dsync", "$(reboot)", "begins no variable"},
        Change{"oflag=dsync", "'a | b'", ""}, Change{"oflag=dsync", "'a", "never closed"}));

TEST(Recipe, WhatAMessageShowsIsCutBetweenCharacters) {
    const std::string most(79, 'x');
    EXPECT_THAT(errors_of(changed("fat32", most + "\u00e9\u00e9")),
                ElementsAre(HasSubstr("Filesystem type " + most + "… is not supported.")));
}

TEST(Recipe, SeveralErrorsAreAllTold) {
    std::string text = changed("type: mmc", "type: spi");
    text.replace(text.find("100mb"), 5, "0");
    text.replace(text.find("btrfs"), 5, "ntfs");
    EXPECT_EQ(errors_of(text).size(), 3U);
}

TEST(Recipe, PartitionsThatAreNoneAreRefused) {
    for (const std::string with : {"", " []", " {}", " boot", "\n        - boot", "\n        -"}) {
        const auto from = kGood.find("    partitions:");
        const auto to = kGood.find("    load:");
        std::string text = kGood;
        text.replace(from, to - from, "    partitions:" + with + "\n");
        EXPECT_FALSE(errors_of(text).empty()) << with;
    }
    EXPECT_THAT(errors_of("type: mmc\nrecipe:\n"),
                ElementsAre(HasSubstr("does not define attribute recipe")));
    EXPECT_THAT(errors_of("type: mmc\nrecipe: {partition_table: gpt, load: {}}"),
                ElementsAre(HasSubstr("Attributes are missing: partitions")));
}

std::string partition(const std::string& name, const std::string& size) {
    return fmt::format(
        "{{name: {}, size: {}, fs_type: ext4, mount_point: , mount_opts: , flags: }}", name, size);
}

std::string with_sizes(const std::vector<std::string>& sizes, const std::string& table = "gpt") {
    std::string list;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        list += fmt::format("  - {}\n", partition(fmt::format("p{}", i), sizes[i]));
    }
    return fmt::format("type: mmc\nrecipe:\n partition_table: {}\n load: {{}}\n partitions:\n{}",
                       table, list);
}

TEST(Recipe, SizesTogether) {
    struct Case {
        std::vector<std::string> sizes;
        std::string error;
    };
    for (const Case& each : std::vector<Case>{
             {{"1mb", "max"}, ""},
             {{"max"}, ""},
             {{"max", "1mb"}, "Only the last partition can state the max flag for size."},
             {{"max", "max"}, "Only the last partition can state the max flag for size."},
             {{"50%", "50 %"}, ""},
             {{"40%", "30%", "30%"}, ""},
             {{"1%"}, ""},
             {{"50%", "51%"}, "add up to 101 %"},
             {{"50%", "max"}, "all in % or none"},
             {{"100mb", "50%"}, "all in % or none"},
             {{"512b", "1kb"}, ""},
         }) {
        const auto errors = errors_of(with_sizes(each.sizes));
        if (each.error.empty()) {
            EXPECT_THAT(errors, IsEmpty()) << each.sizes[0];
        } else {
            EXPECT_THAT(errors, ElementsAre(HasSubstr(each.error))) << each.sizes[0];
        }
    }
    const std::vector<std::string> five(5, "1mb");
    EXPECT_THAT(errors_of(with_sizes(five)), IsEmpty());
    EXPECT_THAT(errors_of(with_sizes(five, "msdos")), ElementsAre(HasSubstr("holds 4")));
    EXPECT_FALSE(errors_of(with_sizes(std::vector<std::string>(200, "1mb"))).empty());
}

TEST(Recipe, EachSize) {
    struct Case {
        std::string text;
        std::uint64_t bytes;  // 0: refused
    };
    for (const Case& each : std::vector<Case>{{"300", 300},
                                              {"300b", 300},
                                              {"300 B", 300},
                                              {"300kb", 300 << 10},
                                              {"300   KB", 300 << 10},
                                              {"1Mb", 1 << 20},
                                              {"3GB", std::uint64_t{3} << 30},
                                              {"2tB", std::uint64_t{2} << 40},
                                              {" 7mb ", 7 << 20},
                                              {"0", 0},
                                              {"0mb", 0},
                                              {"-1", 0},
                                              {"+1", 0},
                                              {"1.5gb", 0},
                                              {"1e6", 0},
                                              {"mb", 0},
                                              {"", 0},
                                              {"1 0mb", 0},
                                              {"10m", 0},
                                              {"10mib", 0},
                                              {"10pb", 0},
                                              {"10mbb", 0},
                                              {"MAX", 0},
                                              {"0x10", 0},
                                              {"99999999999999999999", 0},
                                              {"9999999999tb", 0}}) {
        PartitionSize size;
        const std::string why = parse_partition_size(each.text, size);
        EXPECT_EQ(why.empty(), each.bytes != 0) << each.text << ": " << why;
        if (each.bytes != 0) {
            EXPECT_EQ(size.value, each.bytes) << each.text;
        } else {
            EXPECT_THAT(why, HasSubstr("Partition size is not valid."));
        }
    }
    PartitionSize size;
    EXPECT_EQ(parse_partition_size("100%", size), "");
    EXPECT_EQ(size.kind, PartitionSize::Kind::percent);
    EXPECT_NE(parse_partition_size("101%", size), "");
    EXPECT_NE(parse_partition_size("0%", size), "");
    EXPECT_NE(parse_partition_size("1.5%", size), "");
}

TEST(Recipe, DocumentsAreRecipesEach) {
    Report report;
    EXPECT_EQ(read_recipes(kGood + kGood + "...\n", report).size(), 2U);
    EXPECT_EQ(read_recipes("\xef\xbb\xbf" + kGood, report).size(), 1U);  // as some editors begin
    EXPECT_TRUE(report.accepted());
    EXPECT_THAT(errors_of(kGood + "---\ntype: mmc\n"),
                ElementsAre(HasSubstr("document(1): does not define attribute recipe")));
    for (const std::string text : {"", "# nothing\n", "---\n", "just words", "- a\n- b\n", "[]"}) {
        EXPECT_FALSE(errors_of(text).empty()) << text;
    }
    EXPECT_THAT(errors_of("type: mmc\n  recipe: x"), ElementsAre(HasSubstr("2 : not valid YAML")));
    EXPECT_THAT(errors_of(std::string(kMaxRecipeBytes + 1, ' ')), ElementsAre(HasSubstr("split")));
    std::string many;
    for (int i = 0; i < 70; ++i) {
        many += kGood;
    }
    EXPECT_FALSE(errors_of(many).empty());
}

TEST(Recipe, AliasesAreValuesAndBombsAreNot) {
    std::string text = changed("name: boot", "name: &n boot");
    text.replace(text.find("name: rootfs"), 12, "name: *n");
    EXPECT_THAT(errors_of(text), ElementsAre(HasSubstr("must be unique")));
    std::string bomb = "type: mmc\nrecipe:\n a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 40; ++i) {
        bomb += fmt::format(" a{}: &a{} [*a{},*a{},*a{},*a{}]\n", i, i, i - 1, i - 1, i - 1, i - 1);
    }
    EXPECT_FALSE(errors_of(bomb).empty());
    EXPECT_FALSE(errors_of("&a {type: mmc, recipe: *a}").empty());
    EXPECT_FALSE(errors_of(std::string(50'000, '[')).empty());
}

TEST(RecipeName, PlatformAndIdentifierWithoutUnderscores) {
    struct Case {
        std::string name;
        bool good;
    };
    for (const Case& each : std::vector<Case>{{"raspberry-pi.yml", true},
                                              {"raspberry-pi_media-center.yml", true},
                                              {"a.b.yml", true},
                                              {"raspberry_pi_media.yml", false},
                                              {"a__b.yml", false},
                                              {"_b.yml", false},
                                              {"a_.yml", false},
                                              {".yml", false},
                                              {"a.yaml", false},
                                              {"a.YML", false},
                                              {"a", false},
                                              {"a b.yml", false},
                                              {".hidden.yml", false}}) {
        Report report;
        EXPECT_EQ(parse_recipe_name(each.name, report).has_value(), each.good) << each.name;
        EXPECT_EQ(report.accepted(), each.good) << each.name;
    }
    Report report;
    const auto name = parse_recipe_name("raspberry-pi_media-center.yml", report);
    EXPECT_EQ(name->platform, "raspberry-pi");
    EXPECT_EQ(name->identifier, "media-center");
}

TEST(Command, IsSplitLikeAShellAndNoMore) {
    std::vector<std::string> words;
    EXPECT_EQ(split_command("a  'b c'\t\"d \\\" $ e\" f\\ g ''", 0, words),
              "a $ that begins no variable: write ${file}, ${device} or ${deviceN}, or put the $ "
              "between single quotes");
    EXPECT_EQ(split_command("a  'b $ c'\t\"d \\\" e\" f\\ g ''", 0, words), "");
    EXPECT_THAT(words, ElementsAre("a", "b $ c", "d \" e", "f g", ""));
    EXPECT_EQ(split_command("x${file}y\"${device0}\"", 1, words), "");
    EXPECT_THAT(words, ElementsAre("x${file}y${device0}"));
    for (const std::string text :
         {"a;b", "a&", "a|b", "a<b", "a>b", "a`b`", "(a)", "a\nb", "a\\", "\"a", "   ",
          "a ${device}${", "${device99999999999999999999}"}) {
        EXPECT_NE(split_command(text, 3, words), "") << text;
    }
}

}  // namespace
}  // namespace lineside::media
