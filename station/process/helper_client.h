// SPDX-License-Identifier: Apache-2.0
// The connection to the root helper: requests by id, replies, exit events. When it breaks, every
// open request fails with helper.lost and the owner is told once; it comes back by itself, and a
// request made meanwhile waits a little for that. Thread: the io_context's. The object must outlive
// its callbacks' context or be closed first.
#pragma once

#include "station/base/error.h"
#include "station/base/json.h"
#include "station/base/unique_fd.h"
#include "station/process/session.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace lineside::process {

struct HelperEvents {
    std::function<void(std::int64_t job, int step, int attempt, ExitStatus status)> exit;
    std::function<void(const base::Error& reason)> lost;
    std::function<void()> found;  // connected, also for the first time
};

class HelperClient : public std::enable_shared_from_this<HelperClient> {
  public:
    using Reply = std::function<void(base::Result<base::Json>)>;

    HelperClient(boost::asio::any_io_executor executor, std::string socket, HelperEvents events);
    void open();   // connects, now or later
    void close();  // for good; open requests fail
    // `body` without "id". The reply comes later, never from within this call.
    // Errors: helper.lost, helper.refused and what the helper answers.
    void request(base::Json body, std::vector<base::UniqueFd> fds, std::chrono::milliseconds within,
                 Reply reply);
    [[nodiscard]] bool connected() const { return stream_.has_value(); }

  private:
    using Clock = std::chrono::steady_clock;
    struct Outgoing {
        std::int64_t id = 0;
        std::string text;
        std::vector<base::UniqueFd> fds;
    };
    struct Open {
        Reply reply;
        Clock::time_point until;
        bool sent = false;
    };
    void connect();
    void retry_later();
    void read();
    void on_readable();
    void on_packet(const std::string& text);
    void flush();
    void tick();
    void drop(base::Error reason);
    void answer(std::int64_t id, base::Result<base::Json> result);

    boost::asio::any_io_executor executor_;
    std::string socket_;
    HelperEvents events_;
    std::optional<boost::asio::posix::stream_descriptor> stream_;
    boost::asio::steady_timer retry_;
    boost::asio::steady_timer tick_;
    std::chrono::milliseconds backoff_{100};
    std::map<std::int64_t, Open> open_;
    std::deque<Outgoing> unsent_;
    std::int64_t next_id_ = 1;
    bool waiting_to_write_ = false;
    bool closed_ = false;
    bool ticking_ = false;
    std::string refusal_;
};

}  // namespace lineside::process
