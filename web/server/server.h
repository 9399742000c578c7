// SPDX-License-Identifier: Apache-2.0
// The HTTP server of the station: listeners on loopback, on a Unix socket and, under TLS, on the
// line's network, connections, and what
// bounds them. What it serves is the Router it is given (web/api makes it).
// Thread: everything on the io_context's thread.
#pragma once

#include "station/base/error.h"
#include "web/server/door.h"
#include "web/server/router.h"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lineside::web {

struct Limits {
    std::size_t header_bytes = 16 * 1024;  // request line and headers together
    std::size_t target_bytes = 4096;
    std::size_t json_bytes = 64 * 1024;
    std::size_t csv_bytes = 256 * 1024 * 1024;
    std::size_t uploads = 1;           // large bodies in memory at a time
    std::size_t connections = 2048;    // TCP; a new one ends the one silent longest
    std::size_t reserved = 64;         // of them, what event streams may not take
    std::size_t screens = 64;          // of them, the event streams of enrolled screens alone
    std::size_t session_streams = 64;  // of one session; not of who needs none
    std::size_t unix_connections = 64;
    std::size_t body_rate = 16 * 1024;  // bytes a second a body must keep up on average
    std::chrono::milliseconds header_timeout{10'000};
    std::chrono::milliseconds body_timeout{10'000};  // without a single byte
    std::chrono::milliseconds body_grace{30'000};    // before body_rate counts
    std::chrono::milliseconds idle_timeout{75'000};
    std::chrono::milliseconds write_timeout{30'000};  // without a single byte taken
    std::chrono::milliseconds linger{2'000};
    std::chrono::milliseconds stop_deadline{3'000};
};

// Finds out who sends a request and says whether the role is theirs; sets actor, session, account
// and role of it.   Errors: people.needed, people.role.
using Gate = std::function<base::Status(Request&, people::Role needed)>;

struct ServerConfig {
    std::vector<std::string> listen{"127.0.0.1", "::1"};  // in the clear, so no other address
    std::uint16_t port = 0;                               // 0: any free one
    std::filesystem::path unix_socket;                    // empty: none
    Gate gate;                                            // empty: everybody may do everything
    Limits limits;
};

// What /metrics says about the server itself.
struct Counters {
    std::uint64_t accepted = 0;
    std::uint64_t turned_away = 0;  // at the connection limit
    std::uint64_t evicted = 0;      // idle ones ended for a new one
    std::uint64_t timeouts = 0;
    std::uint64_t tls_failed = 0;   // handshakes that came to nothing
    std::uint64_t answers[6] = {};  // by first digit of the status
    std::size_t open_tcp = 0;
    std::size_t open_unix = 0;
    std::size_t event_streams = 0;
    std::uint64_t event_resets = 0;  // slow readers that were given a snapshot
    [[nodiscard]] std::string prometheus() const;
};

class Server {
  public:
    // Opens the listeners and serves from then on.
    // Errors: config.invalid (address not allowed or in use, socket path too long or taken).
    [[nodiscard]] static base::Result<std::unique_ptr<Server>> start(
        boost::asio::io_context& loop, ServerConfig config, Router router,
        std::shared_ptr<Counters> counters = nullptr);
    ~Server();  // ends every connection at once
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] std::string url() const;  // "http://127.0.0.1:8080/"
    // Opens the TLS door, once; called again, new connections get the new certificate and names
    // (the addresses stay as they are).   Errors: config.invalid (certificate, key, address in
    // use).
    [[nodiscard]] base::Status open_tls(const TlsConfig& config);
    [[nodiscard]] std::uint16_t tls_port() const;  // 0: not open
    // Cuts what still streams to a session that ended; 0: to whoever came without one.
    void end_session(std::int64_t session);
    // Stops accepting, ends idle connections and event streams now, lets answers under way finish
    // until the deadline, then calls `done` (which may be empty).
    void stop(std::function<void()> done = nullptr);

  private:
    struct Parts;
    explicit Server(std::shared_ptr<Parts> parts) : parts_(std::move(parts)) {}
    std::shared_ptr<Parts> parts_;
};

}  // namespace lineside::web
