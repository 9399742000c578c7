// SPDX-License-Identifier: Apache-2.0
#include "station/base/text.h"
#include "workers/image-build/tree_copy.h"
#include "workers/image-build/tree_scan.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <fstream>

namespace lineside::image_build {
namespace {

namespace fs = std::filesystem;

class TreeTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "tree-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        top_ = name;
        root_ = top_ / "tree";
        fs::create_directories(root_ / "bin");
        write("bin/tool", "#!/bin/sh\n");
        write("a-b", "x");
        fs::create_directories(root_ / "a");
        write("a/b", "hello");
        fs::create_symlink("a/b", root_ / "link");
        fs::create_hard_link(root_ / "a/b", root_ / "hard");
        chmod((root_ / "bin/tool").c_str(), 0755);
    }
    void TearDown() override { fs::remove_all(top_); }

    void write(const std::string& name, const std::string& content) {
        std::ofstream(root_ / name, std::ios::binary) << content;
    }
    std::string key() {
        StatCache none{fs::path()};
        auto tree = scan_tree(root_, none, nullptr);
        EXPECT_TRUE(tree) << tree.error().message;
        return tree ? tree->sha256 : "";
    }

    fs::path top_;
    fs::path root_;
};

TEST_F(TreeTest, Records_are_sorted_and_complete) {
    StatCache none{fs::path()};
    const auto tree = scan_tree(root_, none, nullptr).value();
    std::vector<std::string> paths;
    for (const auto& record : tree.records) {
        paths.push_back(record.path);
    }
    EXPECT_EQ(paths, (std::vector<std::string>{"/", "/a", "/a-b", "/a/b", "/bin", "/bin/tool",
                                               "/hard", "/link"}));
    EXPECT_EQ(tree.records[3].sha256, base::sha256_hex("hello"));
    EXPECT_EQ(tree.records[6].link, "/a/b");
    EXPECT_EQ(tree.records[6].sha256, base::sha256_hex("hello"));
    EXPECT_EQ(tree.records[7].link, "a/b");
    EXPECT_EQ(tree.bytes, 10U + 1U + 5U);
}

TEST_F(TreeTest, Key_changes_with_every_kind_of_change) {
    std::set<std::string> seen{key()};
    const auto changed = [&](const char* what) { EXPECT_TRUE(seen.insert(key()).second) << what; };
    write("a/b", "hellp");
    changed("one byte");
    chmod((root_ / "bin/tool").c_str(), 0750);
    changed("mode");
    if (setxattr((root_ / "a-b").c_str(), "user.note", "1", 1, 0) == 0) {
        changed("attribute");
        setxattr((root_ / "a-b").c_str(), "user.note", "2", 1, 0);
        changed("attribute's value");
    }
    fs::remove(root_ / "link");
    fs::create_symlink("a-b", root_ / "link");
    changed("link target");
    fs::remove(root_ / "hard");
    write("hard", "hellp");
    changed("hard link became a file of its own");
    fs::rename(root_ / "a-b", root_ / "a-c");
    changed("name");
    fs::create_directory(root_ / "empty");
    changed("empty folder");
    chmod(root_.c_str(), 0700);
    changed("mode of the root");
    if (geteuid() == 0) {
        ASSERT_EQ(chown((root_ / "a-c").c_str(), 7, 0), 0);
        changed("owner");
        ASSERT_EQ(chown((root_ / "a-c").c_str(), 7, 9), 0);
        changed("group");
    }
}

TEST_F(TreeTest, Key_does_not_change_with_times_or_place) {
    const auto before = key();
    const struct timespec times[2] = {{1000, 0}, {1000, 0}};
    utimensat(AT_FDCWD, (root_ / "a/b").c_str(), times, 0);
    EXPECT_EQ(key(), before);
    fs::rename(root_, top_ / "other");
    root_ = top_ / "other";
    EXPECT_EQ(key(), before);
}

TEST_F(TreeTest, Cache_saves_reading_but_never_misses_a_change) {
    const fs::path file = top_ / "cache";
    // Files of the last two seconds are not remembered; these were all made just now.
    const auto scan = [&] {
        StatCache cache(file);
        auto tree = scan_tree(root_, cache, nullptr).value();
        EXPECT_TRUE(cache.save());
        return std::pair{tree.sha256, cache.hits()};
    };
    const auto first = scan();
    EXPECT_EQ(scan(), (std::pair{first.first, std::size_t{0}}));
    sleep(3);  // the one place where real time must pass: ctime cannot be set
    scan();
    EXPECT_EQ(scan(), (std::pair{first.first, std::size_t{3}}));
    // Same size, same mtime: ctime tells.
    struct stat status {};
    stat((root_ / "a/b").c_str(), &status);
    write("a/b", "hellp");
    const struct timespec times[2] = {status.st_atim, status.st_mtim};
    utimensat(AT_FDCWD, (root_ / "a/b").c_str(), times, 0);
    const auto after = scan();
    EXPECT_NE(after.first, first.first);
    EXPECT_EQ(after.first, key());
    // Damage of the cache costs time, nothing else.
    std::ofstream(file) << "lineside-stat-cache 1\n1 2 3\n";
    EXPECT_EQ(scan().first, after.first);
}

TEST_F(TreeTest, Copy_is_equal_and_its_own) {
    // A hole of 8 MiB, then a byte: the copy must not fill it.
    {
        const int fd = open((root_ / "sparse").c_str(), O_WRONLY | O_CREAT, 0640);
        ASSERT_EQ(pwrite(fd, "x", 1, 8 << 20), 1);
        close(fd);
    }
    write("empty", "");
    chmod((root_ / "bin/tool").c_str(), 04755);
    setxattr((root_ / "a-b").c_str(), "user.note", "1", 1, 0);
    mkfifo((root_ / "pipe").c_str(), 0600);
    const auto copied = copy_tree(root_, top_ / "copy", nullptr);
    ASSERT_TRUE(copied) << copied.error().message;
    StatCache none{fs::path()};
    const auto original = scan_tree(root_, none, nullptr).value();
    const auto read_back = scan_tree(top_ / "copy", none, nullptr).value();
    EXPECT_EQ(copied->text(), original.text());
    EXPECT_EQ(read_back.text(), original.text());
    EXPECT_EQ(first_difference(original.records, read_back.records), "");
    struct stat status {};
    ASSERT_EQ(stat((top_ / "copy/sparse").c_str(), &status), 0);
    EXPECT_LT(status.st_blocks * 512, 1 << 20);
    // Writing into the copy leaves the source alone.
    std::ofstream(top_ / "copy/hard") << "changed";
    EXPECT_EQ(scan_tree(root_, none, nullptr).value().sha256, original.sha256);
    EXPECT_EQ(copy_tree(root_, top_ / "copy", nullptr).error().code, "image.build");
}

TEST_F(TreeTest, First_difference_names_the_path) {
    StatCache none{fs::path()};
    const auto before = scan_tree(root_, none, nullptr).value();
    write("a/b", "hellp");
    EXPECT_EQ(first_difference(before.records, scan_tree(root_, none, nullptr).value().records),
              "/a/b");
    write("a/b", "hello");
    write("a/a", "new");
    EXPECT_EQ(first_difference(before.records, scan_tree(root_, none, nullptr).value().records),
              "/a/a");
}

TEST_F(TreeTest, Tick_ends_the_work) {
    write("big", std::string(40U << 20U, 'x'));
    StatCache none{fs::path()};
    int calls = 0;
    const Tick stop = [&](std::uint64_t, std::uint64_t) -> base::Status {
        ++calls;
        return base::fail("operator.stopped");
    };
    EXPECT_EQ(scan_tree(root_, none, stop).error().code, "operator.stopped");
    EXPECT_EQ(copy_tree(root_, top_ / "copy", stop).error().code, "operator.stopped");
    EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace lineside::image_build
