// SPDX-License-Identifier: Apache-2.0
// From every earlier schema to this one with rows in it, and what is told of a schema that somebody
// changed.
#include "station/db/file_fixture.h"
#include "station/db/store.h"
#include "station/trust/event_chain.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>

namespace lineside::db {
namespace {

// A station's first day under schema 1: a batch, a unit that passed, one in doubt, a journal.
constexpr const char* kFirstDay =
    "INSERT INTO station (id, name, created_ms, epoch, last_at_ms) VALUES (1, 'st', 1, 3, 9);"
    "INSERT INTO pool (id, name) VALUES (1, 'p');"
    "INSERT INTO batch VALUES (1, 1, 'b', 0, 5, 'ana', 'sum', 3);"
    "INSERT INTO serial (id, batch_id, value, value_key, token_sealed, token_mac) VALUES"
    " (1, 1, '00042', '00042', x'01', zeroblob(32)), (2, 1, 'S2', 's2', x'02', randomblob(32)),"
    " (3, 1, 'S3', 's3', x'03', randomblob(32));"
    "INSERT INTO orders VALUES (1, 'o', 'pr', 'nx', NULL, 1, 5, 'open', 0, 'ana');"
    "INSERT INTO unit VALUES (1, 'c1', 'm1', 'nx', 0), (2, NULL, NULL, 'nx', 0);"
    "INSERT INTO job (id, unit_id, order_id, slot, port, attempt, epoch, state, actor, started_ms,"
    " started_mono_ns, boot) VALUES (1, 1, 1, '1', 'x', 1, 1, 's', 'a', 0, 0, 'b'),"
    " (2, 2, 1, '2', 'x', 1, 1, 's', 'a', 0, 0, 'b');"
    "INSERT INTO lease (id, serial_id, unit_id, job_id, state, epoch, at_ms) VALUES"
    " (1, 1, 1, 1, 'reserved', 1, 0), (2, 2, 2, 2, 'reserved', 1, 0);"
    "UPDATE lease SET state = 'issued'; UPDATE lease SET state = 'burned' WHERE id = 1;"
    "INSERT INTO proof (job_id, kind, ok, expected, heard, at_ms) VALUES (1, 'image', 1, 'a', 'a', "
    "0), (1, 'serial', 1, 'a', 'a', 0);"
    "UPDATE job SET outcome = 'PASS', state = 'closed', ended_ms = 7 WHERE id = 1;"
    "INSERT INTO event (at_ms, mono_ns, boot, epoch, kind, slot, unit_id, job_id, data) VALUES"
    " (1, 2, 'b', 1, 'job.queued', '1', 1, 1, '{}'),"
    " (2, 9007199254740993, 'b', 1, 'job.verdict', '1', 1, 1, '{\"outcome\":\"PASS\"}');";

class Migrate : public FileTest {
  protected:
    // A database as a program of that version left it on its first start: no rows.
    void make_version(int version) const {
        sqlite3* raw = nullptr;
        ASSERT_EQ(sqlite3_open(file.c_str(), &raw), SQLITE_OK);
        const Connection connection(raw);
        const auto never_called = [](sqlite3_context* context, int, sqlite3_value**) {
            sqlite3_result_error(context, "there are no rows", -1);
        };
        sqlite3_create_function_v2(raw, "lineside_chain", 11, SQLITE_UTF8, nullptr, never_called,
                                   nullptr, nullptr, nullptr);
        for (const Migration& step : migrations()) {
            if (step.version <= version) {
                const auto ran = execute(
                    raw,
                    fmt::format("BEGIN; {}; PRAGMA application_id = {}; PRAGMA user_version = {}; "
                                "COMMIT",
                                step.sql, kApplicationId, step.version)
                        .c_str(),
                    "make");
                ASSERT_TRUE(ran) << ran.error().message;
            }
        }
    }
    std::string text(const std::string& sql) const {
        const auto connection = open_for_reading_only(file).value();
        std::string all;
        const auto add = [](void* to, int columns, char** values, char**) {
            for (int i = 0; i < columns; ++i) {
                *static_cast<std::string*>(to) +=
                    std::string(values[i] == nullptr ? "-" : values[i]) + "|";
            }
            return 0;
        };
        EXPECT_EQ(sqlite3_exec(connection.get(), sql.c_str(), add, &all, nullptr), SQLITE_OK)
            << sqlite3_errmsg(connection.get());
        return all;
    }
};

TEST_F(Migrate, First_schema_with_rows_in_it) {
    make_version(1);
    shell(kFirstDay);
    auto store = Store::open(loop, file);
    ASSERT_TRUE(store) << store.error().message;
    store->reset();
    EXPECT_EQ(text("SELECT id, value, free, length(token_mac) FROM serial ORDER BY id"),
              "1|00042|0|32|2|S2|0|32|3|S3|1|32|");
    EXPECT_EQ(text("SELECT serial_id FROM token ORDER BY serial_id"), "1|2|3|");
    EXPECT_EQ(text("SELECT state, order_id, source FROM batch"), "open|-|file|");
    EXPECT_EQ(text("SELECT serial, lease, result FROM record_v1"), "00042|burned|PASS|");
    EXPECT_EQ(text("SELECT id, serial_id, unit_id, job_id, state FROM lease ORDER BY id"),
              "1|1|1|1|burned|2|2|2|2|issued|");
    EXPECT_EQ(text("PRAGMA foreign_key_check"), "");
    EXPECT_EQ(text("PRAGMA integrity_check"), "ok|");
    EXPECT_EQ(
        text("SELECT head_seq = 2 AND head_hash = (SELECT hash FROM event WHERE seq = 2) FROM "
             "station"),
        "1|");
    EXPECT_EQ(text("SELECT seq FROM sqlite_sequence WHERE name = 'event'"), "2|");
    trust::EventRow first;
    first.seq = 1;
    first.at_ms = 1;
    first.mono_ns = 2;
    first.boot = "b";
    first.epoch = 1;
    first.kind = "job.queued";
    first.slot = "1";
    first.unit_id = 1;
    first.job_id = 1;
    first.data = "{}";
    const trust::Hash one = trust::chain_hash(trust::kChainStart, first);
    trust::EventRow second = first;
    second.seq = 2;
    second.at_ms = 2;
    second.mono_ns = 9007199254740993;
    second.kind = "job.verdict";
    second.data = R"({"outcome":"PASS"})";
    const trust::Hash two = trust::chain_hash(one, second);
    const auto hex = [](const trust::Hash& hash) {
        std::string digits;
        for (const auto byte : hash) {
            digits += fmt::format("{:02X}", byte);
        }
        return digits;
    };
    EXPECT_EQ(text("SELECT hex(prev), hex(hash) FROM event ORDER BY seq"),
              hex(trust::kChainStart) + "|" + hex(one) + "|" + hex(one) + "|" + hex(two) + "|");
}

TEST_F(Migrate, Every_earlier_schema_becomes_the_same_as_a_new_one) {
    const auto expected = expected_schema().value();
    for (int version = 0; version < migrations().back().version; ++version) {
        std::filesystem::remove(file);
        make_version(version);
        auto store = Store::open(loop, file);
        ASSERT_TRUE(store) << "from " << version << ": " << store.error().message;
        store->reset();
        const auto connection = open_for_reading_only(file).value();
        EXPECT_EQ(schema_difference(expected, schema_of(connection.get()).value()), std::nullopt);
    }
}

TEST_F(Migrate, Backup_before_a_change_and_none_of_the_change_without_it) {
    make_version(1);
    shell(kFirstDay);
    int asked = 0;
    {
        auto connection = open_connection(file, Access::write).value();
        const auto refused = migrate(connection.get(), file, [&](sqlite3*, int version) {
            asked += version;
            return base::Status(base::fail("disk.full", "no room for a backup"));
        });
        EXPECT_FALSE(refused);
    }
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(text("PRAGMA user_version"), "1|");
    {
        auto fresh = open_connection(folder / "new.db", Access::write).value();
        EXPECT_TRUE(migrate(fresh.get(), "new", [&](sqlite3*, int) {
            ADD_FAILURE() << "there is nothing to back up";
            return base::Status();
        }));
    }
}

TEST_F(Migrate, Changed_rules_are_told_by_name_and_the_station_does_not_open) {
    const std::vector<std::pair<std::string, std::string>> kChanges{
        {"DROP TRIGGER event_kept", "trigger event_kept is missing"},
        {"DROP INDEX lease_once_per_unit", "index lease_once_per_unit is missing"},
        {"DROP TRIGGER lease_moves; CREATE TRIGGER lease_moves BEFORE UPDATE ON lease WHEN 0 BEGIN "
         "SELECT 1; END",
         "trigger lease_moves was changed"},
        {"CREATE TRIGGER mine AFTER INSERT ON event BEGIN SELECT 1; END",
         "trigger mine is not of this program"},
    };
    for (const auto& [change, told] : kChanges) {
        std::filesystem::remove(file);
        Store::open(loop, file).value().reset();
        shell(change);
        const auto refused = Store::open(loop, file);
        ASSERT_FALSE(refused) << change;
        EXPECT_NE(refused.error().message.find(told), std::string::npos) << refused.error().message;
    }
}

}  // namespace
}  // namespace lineside::db
