// SPDX-License-Identifier: Apache-2.0
#include "station/helper/server.h"

#include "station/base/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace lineside::helper {
namespace {

using base::Json;

constexpr std::size_t kMaxConnections = 16;
constexpr std::size_t kMaxUnsent = 4096;  // packets for a caller that does not read
constexpr int kPacketsPerTurn = 32;       // so that one caller cannot keep the others waiting
constexpr int kShutdownTurns = 100;
constexpr int kQuietMs = 2;  // so long nothing to do before an init is made ready

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;  // clang 14 needs it

Json refusal(std::int64_t id, std::string_view message) {
    return {
        {"id", id}, {"ok", false}, {"error", {{"code", "helper.refused"}, {"message", message}}}};
}

}  // namespace

Server::Server(const Config& config)
    : config_(config),
      jobs_(config, [this](std::uint64_t id, const Json& packet) { send(id, packet); }) {}

Server::~Server() {
    if (listener_) {
        ::unlink(config_.socket.c_str());
    }
}

base::Status Server::open() {
    if (auto opened = jobs_.open(); !opened) {
        return opened;
    }
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
    signals_.reset(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    mounts_.reset(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));

    listener_.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, config_.socket.data(), config_.socket.size());
    ::unlink(config_.socket.c_str());
    const mode_t before = ::umask(0117);  // never more than 0660, not even for a moment
    const int bound =
        ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    ::umask(before);
    if (bound != 0) {
        listener_.reset();
        return base::fail_errno("config.invalid", config_.socket, error);
    }
    if (::chown(config_.socket.c_str(), 0, config_.service.gid) != 0 ||
        ::listen(listener_.get(), 8) != 0) {
        return base::fail_errno("config.invalid", config_.socket, errno);
    }
    return {};
}

void Server::run() {
    base::log_info("lineside-helper is listening on {}", config_.socket);
    while (wait_once(-1)) {
    }
    connections_.clear();
    jobs_.close();
    for (std::uint64_t id = 1; id < next_connection_; ++id) {
        jobs_.drop(id);
    }
    for (int turn = 0; turn < kShutdownTurns && !jobs_.idle(); ++turn) {
        (void)wait_once(100);
    }
}

bool Server::wait_once(int timeout_ms) {
    std::vector<int> of_jobs;
    jobs_.wanted(of_jobs);
    std::vector<pollfd> wanted{
        {signals_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}, {mounts_.get(), POLLPRI, 0}};
    const std::size_t first_caller = wanted.size();
    std::vector<std::uint64_t> order;
    for (const auto& [id, connection] : connections_) {
        const int what = connection.unsent.empty() ? POLLIN : POLLIN | POLLOUT;
        wanted.push_back({connection.fd.get(), static_cast<short>(what), 0});
        order.push_back(id);
    }
    for (const int fd : of_jobs) {
        wanted.push_back({fd, POLLIN, 0});
    }
    const bool make_ready = jobs_.wants_ready();
    const int ready = ::poll(wanted.data(), wanted.size(), make_ready ? kQuietMs : timeout_ms);
    if (ready < 0) {
        return errno == EINTR;
    }
    if (ready == 0 && make_ready) {
        jobs_.make_ready();
        return true;
    }
    if (wanted[2].revents != 0) {
        jobs_.forget_ready();  // they would not see it
    }
    // Ends first: a caller that asks about a job must not be told what was true before.
    for (std::size_t i = first_caller + order.size(); i < wanted.size(); ++i) {
        if (wanted[i].revents != 0) {
            jobs_.readable(wanted[i].fd);
        }
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
        const short events = wanted[first_caller + i].revents;
        if ((events & POLLOUT) != 0) {
            flush(connections_.at(order[i]));
        }
        if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) {
            receive(order[i]);
        }
    }
    if (wanted[1].revents != 0) {
        accept_one();
    }
    close_broken();
    return wanted[0].revents == 0;
}

void Server::accept_one() {
    base::UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
        return;
    }
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
        (peer.uid != config_.service.uid && peer.uid != 0)) {
        base::log_warning("refused a connection of uid {}", peer.uid);
        (void)send_packet(fd.get(), base::dump_json(refusal(0, "only the service may ask")));
        return;
    }
    if (connections_.size() >= kMaxConnections) {
        (void)send_packet(fd.get(), base::dump_json(refusal(0, "too many connections")));
        return;
    }
    connections_[next_connection_++].fd = std::move(fd);
}

void Server::receive(std::uint64_t id) {
    Packet packet;
    for (int turn = 0; turn < kPacketsPerTurn; ++turn) {
        Connection& connection = connections_.at(id);
        const Received received = receive_packet(connection.fd.get(), kMaxPacket, packet);
        if (received == Received::nothing_yet) {
            return;
        }
        if (received == Received::closed) {
            connection.broken = true;
            return;
        }
        if (received == Received::too_long) {
            send(id, refusal(0, fmt::format("a packet has at most {} bytes and 4 descriptors",
                                            kMaxPacket)));
            continue;
        }
        auto request = parse_request(packet.text);
        if (!request) {
            send(id, refusal(request_id(packet.text), request.error().message));
            continue;
        }
        handle({id, request->id}, std::move(*request), std::move(packet.fds));
    }
}

void Server::handle(Caller caller, Request request, std::vector<base::UniqueFd> fds) {
    if (!fds.empty() && !std::holds_alternative<SpawnRequest>(request.what)) {
        send(caller.connection, refusal(caller.request, "only spawn takes descriptors"));
        return;
    }
    std::visit(Overloaded{
                   [&](const HelloRequest&) {
                       send(caller.connection, {{"id", caller.request},
                                                {"ok", true},
                                                {"v", kVersion},
                                                {"version", LINESIDE_VERSION},
                                                {"config", config_.digest},
                                                {"lane", kLaneMount}});
                   },
                   [&](const SpawnRequest& r) { jobs_.spawn(caller, r, std::move(fds)); },
                   [&](const TermRequest& r) { jobs_.term(caller, r.job); },
                   [&](const KillRequest& r) { jobs_.kill(caller, r.job); },
                   [&](const LaneCloseRequest& r) { jobs_.close_lane(caller, r.job); },
                   [&](const LeftoversRequest&) { jobs_.leftovers(caller); },
                   [&](const ImagePublishRequest& r) { jobs_.publish(caller, r); },
                   [&](const ImageRemoveRequest& r) { jobs_.remove_image(caller, r.image); },
                   [&](const PortPowerRequest& r) { jobs_.port_power(caller, r); },
               },
               request.what);
}

void Server::send(std::uint64_t id, const Json& packet) {
    const auto it = connections_.find(id);
    if (it == connections_.end() || it->second.broken) {
        return;
    }
    it->second.unsent.push_back(base::dump_json(packet));
    it->second.broken = it->second.unsent.size() > kMaxUnsent;
    flush(it->second);
}

void Server::flush(Connection& connection) {
    while (!connection.unsent.empty() && !connection.broken) {
        const int error = send_packet(connection.fd.get(), connection.unsent.front());
        if (error == EAGAIN) {
            return;
        }
        connection.broken = error != 0;
        connection.unsent.pop_front();
    }
}

void Server::close_broken() {
    for (auto it = connections_.begin(); it != connections_.end();) {
        if (it->second.broken) {
            const std::uint64_t id = it->first;
            it = connections_.erase(it);
            jobs_.drop(id);
        } else {
            ++it;
        }
    }
}

}  // namespace lineside::helper
