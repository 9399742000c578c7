// SPDX-License-Identifier: Apache-2.0
// For tests only: a bus and workers that do what the test says, in place of udev and processes.
// Thread: the io_context's.
#pragma once

#include "station/process/worker.h"
#include "station/usb/monitor.h"

#include <fmt/format.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lineside::engine::testing {

using base::Json;

constexpr std::uint16_t kRecovery = 0x7e19;
constexpr std::uint16_t kGadget = 0x7020;
constexpr std::uint16_t kNeverTarget = 0x7045;

inline std::string port_of(const std::string& slot) {
    return "pci-0000:00:14.0-usb-0:1." + slot;
}

class FakeBus final : public usb::Bus {
  public:
    base::Status start(usb::MonitorEvents events) override {
        events_ = std::move(events);
        for (const auto& [slot, pid] : std::exchange(at_start, {})) {
            plug(slot, pid);
        }
        return {};
    }
    void drain() override {
        for (const auto& each : std::exchange(waiting, {})) {
            each();
        }
    }
    base::Result<usb::Descriptors> descriptors(const usb::Device& device) override {
        return usb::Descriptors{device.vendor, device.product, true};
    }

    // As the kernel tells it; a booted gadget brings its network interface along.
    void plug(const std::string& slot, std::uint16_t pid = kRecovery) {
        plug_without_network(slot, pid);
        if (pid == kGadget) {
            events_.net_arrived({"usb" + slot, "rndis_host", "", path_of(slot)});
        }
    }
    void plug_without_network(const std::string& slot, std::uint16_t pid = kGadget) {
        usb::Device device;
        device.port = path_of(slot);
        device.vendor = usb::kNvidia;
        device.product = pid;
        device.number = ++number_;
        events_.device_arrived(device);
    }
    // A booted unit at SuperSpeed: its half of the socket has another path, and the host tells, or
    // does not, which socket that is.
    void plug_fast(const std::string& half, const std::optional<std::string>& socket) {
        usb::Device device;
        device.port = fast_path(half, socket);
        device.vendor = usb::kNvidia;
        device.product = kGadget;
        device.number = ++number_;
        events_.device_arrived(device);
        events_.net_arrived({"usb" + half, "rndis_host", "", device.port});
    }
    void unplug(const std::string& slot) {
        events_.net_left("usb" + slot, path_of(slot));
        events_.device_left(path_of(slot), false);
    }
    // A card reader with this much in it; 0: nothing. `sequence` counts media.
    void card(const std::string& slot, std::uint64_t bytes, const std::string& name = "",
              std::uint16_t vendor = 0x05e3, std::uint16_t product = 0x0749) {
        usb::Disk disk;
        disk.name = name.empty() ? "sd" + slot : name;
        disk.port = path_of(slot);
        disk.vendor = vendor;
        disk.product = product;
        disk.bytes = bytes;
        disk.sequence = ++sequence_;
        events_.disk_arrived(disk);
    }
    void reader(const std::string& slot) {
        usb::Device device;
        device.port = path_of(slot);
        device.vendor = 0x05e3;
        device.product = 0x0749;
        device.number = ++number_;
        events_.device_arrived(device);
    }
    void reader_left(const std::string& slot) {
        events_.disk_left("sd" + slot, path_of(slot));
        events_.device_left(path_of(slot), false);
    }
    void over_current(const std::string& slot) { events_.over_current(path_of(slot)); }
    // The hub all slots are behind, after what was plugged into it.
    void hub_left() { events_.device_left({"pci-0000:00:14.0-usb-0:1", "1-1", "", ""}, true); }

    std::vector<std::pair<std::string, std::uint16_t>> at_start;
    std::vector<std::function<void()>> waiting;  // in the socket: taken in by drain()

  private:
    static usb::PortPath path_of(const std::string& slot) {
        return {port_of(slot), "1-1." + slot, "pci-0000:00:14.0-usb-0:1", ""};
    }
    static usb::PortPath fast_path(const std::string& half,
                                   const std::optional<std::string>& socket) {
        return {port_of(socket.value_or(half)), "2-1." + half, "pci-0000:00:14.0-usb-0:1",
                port_of(half)};
    }
    usb::MonitorEvents events_;
    int number_ = 0;
    std::uint64_t sequence_ = 0;
};

class FakeWorker final : public process::Worker {
  public:
    FakeWorker(boost::asio::io_context& loop_in, process::WorkerSpec spec_in,
               process::WorkerEvents events)
        : spec(std::move(spec_in)), loop_(loop_in), events_(std::move(events)) {}

    void say(const protocol::FromWorker& message) { events_.message(message); }
    void hello(const std::string& chip_id) {
        if (events_.hello) {
            events_.hello(protocol::Hello{protocol::kVersion, spec.method, "1", 60, chip_id});
        }
    }
    // Nothing of it is left.
    void end(process::WorkerEnd how) {
        if (!std::exchange(ended, true)) {
            events_.end(std::move(how));
        }
    }
    void ok(Json value = nullptr) {
        process::WorkerEnd how;
        how.outcome.ok = true;
        how.outcome.value = std::move(value);
        end(std::move(how));
    }
    void fail(std::string_view code) {
        process::WorkerEnd how;
        how.outcome.error = base::make_error(code);
        end(std::move(how));
    }
    void ask(std::int64_t id, const std::string& what, Json args = Json::object()) {
        say(protocol::Ask{id, what, std::move(args)});
    }
    [[nodiscard]] const protocol::Answer* answer(std::int64_t id) const {
        for (const protocol::FromStation& message : heard) {
            const auto* found = std::get_if<protocol::Answer>(&message);
            if (found != nullptr && found->id == id) {
                return found;
            }
        }
        return nullptr;
    }
    [[nodiscard]] const std::string& step() const { return spec.job_line.step; }

    void send(const protocol::FromStation& message) override {
        if (on_send) {
            on_send(message);
        }
        heard.push_back(message);
    }
    void add_secret(const base::Secret& secret) override { spec.secrets.push_back(secret); }
    void stop(std::string reason, std::chrono::milliseconds /*grace*/) override {
        stopped = reason;
        if (!obeys) {
            return;
        }
        boost::asio::post(loop_, [weak = weak_from(), reason] {
            if (const auto self = weak.lock()) {
                process::WorkerEnd how;
                how.stopped = true;
                how.outcome.error = base::make_error(reason);
                self->end(std::move(how));
            }
        });
    }

    process::WorkerSpec spec;
    std::vector<protocol::FromStation> heard;
    std::optional<std::string> stopped;
    std::function<void(const protocol::FromStation&)> on_send;
    bool ended = false;
    bool obeys = true;  // a stop ends it
    std::weak_ptr<FakeWorker> self_;

  private:
    [[nodiscard]] std::weak_ptr<FakeWorker> weak_from() const { return self_; }
    boost::asio::io_context& loop_;
    process::WorkerEvents events_;
};

// Image work succeeds by itself; what units need waits for the test.
class FakeLauncher final : public process::Launcher {
  public:
    FakeLauncher(boost::asio::io_context& loop, std::filesystem::path images)
        : loop_(loop), images_(std::move(images)) {}

    std::shared_ptr<process::Worker> start(process::WorkerSpec spec,
                                           process::WorkerEvents events) override {
        auto worker = std::make_shared<FakeWorker>(loop_, std::move(spec), std::move(events));
        worker->self_ = worker;
        if (worker->spec.method == "image-build" || worker->spec.method == "media-image") {
            image_modes.push_back(worker->spec.job_line.params["mode"].get<std::string>());
            image_jobs.push_back(worker->spec.job_line);
            if (images_work) {
                boost::asio::post(loop_, [worker, in_force = image_in_force] {
                    worker->ok({{"key", key()},
                                {"digest", digest()},
                                {"partitions", 3},
                                {"files", 5},
                                {"bytes", 100},
                                {"in_force", in_force}});
                });
            } else {
                image_workers.push_back(worker);
            }
            return worker;
        }
        if (at_start) {
            at_start(worker->spec);
        }
        workers.push_back(worker);
        return worker;
    }
    void clean(std::int64_t job, std::function<void(base::Status)> done) override {
        cleaned.push_back(job);
        boost::asio::post(loop_, [done = std::move(done)] { done({}); });
    }
    void publish_image(std::int64_t /*job*/, std::string key,
                       std::function<void(base::Status)> done) override {
        std::filesystem::create_directories(images_ / key);
        std::ofstream(images_ / key / "image.json") << "{}";
        boost::asio::post(loop_, [done = std::move(done)] { done({}); });
    }
    void switch_port(const std::string& port, bool on,
                     std::function<void(base::Status)> done) override {
        switched.emplace_back(port, on);
        boost::asio::post(loop_, [this, port, on, done = std::move(done)] {
            if (on_switch) {
                on_switch(port, on);
            }
            done(switch_works ? base::Status() : base::fail("power.failed", "hub says no"));
        });
    }
    static std::string key() { return std::string(64, 'a'); }
    static std::string digest() { return std::string(64, 'd'); }

    bool images_work = true;
    bool switch_works = true;
    std::vector<std::pair<std::string, bool>> switched;  // ports, on or off
    std::function<void(const std::string& port, bool on)> on_switch;
    Json image_in_force = Json::object();  // what images say they hold
    std::vector<std::string> image_modes;
    std::vector<protocol::JobLine> image_jobs;
    std::vector<std::shared_ptr<FakeWorker>> image_workers;
    std::vector<std::shared_ptr<FakeWorker>> workers;  // of units, in the order of their start
    std::vector<std::int64_t> cleaned;
    std::function<void(const process::WorkerSpec&)> at_start;

  private:
    boost::asio::io_context& loop_;
    std::filesystem::path images_;
};

}  // namespace lineside::engine::testing
