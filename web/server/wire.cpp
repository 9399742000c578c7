// SPDX-License-Identifier: Apache-2.0
#include "web/server/wire.h"

namespace lineside::web {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;

constexpr std::size_t kDrainBytes = 4 * 1024 * 1024;  // read and thrown away before a close
constexpr int kPushBuffer = 128 * 1024;               // bytes; the kernel doubles it
constexpr std::size_t kRecord = 16 * 1024;            // the most a TLS record holds

}  // namespace

void Wire::begin_tls(const Door& door, boost::beast::flat_buffer& begun, Then then) {
    context_ = door.tls;
    tls_.emplace(socket_, *context_);
    tls_->async_handshake(ssl::stream_base::server, begun.data(),
                          [&begun, then = std::move(then)](error_code ec, std::size_t used) {
                              begun.consume(used);
                              then(ec);
                          });
}

void Wire::begin_push() {
    socket_.expires_never();
    error_code ignored;
    socket_.socket().set_option(asio::socket_base::send_buffer_size(kPushBuffer), ignored);
}

void Wire::write(Gather& out, std::chrono::milliseconds limit, Then then) {
    if (out.empty()) {
        return then({});
    }
    auto taken = [this, &out, limit, then = std::move(then)](error_code ec, std::size_t bytes) {
        if (ec) {
            return then(ec);
        }
        out.consume(bytes);
        write(out, limit, then);
    };
    socket_.expires_after(limit);
    if (tls_) {
        record_.clear();
        out.copy_front(record_, kRecord);
        tls_->async_write_some(asio::buffer(record_), std::move(taken));
    } else {
        socket_.async_write_some(out.front(), std::move(taken));
    }
}

void Wire::write_at_once(Gather& out) {
    auto& socket = socket_.socket();
    error_code ec;
    socket.non_blocking(true, ec);
    while (!tls_ && !ec && !out.empty()) {
        out.consume(socket.write_some(out.front(), ec));
    }
}

void Wire::finish(std::chrono::milliseconds limit, Then then) {
    socket_.expires_after(limit);
    auto shut = [this, then = std::move(then)](error_code) {
        error_code ignored;
        socket_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
        drained_ = 0;
        record_.resize(kRecord);
        drain(then);
    };
    if (tls_) {
        tls_->async_shutdown(std::move(shut));
    } else {
        shut({});
    }
}

void Wire::drain(Then then) {
    socket_.async_read_some(asio::buffer(record_),
                            [this, then = std::move(then)](error_code ec, std::size_t bytes) {
                                drained_ += bytes;
                                if (ec || drained_ > kDrainBytes) {
                                    return then(ec);
                                }
                                drain(then);
                            });
}

void Wire::cut() {
    error_code ignored;
    socket_.socket().set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close();
}

}  // namespace lineside::web
