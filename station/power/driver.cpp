// SPDX-License-Identifier: Apache-2.0
#include "station/power/driver.h"

#include "station/power/ways.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

namespace lineside::power {
namespace {

namespace asio = boost::asio;

constexpr std::array kDrivers{
    std::pair{Driver::hub_port, std::string_view("hub-port")},
    std::pair{Driver::gpio, std::string_view("gpio")},
    std::pair{Driver::serial_relay, std::string_view("serial-relay")},
    std::pair{Driver::http, std::string_view("http")},
    std::pair{Driver::snmp, std::string_view("snmp")},
    std::pair{Driver::command, std::string_view("command")},
    std::pair{Driver::manual, std::string_view("manual")},
};

// A way at work on its thread. A driver of the kernel may hang for good, so nobody joins it: it
// holds what it needs, and finds nobody when it comes back too late.
class Blocking final : public Switch {
  public:
    Blocking(asio::io_context& loop, std::shared_ptr<Way> way, std::chrono::milliseconds within)
        : loop_(loop), way_(std::move(way)), within_(within), deadline_(loop) {}
    ~Blocking() override { forget(); }
    Blocking(const Blocking&) = delete;
    Blocking& operator=(const Blocking&) = delete;

    void set(const std::string& /*port*/, bool on, Done done) override {
        if (hangs_ && hangs_->runs) {
            return asio::post(loop_, [done = std::move(done)] {
                done(base::fail("power.failed", "The switch still hangs"));
            });
        }
        forget();
        done_ = std::move(done);
        work_ = std::make_shared<Work>();
        work_->owner = this;
        const auto until = std::chrono::steady_clock::now() + within_;
        std::thread([work = work_, way = way_, on, until] {
            auto told = way->set(on, until);
            const std::lock_guard hold(work->mutex);
            work->runs = false;
            if (work->owner == nullptr) {
                return;
            }
            asio::post(work->owner->loop_, [work, told = std::move(told)] {
                if (work->owner != nullptr) {
                    work->owner->end(told);
                }
            });
        }).detach();
        deadline_.expires_at(until + kGrace);
        deadline_.async_wait([this, work = work_](boost::system::error_code error) {
            if (!error && work->owner != nullptr) {
                hangs_ = work;
                end(base::fail("power.failed", "The switch hangs"));
            }
        });
    }

  private:
    // What a way with a deadline of its own may be late by.
    static constexpr std::chrono::milliseconds kGrace{500};
    struct Work {
        std::mutex mutex;
        Blocking* owner = nullptr;  // nobody: it has ended, or was given up
        std::atomic<bool> runs{true};
    };
    void forget() {
        if (work_) {
            const std::lock_guard hold(work_->mutex);
            work_->owner = nullptr;
        }
        work_.reset();
    }
    void end(base::Status told) {
        forget();
        deadline_.cancel();
        if (auto done = std::exchange(done_, nullptr)) {
            done(std::move(told));
        }
    }

    asio::io_context& loop_;
    std::shared_ptr<Way> way_;
    std::chrono::milliseconds within_;
    asio::steady_timer deadline_;
    std::shared_ptr<Work> work_;
    std::shared_ptr<Work> hangs_;  // was given up
    Done done_;
};

class HubPort final : public Switch {
  public:
    explicit HubPort(PortSwitch ports) : ports_(std::move(ports)) {}
    void set(const std::string& port, bool on, Done done) override {
        ports_(port, on, [on, done = std::move(done)](base::Status told) {
            if (!told) {
                const auto& error = told.error();
                told = base::fail("power.failed", fmt::format("Hub port not switched {}: {}",
                                                              on ? "on" : "off", error.message));
            }
            done(std::move(told));
        });
    }

  private:
    PortSwitch ports_;
};

std::unique_ptr<Way> make_way(const SwitchPlan& plan) {
    switch (plan.driver) {
        case Driver::gpio:
            return gpio_way(plan);
        case Driver::serial_relay:
            return serial_way(plan);
        case Driver::http:
            return http_way(plan);
        case Driver::snmp:
            return snmp_way(plan);
        case Driver::command:
            return command_way(plan);
        case Driver::hub_port:
        case Driver::manual:
            break;
    }
    return nullptr;
}

}  // namespace

std::string_view to_text(Driver driver) {
    return std::find_if(kDrivers.begin(), kDrivers.end(),
                        [&](const auto& each) { return each.first == driver; })
        ->second;
}

std::optional<Driver> driver_from_text(std::string_view text) {
    for (const auto& [driver, name] : kDrivers) {
        if (name == text) {
            return driver;
        }
    }
    return std::nullopt;
}

int left_ms(Until until) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

std::unique_ptr<Switch> make_switch(asio::io_context& loop, SwitchPlan plan, PortSwitch ports) {
    if (plan.driver == Driver::hub_port) {
        return std::make_unique<HubPort>(std::move(ports));
    }
    const auto within = plan.within;
    return std::make_unique<Blocking>(loop, make_way(plan), within);
}

}  // namespace lineside::power
