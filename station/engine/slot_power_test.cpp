// SPDX-License-Identifier: Apache-2.0
// A unit is switched off and on before a retry of its flash, and only what its port shows counts.
#include "station/engine/line_fixture.h"

namespace lineside::engine {
namespace {

using namespace testing;

class SlotPower : public LineTest {
  protected:
    void SetUp() override {
        LineTest::SetUp();
        plan(0).retries = 2;
    }
    // Slot 1 has a switch.
    power::SlotPower& with(power::Driver driver) {
        auto& power = config.slots[0].power.emplace();
        power.power.driver = driver;
        power.power.within = std::chrono::seconds(60);
        power.off = std::chrono::milliseconds(1);
        power.hold = std::chrono::milliseconds(1);
        power.back = std::chrono::seconds(60);
        return power;
    }
    // A switch that switches: the unit leaves, and is back in recovery mode.
    void obey() {
        launcher->on_switch = [this](const std::string& port, bool on) {
            EXPECT_EQ(port, port_of("1"));
            if (on) {
                bus->plug("1");
            } else {
                bus->unplug("1");
            }
        };
    }
    std::string code(const std::string& slot) { return tile(slot).value("code", ""); }
};

TEST_F(SlotPower, A_retry_of_the_flash_begins_with_a_unit_that_started_anew) {
    with(power::Driver::hub_port);
    open_line();
    obey();
    FakeWorker& first = to_flash("1");
    const std::size_t before = launcher->workers.size();
    first.fail("usb.cycle");
    run_until("restarting", [&] { return state("1") == "restarting"; });
    FakeWorker& second = worker(before + 1, "flash");
    EXPECT_EQ(second.spec.attempt, 2);
    EXPECT_EQ(launcher->switched,
              (std::vector{std::pair(port_of("1"), false), std::pair(port_of("1"), true)}));
    EXPECT_EQ(state("1"), "flashing");
    settle();
    EXPECT_EQ(sql("SELECT json_extract(data, '$.driver') FROM event WHERE kind = "
                  "'unit.power_asked'"),
              "hub-port");
    EXPECT_EQ(sql("SELECT json_extract(data, '$.result') FROM event WHERE kind = "
                  "'unit.power_cycled'"),
              "done");
    EXPECT_LT(seq("kind = 'unit.power_asked'"), seq("kind = 'unit.power_cycled'"));
    // The same job, the same unit.
    EXPECT_EQ(sql("SELECT count(*) FROM job"), "1");
    EXPECT_EQ(sql("SELECT count(*) FROM unit"), "1");
}

TEST_F(SlotPower, Other_slots_units_are_left_alone) {
    with(power::Driver::hub_port);
    open_line();
    FakeWorker& first = to_flash("2");
    const std::size_t before = launcher->workers.size();
    first.fail("tool.failed");
    EXPECT_EQ(worker(before + 1, "flash").spec.attempt, 2);  // at once: no switch there
    EXPECT_TRUE(launcher->switched.empty());
}

TEST_F(SlotPower, What_cannot_be_helped_by_it_is_not_switched) {
    with(power::Driver::hub_port);
    open_line();
    to_flash("1").fail("unit.fused");
    run_until("the verdict", [&] { return state("1") == "fail"; });
    EXPECT_TRUE(launcher->switched.empty());
}

TEST_F(SlotPower, A_later_step_is_tried_again_without) {
    plan(1).retries = 1;
    with(power::Driver::hub_port);
    open_line();
    FakeWorker& proof = to_proof("1");
    const std::size_t before = launcher->workers.size();
    proof.fail("ssh.lost");
    worker(before + 1, "prove-image");
    EXPECT_TRUE(launcher->switched.empty());
}

TEST_F(SlotPower, A_unit_that_stayed_on_is_told) {
    with(power::Driver::hub_port);
    open_line();
    to_flash("1").fail("usb.cycle");
    run_until("the verdict", [&] { return state("1") == "error"; });
    EXPECT_EQ(code("1"), "power.no_effect");
    EXPECT_EQ(launcher->switched.size(), 2U);
}

TEST_F(SlotPower, A_switch_that_fails_is_told_and_its_power_asked_back) {
    with(power::Driver::hub_port);
    open_line();
    launcher->switch_works = false;
    to_flash("1").fail("usb.cycle");
    run_until("the verdict", [&] { return state("1") == "error"; });
    EXPECT_EQ(code("1"), "power.failed");
    EXPECT_EQ(launcher->switched.back(), std::pair(port_of("1"), true));
}

TEST_F(SlotPower, A_unit_that_does_not_come_back_in_recovery_mode_is_told) {
    with(power::Driver::hub_port).back = std::chrono::milliseconds(40);
    open_line();
    launcher->on_switch = [this](const std::string& /*port*/, bool on) {
        if (on) {
            bus->plug("1", kGadget);  // it started what it had
        } else {
            bus->unplug("1");
        }
    };
    to_flash("1").fail("usb.cycle");
    run_until("the verdict", [&] { return state("1") == "error"; });
    EXPECT_EQ(code("1"), "power.no_return");
}

// Stopped while it is off: it comes back as the judged unit, not as the next one.
TEST_F(SlotPower, A_unit_that_was_judged_while_it_was_off_is_no_new_one) {
    with(power::Driver::hub_port).off = std::chrono::milliseconds(150);
    open_line();
    obey();
    to_flash("1").fail("usb.cycle");
    run_until("off", [&] { return !launcher->switched.empty() && !tile("1")["present"]; });
    const std::size_t before = launcher->workers.size();
    ask([&](Done done) { engine->stop("1", {"ana", ""}, std::move(done)); });
    run_until("on", [&] { return launcher->switched.size() == 2 && tile("1")["present"]; });
    settle();
    EXPECT_EQ(state("1"), "stopped");
    EXPECT_EQ(launcher->workers.size(), before);
    EXPECT_EQ(sql("SELECT count(*) FROM job"), "1");
}

// ---------------------------------------------------------------- by hand

TEST_F(SlotPower, A_person_is_told_and_what_the_port_shows_is_enough) {
    with(power::Driver::manual);
    open_line();
    FakeWorker& first = to_flash("1");
    const std::size_t before = launcher->workers.size();
    first.fail("usb.cycle");
    run_until("the prompt", [&] { return state("1") == "needs_operator"; });
    EXPECT_EQ(tile("1")["action"], "Switch off and on");
    EXPECT_EQ(tile("1")["ack"], "when_unplugged");
    EXPECT_FALSE(acknowledge("1"));  // it is still on
    bus->unplug("1");
    run_until("it to be off", [&] { return tile("1")["press"] == "acknowledge"; });
    bus->plug("1");
    EXPECT_EQ(worker(before + 1, "flash").spec.attempt, 2);
    EXPECT_TRUE(launcher->switched.empty());
}

TEST_F(SlotPower, A_person_may_say_it_is_done_before_the_unit_is_back) {
    with(power::Driver::manual);
    open_line();
    FakeWorker& first = to_flash("1");
    const std::size_t before = launcher->workers.size();
    first.fail("usb.cycle");
    run_until("the prompt", [&] { return state("1") == "needs_operator"; });
    bus->unplug("1");
    run_until("it to be off", [&] { return tile("1")["press"] == "acknowledge"; });
    EXPECT_TRUE(acknowledge("1"));
    EXPECT_EQ(state("1"), "restarting");
    bus->plug("1");
    worker(before + 1, "flash");
}

TEST_F(SlotPower, Nobody_did_it) {
    with(power::Driver::manual).power.within = std::chrono::milliseconds(40);
    open_line();
    to_flash("1").fail("usb.cycle");
    run_until("the verdict", [&] { return state("1") == "stopped"; });
    EXPECT_EQ(code("1"), "power.not_done");
}

// ---------------------------------------------------------------- without a retry

TEST_F(SlotPower, A_flash_that_the_services_end_cut_short_goes_on_by_itself) {
    with(power::Driver::hub_port);
    open_line();
    to_flash("1");
    settle();
    engine.reset();
    plugged_at_start = {{"1", kRecovery}};
    begin();
    obey();
    worker(launcher->workers.size() + 1, "flash");
    EXPECT_EQ(launcher->switched.size(), 2U);
}

TEST_F(SlotPower, A_technician_switches_what_nobody_works_on) {
    with(power::Driver::hub_port);
    open_line();
    obey();
    const auto power = [&](const std::string& slot) {
        return ask([&](Done done) { engine->cycle_power(slot, {"tom", ""}, std::move(done)); });
    };
    to_fail("1");
    EXPECT_TRUE(power("1"));
    EXPECT_EQ(launcher->switched.size(), 2U);
    settle();
    EXPECT_EQ(state("1"), "fail") << "the same unit, judged";
    EXPECT_EQ(sql("SELECT actor FROM event WHERE kind = 'unit.power_asked'"), "tom");
    EXPECT_EQ(power("2").error().code, "request.conflict");
    EXPECT_NE(power("2").error().message.find("[slot.power]"), std::string::npos);
    EXPECT_EQ(power("9").error().code, "request.unknown");
}

TEST_F(SlotPower, Nobody_switches_what_is_worked_on) {
    with(power::Driver::hub_port);
    open_line();
    to_flash("1");
    const auto got = ask([&](Done done) {
        engine->cycle_power("1", {"tom", ""}, std::move(done));
    });
    EXPECT_EQ(got.error().code, "request.conflict");
    EXPECT_TRUE(launcher->switched.empty());
}

}  // namespace
}  // namespace lineside::engine
