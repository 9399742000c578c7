// SPDX-License-Identifier: Apache-2.0
// A port that comes and goes closes its slot; one whose units leave for a reason does not.
#include "station/engine/line_fixture.h"

namespace lineside::engine {
namespace {

using namespace testing;

constexpr int kOften = 20;  // more than enough

class SlotFlapping : public LineTest {
  protected:
    void leave(const std::string& slot) {
        clock.advance_ms(1000);
        bus->unplug(slot);
    }
    void flap(const std::string& slot, int times) {
        for (int i = 0; i < times; ++i) {
            leave(slot);
            bus->plug(slot);
        }
    }
    std::string closings() { return sql("SELECT count(*) FROM slot_closing"); }
    void expect_open() {
        settle();
        EXPECT_EQ(closings(), "0");
    }
    base::Result<Json> reopen(const std::string& slot) {
        return ask([&](Done done) { engine->reopen_slot(slot, "new cable", {"tomas", ""}, done); });
    }
};

TEST_F(SlotFlapping, Closes_with_its_counts_until_a_technician_reopens_it_over_a_restart_too) {
    begin();
    bus->plug("1");
    bus->plug("2");
    flap("1", 5);
    expect_open();
    flap("1", 1);
    run_until("the closing", [&] { return state("1") == "closed"; });
    EXPECT_EQ(tile("1")["reason"], "E31, came and went 6 times in 5 s");
    EXPECT_EQ(tile("1")["action"], "Use another slot");
    EXPECT_EQ(Json::parse(sql("SELECT data FROM event WHERE kind = 'slot.closed'")),
              (Json{{"reason", "E31, came and went 6 times in 5 s"},
                    {"code", "slot.flapping"},
                    {"times", 6},
                    {"seconds", 5}}));
    EXPECT_EQ(sql("SELECT closed_by FROM slot_closing"), "station");
    EXPECT_EQ(tile("2")["state"], "waiting");
    leave("1");
    EXPECT_EQ(tile("1")["action"], "Call technician");
    restart({{"1", kRecovery}});
    EXPECT_EQ(state("1"), "closed");
    ASSERT_TRUE(reopen("1"));
    flap("1", 5);
    settle();
    EXPECT_EQ(state("1"), "waiting") << "what was before the reopening counts no more";
    flap("1", 1);
    run_until("the closing", [&] { return state("1") == "closed"; });
    EXPECT_EQ(closings(), "2");
}

TEST_F(SlotFlapping, Nothing_starts_at_a_port_that_is_being_closed) {
    open_line();
    FakeWorker& flash = to_flash("1");
    flap("1", 1);  // the job of it ends
    run_until("the worker is told", [&] { return flash.ended; });
    run_until("the verdict", [&] { return state("1") == "error"; });
    leave("1");  // out of the slot it was judged in
    ASSERT_TRUE(acknowledge("1"));
    for (int i = 0; i < 4; ++i) {  // aborted in the line: nobody has room for a port like this
        bus->plug("1");
        leave("1");
        run_until("a verdict", [&] { return tile("1")["ack"] == "ready"; });
        ASSERT_TRUE(acknowledge("1"));
    }
    expect_open();
    bus->plug("1");
    leave("1");
    run_until("a verdict", [&] { return tile("1")["ack"] == "ready"; });
    ASSERT_TRUE(acknowledge("1"));
    const std::string jobs = sql("SELECT count(*) FROM job");
    bus->plug("1");
    run_until("the closing", [&] { return state("1") == "closed"; });
    settle();
    EXPECT_EQ(sql("SELECT count(*) FROM job"), jobs);
}

TEST_F(SlotFlapping, A_port_that_is_slower_than_that_stays_open) {
    begin();
    bus->plug("1");
    for (int i = 0; i < kOften; ++i) {
        clock.advance_ms(12'000);
        flap("1", 1);
    }
    expect_open();
}

TEST_F(SlotFlapping, What_a_tool_announces_before_or_a_moment_late_is_its_own) {
    open_line();
    FakeWorker& flash = to_flash("1");
    for (int i = 0; i < kOften; ++i) {
        flash.say(protocol::Expect{{"0955:7e19"}, 30});
        flap("1", 1);
        flap("1", 1);
        flash.say(protocol::Expect{{"0955:7e19"}, 30});
    }
    expect_open();
    EXPECT_EQ(state("1"), "flashing");
}

TEST_F(SlotFlapping, Units_that_start_and_are_taken_out_explain_themselves) {
    open_line(kOften);
    for (int i = 0; i < kOften; ++i) {
        const std::size_t before = launcher->workers.size();
        to_serial("1", fmt::format("0xa{}", i)).ok();
        FakeWorker& last = worker(before + 4, "read-serial");
        last.say(protocol::Proof{"serial", {{"serial", tile("1")["serial"]}}});
        last.ok();
        run_until("PASS", [&] { return state("1") == "pass"; });
        leave("1");
        ASSERT_TRUE(acknowledge("1"));
    }
    expect_open();
}

TEST_F(SlotFlapping, A_switch_explains_what_it_switches) {
    auto& power = config.slots[0].power.emplace();
    power.power.driver = power::Driver::hub_port;
    power.off = power.hold = std::chrono::milliseconds(1);
    power.back = std::chrono::seconds(60);
    plan(0).retries = kOften;
    open_line();
    launcher->on_switch = [this](const std::string& /*port*/, bool on) {
        on ? bus->plug("1") : leave("1");
    };
    to_flash("1");
    for (std::size_t i = 1; i <= kOften; ++i) {
        worker(i, "flash").fail("usb.cycle");
        worker(i + 1, "flash");
    }
    expect_open();
}

TEST_F(SlotFlapping, A_hub_that_comes_and_goes_is_not_its_ports) {
    begin();
    for (int i = 0; i < kOften; ++i) {
        bus->plug("1");
        bus->plug("2");
        bus->plug("3");
        leave("1");
        bus->unplug("2");
        bus->hub_left();  // the third had no time to leave
        bus->unplug("3");
        bus->hub_left();
    }
    bus->plug("1");
    bus->plug("2");
    bus->plug("3");
    expect_open();
}

TEST_F(SlotFlapping, A_hub_that_drops_all_its_ports_is_not_its_ports) {
    begin();
    for (int i = 0; i < kOften; ++i) {
        bus->plug("1");
        bus->plug("2");
        leave("1");
        bus->unplug("2");
    }
    bus->plug("1");
    expect_open();
    flap("1", 6);  // alone, while the hub has no other: nobody else can be to blame
    run_until("the closing", [&] { return state("1") == "closed"; });
}

TEST_F(SlotFlapping, Ports_that_are_mapped_may_be_tried_as_often_as_one_likes) {
    begin();
    ASSERT_TRUE(ask([&](Done done) { engine->map_ports(true, {"tomas", ""}, done); }));
    bus->plug("1");
    flap("1", kOften);
    expect_open();
}

}  // namespace
}  // namespace lineside::engine
