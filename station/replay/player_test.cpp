// SPDX-License-Identifier: Apache-2.0
#include "station/replay/player.h"

#include <gtest/gtest.h>

namespace lineside::rerun {
namespace {

using core::JobState;

class Replayed : public testing::Test {
  protected:
    static Subject subject() {
        Subject s;
        s.slot = "3";
        s.job = 7;
        s.steps = 4;
        return s;
    }
    void in(std::int64_t at_ms, const char* line) {
        player.line(at_ms, {at_ms, protocol::Direction::in, base::Json::parse(line), ""});
    }
    void out(std::int64_t at_ms, const char* line) {
        player.line(at_ms, {at_ms, protocol::Direction::out, base::Json::parse(line), ""});
    }
    [[nodiscard]] base::Json tile(std::int64_t at_ms) const {
        return core::tile(player.facts(at_ms));
    }
    Player player{subject()};
};

}  // namespace

TEST_F(Replayed, Shows_what_the_wall_showed) {
    EXPECT_EQ(tile(0)["state"], "waiting");
    player.admitted(10);
    EXPECT_EQ(tile(10)["state"], "preparing");
    player.step(1000, 0, 1, "flash");
    EXPECT_EQ(tile(1000)["state"], "flashing");
    in(1100,
       R"({"ev":"hello","v":1,"method":"jetson-usb","version":"1","silence_s":60,"chip_id":"before_write"})");
    EXPECT_EQ(tile(1100)["chip_check"], "before_write");
    in(1200, R"({"ev":"phase","name":"write","index":1,"of":2,"weight":50})");
    in(11'000, R"({"ev":"progress","done":1,"total":2,"unit":"bytes"})");
    EXPECT_EQ(player.phase(), "write");
    EXPECT_EQ(tile(11'000)["percent"], 25);
    EXPECT_EQ(tile(11'000)["time_left_s"], 30);
    in(12'000, R"({"ev":"result","ok":true})");
    EXPECT_EQ(tile(12'000)["state"], "restarting");
    EXPECT_EQ(tile(12'000)["action"], "Leave plugged in");
    player.step_ended(12'000, std::nullopt);
    player.step(40'000, 2, 1, "set-serial");
    EXPECT_EQ(tile(40'000)["state"], "personalising");
    in(40'100, R"({"ev":"ask","id":1,"what":"identity.issue","args":{}})");
    out(40'200, R"({"ev":"answer","id":1,"ok":true,"value":{"serial":"RC26-1","token":"***"}})");
    EXPECT_EQ(tile(40'200)["serial"], "RC26-1");
    in(41'000, R"({"ev":"result","ok":true})");
    EXPECT_FALSE(player.verdict()) << "a PASS is never derived";
    player.judged(50'000, {core::Outcome::pass, std::nullopt}, "RC26-1");
    EXPECT_EQ(tile(50'000)["state"], "pass");
    EXPECT_EQ(tile(50'000)["press"], nullptr) << "nobody presses what is long past";
}

TEST_F(Replayed, Failure_is_judged_as_the_engine_judges) {
    player.step(0, 0, 1, "flash");
    in(100,
       R"({"ev":"result","ok":false,"error":{"code":"unit.eeprom","kind":"unit","message":"empty","hint":"","retry":false}})");
    ASSERT_TRUE(player.verdict());
    EXPECT_EQ(player.verdict()->outcome, core::Outcome::fail);
    EXPECT_EQ(player.verdict()->error->code, "unit.eeprom");
    EXPECT_EQ(tile(100)["word"], "FAIL");
}

TEST_F(Replayed, A_retry_the_recipe_gave_is_one) {
    Subject again = subject();
    again.policy.retries = {1};
    player = Player(again);
    player.step(0, 0, 1, "flash");
    in(100,
       R"({"ev":"result","ok":false,"error":{"code":"usb.link","kind":"station","message":"x","hint":"","retry":true}})");
    EXPECT_FALSE(player.verdict());
    EXPECT_EQ(player.job().state, JobState::flashing);
    player.step(200, 0, 2, "flash");
    in(300,
       R"({"ev":"result","ok":false,"error":{"code":"usb.link","kind":"station","message":"x","hint":"","retry":true}})");
    ASSERT_TRUE(player.verdict());
    EXPECT_EQ(player.verdict()->outcome, core::Outcome::error);
}

TEST_F(Replayed, Announced_absence_is_no_fault_and_a_stop_names_its_reason) {
    player.step(0, 1, 1, "reboot-and-wait");
    in(100, R"({"ev":"expect","replug":["0955:7020"],"within_s":60})");
    out(200, R"({"ev":"port","present":false,"id":"","net":[]})");
    EXPECT_EQ(tile(200)["state"], "restarting");
    EXPECT_TRUE(player.job().away);
    out(300, R"({"ev":"port","present":true,"id":"0955:7020","net":["usb3"]})");
    EXPECT_FALSE(player.job().away);
    out(61'000, R"({"ev":"port","present":false,"id":"","net":[]})");
    EXPECT_EQ(player.job().state, JobState::provisioning) << "the engine waits for a late word";
    out(64'000, R"({"ev":"stop","reason":"usb.left","grace_s":2})");
    EXPECT_EQ(player.job().state, JobState::stopping);
    player.step_ended(64'500, std::nullopt);
    ASSERT_TRUE(player.verdict());
    EXPECT_EQ(player.verdict()->error->code, "usb.left");
}

TEST_F(Replayed, A_worker_without_a_result_has_died_and_what_is_no_message_is_nothing) {
    player.step(0, 0, 1, "flash");
    player.line(10, {10, protocol::Direction::in, {}, "garbage"});
    in(20, R"({"ev":"progress","done":-4})");
    in(30, R"({"ev":"invented"})");
    EXPECT_EQ(tile(30)["percent"], 0);
    player.step_ended(40, std::nullopt);
    ASSERT_TRUE(player.verdict());
    EXPECT_EQ(player.verdict()->error->code, "worker.died");
    EXPECT_EQ(player.verdict()->outcome, core::Outcome::error);
}

}  // namespace lineside::rerun
