// SPDX-License-Identifier: Apache-2.0
// What all connections of one server share. Internal to web/server.
// Thread: the io_context's.
#pragma once

#include "web/server/server.h"

#include <map>
#include <memory>

namespace lineside::web {

class Connection {
  public:
    virtual ~Connection() = default;
    virtual void start() = 0;
    virtual void close() = 0;   // now
    virtual void finish() = 0;  // now when idle or streaming, else after the answer under way
    [[nodiscard]] virtual bool is_idle() const = 0;  // no request under way
    [[nodiscard]] virtual bool is_unix() const = 0;
    // A long answer to this session; 0: to nobody's, over TCP.
    [[nodiscard]] virtual bool streams_to(std::int64_t session) const = 0;
    [[nodiscard]] virtual std::chrono::steady_clock::time_point idle_since() const = 0;
};

struct Site {
    Limits limits;
    Router router;
    Gate gate;
    std::uint16_t port = 0;
    std::shared_ptr<Counters> counters;
    bool stopping = false;
    std::size_t uploads = 0;
    std::uint64_t next_id = 1;
    std::map<std::uint64_t, std::weak_ptr<Connection>> connections;
    std::function<void()> on_empty;  // called when the last connection is gone

    void remove(std::uint64_t id) {
        connections.erase(id);
        if (connections.empty() && on_empty) {
            std::exchange(on_empty, nullptr)();
        }
    }
};

}  // namespace lineside::web
