// SPDX-License-Identifier: Apache-2.0
// What all connections of one server share. Internal to web/server.
// Thread: the io_context's.
#pragma once

#include "web/server/server.h"

#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace lineside::web {

class Connection {
  public:
    virtual ~Connection() = default;
    virtual void start() = 0;
    virtual void close() = 0;   // now
    virtual void finish() = 0;  // now when idle or streaming, else after the answer under way
    // A long answer to this session; 0: to nobody's, over TCP.
    [[nodiscard]] virtual bool streams_to(std::int64_t session) const = 0;
};

// Connections without a whole request, who has been silent longest first. At the limit each new one
// asks for the first, so that is no search.
class IdleLine {
  public:
    // Their place in the line, never 0.
    std::uint64_t join(std::weak_ptr<Connection> connection) {
        line_.emplace_hint(line_.end(), ++last_, std::move(connection));
        return last_;
    }
    void leave(std::uint64_t place) { line_.erase(place); }
    // Nothing: nobody is idle.
    [[nodiscard]] std::shared_ptr<Connection> longest() const {
        for (const auto& [place, connection] : line_) {
            if (auto alive = connection.lock()) {
                return alive;
            }
        }
        return nullptr;
    }

  private:
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, std::weak_ptr<Connection>> line_;
};

struct Site {
    Limits limits;
    Router router;
    Gate gate;
    std::shared_ptr<Counters> counters;
    bool stopping = false;
    std::size_t uploads = 0;
    std::size_t screen_streams = 0;  // of the event streams, those of enrolled screens
    std::map<std::int64_t, std::size_t> streams_of;  // by session, of those that have one
    std::uint64_t next_id = 1;
    std::map<std::uint64_t, std::weak_ptr<Connection>> connections;
    IdleLine idle_tcp, idle_unix;
    std::function<void()> on_empty;  // called when the last connection is gone

    void remove(std::uint64_t id) {
        connections.erase(id);
        if (connections.empty() && on_empty) {
            std::exchange(on_empty, nullptr)();
        }
    }
};

// One of the places that event streams may take; given back when it goes.
class StreamPlace {
  public:
    // A page takes none of the enrolled screens' places, no stream the last ones of requests, and
    // one session not everybody's. Nothing: there is none left.
    static std::optional<StreamPlace> take(Site& site, std::int64_t session, bool screen,
                                           bool over_unix) {
        const auto own = site.streams_of.find(session);
        if (own != site.streams_of.end() && own->second >= site.limits.session_streams) {
            return std::nullopt;
        }
        const std::size_t streams = site.counters->event_streams;
        const bool room =
            over_unix ||
            (screen ? streams + site.limits.reserved < site.limits.connections
                    : streams - site.screen_streams + site.limits.reserved + site.limits.screens <
                          site.limits.connections);
        return room ? std::optional(StreamPlace(site, session, screen)) : std::nullopt;
    }
    ~StreamPlace() {
        if (site_ != nullptr) {
            --site_->counters->event_streams;
            site_->screen_streams -= screen_ ? 1U : 0U;
            const auto own = site_->streams_of.find(session_);
            if (own != site_->streams_of.end() && --own->second == 0) {
                site_->streams_of.erase(own);
            }
        }
    }
    StreamPlace(StreamPlace&& other) noexcept
        : site_(std::exchange(other.site_, nullptr)),
          session_(other.session_),
          screen_(other.screen_) {}
    StreamPlace& operator=(StreamPlace&&) = delete;

  private:
    StreamPlace(Site& site, std::int64_t session, bool screen)
        : site_(&site), session_(session), screen_(screen) {
        ++site.counters->event_streams;
        site.screen_streams += screen ? 1U : 0U;
        if (session != 0) {
            ++site.streams_of[session];
        }
    }
    Site* site_;
    std::int64_t session_;
    bool screen_;
};

}  // namespace lineside::web
