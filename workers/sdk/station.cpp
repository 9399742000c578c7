// SPDX-License-Identifier: Apache-2.0
#include "workers/sdk/station.h"

#include <fcntl.h>
#include "station/base/codes.h"
#include "station/base/crash_point.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace lineside::worker {
namespace {

constexpr milliseconds kProgressEvery{100};
constexpr std::size_t kMaxText = 8192;

// Cuts at a UTF-8 boundary so that the cut itself adds no U+FFFD.
std::string bounded(std::string_view text, std::size_t most) {
    if (text.size() > most) {
        while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) {
            --most;
        }
        text = text.substr(0, most);
    }
    return std::string(text);
}

bool fell(const protocol::Progress& before, const protocol::Progress& after) {
    if (before.total == 0 || after.total == 0) {
        return before.total == after.total && after.done < before.done;
    }
    return static_cast<double>(after.done) / static_cast<double>(after.total) <
           static_cast<double>(before.done) / static_cast<double>(before.total);
}

int to_poll_ms(milliseconds time) {
    return static_cast<int>(std::clamp<std::int64_t>(time.count(), 0, 3'600'000));
}

}  // namespace

Station::Station(int channel) : channel_(channel) {
    ::fcntl(channel, F_SETFD, FD_CLOEXEC);
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &stops, nullptr);
    signals_.reset(::signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK));
}

Station::~Station() {
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    ::pthread_sigmask(SIG_UNBLOCK, &stops, nullptr);
}

Result<std::string> Station::secret(std::string_view name) const {
    auto value = base::field<std::string>(job_.secrets, name);
    if (!value) {
        return base::fail("config.invalid", fmt::format("secret '{}' is missing", name));
    }
    return value;
}

const std::vector<std::string>& Station::net() const {
    return port_ && port_->present ? port_->net : job_.net;
}

// ---- reports

void Station::send(const protocol::FromWorker& message) {
    std::string line = protocol::format(message);
    if (line.size() > protocol::kMaxLine + 1) {
        stop(base::make_error("worker.protocol",
                              "This worker wanted to send more than 64 KiB at once"));
        return;
    }
    std::string_view left = line;
    while (!left.empty() && !lost_) {
        const auto sent = ::send(channel_.get(), left.data(), left.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            left.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            pollfd writable{channel_.get(), POLLOUT, 0};
            ::poll(&writable, 1, 1000);
        } else if (errno != EINTR) {
            lost_ = true;
            stop_because("station");
        }
    }
    line_sent_ = Clock::now();
}

void Station::flush_progress(bool due_only) {
    const auto now = Clock::now();
    if (!progress_pending_ || (due_only && now - progress_sent_ < kProgressEvery)) {
        return;
    }
    progress_pending_ = false;
    progress_sent_ = now;
    send(progress_);
}

void Station::phase(std::string name, int index, int of, double weight) {
    flush_progress(false);
    const auto bytes = progress_.bytes;
    progress_ = {};
    progress_.bytes = bytes;
    send(protocol::Phase{std::move(name), index, of, weight});
}

void Station::progress(std::uint64_t done, std::uint64_t total, std::string_view unit) {
    const protocol::Progress next{total > 0 ? std::min(done, total) : done, total,
                                  bounded(unit, 64), progress_.bytes};
    if (fell(progress_, next) || (next.done == progress_.done && next.total == progress_.total)) {
        return;
    }
    progress_ = next;
    progress_pending_ = true;
    flush_progress(true);
}

void Station::carried(std::uint64_t bytes) {
    if (bytes > progress_.bytes) {
        progress_.bytes = bytes;
        progress_pending_ = true;
        flush_progress(true);
    }
}

void Station::fact(std::string_view key, std::string_view value) {
    send(protocol::Fact{std::string(key), bounded(value, kMaxText)});
}

void Station::log(std::string_view level, std::string_view text) {
    send(protocol::LogLine{std::string(level), bounded(text, kMaxText)});
}

void Station::expect(std::vector<std::string> replug, std::chrono::seconds within) {
    send(protocol::Expect{std::move(replug), static_cast<int>(within.count())});
}

void Station::expect_over() {
    send(protocol::Expect{});
}

void Station::proof(std::string_view kind, Json value) {
    flush_progress(false);
    base::crash_point("worker_before_proof");
    send(protocol::Proof{std::string(kind), std::move(value)});
    base::crash_point("worker_proof_sent");
}

void Station::keep_alive() {
    const auto every = std::chrono::seconds(std::max(job_.silence_s, 1)) / 4.0;
    if (Clock::now() - line_sent_ >= every) {
        progress_pending_ = false;
        progress_sent_ = Clock::now();
        send(progress_);
    }
}

// ---- asks

Result<Json> Station::ask(std::string_view what, Json args, milliseconds within) {
    const auto id = next_ask_++;
    flush_progress(false);
    awaited_ = id;
    base::crash_point("worker_before_ask");
    send(protocol::Ask{id, std::string(what), std::move(args)});
    const auto answered = wait_until([&] { return answers_.contains(id); }, within);
    awaited_ = 0;
    if (!answered) {
        return tl::unexpected(answered.error());
    }
    if (!*answered) {
        return base::fail("ask.refused",
                          fmt::format("The station did not answer '{}' in time", what));
    }
    auto answer = std::move(answers_.extract(id).mapped());
    if (!answer.ok) {
        return tl::unexpected(std::move(answer.error));
    }
    base::crash_point("worker_answered");
    return std::move(answer.value);
}

// ---- waiting

Status Station::check() {
    serve();
    if (stop_) {
        return tl::unexpected(*stop_);
    }
    return {};
}

Status Station::pause(milliseconds time) {
    auto over = wait_until([] { return false; }, time);
    if (!over) {
        return tl::unexpected(over.error());
    }
    return {};
}

Result<bool> Station::wait_until(const std::function<bool()>& wanted, milliseconds within) {
    const auto end = Clock::now() + within;
    while (true) {
        if (wanted()) {
            return true;
        }
        if (auto status = check(); !status) {
            return tl::unexpected(status.error());
        }
        if (wanted()) {  // check() has read it: nothing more may come that would end a wait
            return true;
        }
        const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
        if (left <= milliseconds::zero()) {
            return wanted();
        }
        wait({}, std::min(left, milliseconds(100)));
    }
}

void Station::wait(std::span<pollfd> more, milliseconds most) {
    if (progress_pending_) {
        most = std::min(most, kProgressEvery);
    }
    std::array<pollfd, 18> all{};
    nfds_t used = 0;
    const auto count = std::min<std::size_t>(more.size(), all.size() - 2);
    std::copy_n(more.begin(), count, all.begin());
    used = count;
    all[used++] = {signals_.get(), POLLIN, 0};
    if (!lost_) {
        all[used++] = {channel_.get(), POLLIN, 0};
    }
    const int ready = ::poll(all.data(), used, to_poll_ms(most));
    for (std::size_t i = 0; i < count; ++i) {
        more[i].revents = ready > 0 ? all[i].revents : short{0};
    }
    serve();
}

void Station::serve() {
    flush_progress(true);
    signalfd_siginfo signal{};
    while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
        stop_because("terminated");
    }
    std::array<char, 64 * 1024> bytes;  // NOLINT: filled by recv
    while (!lost_) {
        const auto got = ::recv(channel_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno == EAGAIN) {
            break;
        }
        if (got <= 0) {
            lost_ = true;
            stop_because("station");
            break;
        }
        splitter_.push({bytes.data(), static_cast<std::size_t>(got)});
        while (true) {
            auto line = splitter_.next();
            if (!line) {
                stop(base::make_error("worker.protocol", line.error().message));
                lost_ = true;
                return;
            }
            if (!*line) {
                break;
            }
            take(**line);
        }
    }
}

void Station::take(std::string_view line) {
    auto message = protocol::parse_from_station(line);
    if (!message) {
        stop(base::make_error("worker.protocol", message.error().message));
        return;
    }
    if (auto* job = std::get_if<protocol::JobLine>(&*message); job != nullptr && !has_job_) {
        job_ = std::move(*job);
        has_job_ = true;
    } else if (auto* answer = std::get_if<protocol::Answer>(&*message); answer != nullptr) {
        if (answer->id == awaited_) {  // a late answer to an ask we gave up is of no use
            answers_[answer->id] = std::move(*answer);
        }
    } else if (auto* order = std::get_if<protocol::Stop>(&*message); order != nullptr) {
        stop_because(order->reason);
    } else if (auto* port = std::get_if<protocol::PortState>(&*message); port != nullptr) {
        port_ = std::move(*port);
        ++port_changes_;
    } else {
        ++unknown_;
    }
}

void Station::stop(base::Error error) {
    if (!stop_) {
        stop_ = std::move(error);
    }
}

// The reason may be a code of the closed list ("usb.left"): then the result carries it.
void Station::stop_because(std::string_view reason) {
    const auto code = reason == "operator" ? "operator.stopped" : "station.stopping";
    stop(base::make_error(base::is_known_code(reason) ? reason : code));
}

// ---- for run()

void Station::hello(protocol::Hello hello) {
    send(std::move(hello));
}

Status Station::take_job(milliseconds within) {
    auto got = wait_until([&] { return has_job_; }, within);
    if (!got) {
        return tl::unexpected(got.error());
    }
    if (!*got) {
        return base::fail("worker.protocol", "No job line came");
    }
    return {};
}

void Station::result(const Result<Json>& result) {
    flush_progress(false);
    base::crash_point("worker_before_result");
    protocol::Outcome outcome;
    outcome.ok = result.has_value();
    if (result) {
        outcome.value = *result;
    } else {
        outcome.error = result.error();
        outcome.error.message = bounded(outcome.error.message, kMaxText);
        outcome.error.hint = bounded(outcome.error.hint, kMaxText);
    }
    if (protocol::format(protocol::FromWorker(outcome)).size() > protocol::kMaxLine) {
        outcome = {};
        outcome.error =
            base::make_error("worker.protocol", "This worker's result is longer than 64 KiB");
    }
    send(outcome);
}

}  // namespace lineside::worker
