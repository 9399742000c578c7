// SPDX-License-Identifier: Apache-2.0
#include "station/records/job_context.h"

#include "station/records/attempts_fixture.h"

#include <gtest/gtest.h>

namespace lineside::records {
namespace {

using base::Json;

class JobContextTest : public AttemptsTest {
  protected:
    Json ask(std::int64_t of) {
        db::Tx tx(connection.get());
        const auto got = job_context(tx, of);
        EXPECT_TRUE(got) << got.error().message;
        return got ? *got : Json();
    }
    // Passed attempts of unit 100 and up, with one step of so many seconds.
    void passed(std::initializer_list<int> seconds) {
        for (const int s : seconds) {
            began = hour;
            const int one = attempt(100 + job, "9", "PASS", hour + s / 3600.0);
            step(one, 0, "flash", s);
            step(one, 1, "restart", 1);
            step(one, 2, "restart", 2);
        }
    }
    double hour = 1;
};

TEST_F(JobContextTest, Usual_is_the_median_of_those_before_it) {
    passed({10, 400, 20, 30, 40});
    passed({7'200});  // ends after the one shown began
    began = 2;
    const int shown = attempt(1, "1", "FAIL", 3);
    passed({5, 5, 5, 5, 5, 5});  // made later: says nothing of what was usual then
    const Json usual = ask(shown)["usual"];
    EXPECT_EQ(usual["of"], 5);
    EXPECT_NEAR(usual["median_s"].get<double>(), 30, 0.01);
    EXPECT_EQ(usual["steps"],
              (Json::array({{{"index", 0}, {"name", "flash"}, {"median_s", 30.0}},
                            {{"index", 1}, {"name", "restart"}, {"median_s", 1.0}},
                            {{"index", 2}, {"name", "restart"}, {"median_s", 2.0}}})));
}

TEST_F(JobContextTest, Few_failed_and_other_products_say_nothing) {
    passed({10, 10, 10, 10});
    began = 2;
    EXPECT_TRUE(ask(attempt(1, "1", "PASS", 3))["usual"].is_null()) << "four are too few";
    attempt(2, "2", "FAIL", 3);
    began = 4;
    EXPECT_EQ(ask(attempt(4, "1", "PASS", 5))["usual"]["of"], 5);
    image = "another";
    EXPECT_TRUE(ask(attempt(5, "1", "PASS", 5))["usual"].is_null());
    image = "img";
    run("INSERT INTO orders (id, name, profile, model, pool_id, quantity, state, opened_ms, "
        "opened_by) VALUES (3, 'o3', 'other', 'nx', 1, 5, 'open', 0, 'x')");
    EXPECT_TRUE(ask(attempt(6, "1", "PASS", 5, "", 3))["usual"].is_null());
}

TEST_F(JobContextTest, Two_before_and_two_after_on_the_same_slot) {
    attempt(1, "2", "PASS", 1);
    attempt(2, "2", "FAIL", 2, "boot.none");
    attempt(3, "3", "PASS", 2);
    attempt(4, "2", "PASS", 3);
    const int shown = attempt(5, "2", "PASS", 4);
    attempt(6, "2", "PASS", 5);
    const Json beside = ask(shown)["on_slot"];
    ASSERT_EQ(beside.size(), 4U);
    EXPECT_EQ(beside[0], (Json{{"job", 2},
                               {"unit", 2},
                               {"serial", nullptr},
                               {"outcome", "FAIL"},
                               {"display_code", "F12"},
                               {"at", 2 * kHour}}));
    EXPECT_EQ(beside[1]["unit"], 4);
    EXPECT_EQ(beside[2]["job"], shown);
    EXPECT_EQ(beside[3]["unit"], 6);
}

TEST_F(JobContextTest, There_is_no_such_job) {
    db::Tx tx(connection.get());
    EXPECT_EQ(job_context(tx, 99).error().code, "request.unknown");
}

}  // namespace
}  // namespace lineside::records
