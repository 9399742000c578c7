// SPDX-License-Identifier: Apache-2.0
// In which order a unit's lines are switched, and that its power comes back whatever goes wrong.
#include "station/power/cycle.h"

#include <gtest/gtest.h>
#include <boost/asio/post.hpp>

namespace lineside::power {
namespace {

using namespace std::chrono_literals;

class PowerCycleTest : public ::testing::Test {
  protected:
    class Fake final : public Switch {
      public:
        Fake(PowerCycleTest& test, std::string name) : test_(test), name_(std::move(name)) {}
        void set(const std::string& which, bool on, Done done) override {
            const std::string what = fmt::format("{} {}", name_, on ? "on" : "off");
            test_.log.push_back(what);
            test_.port = which;
            boost::asio::post(test_.loop, [fails = test_.fails == what, done = std::move(done)] {
                done(fails ? base::Status(base::fail("power.failed", "no")) : base::Status());
            });
        }

      private:
        PowerCycleTest& test_;
        std::string name_;
    };

    base::Status run(bool with_recovery) {
        SlotPower plan;
        plan.off = 20ms;
        plan.hold = 20ms;
        Cycle cycle(loop, plan, std::make_unique<Fake>(*this, "power"),
                    with_recovery ? std::make_unique<Fake>(*this, "recovery") : nullptr);
        std::optional<base::Status> told;
        began = std::chrono::steady_clock::now();
        cycle.run("port", [&](base::Status s) {
            EXPECT_FALSE(cycle.busy());
            told = std::move(s);
        });
        EXPECT_TRUE(cycle.busy());
        while (!told && std::chrono::steady_clock::now() < began + 10s) {
            loop.restart();
            loop.run_one_for(20ms);
        }
        EXPECT_TRUE(told.has_value());
        return told.value_or(base::fail("station.bug"));
    }
    using Log = std::vector<std::string>;

    boost::asio::io_context loop{1};
    Log log;
    std::string fails;
    std::string port;
    std::chrono::steady_clock::time_point began;
};

TEST_F(PowerCycleTest, Off_a_while_and_on) {
    ASSERT_TRUE(run(false));
    EXPECT_EQ(log, (Log{"power off", "power on"}));
    EXPECT_EQ(port, "port");
    EXPECT_GE(std::chrono::steady_clock::now() - began, 20ms);
}

TEST_F(PowerCycleTest, The_recovery_line_is_held_while_the_power_comes) {
    ASSERT_TRUE(run(true));
    EXPECT_EQ(log, (Log{"power off", "recovery on", "power on", "recovery off"}));
    EXPECT_GE(std::chrono::steady_clock::now() - began, 40ms);
}

TEST_F(PowerCycleTest, Power_comes_back_and_the_line_is_let_go_whatever_fails) {
    fails = "power off";
    EXPECT_EQ(run(false).error().code, "power.failed");
    EXPECT_EQ(log, (Log{"power off", "power on"}));
    for (const char* step : {"recovery on", "power on", "recovery off"}) {
        log.clear();
        fails = step;
        EXPECT_FALSE(run(true)) << step;
        EXPECT_EQ(log, (Log{"power off", "recovery on", "power on", "recovery off"})) << step;
    }
}

}  // namespace
}  // namespace lineside::power
