// SPDX-License-Identifier: Apache-2.0
// Test fixture: an engine over a real store, with a bus and workers that do what the test says,
// three slots, one order of the recipe flash, prove-image, set-serial, read-serial. restart() is
// the next life.
#pragma once

#include "station/db/empty_database.h"
#include "station/engine/engine.h"
#include "station/engine/fake_line.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <ostream>

namespace lineside::engine::testing {

// While it lives no file can be written, as on a full disk.
class FullDisk {
  public:
    FullDisk() {
        std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit none{0, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &none);
    }
    ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

  private:
    rlimit before_{};
};

// What a row of a table begins with; gtest calls the case by it.
struct Row {
    const char* name;
    friend std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }
};
template <typename T>
std::string row_name(const ::testing::TestParamInfo<T>& row) {
    return row.param.name;
}

class LineTest : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string name = ::testing::TempDir() + "line-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
        db::place_empty_database(folder / "station.db");
        store = db::Store::open(loop, folder / "station.db").value();
        signer = std::make_shared<audit::Signer>(trust::SigningKey::generate().value(), "line1");
        vault.emplace(
            serial_pool::TokenVault::from_master(base::Secret(std::string(32, 'k'))).value());
        models.models = {{"xavier-nx", "Xavier NX", {kRecovery}}};
        models.never = {{kNeverTarget, "Not a board"}};
        models.gadgets = {kGadget};
        config.station_name = "line1";
        config.use = config::Use::demonstration;
        config.release = config::ReleasePolicy::none;
        config.data = folder;
        config.images = folder / "images";
        config.limits.learn = false;  // but where that is the matter: all units at once
        for (const char* slot : {"1", "2", "3"}) {
            config.slots.push_back({slot, port_of(slot), false, std::nullopt});
        }
        core::Profile profile;
        profile.id = profile.name = "camera";
        profile.model = "xavier-nx";
        profile.boot = std::chrono::seconds(30);
        using enum core::Dot;
        for (const auto& [step, dot] : {std::pair{"flash", flash},
                                        {"prove-image", check},
                                        {"set-serial", serial},
                                        {"read-serial", test}}) {
            core::StepPlan plan;
            plan.name = step;
            plan.method = step == std::string("flash") ? "jetson-usb" : "provision-ssh";
            plan.dot = dot;
            profile.steps.push_back(std::move(plan));
        }
        config.profiles.push_back(std::move(profile));
        patience.announcement = std::chrono::milliseconds(60);
        patience.commit_again = std::chrono::milliseconds(20);
    }
    void TearDown() override {
        engine.reset();
        store.reset();
        std::filesystem::remove_all(folder);
    }

    core::StepPlan& plan(std::size_t step) { return config.profiles[0].steps[step]; }

    // A line that has its pool, its order and its image.
    void open_line(int serials = 5) {
        std::string csv;
        for (int i = 1; i <= serials; ++i) {
            csv += fmt::format("SN-{},token-{}-secret\n", i, i);
        }
        open_line(std::move(csv));
    }
    void open_line(std::string csv) {
        open_order(std::move(csv));
        run_until("the image", [&] { return order_is_ready(); });
    }
    // The same without waiting for the image.
    void open_order(std::string csv) {
        begin();
        BatchLoad load;
        load.pool = "p";
        load.batch = "b1";
        load.csv = std::move(csv);
        ask([&](Done done) { engine->load_batch(std::move(load), {"ana", ""}, std::move(done)); });
        ask([&](Done done) {
            engine->open_order({"o1", "camera", "p", 100, false}, {"ana", ""}, std::move(done));
        });
    }
    void begin() {
        bus = std::make_unique<FakeBus>();
        bus->at_start = std::exchange(plugged_at_start, {});
        launcher = std::make_unique<FakeLauncher>(loop, config.images);
        launcher->at_start = std::exchange(at_worker_start, {});
        launcher->image_in_force = image_in_force;
        engine = std::make_unique<Engine>(EngineParts{loop, config, models, clock, *store,
                                                      *launcher, *vault, *bus, signer, patience});
        const auto started = engine->start();
        ASSERT_TRUE(started) << started.error().message;
    }
    // The service dies here; what was on its way is lost with it. Units stay as they are plugged.
    void restart(std::vector<std::pair<std::string, std::uint16_t>> plugged) {
        settle();
        engine.reset();
        settle();
        plugged_at_start = std::move(plugged);
        begin();
    }

    // Runs the loop until it is so; a test fails when that takes half a minute.
    void run_until(const std::string& what, const std::function<bool()>& so) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!so()) {
            ASSERT_LT(std::chrono::steady_clock::now(), end) << "waited in vain for " << what;
            loop.restart();
            loop.run_one_for(std::chrono::milliseconds(20));
        }
    }
    // Until the database has nothing to do and nothing but timers is left: what has not happened by
    // then does not follow from what was done.
    void settle() {
        for (int round = 0; round < 4; ++round) {
            bool written = false;
            bool read = false;
            store->write<int>([](db::Tx&) { return base::Result<int>(0); },
                              [&](const base::Result<int>&) { written = true; });
            store->read<int>([](db::Tx&) { return base::Result<int>(0); },
                             [&](const base::Result<int>&) { read = true; });
            while (!written || !read) {
                loop.restart();
                loop.run_one();
            }
            loop.restart();
            loop.poll();
        }
    }
    base::Result<Json> ask(const std::function<void(Done)>& what) {
        std::optional<base::Result<Json>> answer;
        what([&](base::Result<Json> got) { answer = std::move(got); });
        run_until("an answer", [&] { return answer.has_value(); });
        return answer.value_or(base::fail("station.bug"));
    }
    base::Result<Json> acknowledge(const std::string& slot) {
        return ask([&](Done done) { engine->acknowledge(slot, {"ana", ""}, std::move(done)); });
    }
    base::Result<Json> retry(const std::string& slot) {
        return ask([&](Done done) { engine->retry(slot, {"ana", ""}, std::move(done)); });
    }

    // ---- what is so
    bool order_is_ready() {
        const Json orders = engine->status()["orders"];
        return !orders.empty() && orders[0]["image_ready"] == true;
    }
    Json tile(const std::string& slot) {
        const Json wall = engine->wall();
        for (const Json& each : wall["tiles"]) {
            if (each["slot"] == slot) {
                return each;
            }
        }
        return {};
    }
    std::string state(const std::string& slot) { return tile(slot).value("state", ""); }
    // First column of the first row as text; "-" when there is none.
    std::string sql(const std::string& query) {
        std::string text = "-";
        const auto done = store->read_now([&](db::Tx& tx) {
            return tx.each(query, {}, [&](const db::Tx::Row& row) {
                text = row.is_null(0) ? "null" : row.text(0);
                return false;
            });
        });
        EXPECT_TRUE(done) << query << ": " << done.error().message;
        return text;
    }
    std::int64_t seq(const std::string& condition) {
        return std::stoll(sql("SELECT coalesce(max(seq), 0) FROM event WHERE " + condition));
    }

    // ---- the life of a unit
    FakeWorker& worker(std::size_t number, const std::string& step) {
        run_until("worker " + std::to_string(number) + " for " + step,
                  [&] { return launcher->workers.size() >= number; });
        if (launcher->workers.size() < number) {
            throw std::runtime_error("no worker for " + step);
        }
        FakeWorker& found = *launcher->workers[number - 1];
        EXPECT_EQ(found.step(), step);
        return found;
    }
    // The worker of the flash, running.
    FakeWorker& to_flash(const std::string& slot) {
        const std::size_t before = launcher->workers.size();
        bus->plug(slot);
        return worker(before + 1, "flash");
    }
    void boot(const std::string& slot) {
        bus->unplug(slot);
        bus->plug(slot, kGadget);
    }
    // … of the proof of image.
    // Each slot has a unit of its own, unless a chip id is given.
    FakeWorker& to_proof(const std::string& slot, const std::string& chip = "") {
        FakeWorker& flash = to_flash(slot);
        const std::size_t before = launcher->workers.size();
        flash.ask(1, "unit.admit", {{"chip_id", chip.empty() ? "0xc" + slot : chip}});
        run_until("the chip id", [&] { return flash.answer(1) != nullptr; });
        flash.ok();
        run_until("the restart", [&] { return state(slot) == "restarting"; });
        boot(slot);
        return worker(before + 1, "prove-image");
    }
    static void prove_image(FakeWorker& proof) {
        proof.say(protocol::Proof{
            "image", {{"digest", FakeLauncher::digest()}, {"partitions", 3}, {"files", 5}}});
    }
    // … of the writing of the serial, which has been given out.
    FakeWorker& to_serial(const std::string& slot, const std::string& chip = "") {
        FakeWorker& proof = to_proof(slot, chip);
        const std::size_t before = launcher->workers.size();
        prove_image(proof);
        proof.ok();
        FakeWorker& serial = worker(before + 1, "set-serial");
        serial.ask(1, "identity.issue");
        run_until("the serial", [&] { return serial.answer(1) != nullptr; });
        return serial;
    }
    FakeWorker& to_reading(const std::string& slot) {
        FakeWorker& serial = to_serial(slot);
        const std::size_t before = launcher->workers.size();
        serial.ok();
        return worker(before + 1, "read-serial");
    }
    void to_pass(const std::string& slot) {
        FakeWorker& last = to_reading(slot);
        last.say(protocol::Proof{"serial", {{"serial", tile(slot)["serial"]}}});
        last.ok();
        run_until("PASS", [&] { return state(slot) == "pass"; });
    }
    void to_fail(const std::string& slot, const std::string& chip = "") {
        to_proof(slot, chip).fail("unit.no_proof");
        run_until("FAIL", [&] { return state(slot) == "fail"; });
    }

    boost::asio::io_context loop{1};
    std::filesystem::path folder;
    std::unique_ptr<db::Store> store;
    std::optional<serial_pool::TokenVault> vault;
    std::shared_ptr<const audit::Signer> signer;
    config::Config config;
    usb::Models models;
    base::FakeClock clock;
    Patience patience;
    std::unique_ptr<FakeBus> bus;
    std::unique_ptr<FakeLauncher> launcher;
    std::unique_ptr<Engine> engine;
    std::vector<std::pair<std::string, std::uint16_t>> plugged_at_start;
    std::function<void(const process::WorkerSpec&)> at_worker_start;
    Json image_in_force = Json::object();  // what images say they hold
};

}  // namespace lineside::engine::testing
