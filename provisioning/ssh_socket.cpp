// SPDX-License-Identifier: Apache-2.0
#include "provisioning/ssh_socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace lineside::provisioning {
namespace {

using Why = ConnectError::Why;

// Of NVIDIA's system on its USB network, beside fe80::1; deploy/udev gives the host its end.
constexpr const char* kWithoutIpv6 = "192.168.55.1";

struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;
    int family = AF_UNSPEC;
};

Address parse(const std::string& host, std::uint16_t port, unsigned index) {
    Address out;
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
    if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
        out.family = AF_INET6;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        v6->sin6_scope_id = IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) ? index : 0;
        out.length = sizeof *v6;
    } else if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
        out.family = AF_INET;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        out.length = sizeof *v4;
    }
    return out;
}

bool has_ipv6() {
    const base::UniqueFd tried(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return tried || errno != EAFNOSUPPORT;
}

// A kernel without IPv6 (ipv6.disable=1) has no link-local addresses either.
std::string reachable(const std::string& host) {
    in6_addr address{};
    const bool link_local =
        inet_pton(AF_INET6, host.c_str(), &address) == 1 && IN6_IS_ADDR_LINKLOCAL(&address);
    return link_local && !has_ipv6() ? kWithoutIpv6 : host;
}

// A unit that lost its power answers nothing: the kernel gives up after this, not after 15 minutes.
void notice_dead_peer(int fd) {
    const int yes = 1;
    const int idle_s = 5;
    const int probes = 3;
    const unsigned user_timeout_ms = 15'000;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

}  // namespace

tl::expected<base::UniqueFd, ConnectError> connect_socket(const SshTarget& target,
                                                          milliseconds within,
                                                          const Waiter& waiter) {
    const std::string host = reachable(target.address);
    const auto failed = [&](Why why, std::string_view what, int error) {
        return tl::unexpected(ConnectError{
            why,
            fmt::format("{}%{} port {}: {}: {}", host, target.ifname, target.port, what,
                        std::error_code(error, std::generic_category()).message()),
            {}});
    };
    const unsigned index = if_nametoindex(target.ifname.c_str());
    if (index == 0) {
        return failed(Why::unreachable, "no such interface", errno);
    }
    const Address address = parse(host, target.port, index);
    base::UniqueFd fd(socket(address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) {
        return failed(Why::unreachable, "no socket", errno);
    }
    // Unprivileged since Linux 5.7, as long as the socket is not bound already.
    if (setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, target.ifname.data(),
                   static_cast<socklen_t>(target.ifname.size())) != 0) {
        return failed(Why::unreachable, "cannot bind to the interface", errno);
    }
    notice_dead_peer(fd.get());
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length) !=
            0 &&
        errno != EINPROGRESS) {
        return failed(errno == ECONNREFUSED ? Why::refused : Why::unreachable, "no connection",
                      errno);
    }
    const auto end = std::chrono::steady_clock::now() + within;
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
        if (left <= milliseconds::zero()) {
            return failed(Why::unreachable, "no connection", ETIMEDOUT);
        }
        pollfd ready{fd.get(), POLLOUT, 0};
        if (auto waited = waiter(ready, std::min(left, milliseconds(100))); !waited) {
            return tl::unexpected(
                ConnectError{Why::stopped, waited.error().message, waited.error()});
        }
        if (ready.revents != 0) {
            break;
        }
    }
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        return failed(error == ECONNREFUSED ? Why::refused : Why::unreachable, "no connection",
                      error);
    }
    return fd;
}

}  // namespace lineside::provisioning
