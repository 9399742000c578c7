// SPDX-License-Identifier: Apache-2.0
#include "station/engine/line_fixture.h"

namespace lineside::engine::testing {
namespace {

class PortMappingTest : public LineTest {
  protected:
    base::Result<Json> map(bool on, const std::string& who = "tomas") {
        return ask([&](Done done) { engine->map_ports(on, {who, ""}, done); });
    }
    base::Result<Json> save(std::vector<std::pair<std::string, std::string>> wanted,
                            const std::string& who = "tomas") {
        std::vector<journal::SlotPort> ports;
        for (auto& [slot, port] : wanted) {
            ports.push_back({slot, port_of(port), "", 0, ""});
        }
        return ask([&](Done done) { engine->save_ports(ports, {who, ""}, done); });
    }
    // The unit of this slot, flashed by that worker, has left recovery mode.
    void flashed(const std::string& slot, std::size_t number) {
        bus->plug(slot);
        FakeWorker& flash = worker(number, "flash");
        flash.ask(1, "unit.admit", {{"chip_id", "0xc" + slot}});
        run_until("the chip id", [&] { return flash.answer(1) != nullptr; });
        flash.ok();
        run_until("the restart", [&] { return state(slot) == "restarting"; });
        bus->unplug(slot);
    }
    std::string station_reason() {
        const Json station = engine->wall()["station"];
        return station["reason"].is_string() ? station["reason"].get<std::string>() : "";
    }
};

TEST_F(PortMappingTest, Nothing_starts_while_ports_are_mapped_and_the_wall_says_who) {
    open_line();
    ASSERT_TRUE(map(true));
    EXPECT_EQ(station_reason(), "Ports are being mapped by tomas");
    EXPECT_EQ(map(true, "ana").error().code, "request.conflict");
    EXPECT_EQ(map(false, "ana").error().code, "request.conflict");
    bus->plug("1");
    bus->plug("7");
    settle();
    EXPECT_TRUE(launcher->workers.empty());
    const Json seen = engine->ports();
    ASSERT_EQ(seen["units"].size(), 2U);
    EXPECT_EQ(seen["units"][0]["slot"], "1");
    EXPECT_EQ(seen["units"][0]["model"], "Xavier NX");
    EXPECT_EQ(seen["units"][1]["slot"], nullptr);
    EXPECT_EQ(seen["units"][1]["port"], port_of("7"));
    ASSERT_TRUE(map(false));
    settle();
    EXPECT_TRUE(launcher->workers.empty()) << "a unit that was used to map is not made";
    EXPECT_EQ(tile("1")["reason"], "Unplug it: it was used to map the ports");
    bus->unplug("1");
    to_flash("1");
}

TEST_F(PortMappingTest, A_unit_that_waited_before_starts_when_the_mapping_ends) {
    open_line();
    ASSERT_TRUE(map(true));
    EXPECT_EQ(engine->ports()["busy"], Json::array());
    patience.mapping = std::chrono::milliseconds(50);
    ASSERT_TRUE(map(false));
    FakeWorker& flash = to_flash("2");
    EXPECT_EQ(engine->ports()["busy"], Json{"2"});
    ASSERT_TRUE(map(true));
    EXPECT_NE(save({{"1", "1"}}).error().message.find("Slots 2"), std::string::npos);
    flash.fail("tool.failed");
    run_until("the end", [&] { return state("2") == "error"; });
    EXPECT_EQ(save({{"1", "1"}}).error().code, "request.conflict") << "its verdict waits";
    EXPECT_EQ(retry("2").error().code, "request.conflict");
}

TEST_F(PortMappingTest, A_new_mapping_holds_at_once_and_over_a_restart_and_is_told) {
    open_line();
    EXPECT_EQ(save({{"1", "1"}}).error().code, "request.conflict") << "not begun";
    Json reset;
    const auto page = engine->subscribe(std::nullopt, [&](const LiveTickPtr& tick) {
        for (const LiveEvent& event : tick->events) {
            if (event.kind == "reset") {
                reset = Json::parse(*event.text);
            }
        }
    });
    ASSERT_TRUE(map(true));
    bus->plug("9");
    const auto saved = save({{"10", "9"}, {"2", "1"}, {"1", "2"}});
    ASSERT_TRUE(saved) << saved.error().message;
    EXPECT_EQ((*saved)["mapping"], nullptr);
    EXPECT_EQ((*saved)["from"], "page");
    run_until("a snapshot", [&] { return reset["tiles"][0]["port"] == port_of("2"); });
    ASSERT_EQ(reset["tiles"].size(), 3U);
    EXPECT_EQ(reset["tiles"][0]["slot"], "1");
    EXPECT_EQ(reset["tiles"][0]["port"], port_of("2"));
    EXPECT_EQ(reset["tiles"][2]["slot"], "10");
    EXPECT_EQ(tile("10")["reason"], "Unplug it: it was used to map the ports");
    EXPECT_EQ(Json::parse(sql("SELECT data FROM event WHERE kind = 'slots.mapped'"))["slots"][0],
              (Json{{"slot", "10"}, {"port", port_of("9")}, {"peer", ""}}));
    EXPECT_EQ(sql("SELECT mapped_by FROM slot_port WHERE slot = '10'"), "tomas");
    bus->plug("2");
    worker(1, "flash");
    EXPECT_EQ(state("1"), "flashing");
    restart({});
    EXPECT_EQ(engine->wall()["tiles"].size(), 3U);
    EXPECT_EQ(tile("10")["port"], port_of("9"));
    EXPECT_EQ(state("1"), "interrupted");
}

TEST_F(PortMappingTest, What_cannot_be_a_mapping_is_refused_with_words) {
    open_line();
    ASSERT_TRUE(map(true));
    EXPECT_NE(save({{"1", "4"}, {"2", "4"}}).error().message.find("slot 1 already"),
              std::string::npos);
    EXPECT_EQ(save({{"1", "4"}, {"1", "5"}}).error().code, "request.invalid");
    EXPECT_EQ(save({{"a b", "4"}}).error().code, "request.invalid");
    EXPECT_EQ(save({{"1", "x"}}).error().code, "request.invalid");
    EXPECT_EQ(save({{"1", "4"}}, "ana").error().code, "request.conflict");
    ASSERT_TRUE(save({}));
    EXPECT_EQ(engine->ports()["from"], "station.toml");
    EXPECT_EQ(engine->wall()["tiles"].size(), 3U);
}

TEST_F(PortMappingTest, The_other_half_of_a_socket_is_the_same_slot) {
    open_line();
    ASSERT_TRUE(map(true));
    const auto saved = ask([&](Done done) {
        engine->save_ports({{"1", port_of("1"), port_of("8"), 0, ""}}, {"tomas", ""}, done);
    });
    ASSERT_TRUE(saved);
    bus->plug("8");
    settle();
    EXPECT_EQ(state("1"), "empty") << "the path of that half is another socket's USB 2 half";
    flashed("1", 1);
    bus->plug_fast("8", std::nullopt);  // nothing in the host tells: the mapping does
    worker(2, "prove-image");
}

// Slot 1's unit boots at SuperSpeed, where the path of its port reads like slot 2's.
TEST_F(PortMappingTest, A_unit_that_boots_at_SuperSpeed_stays_in_its_slot) {
    open_line();
    flashed("1", 1);
    flashed("2", 2);
    bus->plug_fast("2", "1");
    worker(3, "prove-image");
    EXPECT_EQ(state("1"), "verifying");
    EXPECT_EQ(state("2"), "restarting");
}

TEST_F(PortMappingTest, A_mapping_that_is_forgotten_ends_by_itself) {
    patience.mapping = std::chrono::milliseconds(30);
    open_line();
    ASSERT_TRUE(map(true));
    run_until("its end", [&] { return engine->ports()["mapping"].is_null(); });
    EXPECT_EQ(station_reason(), "");
}

}  // namespace
}  // namespace lineside::engine::testing
