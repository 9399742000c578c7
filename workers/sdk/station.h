// SPDX-License-Identifier: Apache-2.0
// The station as a worker sees it: what it was told to do, what it reports, what it may ask.
// Nothing here fails when the station is gone or says stop: reports then go nowhere and check()
// gives the error to return. So a method is written straight on and asks check() at its safe
// points. Every call that waits goes on serving `stop` and `port` messages meanwhile. Thread: one.
// Time: monotonic.
#pragma once

#include "station/base/unique_fd.h"
#include "workers/protocol/line_splitter.h"
#include "workers/protocol/messages.h"

#include <poll.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::worker {

using base::Json;
using base::Result;
using base::Status;
using std::chrono::milliseconds;

class Station {
  public:
    using Clock = std::chrono::steady_clock;

    // Takes `channel`. SIGTERM and SIGINT count as `stop` as long as this lives; SIGPIPE is
    // ignored.
    explicit Station(int channel);
    ~Station();
    Station(const Station&) = delete;
    Station& operator=(const Station&) = delete;

    // ---- what to do
    [[nodiscard]] const protocol::JobLine& job() const { return job_; }
    // The secret `name` of the job line. Errors: config.invalid.
    [[nodiscard]] Result<std::string> secret(std::string_view name) const;
    // The last `port` message; nothing before the first.
    [[nodiscard]] const std::optional<protocol::PortState>& port() const { return port_; }
    [[nodiscard]] unsigned port_changes() const { return port_changes_; }
    // The unit's network interfaces, best first: of the last `port` message, else of the job line.
    [[nodiscard]] const std::vector<std::string>& net() const;

    // ---- reports
    void phase(std::string name, int index, int of, double weight);
    // Of the current phase. Never falls within a phase; sent at most every 100 ms, the last one
    // always.
    void progress(std::uint64_t done, std::uint64_t total, std::string_view unit = "");
    // So many bytes have gone over the unit's wire in this step, all phases together; told with the
    // progress.
    void carried(std::uint64_t bytes);
    void fact(std::string_view key, std::string_view value);
    void log(std::string_view level, std::string_view text);  // error, warn, info, debug
    void expect(std::vector<std::string> replug, std::chrono::seconds within);
    void expect_over();  // absence is a fault again
    void proof(std::string_view kind, Json value);
    // Tells the station that this worker is alive and waits for something it bounds itself. Call it
    // as often as you like: it sends the last progress again, four times per silence limit of the
    // job.
    void keep_alive();

    // ---- asks
    // Waits for the answer. Errors: what the station answered; operator.stopped, station.stopping;
    // ask.refused when no answer came in time.
    [[nodiscard]] Result<Json> ask(std::string_view what, Json args, milliseconds within);

    // ---- waiting
    // The error to return once the station said stop, is gone or broke the protocol. Never blocks.
    [[nodiscard]] Status check();
    // Sleeps, ending early with check()'s error.
    [[nodiscard]] Status pause(milliseconds time);
    // Waits until `wanted` holds; it is tried at once and after every message and at least every
    // 100 ms. False when the time is over.
    [[nodiscard]] Result<bool> wait_until(const std::function<bool()>& wanted, milliseconds within);
    // Waits for any of `more` (poll(2) semantics, their revents are set), a message, or `most`.
    // Serves the messages. For methods that have descriptors of their own (a tool's pipe, an SSH
    // socket).
    void wait(std::span<pollfd> more, milliseconds most);

    // ---- for run()
    void hello(protocol::Hello hello);
    [[nodiscard]] Status take_job(milliseconds within);
    void result(const Result<Json>& result);
    [[nodiscard]] unsigned unknown_messages() const { return unknown_; }

  private:
    void send(const protocol::FromWorker& message);
    void flush_progress(bool due_only);
    void serve();
    void take(std::string_view line);
    void stop(base::Error error);
    void stop_because(std::string_view reason);

    base::UniqueFd channel_;
    base::UniqueFd signals_;
    protocol::JobLine job_;
    bool has_job_ = false;
    bool lost_ = false;  // nobody listens any more
    std::optional<base::Error> stop_;
    protocol::LineSplitter splitter_{protocol::kMaxJobLine};
    std::optional<protocol::PortState> port_;
    unsigned port_changes_ = 0;
    unsigned unknown_ = 0;
    std::int64_t next_ask_ = 1;
    std::map<std::int64_t, protocol::Answer> answers_;
    std::int64_t awaited_ = 0;
    protocol::Progress progress_;
    bool progress_pending_ = false;
    Clock::time_point progress_sent_{};
    Clock::time_point line_sent_{};
};

}  // namespace lineside::worker
