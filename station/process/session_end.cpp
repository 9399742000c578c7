// SPDX-License-Identifier: Apache-2.0
// How a session ends: deadlines, the stop ladder, and what it says of the worker's end.
#include "station/process/session.h"

#include "station/base/log.h"

#include <fmt/format.h>

#include <csignal>
#include <cstring>

namespace lineside::process {
namespace {

using base::Error;
using base::make_error;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr milliseconds kKillAgain{5000};

}  // namespace

void Session::watch() {
    if (ended_) {
        return;
    }
    Clock::time_point next = began_ + spec_.total;
    if (exit_) {
        next = *exited_at_ + limits_.drain;
    } else if (failure_) {
        next = Clock::now() + kKillAgain;
    } else if (result_at_) {
        next = std::min(next, *result_at_ + limits_.exit_within);
    } else if (!hello_) {
        next = std::min(next, began_ + spec_.hello_within);
    } else {
        next = std::min(next, last_line_ + silence_);
    }
    watch_timer_.expires_at(next);
    watch_timer_.async_wait([self = shared_from_this()](error_code error) {
        if (!error && !self->ended_) {
            self->on_watch();
        }
    });
}

void Session::on_watch() {
    const auto now = Clock::now();
    if (exit_) {
        if (now >= *exited_at_ + limits_.drain) {
            drain();
            finish();  // something holds the pipe open; it is not of this job any more
            return;
        }
    } else if (failure_) {
        if (control_.kill) {
            control_.kill();
        }
    } else if (now >= began_ + spec_.total) {
        fail(make_error("worker.timeout",
                        fmt::format("step took longer than {} s", spec_.total.count() / 1000)));
        return;
    } else if (result_at_) {
        if (now >= *result_at_ + limits_.exit_within) {
            fail(make_error("worker.protocol", "worker did not end after its result"));
            return;
        }
    } else if (!hello_) {
        if (now >= began_ + spec_.hello_within) {
            fail(make_error("worker.silence",
                            fmt::format("worker said nothing within {} ms of its start",
                                        spec_.hello_within.count())));
            return;
        }
    } else if (now >= last_line_ + silence_) {
        fail(make_error("worker.silence",
                        fmt::format("worker said nothing for {:.1f} s",
                                    std::chrono::duration<double>(silence_).count())));
        return;
    }
    watch();
}

void Session::fail(Error error) {
    if (failure_ || ended_) {
        return;
    }
    failure_ = std::move(error);
    if (control_.kill) {
        control_.kill();
    }
    watch();
}

void Session::stop(std::string reason, milliseconds grace) {
    if (ended_) {
        return;
    }
    stopped_ = true;
    send(protocol::Stop{std::move(reason),
                        static_cast<int>(std::chrono::ceil<std::chrono::seconds>(grace).count())});
    if (rung_ > 0 && stop_timer_.expiry() <= Clock::now() + grace) {
        return;  // already further up the ladder than that
    }
    rung_ = std::max(rung_, 1);
    stop_timer_.expires_after(grace);
    stop_timer_.async_wait([self = shared_from_this()](error_code error) {
        if (!error && !self->ended_) {
            self->climb();
        }
    });
}

void Session::climb() {
    if (exit_) {
        return;
    }
    if (rung_ >= 2 || !started_) {
        if (control_.kill) {
            control_.kill();
        }
        return;
    }
    rung_ = 2;
    if (control_.term) {
        control_.term();
    }
    stop_timer_.expires_after(limits_.kill_after_term);
    stop_timer_.async_wait([self = shared_from_this()](error_code error) {
        if (!error && !self->ended_) {
            self->climb();
        }
    });
}

// ---- the end

// What lies in channel and pipe now, bounded.
void Session::drain() {
    constexpr int kMostReads = 64;
    for (int i = 0; i < kMostReads && channel_open_ && !ended_ && take_channel(); ++i) {
    }
    for (int i = 0; i < kMostReads && output_open_ && take_output(); ++i) {
    }
}

void Session::finish_if_done() {
    if (exit_ && !channel_open_ && !output_open_) {
        finish();
    }
}

std::string Session::how_it_died() const {
    if (exit_->signal > 0) {
        const char* name = ::sigabbrev_np(exit_->signal);
        return fmt::format("worker {} was killed by signal {} (SIG{})", spec_.method, exit_->signal,
                           name != nullptr ? name : "?");
    }
    return fmt::format("worker {} ended with status {} and no result", spec_.method, exit_->status);
}

protocol::Outcome Session::outcome() const {
    protocol::Outcome out;
    if (failure_) {
        out.error = *failure_;
        return out;
    }
    if (!result_) {
        out.error = make_error("worker.died", how_it_died());
        return out;
    }
    const bool ended_well = exit_->signal == 0 && exit_->status == 0;
    if (result_->ok && !ended_well) {
        out.error = make_error(
            "worker.protocol",
            exit_->signal > 0
                ? fmt::format("worker said ok, but was killed by signal {}", exit_->signal)
                : fmt::format("worker said ok, but ended with status {}", exit_->status));
        return out;
    }
    return *result_;
}

void Session::finish() {
    if (ended_) {
        return;
    }
    ended_ = true;
    log_.finish();
    recorder_.flush();
    WorkerEnd end;
    end.outcome = outcome();
    end.stopped = stopped_;
    end.redactions = log_.redactions() + recorder_.redactions();
    end.last_lines = log_.last_lines();
    if (unknown_ > 0) {
        base::log_info("worker {} of job {} sent {} messages the station does not know",
                       spec_.method, spec_.job, unknown_);
    }
    error_code ignored;
    channel_.close(ignored);
    output_.close(ignored);
    watch_timer_.cancel();
    stop_timer_.cancel();
    channel_pause_.cancel();
    output_pause_.cancel();
    unsent_.clear();
    control_ = {};
    const WorkerEvents events = std::exchange(events_, {});
    if (events.end) {
        events.end(std::move(end));
    }
}

}  // namespace lineside::process
