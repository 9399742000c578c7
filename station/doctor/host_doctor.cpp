// SPDX-License-Identifier: Apache-2.0
#include "station/doctor/host_doctor.h"

#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

namespace lineside::doctor {

using base::Json;

namespace {
constexpr std::size_t kMostWaiting = 64;
}  // namespace

// What thread and owner share.
struct HostDoctor::Look {
    std::mutex mutex;
    HostDoctor* owner = nullptr;  // nobody: it has ended
    std::vector<Finding> found;
    std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
};

HostDoctor::HostDoctor(boost::asio::io_context& loop, Options options,
                       std::chrono::milliseconds patience, std::span<const Check> list)
    : loop_(loop),
      options_(std::move(options)),
      patience_(patience),
      list_(list),
      deadline_(loop) {}

HostDoctor::~HostDoctor() {
    if (look_) {
        const std::lock_guard hold(look_->mutex);
        look_->owner = nullptr;
    }
}

void HostDoctor::look(Done done) {
    if (waiting_.size() >= kMostWaiting) {
        return done(base::fail("http.busy", "The host is being looked at for others already"));
    }
    waiting_.push_back(std::move(done));
    if (look_) {
        if (late_) {
            answer(true);  // it still hangs
        }
        return;
    }
    look_ = std::make_shared<Look>();
    look_->owner = this;
    late_ = false;
    // Not joined: a statfs() of a dead mount never comes back.
    std::thread([look = look_, options = options_, list = list_] {
        const Host host(options.root);
        const Wanted wanted = wanted_by(options, host);
        for (const Check& check : list) {
            Finding finding = check.look(host, wanted);
            const std::lock_guard hold(look->mutex);
            if (look->owner == nullptr) {
                return;
            }
            look->found.push_back(std::move(finding));
        }
        const std::lock_guard hold(look->mutex);
        if (look->owner != nullptr) {
            boost::asio::post(look->owner->loop_, [look] {
                if (look->owner != nullptr) {
                    look->owner->answer(false);
                }
            });
        }
    }).detach();
    deadline_.expires_after(patience_);
    deadline_.async_wait([this, look = look_](boost::system::error_code error) {
        if (!error && look->owner == this && look_ == look) {
            late_ = true;
            answer(true);
        }
    });
}

void HostDoctor::answer(bool late) {
    Json findings = Json::array();
    bool unfit = false;
    const auto tell = [&](const Finding& finding) {
        unfit = unfit || finding.weight == Weight::error;
        findings.push_back({{"code", finding.code},
                            {"weight", to_text(finding.weight)},
                            {"cause", finding.cause},
                            {"mend", finding.mend}});
    };
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - look_->began);
    {
        const std::lock_guard hold(look_->mutex);
        std::for_each(look_->found.begin(), look_->found.end(), tell);
        if (late && look_->found.size() < list_.size()) {
            tell({std::string(list_[look_->found.size()].code), Weight::error,
                  fmt::format("this check does not end: it waits for a disk, a mount or another "
                              "program since {} s",
                              took.count() / 1000),
                  "lineside doctor; dmesg | tail"});
        }
    }
    if (!late) {
        deadline_.cancel();
        look_.reset();
        late_ = false;
    }
    const Json answer{{"verdict", unfit ? "unfit" : "fit"},
                      {"findings", std::move(findings)},
                      {"took_ms", took.count()}};
    for (Done& done : std::exchange(waiting_, {})) {
        done(answer);
    }
}

}  // namespace lineside::doctor
