// SPDX-License-Identifier: Apache-2.0
// A verdict stays until somebody has seen it and the unit is out; what is plugged in before waits.
#include "station/engine/line_fixture.h"

namespace lineside::engine {
namespace {

using namespace testing;

class SlotVerdict : public LineTest {};

TEST_F(SlotVerdict, Failed_unit_is_acknowledged_first) {
    open_line();
    to_fail("3");
    bus->unplug("3");
    const std::size_t workers = launcher->workers.size();
    bus->plug("3");
    settle();
    EXPECT_EQ(tile("3")["note"], "Slot 3: acknowledge the failed unit first");
    EXPECT_EQ(state("3"), "fail");
    EXPECT_EQ(launcher->workers.size(), workers);
    EXPECT_EQ(sql("SELECT count(*) FROM job"), "1");
    ASSERT_TRUE(acknowledge("3"));
    worker(workers + 1, "flash");  // by itself: the unit was waiting
    EXPECT_TRUE(tile("3")["note"].is_null());
    EXPECT_EQ(sql("SELECT acknowledged_by FROM job WHERE id = 1"), "ana");
}

TEST_F(SlotVerdict, Trouble_of_the_station_is_acknowledged_first_too) {
    open_line();
    to_flash("3").fail("worker.died");
    run_until("the verdict", [&] { return state("3") == "error"; });
    bus->unplug("3");
    bus->plug("3");
    settle();
    EXPECT_EQ(tile("3")["note"], "Slot 3: acknowledge the failed unit first");
}

struct Order : Row {
    std::vector<const char*> happens;  // out, in, ack
    const char* state;                 // of the tile afterwards
};

class SlotVerdicts : public SlotVerdict, public ::testing::WithParamInterface<Order> {};

TEST_P(SlotVerdicts, Stay_as_the_table_says) {
    open_line();
    to_fail("1");
    for (const std::string what : GetParam().happens) {
        if (what == "ack") {
            ASSERT_TRUE(acknowledge("1"));
        } else if (what == "out") {
            bus->unplug("1");
        } else {
            bus->plug("1");
        }
        settle();
    }
    EXPECT_EQ(state("1"), GetParam().state);
}

INSTANTIATE_TEST_SUITE_P(
    Table, SlotVerdicts,
    ::testing::Values(Order{"nothing_yet", {}, "fail"}, Order{"only_out", {"out"}, "fail"},
                      Order{"only_seen", {"ack"}, "fail"},
                      Order{"out_and_seen", {"out", "ack"}, "empty"},
                      Order{"seen_and_out", {"ack", "out"}, "empty"},
                      Order{"next_too_early", {"out", "in"}, "fail"},
                      Order{"next_after_it_was_seen", {"out", "ack", "in"}, "flashing"},
                      Order{"seen_while_the_next_waits", {"out", "in", "ack"}, "flashing"},
                      Order{"next_left_again", {"out", "in", "out", "ack"}, "empty"}),
    row_name<Order>);

TEST_F(SlotVerdict, Judged_unit_that_stays_is_not_started_again) {
    open_line();
    to_flash("1").fail("tool.failed");
    run_until("the verdict", [&] { return state("1") == "error"; });
    ASSERT_TRUE(acknowledge("1"));
    settle();
    EXPECT_EQ(launcher->workers.size(), 1U);
    EXPECT_EQ(tile("1")["action"], "Take out");
    EXPECT_FALSE(acknowledge("1")) << "there is nothing to acknowledge twice";
}

TEST_F(SlotVerdict, Pass_gives_way_to_the_next_unit_but_is_seen_before) {
    config.pass_stays = std::chrono::milliseconds(100);
    open_line();
    to_pass("1");
    const std::size_t workers = launcher->workers.size();
    bus->unplug("1");
    clock.advance_ms(50);
    bus->plug("1");
    settle();
    EXPECT_EQ(state("1"), "pass");
    EXPECT_EQ(sql("SELECT count(*) FROM job"), "1");
    clock.advance_ms(50);
    worker(workers + 1, "flash");
    EXPECT_EQ(sql("SELECT acknowledged_by FROM job WHERE id = 1"), "next unit");
}

TEST_F(SlotVerdict, Trying_again_is_the_next_attempt_of_the_same_unit) {
    open_line();
    FakeWorker& flash = to_flash("1");
    flash.ask(1, "unit.admit", {{"chip_id", "0xc1"}});
    settle();
    flash.fail("tool.failed");
    run_until("the verdict", [&] { return state("1") == "error"; });
    ASSERT_TRUE(retry("1"));
    worker(2, "flash");
    EXPECT_EQ(tile("1")["attempt"], 2);
    EXPECT_EQ(sql("SELECT count(DISTINCT unit_id) FROM job"), "1");
    EXPECT_EQ(sql("SELECT acknowledged_by FROM job WHERE id = 1"), "ana");
    EXPECT_EQ(sql("SELECT actor FROM job WHERE id = 2"), "ana");
}

TEST_F(SlotVerdict, Two_presses_at_once_start_one_attempt) {
    open_line();
    to_flash("1").fail("tool.failed");
    run_until("the verdict", [&] { return state("1") == "error"; });
    std::vector<bool> answers;
    for (int press = 0; press < 2; ++press) {
        engine->retry("1", {"ana", ""},
                      [&](const base::Result<Json>& done) { answers.push_back(done.has_value()); });
    }
    engine->acknowledge("1", {"ben", ""}, [&](const base::Result<Json>& done) {
        answers.push_back(done.has_value());
    });
    worker(2, "flash");
    settle();
    EXPECT_EQ(std::count(answers.begin(), answers.end(), true), 1);
    EXPECT_EQ(answers.size(), 3U);
    EXPECT_EQ(sql("SELECT count(*) FROM job"), "2");
    EXPECT_EQ(launcher->workers.size(), 2U);
    EXPECT_TRUE(engine->wall()["station"]["alarms"].empty());
}

TEST_F(SlotVerdict, Acknowledging_and_trying_again_at_once_are_not_mixed_up) {
    open_line();
    to_flash("1").fail("tool.failed");
    run_until("the verdict", [&] { return state("1") == "error"; });
    bool seen = false;
    engine->acknowledge("1", {"ben", ""},
                        [&](const base::Result<Json>& done) { seen = done.has_value(); });
    EXPECT_FALSE(retry("1")) << "the first press is not on disk yet";
    run_until("the acknowledgement", [&] { return seen; });
    EXPECT_TRUE(retry("1"));
    worker(2, "flash");
    EXPECT_TRUE(engine->wall()["station"]["alarms"].empty());
}

TEST_F(SlotVerdict, Unit_that_was_resetting_when_it_was_judged_is_no_next_unit) {
    open_line();
    for (const std::string slot : {"1", "2"}) {
        const bool out_before = slot == "1";
        FakeWorker& flash = to_flash(slot);
        flash.say(protocol::Expect{{"0955:7e19"}, 120});
        settle();
        if (out_before) {
            bus->unplug(slot);
            settle();
        }
        flash.fail("order.wrong_model");
        run_until("the verdict", [&] { return state(slot) == "error"; });
        if (!out_before) {
            bus->unplug(slot);
        }
        bus->plug(slot);
        settle();
        EXPECT_EQ(tile(slot)["ack"], "when_unplugged") << slot;
        bus->unplug(slot);
        settle();
        EXPECT_EQ(tile(slot)["ack"], "ready") << slot;
        bus->plug(slot);  // this one is another unit
        settle();
        EXPECT_EQ(tile(slot)["note"], "Slot " + slot + ": acknowledge the failed unit first")
            << slot;
    }
}

TEST_F(SlotVerdict, All_passed_units_that_are_out_are_acknowledged_at_once) {
    open_line();
    to_pass("1");
    to_pass("2");
    bus->unplug("1");
    const auto done = ask([&](Done then) {
        engine->acknowledge_passed({"ana", ""}, std::move(then));
    });
    ASSERT_TRUE(done);
    EXPECT_EQ((*done)["acknowledged"], Json::array({"1"}));
    EXPECT_EQ(state("1"), "empty");
    EXPECT_EQ(state("2"), "pass");
}

}  // namespace
}  // namespace lineside::engine
