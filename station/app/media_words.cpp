// SPDX-License-Identifier: Apache-2.0
#include "station/app/media_words.h"

#include <condition_variable>
#include <csignal>
#include <iostream>
#include <mutex>
#include <thread>

namespace lineside::app {
namespace {

std::atomic<bool> stop_asked{false};
constexpr int kNothingBegun = 2;

}  // namespace

std::string_view verdict_of(const base::Status& status, bool proven) {
    if (status) {
        return proven ? "PASS" : "UNPROVEN";
    }
    switch (status.error().kind) {
        case base::Kind::unit:
            return "FAIL";
        case base::Kind::operator_:
            return "ABORTED";
        default:
            return "ERROR";
    }
}

base::Json error_json(const base::Error& error) {
    return {{"code", error.code}, {"message", error.message}, {"hint", error.hint}};
}

int nothing_begun(std::string_view command, const base::Error& error, bool json) {
    std::cerr << "lineside " << command << ": " << error.message << '\n';
    if (!error.hint.empty()) {
        std::cerr << error.hint << '\n';
    }
    if (json) {
        std::cout << base::dump_json({{"verdict", "ERROR"},
                                      {"error", error_json(error)},
                                      {"targets", base::Json::array()}})
                  << '\n';
    }
    return kNothingBegun;
}

void side_by_side(const std::vector<std::function<void()>>& works,
                  const std::function<void()>& tell) {
    std::mutex mutex;
    std::condition_variable ended;
    std::size_t running = works.size();
    std::vector<std::thread> threads;
    for (const auto& work : works) {
        threads.emplace_back([&] {
            work();
            const std::lock_guard lock(mutex);
            --running;
            ended.notify_all();
        });
    }
    {
        std::unique_lock lock(mutex);
        while (!ended.wait_for(lock, std::chrono::seconds(1), [&] { return running == 0; })) {
            tell();
        }
    }
    for (std::thread& each : threads) {
        each.join();
    }
}

void Answers::add(bool proven, base::Json target, const std::string& text) {
    all_passed_ = all_passed_ && proven;
    targets_.push_back(std::move(target));
    if (!json_) {
        std::cout << text;
    }
}

void Answers::give(base::Json head) const {
    if (json_) {
        head["verdict"] = all_passed_ ? "PASS" : "FAIL";
        head["targets"] = targets_;
        std::cout << base::dump_json(head) << '\n';
    }
}

const std::atomic<bool>& stop_on_signals() {
    struct sigaction action {};
    action.sa_handler = [](int) { stop_asked = true; };
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    return stop_asked;
}

}  // namespace lineside::app
