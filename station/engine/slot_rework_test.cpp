// SPDX-License-Identifier: Apache-2.0
// A unit that passed before comes again: nothing is written until a person says why; then it keeps
// its serial. And a serial in doubt that a person gives up.
#include "station/engine/line_fixture.h"

namespace lineside::engine {
namespace {

using namespace testing;

class SlotRework : public LineTest {
  protected:
    base::Result<Json> rework(const std::string& slot, const std::string& reason) {
        return ask([&](Done done) { engine->rework(slot, reason, {"ana", ""}, std::move(done)); });
    }
    base::Result<Json> give_up(const std::string& serial, const std::string& reason) {
        return ask([&](Done done) {
            engine->void_serial(serial, reason, {"ana", ""}, std::move(done));
        });
    }
    // The unit that passed in slot 1 is plugged into slot 2 and says who it is.
    FakeWorker& come_again() {
        FakeWorker& flash = to_flash("2");
        flash.ask(1, "unit.admit", {{"chip_id", "0xc1"}});
        return flash;
    }
    void refused() {
        FakeWorker& flash = come_again();
        run_until("the verdict", [&] { return !tile("2")["outcome"].is_null(); });
        ASSERT_NE(flash.answer(1), nullptr);
        EXPECT_FALSE(flash.answer(1)->ok) << "the tool must not go on";
        EXPECT_EQ(tile("2")["code"], "unit.known");
        bus->unplug("2");
    }
};

TEST_F(SlotRework, Unit_that_passed_is_not_written_again_without_a_reason) {
    open_line();
    to_pass("1");
    const std::string serial = tile("1")["serial"];
    refused();
    EXPECT_NE(sql("SELECT message FROM job WHERE code = 'unit.known'").find(serial),
              std::string::npos);
    EXPECT_EQ(sql("SELECT state FROM lease WHERE state <> 'released'"), "burned");
    EXPECT_EQ(sql("SELECT count(DISTINCT unit_id) FROM job"), "1")
        << "it is known which unit it is";
}

TEST_F(SlotRework, With_a_reason_it_keeps_its_serial_and_the_record_tells) {
    open_line();
    OrderOpening order{"o2", "camera", "p", 100, true};
    order.rotate_token = true;
    ASSERT_TRUE(ask([&](Done done) { engine->open_order(order, {"ana", ""}, std::move(done)); }));
    run_until("the image", [&] { return order_is_ready(); });
    to_pass("1");
    const std::string serial = tile("1")["serial"];
    bus->unplug("1");
    refused();
    for (const char* none : {"", "  ", "two\nlines"}) {
        EXPECT_FALSE(rework("2", none));
    }
    EXPECT_FALSE(rework("1", "camera changed")) << "nothing was refused there";
    ASSERT_TRUE(rework("2", "camera changed"));
    EXPECT_EQ(state("2"), "empty") << "the refusal is taken away";

    FakeWorker& proof = to_proof("2", "0xc1");
    const std::size_t before = launcher->workers.size();
    prove_image(proof);
    proof.ok();
    FakeWorker& writes = worker(before + 1, "set-serial");
    writes.ask(1, "identity.issue");
    run_until("the serial", [&] { return writes.answer(1) != nullptr; });
    ASSERT_TRUE(writes.answer(1)->ok);
    EXPECT_EQ(writes.answer(1)->value["serial"], serial);
    writes.ok();
    FakeWorker& reads = worker(before + 2, "read-serial");
    reads.say(protocol::Proof{"serial", {{"serial", serial}}});
    reads.ok();
    run_until("PASS", [&] { return state("2") == "pass"; });
    EXPECT_EQ(sql("SELECT rework_reason FROM record_v1 ORDER BY job DESC LIMIT 1"),
              "camera changed");
    EXPECT_EQ(sql("SELECT actor FROM event WHERE kind = 'job.rework_allowed'"), "ana");
    // Its order wants another token; a batch from a file without spare ones has none to give.
    EXPECT_EQ(sql("SELECT token_change FROM record_v1 ORDER BY job DESC LIMIT 1"), "kept");
    EXPECT_EQ(sql("SELECT count(*) FROM event WHERE kind = 'token.kept'"), "1");
    EXPECT_EQ(sql("SELECT count(*) FROM lease WHERE state = 'burned'"), "1");

    bus->unplug("2");
    clock.advance_ms(5000);  // a PASS is shown for a while
    refused();               // one reason, one time
}

TEST_F(SlotRework, Serial_in_doubt_is_given_up_by_name_and_with_a_reason) {
    open_line();
    to_serial("1").fail("ssh.lost");
    run_until("FAIL", [&] { return state("1") == "fail"; });
    const std::string serial = sql("SELECT value FROM serial WHERE free = 0");
    EXPECT_EQ(sql("SELECT state FROM lease"), "in_doubt");
    EXPECT_FALSE(give_up(serial, ""));
    EXPECT_FALSE(give_up("no-such", "lost"));
    EXPECT_FALSE(give_up(sql("SELECT min(value) FROM serial WHERE free = 1"), "lost"));
    ASSERT_TRUE(give_up(serial, "unit scrapped"));
    EXPECT_EQ(sql("SELECT state || '|' || reason || '|' || by_user FROM lease"),
              "voided|unit scrapped|ana");
    EXPECT_EQ(sql("SELECT actor FROM event WHERE kind = 'lease.voided'"), "ana");
    EXPECT_EQ(give_up(serial, "again").error().code, "lease.refused");
}

}  // namespace
}  // namespace lineside::engine
