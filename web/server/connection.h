// SPDX-License-Identifier: Apache-2.0
// One connection, TCP, TLS or Unix: reads a request in bounded time and space, asks the guard and
// the router, gives it to the route, writes the answer, and only then reads the next (so pipelining
// is safe). Internal to web/server. Thread: the io_context's.
#pragma once

#include "web/server/door.h"
#include "web/server/site.h"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

namespace lineside::web {

// Who is at the other end, as far as the socket tells.
struct Sender {
    engine::Actor actor;
    std::string address;  // "" over the Unix socket
    std::string reached;  // our address, likewise
};

[[nodiscard]] std::shared_ptr<Connection> make_connection(
    boost::asio::generic::stream_protocol::socket socket, std::shared_ptr<Site> site,
    std::shared_ptr<const Door> door, Sender sender, bool over_unix);

}  // namespace lineside::web
