// SPDX-License-Identifier: Apache-2.0
// After a restore no serial that the lost time may have issued is free, whatever is left of the old
// database; and killed anywhere, a restore is ended or not begun, never half done.
#include "station/care/restore.h"

#include "station/care/backup_folder.h"
#include "station/care/care_fixture.h"
#include "station/care/soundness.h"
#include "station/db/connection.h"

#include <csignal>

namespace lineside::care {
namespace {

using base::Json;
using base::Result;

class RestoreTest : public CareFixture {
  protected:
    void SetUp() override {
        CareFixture::SetUp();
        make_unit(1, {"issued", "burned"});
        make_unit(2, {"issued"});
        make_unit(3, {});  // reserved when the backup is made
        sql("INSERT INTO account (id, name, name_key, role, password, made_ms, made_by) VALUES (1, "
            "'Ana', 'ana', 'admin', 'hash', 1, 'first link')");
        sql("INSERT INTO session (hash, account_id, source, opened_ms, opened_by, expires_ms) "
            "VALUES (zeroblob(32), 1, '::1', 1, 'Ana', 9)");
        sql("INSERT INTO session (hash, screen, source, opened_ms, opened_by) VALUES (x'" +
            std::string(64, '1') + "', 'Wall', '::1', 1, 'Ana')");
        sql("INSERT INTO badge (id, account_id, hash, made_ms, made_by) VALUES (1, 1, "
            "zeroblob(32), "
            "1, 'Ana')");
        sql("INSERT INTO badge_shift (badge_id, session_id, opened_ms, expires_ms) VALUES (1, 2, "
            "1, "
            "9)");
        backup = make_backup(*data, {}, now_ms)->backup.file;
        // The lost time.
        sql("UPDATE lease SET state = 'issued' WHERE unit_id = 3");
        make_unit(4, {"issued", "burned"});
        make_unit(5, {"issued"});
        make_unit(6, {"issued", "in_doubt"});
        make_unit(7, {});
        add_batch(2, "later", 5);
    }
    // As a service that was told to stop.
    void stop() {
        event("station.stopped");
        event("journal.signed");
        store.reset();
    }
    // As one that was killed: the log stays.
    void kill() {
        ASSERT_TRUE(RunningMark::set(*data, 1));
        const fs::path copy = folder / "copy";
        fs::create_directories(copy);
        for (const auto& each : fs::directory_iterator(data->path)) {
            if (each.is_regular_file()) {
                fs::copy_file(each.path(), copy / each.path().filename());
            }
        }
        store.reset();
        for (const auto& each : fs::directory_iterator(copy)) {
            fs::copy_file(each.path(), data->path / each.path().filename(),
                          fs::copy_options::overwrite_existing);
        }
        fs::remove(data->database().string() + "-shm");
    }
    Result<Json> put_back(std::optional<std::int64_t> units = std::nullopt) {
        return restore({backup, *data, units, "uid 0 (root)", now_ms + 1000});
    }
    std::int64_t number(const std::string& text) const {
        const auto connection = db::open_for_reading_only(data->database());
        EXPECT_TRUE(connection) << connection.error().message;
        return connection ? db::pragma_number(connection->get(), text.c_str()).value_or(-1) : -1;
    }
    std::string state_of(int unit) const {
        const auto connection = db::open_for_reading_only(data->database()).value();
        db::Tx tx(connection.get());
        const auto row = tx.one<std::string>(
                               "SELECT state FROM lease WHERE unit_id = ?1 AND state <> 'released' "
                               "ORDER BY id DESC LIMIT 1",
                               unit)
                             .value();
        return row ? std::get<0>(*row) : "";
    }
    // Serials that may be on a unit: b-001 … b-007 were given to units 1 to 7 (7: only reserved).
    std::int64_t given_and_free(const char* beyond = "b-006") const {
        return number(
            fmt::format("SELECT count(*) FROM serial s JOIN batch b ON b.id = s.batch_id "
                        "WHERE s.free = 1 AND b.state = 'open' AND s.value <= '{}' AND "
                        "b.name = 'b'",
                        beyond));
    }
    void sound() {
        EXPECT_EQ(look_at(*data, std::nullopt, 0).what, "");
        boost::asio::io_context io;
        EXPECT_TRUE(db::Store::open(io, data->database()));
    }
    fs::path backup;
};

TEST_F(RestoreTest, Whole_old_database_everything_it_gave_out_is_in_doubt) {
    stop();
    const auto done = put_back();
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->at("old_database"), "whole") << done->dump();
    EXPECT_EQ(given_and_free(), 0);
    EXPECT_EQ(state_of(1), "burned");
    for (const int unit : {3, 4, 5, 6, 7}) {
        EXPECT_EQ(state_of(unit), "in_doubt") << unit;
    }
    EXPECT_EQ(number("SELECT count(*) FROM batch WHERE state = 'open'"), 2);
    EXPECT_EQ(done->at("batches_taken_over"), Json::array({"later"}));
    EXPECT_EQ(number("SELECT count(*) FROM serial WHERE batch_id = 2 AND free = 1"), 5);
    EXPECT_EQ(number("SELECT count(*) FROM unit WHERE chip_id = 'chip5'"), 1);
    EXPECT_EQ(number("SELECT count(*) FROM event WHERE kind = 'station.restored'"), 1);
    EXPECT_EQ(number("SELECT count(*) FROM session"), 2);
    EXPECT_EQ(number("SELECT count(*) FROM session WHERE ended_ms IS NULL"), 0);
    EXPECT_EQ(number("SELECT count(*) FROM badge WHERE revoked_ms IS NULL"), 0);
    EXPECT_EQ(number("SELECT count(*) FROM badge_shift WHERE ended_ms IS NULL"), 0);
    EXPECT_TRUE(fs::exists(done->at("kept_as").get<std::string>()));
    EXPECT_TRUE(fs::exists(fs::path(done->at("logs_kept_as").get<std::string>()) / "7"));
    EXPECT_FALSE(fs::exists(data->logs() / "4"));
    EXPECT_TRUE(fs::exists(data->logs() / "3"));
    sound();
}

TEST_F(RestoreTest, Killed_service_with_its_log_is_whole) {
    kill();
    const auto done = put_back();
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->at("old_database"), "whole") << done->dump();
    EXPECT_EQ(given_and_free(), 0);
    EXPECT_TRUE(fs::exists(done->at("kept_as").get<std::string>() + "-wal"));
    sound();
}

TEST_F(RestoreTest, Killed_service_without_its_log_closes_the_batches) {
    kill();
    fs::remove(data->database().string() + "-wal");
    const auto done = put_back();
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_NE(done->at("old_database"), "whole") << done->dump();
    EXPECT_EQ(given_and_free(), 0);
    EXPECT_EQ(number("SELECT count(*) FROM batch WHERE state = 'open'"), 0);
    sound();
}

TEST_F(RestoreTest, Log_with_a_damaged_frame_is_not_whole) {
    kill();
    const fs::path log = data->database().string() + "-wal";
    std::fstream raw(log, std::ios::in | std::ios::out | std::ios::binary);
    raw.seekp(static_cast<std::streamoff>(fs::file_size(log) / 2));
    raw << "damage";
    raw.close();
    const auto done = put_back();
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_NE(done->at("old_database"), "whole") << done->dump();
    EXPECT_EQ(given_and_free(), 0);
    sound();
}

TEST_F(RestoreTest, Unreadable_or_missing_old_database_closes_every_open_batch) {
    stop();
    for (const bool gone : {false, true}) {
        if (gone) {
            fs::remove(data->database());
        } else {
            fs::resize_file(data->database(), fs::file_size(data->database()) / 2);
        }
        const auto done = put_back();
        ASSERT_TRUE(done) << done.error().message;
        EXPECT_EQ(done->at("old_database"), gone ? "none" : "unreadable");
        EXPECT_EQ(done->at("batches_closed"), Json::array({"b"}));
        EXPECT_EQ(number("SELECT count(*) FROM batch WHERE state = 'open'"), 0);
        EXPECT_EQ(state_of(2), "in_doubt");
        EXPECT_EQ(state_of(3), "in_doubt");
        sound();
        now_ms += 5000;
    }
}

TEST_F(RestoreTest, Persons_word_keeps_the_batch_open_behind_what_can_have_been_given) {
    stop();
    fs::resize_file(data->database(), 8192);
    const auto refused = put_back(3);  // there are logs of jobs 4 to 7
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("logs of 4"), std::string::npos);
    const auto done = put_back(4);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->at("set_aside"), 7);  // and three that were open in the backup
    EXPECT_EQ(given_and_free("b-007"), 0);
    EXPECT_EQ(number("SELECT count(*) FROM serial WHERE free = 1"), 30);
    EXPECT_EQ(number("SELECT count(*) FROM batch WHERE state = 'open'"), 1);
    EXPECT_EQ(number("SELECT count(*) FROM lease WHERE state = 'voided' AND by_user = 'uid 0 "
                     "(root)'"),
              7);
    sound();
}

TEST_F(RestoreTest, Journal_of_another_history_is_no_old_database) {
    stop();
    const fs::path other = folder / "other.db";
    {
        boost::asio::io_context io;
        auto elsewhere = db::Store::open(io, other).value();
        ASSERT_TRUE(elsewhere->write_now([](db::Tx& tx) -> base::Status {
            (void)tx.run("INSERT INTO station (id, name, created_ms) VALUES (1, 'other', 0)");
            return {};
        }));
    }
    fs::copy_file(other, data->database(), fs::copy_options::overwrite_existing);
    const auto done = put_back();
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->at("old_database"), "unreadable");
    EXPECT_EQ(number("SELECT count(*) FROM batch WHERE state = 'open'"), 0);
}

TEST_F(RestoreTest, Bad_backups_and_a_running_service_change_nothing) {
    const auto running = put_back();
    ASSERT_FALSE(running);
    EXPECT_EQ(running.error().code, "request.refused");
    stop();
    const auto before = db::sha256_of_file(data->database()).value();
    const fs::path good = backup;
    const auto bad = [&](const char* what, const std::function<void(const fs::path&)>& spoil) {
        backup = folder / "bad.db";
        fs::copy_file(good, backup, fs::copy_options::overwrite_existing);
        spoil(backup);
        EXPECT_FALSE(put_back()) << what;
        EXPECT_EQ(db::sha256_of_file(data->database()).value(), before) << what;
        EXPECT_FALSE(fs::exists(data->path / "station.db.restoring")) << what;
        EXPECT_FALSE(fs::exists(data->restoring())) << what;
    };
    const auto shell = [](const fs::path& file, const char* text) {
        sqlite3* raw = nullptr;
        ASSERT_EQ(sqlite3_open(file.c_str(), &raw), SQLITE_OK);
        const db::Connection connection(raw);
        ASSERT_EQ(sqlite3_exec(raw, text, nullptr, nullptr, nullptr), SQLITE_OK);
    };
    bad("missing", [](const fs::path& file) { fs::remove(file); });
    bad("cut", [](const fs::path& file) { fs::resize_file(file, fs::file_size(file) / 2); });
    bad("text", [](const fs::path& file) { std::ofstream(file) << "serial,token\n"; });
    bad("newer", [&](const fs::path& file) { shell(file, "PRAGMA user_version = 99"); });
    bad("other program", [&](const fs::path& file) { shell(file, "PRAGMA application_id = 3"); });
    bad("changed rules", [&](const fs::path& file) { shell(file, "DROP TRIGGER lease_kept"); });
    bad("dangling", [&](const fs::path& file) { shell(file, "UPDATE orders SET image_id = 7"); });
    backup = good;
    std::ofstream(backup, std::ios::app) << "x";
    const auto changed = put_back();
    ASSERT_FALSE(changed);
    EXPECT_NE(changed.error().message.find("bytes were changed"), std::string::npos);
    backup = data->database();
    EXPECT_FALSE(put_back());
}

TEST_F(RestoreTest, Token_that_was_replaced_meanwhile_is_the_new_one) {
    const std::string now = vault->mac("fresh").value();
    ASSERT_TRUE(write([&](db::Tx& tx) -> base::Status {
        auto ran =
            tx.run("INSERT INTO token (mac, batch_id, serial_id) VALUES (?1, 1, 1)", db::Blob{now});
        if (ran) {
            ran = tx.run(
                "INSERT INTO token_revoked (serial_id, mac, sealed, at_ms, by_user, reason) SELECT "
                "id, token_mac, token_sealed, 1, 'ana', 'rework' FROM serial WHERE id = 1");
        }
        if (ran) {
            ran = tx.run("UPDATE serial SET token_sealed = ?1, token_mac = ?2 WHERE id = 1",
                         db::Blob{vault->seal(base::Secret("fresh"), {"b-001", "b"}).value()},
                         db::Blob{now});
        }
        return ran ? base::Status() : tl::unexpected<base::Error>(ran.error());
    }));
    stop();
    ASSERT_TRUE(put_back());
    const auto connection = db::open_for_reading_only(data->database()).value();
    db::Tx tx(connection.get());
    EXPECT_EQ(
        std::get<0>(*tx.one<db::Blob>("SELECT token_mac FROM serial WHERE id = 1").value()).bytes,
        now);
    EXPECT_EQ(std::get<0>(*tx.one<std::int64_t>("SELECT count(*) FROM token_revoked").value()), 1);
}

#ifdef LINESIDE_CRASHPOINTS
// The child is this program anew: it finds its folder in the environment and sets nothing up.
class RestoreKilled : public RestoreTest, public testing::WithParamInterface<const char*> {
  protected:
    static bool is_child() { return std::getenv("LINESIDE_TEST_DATA") != nullptr; }
    void SetUp() override {
        GTEST_FLAG_SET(death_test_style, "threadsafe");
        if (!is_child()) {
            RestoreTest::SetUp();
            kill();
            ::setenv("LINESIDE_TEST_BACKUP", backup.c_str(), 1);
            ::setenv("LINESIDE_CRASH_AT", GetParam(), 1);
            ::setenv("LINESIDE_TEST_DATA", data->path.c_str(), 1);
        }
    }
    static void restore_in_child() {
        (void)restore({std::getenv("LINESIDE_TEST_BACKUP"),
                       DataFolder(std::getenv("LINESIDE_TEST_DATA")), std::nullopt, "uid 0 (root)",
                       1'790'000'100'000});
    }
};

TEST_P(RestoreKilled, Is_not_begun_or_ends_at_the_next_call) {
    EXPECT_EXIT(restore_in_child(), testing::KilledBySignal(SIGKILL), "");
    ::unsetenv("LINESIDE_CRASH_AT");
    ::unsetenv("LINESIDE_TEST_DATA");
    const bool begun = fs::exists(data->restoring());
    EXPECT_EQ(begun, std::string_view(GetParam()) != "restore_made");
    const auto found = look_at(*data, std::nullopt, 0);
    EXPECT_EQ(found.verdict, begun ? Verdict::damaged : Verdict::sound) << found.what;
    const auto done = put_back();
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->value("finished", false), begun);
    EXPECT_EQ(given_and_free(), 0);
    EXPECT_EQ(number("SELECT count(*) FROM event WHERE kind = 'station.restored'"), 1);
    EXPECT_FALSE(fs::exists(data->restoring()));
    sound();
}
INSTANTIATE_TEST_SUITE_P(Points, RestoreKilled,
                         testing::Values("restore_made", "restore_planned", "restore_moved",
                                         "restore_named"));
#endif

}  // namespace
}  // namespace lineside::care
