// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/batch_end.h"

#include "serial-pool/pool_fixture.h"
#include "serial-pool/pool_status.h"
#include "serial-pool/serial_pool.h"

#include <gtest/gtest.h>

namespace lineside::serial_pool {
namespace {

class BatchEndTest : public PoolFixture {
  protected:
    void SetUp() override {
        PoolFixture::SetUp();
        ASSERT_TRUE(load("p1", "b1", "S1,t1\nS2,t2\nS3,t3\nS4,t4\nS5,t5\nS6,t6\nS7,t7\n"));
        sql("INSERT INTO orders (id, name, profile, model, pool_id, quantity, state, opened_ms,"
            " opened_by, allow_no_chip) VALUES (1, 'o', 'p', 'm', 1, 99, 'open', 1, 'ana', 1)");
    }
    Move by_ana() {
        Move move;
        move.by_user = "ana";
        move.reason = "lost";
        return move;
    }
    // A unit with a lease in this state; `pass`: its job passes.
    void unit(int id, LeaseState state, bool pass = false) {
        sql(fmt::format("INSERT INTO unit (id, model, first_ms) VALUES ({}, 'm', 1)", id));
        const auto done = run<bool>([&](db::Tx& tx) -> base::Result<bool> {
            const auto lease = reserve(tx, base::UnitId(id), base::OrderId(1), {}).value();
            if (state == LeaseState::released) {
                return release(tx, lease.id, {}).has_value();
            }
            if (state == LeaseState::reserved) {
                return true;
            }
            bool good = issue(tx, lease.id, {}).has_value();
            if (state == LeaseState::burned) {
                good = good && burn(tx, lease.id, {});
            } else if (state != LeaseState::issued) {
                good = good && doubt(tx, lease.id, {});
                good = good && (state != LeaseState::voided || void_lease(tx, lease.id, by_ana()));
            }
            return good;
        });
        ASSERT_TRUE(*done);
        if (pass) {
            sql(
                fmt::format("INSERT INTO job (id, unit_id, order_id, slot, port, attempt, epoch, "
                            "state, actor, started_ms, started_mono_ns, boot) VALUES ({0}, {0}, 1, "
                            "'{0}', 'x', 1, 1, 'x', 'x', 1, 1, 'x')",
                            id));
            sql(
                fmt::format("INSERT INTO proof (job_id, kind, ok, expected, heard, at_ms) VALUES "
                            "({0}, 'image', 1, 'a', 'a', 1), ({0}, 'serial', 1, 'a', 'a', 1)",
                            id));
            sql(fmt::format("UPDATE job SET outcome = 'PASS', ended_ms = 2 WHERE id = {}", id));
        }
    }
    base::Result<BatchAccount> close() {
        return run<BatchAccount>([](db::Tx& tx) { return close_batch(tx, {"b1", "ana", "", 7}); });
    }
};

TEST_F(BatchEndTest, A_closed_batch_accounts_for_each_serial) {
    unit(1, LeaseState::burned, true);
    unit(2, LeaseState::burned);  // heard, but the unit never passed
    unit(3, LeaseState::in_doubt);
    unit(4, LeaseState::voided);
    unit(5, LeaseState::released);
    unit(6, LeaseState::reserved);
    const auto refused = close();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "request.conflict") << "a unit is at work";
    sql("UPDATE lease SET state = 'released' WHERE unit_id = 6");
    const auto account = close();
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(to_json(*account).dump(),
              R"({"at_work":0,"batch":"b1","in_doubt":1,"left":3,"loaded":7,"passed":1,)"
              R"("pool":"p1","scrapped":2,"state":"closed","voided":1})");
    sql("INSERT INTO unit (id, model, first_ms) VALUES (9, 'm', 1)");
    const auto none =
        run<Lease>([](db::Tx& tx) { return reserve(tx, base::UnitId(9), base::OrderId(1), {}); });
    EXPECT_EQ(none.error().code, "pool.empty") << "what is left of it is not given out";
    EXPECT_FALSE(close());
    const auto status = run<std::vector<PoolStatus>>([](db::Tx& tx) { return pool_status(tx, 1); });
    EXPECT_EQ(status->at(0).counts.free, 0);
    EXPECT_EQ(status->at(0).counts.set_aside, 3);
    // A unit in doubt may still pass; the account adds up with it, too.
    sql("UPDATE lease SET state = 'burned' WHERE unit_id = 3");
    const auto later = run<BatchAccount>([](db::Tx& tx) { return batch_account(tx, "b1"); });
    EXPECT_EQ(later->scrapped, 3);
    EXPECT_EQ(later->in_doubt, 0);
}

TEST_F(BatchEndTest, Only_an_untouched_batch_is_withdrawn) {
    const auto withdraw = [&](const std::string& reason) {
        return run<BatchAccount>([&](db::Tx& tx) {
            return withdraw_batch(tx, {"b1", "ana", reason, 7});
        });
    };
    EXPECT_EQ(withdraw("").error().code, "request.invalid");
    unit(1, LeaseState::released);
    unit(2, LeaseState::issued);
    EXPECT_EQ(withdraw("wrong file").error().code, "request.conflict");
    ASSERT_TRUE(load("p1", "b2", "Z1,z1\n"));
    const auto other = run<BatchAccount>([&](db::Tx& tx) {
        return withdraw_batch(tx, {"b2", "ana", "wrong file", 7});
    });
    ASSERT_TRUE(other) << other.error().message;
    EXPECT_EQ(other->left, 1);
    const auto batches = run<std::vector<BatchStatus>>([](db::Tx& tx) { return batch_status(tx); });
    EXPECT_EQ(batches->at(0).state, "withdrawn");
    EXPECT_EQ(batches->at(0).end_reason, "wrong file");
    EXPECT_EQ(batches->at(0).counts.set_aside, 1);
    EXPECT_EQ(run<BatchAccount>([](db::Tx& tx) { return batch_account(tx, "none"); }).error().code,
              "request.unknown");
}

TEST_F(BatchEndTest, The_low_water_mark_is_set_by_name) {
    const auto set = [&](const std::string& pool, std::int64_t mark) {
        return store->write_now([&](db::Tx& tx) { return set_warn_at(tx, pool, mark); });
    };
    EXPECT_TRUE(set("p1", 7));
    EXPECT_TRUE(
        run<std::vector<PoolStatus>>([](db::Tx& tx) { return pool_status(tx, 1); })->at(0).low());
    EXPECT_EQ(set("p9", 7).error().code, "request.unknown");
    EXPECT_EQ(set("p1", -1).error().code, "request.invalid");
}

}  // namespace
}  // namespace lineside::serial_pool
