// SPDX-License-Identifier: Apache-2.0
// A slot whose unit is a disk: what is started, what is proven, what ends it.
#include "station/engine/line_fixture.h"

namespace lineside::engine {
namespace {

using namespace testing;

constexpr std::uint64_t kBytes = 32'000'000'000;

class SlotMedium : public LineTest {
  protected:
    void SetUp() override {
        LineTest::SetUp();
        usb::Model card{"card", "Card", {}};
        card.disk = true;
        models.models.push_back(card);
        core::Profile& profile = config.profiles[0];
        profile.model = "card";
        profile.disk = true;
        profile.serials = false;
        profile.steps.resize(1);
        profile.steps[0].method = "media-writer";
    }
    void with_serial() {
        core::Profile& profile = config.profiles[0];
        profile.serials = true;
        core::StepPlan serial;
        serial.name = "set-serial";
        serial.method = "media-writer";
        serial.params = {{"at", 4096}};
        profile.steps.push_back(serial);
    }
    // Readers in all slots, an order without a pool.
    void open_cards() {
        begin();
        for (const char* slot : {"1", "2", "3"}) {
            bus->reader(slot);
        }
        open_order_of_cards();
    }
    void open_order_of_cards() {
        const auto opened = ask([&](Done done) {
            engine->open_order({"o1", "camera", "", 100}, {"ana", ""}, std::move(done));
        });
        ASSERT_TRUE(opened) << opened.error().message;
        run_until("the image", [&] { return order_is_ready(); });
    }
    // The worker of the serial's writing, which has been given out, of a card in slot 1.
    FakeWorker& to_serial_step() {
        BatchLoad load;
        load.pool = "p";
        load.csv = "SN-1,t1\n";
        EXPECT_TRUE(ask([&](Done done) {
            engine->load_batch(load, {"ana", ""}, std::move(done));
        }));
        EXPECT_TRUE(ask([&](Done done) {
            engine->open_order({"o1", "camera", "p", 1}, {"ana", ""}, std::move(done));
        }));
        run_until("the image", [&] { return order_is_ready(); });
        prove(insert("1"));
        auto& serial = worker(2, "set-serial");
        serial.ask(1, "identity.issue");
        run_until("the serial", [&] { return serial.answer(1) != nullptr; });
        return serial;
    }
    FakeWorker& insert(const std::string& slot) {
        const std::size_t before = launcher->workers.size();
        bus->card(slot, kBytes);
        return worker(before + 1, "flash");
    }
    void prove(FakeWorker& flash) {
        flash.say(protocol::Proof{
            "image", {{"digest", FakeLauncher::digest()}, {"partitions", 0}, {"files", 0}}});
        flash.ok();
    }
};

TEST_F(SlotMedium, An_empty_reader_is_an_empty_slot) {
    open_cards();
    bus->card("1", 0);
    settle();
    EXPECT_EQ(state("1"), "empty");
    EXPECT_TRUE(launcher->workers.empty());
}

TEST_F(SlotMedium, A_card_passes_by_its_proof_alone_and_the_next_one_takes_its_place) {
    open_cards();
    auto& flash = insert("1");
    EXPECT_EQ(flash.spec.method, "media-writer");
    EXPECT_FALSE(flash.spec.lane);
    EXPECT_EQ(flash.spec.job_line.bus_port, "1-1.1");
    EXPECT_EQ(flash.spec.job_line.params["disk"],
              (Json{{"name", "sd1"}, {"bytes", kBytes}, {"sequence", 1}}));
    EXPECT_FALSE(flash.spec.job_line.params.contains("usb_ids"));
    prove(flash);
    run_until("PASS", [&] { return state("1") == "pass"; });
    EXPECT_TRUE(tile("1")["serial"].is_null());
    EXPECT_EQ(tile("1")["action"], "Take out");
    EXPECT_EQ(sql("SELECT count(*) FROM lease"), "0");
    EXPECT_EQ(sql("SELECT takes_serials || allow_no_chip FROM orders"), "01");
    EXPECT_EQ(engine->profiles()[0]["serials"], false);
    EXPECT_EQ(sql("SELECT count(*) FROM certificate"), "1");
    bus->card("1", 0);
    EXPECT_EQ(tile("1")["button"], "OK, taken out");
    clock.advance_ms(10'000);
    prove(insert("1"));
    run_until("the second", [&] { return sql("SELECT count(*) FROM job") == "2"; });
    run_until("PASS", [&] { return state("1") == "pass"; });
    EXPECT_EQ(sql("SELECT count(DISTINCT unit_id) FROM job WHERE outcome = 'PASS'"), "2");
}

TEST_F(SlotMedium, Without_the_proof_it_never_passes) {
    open_cards();
    insert("1").ok();
    run_until("the verdict", [&] { return tile("1")["outcome"] == "ERROR"; });
    auto& other = insert("2");
    other.say(protocol::Proof{"image", {{"digest", std::string(64, 'e')}}});
    run_until("the verdict", [&] { return tile("2")["outcome"] == "FAIL"; });
    EXPECT_EQ(tile("2")["code"], "image.mismatch");
}

TEST_F(SlotMedium, A_card_that_is_pulled_ends_its_job_whatever_its_worker_says) {
    open_cards();
    auto& flash = insert("1");
    flash.obeys = false;
    bus->card("1", 0);
    EXPECT_EQ(flash.stopped, "usb.left");
    flash.fail("unit.storage");
    run_until("the verdict", [&] { return tile("1")["outcome"] == "ERROR"; });
    EXPECT_EQ(tile("1")["code"], "usb.left");
    EXPECT_EQ(tile("1")["present"], false);
    ASSERT_TRUE(acknowledge("1"));
    EXPECT_EQ(state("1"), "empty");
    auto& next = insert("1");
    bus->reader_left("1");  // with its card
    EXPECT_EQ(next.stopped, "usb.left");
    run_until("the verdict", [&] { return tile("1")["outcome"] == "ERROR"; });
}

TEST_F(SlotMedium, Of_two_cards_at_a_port_none_is_written) {
    begin();
    bus->reader("1");
    bus->card("1", kBytes);
    bus->card("1", kBytes, "sdy");
    open_order_of_cards();
    settle();
    EXPECT_EQ(tile("1")["reason"], "Several disks at this port: leave one");
    EXPECT_TRUE(launcher->workers.empty());
    bus->card("1", 0, "sdy");
    auto& flash = worker(1, "flash");
    EXPECT_EQ(flash.spec.job_line.params["disk"]["name"], "sd1");
    bus->card("1", kBytes, "sdy");  // does not disturb the one that is written
    settle();
    EXPECT_FALSE(flash.stopped);
    prove(flash);
    run_until("PASS", [&] { return state("1") == "pass"; });
}

TEST_F(SlotMedium, Disks_of_units_and_at_other_ports_are_nobodys_cards) {
    open_cards();
    bus->plug("2", kGadget);
    bus->card("2", kBytes, "", usb::kNvidia, kGadget);
    bus->card("4", kBytes);  // a port without a slot
    settle();
    EXPECT_TRUE(launcher->workers.empty());
    EXPECT_TRUE(tile(port_of("4")).is_null());
}

TEST_F(SlotMedium, A_serial_is_given_where_the_recipe_says_so) {
    with_serial();
    begin();
    EXPECT_FALSE(ask([&](Done done) {
        engine->open_order({"o0", "camera", "", 1}, {"ana", ""}, std::move(done));
    })) << "it needs a pool";
    bus->reader("1");
    auto& serial = to_serial_step();
    EXPECT_EQ(serial.spec.job_line.params["at"], 4096);
    EXPECT_EQ(serial.spec.job_line.params["disk"]["name"], "sd1");
    EXPECT_EQ(serial.answer(1)->value["serial"], "SN-1");
    serial.say(protocol::Proof{"serial", {{"serial", "SN-1"}}});
    serial.ok();
    run_until("PASS", [&] { return state("1") == "pass"; });
    EXPECT_EQ(sql("SELECT state FROM lease"), "burned");
    EXPECT_EQ(tile("1")["serial"], "SN-1");
}

TEST_F(SlotMedium, After_a_restart_a_card_is_written_again) {
    open_cards();
    insert("1");
    restart({});
    run_until("the image", [&] { return order_is_ready(); });
    EXPECT_EQ(state("1"), "interrupted");
    EXPECT_EQ(tile("1")["action"], "Put the disk in again");
    bus->reader("1");
    auto& again = insert("1");
    EXPECT_EQ(again.spec.attempt, 2);
    prove(again);
    run_until("PASS", [&] { return state("1") == "pass"; });
    EXPECT_EQ(sql("SELECT count(*) FROM job"), "1");
}

TEST_F(SlotMedium, After_a_restart_nobody_can_say_which_card_has_the_serial) {
    with_serial();
    begin();
    bus->reader("1");
    (void)to_serial_step();
    restart({});
    bus->reader("1");
    bus->card("1", kBytes);
    run_until("the verdict", [&] { return tile("1")["outcome"] == "ERROR"; });
    EXPECT_EQ(tile("1")["code"], "station.restarted");
    EXPECT_EQ(sql("SELECT state FROM lease"), "in_doubt");
}

}  // namespace
}  // namespace lineside::engine
