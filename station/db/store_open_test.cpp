// SPDX-License-Identifier: Apache-2.0
#include "station/db/file_fixture.h"
#include "station/db/store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

namespace lineside::db {
namespace {

using OpenTest = FileTest;

TEST_F(OpenTest, Sets_marks_and_pragmas) {
    auto store = Store::open(loop, file);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE((*store)->write_now([](Tx& tx) -> base::Status {
        const auto number = [&](const char* pragma) {
            return std::get<0>(*tx.one<std::int64_t>(pragma).value());
        };
        EXPECT_EQ(number("PRAGMA application_id"), kApplicationId);
        EXPECT_EQ(number("PRAGMA user_version"), migrations().back().version);
        EXPECT_EQ(number("PRAGMA synchronous"), 2);
        EXPECT_EQ(number("PRAGMA foreign_keys"), 1);
        EXPECT_EQ(number("PRAGMA recursive_triggers"), 1);
        EXPECT_EQ(number("PRAGMA trusted_schema"), 0);
        EXPECT_EQ(std::get<0>(*tx.one<std::string>("PRAGMA journal_mode").value()), "wal");
        return {};
    }));
}

TEST_F(OpenTest, Second_writer_is_refused_while_a_reader_may_look) {
    auto store = Store::open(loop, file).value();
    auto second = Store::open(loop, file);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("another station process"), std::string::npos);
    shell("SELECT * FROM record_v1");
    EXPECT_TRUE(open_for_reading_only(file));
    store.reset();
    EXPECT_TRUE(Store::open(loop, file));
}

TEST_F(OpenTest, Newer_schema_is_refused_and_left_alone) {
    Store::open(loop, file).value().reset();
    shell("PRAGMA user_version = 999");
    const auto refused = Store::open(loop, file);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("newer"), std::string::npos);
    EXPECT_FALSE(open_for_reading_only(file));
}

TEST_F(OpenTest, Another_programs_file_is_refused_and_left_alone) {
    shell("CREATE TABLE mine (x)");
    const auto refused = Store::open(loop, file);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("not a Lineside database"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(file.string() + "-wal"));
    std::ofstream(file) << std::string(8192, 'x');
    EXPECT_FALSE(Store::open(loop, file));
}

TEST_F(OpenTest, Failed_migration_leaves_nothing) {
    Store::open(loop, file).value().reset();
    shell("PRAGMA user_version = 0");  // the tables are in the way of version 1
    EXPECT_FALSE(Store::open(loop, file));
    shell("SELECT * FROM record_v1");
}

TEST_F(OpenTest, Reading_only_leaves_no_file_behind) {
    Store::open(loop, file).value().reset();
    const auto files = [&] {
        std::size_t n = 0;
        for (const auto& each : std::filesystem::directory_iterator(folder)) {
            n += each.path().empty() ? 0U : 1U;
        }
        return n;
    };
    const auto before = files();
    {
        auto reading = open_for_reading_only(file);
        ASSERT_TRUE(reading) << reading.error().message;
        EXPECT_TRUE(execute(reading->get(), "SELECT * FROM serial", "read"));
        EXPECT_EQ(files(), before);
        EXPECT_FALSE(execute(reading->get(), "INSERT INTO pool (name) VALUES ('x')", "write"));
    }
    EXPECT_EQ(files(), before);
    EXPECT_FALSE(open_for_reading_only(folder / "none.db"));
}

// Name, time and content of each file.
std::string picture_of(const std::filesystem::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& each : std::filesystem::directory_iterator(folder)) {
        std::ifstream in(each.path(), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(in), {}};
        files[each.path().filename()] =
            fmt::format("{} {}", each.last_write_time().time_since_epoch().count(),
                        std::hash<std::string>{}(bytes));
    }
    std::string text;
    for (const auto& [name, facts] : files) {
        text += name + " " + facts + "\n";
    }
    return text;
}

TEST_F(OpenTest, Reading_only_changes_nothing_beside_a_running_a_killed_or_a_copied_station) {
    auto store = Store::open(loop, file).value();
    ASSERT_TRUE(store->write_now([](Tx& tx) -> base::Status {
        (void)tx.insert("INSERT INTO pool (name) VALUES ('in the log')");
        return {};
    }));
    const auto read_at = [](const std::filesystem::path& where) {
        const auto before = picture_of(where);
        {
            auto reading = open_for_reading_only(where / "station.db");
            ASSERT_TRUE(reading) << reading.error().message;
            Tx tx(reading->get());
            EXPECT_EQ(std::get<0>(*tx.one<std::string>("SELECT name FROM pool").value()),
                      "in the log");
            EXPECT_FALSE(execute(reading->get(), "INSERT INTO pool (name) VALUES ('x')", "write"));
            EXPECT_EQ(picture_of(where), before);
        }
        EXPECT_EQ(picture_of(where), before);
    };
    // In the station's own process the log's index is one for all: let its first reader leave its
    // mark.
    ASSERT_TRUE(store->read_now([](Tx& tx) -> base::Status {
        (void)tx.one<std::int64_t>("SELECT count(*) FROM pool");
        return {};
    }));
    read_at(folder);
    const auto killed =
        folder / "killed";  // what a SIGKILL leaves: all three files, nobody has them open
    const auto copied = folder / "copied";  // what somebody brings along who knows of the log
    for (const auto& where : {killed, copied}) {
        std::filesystem::create_directory(where);
        for (const char* suffix : {"", "-wal", "-shm"}) {
            if (where == killed || std::string_view(suffix) != "-shm") {
                std::filesystem::copy_file(file.string() + suffix,
                                           (where / "station.db").string() + suffix);
            }
        }
        read_at(where);
    }
}

// The child is this program anew (crash points read the environment once); it finds the file there.
class OpenDeathTest : public OpenTest {
  protected:
    std::int64_t pools_after_kill_at(const char* point) {
        GTEST_FLAG_SET(death_test_style, "threadsafe");
        ::setenv("LINESIDE_CRASH_AT", point, 1);
        ::setenv("LINESIDE_TEST_DB", file.c_str(), 0);
        const auto add_one = [] {
            boost::asio::io_context io;
            auto store = Store::open(io, std::getenv("LINESIDE_TEST_DB")).value();
            (void)store->write_now([](Tx& tx) -> base::Status {
                (void)tx.insert("INSERT INTO pool (name) VALUES ('a')");
                return {};
            });
        };
        EXPECT_EXIT(add_one(), testing::KilledBySignal(SIGKILL), "");
        ::unsetenv("LINESIDE_CRASH_AT");
        ::unsetenv("LINESIDE_TEST_DB");
        auto store = Store::open(loop, file).value();
        std::int64_t n = -1;
        EXPECT_TRUE(store->read_now([&](Tx& tx) -> base::Status {
            n = std::get<0>(*tx.one<std::int64_t>("SELECT count(*) FROM pool").value());
            return {};
        }));
        return n;
    }
};

TEST_F(OpenDeathTest, Kill_before_the_commit_leaves_nothing) {
    EXPECT_EQ(pools_after_kill_at("before_commit"), 0);
}
TEST_F(OpenDeathTest, Kill_after_the_commit_loses_nothing) {
    EXPECT_EQ(pools_after_kill_at("after_commit"), 1);
}

TEST(NetworkFileSystem, Known_by_their_magic) {
    EXPECT_EQ(network_file_system(0x6969), "NFS");
    EXPECT_EQ(network_file_system(0xFF534D42), "CIFS");
    EXPECT_FALSE(network_file_system(0xEF53));  // ext4
}

}  // namespace
}  // namespace lineside::db
