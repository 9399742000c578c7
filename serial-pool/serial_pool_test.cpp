// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/serial_pool.h"

#include "serial-pool/batch_load.h"
#include "serial-pool/pool_fixture.h"
#include "serial-pool/pool_status.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

namespace lineside::serial_pool {
namespace {

using base::LeaseId;
using base::OrderId;
using base::UnitId;

const Move kMove{base::JobId(), 1, 1000, "", ""};
const OrderId kOrder(1);

class SerialPoolTest : public PoolFixture {
  protected:
    void SetUp() override {
        PoolFixture::SetUp();
        ASSERT_TRUE(load("p1", "b1", "S1,t1\nS2,t2\nS3,t3\n"));
        sql("INSERT INTO orders (id, name, profile, model, pool_id, quantity, state, opened_ms, "
            "opened_by)"
            " VALUES (1, 'o1', 'pr', 'nx', 1, 5, 'open', 0, 'x')");
        sql("INSERT INTO unit (id, model, first_ms) VALUES (1, 'nx', 0), (2, 'nx', 0), (3, 'nx', "
            "0), (4, 'nx', 0)");
    }
    Lease reserved(std::int64_t unit) {
        return run<Lease>([&](Tx& tx) { return reserve(tx, UnitId(unit), kOrder, kMove); }).value();
    }
    Issued issued(LeaseId id) {
        return run<Issued>([&](Tx& tx) { return issue(tx, id, kMove); }).value();
    }
    LeaseState state(LeaseId id) {
        return run<Lease>([&](Tx& tx) { return lease(tx, id); }).value().state;
    }
    std::string error_of(const std::function<Status(Tx&)>& work) {
        const Status done = store->write_now(work);
        return done ? "" : done.error().code;
    }
    // A lease of unit `unit` brought into `wanted`.
    LeaseId in_state(std::int64_t unit, LeaseState wanted) {
        const LeaseId id = reserved(unit).id;
        if (wanted == LeaseState::released) {
            EXPECT_EQ(error_of([&](Tx& tx) { return release(tx, id, kMove); }), "");
        } else if (wanted != LeaseState::reserved) {
            (void)issued(id);
            if (wanted == LeaseState::burned) {
                EXPECT_EQ(error_of([&](Tx& tx) { return burn(tx, id, kMove); }), "");
            } else if (wanted != LeaseState::issued) {
                EXPECT_EQ(error_of([&](Tx& tx) { return doubt(tx, id, kMove); }), "");
                if (wanted == LeaseState::voided) {
                    EXPECT_EQ(error_of([&](Tx& tx) {
                                  return void_lease(tx, id, {{}, 1, 1, "lost", "ana"});
                              }),
                              "");
                }
            }
        }
        EXPECT_EQ(state(id), wanted);
        return id;
    }
};

TEST_F(SerialPoolTest, First_loaded_goes_out_first_and_the_end_is_told) {
    EXPECT_EQ(reserved(1).value, "S1");
    EXPECT_EQ(reserved(2).value, "S2");
    EXPECT_EQ(reserved(3).value, "S3");
    const auto none = run<Lease>([&](Tx& tx) { return reserve(tx, UnitId(4), kOrder, kMove); });
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, "pool.empty");
    EXPECT_NE(none.error().message.find("p1"), std::string::npos);
    const auto unknown =
        run<Lease>([&](Tx& tx) { return reserve(tx, UnitId(4), OrderId(77), kMove); });
    EXPECT_EQ(unknown.error().code, "request.unknown");
}

TEST_F(SerialPoolTest, Released_serial_is_the_first_free_one_again) {
    const Lease first = reserved(1);
    (void)reserved(2);
    EXPECT_EQ(error_of([&](Tx& tx) { return release(tx, first.id, kMove); }), "");
    EXPECT_EQ(reserved(3).value, "S1");
    EXPECT_EQ(reserved(1).value, "S3");
}

TEST_F(SerialPoolTest, Later_batches_follow_and_other_pools_do_not) {
    ASSERT_TRUE(load("p2", "other", "X1,x1\n"));
    ASSERT_TRUE(load("p1", "b2", "S0,t0\n"));
    for (const char* serial : {"S1", "S2", "S3", "S0"}) {
        static std::int64_t unit = 0;
        EXPECT_EQ(reserved(++unit).value, serial);
    }
}

TEST_F(SerialPoolTest, Unit_keeps_its_live_lease) {
    for (const LeaseState live : {LeaseState::reserved, LeaseState::issued, LeaseState::burned}) {
        const std::int64_t unit = static_cast<std::int64_t>(live) + 1;
        const LeaseId id = in_state(unit, live);
        EXPECT_EQ(reserved(unit).id, id);
        EXPECT_EQ(state(id), live);
    }
}

TEST_F(SerialPoolTest, Token_comes_with_its_serial) {
    const Issued given = issued(reserved(2).id);
    EXPECT_EQ(given.lease.value, "S1");
    EXPECT_EQ(given.sealed.find("t1"), std::string::npos);
    EXPECT_EQ(open_token(*vault, given).value()->reveal(), "t1");
    const Issued again = issued(given.lease.id);
    EXPECT_EQ(again.lease.id, given.lease.id);
    EXPECT_EQ(open_token(*vault, again).value()->reveal(), "t1");
    EXPECT_EQ(error_of([&](Tx& tx) { return burn(tx, given.lease.id, kMove); }), "");
    EXPECT_EQ(issued(given.lease.id).lease.state, LeaseState::burned);
}

TEST_F(SerialPoolTest, Serial_without_token_issues_none) {
    ASSERT_TRUE(load("p9", "test", "T1\n", true));
    sql("INSERT INTO orders (id, name, profile, model, pool_id, quantity, state, opened_ms, "
        "opened_by)"
        " VALUES (9, 'o9', 'pr', 'nx', 2, 5, 'open', 0, 'x')");
    const auto lease =
        run<Lease>([&](Tx& tx) { return reserve(tx, UnitId(1), OrderId(9), kMove); }).value();
    EXPECT_FALSE(lease.has_token);
    EXPECT_FALSE(open_token(*vault, issued(lease.id)).value());
}

// Every move of every state: what the functions allow is what the page says.
TEST_F(SerialPoolTest, Moves_are_those_of_the_page) {
    using enum LeaseState;
    struct Row {
        LeaseState from;
        LeaseState issue, burn, doubt, release,
            void_;           // the state afterwards; `from` with no error = no move
        std::string errors;  // which of i b d r v are refused
    };
    const std::vector<Row> table{
        {reserved, issued, reserved, reserved, released, reserved, "bdv"},
        {issued, issued, burned, in_doubt, issued, issued, "rv"},
        {burned, burned, burned, burned, burned, burned, "rv"},
        {in_doubt, issued, burned, in_doubt, in_doubt, voided, "r"},
        {released, released, released, released, released, released, "ibdv"},
        {voided, voided, voided, voided, voided, voided, "ibdrv"},
    };
    const Move named{{}, 1, 2000, "lost", "ana"};
    std::int64_t unit = 100;
    int serial = 0;
    for (const Row& row : table) {
        for (const auto& [name, after] :
             std::vector<std::pair<char, LeaseState>>{{'i', row.issue},
                                                      {'b', row.burn},
                                                      {'d', row.doubt},
                                                      {'r', row.release},
                                                      {'v', row.void_}}) {
            ++unit;
            sql("INSERT INTO unit (id, model, first_ms) VALUES (" + std::to_string(unit) +
                ", 'nx', 0)");
            ++serial;
            ASSERT_TRUE(load("p1", "x" + std::to_string(serial),
                             "X" + std::to_string(serial) + ",y" + std::to_string(serial)));
            const LeaseId id = in_state(unit, row.from);
            const std::string error = error_of([&, name = name](Tx& tx) -> Status {
                switch (name) {
                    case 'i': {
                        auto given = issue(tx, id, named);
                        return given ? Status() : tl::unexpected<base::Error>(given.error());
                    }
                    case 'b':
                        return burn(tx, id, named);
                    case 'd':
                        return doubt(tx, id, named);
                    case 'r':
                        return release(tx, id, named);
                    default:
                        return void_lease(tx, id, named);
                }
            });
            const bool refused = row.errors.find(name) != std::string::npos;
            EXPECT_EQ(error, refused ? "lease.refused" : "") << to_text(row.from) << " " << name;
            EXPECT_EQ(state(id), after) << to_text(row.from) << " " << name;
        }
    }
}

TEST_F(SerialPoolTest, Voiding_needs_a_name_and_a_reason) {
    const LeaseId id = in_state(1, LeaseState::in_doubt);
    EXPECT_EQ(error_of([&](Tx& tx) {
                  return void_lease(tx, id, {{}, 1, 1, "", "ana"});
              }),
              "request.invalid");
    EXPECT_EQ(error_of([&](Tx& tx) {
                  return void_lease(tx, id, {{}, 1, 1, "lost", ""});
              }),
              "request.invalid");
    EXPECT_EQ(state(id), LeaseState::in_doubt);
}

TEST_F(SerialPoolTest, Voided_serial_never_goes_out_again_but_the_unit_gets_another) {
    (void)in_state(1, LeaseState::voided);
    EXPECT_EQ(reserved(1).value, "S2");
    EXPECT_EQ(reserved(2).value, "S3");
    EXPECT_FALSE(run<Lease>([&](Tx& tx) { return reserve(tx, UnitId(3), kOrder, kMove); }));
}

TEST_F(SerialPoolTest, Settle_releases_what_stayed_here_and_doubts_what_left) {
    const auto settled = [&](std::int64_t unit) {
        return run<std::optional<LeaseId>>([&](Tx& tx) { return settle(tx, UnitId(unit), kMove); })
            .value();
    };
    const LeaseId a = in_state(1, LeaseState::reserved);
    const LeaseId b = in_state(2, LeaseState::issued);
    const LeaseId c = in_state(3, LeaseState::burned);
    EXPECT_EQ(settled(1), a);
    EXPECT_EQ(settled(2), b);
    EXPECT_EQ(settled(3), std::nullopt);
    EXPECT_EQ(settled(4), std::nullopt);
    EXPECT_EQ(settled(2), std::nullopt);
    EXPECT_EQ(state(a), LeaseState::released);
    EXPECT_EQ(state(b), LeaseState::in_doubt);
    EXPECT_EQ(state(c), LeaseState::burned);
}

TEST_F(SerialPoolTest, Known_chip_gets_its_own_lease_back) {
    const LeaseId old = in_state(1, LeaseState::burned);
    const LeaseId temporary = in_state(2, LeaseState::reserved);
    const auto adopted =
        run<Adopted>([&](Tx& tx) { return adopt_unit(tx, UnitId(2), UnitId(1), kMove); });
    ASSERT_TRUE(adopted && adopted->live);
    EXPECT_EQ(adopted->live->id, old);
    EXPECT_EQ(adopted->released, temporary);
    EXPECT_EQ(state(temporary), LeaseState::released);
    EXPECT_EQ(reserved(3).value, "S2");  // what was reserved for the provisional unit
    const LeaseId sent = in_state(4, LeaseState::issued);
    const auto unsure =
        run<Adopted>([&](Tx& tx) { return adopt_unit(tx, UnitId(4), UnitId(1), kMove); });
    ASSERT_FALSE(unsure);
    EXPECT_EQ(unsure.error().code, "lease.doubt");
    EXPECT_EQ(state(sent), LeaseState::issued);
}

TEST_F(SerialPoolTest, Serial_is_found_whatever_its_case) {
    const LeaseId id = in_state(1, LeaseState::issued);
    const auto found =
        run<std::optional<Lease>>([&](Tx& tx) { return lease_of_serial(tx, "s1"); }).value();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->id, id);
    EXPECT_FALSE(
        run<std::optional<Lease>>([&](Tx& tx) { return lease_of_serial(tx, "S2"); }).value());
}

TEST_F(SerialPoolTest, Many_askers_never_get_one_serial_twice) {
    std::string csv;
    for (int i = 0; i < 400; ++i) {
        csv += "M" + std::to_string(i) + ",m" + std::to_string(i) + "\n";
    }
    ASSERT_TRUE(load("p1", "many", csv));
    for (int i = 0; i < 400; ++i) {
        sql("INSERT INTO unit (id, model, first_ms) VALUES (" + std::to_string(1000 + i) +
            ", 'nx', 0)");
    }
    std::vector<std::thread> askers;
    std::vector<std::vector<std::string>> got(8);
    for (std::size_t t = 0; t < got.size(); ++t) {
        askers.emplace_back([&, t] {
            for (std::size_t i = 0; i < 50; ++i) {
                got[t].push_back(reserved(static_cast<std::int64_t>(1000 + t * 50 + i)).value);
            }
        });
    }
    std::set<std::string> all;
    for (std::size_t t = 0; t < got.size(); ++t) {
        askers[t].join();
        all.insert(got[t].begin(), got[t].end());
    }
    EXPECT_EQ(all.size(), 400U);
}

TEST_F(SerialPoolTest, Counts_add_up) {
    (void)in_state(1, LeaseState::burned);
    (void)in_state(2, LeaseState::in_doubt);
    (void)in_state(3, LeaseState::released);
    const base::Json page = run<base::Json>([&](Tx& tx) { return pool_page(tx, 5000); }).value();
    const base::Json& pool = page["pools"][0];
    EXPECT_EQ(pool["total"], 3);
    EXPECT_EQ(pool["free"], 1);
    EXPECT_EQ(pool["burned"], 1);
    EXPECT_EQ(pool["in_doubt"], 1);
    EXPECT_EQ(pool["reserved"], 0);
    EXPECT_EQ(pool["used_last_hour"], 1);
    EXPECT_EQ(pool["needed"], 5);
    EXPECT_EQ(pool["low"], false);
    EXPECT_EQ(page["batches"][0]["name"], "b1");
    EXPECT_EQ(page["in_doubt"].size(), 1U);
    EXPECT_EQ(page["in_doubt"][0]["serial"], "S2");
    (void)in_state(3, LeaseState::voided);
    const base::Json after =
        run<base::Json>([&](Tx& tx) { return pool_page(tx, 5'000'000); }).value()["pools"][0];
    EXPECT_EQ(after["voided"], 1);
    EXPECT_EQ(after["low"], true);
    EXPECT_EQ(after["used_last_hour"], 0);
}

}  // namespace
}  // namespace lineside::serial_pool
