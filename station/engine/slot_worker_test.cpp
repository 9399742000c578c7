// SPDX-License-Identifier: Apache-2.0
// A worker's end is judged only after what it asked and proved is committed; nothing leaves the
// process before its commit; what is not proven never passes.
#include "station/engine/line_fixture.h"

namespace lineside::engine {
namespace {

using namespace testing;

class SlotWorker : public LineTest {
  protected:
    std::string outcome() { return sql("SELECT outcome || coalesce(' ' || code, '') FROM job"); }
    void run_to_verdict() {
        run_until("the verdict", [&] { return !tile("1")["outcome"].is_null(); });
    }
};

TEST_F(SlotWorker, End_right_behind_the_last_proof_is_judged_after_it) {
    open_line();
    FakeWorker& last = to_reading("1");
    last.say(protocol::Proof{"serial", {{"serial", tile("1")["serial"]}}});
    last.ok();  // before the loop could commit the proof
    run_to_verdict();
    EXPECT_EQ(outcome(), "PASS");
    EXPECT_LT(seq("kind = 'lease.burned'"), seq("kind = 'step.ended'"));
    EXPECT_LT(seq("kind = 'step.ended'"), seq("kind = 'job.verdict'"));
}

TEST_F(SlotWorker, End_right_behind_an_ask_is_judged_after_it) {
    open_line();
    FakeWorker& proof = to_proof("1");
    prove_image(proof);
    proof.ok();
    FakeWorker& serial = worker(3, "set-serial");
    serial.ask(1, "identity.issue");
    serial.ok();
    worker(4, "read-serial");
    EXPECT_LT(seq("kind = 'lease.issued'"), seq("kind = 'step.ended'"));
    EXPECT_EQ(tile("1")["serial"], "SN-1");
}

TEST_F(SlotWorker, Serial_leaves_only_after_its_lease_is_issued) {
    open_line();
    FakeWorker& proof = to_proof("1");
    prove_image(proof);
    proof.ok();
    FakeWorker& serial = worker(3, "set-serial");
    std::string lease;
    std::size_t secrets = 0;
    serial.on_send = [&](const protocol::FromStation& message) {
        if (std::holds_alternative<protocol::Answer>(message)) {
            lease = sql("SELECT state FROM lease");
            secrets = serial.spec.secrets.size();
        }
    };
    serial.ask(7, "identity.issue");
    run_until("the answer", [&] { return serial.answer(7) != nullptr; });
    EXPECT_EQ(lease, "issued");
    EXPECT_EQ(secrets, 1U) << "the log is told of the token before the worker is";
    ASSERT_TRUE(serial.answer(7)->ok);
    EXPECT_EQ(serial.answer(7)->value, (Json{{"serial", "SN-1"}, {"token", "token-1-secret"}}));
}

TEST_F(SlotWorker, Step_is_given_what_the_unit_has_of_its_own) {
    plan(3).params = {{"ssid", "{ap_ssid}"}};
    plan(3).unit_fields = {{"ssid", "ap_ssid"}, {"wifi_ap_password", "ap_password"}};
    open_line("serial,token,ap_ssid,ap_password\nSN-1,token-1,Cam 1,secret-of-1\n");
    const FakeWorker& last = to_reading("1");
    EXPECT_EQ(last.spec.job_line.params["ssid"], "Cam 1");
    EXPECT_EQ(last.spec.job_line.secrets["wifi_ap_password"], "secret-of-1");
    const auto& secrets = last.spec.secrets;
    EXPECT_TRUE(std::any_of(secrets.begin(), secrets.end(), [](const base::Secret& secret) {
        return secret.reveal() == "secret-of-1";
    })) << "or the log would tell it";
}

TEST_F(SlotWorker, Unit_is_not_touched_when_its_batch_lacks_what_a_step_needs) {
    plan(3).unit_fields = {{"wifi_ap_password", "ap_password"}};
    open_line("SN-1,token-1\n");
    bus->plug("1");
    run_until("the verdict", [&] { return !tile("1")["outcome"].is_null(); });
    EXPECT_EQ(outcome(), "ERROR pool.no_field");
    EXPECT_TRUE(launcher->workers.empty());
    EXPECT_EQ(sql("SELECT count(*) FROM serial WHERE free = 1"), "1") << "its serial is free again";
}

TEST_F(SlotWorker,
       Known_unit_whose_serial_lacks_what_a_step_needs_is_stopped_before_it_is_written) {
    open_line("SN-1,token-1\n");
    FakeWorker& serial = to_serial("1", "0xa");
    serial.fail("step.set-serial");
    run_to_verdict();
    EXPECT_EQ(sql("SELECT state FROM lease"), "in_doubt");
    plan(3).unit_fields = {{"wifi_ap_password", "ap_password"}};
    BatchLoad load;
    load.pool = "p";
    load.csv = "serial,token,ap_password\nSN-2,token-2,secret-of-2\n";
    ASSERT_TRUE(ask([&](Done done) { engine->load_batch(load, {"ana", ""}, std::move(done)); }));
    FakeWorker& flash = to_flash("2");  // the same chip, in another slot
    flash.ask(1, "unit.admit", {{"chip_id", "0xa"}});
    run_until("the answer", [&] { return flash.answer(1) != nullptr; });
    EXPECT_FALSE(flash.answer(1)->ok);
    EXPECT_EQ(flash.answer(1)->error.code, "pool.no_field");
    EXPECT_EQ(sql("SELECT state FROM lease WHERE serial_id = 1"), "in_doubt") << "its own is kept";
}

TEST_F(SlotWorker, Answers_only_what_the_step_may_ask) {
    open_line();
    FakeWorker& proof = to_proof("1");
    proof.ask(1, "identity.issue");
    proof.ask(2, "pool.all");
    proof.ask(3, "once.begin", {{"name", "set-nvme"}});
    run_until("the answers", [&] { return proof.answer(3) != nullptr; });
    EXPECT_EQ(proof.answer(1)->error.code, "ask.refused");
    EXPECT_EQ(proof.answer(2)->error.code, "ask.refused");
    EXPECT_EQ(proof.answer(3)->value["state"], "new");
    EXPECT_EQ(sql("SELECT state FROM lease"), "reserved");
}

struct Lie : Row {
    std::optional<std::string> digest;
    std::optional<std::string> serial;
    const char* outcome;
    const char* lease;
};

class SlotLies : public SlotWorker, public ::testing::WithParamInterface<Lie> {};

// Every worker says ok, right behind whatever it proves.
TEST_P(SlotLies, Never_pass) {
    open_line();
    FakeWorker& proof = to_proof("1");
    if (GetParam().digest) {
        proof.say(protocol::Proof{"image", {{"digest", *GetParam().digest}}});
    }
    proof.ok();
    settle();
    if (tile("1")["outcome"].is_null()) {
        FakeWorker& serial = worker(3, "set-serial");
        serial.ask(1, "identity.issue");
        serial.ok();
        FakeWorker& last = worker(4, "read-serial");
        if (GetParam().serial) {
            last.say(protocol::Proof{"serial", {{"serial", *GetParam().serial}}});
        }
        last.ok();
    }
    run_to_verdict();
    EXPECT_EQ(outcome(), GetParam().outcome);
    EXPECT_EQ(sql("SELECT state FROM lease"), GetParam().lease);
}

INSTANTIATE_TEST_SUITE_P(
    Table, SlotLies,
    ::testing::Values(
        Lie{"other_image", std::string(64, 'e'), {}, "FAIL image.mismatch", "released"},
        Lie{"image_without_digest", "", {}, "FAIL image.mismatch", "released"},
        Lie{"no_image_proof", {}, "SN-1", "ERROR station.bug", "burned"},
        Lie{"other_serial", FakeLauncher::digest(), "SN-2", "FAIL serial.mismatch", "in_doubt"},
        Lie{"no_serial_proof", FakeLauncher::digest(), {}, "ERROR station.bug", "in_doubt"}),
    row_name<Lie>);

TEST_F(SlotWorker, Bus_is_asked_before_a_failed_worker_is_judged) {
    open_line();
    FakeWorker& flash = to_flash("1");
    bus->waiting.push_back([this] { bus->unplug("1"); });  // in the socket, not read yet
    flash.fail("tool.failed");
    run_to_verdict();
    EXPECT_EQ(outcome(), "ERROR usb.left");
}

TEST_F(SlotWorker, Died_worker_is_the_stations_fault_and_is_cleaned_up) {
    open_line();
    to_flash("1").fail("worker.died");
    run_to_verdict();
    EXPECT_EQ(outcome(), "ERROR worker.died");
    EXPECT_EQ(sql("SELECT state FROM lease"), "released");
    EXPECT_EQ(std::count(launcher->cleaned.begin(), launcher->cleaned.end(), 1), 1);
}

TEST_F(SlotWorker, Two_boards_with_one_chip_id_both_stop) {
    open_line();
    to_proof("1", "0xsame");
    FakeWorker& flash = to_flash("2");
    flash.ask(1, "unit.admit", {{"chip_id", "0xsame"}});
    run_until("the verdict", [&] { return !tile("2")["outcome"].is_null(); });
    EXPECT_EQ(flash.stopped, "unit.duplicate_chip");
    EXPECT_FALSE(flash.answer(1)->ok);
    EXPECT_EQ(sql("SELECT outcome || ' ' || code FROM job WHERE slot = '2'"),
              "ERROR unit.duplicate_chip");
    run_until("the other's verdict", [&] { return !tile("1")["outcome"].is_null(); });
    EXPECT_EQ(outcome(), "ERROR unit.duplicate_chip");
}

// Each of two flashed units answers at the other's port.
TEST_F(SlotWorker, Swapped_cables_are_no_cloned_boards) {
    open_line();
    std::vector<FakeWorker*> proofs;
    for (const char* slot : {"1", "2"}) {
        FakeWorker& flash = to_flash(slot);
        const std::size_t before = launcher->workers.size();
        flash.ask(1, "unit.admit", {{"chip_id", std::string("0xc") + slot}});
        run_until("the chip id", [&] { return flash.answer(1) != nullptr; });
        flash.say(protocol::Fact{"module_serial", std::string("142000") + slot});
        flash.ok();
        run_until("the restart", [&] { return state(slot) == "restarting"; });
        boot(slot);
        proofs.push_back(&worker(before + 1, "prove-image"));
    }
    proofs[0]->say(protocol::Fact{"module_serial", "1420002"});
    proofs[1]->say(protocol::Fact{"module_serial", "1420001"});
    for (const char* slot : {"1", "2"}) {
        run_until("the verdict", [&] { return !tile(slot)["outcome"].is_null(); });
        EXPECT_EQ(tile(slot)["code"], "unit.swapped");
        EXPECT_EQ(tile(slot)["outcome"], "FAIL");
    }
    EXPECT_EQ(sql("SELECT group_concat(module_serial) FROM (SELECT module_serial FROM unit ORDER "
                  "BY id)"),
              "1420001,1420002");
}

TEST_F(SlotWorker, Two_boards_with_one_module_serial_both_stop) {
    open_line();
    FakeWorker& one = to_flash("1");
    one.say(protocol::Fact{"module_serial", "1420000"});
    FakeWorker& other = to_flash("2");
    settle();
    EXPECT_TRUE(tile("1")["outcome"].is_null());
    other.say(protocol::Fact{"module_serial", "1420000"});
    run_until("both verdicts",
              [&] { return !tile("1")["outcome"].is_null() && !tile("2")["outcome"].is_null(); });
    EXPECT_EQ(sql("SELECT DISTINCT outcome || ' ' || code FROM job"),
              "ERROR unit.duplicate_module");
}

TEST_F(SlotWorker, Person_stops_a_job_after_its_worker_is_gone) {
    open_line();
    FakeWorker& flash = to_flash("1");
    ASSERT_TRUE(ask([&](Done done) { engine->stop("1", {"ana", ""}, std::move(done)); }));
    EXPECT_EQ(flash.stopped, "operator.stopped");
    EXPECT_EQ(state("1"), "stopping") << "its worker is not gone yet";
    run_to_verdict();
    EXPECT_TRUE(flash.ended);
    EXPECT_EQ(outcome(), "ABORTED operator.stopped");
    EXPECT_EQ(tile("1")["reason"], "by ana");
}

TEST_F(SlotWorker, Time_left_is_learned_from_units_before_and_kept_over_a_restart) {
    open_line();
    const auto left = [&](const std::string& slot) { return tile(slot)["time_left_s"]; };
    FakeWorker& first = to_flash("1");
    clock.advance_ms(10'000);
    first.say(protocol::Progress{10, 100, "bytes"});
    run_until("the percent", [&] { return tile("1")["percent"] == 10; });
    EXPECT_EQ(left("1"), 90) << "by the pace so far: nothing better is known";
    clock.advance_ms(20'000);
    first.ok();
    run_until("the restart", [&] { return state("1") == "restarting"; });

    FakeWorker& second = to_flash("2");
    EXPECT_EQ(left("2"), 30);
    clock.advance_ms(10'000);
    second.say(protocol::Progress{10, 100, "bytes"});
    run_until("the percent", [&] { return tile("2")["percent"] == 10; });
    EXPECT_EQ(left("2"), 20);
    second.fail("tool.failed");
    run_until("its end", [&] { return !tile("2")["outcome"].is_null(); });

    restart({{"3", kRecovery}});
    run_until("the flash", [&] { return left("3") == 30; });
}

}  // namespace
}  // namespace lineside::engine
