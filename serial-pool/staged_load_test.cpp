// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/staged_load.h"

#include "serial-pool/pool_fixture.h"
#include "serial-pool/serial_pool.h"
#include "serial-pool/token_rotation.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>

namespace lineside::serial_pool {
namespace {

class StagedLoad : public PoolFixture {
  protected:
    std::string dump() {
        std::string all;
        EXPECT_TRUE(store->read_now([&](db::Tx& tx) -> base::Status {
            for (const char* table :
                 {"pool", "batch", "batch_template", "serial", "serial_field", "token"}) {
                auto done =
                    tx.each(std::string("SELECT * FROM ") + table, {}, [&](const db::Tx::Row& row) {
                        for (int i = 0; i < row.columns(); ++i) {
                            all += row.text(i) + "|";
                        }
                        all += "\n";
                        return true;
                    });
                EXPECT_TRUE(done);
            }
            return {};
        }));
        return all;
    }
    std::int64_t number(const std::string& query) {
        return run<std::int64_t>([&](db::Tx& tx) -> base::Result<std::int64_t> {
                   return std::get<0>(tx.one<std::int64_t>(query)->value());
               })
            .value();
    }
    static std::string many(int rows) {
        std::string csv;
        for (int i = 0; i < rows; ++i) {
            csv += fmt::format("M{:07},token{}\n", i, i * 7919 % rows);
        }
        return csv;
    }
    base::Result<LoadOutcome> stage(const std::string& csv, const BatchOptions& options = {}) {
        return stage_batch(*store, *vault, {"p1", "staged", false, 1, "ana"}, csv, options, stop);
    }
};

TEST_F(StagedLoad, Loads_all_and_counts) {
    const auto loaded = load("p1", "b1", "S1,t1\nS2,t2\nS1,t1\n");
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->count, 2);
    EXPECT_EQ(number("SELECT count(*) FROM serial WHERE free = 1"), 2);
    EXPECT_EQ(number("SELECT count(*) FROM batch WHERE state = 'open'"), 1);
    EXPECT_EQ(dump().find("t1"), std::string::npos);
}

TEST_F(StagedLoad, Rejected_load_changes_nothing) {
    ASSERT_TRUE(load("p1", "b1", "S1,t1\n"));
    const std::string before = dump();
    EXPECT_EQ(load("p1", "b2", "S2,t2\nS 3,t3\n").error().code, "batch.invalid");
    EXPECT_EQ(load("p1", "b2", "S2,t2\ns1,t9\n").error().code,
              "batch.invalid");  // serial known, other case
    EXPECT_EQ(load("p1", "b2", "S2,t1\n").error().code, "batch.invalid");     // token known
    EXPECT_EQ(load("p1", "b2", "S1,t1\n").error().code, "batch.invalid");     // the very pair
    EXPECT_EQ(load("p2", "b1", "S2,t2\n").error().code, "request.conflict");  // name taken
    EXPECT_EQ(load("p 2", "b2", "S2,t2\n").error().code, "request.invalid");
    EXPECT_EQ(load("p2", "b2", "").error().code, "batch.invalid");
    EXPECT_EQ(dump(), before);
}

TEST_F(StagedLoad, Spare_tokens_come_with_the_file_and_are_taken_when_one_is_rotated) {
    ASSERT_TRUE(load("p1", "b1", "serial,token,spare_token\nS1,t1,\nS2,t2,u2\nS3,t3,u3\n"));
    EXPECT_EQ(number("SELECT count(*) FROM token"), 5);
    EXPECT_EQ(number("SELECT count(*) FROM token_spare WHERE serial_id IS NULL"), 2);
    EXPECT_EQ(dump().find("u2"), std::string::npos);
    // Known ones are refused in each place.
    EXPECT_EQ(load("p1", "b2", "serial,token,spare_token\nS4,t4,u2\n").error().code,
              "batch.invalid");
    EXPECT_EQ(load("p1", "b2", "serial,token,spare_token\nS4,t4,t1\n").error().code,
              "batch.invalid");
    EXPECT_EQ(load("p1", "b2", "S4,u3\n").error().code, "batch.invalid");
    Lease lease;
    lease.serial = base::SerialId(number("SELECT id FROM serial WHERE value = 'S1'"));
    lease.value = "S1";
    lease.batch = "b1";
    lease.has_token = true;
    Move move;
    move.reason = "rework";
    EXPECT_EQ(
        run<TokenChange>([&](db::Tx& tx) { return rotate_token(tx, *vault, lease, move); }).value(),
        TokenChange::rotated);
    std::string live;
    ASSERT_TRUE(store->read_now([&](db::Tx& tx) -> base::Status {
        auto row = tx.one<db::Blob>("SELECT token_sealed FROM serial WHERE value = 'S1'");
        live =
            std::string(vault->open_token(std::get<0>(**row).bytes, {"S1", "b1"}).value().reveal());
        return {};
    }));
    EXPECT_EQ(live, "u2");
}

TEST_F(StagedLoad, Nobody_gets_a_serial_before_the_batch_is_open) {
    ASSERT_TRUE(load("p1", "b1", "S1,t1\n"));
    const auto outcome = stage(many(3000));
    ASSERT_TRUE(outcome && outcome->staged);
    EXPECT_EQ(outcome->staged->count, 3000);
    EXPECT_EQ(number("SELECT count(*) FROM serial"), 3001);
    EXPECT_EQ(number("SELECT count(*) FROM token t JOIN serial s ON s.id = t.serial_id"
                     " AND s.token_mac = t.mac AND s.batch_id = t.batch_id"),
              3001);
    sql("INSERT INTO orders (id, name, profile, model, pool_id, quantity, state, opened_ms, "
        "opened_by)"
        " VALUES (1, 'o', 'p', 'm', 1, 10, 'open', 1, 'ana')");
    sql("INSERT INTO unit (id, model, first_ms) VALUES (1, 'm', 1), (2, 'm', 1)");
    const auto take = [&](int unit) {
        return run<Lease>(
            [&](db::Tx& tx) { return reserve(tx, base::UnitId(unit), base::OrderId(1), {}); });
    };
    EXPECT_EQ(take(1)->value, "S1");
    EXPECT_EQ(take(2).error().code, "pool.empty");
    ASSERT_TRUE(store->write_now([&](db::Tx& tx) { return open_batch(tx, outcome->staged->id); }));
    EXPECT_EQ(take(2)->value, "M0000000");
}

TEST_F(StagedLoad, A_batch_left_loading_is_gone_at_the_next_start) {
    ASSERT_TRUE(load("p1", "b1", "S1,t1\n"));
    const std::string before = dump();
    BatchOptions options;
    options.ap_ssid = SsidTemplate::parse("Cam-{serial:-4}").value();
    ASSERT_TRUE(stage(
        "serial,token,ap_password,spare_token\nA1,a1,12345678,x1\nA2,a2,abcdefgh,x2\n", options));
    ASSERT_NE(dump(), before);
    const auto gone = remove_unfinished(*store);
    ASSERT_TRUE(gone) << gone.error().message;
    EXPECT_EQ(*gone, std::vector<std::string>{"staged"});
    EXPECT_EQ(dump(), before);
    EXPECT_TRUE(remove_unfinished(*store)->empty());
    EXPECT_TRUE(load("p1", "staged", "A1,a1\n")) << "serials and tokens may come again";
}

TEST_F(StagedLoad, A_conflict_that_comes_in_between_takes_everything_back) {
    ASSERT_TRUE(load("p1", "b1", "S1,t1\n"));
    const std::string before = dump();
    // The schema's own view of a load by somebody else: a trigger that refuses one row late.
    sql("CREATE TEMP TRIGGER late BEFORE INSERT ON main.serial WHEN NEW.value = 'M0001999'"
        " BEGIN SELECT RAISE(ABORT, 'serial: exists'); END");
    const auto outcome = stage(many(2000));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, "batch.invalid");
    EXPECT_NE(outcome.error().message.find("line 2000"), std::string::npos)
        << outcome.error().message;
    EXPECT_EQ(dump(), before);
}

TEST_F(StagedLoad, A_load_that_is_told_to_stop_leaves_its_rows_to_the_next_start) {
    ASSERT_TRUE(load("p1", "b1", "S1,t1\n"));
    const std::string before = dump();
    stop = true;
    EXPECT_EQ(stage(many(2000)).error().code, "request.refused");
    EXPECT_EQ(*remove_unfinished(*store), std::vector<std::string>{"staged"});
    EXPECT_EQ(dump(), before);
}

TEST_F(StagedLoad, Access_points_are_kept_with_the_serial_and_passwords_sealed) {
    const auto outcome = stage("serial,token,ap_ssid,ap_password\nA1,t1,Cam 1,Secret-of-A1\n");
    ASSERT_TRUE(outcome && outcome->staged) << outcome.error().message;
    EXPECT_EQ(dump().find("Secret-of-A1"), std::string::npos);
    const auto sealed = run<std::string>([](db::Tx& tx) -> base::Result<std::string> {
        return std::get<0>(tx.one<db::Blob>("SELECT sealed FROM serial_field WHERE name = "
                                            "'ap_password' AND value IS NULL")
                               ->value())
            .bytes;
    });
    EXPECT_EQ(vault->open_token(*sealed, {"A1", "staged", "ap_password"})->reveal(),
              "Secret-of-A1");
    EXPECT_FALSE(vault->open_token(*sealed, {"A1", "staged"})) << "never as a token";
    EXPECT_EQ(number("SELECT count(*) FROM serial_field WHERE value = 'Cam 1'"), 1);
}

TEST_F(StagedLoad, Fields_of_a_serial_are_told_from_its_columns_and_its_batch_s_template) {
    BatchOptions options;
    options.ap_ssid = *SsidTemplate::parse("Cam-{serial:-2}");
    const auto outcome = stage("serial,token,ap_password\nA0017,t1,Secret-of-A1\n", options);
    ASSERT_TRUE(outcome && outcome->staged) << outcome.error().message;
    const auto fields = run<std::vector<UnitField>>([](db::Tx& tx) {
        return unit_fields(
            tx,
            std::get<0>(**tx.one<base::SerialId>("SELECT id FROM serial WHERE value = 'A0017'")));
    });
    ASSERT_EQ(fields->size(), 2U);
    Lease lease;
    lease.value = "A0017";
    lease.batch = "staged";
    EXPECT_EQ((*fields)[0].name, "ap_password");
    EXPECT_EQ(open_field(*vault, lease, (*fields)[0])->reveal(), "Secret-of-A1");
    EXPECT_EQ((*fields)[1].name, "ap_ssid");
    EXPECT_EQ(open_field(*vault, lease, (*fields)[1])->reveal(), "Cam-17");
    lease.value = "A0018";
    EXPECT_FALSE(open_field(*vault, lease, (*fields)[0])) << "sealed for another serial";
}

TEST_F(StagedLoad, A_batch_may_be_for_one_order_of_its_pool) {
    ASSERT_TRUE(load("p1", "b1", "S1,t1\n"));
    ASSERT_TRUE(load("p2", "b2", "S2,t2\n"));
    sql("INSERT INTO orders (id, name, profile, model, pool_id, quantity, state, opened_ms, "
        "opened_by)"
        " VALUES (1, 'o1', 'p', 'm', 1, 10, 'open', 1, 'ana')");
    LoadRequest request{"p1", "b3", false, 1, "ana", "o1"};
    EXPECT_TRUE(stage_batch(*store, *vault, request, "S3,t3\n", {}, stop));
    EXPECT_EQ(number("SELECT order_id FROM batch WHERE name = 'b3'"), 1);
    request.batch = "b4";
    request.order = "nothing";
    EXPECT_EQ(stage_batch(*store, *vault, request, "S4,t4\n", {}, stop).error().code,
              "request.invalid");
    request = {"p2", "b4", false, 1, "ana", "o1"};
    EXPECT_EQ(stage_batch(*store, *vault, request, "S4,t4\n", {}, stop).error().code,
              "request.invalid");
}

TEST_F(StagedLoad, Free_names_count_up) {
    EXPECT_EQ(load("p1", "", "S1,t1\n")->name, "p1-20261120-1");
    EXPECT_EQ(load("p1", "", "S2,t2\n")->name, "p1-20261120-2");
}

TEST_F(StagedLoad, A_preview_stores_nothing) {
    ASSERT_TRUE(load("p1", "b1", "S1,t1\n"));
    const std::string before = dump();
    const auto seen =
        preview_batch(*store, *vault, {"p1", "b2", false, 1, "ana"}, "S2,t1\nS3,t3\n", {});
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->check["verdict"], "reject");
    EXPECT_EQ(seen->check["errors"][0]["field"], "token");
    EXPECT_EQ(dump(), before);
}

// What the preview lets through, the load takes; what the load refuses, the preview tells.
TEST_F(StagedLoad, A_preview_refuses_names_and_orders_as_the_load_does) {
    ASSERT_TRUE(load("p1", "b1", "S1,t1\n"));
    ASSERT_TRUE(load("p2", "b2", "S2,t2\n"));
    sql("INSERT INTO orders (id, name, profile, model, pool_id, quantity, state, opened_ms, "
        "opened_by) VALUES (1, 'open', 'p', 'm', 1, 10, 'open', 1, 'ana'),"
        " (2, 'closed', 'p', 'm', 1, 10, 'closed', 1, 'ana')");
    struct Target {
        const char* pool;
        const char* batch;
        const char* order;
        const char* code;  // "" = taken
        const char* says;
    };
    const std::string before = dump();
    for (const Target& each : std::initializer_list<Target>{
             {"p1", "b2", "", "request.conflict", "There is a batch b2 already"},
             {"p1", "b 3", "", "request.invalid", "Names of pools"},
             {"p 1", "", "", "request.invalid", "Names of pools"},
             {"p1", "b3", "none", "request.invalid", "no open order none"},
             {"p1", "b3", "closed", "request.invalid", "no open order closed"},
             {"p2", "b3", "open", "request.invalid", "open does not take from pool p2"},
             {"new", "b3", "open", "request.invalid", "open does not take from pool new"},
             {"new", "b3", "", "", ""},
             {"p1", "", "open", "", ""}}) {
        const LoadRequest request{each.pool, each.batch, false, 1, "ana", each.order};
        const auto seen = preview_batch(*store, *vault, request, "S9,t9\n", {});
        EXPECT_EQ(dump(), before);
        const std::string code = each.code;
        ASSERT_EQ(seen.has_value(), code.empty()) << each.says;
        if (seen) {
            EXPECT_EQ(seen->check["verdict"], "accept");
            continue;
        }
        EXPECT_EQ(seen.error().code, code);
        EXPECT_NE(seen.error().message.find(each.says), std::string::npos) << seen.error().message;
        const auto loaded = stage_batch(*store, *vault, request, "S9,t9\n", {}, stop);
        ASSERT_FALSE(loaded);
        EXPECT_EQ(loaded.error().message, seen.error().message);
        EXPECT_EQ(dump(), before);
    }
    const auto lines = preview_batch(*store, *vault, {"p1", "b1", false, 1, "ana"}, "S1,t1\n", {});
    ASSERT_TRUE(lines) << "what is wrong with the file comes first, as in a load";
    EXPECT_EQ(lines->check["verdict"], "reject");
    ASSERT_TRUE(stage("S3,t3\n"));
    EXPECT_TRUE(preview_batch(*store, *vault, {"p1", "staged", false, 1, "ana"}, "S4,t4\n", {}))
        << "a batch left loading goes before the next load";
}

}  // namespace
}  // namespace lineside::serial_pool
