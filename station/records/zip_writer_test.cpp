// SPDX-License-Identifier: Apache-2.0
// What is written, against the readers people have: unzip, Python, bsdtar and libarchive.
#include "station/records/zip_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <thread>

namespace lineside::records {
namespace {

using Members = std::map<std::string, std::string>;
constexpr std::int64_t kAt = 1'763'640'084'000;  // 2025-11-20T12:01:24Z

class ZipWriterTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_NE(std::setlocale(LC_CTYPE, "C.UTF-8"), nullptr);  // libarchive's names
        std::string name = testing::TempDir() + "zip-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    // Adds what was made to the file.
    void keep(ZipWriter& zip) {
        const std::string made = zip.take();
        std::ofstream(file(), std::ios::app | std::ios::binary) << made;
    }
    void add(ZipWriter& zip, const std::string& name, const std::string& content) {
        ASSERT_TRUE(zip.begin(name, kAt));
        for (std::size_t at = 0; at < content.size(); at += 7'001) {
            ASSERT_TRUE(zip.write(std::string_view(content).substr(at, 7'001)));
        }
        ASSERT_TRUE(zip.end());
    }
    void finish(ZipWriter& zip) {
        for (auto more = zip.finish();; more = zip.finish()) {
            ASSERT_TRUE(more) << more.error().message;
            keep(zip);
            if (!*more) {
                break;
            }
        }
    }
    [[nodiscard]] std::string file() const { return folder / "made.zip"; }
    // What a command prints; its status must be 0.
    [[nodiscard]] std::string said(const std::string& command) const {
        FILE* pipe =
            ::popen(("{ " + command + "; } 2>&1").c_str(), "r");  // NOLINT: our own command
        std::string out;
        std::array<char, 4096> part{};
        for (std::size_t n = 0; (n = std::fread(part.data(), 1, part.size(), pipe)) > 0;) {
            out.append(part.data(), n);
        }
        EXPECT_EQ(::pclose(pipe), 0) << command << "\n" << out.substr(0, 2000);
        return out;
    }
    // Python's: the names and sizes of all members, each read and its checksum compared.
    [[nodiscard]] std::string by_python() const {
        std::ofstream(folder / "read.py") << "import sys, zipfile\n"
                                             "with zipfile.ZipFile(sys.argv[1]) as z:\n"
                                             "    assert z.testzip() is None\n"
                                             "    infos = z.infolist()\n"
                                             "    print(len(infos), sum(i.file_size for i in "
                                             "infos), sorted(i.filename for i in infos)[-1])\n";
        return said(fmt::format("PYTHONIOENCODING=utf-8 python3 -B {} {}",
                                (folder / "read.py").native(), file()));
    }
    void read_by_all(std::size_t members, std::uint64_t bytes, const std::string& last) const {
        EXPECT_EQ(by_python(), fmt::format("{} {} {}\n", members, bytes, last));
        EXPECT_NE(said("LC_ALL=C.UTF-8 unzip -tqq " + file() + " && echo fine").find("fine"),
                  std::string::npos);
        EXPECT_EQ(said("LC_ALL=C.UTF-8 bsdtar -tf " + file() + " | wc -l"),
                  fmt::format("{}\n", members));
    }
    std::filesystem::path folder;
};

// In the order of the bytes, as from a pipe, or by the directory at the end.
Members by_libarchive(const std::string& file, bool seek) {
    Members found;
    archive* reader = archive_read_new();
    seek ? archive_read_support_format_zip_seekable(reader)
         : archive_read_support_format_zip_streamable(reader);
    EXPECT_EQ(archive_read_open_filename(reader, file.c_str(), 10'240), ARCHIVE_OK);
    archive_entry* entry = nullptr;
    int got = ARCHIVE_OK;
    while ((got = archive_read_next_header(reader, &entry)) == ARCHIVE_OK) {
        EXPECT_EQ(archive_entry_mtime(entry), kAt / 1000);
        if (seek) {
            EXPECT_EQ(archive_entry_mode(entry), 0100644U);
        }
        std::string& content = found[archive_entry_pathname(entry)];
        std::array<char, 4096> part{};
        la_ssize_t n = 0;
        while ((n = archive_read_data(reader, part.data(), part.size())) > 0) {
            content.append(part.data(), static_cast<std::size_t>(n));
        }
        EXPECT_EQ(n, 0) << archive_error_string(reader);
    }
    EXPECT_EQ(got, ARCHIVE_EOF) << archive_error_string(reader);
    archive_read_free(reader);
    return found;
}

TEST_F(ZipWriterTest, Every_reader_gets_what_was_put_in) {
    std::mt19937 dice(11);
    Members members{{"empty", ""},
                    {"logs/Prüfling 一/1.log", "==> 01-flash.1.log <==\n"},
                    {"one", "x"},
                    {std::string(4000, 'n'), "a long name"}};
    for (int i = 0; i < 300; ++i) {
        // From nothing to some pieces; some that shrink, some that grow when they are deflated.
        std::string content(dice() % (i % 10 == 0 ? 300'000 : 2'000), 'a');
        if (i % 3 != 0) {
            std::generate(content.begin(), content.end(),
                          [&] { return static_cast<char>(dice() % 256); });
        }
        members[fmt::format("part/{:03}", i)] = content;
    }
    ZipWriter zip(folder);
    std::uint64_t bytes = 0;
    for (const auto& [name, content] : members) {
        add(zip, name, content);
        keep(zip);
        bytes += content.size();
    }
    finish(zip);
    for (const bool seek : {true, false}) {
        const Members found = by_libarchive(file(), seek);
        EXPECT_EQ(found.size(), members.size());
        for (const auto& [name, content] : members) {
            EXPECT_TRUE(found.contains(name) && found.at(name) == content) << name;
        }
    }
    read_by_all(members.size(), bytes, members.rbegin()->first);
}

TEST_F(ZipWriterTest, Nothing_in_it) {
    ZipWriter zip(folder);
    finish(zip);
    EXPECT_EQ(std::filesystem::file_size(file()), 22U);
    EXPECT_NE(said("unzip -l " + file() + " || true").find("empty"), std::string::npos);
}

TEST_F(ZipWriterTest, More_members_than_16_bits_count) {
    constexpr std::size_t kMembers = 66'000;
    ZipWriter zip(folder);
    for (std::size_t i = 0; i < kMembers; ++i) {
        add(zip, fmt::format("logs/{:06}/1.log", i), "short");
    }
    finish(zip);
    read_by_all(kMembers, kMembers * 5, fmt::format("logs/{:06}/1.log", kMembers - 1));
}

// 65,535 itself is the mark for "see the 64 bit record".
TEST_F(ZipWriterTest, Members_at_the_edge_of_16_bits) {
    constexpr std::size_t kMembers = 65'535;
    ZipWriter zip(folder);
    for (std::size_t i = 0; i < kMembers; ++i) {
        add(zip, fmt::format("{:06}", i), "");
    }
    finish(zip);
    EXPECT_EQ(by_python(), fmt::format("{} 0 {:06}\n", kMembers, kMembers - 1));
}

TEST_F(ZipWriterTest, Members_behind_4_GiB) {
    // In the first one only the last members lie behind.
    for (const std::uint64_t ahead : {(std::uint64_t{1} << 32) - 200, std::uint64_t{5} << 30}) {
        std::filesystem::remove(file());
        std::ofstream(file()).flush();
        std::filesystem::resize_file(file(), ahead);  // a hole: it takes no room
        ZipWriter zip(folder, ahead);
        const Members members{{"a", std::string(500, 'a')}, {"b", "b"}, {"c", "c"}};
        for (const auto& [name, content] : members) {
            add(zip, name, content);
        }
        finish(zip);
        EXPECT_EQ(by_libarchive(file(), true), members) << ahead;
        EXPECT_EQ(by_python(), "3 502 c\n") << ahead;
        EXPECT_NE(said("unzip -p " + file() + " b").find('b'), std::string::npos);
    }
}

TEST_F(ZipWriterTest, Directory_lies_in_a_file_without_a_name) {
    ZipWriter zip(folder);
    for (int i = 0; i < 5'000; ++i) {
        add(zip, fmt::format("logs/{:06}/1.log", i), "");
        (void)zip.take();
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder));
    int nameless = 0;
    for (const auto& fd : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const auto target = std::filesystem::read_symlink(fd, gone).native();
        nameless += target.starts_with(folder.native()) && target.ends_with("(deleted)") ? 1 : 0;
    }
    EXPECT_EQ(nameless, 1);
}

TEST_F(ZipWriterTest, Disk_without_room_is_an_error_and_no_archive) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "mounting a small disk needs root";
    }
    // The mount is seen by one thread alone.
    std::thread([&] {
        ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
        ASSERT_EQ(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
        ASSERT_EQ(::mount("none", folder.c_str(), "tmpfs", 0, "size=128k"), 0);
        ZipWriter zip(folder);
        std::string made;
        base::Status ended;
        for (int i = 0; i < 10'000 && ended; ++i) {
            ASSERT_TRUE(zip.begin(fmt::format("logs/{:06}/1.log", i), kAt));
            ended = zip.end();
            made += zip.take();
        }
        ASSERT_FALSE(ended);
        EXPECT_EQ(ended.error().code, "disk.full") << ended.error().message;
        EXPECT_EQ(made.find("PK\5\6"), std::string::npos);
        ::umount(folder.c_str());
    }).join();
}

}  // namespace
}  // namespace lineside::records
