// SPDX-License-Identifier: Apache-2.0
// The keeper at work beside others: backups with their events, a rotation to its end, logs that go.
#include "station/care/keeper.h"

#include "serial-pool/key_ring.h"
#include "station/care/care_fixture.h"
#include "station/db/connection.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

namespace lineside::care {
namespace {

using base::Json;
using base::Result;

class KeeperTest : public CareFixture {
  protected:
    void TearDown() override {
        keeper.reset();
        CareFixture::TearDown();
    }
    void begin() {
        keeper.reset();
        keeper = std::make_unique<Keeper>(
            KeeperParts{loop, *store, *vault, key_file, *data, policy, logs, nullptr,
                        [this] {
                            return journal::Stamp{now_ms, 1, "boot", 1};
                        },
                        [this](const std::string& what, const std::optional<base::Error>& error) {
                            alarms[what] = error ? error->code : "";
                            ++told;
                        }});
        ASSERT_TRUE(keeper->start());
    }
    template <typename Ask>
    Result<Json> answer(const Ask& ask) {
        std::optional<Result<Json>> got;
        ask([&](Result<Json> result) { got = std::move(result); });
        until([&] { return got.has_value(); });
        return got ? *got : base::fail("station.bug", "no answer");
    }
    void until(const std::function<bool()>& so) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!so() && std::chrono::steady_clock::now() < end) {
            loop.restart();
            loop.run_for(std::chrono::milliseconds(20));
        }
        EXPECT_TRUE(so());
    }
    std::int64_t number(const std::string& text) {
        std::int64_t n = -1;
        EXPECT_TRUE(store->read_now([&](db::Tx& tx) -> base::Status {
            n = std::get<0>(*tx.one<std::int64_t>(text).value());
            return {};
        }));
        return n;
    }
    BackupPolicy policy;
    LogPolicy logs;
    std::map<std::string, std::string> alarms;
    int told = 0;
    std::unique_ptr<Keeper> keeper;
};

TEST_F(KeeperTest, Backup_on_request_is_told_in_the_journal) {
    begin();
    const auto made = answer([&](auto done) { keeper->backup("ana", done); });
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(fs::exists(made->at("file").get<std::string>()));
    EXPECT_EQ(number("SELECT count(*) FROM event WHERE kind = 'backup.made' AND actor = 'ana'"), 1);
    EXPECT_EQ(last_good_backup(*data)->facts.seq, made->at("seq"));
}

TEST_F(KeeperTest, Backup_that_cannot_be_made_is_an_alarm_until_one_is) {
    std::ofstream(data->backups()) << "a file where the folder should be";
    begin();
    EXPECT_FALSE(answer([&](auto done) { keeper->backup("ana", done); }));
    until([&] { return alarms["backup"] == "db.failed"; });
    fs::remove(data->backups());
    EXPECT_TRUE(answer([&](auto done) { keeper->backup("ana", done); }));
    until([&] { return alarms["backup"].empty(); });
    policy.copy_to = "/proc/none";
    begin();
    EXPECT_TRUE(answer([&](auto done) { keeper->backup("ana", done); }));
    until([&] { return alarms["backup-copy"] == "db.failed"; });
}

TEST_F(KeeperTest, A_batch_is_in_a_backup_soon) {
    begin();
    keeper->backup_soon();
    until([&] { return last_good_backup(*data).has_value(); });
}

TEST_F(KeeperTest, Rotation_runs_to_its_end_by_itself) {
    begin();
    const std::string old = vault->key_id();
    add_batch(2, "big", 3000);
    const auto turned = answer([&](auto done) { keeper->rotate_key("ana", done); });
    ASSERT_TRUE(turned) << turned.error().message;
    EXPECT_EQ(turned->at("before"), old);
    EXPECT_NE(turned->at("key"), old);
    EXPECT_EQ(vault->key_id(), turned->at("key"));  // who holds the vault seals with it
    until([&] {
        return serial_pool::TokenVault::open(key_file, false)->key_ids() ==
               std::vector<std::string>{turned->at("key").get<std::string>()};
    });
    const auto keys = answer([&](auto done) { keeper->key_status(done); });
    ASSERT_TRUE(keys);
    EXPECT_EQ(keys->at("sealing_anew"), false);
    EXPECT_TRUE(keys->at("removable").empty());
    EXPECT_EQ(number("SELECT count(*) FROM event WHERE kind IN ('seal.key', 'seal.key_retired')"),
              2);
    const auto alone = serial_pool::TokenVault::open(key_file, false).value();
    EXPECT_TRUE(store->read_now([&](db::Tx& tx) { return serial_pool::check_keys(tx, alone); }));
    EXPECT_EQ(number("SELECT count(DISTINCT substr(token_sealed, 2, 8)) FROM serial"), 1);
}

TEST_F(KeeperTest, Rotation_of_a_key_file_that_cannot_be_written_says_what_to_do) {
    if (::geteuid() == 0) {
        key_file = "/proc/self/cmdline";  // root may write anything that is a file
        begin();
        EXPECT_FALSE(answer([&](auto done) { keeper->rotate_key("ana", done); }));
        return;
    }
    ::chmod(key_file.c_str(), 0400);
    begin();
    const auto refused = answer([&](auto done) { keeper->rotate_key("ana", done); });
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("lineside key append"), std::string::npos);
}

TEST_F(KeeperTest, Line_appended_by_a_person_is_taken_at_the_next_start) {
    ASSERT_TRUE(serial_pool::append_key(key_file));
    ASSERT_TRUE(vault->read_again(key_file));
    const std::string wanted = vault->key_ids().back();
    ASSERT_TRUE(write([&](db::Tx& tx) -> base::Status {
        auto settled = settle_seal_keys(tx, {1, 1, "b", 1}, *vault, "");
        return settled ? base::Status() : tl::unexpected<base::Error>(settled.error());
    }));
    begin();
    until([&] {
        return serial_pool::TokenVault::open(key_file, false)->key_ids() ==
               std::vector<std::string>{wanted};
    });
}

TEST_F(KeeperTest, Logs_go_by_age_and_by_size_but_never_a_record_or_an_open_job) {
    for (int job = 1; job <= 4; ++job) {
        make_unit(job, {"issued", "burned"});
        std::ofstream(data->logs() / std::to_string(job) / "01-flash.1.log")
            << std::string(1000, 'x');
    }
    sql("UPDATE job SET outcome = 'ERROR', code = 'x', state = 'closed', ended_ms = 1 WHERE id < "
        "4");
    const auto stamp = [this] { return journal::Stamp{now_ms, 1, "b", 1}; };
    LogPolicy by_size;
    by_size.keep_days = 36'500;
    by_size.max_bytes = 2500;
    EXPECT_EQ(retire_logs(*store, *data, by_size, stamp).value(), 2);
    EXPECT_FALSE(fs::exists(data->logs() / "2"));
    EXPECT_TRUE(fs::exists(data->logs() / "3"));
    EXPECT_EQ(retire_logs(*store, *data, LogPolicy{}, stamp).value(), 1);  // ended in 1970
    EXPECT_TRUE(fs::exists(data->logs() / "4"));
    EXPECT_EQ(retire_logs(*store, *data, LogPolicy{}, stamp).value(), 0);
    EXPECT_EQ(number("SELECT count(*) FROM event WHERE kind = 'job.log_retired'"), 3);
    EXPECT_EQ(number("SELECT count(*) FROM job"), 4);
}

#ifdef LINESIDE_CRASHPOINTS
// The child is this program anew: it finds its folder in the environment and sets nothing up.
class KeeperKilled : public KeeperTest, public testing::WithParamInterface<const char*> {
  protected:
    void SetUp() override {
        GTEST_FLAG_SET(death_test_style, "threadsafe");
        const char* const where = std::getenv("LINESIDE_TEST_DATA");
        if (where == nullptr) {
            KeeperTest::SetUp();
            make_unit(1, {"issued"});
            sql("UPDATE job SET outcome = 'ERROR', code = 'x', state = 'closed', ended_ms = 1");
            store.reset();
            ::setenv("LINESIDE_CRASH_AT", GetParam(), 1);
            ::setenv("LINESIDE_TEST_DATA", folder.c_str(), 1);
            return;
        }
        folder = where;
        data = std::make_unique<DataFolder>(folder / "data");
        key_file = folder / "station.key";
        open();
    }
    void open() {
        vault.emplace(serial_pool::TokenVault::open(key_file, false).value());
        store = db::Store::open(loop, data->database()).value();
        ASSERT_TRUE(write([&](db::Tx& tx) -> base::Status {
            auto settled = settle_seal_keys(tx, {1, 1, "b", 1}, *vault, "");
            return settled ? base::Status() : tl::unexpected<base::Error>(settled.error());
        }));
        begin();
    }
    void work() {
        (void)retire_logs(*store, *data, LogPolicy{}, [this] {
            return journal::Stamp{now_ms, 1, "b", 1};
        });
        (void)answer([&](auto done) { keeper->backup("ana", done); });
        (void)answer([&](auto done) { keeper->rotate_key("ana", done); });
        until([] { return false; });
    }
};

TEST_P(KeeperKilled, The_next_start_ends_what_was_begun) {
    EXPECT_EXIT(work(), testing::KilledBySignal(SIGKILL), "");
    ::unsetenv("LINESIDE_CRASH_AT");
    ::unsetenv("LINESIDE_TEST_DATA");
    for (const Backup& each : backups_in(data->backups())) {
        EXPECT_EQ(db::sha256_of_file(each.file).value(), each.facts.sha256);
    }
    open();
    EXPECT_TRUE(answer([&](auto done) { keeper->backup("ana", done); }));
    until([&] { return serial_pool::TokenVault::open(key_file, false)->key_ids().size() == 1; });
    EXPECT_TRUE(store->read_now([&](db::Tx& tx) {
        return serial_pool::check_keys(tx, serial_pool::TokenVault::open(key_file, false).value());
    }));
    const int left = fs::exists(data->logs() / "1") ? 1 : 0;  // by the one that was killed
    const auto retired = retire_logs(*store, *data, LogPolicy{}, [this] {
        return journal::Stamp{now_ms, 1, "b", 1};
    });
    EXPECT_EQ(retired.value(), left);
    EXPECT_LE(number("SELECT count(*) FROM event WHERE kind = 'job.log_retired'"), 1);
}
INSTANTIATE_TEST_SUITE_P(Points, KeeperKilled,
                         testing::Values("logs_told", "backup_copied", "backup_named",
                                         "key_appended", "key_row_written", "reseal_rows",
                                         "key_retired"));
#endif

}  // namespace
}  // namespace lineside::care
