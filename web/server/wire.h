// SPDX-License-Identifier: Apache-2.0
// The bytes of one connection, TCP or Unix, in the clear or under TLS, each operation with its
// deadline. Beast reads requests from it as from any stream. Callbacks hold the owner, so that a
// Wire outlives what it was asked for. Internal to web/server.
// Thread: the io_context's.
#pragma once

#include "web/server/door.h"
#include "web/server/gather.h"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace lineside::web {

class Wire {
  public:
    using Socket = boost::beast::basic_stream<boost::asio::generic::stream_protocol>;
    using executor_type = Socket::executor_type;
    using error_code = boost::system::error_code;
    using Then = std::function<void(error_code)>;

    explicit Wire(boost::asio::generic::stream_protocol::socket socket)
        : socket_(std::move(socket)) {}

    [[nodiscard]] executor_type get_executor() { return socket_.get_executor(); }
    void expires_after(std::chrono::milliseconds limit) { socket_.expires_after(limit); }
    // From here on no deadline but a write's. What a page that stopped reading may leave with the
    // kernel is bounded: far more than a page that reads ever waits for.
    void begin_push();

    template <typename Buffers, typename Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return tls_ ? tls_->async_read_some(buffers, std::forward<Token>(token))
                    : socket_.async_read_some(buffers, std::forward<Token>(token));
    }

    // From here on under TLS. `begun`: what was read of the other end's first record already; it is
    // taken off.
    void begin_tls(const Door& door, boost::beast::flat_buffer& begun, Then then);
    // Writes all of `out` as fast as the reader takes it; `limit` without a single byte taken is
    // the end. `out` must stay until `then`.
    void write(Gather& out, std::chrono::milliseconds limit, Then then);
    // Writes of `out` what can be taken without waiting: in the clear what the kernel has room for,
    // under TLS nothing. An error shows at the next write().
    void write_at_once(Gather& out);
    // Closes in two halves: a client that still sends must not lose the answer to a reset. What it
    // sends is read and thrown away, up to a bound. Calls `then` when the rest may be closed.
    void finish(std::chrono::milliseconds limit, Then then);
    // Ends it so that no half answer passes for a whole one.
    void cut();
    void close() { socket_.close(); }

  private:
    void drain(Then then);

    Socket socket_;
    std::shared_ptr<boost::asio::ssl::context> context_;  // a renewed door must not take it away
    std::optional<boost::asio::ssl::stream<Socket&>> tls_;
    std::string record_;  // under TLS small buffers go out in one record
    std::size_t drained_ = 0;
};

}  // namespace lineside::web
