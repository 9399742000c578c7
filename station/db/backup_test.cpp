// SPDX-License-Identifier: Apache-2.0
// Copies taken while others write: whole, of one moment, checked, and nobody waits for them.
#include "station/db/backup.h"
#include "station/db/connection.h"
#include "station/db/store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace lineside::db {
namespace {

namespace fs = std::filesystem;

class BackupTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "backup-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
        file = folder / "station.db";
        store = Store::open(loop, file).value();
        write("INSERT INTO station (id, name, created_ms) VALUES (1, 'st', 0)");
    }
    void TearDown() override {
        store.reset();
        fs::remove_all(folder);
    }
    void write(const std::string& sql) {
        auto done = store->write_now([&](Tx& tx) -> base::Status {
            auto ran = tx.run(sql);
            return ran ? base::Status() : tl::unexpected<base::Error>(ran.error());
        });
        ASSERT_TRUE(done) << done.error().message;
    }
    // Two rows a commit: a copy of one moment has as many of one kind as of the other.
    void add_pairs(int first, int count) {
        auto done = store->write_now([&](Tx& tx) -> base::Status {
            for (int n = first; n < first + count; ++n) {
                for (const char* kind : {"a", "b"}) {
                    auto id = tx.insert("INSERT INTO pool (name) VALUES (?1)",
                                        kind + std::to_string(n) + std::string(400, '.'));
                    if (!id) {
                        return tl::unexpected<base::Error>(id.error());
                    }
                }
            }
            return {};
        });
        ASSERT_TRUE(done) << done.error().message;
    }
    static std::int64_t number(const fs::path& database, const char* sql) {
        const auto connection = open_for_reading_only(database);
        EXPECT_TRUE(connection) << connection.error().message;
        return connection ? pragma_number(connection->get(), sql).value_or(-1) : -1;
    }
    std::vector<std::string> backups() const {
        std::vector<std::string> names;
        for (const auto& each : fs::directory_iterator(folder / "backups")) {
            names.push_back(each.path().filename());
        }
        std::sort(names.begin(), names.end());
        return names;
    }
    boost::asio::io_context loop;
    fs::path folder;
    fs::path file;
    std::unique_ptr<Store> store;
};

TEST_F(BackupTest, Is_of_one_moment_checked_and_told_beside_it) {
    add_pairs(0, 1);
    const auto made = back_up(file, folder / "backups", 1'790'000'000'123);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(backups(), (std::vector<std::string>{"station-20260921T141320Z-0.db",
                                                   "station-20260921T141320Z-0.db.json"}));
    EXPECT_EQ(number(made->file, "SELECT count(*) FROM pool"), 2);
    const auto facts = read_facts(made->file).value();
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->sha256, sha256_of_file(made->file).value());
    EXPECT_EQ(facts->head, std::string(64, '0'));
    EXPECT_EQ(facts->schema, migrations().back().version);
    EXPECT_EQ(facts->made_ms, 1'790'000'000'123);
    EXPECT_FALSE(read_facts(file).value());
}

TEST_F(BackupTest, Writers_go_on_and_wait_for_nothing) {
    add_pairs(0, 20'000);
    std::atomic<bool> ended{false};
    std::vector<std::int64_t> waits_us;
    std::thread writer([&] {
        for (int i = 100'000; !ended; ++i) {
            const auto from = std::chrono::steady_clock::now();
            add_pairs(i, 1);
            waits_us.push_back(std::chrono::duration_cast<std::chrono::microseconds>(
                                   std::chrono::steady_clock::now() - from)
                                   .count());
        }
    });
    const auto made = back_up(file, folder / "backups", 0);
    ended = true;
    writer.join();
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_GT(waits_us.size(), 3U) << "the copy must not keep writers out";
    std::sort(waits_us.begin(), waits_us.end());
    RecordProperty("median_us", std::to_string(waits_us[waits_us.size() / 2]));
    RecordProperty("longest_us", std::to_string(waits_us.back()));
    std::printf("commits meanwhile: %zu, median %lld us, longest %lld us\n", waits_us.size(),
                static_cast<long long>(waits_us[waits_us.size() / 2]),
                static_cast<long long>(waits_us.back()));
    EXPECT_EQ(number(made->file, "SELECT count(*) FROM pool WHERE name LIKE 'a%'"),
              number(made->file, "SELECT count(*) FROM pool WHERE name LIKE 'b%'"));
    EXPECT_GE(number(made->file, "SELECT count(*) FROM pool"), 40'000);
}

TEST_F(BackupTest, Given_up_leaves_nothing) {
    add_pairs(0, 5'000);
    int asked = 0;
    const auto made = back_up(file, folder / "backups", 0, [&] { return ++asked < 3; });
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, "request.refused");
    EXPECT_EQ(asked, 3);
    EXPECT_TRUE(backups().empty());
}

TEST_F(BackupTest, What_a_killed_one_left_is_in_nobodys_way) {
    fs::create_directories(folder / "backups");
    std::ofstream(folder / "backups" / "station.db.new") << std::string(100'000, 'x');
    std::ofstream(folder / "backups" / "station.db.new-journal") << std::string(100, 'x');
    ASSERT_TRUE(back_up(file, folder / "backups", 0));
    EXPECT_EQ(backups().size(), 2U);
}

TEST_F(BackupTest, A_damaged_database_gives_no_backup) {
    add_pairs(0, 200);
    store.reset();
    const auto page =
        number(file, "SELECT rootpage FROM sqlite_schema WHERE name = 'pool' AND type = 'table'");
    {
        std::fstream raw(file, std::ios::in | std::ios::out | std::ios::binary);
        raw.seekp((page - 1) * 4096);
        raw << std::string(4096, '\0');
    }
    const auto made = back_up(file, folder / "backups", 0);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, "db.failed");
    EXPECT_TRUE(backups().empty());
}

TEST_F(BackupTest, Stands_before_a_migration_and_stops_it_when_it_cannot_be_made) {
    store.reset();
    fs::remove(file);
    {
        sqlite3* raw = nullptr;
        ASSERT_EQ(sqlite3_open(file.c_str(), &raw), SQLITE_OK);
        const Connection connection(raw);
        ASSERT_TRUE(execute(raw, migrations().front().sql, "version 1"));
        ASSERT_TRUE(execute(raw,
                            "PRAGMA application_id = 0x4c534445; PRAGMA user_version = 1;"
                            "INSERT INTO pool (name) VALUES ('old')",
                            "version 1"));
    }
    const auto refused = Store::open(loop, file, [](sqlite3*, int) -> base::Status {
        return base::fail("disk.full", "no room for the backup");
    });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "disk.full");
    EXPECT_EQ(number(file, "PRAGMA user_version"), 1);
    auto opened = Store::open(loop, file, [this](sqlite3* source, int from) -> base::Status {
        EXPECT_EQ(from, 1);
        auto made = back_up_from(source, folder / "backups", 0);
        return made ? base::Status() : tl::unexpected<base::Error>(made.error());
    });
    ASSERT_TRUE(opened) << opened.error().message;
    const auto kept = folder / "backups" / backup_name(0, 0);
    EXPECT_EQ(number(kept, "PRAGMA user_version"), 1);
    EXPECT_EQ(number(kept, "SELECT count(*) FROM pool"), 1);
    EXPECT_EQ(read_facts(kept).value()->schema, 1);
}

TEST_F(BackupTest, Check_within_a_time_ends) {
    add_pairs(0, 10'000);
    const auto connection = open_for_reading_only(file).value();
    const auto from = std::chrono::steady_clock::now();
    EXPECT_TRUE(quick_check(connection.get(), 1));
    EXPECT_LT(std::chrono::steady_clock::now() - from, std::chrono::seconds(5));
    EXPECT_TRUE(quick_check(connection.get()));
}

}  // namespace
}  // namespace lineside::db
