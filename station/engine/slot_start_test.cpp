// SPDX-License-Identifier: Apache-2.0
// From plug-in to the first worker: what is on disk when it starts, what holds a unit back, who is
// next.
#include "station/engine/line_fixture.h"

namespace lineside::engine {
namespace {

using namespace testing;

class SlotStart : public LineTest {};

TEST_F(SlotStart, Nothing_starts_before_its_intent_is_on_disk) {
    std::vector<std::string> seen;
    at_worker_start = [&](const process::WorkerSpec& spec) {
        const auto job = std::to_string(spec.job);
        seen.push_back(fmt::format(
            "{}: {}, {} {}, lease {}", spec.job_line.step,
            sql("SELECT state FROM job WHERE id = " + job),
            sql("SELECT name || ' ' || attempt FROM step WHERE outcome IS NULL AND job_id = " +
                job),
            sql("SELECT count(*) FROM step WHERE outcome = 'ok' AND job_id = " + job),
            sql("SELECT state FROM lease WHERE job_id = " + job)));
    };
    open_line();
    to_pass("1");
    EXPECT_EQ(seen, (std::vector<std::string>{
                        "flash: flashing, flash 1 0, lease reserved",
                        "prove-image: provisioning, prove-image 1 1, lease reserved",
                        "set-serial: provisioning, set-serial 1 2, lease reserved",
                        "read-serial: provisioning, read-serial 1 3, lease issued",
                    }));
    EXPECT_EQ(sql("SELECT outcome FROM job"), "PASS");
    EXPECT_EQ(sql("SELECT state FROM lease"), "burned");
    EXPECT_EQ(std::count(launcher->cleaned.begin(), launcher->cleaned.end(), 1), 1);
}

TEST_F(SlotStart, Worker_is_told_what_it_needs) {
    open_line();
    const auto& flash = to_flash("2").spec;
    EXPECT_TRUE(flash.lane);
    EXPECT_EQ(flash.job_line.slot, "2");
    EXPECT_EQ(flash.job_line.port, port_of("2"));
    EXPECT_EQ(flash.job_line.bus_port, "1-1.2");
    EXPECT_EQ(flash.image, FakeLauncher::key());
    EXPECT_EQ(flash.job_line.params["usb_ids"], Json::array({"0955:7e19"}));
    EXPECT_EQ(flash.log_file.filename(), "01-flash.1.log");
}

TEST_F(SlotStart, Tile_shows_when_the_flash_method_learns_the_chip_id) {
    open_line();
    auto& flash = to_flash("2");
    EXPECT_TRUE(tile("2")["chip_check"].is_null()) << "not before its worker said so";
    flash.hello("before_write");
    EXPECT_EQ(tile("2")["chip_check"], "before_write");
    EXPECT_TRUE(tile("1")["chip_check"].is_null());
    flash.ok();
    run_until("the restart", [&] { return state("2") == "restarting"; });
    boot("2");
    worker(2, "prove-image").hello("");
    EXPECT_EQ(tile("2")["chip_check"], "before_write") << "the steps behind it have no say in it";
}

struct Held : Row {
    std::uint16_t pid;
    const char* slot;
    int serials;
    const char* state;
    const char* reason;
};

class SlotHeld : public SlotStart, public ::testing::WithParamInterface<Held> {};

TEST_P(SlotHeld, Says_why_and_starts_nothing) {
    config.slots[1].skip = true;
    open_line(GetParam().serials);
    if (GetParam().serials == 1) {
        to_flash("1");  // takes the last serial
    }
    settle();
    const std::size_t before = launcher->workers.size();
    bus->plug(GetParam().slot, GetParam().pid);
    settle();
    const std::string slot = GetParam().slot;
    const std::string label =
        slot == "4" ? port_of(slot) : slot;  // a port without a slot has its own name
    EXPECT_EQ(state(label), GetParam().state);
    EXPECT_EQ(tile(label)["reason"], GetParam().reason);
    EXPECT_EQ(launcher->workers.size(), before);
    EXPECT_EQ(sql("SELECT count(*) FROM job"), std::to_string(before));
}

INSTANTIATE_TEST_SUITE_P(
    Table, SlotHeld,
    ::testing::Values(
        Held{"never_a_target", kNeverTarget, "1", 5, "skipped", "Not a board"},
        Held{"skipped_port", kRecovery, "2", 5, "skipped", "Port not enabled"},
        Held{"unmapped_port", kRecovery, "4", 5, "unmapped", "A unit is at a port without a slot"},
        Held{"pool_empty", kRecovery, "3", 1, "waiting", "Pool is empty: load a batch"}),
    row_name<Held>);

TEST_F(SlotStart, Waits_for_an_order_and_starts_when_there_is_one) {
    begin();
    bus->plug("1");
    settle();
    EXPECT_EQ(tile("1")["reason"], "No order is open for Xavier NX");
    BatchLoad load;
    load.pool = "p";
    load.csv = "SN-1,t1\n";
    ASSERT_TRUE(ask([&](Done done) { engine->load_batch(load, {"ana", ""}, std::move(done)); }));
    ASSERT_TRUE(ask([&](Done done) {
        engine->open_order({"o1", "camera", "p", 1, false}, {"ana", ""}, std::move(done));
    }));
    worker(1, "flash");
    bus->plug("2");
    settle();
    EXPECT_EQ(tile("2")["reason"], "Order o1 is complete") << "one unit is wanted, one is at work";
}

TEST_F(SlotStart, Serials_of_another_order_are_not_this_one_s) {
    begin();
    const auto order = [&](const char* name) {
        ASSERT_TRUE(ask([&](Done done) {
            engine->open_order({name, "camera", "p", 9, true}, {"ana", ""}, std::move(done));
        }));
    };
    const auto load = [&](const char* batch, const char* csv, const char* of_order) {
        BatchLoad wanted;
        wanted.pool = "p";
        wanted.batch = batch;
        wanted.csv = csv;
        wanted.order = of_order;
        ASSERT_TRUE(ask([&](Done done) {
            engine->load_batch(wanted, {"ana", ""}, std::move(done));
        }));
    };
    load("b1", "SN-1,t1\n", "");
    order("o1");
    load("b2", "SN-2,t2\nSN-3,t3\n", "o1");
    order("o2");
    to_flash("1");  // takes the pool's only serial that is nobody's
    settle();
    bus->plug("2");
    settle();
    EXPECT_EQ(state("2"), "waiting");
    EXPECT_EQ(tile("2")["reason"], "No serial is left for order o2: load a batch");
    EXPECT_EQ(sql("SELECT count(*) FROM job"), "1") << "nothing was begun";
    load("b3", "SN-4,t4\n", "");
    worker(2, "flash");
}

TEST_F(SlotStart, One_lane_is_given_to_who_came_first) {
    config.limits.jobs = 1;
    open_line();
    FakeWorker& first = to_flash("1");
    for (const char* slot : {"3", "2"}) {
        bus->plug(slot);
        settle();
    }
    EXPECT_EQ(tile("3")["position_in_line"], 1);
    EXPECT_EQ(tile("2")["position_in_line"], 2);
    EXPECT_EQ(launcher->workers.size(), 1U);
    bus->unplug("3");  // who leaves the line was not worked on
    run_until("the verdict", [&] { return state("3") == "stopped"; });
    EXPECT_EQ(sql("SELECT outcome || ' ' || code FROM job WHERE slot = '3'"),
              "ABORTED operator.removed");
    first.ok();
    EXPECT_EQ(worker(2, "flash").spec.job_line.slot, "2");
}

TEST_F(SlotStart, Unit_that_leaves_while_it_is_prepared_gives_its_serial_back) {
    open_line();
    bus->plug("1");
    run_until("its turn", [&] { return state("1") == "preparing"; });
    bus->unplug("1");  // its serial is reserved after this, and before the verdict
    run_until("the verdict", [&] { return state("1") == "stopped"; });
    EXPECT_EQ(sql("SELECT outcome || ' ' || code FROM job"), "ABORTED operator.removed");
    EXPECT_EQ(sql("SELECT state FROM lease"), "released");
    EXPECT_EQ(sql("SELECT count(*) FROM serial WHERE free = 1"), "5");
    EXPECT_TRUE(launcher->workers.empty());
}

}  // namespace
}  // namespace lineside::engine
