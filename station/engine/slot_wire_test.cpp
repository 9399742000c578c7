// SPDX-License-Identifier: Apache-2.0
// Units that share a wire: what their workers say they moved decides how many are let in.
#include "station/engine/line_fixture.h"

namespace lineside::engine {
namespace {

using base::Json;
using testing::FakeWorker;
using testing::port_of;

constexpr double kMega = 1e6;

class SlotWire : public testing::LineTest {
  protected:
    // Each of them moves so much in every one of so many seconds.
    void move(const std::vector<FakeWorker*>& workers, double mega_per_second, int seconds) {
        for (int i = 0; i < seconds; ++i) {
            clock.advance_ms(1'000);
            for (FakeWorker* worker : workers) {
                std::uint64_t& bytes = moved_[worker];
                bytes += static_cast<std::uint64_t>(mega_per_second * kMega);
                worker->say(protocol::Progress{bytes, 0, "bytes", bytes});
            }
        }
    }
    // Three at once, of which each takes from the others, then two.
    std::vector<FakeWorker*> learn_two() {
        config.slots.push_back({"4", port_of("4"), false, std::nullopt});
        open_line();
        std::vector<FakeWorker*> units;
        for (const char* slot : {"1", "2", "3"}) {
            units.push_back(&to_flash(slot));
        }
        move(units, 10, 20);
        units.back()->ok();
        run_until("its end", [&] { return state("3") == "restarting"; });
        units.pop_back();
        move(units, 30, 20);
        return units;
    }

  private:
    std::map<FakeWorker*, std::uint64_t> moved_;
};

TEST_F(SlotWire, A_unit_waits_where_it_would_only_slow_the_others) {
    const auto units = learn_two();
    bus->plug("4");
    run_until("the line", [&] { return tile("4")["position_in_line"] == 1; });
    EXPECT_EQ(tile("4")["reason"], "USB port carries 2 best");
    EXPECT_EQ(launcher->workers.size(), 3U);
    units[0]->ok();
    EXPECT_EQ(worker(4, "flash").spec.job_line.slot, "4");
    EXPECT_EQ(tile("4")["reason"], Json(nullptr));
}

TEST_F(SlotWire, What_was_learned_outlives_the_service) {
    (void)learn_two();
    settle();
    EXPECT_EQ(sql("SELECT group_concat(wire, ' ') FROM (SELECT wire FROM wire_load ORDER BY wire)"),
              "pci-0000:00:14.0 pci-0000:00:14.0-usb-0:1");
    for (const char* wire : {"pci-0000:00:14.0", "pci-0000:00:14.0-usb-0:1"}) {
        const auto kept = core::Wire::from_text(
            sql(fmt::format("SELECT load FROM wire_load WHERE wire = '{}'", wire)));
        ASSERT_TRUE(kept);
        EXPECT_EQ(kept->rate(3).value_or(0), 30 * kMega);
    }
    // The next life knows it from its first unit on.
    WireBook book(*store);
    ASSERT_TRUE(store->read_now([&](db::Tx& tx) { return book.load(tx); }));
    EXPECT_EQ(book.limit("pci-0000:00:14.0-usb-0:1", 64), 32);
}

TEST_F(SlotWire, Says_which_bound_of_the_configuration_it_waits_for) {
    config.limits.per_root_port = 1;
    open_line();
    FakeWorker& first = to_flash("1");
    bus->plug("2");
    run_until("the line", [&] { return tile("2")["position_in_line"] == 1; });
    EXPECT_EQ(tile("2")["reason"], "USB port takes 1 at once");
    first.ok();
    worker(2, "flash");
}

// A method that cannot say what it moves is bounded by the configuration alone.
TEST_F(SlotWire, Workers_that_say_nothing_are_let_in) {
    config.limits.per_root_port = 8;
    for (const char* slot : {"4", "5", "6"}) {
        config.slots.push_back({slot, port_of(slot), false, std::nullopt});
    }
    open_line(8);
    to_flash("1").ok();
    run_until("its end", [&] { return state("1") == "restarting"; });
    for (const char* slot : {"2", "3", "4", "5", "6"}) {
        (void)to_flash(slot);
    }
}

}  // namespace
}  // namespace lineside::engine
