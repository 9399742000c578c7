// SPDX-License-Identifier: Apache-2.0
// A judged unit that has started is sent to recovery mode by its own software.
#include "station/engine/line_fixture.h"

#include <filesystem>
#include <fstream>

namespace lineside::engine {
namespace {

using namespace testing;

class SlotRecovery : public LineTest {
  protected:
    // Asks for it; the answer comes when the worker has ended.
    FakeWorker& send(const std::string& slot) {
        const std::size_t before = launcher->workers.size();
        engine->to_recovery(slot, {"ana", ""}, [this](base::Result<Json> got) { answer_ = got; });
        return worker(before + 1, "to-recovery");
    }
    base::Result<Json> answered() {
        run_until("the answer", [&] { return answer_.has_value(); });
        return answer_.value_or(base::fail("station.bug"));
    }
    std::string refused(const std::string& slot) {
        const auto got = ask([&](Done done) {
            engine->to_recovery(slot, {"ana", ""}, std::move(done));
        });
        return got ? "" : got.error().code + ": " + got.error().message + ": " + got.error().hint;
    }
    static std::string last_id(const FakeWorker& worker) {
        std::string id;
        for (const protocol::FromStation& message : worker.heard) {
            if (const auto* port = std::get_if<protocol::PortState>(&message)) {
                id = port->id;
            }
        }
        return id;
    }
    std::optional<base::Result<Json>> answer_;
};

TEST_F(SlotRecovery, Judged_unit_enters_it_and_may_be_tried_again) {
    config.profiles[0].steps[1].params["user"] = "reeplayer";
    config.profiles[0].steps[1].params["boot_s"] = 300;
    config.profiles[0].steps[1].secrets["ssh_password"] = base::Secret("hunter2");
    open_line();
    to_fail("1");
    FakeWorker& sender = send("1");
    EXPECT_EQ(sender.spec.method, "provision-ssh");
    EXPECT_EQ(sender.spec.job_line.net, std::vector<std::string>{"usb1"});
    EXPECT_EQ(sender.spec.job_line.params, (Json{{"step", "to-recovery"}, {"user", "reeplayer"}}))
        << "how to log in, and nothing of another step";
    EXPECT_EQ(sender.spec.job_line.secrets, (Json{{"ssh_password", "hunter2"}}));
    ASSERT_EQ(sender.spec.secrets.size(), 1U);
    EXPECT_EQ(sql("SELECT actor FROM event WHERE kind = 'unit.recovery_asked'"), "ana")
        << "on disk before the worker begins";
    EXPECT_FALSE(answer_) << "when the port shows it";
    EXPECT_NE(refused("1").find("already"), std::string::npos);
    bus->unplug("1");
    EXPECT_EQ(last_id(sender), "");
    bus->plug("1");
    EXPECT_EQ(last_id(sender), "0955:7e19") << "it hears of the port as a job's worker does";
    EXPECT_EQ(sql("SELECT count(*) FROM job"), "1")
        << "and nothing starts before the verdict is acknowledged";
    sender.ok();
    EXPECT_TRUE(answered());
    EXPECT_EQ(
        sql("SELECT actor || ':' || job_id || ':' || json_extract(data, '$.result') FROM event "
            "WHERE kind = 'unit.to_recovery'"),
        "ana:1:it is in recovery mode");
    EXPECT_LT(seq("kind = 'unit.recovery_asked'"), seq("kind = 'unit.to_recovery'"));
    EXPECT_EQ(launcher->cleaned.back(), sender.spec.job);
    const std::size_t before = launcher->workers.size();
    EXPECT_EQ(tile("1")["outcome"], "FAIL") << "it is the judged unit still";
    EXPECT_TRUE(retry("1"));
    worker(before + 1, "flash");
    EXPECT_EQ(sql("SELECT count(DISTINCT unit_id) FROM job"), "1");
}

TEST_F(SlotRecovery, Passed_unit_stays_passed_until_it_leaves) {
    config.pass_stays = std::chrono::milliseconds(0);
    open_line();
    to_pass("1");
    FakeWorker& sender = send("1");
    bus->unplug("1");
    bus->plug("1");
    EXPECT_EQ(tile("1")["outcome"], "PASS") << "while it is not told yet that it is there";
    sender.ok();
    EXPECT_TRUE(answered());
    EXPECT_EQ(tile("1")["outcome"], "PASS");
    EXPECT_EQ(sql("SELECT count(*) FROM job"), "1") << "it is no next unit";
    bus->unplug("1");
    bus->plug("1");
    run_until("the next unit", [&] { return sql("SELECT count(*) FROM job") == "2"; });
}

TEST_F(SlotRecovery, Unit_that_left_and_did_not_enter_it_is_the_judged_one_no_more) {
    config.pass_stays = std::chrono::milliseconds(0);
    open_line();
    to_pass("1");
    FakeWorker& sender = send("1");
    bus->unplug("1");
    sender.fail("step.to-recovery");
    EXPECT_FALSE(answered());
    bus->plug("1");
    run_until("the next unit", [&] { return sql("SELECT count(*) FROM job") == "2"; });
}

TEST_F(SlotRecovery, What_keeps_it_from_there_is_told_with_what_helps) {
    open_line();
    to_pass("1");
    process::WorkerEnd how;
    how.outcome.error = base::make_error("step.to-recovery", "the unit did not leave its port");
    how.outcome.error.hint = "Unplug the button cable, then try again";
    send("1").end(how);
    const auto first = answered();
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().hint, "Unplug the button cable, then try again");
    EXPECT_EQ(sql("SELECT json_extract(data, '$.result') FROM event WHERE kind = "
                  "'unit.to_recovery'"),
              "the unit did not leave its port");
    EXPECT_EQ(tile("1")["outcome"], "PASS") << "the verdict stays";
    answer_.reset();
    FakeWorker& again = send("1");
    EXPECT_NE(again.spec.job_line.params["step"], nullptr);
    again.fail("ssh.refused");
    EXPECT_NE(answered().error().hint, "") << "how it is done by hand";
}

TEST_F(SlotRecovery, What_was_said_before_a_restart_is_not_written_over) {
    open_line();
    to_fail("1");
    FakeWorker& first = send("1");
    const auto log = first.spec.log_file;
    EXPECT_EQ(log.filename(), "to-recovery.1.log");
    first.fail("ssh.refused");
    (void)answered();
    // As two tries of an earlier life of the service left it: this one counts from one again.
    std::filesystem::create_directories(log.parent_path());
    for (const char* name : {"to-recovery.2.log", "to-recovery.3.log"}) {
        std::ofstream(log.parent_path() / name) << "said before";
    }
    answer_.reset();
    EXPECT_EQ(send("1").spec.log_file.filename(), "to-recovery.4.log");
}

TEST_F(SlotRecovery, Only_a_judged_unit_that_has_started) {
    open_line();
    EXPECT_EQ(refused("9").substr(0, 15), "request.unknown");
    EXPECT_EQ(refused("1").substr(0, 16), "request.conflict");
    EXPECT_NE(refused("1").find("test pad"), std::string::npos);
    FakeWorker& flash = to_flash("1");
    EXPECT_EQ(refused("1").substr(0, 16), "request.conflict") << "it is worked on";
    flash.fail("usb.link");
    run_until("the verdict", [&] { return !tile("1")["outcome"].is_null(); });
    EXPECT_EQ(refused("1").substr(0, 16), "request.conflict") << "it has not started";
    to_fail("2");
    bus->unplug("2");
    bus->plug("2", kGadget);
    EXPECT_EQ(refused("2").substr(0, 16), "request.conflict") << "perhaps another unit";
    EXPECT_EQ(sql("SELECT count(*) FROM event WHERE kind = 'unit.to_recovery'"), "0");
}

}  // namespace
}  // namespace lineside::engine
