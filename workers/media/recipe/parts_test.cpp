// SPDX-License-Identifier: Apache-2.0
// The parts of a set-up that need no disk: layouts, types, fstab, shadow, paths, words of commands.
#include "workers/media/recipe/etc_files.h"
#include "workers/media/recipe/labels.h"
#include "workers/media/recipe/outside.h"
#include "workers/media/recipe/partition_table.h"
#include "workers/media/recipe/programs.h"
#include "workers/media/recipe/tar_reader.h"
#include "workers/media/recipe/tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

namespace lineside::media {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;
using Kind = PartitionSize::Kind;

Recipe recipe_of(const std::string& table, const std::vector<PartitionSize>& sizes) {
    Recipe recipe;
    recipe.partition_table = table;
    for (const PartitionSize& size : sizes) {
        RecipePartition part;
        part.name = "P" + std::to_string(recipe.partitions.size());
        part.size = size;
        part.fs_type = "ext4";
        recipe.partitions.push_back(part);
    }
    return recipe;
}

TEST(Layout, BeginsAtAMiBAndMaxTakesTheRest) {
    const auto recipe = recipe_of("msdos", {{Kind::bytes, 1000}, {Kind::rest, 0}});
    const auto slices = lay_out(recipe, 100 * kMiB + 512, 512);
    ASSERT_TRUE(slices.has_value());
    EXPECT_EQ((*slices)[0].begin, kMiB);
    EXPECT_EQ((*slices)[0].bytes, 1024U);  // whole sectors
    EXPECT_EQ((*slices)[1].begin, 2 * kMiB);
    EXPECT_EQ((*slices)[1].end(), 100 * kMiB);
}

TEST(Layout, LeavesTheBackupOfAGuidTableItsPlace) {
    const auto recipe = recipe_of("gpt", {{Kind::rest, 0}});
    for (const std::uint32_t sector : {512U, 4096U}) {
        const auto slices = lay_out(recipe, 100 * kMiB, sector);
        ASSERT_TRUE(slices.has_value());
        EXPECT_EQ((*slices)[0].end(), 99 * kMiB);
        EXPECT_EQ((*slices)[0].bytes % sector, 0U);
    }
}

TEST(Layout, PercentLeavesNothingOver) {
    const auto recipe =
        recipe_of("msdos", {{Kind::percent, 33}, {Kind::percent, 33}, {Kind::percent, 34}});
    const auto slices = lay_out(recipe, 7919 * kMiB, 512);
    ASSERT_TRUE(slices.has_value());
    EXPECT_EQ(slices->back().end(), 7919 * kMiB);
    EXPECT_EQ((*slices)[0].end(), (*slices)[1].begin);
    EXPECT_NEAR(static_cast<double>((*slices)[0].bytes) / (7919 * kMiB), 0.33, 0.001);
}

TEST(Layout, WhatDoesNotFitIsRefused) {
    auto code = [](const Recipe& recipe, std::uint64_t bytes) {
        const auto slices = lay_out(recipe, bytes, 512);
        return slices ? "" : slices.error().code;
    };
    const std::string small = "media.too_small";
    EXPECT_EQ(code(recipe_of("msdos", {{Kind::bytes, 100 * kMiB}}), 100 * kMiB), small);
    EXPECT_EQ(code(recipe_of("msdos", {{Kind::bytes, 99 * kMiB}}), 100 * kMiB), "");
    EXPECT_EQ(code(recipe_of("gpt", {{Kind::bytes, 99 * kMiB}}), 100 * kMiB), small);
    EXPECT_EQ(code(recipe_of("msdos", {{Kind::bytes, 99 * kMiB}, {Kind::rest, 0}}), 100 * kMiB),
              small);
    EXPECT_EQ(code(recipe_of("msdos", {{Kind::bytes, std::uint64_t{1} << 62}}), 100 * kMiB), small);
    EXPECT_EQ(code(recipe_of("msdos", {{Kind::rest, 0}}), kMiB), small);
    EXPECT_EQ(code(recipe_of("msdos", {{Kind::rest, 0}}), 0), small);
    EXPECT_EQ(code(recipe_of("msdos", {{Kind::percent, 1}}), 50 * kMiB), small);
    // 3 TiB: a table msdos ends at 2 TiB, max takes what it can.
    const std::uint64_t three = std::uint64_t{3} << 40;
    const auto most = lay_out(recipe_of("msdos", {{Kind::rest, 0}}), three, 512);
    ASSERT_TRUE(most.has_value());
    EXPECT_EQ(most->front().end(), std::uint64_t{2} << 40);
    const auto over = lay_out(recipe_of("msdos", {{Kind::bytes, three - 10 * kMiB}}), three, 512);
    ASSERT_FALSE(over.has_value());
    EXPECT_NE(over.error().message.find("use gpt"), std::string::npos);
}

TEST(PartitionTable, TypesFollowFlagsThenTheFileSystem) {
    RecipePartition part;
    auto type = [&](const std::string& fs_type, std::vector<std::string> flags, bool gpt) {
        part.fs_type = fs_type;
        part.flags = std::move(flags);
        return partition_type(part, gpt);
    };
    EXPECT_EQ(type("ext4", {}, false), "83");
    EXPECT_EQ(type("fat32", {}, false), "b");
    EXPECT_EQ(type("vfat", {"lba"}, false), "c");
    EXPECT_EQ(type("vfat", {"lba", "hidden"}, false), "1c");
    EXPECT_EQ(type("vfat", {"boot", "esp"}, false), "ef");
    EXPECT_EQ(type("ext4", {"boot"}, false), "83");
    EXPECT_EQ(type("ext4", {"legacy_boot"}, true), "0FC63DAF-8483-4772-8E79-3D69D8477DE4");
    EXPECT_EQ(type("vfat", {}, true), "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7");
    EXPECT_EQ(type("vfat", {"boot"}, true), "C12A7328-F81F-11D2-BA4B-00A0C93EC93B");
}

TEST(Labels, AreCutAtACharacter) {
    EXPECT_EQ(label_of("ABCDEFGHIJKLMN", "fat32"), "ABCDEFGHIJK");
    EXPECT_EQ(label_of("0123456789ABCDEFG", "ext4"), "0123456789ABCDEF");
    EXPECT_EQ(cut_text("ab\u00e4", 3), "ab");
    EXPECT_EQ(cut_text("ab\u00e4", 4), "ab\u00e4");
}

TEST(EtcFiles, FstabHasParentsFirstAndNoBlanksInside) {
    Recipe recipe =
        recipe_of("gpt", {{Kind::bytes, 1}, {Kind::bytes, 1}, {Kind::bytes, 1}, {Kind::bytes, 1}});
    recipe.partitions[0].mount_point = "/boot/a b";
    recipe.partitions[0].fs_type = "fat32";
    recipe.partitions[1].mount_point = "/boot";
    recipe.partitions[1].mount_opts = "ro";
    recipe.partitions[3].mount_point = "/";
    EXPECT_EQ(fstab_of(recipe, {"A", "B", "C", "D"}),
              "UUID=D\t/\text4\tdefaults\t0\t0\n"
              "UUID=B\t/boot\text4\tro\t0\t0\n"
              "UUID=A\t/boot/a\\040b\tvfat\tdefaults\t0\t0\n");
}

TEST(EtcFiles, ShadowKeepsAllButRootsHash) {
    EXPECT_EQ(shadow_with("a:b:1:::::::\nroot:*:9:1:2:3:4:5:6\nz:x\n", "H", 20000),
              "a:b:1:::::::\nroot:H:20000:1:2:3:4:5:6\nz:x\n");
    EXPECT_EQ(shadow_with("root::", "H", 1), "root:H:1::::::\n");
    EXPECT_EQ(shadow_with("a:b\n", "H", 1), "root:H:1:0:99999:7:::\na:b\n");
    EXPECT_EQ(shadow_with("", "H", 1), "root:H:1:0:99999:7:::\n");
    EXPECT_EQ(shadow_with("rooty:x\n", "H", 1), "root:H:1:0:99999:7:::\nrooty:x\n");
}

TEST(EtcFiles, PasswordsAreSaltedAndNeverEmpty) {
    const auto one = hash_password(base::Secret("x y")), two = hash_password(base::Secret("x y"));
    ASSERT_TRUE(one && two);
    EXPECT_TRUE(one->starts_with("$6$"));
    EXPECT_NE(*one, *two);
    EXPECT_FALSE(hash_password(base::Secret("")).has_value());
    EXPECT_FALSE(hash_password(base::Secret(std::string(600, 'x'))).has_value());
}

TEST(Tar, PathsInside) {
    EXPECT_EQ(path_inside("./a//b/./c/"), "a/b/c");
    EXPECT_EQ(path_inside("./"), "");
    EXPECT_EQ(path_inside("a..b/..c"), "a..b/..c");
    for (const char* each : {"", "/", "/a", "..", "a/..", "a/../b", "./../a"}) {
        EXPECT_EQ(path_inside(each), std::nullopt) << each;
    }
}

TEST(Tar, FoldersThatWereThereGetTheirTimesWhenAllIsInThem) {
    namespace fs = std::filesystem;
    const fs::path root = fs::path(::testing::TempDir()) / "lineside_unpack_test";
    fs::remove_all(root);
    fs::create_directories(root / "to/lib");  // as an earlier product left it
    const auto tar = (root / "later.tar").string();
    archive* const writer = archive_write_new();
    archive_write_set_format_pax_restricted(writer);
    ASSERT_EQ(archive_write_open_filename(writer, tar.c_str()), ARCHIVE_OK);
    archive_entry* const entry = archive_entry_new();
    constexpr std::time_t kTime = 1'300'000'000;
    const std::vector<std::string> folders{"./", "./lib/", "./lib/modules/"};
    for (const std::string& name : folders) {
        archive_entry_set_pathname(entry, name.c_str());
        archive_entry_set_filetype(entry, AE_IFDIR);
        archive_entry_set_perm(entry, 0755);
        archive_entry_set_mtime(entry, kTime, 0);
        ASSERT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
    }
    for (const char* const name : {"./top", "./lib/modules/one"}) {
        archive_entry_set_pathname(entry, name);
        archive_entry_set_filetype(entry, AE_IFREG);
        ASSERT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
    }
    archive_entry_free(entry);
    ASSERT_EQ(archive_write_free(writer), ARCHIVE_OK);

    const std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> counter{0};
    const auto tree = scan_tree(tar, stop);
    ASSERT_TRUE(tree.has_value()) << tree.error().message;
    const base::UniqueFd to(::open((root / "to").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto done = unpack_tree(*tree, to.get(), Keep::files, stop, counter);
    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_TRUE(fs::exists(root / "to/lib/modules/one"));
    for (const std::string& name : folders) {
        struct stat found {};
        ASSERT_EQ(::stat((root / "to" / name).c_str(), &found), 0);
        EXPECT_EQ(found.st_mtim.tv_sec, kTime) << name;
    }
    fs::remove_all(root);
}

TEST(Commands, VariablesArePutInOnce) {
    auto value = [](std::string_view name) -> base::Result<std::string> {
        return name == "file" ? "/x/${device}" : fmt::format("<{}>", name);
    };
    auto put = [&](std::string_view word) { return put_variables(word, value).value(); };
    EXPECT_EQ(put("if=${file}"), "if=/x/${device}");
    EXPECT_EQ(put("${device}${device1}${device12}"), "<device><device1><device12>");
    EXPECT_EQ(put("${other}$x${"), "${other}$x${");
    EXPECT_EQ(put(""), "");
}

TEST(Commands, WhatLiesOutside) {
    const std::vector<Slice> slices{{kMiB, kMiB}, {2 * kMiB, kMiB}, {4 * kMiB, kMiB}};
    auto ranges = bytes_outside(slices, {false, false, false}, 10 * kMiB);
    ASSERT_EQ(ranges.size(), 3U);
    EXPECT_EQ(ranges[0].end, kMiB);
    EXPECT_EQ(ranges[1].begin, 3 * kMiB);
    EXPECT_EQ(ranges[2].end, 10 * kMiB);
    ranges = bytes_outside(slices, {true, false, false}, 1000 * kMiB);
    EXPECT_EQ(ranges[0].end, 2 * kMiB);
    EXPECT_EQ(ranges.back().end - ranges.back().begin, 64 * kMiB);
}

TEST(Programs, TellHowTheyEnded) {
    std::atomic<bool> stop{false};
    const Programs programs(stop);
    EXPECT_EQ(programs.run({"printf", "%s", "$HOME; a  b"}).value(), "$HOME; a  b");  // no shell
    const auto failed = programs.run({"sh", "-c", "echo why >&2; exit 3"});
    EXPECT_EQ(failed.error().code, "tool.failed");
    EXPECT_NE(failed.error().message.find("ended with 3: why"), std::string::npos);
    EXPECT_EQ(programs.run({"sh", "-c", "kill -9 $$"}).error().code, "tool.died");
    EXPECT_EQ(programs.run({"lineside-no-such-program"}).error().code, "tool.missing");
    EXPECT_EQ(programs.run({"sh", "-c", "head -c 300000 /dev/zero"}).value().size(),
              Programs::kMostSaid);
    EXPECT_EQ(programs.run({"sleep", "100"}, {std::chrono::seconds(0)}).error().code,
              "tool.failed");
    std::thread stopper([&] { stop = true; });
    EXPECT_EQ(programs.run({"sleep", "100"}).error().code, "operator.stopped");
    stopper.join();
}

}  // namespace
}  // namespace lineside::media
