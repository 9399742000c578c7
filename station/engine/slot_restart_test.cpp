// SPDX-License-Identifier: Apache-2.0
// The service dies in every state a job can be in; what the next life does with what it finds
// plugged in.
#include "station/engine/line_fixture.h"

namespace lineside::engine {
namespace {

using namespace testing;

constexpr std::uint16_t kNothing = 0;

class SlotRestart : public LineTest {
  protected:
    // Takes slot 1 to where the service is to die.
    void reach(const std::string& where) {
        if (where == "queued") {
            config.limits.jobs = 1;
            to_flash("2");
            bus->plug("1");
            run_until("the line", [&] { return tile("1")["position_in_line"] == 1; });
        } else if (where == "flashing") {
            to_flash("1");
        } else if (where == "awaiting_boot") {
            to_flash("1").ok();
            run_until("the restart", [&] { return state("1") == "restarting"; });
        } else if (where == "prove-image") {
            to_proof("1");
        } else if (where == "set-serial") {
            to_serial("1");
        } else {
            to_reading("1");
        }
    }
    void die_with(std::uint16_t pid) {
        restart(pid == kNothing ? std::vector<std::pair<std::string, std::uint16_t>>{}
                                : std::vector<std::pair<std::string, std::uint16_t>>{{"1", pid}});
        run_until("the image", [&] { return order_is_ready(); });
        settle();
    }
    std::string job(const std::string& column) {
        return sql("SELECT " + column + " FROM job WHERE slot = '1'");
    }
};

struct Death : Row {
    const char* where;
    std::uint16_t found;      // at the port in the next life
    const char* then;         // the step that runs, or the tile's state
    const char* action = "";  // what the tile asks for
    const char* verdict = "";
};

class SlotDeaths : public SlotRestart, public ::testing::WithParamInterface<Death> {};

TEST_P(SlotDeaths, Go_on_as_the_table_says) {
    const Death& row = GetParam();
    open_line();
    reach(row.where);
    die_with(row.found);
    if (row.verdict[0] != '\0') {
        EXPECT_EQ(job("outcome || ' ' || code"), row.verdict);
        EXPECT_TRUE(launcher->workers.empty());
        return;
    }
    EXPECT_EQ(job("coalesce(outcome, 'open')"), "open");
    EXPECT_EQ(sql("SELECT count(*) FROM job WHERE slot = '1'"), "1") << "it is the same job";
    if (state("1") == "interrupted") {
        EXPECT_STREQ("interrupted", row.then);
        EXPECT_EQ(tile("1")["action"], row.action);
        EXPECT_TRUE(launcher->workers.empty());
        EXPECT_EQ(job("state"), "interrupted");
    } else {
        ASSERT_EQ(launcher->workers.size(), 1U);
        EXPECT_EQ(launcher->workers[0]->step(), row.then);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Table, SlotDeaths,
    ::testing::Values(
        // Nothing was begun on the unit: it just goes on.
        Death{"queued_still_there", "queued", kRecovery, "flash"},
        Death{"queued_gone", "queued", kNothing, "interrupted", "Switch off and on"},
        // A flashing that was cut short has used up the boot ROM's session.
        Death{"flashing_still_there", "flashing", kRecovery, "interrupted", "Switch off and on"},
        Death{"flashing_gone", "flashing", kNothing, "interrupted", "Switch off and on"},
        Death{"flashing_booted", "flashing", kGadget, "", "", "ERROR station.restarted"},
        Death{"awaiting_boot_gone", "awaiting_boot", kNothing, "interrupted", "Check unit"},
        Death{"awaiting_boot_booted", "awaiting_boot", kGadget, "prove-image"},
        Death{"awaiting_boot_in_recovery", "awaiting_boot", kRecovery, "", "",
              "ERROR boot.back_in_recovery"},
        Death{"proof_booted", "prove-image", kGadget, "prove-image"},
        // The unit has to show first that it is the unit of this port.
        Death{"serial_booted", "set-serial", kGadget, "prove-image"},
        Death{"serial_gone", "set-serial", kNothing, "interrupted", "Check unit"},
        Death{"serial_in_recovery", "set-serial", kRecovery, "", "", "ERROR boot.back_in_recovery"},
        Death{"reading_booted", "read-serial", kGadget, "prove-image"}),
    row_name<Death>);

TEST_F(SlotRestart, Cut_flashing_begins_anew_when_the_unit_has_entered_recovery_again) {
    open_line();
    reach("flashing");
    const std::string id = job("id");
    die_with(kRecovery);
    bus->unplug("1");
    bus->plug("1");
    FakeWorker& flash = worker(1, "flash");
    EXPECT_EQ(job("id"), id);
    EXPECT_EQ(flash.spec.attempt, 2) << "the log of the first attempt is kept";
    EXPECT_EQ(flash.spec.log_file.filename(), "01-flash.2.log");
}

TEST_F(SlotRestart, Serial_that_may_be_on_the_unit_is_kept_for_it) {
    open_line();
    reach("set-serial");
    const std::string serial = tile("1")["serial"];
    die_with(kNothing);
    EXPECT_EQ(sql("SELECT state FROM lease"), "in_doubt");
    bus->plug("1", kGadget);
    worker(1, "prove-image").ok();  // its proof was committed in the life before
    FakeWorker& again = worker(2, "set-serial");
    EXPECT_EQ(again.spec.attempt, 2);
    again.ask(1, "identity.issue");
    run_until("the serial", [&] { return again.answer(1) != nullptr; });
    EXPECT_EQ(again.answer(1)->value["serial"], serial);
    again.ok();
    FakeWorker& last = worker(3, "read-serial");
    last.say(protocol::Proof{"serial", {{"serial", serial}}});
    last.ok();
    run_until("PASS", [&] { return state("1") == "pass"; });
    EXPECT_EQ(sql("SELECT count(*) FROM lease"), "1");
    EXPECT_EQ(sql("SELECT state FROM lease"), "burned");
}

// The life before was about to hear that the unit goes down for a restart.
TEST_F(SlotRestart, Unit_that_leaves_before_it_was_known_again_is_waited_for) {
    open_line();
    reach("set-serial");
    const std::string id = job("id");
    die_with(kGadget);
    worker(1, "prove-image");
    bus->unplug("1");
    run_until("the wait", [&] { return state("1") == "interrupted"; });
    settle();
    EXPECT_EQ(job("coalesce(outcome, 'open') || ' ' || state"), "open interrupted");
    bus->plug("1", kGadget);
    worker(2, "prove-image").ok();
    EXPECT_EQ(job("id"), id);
    worker(3, "set-serial");
    bus->unplug("1");
    run_until("the verdict", [&] { return !tile("1")["outcome"].is_null(); });
    EXPECT_EQ(job("outcome || ' ' || code"), "ERROR usb.left");
}

TEST_F(SlotRestart, Unit_that_is_back_before_its_worker_is_gone_goes_on) {
    open_line();
    reach("set-serial");
    die_with(kGadget);
    FakeWorker& check = worker(1, "prove-image");
    check.obeys = false;
    bus->unplug("1");
    run_until("the stop", [&] { return check.stopped.has_value(); });
    bus->plug("1", kGadget);
    settle();
    check.fail("worker.died");
    worker(2, "prove-image").ok();
    worker(3, "set-serial");
}

TEST_F(SlotRestart, Reserved_serial_is_given_back_and_a_new_one_taken) {
    open_line();
    reach("prove-image");
    die_with(kGadget);
    EXPECT_EQ(sql("SELECT count(*) FROM serial WHERE free = 1"), "5");
    FakeWorker& proof = worker(1, "prove-image");
    prove_image(proof);
    proof.ok();
    FakeWorker& serial = worker(2, "set-serial");
    serial.ask(1, "identity.issue");
    run_until("the serial", [&] { return serial.answer(1) != nullptr; });
    EXPECT_TRUE(serial.answer(1)->ok);
    EXPECT_EQ(sql("SELECT count(*) FROM lease WHERE state = 'issued'"), "1");
}

TEST_F(SlotRestart, Step_that_a_person_has_to_decide_about_waits_for_one) {
    plan(2).on_interrupt = core::OnInterrupt::hold;
    open_line();
    reach("set-serial");
    die_with(kGadget);
    EXPECT_EQ(state("1"), "interrupted");
    EXPECT_TRUE(launcher->workers.empty());
    ASSERT_TRUE(ask([&](Done done) { engine->stop("1", {"ana", ""}, std::move(done)); }));
    run_until("the verdict", [&] { return state("1") == "stopped"; });
    EXPECT_EQ(sql("SELECT state FROM lease"), "in_doubt");
}

TEST_F(SlotRestart, Verdict_is_shown_again_and_still_holds_the_slot) {
    open_line();
    to_fail("3");
    restart({{"3", kGadget}});
    run_until("the image", [&] { return order_is_ready(); });
    settle();
    EXPECT_EQ(state("3"), "fail");
    EXPECT_EQ(tile("3")["code"], "unit.no_proof");
    bus->unplug("3");
    bus->plug("3");
    settle();
    EXPECT_EQ(tile("3")["note"], "Slot 3: acknowledge the failed unit first");
    EXPECT_TRUE(launcher->workers.empty());
    ASSERT_TRUE(acknowledge("3"));
    worker(1, "flash");
}

TEST_F(SlotRestart, Image_is_verified_and_not_built_again) {
    open_line();
    EXPECT_EQ(launcher->image_modes, (std::vector<std::string>{"key", "build"}));
    die_with(kNothing);
    EXPECT_EQ(launcher->image_modes, std::vector<std::string>{"verify"});
    EXPECT_EQ(engine->status()["images"][0]["builds"], 1);
}

TEST_F(SlotRestart, Twin_that_waits_for_its_boot_is_stopped_too) {
    open_line();
    FakeWorker& first = to_flash("1");
    first.ask(1, "unit.admit", {{"chip_id", "0xc7"}});
    run_until("the chip id", [&] { return first.answer(1) != nullptr; });
    first.ok();
    run_until("the restart", [&] { return state("1") == "restarting"; });
    to_flash("2").ask(1, "unit.admit", {{"chip_id", "0xc7"}});
    run_until("the first verdict", [&] { return !tile("1")["outcome"].is_null(); });
    EXPECT_EQ(tile("1")["code"], "unit.duplicate_chip");
}

TEST_F(SlotRestart, Unit_that_was_put_into_another_slot_is_not_taken_for_two) {
    open_line();
    to_proof("1", "0xc7");
    restart({});
    settle();
    EXPECT_EQ(state("1"), "interrupted");
    FakeWorker& flash = to_flash("2");
    flash.ask(1, "unit.admit", {{"chip_id", "0xc7"}});
    run_until("both verdicts",
              [&] { return !tile("1")["outcome"].is_null() && !tile("2")["outcome"].is_null(); });
    EXPECT_EQ(sql("SELECT code FROM job WHERE slot = '1'"), "usb.left");
    EXPECT_EQ(sql("SELECT code FROM job WHERE slot = '2'"), "usb.cycle");
    EXPECT_EQ(tile("2")["action"], "Switch off and on");
}

}  // namespace
}  // namespace lineside::engine
