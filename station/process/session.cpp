// SPDX-License-Identifier: Apache-2.0
#include "station/process/session.h"

#include "station/base/log.h"
#include "station/process/fast_progress.h"

#include <boost/asio/post.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace lineside::process {
namespace {

using base::Error;
using base::make_error;
using base::Result;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::size_t kReadSize = 64 * 1024;
constexpr int kOutputPipe = 256 * 1024;

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;  // clang 14 needs it

// One buffer for all sessions of the thread; nothing of it outlives the call that filled it.
std::array<char, kReadSize>& read_buffer() {
    thread_local std::array<char, kReadSize> buffer;
    return buffer;
}

// Nine of ten lines are plain progress, and most of the cost of a line is building a JSON tree.
Result<protocol::FromWorker> parse_line(std::string_view line) {
    if (const auto progress = fast_progress(line)) {
        return *progress;
    }
    return protocol::parse_from_worker(line);
}

std::filesystem::path recording_of(std::filesystem::path log_file) {
    return log_file.replace_extension(".events.jsonl");
}

}  // namespace

Session::Clock::duration Session::Bucket::take(std::size_t bytes) {
    const auto now = Clock::now();
    level = std::min(burst, level + rate * std::chrono::duration<double>(now - last).count());
    last = now;
    level -= static_cast<double>(bytes);
    if (level >= 0) {
        return Clock::duration::zero();
    }
    return std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(-level / rate));
}

Session::Session(boost::asio::any_io_executor executor, WorkerSpec spec, WorkerEvents events,
                 SessionLimits limits)
    : limits_(limits),
      spec_(std::move(spec)),
      events_(std::move(events)),
      log_(redactor_, limits.max_log),
      recorder_(redactor_),
      channel_(executor),
      output_(executor),
      watch_timer_(executor),
      stop_timer_(executor),
      channel_pause_(executor),
      output_pause_(executor),
      channel_bucket_{limits.channel_bytes_per_s, limits.channel_burst, limits.channel_burst,
                      Clock::now()},
      output_bucket_{limits.output_bytes_per_s, limits.output_burst, limits.output_burst,
                     Clock::now()},
      began_(Clock::now()),
      last_line_(began_),
      silence_(spec_.silence) {
    for (const base::Secret& secret : spec_.secrets) {
        redactor_.add(secret);
    }
    for (const auto& [name, value] : spec_.job_line.secrets.items()) {
        if (value.is_string()) {
            redactor_.add(base::Secret(value.get<std::string>()));
        }
    }
}

Session::~Session() = default;

Result<WorkerEnds> Session::open() {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
        return base::fail_errno("worker.spawn", "socketpair", errno);
    }
    base::UniqueFd mine(pair[0]);
    WorkerEnds ends;
    ends.channel = base::UniqueFd(pair[1]);
    std::array<int, 2> pipe_ends{};
    if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) {
        return base::fail_errno("worker.spawn", "pipe", errno);
    }
    base::UniqueFd reading(pipe_ends[0]);
    ends.output = base::UniqueFd(pipe_ends[1]);
    ::fcntl(reading.get(), F_SETPIPE_SZ, kOutputPipe);  // a wish
    ::fcntl(reading.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(mine.get(), F_SETFL, O_NONBLOCK);
    error_code error;
    channel_.assign(mine.get(), error);
    if (!error) {
        (void)mine.release();
        output_.assign(reading.get(), error);
    }
    if (error) {
        return base::fail("worker.spawn", error.message());
    }
    (void)reading.release();
    if (!spec_.log_file.empty()) {
        log_.open(spec_.log_file);
        recorder_.open(recording_of(spec_.log_file));
    }
    channel_open_ = output_open_ = true;
    read_channel();
    read_output();
    return ends;
}

std::int64_t Session::since_start_ms() const {
    return std::chrono::duration_cast<milliseconds>(Clock::now() - began_).count();
}

// ---- from the launcher

void Session::started() {
    if (ended_ || started_) {
        return;
    }
    started_ = true;
    if (!hello_) {  // it may have come before the launcher was told that the process runs
        began_ = Clock::now();
    }
    watch();
}

void Session::exited(ExitStatus status) {
    if (exit_ || ended_) {
        return;
    }
    exit_ = status;
    exited_at_ = Clock::now();
    watch();
    finish_if_done();
}

void Session::not_started(Error error) {
    never_started_ = true;
    lost(std::move(error));
}

void Session::lost(Error error) {
    if (ended_) {
        return;
    }
    failure_ = std::move(error);
    if (!exit_) {
        exit_ = ExitStatus{0, SIGKILL};
    }
    // Later, because the caller of start() does not expect the end from within it.
    boost::asio::post(channel_.get_executor(), [self = shared_from_this()] { self->finish(); });
}

// ---- channel

void Session::read_channel() {
    channel_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                        [self = shared_from_this()](error_code error) {
                            if (!error && !self->ended_) {
                                self->on_channel();
                            }
                        });
}

// Reads once; false when there is nothing to read now.
bool Session::take_channel() {
    auto& buffer = read_buffer();
    const ssize_t got =
        ::recv(channel_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    if (got <= 0) {
        channel_open_ = false;
        if (splitter_.pending() > 0 && !result_) {
            recorder_.in(since_start_ms(), "(a line without its end)", false, false);
        }
        recorder_.flush();
        return false;
    }
    splitter_.push(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
    while (!ended_) {
        auto line = splitter_.next();
        if (!line) {
            fail(make_error("worker.protocol", line.error().message));
            break;
        }
        if (!*line) {
            break;
        }
        last_line_ = Clock::now();
        on_line(**line);
    }
    recorder_.flush();
    if (failure_) {
        channel_open_ = false;  // nothing it says counts any more
        return false;
    }
    channel_wait_ = channel_bucket_.take(static_cast<std::size_t>(got));
    return true;
}

void Session::on_channel() {
    channel_wait_ = Clock::duration::zero();
    (void)take_channel();
    if (ended_) {
        return;
    }
    if (!channel_open_) {
        finish_if_done();
        return;
    }
    if (channel_wait_ == Clock::duration::zero()) {
        read_channel();
        return;
    }
    channel_pause_.expires_after(channel_wait_);
    channel_pause_.async_wait([self = shared_from_this()](error_code error) {
        if (!error && !self->ended_) {
            self->read_channel();
        }
    });
}

void Session::on_line(std::string_view line) {
    if (failure_) {
        return;
    }
    auto message = parse_line(line);
    const bool has_secret = redactor_.contains(line);
    recorder_.in(since_start_ms(), line, message.has_value(), has_secret);
    if (!message) {
        Error error = make_error("worker.protocol", message.error().message);
        error.message = redactor_.redact(error.message, redactions_);
        fail(std::move(error));
        return;
    }
    if (result_) {
        fail(make_error("worker.protocol", "worker went on after its result"));
        return;
    }
    if (const auto* hello = std::get_if<protocol::Hello>(&*message)) {
        on_hello(*hello);
        return;
    }
    if (!hello_) {
        fail(make_error("worker.protocol", "worker did not say hello first"));
        return;
    }
    if (has_secret) {
        redact(*message);
    }
    on_message(std::move(*message));
}

void Session::on_hello(const protocol::Hello& hello) {
    if (hello_) {
        fail(make_error("worker.protocol", "worker said hello twice"));
        return;
    }
    if (hello.version != protocol::kVersion) {
        fail(make_error("worker.protocol", fmt::format("worker speaks protocol {}, the station {}",
                                                       hello.version, protocol::kVersion)));
        return;
    }
    hello_ = true;
    last_line_ = Clock::now();
    silence_ = std::min(
        spec_.total, std::max(spec_.silence, milliseconds(std::chrono::seconds(hello.silence_s))));
    send(spec_.job_line);
    for (const protocol::FromStation& message : std::exchange(before_hello_, {})) {
        send(message);
    }
    if (events_.hello) {
        events_.hello(hello);
    }
    watch();
}

void Session::on_message(protocol::FromWorker message) {
    if (auto* outcome = std::get_if<protocol::Outcome>(&message)) {
        result_ = std::move(*outcome);
        result_at_ = Clock::now();
        watch();
        return;
    }
    if (std::holds_alternative<protocol::Unknown>(message)) {
        ++unknown_;
    }
    if (events_.message) {
        events_.message(message);
    }
}

void Session::redact(protocol::FromWorker& message) {
    const auto text = [this](std::string& value) {
        if (redactor_.contains(value)) {
            value = redactor_.redact(value, redactions_);
        }
    };
    std::visit(Overloaded{
                   [&](protocol::Fact& m) {
                       text(m.key);
                       text(m.value);
                   },
                   [&](protocol::LogLine& m) { text(m.text); },
                   [&](protocol::Phase& m) { text(m.name); },
                   [&](protocol::Progress& m) { text(m.unit); },
                   [&](protocol::Ask& m) { redactor_.redact(m.args, redactions_); },
                   [&](protocol::Proof& m) { redactor_.redact(m.value, redactions_); },
                   [&](protocol::Outcome& m) {
                       text(m.error.message);
                       text(m.error.hint);
                       redactor_.redact(m.value, redactions_);
                   },
                   [&](protocol::Unknown& m) { text(m.event); },
                   [](auto&) {},
               },
               message);
}

void Session::send(const protocol::FromStation& message) {
    if (ended_ || !channel_open_) {
        return;
    }
    if (!hello_) {
        before_hello_.push_back(message);  // the job line goes first
        return;
    }
    recorder_.out(since_start_ms(), message);
    base::Secret line(protocol::format(message));
    unsent_bytes_ += line.reveal().size();
    unsent_.push_back(std::move(line));
    if (unsent_bytes_ > limits_.max_unsent) {
        fail(make_error("worker.protocol", "worker does not read what it is sent"));
        return;
    }
    if (!writing_) {
        write_channel();
    }
}

void Session::write_channel() {
    writing_ = false;
    while (!unsent_.empty()) {
        const std::string_view rest = unsent_.front().reveal().substr(sent_of_front_);
        const ssize_t put =
            ::send(channel_.native_handle(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0 && errno == EAGAIN) {
            wait_channel_writable();
            return;
        }
        if (put < 0) {  // the worker has closed its end: its exit or EOF tells the rest
            unsent_.clear();
            unsent_bytes_ = sent_of_front_ = 0;
            return;
        }
        sent_of_front_ += static_cast<std::size_t>(put);
        if (sent_of_front_ == unsent_.front().reveal().size()) {
            unsent_bytes_ -= sent_of_front_;
            sent_of_front_ = 0;
            unsent_.pop_front();
        }
    }
}

void Session::wait_channel_writable() {
    writing_ = true;
    channel_.async_wait(boost::asio::posix::stream_descriptor::wait_write,
                        [self = shared_from_this()](error_code error) {
                            self->writing_ = false;
                            if (!error && !self->ended_) {
                                self->write_channel();
                            }
                        });
}

void Session::add_secret(const base::Secret& secret) {
    redactor_.add(secret);
}

// ---- raw output

void Session::read_output() {
    output_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](error_code error) {
                           if (!error && !self->ended_) {
                               self->on_output();
                           }
                       });
}

bool Session::take_output() {
    auto& buffer = read_buffer();
    const ssize_t got = ::read(output_.native_handle(), buffer.data(), buffer.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    if (got <= 0) {
        output_open_ = false;
        return false;
    }
    log_.push(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
    output_wait_ =
        exit_ ? Clock::duration::zero() : output_bucket_.take(static_cast<std::size_t>(got));
    return true;
}

void Session::on_output() {
    output_wait_ = Clock::duration::zero();
    (void)take_output();
    if (!output_open_) {
        finish_if_done();
        return;
    }
    if (output_wait_ == Clock::duration::zero()) {
        read_output();
        return;
    }
    output_pause_.expires_after(output_wait_);
    output_pause_.async_wait([self = shared_from_this()](error_code error) {
        if (!error && !self->ended_) {
            self->read_output();
        }
    });
}

}  // namespace lineside::process
