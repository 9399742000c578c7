// SPDX-License-Identifier: Apache-2.0
// A disk that takes nothing: nothing is begun, nothing is lost, and it all goes on by itself
// afterwards.
#include "station/engine/line_fixture.h"

#include <optional>

namespace lineside::engine {
namespace {

using namespace testing;

class SlotDisk : public LineTest {
  protected:
    void SetUp() override {
        LineTest::SetUp();
        open_line();
    }
    bool alarmed() {
        const Json alarms = engine->wall()["station"]["alarms"];
        return alarms.size() == 1 && alarms[0]["code"] == "db.failed";
    }
    // It fails twice at least, so that a second failure is not the end either.
    void stays_full() {
        run_until("the alarm", [&] { return alarmed(); });
        const auto twice = std::chrono::steady_clock::now() + 3 * patience.commit_again;
        run_until("another try", [&] { return std::chrono::steady_clock::now() > twice; });
        settle();
        EXPECT_TRUE(alarmed());
    }
    void run_sql(const char* text) {
        const auto done = store->write_now([&](db::Tx& tx) -> base::Status {
            auto ran = tx.run(text);
            return ran ? base::Status() : tl::unexpected<base::Error>(ran.error());
        });
        EXPECT_TRUE(done) << done.error().message;
    }
    void is_fine() {
        const Json wall = engine->wall();
        for (const Json& alarm : wall["station"]["alarms"]) {
            // A backup that came due on the full disk has an alarm of its own, until its next try.
            EXPECT_EQ(alarm["id"], "care backup") << alarm;
        }
    }
    std::optional<FullDisk> full;
};

TEST_F(SlotDisk, Plugged_in_unit_starts_when_the_disk_takes_its_job) {
    full.emplace();
    bus->plug("1");
    stays_full();
    EXPECT_TRUE(launcher->workers.empty());
    EXPECT_EQ(sql("SELECT count(*) FROM job"), "0");
    full.reset();
    worker(1, "flash");
    EXPECT_EQ(sql("SELECT count(*) FROM job"), "1");
    is_fine();
}

TEST_F(SlotDisk, Verified_image_is_not_verified_again_when_the_disk_takes_it) {
    restart({});
    full.emplace();
    stays_full();
    EXPECT_FALSE(order_is_ready());
    full.reset();
    run_until("the image", [&] { return order_is_ready(); });
    is_fine();
    EXPECT_EQ(launcher->image_modes, (std::vector<std::string>{"verify"}));
}

TEST_F(SlotDisk, Unit_pulled_meanwhile_is_not_started) {
    full.emplace();
    bus->plug("1");
    stays_full();
    bus->unplug("1");
    full.reset();
    const auto later = std::chrono::steady_clock::now() + 3 * patience.commit_again;
    run_until("some tries", [&] { return std::chrono::steady_clock::now() > later; });
    settle();
    EXPECT_EQ(sql("SELECT count(*) FROM job"), "0");
    EXPECT_EQ(state("1"), "empty");
}

TEST_F(SlotDisk, Reservation_waits_for_the_disk) {
    // The job is written, the lease is not: a table of the connection's own hides the real one.
    run_sql("CREATE TEMP TABLE lease (hidden)");
    bus->plug("1");
    stays_full();
    EXPECT_EQ(state("1"), "preparing");
    EXPECT_TRUE(launcher->workers.empty());
    EXPECT_TRUE(tile("1")["outcome"].is_null())
        << "a full disk before anything was begun is no verdict";
    run_sql("DROP TABLE temp.lease");
    worker(1, "flash");
    EXPECT_EQ(sql("SELECT state FROM lease"), "reserved");
    is_fine();
}

TEST_F(SlotDisk, Next_step_is_not_started_before_its_row_is_there) {
    FakeWorker& proof = to_proof("1");
    prove_image(proof);
    settle();
    full.emplace();
    proof.ok();
    stays_full();
    EXPECT_EQ(launcher->workers.size(), 2U);
    EXPECT_EQ(sql("SELECT count(*) FROM step WHERE outcome = 'ok'"), "1");
    full.reset();
    worker(3, "set-serial");
    EXPECT_EQ(sql("SELECT count(*) FROM step WHERE outcome = 'ok'"), "2");
    is_fine();
}

TEST_F(SlotDisk, Serial_does_not_leave_when_its_lease_cannot_be_written) {
    FakeWorker& proof = to_proof("1");
    prove_image(proof);
    proof.ok();
    FakeWorker& serial = worker(3, "set-serial");
    settle();
    full.emplace();
    serial.ask(1, "identity.issue");
    run_until("the answer", [&] { return serial.answer(1) != nullptr; });
    EXPECT_FALSE(serial.answer(1)->ok);
    EXPECT_EQ(serial.answer(1)->error.code, "db.failed");
    EXPECT_TRUE(serial.answer(1)->value.is_null());
    EXPECT_EQ(sql("SELECT state FROM lease"), "reserved");
}

TEST_F(SlotDisk, Verdict_is_shown_when_it_is_on_disk) {
    FakeWorker& last = to_reading("1");
    last.say(protocol::Proof{"serial", {{"serial", tile("1")["serial"]}}});
    settle();
    full.emplace();
    last.ok();
    stays_full();
    EXPECT_TRUE(tile("1")["outcome"].is_null());
    EXPECT_EQ(sql("SELECT outcome FROM job"), "null");
    full.reset();
    run_until("the verdict", [&] { return state("1") == "pass"; });
    EXPECT_EQ(sql("SELECT outcome FROM job"), "PASS");
    is_fine();
}

TEST_F(SlotDisk, Proof_that_cannot_be_written_is_no_proof) {
    FakeWorker& last = to_reading("1");
    settle();
    full.emplace();
    last.say(protocol::Proof{"serial", {{"serial", tile("1")["serial"]}}});
    last.ok();
    stays_full();
    EXPECT_TRUE(tile("1")["outcome"].is_null());
    full.reset();
    run_until("the verdict", [&] { return !tile("1")["outcome"].is_null(); });
    EXPECT_EQ(sql("SELECT outcome || ' ' || code FROM job"), "ERROR db.failed")
        << "the unit is not to blame";
    EXPECT_EQ(sql("SELECT state FROM lease"), "in_doubt");
}

TEST_F(SlotDisk, Trying_again_that_fails_is_told_and_changes_nothing) {
    to_flash("1").fail("tool.failed");
    run_until("the verdict", [&] { return state("1") == "error"; });
    full.emplace();
    EXPECT_EQ(retry("1").error().code, "db.failed");
    EXPECT_EQ(state("1"), "error");
    full.reset();
    EXPECT_TRUE(retry("1"));
    worker(2, "flash");
    EXPECT_EQ(sql("SELECT acknowledged_by FROM job WHERE id = 1"), "ana");
    is_fine();
}

TEST_F(SlotDisk, Batch_that_could_not_be_taken_back_is_in_nobodys_way) {
    open_line();
    ASSERT_TRUE(store->write_now([](db::Tx& tx) -> base::Status {
        for (const char* left :
             {"INSERT INTO batch (id, pool_id, name, test_only, loaded_ms, loaded_by, file_sha256, "
              "count) VALUES (9, 1, 'half', 1, 0, 'x', 'y', 2)",
              "INSERT INTO serial (batch_id, value, value_key) VALUES (9, 'SN-99', 'sn-99')"}) {
            if (auto done = tx.run(left); !done) {
                return tl::unexpected<base::Error>(done.error());
            }
        }
        return {};
    }));
    BatchLoad again;
    again.pool = "p";
    again.batch = "half";
    again.csv = "SN-98,token-98-secret\nSN-99,token-99-secret\n";
    const auto loaded = ask([&](Done done) {
        engine->load_batch(std::move(again), {"ana", ""}, std::move(done));
    });
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ((*loaded)["count"], 2);
    EXPECT_EQ(sql("SELECT state FROM batch WHERE name = 'half'"), "open");
}

}  // namespace
}  // namespace lineside::engine
