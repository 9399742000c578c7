// SPDX-License-Identifier: Apache-2.0
#include "web/server/listener.h"

#include "station/base/log.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace lineside::web {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Local = asio::local::stream_protocol;

void tune(tcp::socket& socket) {
    error_code ec;
    socket.set_option(tcp::no_delay(true), ec);
}
void tune(Local::socket&) {}

template <typename Protocol>
class ListenerOn final : public Listener,
                         public std::enable_shared_from_this<ListenerOn<Protocol>> {
  public:
    explicit ListenerOn(asio::io_context& loop) : acceptor_(loop), pause_(loop) {}
    ~ListenerOn() override { remove_file(); }

    typename Protocol::acceptor acceptor_;
    std::filesystem::path file_;  // of a Unix socket
    ino_t inode_ = 0;

    void start(OnAccepted accepted) override {
        accepted_ = std::move(accepted);
        accept();
    }
    void close() override {
        error_code ec;
        acceptor_.close(ec);
        pause_.cancel();
        accepted_ = nullptr;
        remove_file();
    }
    [[nodiscard]] std::uint16_t port() const override {
        if constexpr (std::is_same_v<Protocol, tcp>) {
            error_code ec;
            return acceptor_.local_endpoint(ec).port();
        } else {
            return 0;
        }
    }

  private:
    void accept() {
        acceptor_.async_accept(
            [self = this->shared_from_this()](error_code ec, typename Protocol::socket socket) {
                if (!self->accepted_) {
                    return;
                }
                if (!ec) {
                    tune(socket);
                    self->accepted_(AcceptedSocket(std::move(socket)));
                    self->accept();
                    return;
                }
                // Out of descriptors or the peer is gone already: never spin, never give up.
                base::log_warning("web: accept: {}", ec.message());
                self->pause_.expires_after(
                    std::chrono::milliseconds(ec == asio::error::connection_aborted ? 0 : 100));
                self->pause_.async_wait([self](error_code cancelled) {
                    if (!cancelled && self->accepted_) {
                        self->accept();
                    }
                });
            });
    }
    void remove_file() {
        struct stat now {};
        if (!file_.empty() && ::lstat(file_.c_str(), &now) == 0 && now.st_ino == inode_) {
            ::unlink(file_.c_str());
        }
        file_.clear();
    }

    asio::steady_timer pause_;
    OnAccepted accepted_;
};

}  // namespace

base::Result<std::shared_ptr<Listener>> listen_tcp(asio::io_context& loop,
                                                   const std::string& address, std::uint16_t port) {
    auto listener = std::make_shared<ListenerOn<tcp>>(loop);
    auto& acceptor = listener->acceptor_;
    error_code ec;
    const tcp::endpoint endpoint(asio::ip::make_address(address, ec), port);
    if (ec) {
        return base::fail("config.invalid", fmt::format("{} is no address", address));
    }
    acceptor.open(endpoint.protocol(), ec);
    if (!ec && endpoint.address().is_v6()) {
        acceptor.set_option(asio::ip::v6_only(true), ec);
    }
    if (!ec) {
        acceptor.set_option(asio::socket_base::reuse_address(true), ec);
    }
    if (!ec) {
        // The line's network may come up after the station, and go and come.
        const int yes = 1;
        ::setsockopt(acceptor.native_handle(), IPPROTO_IP, IP_FREEBIND, &yes, sizeof(yes));
        acceptor.bind(endpoint, ec);
    }
    if (!ec) {
        acceptor.listen(asio::socket_base::max_listen_connections, ec);
    }
    if (ec) {
        return base::fail("config.invalid", fmt::format("Cannot listen on {} port {}: {}", address,
                                                        port, ec.message()));
    }
    return listener;
}

base::Result<std::shared_ptr<Listener>> listen_unix(asio::io_context& loop,
                                                    const std::filesystem::path& path) {
    if (path.native().size() >= sizeof(sockaddr_un::sun_path)) {
        return base::fail("config.invalid",
                          fmt::format("The path of the socket is longer than {} bytes: {}",
                                      sizeof(sockaddr_un::sun_path) - 1, path.native()));
    }
    const Local::endpoint endpoint(path.native());
    error_code ec;
    Local::socket probe(loop);
    probe.connect(endpoint, ec);
    if (!ec) {
        return base::fail("config.invalid",
                          fmt::format("Another service answers at {}", path.native()));
    }
    struct stat old {};
    if (::lstat(path.c_str(), &old) == 0) {
        if (!S_ISSOCK(old.st_mode)) {
            return base::fail("config.invalid",
                              fmt::format("{} is in the way and is no socket", path.native()));
        }
        ::unlink(path.c_str());
    }
    auto listener = std::make_shared<ListenerOn<Local>>(loop);
    auto& acceptor = listener->acceptor_;
    ec = {};
    acceptor.open(endpoint.protocol(), ec);
    if (!ec) {
        acceptor.bind(endpoint, ec);
    }
    struct stat made {};
    if (!ec && ::lstat(path.c_str(), &made) == 0) {
        listener->file_ = path;
        listener->inode_ = made.st_ino;
    }
    // Nobody can connect before listen(), so the mode is right before the first peer.
    if (!ec && ::chmod(path.c_str(), 0660) != 0) {
        ec.assign(errno, boost::system::system_category());
    }
    if (!ec) {
        acceptor.listen(asio::socket_base::max_listen_connections, ec);
    }
    if (ec) {
        return base::fail("config.invalid",
                          fmt::format("Cannot listen on {}: {}", path.native(), ec.message()));
    }
    return listener;
}

std::string peer_name(int socket) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return "uid unknown";
    }
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 4096> space{};
    if (::getpwuid_r(peer.uid, &entry, space.data(), space.size(), &found) == 0 &&
        found != nullptr) {
        return fmt::format("uid {} ({})", peer.uid, found->pw_name);
    }
    return fmt::format("uid {}", peer.uid);
}

namespace {

std::string address_of(int socket, int (*asks)(int, sockaddr*, socklen_t*)) {
    sockaddr_storage end{};
    socklen_t size = sizeof(end);
    std::array<char, NI_MAXHOST> text{};
    if (asks(socket, reinterpret_cast<sockaddr*>(&end), &size) != 0 ||
        ::getnameinfo(reinterpret_cast<sockaddr*>(&end), size, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) != 0) {
        return "unknown";
    }
    return text.data();
}

}  // namespace

std::string peer_address(int socket) {
    return address_of(
        socket, [](int of, sockaddr* to, socklen_t* size) { return ::getpeername(of, to, size); });
}

std::string own_address(int socket) {
    return address_of(
        socket, [](int of, sockaddr* to, socklen_t* size) { return ::getsockname(of, to, size); });
}

}  // namespace lineside::web
