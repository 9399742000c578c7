// SPDX-License-Identifier: Apache-2.0
#include "station/core/schedule.h"

#include <gtest/gtest.h>

namespace lineside::core {
namespace {

using Slots = std::vector<std::string>;
using What = Full::What;

int all(const std::string& /*wire*/, int most) {
    return most;
}

// Root ports of two controllers.
const std::string kA1 = "pci-0000:00:14.0-usb-0:1";
const std::string kA2 = "pci-0000:00:14.0-usb-0:2";
const std::string kB1 = "pci-0000:00:15.0-usb-0:1";

TEST(Schedule, First_come_first_served_within_the_limit) {
    const auto told = admit({{"1", kA1}, {"2", kA1}, {"3", kB1}}, {}, {2, 16}, all);
    EXPECT_EQ(told.admitted, (Slots{"1", "2"}));
    EXPECT_EQ(told.waits.at("3").what, What::station);
    EXPECT_EQ(told.waits.at("3").units, 2);
}

TEST(Schedule, A_full_root_port_does_not_hold_up_the_others) {
    const auto told = admit({{"1", kA1}, {"2", kB1}}, {kA1, kA1}, {8, 2}, all);
    EXPECT_EQ(told.admitted, (Slots{"2"}));
    EXPECT_EQ(told.waits.at("1").what, What::root_port);
    EXPECT_FALSE(told.waits.at("1").learned);
}

TEST(Schedule, Nobody_starts_when_the_host_is_full) {
    EXPECT_TRUE(admit({{"1", kA1}}, {kB1, kA2}, {2, 2}, all).admitted.empty());
}

TEST(Schedule, What_was_learned_of_a_wire_bounds_it_and_is_said) {
    const auto best = [](const std::string& wire, int most) {
        return wire == kA1 ? 2 : wire == "pci-0000:00:14.0" ? 3 : most;
    };
    const auto told =
        admit({{"1", kA1}, {"2", kA1}, {"3", kA1}, {"4", kA2}, {"5", kA2}, {"6", kB1}}, {},
              {64, 16}, best);
    EXPECT_EQ(told.admitted, (Slots{"1", "2", "4", "6"}));
    EXPECT_EQ(told.waits.at("3").what, What::root_port);
    EXPECT_EQ(told.waits.at("3").units, 2);
    EXPECT_TRUE(told.waits.at("3").learned);
    EXPECT_EQ(told.waits.at("5").what, What::controller);
    EXPECT_EQ(told.waits.at("5").units, 3);
}

// Where a wire takes fewer than are there, one after the other; a wire with nobody at it has nobody
// to wait for.
TEST(Schedule, Who_would_begin_together_with_another_waits_a_moment) {
    const auto best = [](const std::string& wire, int most) { return wire == kA1 ? 3 : most; };
    int room = 1;
    const auto more = [&](const std::string& wire) {
        EXPECT_EQ(wire, kA1) << "the others take all who are there";
        return room;
    };
    std::vector<Waiting> queue{{"1", kA1}, {"2", kA1}, {"3", kB1}, {"4", kB1}};
    EXPECT_EQ(admit(queue, {kA1}, {64, 16}, best, more).admitted, (Slots{"1", "2", "3", "4"}));
    queue.insert(queue.end(), {{"5", kA1}, {"6", kA1}});
    auto told = admit(queue, {}, {64, 16}, best, more);
    EXPECT_EQ(told.admitted, (Slots{"1", "3", "4"}));
    EXPECT_EQ(told.waits.at("2"), (Full{What::root_port, 3, true, true}));
    EXPECT_EQ(told.waits.at("5"), (Full{What::root_port, 3, true, true}));
    EXPECT_EQ(told.waits.at("6"), (Full{What::root_port, 3, true, false})) << "behind these two";
    room = 0;
    EXPECT_EQ(admit(queue, {kA1}, {64, 16}, best, more).admitted, (Slots{"3", "4"}));
    EXPECT_EQ(admit(queue, {}, {64, 16}, best, more).admitted, (Slots{"1", "3", "4"}));
    told = admit(queue, {kA1, kA1, kA1}, {64, 16}, best, more);
    EXPECT_EQ(told.waits.at("2"), (Full{What::root_port, 3, true, false})) << "it is full";
}

TEST(Schedule, A_wire_takes_one_whatever_was_learned_of_it) {
    const auto nothing = [](const std::string& /*wire*/, int /*most*/) { return 0; };
    EXPECT_EQ(admit({{"1", kA1}, {"2", kA1}}, {}, {64, 16}, nothing).admitted, (Slots{"1"}));
}

// Units come for ever at a port with room; one that waits at another port of the same controller
// gets on all the same.
TEST(Schedule, Nobody_waits_for_ever_behind_those_who_come_later) {
    const auto best = [](const std::string& wire, int most) {
        return wire == kA1 ? 1 : wire == "pci-0000:00:14.0" ? 3 : most;
    };
    std::vector<std::string> busy{kA1, kA2, kA2};
    std::vector<Waiting> queue{{"waits", kA1}};
    int rounds = 0;
    for (; rounds < 20; ++rounds) {
        queue.push_back({"later" + std::to_string(rounds), kA2});
        busy.erase(busy.begin());  // the oldest is done
        const auto told = admit(queue, busy, {64, 16}, best);
        for (const auto& name : told.admitted) {
            const auto found = std::find_if(queue.begin(), queue.end(),
                                            [&](const Waiting& each) { return each.slot == name; });
            busy.push_back(found->root_port);
            queue.erase(found);
        }
        if (queue.empty() || queue.front().slot != "waits") {
            break;
        }
    }
    EXPECT_LE(rounds, 3);
}

TEST(Schedule, The_controller_of_a_port) {
    EXPECT_EQ(controller_of(kA1), "pci-0000:00:14.0");
    EXPECT_EQ(controller_of("platform-vhci_hcd.0-usb-0:3"), "platform-vhci_hcd.0");
    EXPECT_EQ(controller_of("odd"), "odd");
}

}  // namespace
}  // namespace lineside::core
