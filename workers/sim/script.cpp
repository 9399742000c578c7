// SPDX-License-Identifier: Apache-2.0
#include "workers/sim/script.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

namespace lineside::sim {
namespace {

using std::chrono::milliseconds;
using worker::Station;

constexpr std::int64_t kHour = 3'600'000;

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(fd, text.data(), text.size());
        if (written <= 0) {
            return;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

// A daemon of its own session that outlives the worker unless somebody looks for it.
void leave_orphan() {
    if (::fork() == 0) {
        ::setsid();
        if (::fork() == 0) {
            while (true) {
                ::pause();
            }
        }
        ::_exit(0);
    }
}

class Player {
  public:
    Player(Station& station, int channel) : station_(station), channel_(channel) {}

    // Nothing: go on. A value or an error: the result.
    std::optional<Result<Json>> step(const Json& step) {
        if (!step.is_object()) {
            return bad(step);
        }
        const auto after = base::field_or<std::int64_t>(step, "after_ms", 0);
        if (!after || *after < 0 || *after > kHour) {
            return bad(step);
        }
        if (auto went = *after > 0 ? sleep(milliseconds(*after)) : std::nullopt; went) {
            return went;
        }
        for (const auto& [name, value] : step.items()) {
            if (name != "after_ms" && name != "per_s" && name != "args") {
                return act(name, value, step);
            }
        }
        return std::nullopt;
    }

  private:
    using Went = std::optional<Result<Json>>;

    Went sleep(milliseconds time) {
        if (deaf_) {
            std::this_thread::sleep_for(time);
            return std::nullopt;
        }
        if (auto slept = station_.pause(time); !slept) {
            return Result<Json>(tl::unexpected(slept.error()));
        }
        return std::nullopt;
    }

    static Went bad(const Json& step) {
        return Result<Json>(
            base::fail("config.invalid", "sim does not know the step " + base::dump_json(step)));
    }

    Went act(const std::string& name, const Json& value, const Json& step) {
        if (name == "send") {
            write_all(channel_, base::dump_json(value) + "\n");
        } else if (name == "raw" && value.is_string()) {
            write_all(channel_, value.get_ref<const std::string&>());
        } else if (name == "print" && value.is_string()) {
            write_all(STDOUT_FILENO, value.get_ref<const std::string&>());
        } else if (name == "print_secrets") {
            for (const auto& [key, secret] : station_.job().secrets.items()) {
                write_all(STDOUT_FILENO, fmt::format("{}={}\n", key, secret.get<std::string>()));
            }
        } else if (name == "lines" && value.is_number_integer()) {
            return lines(value.get<std::int64_t>(), step.value("per_s", std::int64_t{0}));
        } else if (name == "flood" && value.is_number_integer()) {
            for (std::int64_t i = 0; i < value.get<std::int64_t>(); ++i) {
                write_all(channel_,
                          fmt::format("{{\"ev\":\"progress\",\"done\":{},\"total\":{}}}\n", i,
                                      value.get<std::int64_t>()));
            }
        } else if (name == "ask" && value.is_string()) {
            return ask(value.get<std::string>(), step.value("args", Json::object()));
        } else if (name == "deaf") {
            deaf_ = true;
        } else if (name == "hang") {
            while (true) {
                std::this_thread::sleep_for(milliseconds(kHour));
            }
        } else if (name == "die" && value.is_number_integer()) {
            ::kill(::getpid(), value.get<int>());
        } else if (name == "exit" && value.is_number_integer()) {
            std::_Exit(value.get<int>());
        } else if (name == "orphan") {
            leave_orphan();
        } else if (name == "fail" && value.is_string()) {
            return Result<Json>(base::fail(value.get<std::string>()));
        } else if (name == "pass") {
            return Result<Json>(value.is_object() ? value : Json());
        } else {
            return bad(step);
        }
        return std::nullopt;
    }

    Went lines(std::int64_t count, std::int64_t per_s) {
        const auto start = Station::Clock::now();
        for (std::int64_t i = 0; i < count; ++i) {
            write_all(STDOUT_FILENO, fmt::format("line {} of {}\n", i + 1, count));
            if (per_s > 0) {
                const auto due = start + std::chrono::microseconds((i + 1) * 1'000'000 / per_s);
                if (due - Station::Clock::now() > milliseconds(1)) {
                    std::this_thread::sleep_until(due);
                }
            }
        }
        return std::nullopt;
    }

    Went ask(const std::string& what, const Json& args) {
        auto answer = station_.ask(what, args, milliseconds(30'000));
        if (!answer) {
            return Result<Json>(tl::unexpected(answer.error()));
        }
        station_.fact("answer." + what,
                      answer->contains("serial") ? (*answer)["serial"].get<std::string>() : "ok");
        return std::nullopt;
    }

    Station& station_;
    int channel_;
    bool deaf_ = false;
};

}  // namespace

Result<Json> play(Station& station, int channel) {
    const Json script = station.job().params.value("script", Json::array());
    if (!script.is_array()) {
        return base::fail("config.invalid", "sim: 'script' must be a list of steps");
    }
    Player player(station, channel);
    for (const Json& step : script) {
        if (auto end = player.step(step)) {
            return std::move(*end);
        }
    }
    return Json();
}

}  // namespace lineside::sim
