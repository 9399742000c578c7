// SPDX-License-Identifier: Apache-2.0
// Accepts connections on one socket and gives them on. Internal to web/server.
// Thread: the io_context's.
#pragma once

#include "station/base/error.h"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace lineside::web {

using AcceptedSocket = boost::asio::generic::stream_protocol::socket;
using OnAccepted = std::function<void(AcceptedSocket)>;

class Listener {
  public:
    virtual ~Listener() = default;
    virtual void start(OnAccepted accepted) = 0;
    virtual void close() = 0;
    [[nodiscard]] virtual std::uint16_t port() const { return 0; }
};

// An address that the host does not have yet is taken, too. port 0: any free one.
// Errors: config.invalid.
[[nodiscard]] base::Result<std::shared_ptr<Listener>> listen_tcp(boost::asio::io_context& loop,
                                                                 const std::string& address,
                                                                 std::uint16_t port);
// Mode 0660; a socket that a dead service left is replaced, one that answers is an error.
[[nodiscard]] base::Result<std::shared_ptr<Listener>> listen_unix(
    boost::asio::io_context& loop, const std::filesystem::path& path);
// "uid 1000 (ana)" of the process at the other end.
[[nodiscard]] std::string peer_name(int socket);
// "127.0.0.1", "::1"; "unknown" when the other end is gone.
[[nodiscard]] std::string peer_address(int socket);
// The same of our end.
[[nodiscard]] std::string own_address(int socket);

}  // namespace lineside::web
