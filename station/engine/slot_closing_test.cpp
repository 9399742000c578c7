// SPDX-License-Identifier: Apache-2.0
#include "station/engine/line_fixture.h"

namespace lineside::engine::testing {
namespace {

class SlotClosingTest : public LineTest {
  protected:
    void pass(const std::string& slot) {
        FakeWorker& serial = to_serial(slot, next_chip());
        const std::size_t before = launcher->workers.size();
        serial.ok();
        FakeWorker& last = worker(before + 1, "read-serial");
        last.say(protocol::Proof{"serial", {{"serial", tile(slot)["serial"]}}});
        last.ok();
        run_until("PASS", [&] { return state(slot) == "pass"; });
        take_out(slot);
    }
    void fail(const std::string& slot) { to_fail(slot, next_chip()); }
    void take_out(const std::string& slot) {
        bus->unplug(slot);
        const auto done = acknowledge(slot);
        ASSERT_TRUE(done) << done.error().message;
    }
    std::string next_chip() { return fmt::format("0xa{}", ++chips_); }
    base::Result<Json> close(const std::string& slot, const std::string& reason) {
        return ask([&](Done done) { engine->close_slot(slot, reason, {"tomas", ""}, done); });
    }
    base::Result<Json> reopen(const std::string& slot, const std::string& reason) {
        return ask([&](Done done) { engine->reopen_slot(slot, reason, {"tomas", ""}, done); });
    }
    void close_by_rule() {
        open_line(30);
        for (int i = 0; i < 3; ++i) {
            pass("1");
            pass("2");
        }
        for (int i = 0; i < 2; ++i) {
            fail("3");
            EXPECT_EQ(tile("3")["action"], "Put in repair bin");
            take_out("3");
            ASSERT_EQ(state("3"), "empty");
        }
        fail("3");
    }

  private:
    int chips_ = 0;
};

TEST_F(SlotClosingTest, Trouble_that_follows_the_slot_closes_it_with_the_verdict_and_its_counts) {
    close_by_rule();
    const Json judged = tile("3");
    EXPECT_EQ(judged["action"], "Use another slot") << "the unit is not to blame";
    EXPECT_EQ(judged["retry"], false);
    EXPECT_EQ(retry("3").error().code, "slot.closed");
    take_out("3");
    const Json closed = tile("3");
    EXPECT_EQ(closed["state"], "closed");
    EXPECT_EQ(closed["word"], "Slot closed");
    EXPECT_EQ(closed["reason"], "F11, 3 of 3 here");
    EXPECT_EQ(closed["action"], "Call technician");
    EXPECT_EQ(Json::parse(sql("SELECT data FROM event WHERE kind = 'slot.closed'")),
              (Json{{"reason", "F11, 3 of 3 here"},
                    {"code", "unit.no_proof"},
                    {"in_a_row", 3},
                    {"units", 3},
                    {"cases", 3},
                    {"attempts", 3},
                    {"other_cases", 0},
                    {"other_attempts", 6},
                    {"other_passed", 6},
                    {"passed_elsewhere", 0}}));
    EXPECT_EQ(sql("SELECT job_id FROM event WHERE kind = 'slot.closed'"),
              sql("SELECT max(id) FROM job WHERE slot = '3'"));
}

TEST_F(SlotClosingTest, A_closed_slot_starts_nothing_over_a_restart_until_it_is_reopened) {
    close_by_rule();
    take_out("3");
    restart({});
    run_until("the image", [&] { return order_is_ready(); });
    EXPECT_EQ(state("3"), "closed");
    const std::size_t before = launcher->workers.size();
    bus->plug("3");
    settle();
    EXPECT_EQ(launcher->workers.size(), before);
    EXPECT_EQ(tile("3")["state"], "closed");
    EXPECT_EQ(tile("3")["action"], "Use another slot");
    EXPECT_EQ(reopen("3", " ").error().code, "request.invalid");
    EXPECT_TRUE(reopen("3", "new cable"));
    worker(before + 1, "flash");
    EXPECT_EQ(sql("SELECT actor || data FROM event WHERE kind = 'slot.reopened'"),
              R"(tomas{"reason":"new cable"})");
    EXPECT_EQ(reopen("3", "again").error().code, "request.conflict");
}

TEST_F(SlotClosingTest, What_was_before_a_reopening_no_longer_counts) {
    close_by_rule();
    take_out("3");
    clock.advance_ms(1000);
    EXPECT_TRUE(reopen("3", "new cable"));
    clock.advance_ms(1000);
    for (int i = 0; i < 2; ++i) {
        fail("3");
        take_out("3");
        EXPECT_EQ(state("3"), "empty");
    }
    fail("3");
    take_out("3");
    EXPECT_EQ(state("3"), "closed");
}

TEST_F(SlotClosingTest, Where_all_slots_fail_alike_none_closes) {
    open_line(30);
    pass("1");
    for (int i = 0; i < 4; ++i) {
        for (const char* slot : {"1", "2", "3"}) {
            fail(slot);
            take_out(slot);
            EXPECT_EQ(state(slot), "empty");
        }
    }
    EXPECT_EQ(sql("SELECT count(*) FROM slot_closing"), "0");
}

TEST_F(SlotClosingTest, A_layout_is_put_at_once_told_to_open_walls_and_kept) {
    open_line();
    Json reset;
    const auto page = engine->subscribe(std::nullopt, [&](const LiveTickPtr& tick) {
        for (const LiveEvent& event : tick->events) {
            if (event.kind == "reset") {
                reset = Json::parse(*event.text);
            }
        }
    });
    EXPECT_EQ(reset["layout"], Json::array());
    const auto put = [&](std::vector<journal::Place> places) {
        return ask([&](Done done) { engine->place_slots(places, {"tomas", ""}, done); });
    };
    ASSERT_TRUE(put({{"1", 0, 0, "A"}, {"2", 0, 2, "A"}, {"3", 4, 0, ""}}));
    const Json placed{{{"slot", "1"}, {"line", 0}, {"place", 0}, {"hub", "A"}},
                      {{"slot", "2"}, {"line", 0}, {"place", 2}, {"hub", "A"}},
                      {{"slot", "3"}, {"line", 4}, {"place", 0}, {"hub", ""}}};
    run_until("a snapshot", [&] { return reset["layout"] == placed; });
    EXPECT_EQ(reset["tiles"].size(), 3U);
    EXPECT_EQ(Json::parse(sql("SELECT data FROM event WHERE kind = 'slots.placed'"))["places"],
              placed);
    for (const auto& wrong :
         std::vector<std::vector<journal::Place>>{{{"9", 0, 0, ""}},
                                                  {{"1", 0, 0, ""}, {"1", 0, 1, ""}},
                                                  {{"1", 0, 0, ""}, {"2", 0, 0, ""}},
                                                  {{"1", 64, 0, ""}},
                                                  {{"1", 0, -1, ""}},
                                                  {{"1", 0, 0, "a\nb"}},
                                                  {{"1", 0, 0, std::string(97, 'h')}}}) {
        EXPECT_EQ(put(wrong).error().code, "request.invalid");
    }
    restart({});
    EXPECT_EQ(engine->wall()["layout"], placed);
    ASSERT_TRUE(put({{"2", 0, 0, ""}}));
    EXPECT_EQ(engine->wall()["layout"].size(), 1U);
    ASSERT_TRUE(put({}));
    EXPECT_EQ(engine->wall()["layout"], Json::array());
}

TEST_F(SlotClosingTest, The_wall_shows_the_way_to_training_for_a_minute_after_it_was_told) {
    open_line();
    const auto show = [&](const std::string& url) {
        return ask([&](Done done) { engine->show_training(url, done); });
    };
    const auto shown = [&] { return engine->wall()["station"]["training"]; };
    EXPECT_EQ(shown(), nullptr);
    ASSERT_TRUE(show("http://127.0.0.1:8090/"));
    EXPECT_EQ(shown(), "http://127.0.0.1:8090/");
    clock.advance_ms(60'000);
    EXPECT_EQ(shown(), nullptr);
    ASSERT_TRUE(show("http://127.0.0.1:8090/"));
    ASSERT_TRUE(show(""));
    EXPECT_EQ(shown(), nullptr);
    for (const char* wrong : {"javascript:alert(1)", "http://a b", "//x"}) {
        EXPECT_EQ(show(wrong).error().code, "request.invalid") << wrong;
    }
}

TEST_F(SlotClosingTest, A_technician_closes_one_by_hand_and_what_runs_there_goes_on) {
    open_line();
    EXPECT_EQ(close("9", "wet").error().code, "request.unknown");
    EXPECT_EQ(close("1", "").error().code, "request.invalid");
    FakeWorker& flash = to_flash("1");
    EXPECT_TRUE(close("1", "hub is warm"));
    EXPECT_EQ(close("1", "again").error().code, "slot.closed");
    EXPECT_EQ(state("1"), "flashing");
    flash.fail("tool.silence");
    run_until("the end", [&] { return state("1") == "timeout"; });
    EXPECT_EQ(tile("1")["action"], "Use another slot");
    EXPECT_EQ(tile("1")["press"], nullptr);
    take_out("1");
    EXPECT_EQ(tile("1")["reason"], "by tomas");
    EXPECT_EQ(sql("SELECT actor || data FROM event WHERE kind = 'slot.closed'"),
              R"(tomas{"reason":"hub is warm"})");
}

TEST_F(SlotClosingTest, A_pass_is_acknowledged_by_a_next_unit_that_may_not_start) {
    open_line();
    to_pass("1");
    EXPECT_TRUE(close("1", "hub is warm"));
    bus->unplug("1");
    bus->plug("1");
    clock.advance_ms(60'000);
    settle();
    run_until("the closed slot", [&] { return state("1") == "closed"; });
    EXPECT_EQ(sql("SELECT acknowledged_by FROM job"), "next unit");
}

}  // namespace
}  // namespace lineside::engine::testing
