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
    void SetUp() override {
        LineTest::SetUp();
        config.limits.learn = true;
        for (const char* slot : {"4", "5", "6", "7", "8"}) {
            config.slots.push_back({slot, port_of(slot), false, std::nullopt});
        }
    }
    // So many seconds later each of them has moved so much, and is so far.
    void move(const std::vector<FakeWorker*>& workers, int seconds, double mega,
              std::uint64_t percent) {
        clock.advance_ms(seconds * 1'000);
        for (FakeWorker* worker : workers) {
            worker->say(
                protocol::Progress{percent, 100, "%", static_cast<std::uint64_t>(mega * kMega)});
        }
    }
    // The units of slots 1 and 2, together, to the end of their flash.
    void flash_two(int seconds) {
        const std::vector<FakeWorker*> units{&to_flash("1"), &to_flash("2")};
        move(units, seconds, 300, 100);
        for (FakeWorker* unit : units) {
            unit->ok();
        }
        for (const char* slot : {"1", "2"}) {
            run_until("its end", [&] { return state(slot) == "restarting"; });
        }
        settle();
    }
    void waits(const std::string& slot, const std::string& reason) {
        run_until("the line", [&] { return tile(slot)["position_in_line"] == 1; });
        EXPECT_EQ(tile(slot)["reason"], reason);
    }
};

// Nothing is known: two. As soon as these are seen to get on, more.
TEST_F(SlotWire, A_unit_waits_until_more_are_known_to_do) {
    open_line(8);
    const std::vector<FakeWorker*> units{&to_flash("1"), &to_flash("2")};
    bus->plug("3");
    waits("3", "USB port carries 2 best");
    EXPECT_EQ(launcher->workers.size(), 2U);
    move(units, 10, 100, 60);
    worker(3, "flash");
    EXPECT_EQ(tile("3")["reason"], Json(nullptr));
    for (const char* slot : {"4", "5"}) {
        bus->plug(slot);
    }
    waits("5", "USB port carries 4 best");
}

TEST_F(SlotWire, What_was_learned_outlives_the_service) {
    open_line(8);
    flash_two(10);
    EXPECT_EQ(sql("SELECT group_concat(wire, ' ') FROM (SELECT wire FROM wire_load ORDER BY wire)"),
              "pci-0000:00:14.0 pci-0000:00:14.0-usb-0:1");
    for (const char* wire : {"pci-0000:00:14.0", "pci-0000:00:14.0-usb-0:1"}) {
        const auto kept = core::Wire::from_text(
            sql(fmt::format("SELECT load FROM wire_load WHERE wire = '{}'", wire)));
        ASSERT_TRUE(kept);
        EXPECT_NEAR(kept->rate(2).value_or(0), 60 * kMega, kMega);
    }
    // The next life knows it from its first unit on.
    WireBook book(*store);
    ASSERT_TRUE(store->read_now([&](db::Tx& tx) { return book.load(tx); }));
    EXPECT_EQ(book.limit("pci-0000:00:14.0-usb-0:1", 64), 4);
    EXPECT_EQ(book.limit("pci-0000:00:14.0-usb-0:2", 64), 2);
}

// What an older version had written tells nothing, and is written anew.
TEST_F(SlotWire, What_an_older_version_wrote_is_forgotten) {
    ASSERT_TRUE(store->write_now([](db::Tx& tx) -> base::Status {
        auto done = tx.run("INSERT INTO wire_load (wire, load) VALUES (?1, ?2)",
                           std::string("pci-0000:00:14.0"), std::string("17000000 3.2 1 29.0 34"));
        return done ? base::Status() : tl::unexpected<base::Error>(done.error());
    }));
    open_line(8);
    to_flash("1").ok();
    run_until("its end", [&] { return state("1") == "restarting"; });
    settle();
    EXPECT_TRUE(
        core::Wire::from_text(sql("SELECT load FROM wire_load WHERE wire = 'pci-0000:00:14.0'")));
}

// A unit that fails says nothing of the wire.
TEST_F(SlotWire, A_fault_teaches_nothing) {
    open_line(8);
    FakeWorker& unit = to_flash("1");
    move({&unit}, 10, 300, 10);
    unit.fail("flash.tool");
    run_until("its verdict", [&] { return tile("1")["outcome"] == "ERROR"; });
    settle();
    EXPECT_EQ(sql("SELECT count(*) FROM wire_load"), "0");
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

// A method that cannot say what it moves is judged by how far its units are.
TEST_F(SlotWire, Workers_that_tell_of_no_bytes_are_let_in) {
    open_line(8);
    const std::vector<FakeWorker*> units{&to_flash("1"), &to_flash("2")};
    bus->plug("3");
    waits("3", "USB port carries 2 best");
    move(units, 10, 0, 60);
    worker(3, "flash");
}

// Those that begin together are at the same thing all their lives, and leave the wire alone
// together.
TEST_F(SlotWire, Where_a_wire_is_known_the_next_begins_a_moment_later) {
    open_line(8);
    flash_two(1);
    FakeWorker& third = to_flash("3");
    FakeWorker& fourth = to_flash("4");
    to_flash("5");
    to_flash("6");  // all that it takes
    bus->plug("7");
    waits("7", "USB port carries 4 best");
    bus->plug("8");
    run_until("the line", [&] { return tile("8")["position_in_line"] == 2; });
    third.fail("flash.tool");
    run_until("room for one", [&] { return tile("7")["reason"] == "Starts in a moment"; });
    EXPECT_EQ(tile("8")["reason"], "USB port carries 4 best");
    settle();
    EXPECT_EQ(launcher->workers.size(), 6U);
    clock.advance_ms(200);
    worker(7, "flash");
    // All that are left are as many as it takes: the last begins at once.
    waits("8", "USB port carries 4 best");
    fourth.fail("flash.tool");
    worker(8, "flash");
}

}  // namespace
}  // namespace lineside::engine
