// SPDX-License-Identifier: Apache-2.0
// A unit may leave where that was announced, and nowhere else.
#include "station/engine/line_fixture.h"

namespace lineside::engine {
namespace {

using namespace testing;

class SlotAbsence : public LineTest {
  protected:
    FakeWorker& at(const std::string& step) {
        return step == "flash"         ? to_flash("1")
               : step == "prove-image" ? to_proof("1")
               : step == "set-serial"  ? to_serial("1")
                                       : to_reading("1");
    }
    // The announced window is over in ten milliseconds.
    void nearly_over(int within_s) { clock.advance_ms(within_s * 1000 - 10); }
    std::string verdict() {
        run_until("the verdict", [&] { return !tile("1")["outcome"].is_null(); });
        return sql("SELECT outcome || coalesce(' ' || code, '') FROM job");
    }
};

struct Absence : Row {
    const char* step;
    std::function<void(FakeBus&, FakeWorker&)> happens;
    const char* verdict;  // "" = the job goes on
    bool late = false;    // and the announced window nearly over when the unit leaves
};

const protocol::Expect kBackAsItself{{"0955:7e19"}, 30};
const protocol::Expect kBackAsGadget{{"0955:7020"}, 30};

class SlotAbsences : public SlotAbsence, public ::testing::WithParamInterface<Absence> {};

TEST_P(SlotAbsences, Ends_as_the_table_says) {
    open_line();
    FakeWorker& busy = at(GetParam().step);
    if (GetParam().late) {
        busy.say(std::string(GetParam().step) == "flash" ? kBackAsItself : kBackAsGadget);
        nearly_over(30);
    }
    const std::size_t workers = launcher->workers.size();
    GetParam().happens(*bus, busy);
    if (GetParam().verdict[0] != '\0') {
        EXPECT_EQ(verdict(), GetParam().verdict);
        for (const auto& each : launcher->workers) {
            EXPECT_TRUE(each->ended) << each->step();
        }
        return;
    }
    settle();
    EXPECT_TRUE(tile("1")["outcome"].is_null());
    EXPECT_FALSE(busy.stopped) << *busy.stopped;
    EXPECT_EQ(launcher->workers.size(), workers);
    EXPECT_EQ(tile("1")["present"], true);
    busy.ok();
    settle();
    EXPECT_TRUE(tile("1")["outcome"].is_null() || tile("1")["outcome"] == "PASS");
}

INSTANTIATE_TEST_SUITE_P(
    Table, SlotAbsences,
    ::testing::Values(
        Absence{"flash_pulled", "flash", [](FakeBus& bus, FakeWorker&) { bus.unplug("1"); },
                "ERROR usb.left"},
        Absence{"flash_pulled_and_back_at_once", "flash",
                [](FakeBus& bus, FakeWorker&) {
                    bus.unplug("1");
                    bus.plug("1");
                },
                "ERROR usb.left"},
        Absence{"flash_announced_and_back", "flash",
                [](FakeBus& bus, FakeWorker& worker) {
                    worker.say(kBackAsItself);
                    bus.unplug("1");
                    bus.plug("1");
                },
                ""},
        Absence{"flash_announced_a_moment_late", "flash",
                [](FakeBus& bus, FakeWorker& worker) {
                    bus.unplug("1");
                    worker.say(kBackAsItself);
                    bus.plug("1");
                },
                ""},
        Absence{"flash_back_before_it_was_announced", "flash",
                [](FakeBus& bus, FakeWorker& worker) {
                    bus.unplug("1");
                    bus.plug("1");
                    worker.say(kBackAsItself);
                },
                ""},
        Absence{"flash_announcement_taken_back", "flash",
                [](FakeBus& bus, FakeWorker& worker) {
                    worker.say(kBackAsItself);
                    worker.say(protocol::Expect{{}, 0});
                    bus.unplug("1");
                },
                "ERROR usb.left"},
        Absence{"flash_announced_and_lost", "flash",
                [](FakeBus& bus, FakeWorker&) { bus.unplug("1"); }, "ERROR usb.left", true},
        Absence{"step_pulled", "set-serial", [](FakeBus& bus, FakeWorker&) { bus.unplug("1"); },
                "ERROR usb.left"},
        Absence{"step_announced_and_back", "set-serial",
                [](FakeBus& bus, FakeWorker& worker) {
                    worker.say(kBackAsGadget);
                    bus.unplug("1");
                    bus.plug("1", kGadget);
                },
                ""},
        Absence{"step_announced_and_lost", "set-serial",
                [](FakeBus& bus, FakeWorker&) { bus.unplug("1"); }, "FAIL boot.none", true},
        Absence{"step_back_in_recovery", "set-serial",
                [](FakeBus& bus, FakeWorker& worker) {
                    worker.say(kBackAsGadget);
                    bus.unplug("1");
                    bus.plug("1", kRecovery);
                },
                "ERROR boot.back_in_recovery"},
        // A worker notices sooner than the station gives up waiting for an announcement.
        Absence{"pulled_and_ssh_lost", "prove-image",
                [](FakeBus& bus, FakeWorker& worker) {
                    bus.unplug("1");
                    worker.fail("ssh.lost");
                },
                "ERROR usb.left"},
        Absence{"pulled_and_step_failed", "set-serial",
                [](FakeBus& bus, FakeWorker& worker) {
                    bus.unplug("1");
                    worker.fail("step.set-serial");
                },
                "ERROR usb.left"},
        Absence{"pulled_as_the_step_ended", "set-serial",
                [](FakeBus& bus, FakeWorker& worker) {
                    bus.unplug("1");
                    worker.ok();
                },
                "ERROR usb.left"},
        Absence{"pulled_and_the_worker_killed", "flash",
                [](FakeBus& bus, FakeWorker& worker) {
                    bus.unplug("1");
                    worker.fail("worker.died");
                },
                "ERROR worker.died"},
        Absence{"ssh_lost_of_a_unit_that_is_there", "set-serial",
                [](FakeBus&, FakeWorker& worker) { worker.fail("ssh.lost"); }, "FAIL ssh.lost"}),
    row_name<Absence>);

TEST_F(SlotAbsence, Nothing_is_tried_again_on_a_unit_that_is_gone) {
    plan(0).retries = plan(1).retries = 2;
    open_line();
    FakeWorker& flash = to_flash("1");
    bus->unplug("1");
    flash.fail("tool.failed");
    EXPECT_EQ(verdict(), "ERROR usb.left");
    EXPECT_EQ(launcher->workers.size(), 1U);
    EXPECT_EQ(tile("1")["code"], "usb.left");
}

TEST_F(SlotAbsence, A_step_is_tried_again_as_often_as_the_recipe_says) {
    plan(1).retries = 2;
    open_line();
    to_proof("1").fail("ssh.lost");
    worker(3, "prove-image").fail("ssh.lost");
    FakeWorker& third = worker(4, "prove-image");
    EXPECT_EQ(third.spec.attempt, 3);
    third.fail("ssh.lost");
    EXPECT_EQ(verdict(), "FAIL ssh.lost");
    EXPECT_EQ(launcher->workers.size(), 4U);
}

struct Boot : Row {
    std::function<void(FakeBus&)> happens;
    const char* verdict;
};

class SlotBoots : public SlotAbsence, public ::testing::WithParamInterface<Boot> {};

TEST_P(SlotBoots, Ends_as_the_table_says) {
    config.profiles[0].boot = std::chrono::milliseconds(50);
    open_line();
    to_flash("1").ok();
    run_until("the restart", [&] { return state("1") == "restarting"; });
    bus->unplug("1");
    GetParam().happens(*bus);
    EXPECT_EQ(verdict(), GetParam().verdict);
    EXPECT_EQ(launcher->workers.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Table, SlotBoots,
    ::testing::Values(Boot{"never_came", [](FakeBus&) {}, "FAIL boot.none"},
                      Boot{"in_recovery_mode", [](FakeBus& bus) { bus.plug("1", kRecovery); },
                           "ERROR boot.back_in_recovery"},
                      Boot{"without_network", [](FakeBus& bus) { bus.plug_without_network("1"); },
                           "ERROR boot.no_network"}),
    row_name<Boot>);

TEST_F(SlotAbsence, Unit_back_in_recovery_before_its_flasher_has_ended_is_judged_after_it) {
    open_line();
    FakeWorker& flash = to_flash("1");
    flash.say(kBackAsGadget);
    bus->unplug("1");
    bus->plug("1", kRecovery);
    settle();
    EXPECT_TRUE(tile("1")["outcome"].is_null());
    flash.ok();
    EXPECT_EQ(verdict(), "ERROR boot.back_in_recovery");
}

TEST_F(SlotAbsence, Unit_in_recovery_from_an_absence_before_the_boot_is_waited_for) {
    open_line();
    FakeWorker& flash = to_flash("1");
    flash.say(protocol::Expect{{"1d6b:0104"}, 30});  // the tool's flash system, which never shows
    bus->unplug("1");
    bus->plug("1");
    flash.say(kBackAsGadget);
    flash.ok();  // before the unit has left for its boot
    run_until("the restart", [&] { return state("1") == "restarting"; });
    boot("1");
    worker(2, "prove-image");
}

TEST_F(SlotAbsence, Hub_that_drops_is_one_alarm) {
    open_line();
    to_flash("1");
    to_flash("2");
    bus->unplug("1");
    bus->unplug("2");
    bus->hub_left();
    run_until("the verdicts", [&] { return state("1") == "error" && state("2") == "error"; });
    EXPECT_EQ(sql("SELECT count(*) FROM job WHERE code = 'usb.left'"), "2");
    const Json alarms = engine->wall()["station"]["alarms"];
    ASSERT_EQ(alarms.size(), 1U);
    EXPECT_EQ(alarms[0]["slots"], Json::array({"1", "2"}));

    ASSERT_TRUE(acknowledge("1"));
    const Json left = engine->wall()["station"]["alarms"];
    ASSERT_EQ(left.size(), 1U) << "somebody has yet to look at slot 2";
    EXPECT_EQ(left[0]["slots"], Json::array({"2"}));
    ASSERT_TRUE(acknowledge("2"));
    EXPECT_TRUE(engine->wall()["station"]["alarms"].empty());
}

TEST_F(SlotAbsence, A_port_that_draws_too_much_is_told_until_somebody_looked_at_its_slot) {
    open_line();
    FakeWorker& flash = to_flash("2");
    bus->over_current("2");
    bus->over_current("2");  // the hub tries again
    bus->over_current("7");  // no slot of ours
    const auto alarms = [&] { return engine->wall()["station"]["alarms"]; };
    ASSERT_EQ(alarms().size(), 1U);
    EXPECT_EQ(alarms()[0]["code"], "usb.over_current");
    EXPECT_EQ(alarms()[0]["slots"], Json({"2"}));
    bus->unplug("2");
    flash.fail("usb.left");
    run_until("the verdict", [&] { return !tile("2")["outcome"].is_null(); });
    ASSERT_TRUE(acknowledge("2"));
    EXPECT_TRUE(alarms().empty());
}

}  // namespace
}  // namespace lineside::engine
