// SPDX-License-Identifier: Apache-2.0
// The station's side of one worker: handshake, messages, deadlines, stop ladder, log and recording,
// and the decision how it ended. How the process was started and how it is killed is the launcher's
// business (ProcessControl, started(), exited(), not_started()).
// Lifetime: kept alive by its own pending operations until the end was delivered.
// Thread: the io_context's.
#pragma once

#include "station/base/unique_fd.h"
#include "station/process/job_files.h"
#include "station/process/redactor.h"
#include "station/process/worker.h"
#include "workers/protocol/line_splitter.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace lineside::process {

// What a launcher can do to the processes of a worker. Both may come late or twice.
struct ProcessControl {
    std::function<void()> term;  // SIGTERM to all of them
    std::function<void()> kill;  // SIGKILL to all of them
};

// How the worker's own process ended.
struct ExitStatus {
    int status = 0;
    int signal = 0;  // > 0: killed by it, `status` means nothing
};

struct SessionLimits {
    double output_bytes_per_s = 16e6;  // raw output beyond it is read later, not dropped
    double output_burst = 8e6;
    double channel_bytes_per_s = 8e6;
    double channel_burst = 2e6;
    std::uint64_t max_log = 512ULL * 1024 * 1024;
    std::size_t max_unsent = 4 * 1024 * 1024;
    std::chrono::milliseconds exit_within{10000};  // after the result
    std::chrono::milliseconds kill_after_term{2000};
    std::chrono::milliseconds drain{1000};  // for output of what outlived the worker
};

// The two ends that go to the worker; close them once it has them.
struct WorkerEnds {
    base::UniqueFd channel;
    base::UniqueFd output;
};

class Session final : public Worker, public std::enable_shared_from_this<Session> {
  public:
    Session(boost::asio::any_io_executor executor, WorkerSpec spec, WorkerEvents events,
            SessionLimits limits);
    ~Session() override;

    // Opens channel, pipe and files and begins to read.   Errors: worker.spawn.
    [[nodiscard]] base::Result<WorkerEnds> open();
    void set_control(ProcessControl control) { control_ = std::move(control); }

    // From the launcher: the worker runs; it and all its children are gone; it never came to be;
    // the station lost sight of it (the reason becomes the outcome, whatever the worker said).
    void started();
    void exited(ExitStatus status);
    void not_started(base::Error error);
    void lost(base::Error error);

    void send(const protocol::FromStation& message) override;
    void add_secret(const base::Secret& secret) override;
    void stop(std::string reason, std::chrono::milliseconds grace) override;

    [[nodiscard]] const WorkerSpec& spec() const { return spec_; }

  private:
    using Clock = std::chrono::steady_clock;
    // A leaky bucket of bytes; pause() says how long to wait before the next read.
    struct Bucket {
        double rate, burst, level;
        Clock::time_point last;
        Clock::duration take(std::size_t bytes);
    };

    void read_channel();
    void on_channel();
    [[nodiscard]] bool take_channel();
    void on_line(std::string_view line);
    void on_message(protocol::FromWorker message);
    void on_hello(const protocol::Hello& hello);
    void redact(protocol::FromWorker& message);
    void read_output();
    void on_output();
    [[nodiscard]] bool take_output();
    void drain();
    void write_channel();
    void wait_channel_writable();
    void watch();
    void on_watch();
    void fail(base::Error error);
    void climb();
    void finish_if_done();
    void finish();
    [[nodiscard]] protocol::Outcome outcome() const;
    [[nodiscard]] std::string how_it_died() const;
    [[nodiscard]] std::int64_t since_start_ms() const;

    const SessionLimits limits_;
    const WorkerSpec spec_;
    WorkerEvents events_;
    ProcessControl control_;
    Redactor redactor_;
    LogWriter log_;
    Recorder recorder_;
    protocol::LineSplitter splitter_{protocol::kMaxLine};
    boost::asio::posix::stream_descriptor channel_;
    boost::asio::posix::stream_descriptor output_;
    boost::asio::steady_timer watch_timer_;
    boost::asio::steady_timer stop_timer_;
    boost::asio::steady_timer channel_pause_;
    boost::asio::steady_timer output_pause_;
    Bucket channel_bucket_;
    Bucket output_bucket_;
    Clock::duration channel_wait_{};
    Clock::duration output_wait_{};
    std::vector<protocol::FromStation> before_hello_;
    std::deque<base::Secret> unsent_;  // lines; wiped when they are gone
    std::size_t unsent_bytes_ = 0;
    std::size_t sent_of_front_ = 0;
    bool writing_ = false;

    Clock::time_point began_;
    Clock::time_point last_line_;
    std::chrono::milliseconds silence_;
    std::optional<Clock::time_point> result_at_;
    std::optional<Clock::time_point> exited_at_;
    bool started_ = false;
    bool hello_ = false;
    bool stopped_ = false;
    bool channel_open_ = false;
    bool output_open_ = false;
    bool ended_ = false;
    int rung_ = 0;        // of the stop ladder
    int redactions_ = 0;  // in delivered messages
    int unknown_ = 0;
    std::optional<protocol::Outcome> result_;
    std::optional<base::Error> failure_;  // the first cause; beats the worker's result
    std::optional<ExitStatus> exit_;
    bool never_started_ = false;
};

}  // namespace lineside::process
