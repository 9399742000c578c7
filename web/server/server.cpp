// SPDX-License-Identifier: Apache-2.0
#include "web/server/server.h"

#include "station/base/log.h"
#include "web/server/connection.h"
#include "web/server/listener.h"
#include "web/server/site.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/socket.h>

namespace lineside::web {

namespace asio = boost::asio;

std::string Counters::prometheus() const {
    std::string text;
    const auto add = [&text](std::string_view name, std::string_view type, std::string_view labels,
                             std::uint64_t value, bool head = true) {
        if (head) {
            text += fmt::format("# TYPE lineside_web_{} {}\n", name, type);
        }
        text += fmt::format("lineside_web_{}{} {}\n", name, labels, value);
    };
    add("connections_total", "counter", "", accepted);
    add("connections_turned_away_total", "counter", "", turned_away);
    add("connections_evicted_total", "counter", "", evicted);
    add("timeouts_total", "counter", "", timeouts);
    add("tls_failed_total", "counter", "", tls_failed);
    for (std::size_t i = 2; i < 6; ++i) {
        add("answers_total", "counter", fmt::format("{{status=\"{}xx\"}}", i), answers[i], i == 2);
    }
    add("open_connections", "gauge", "{kind=\"tcp\"}", open_tcp);
    add("open_connections", "gauge", "{kind=\"unix\"}", open_unix, false);
    add("event_streams", "gauge", "", event_streams);
    add("event_resets_total", "counter", "", event_resets);
    return text;
}

struct Server::Parts : std::enable_shared_from_this<Server::Parts> {
    explicit Parts(asio::io_context& loop_in) : loop(loop_in), deadline(loop_in) {}

    asio::io_context& loop;
    std::vector<std::shared_ptr<Listener>> listeners;
    std::vector<std::shared_ptr<Listener>> tls_listeners;
    std::shared_ptr<const Door> plain = std::make_shared<Door>();
    std::shared_ptr<const Door> tls;
    std::shared_ptr<Site> site = std::make_shared<Site>();
    asio::steady_timer deadline;
    bool stopped = false;

    // Makes room at the limit by ending the connection that has been idle longest.
    bool has_room(bool over_unix) {
        const auto& counters = *site->counters;
        const std::size_t open = over_unix ? counters.open_unix : counters.open_tcp;
        if (open < (over_unix ? site->limits.unix_connections : site->limits.connections)) {
            return true;
        }
        const auto oldest = (over_unix ? site->idle_unix : site->idle_tcp).longest();
        if (!oldest) {
            return false;
        }
        ++site->counters->evicted;
        oldest->close();
        return true;
    }

    void accepted(AcceptedSocket socket, const std::shared_ptr<const Door>& door, bool over_unix) {
        if (site->stopping) {
            return;
        }
        if (!has_room(over_unix)) {
            ++site->counters->turned_away;
            if (door->tls) {
                return;  // it would not understand
            }
            static constexpr std::string_view kBusy =
                "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: "
                "2\r\nContent-Length: 0\r\n\r\n";
            [[maybe_unused]] const auto sent = ::send(socket.native_handle(), kBusy.data(),
                                                      kBusy.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            return;
        }
        Sender sender{{"page", "dashboard"}, "", ""};
        if (over_unix) {
            sender.actor = {peer_name(socket.native_handle()), "command line"};
        } else {
            sender.address = peer_address(socket.native_handle());
            sender.reached = own_address(socket.native_handle());
        }
        make_connection(std::move(socket), site, door, std::move(sender), over_unix)->start();
    }

    void close_listeners() {
        for (auto* all : {&listeners, &tls_listeners}) {
            for (const auto& listener : *all) {
                listener->close();
            }
            all->clear();
        }
    }

    [[nodiscard]] std::vector<std::shared_ptr<Connection>> connections() const {
        std::vector<std::shared_ptr<Connection>> all;
        for (const auto& [id, weak] : site->connections) {
            if (auto connection = weak.lock()) {
                all.push_back(std::move(connection));
            }
        }
        return all;
    }
    void close_all() {
        for (const auto& connection : connections()) {
            connection->close();
        }
    }
};

namespace {

using Listeners = std::vector<std::shared_ptr<Listener>>;

// The same port on every address. With port 0 the first address chooses; should that port be taken
// on another address, choose again.
base::Result<Listeners> listen_all(asio::io_context& loop,
                                   const std::vector<std::string>& addresses,
                                   std::uint16_t wanted_port) {
    base::Error last;
    for (int attempt = 0; attempt < (wanted_port == 0 ? 16 : 1); ++attempt) {
        Listeners listeners;
        bool good = true;
        for (const std::string& address : addresses) {
            const std::uint16_t port = listeners.empty() ? wanted_port : listeners.front()->port();
            auto listener = listen_tcp(loop, address, port);
            if (listener) {
                listeners.push_back(std::move(*listener));
            } else if (address.find(':') != std::string::npos && !listeners.empty() &&
                       !std::filesystem::exists("/proc/net/if_inet6")) {
                base::log_warning("web: this host has no IPv6; {} is not served", address);
            } else {
                last = listener.error();
                good = false;
                break;
            }
        }
        if (good) {
            return listeners;
        }
    }
    return tl::unexpected(last);
}

base::Status only_loopback(const std::vector<std::string>& addresses) {
    for (const std::string& address : addresses) {
        if (address != "127.0.0.1" && address != "::1") {
            return base::fail("config.invalid",
                              fmt::format("In the clear the station listens on 127.0.0.1 and ::1 "
                                          "only; {} is refused",
                                          address));
        }
    }
    return {};
}

}  // namespace

base::Result<std::unique_ptr<Server>> Server::start(asio::io_context& loop, ServerConfig config,
                                                    Router router,
                                                    std::shared_ptr<Counters> counters) {
    if (config.listen.empty() && config.unix_socket.empty()) {
        return base::fail("config.invalid", "The station has no address to listen on");
    }
    auto parts = std::make_shared<Parts>(loop);
    if (auto fits = only_loopback(config.listen); !fits) {
        return tl::unexpected(fits.error());
    }
    auto tcp = listen_all(loop, config.listen, config.port);
    if (!tcp) {
        return tl::unexpected(tcp.error());
    }
    auto plain = std::make_shared<Door>();
    plain->port = tcp->empty() ? std::uint16_t{0} : tcp->front()->port();
    parts->plain = std::move(plain);
    parts->site->limits = config.limits;
    parts->site->router = std::move(router);
    parts->site->gate = std::move(config.gate);
    parts->site->counters = counters ? std::move(counters) : std::make_shared<Counters>();
    std::shared_ptr<Listener> local;
    if (!config.unix_socket.empty()) {
        auto made = listen_unix(loop, config.unix_socket);
        if (!made) {
            return tl::unexpected(made.error());
        }
        local = std::move(*made);
    }
    parts->listeners = std::move(*tcp);
    for (const auto& listener : parts->listeners) {
        listener->start([parts_raw = parts.get()](AcceptedSocket socket) {
            parts_raw->accepted(std::move(socket), parts_raw->plain, false);
        });
    }
    if (local) {
        local->start([parts_raw = parts.get()](AcceptedSocket socket) {
            parts_raw->accepted(std::move(socket), parts_raw->plain, true);
        });
        parts->listeners.push_back(std::move(local));
    }
    return std::unique_ptr<Server>(new Server(std::move(parts)));
}

Server::~Server() {
    parts_->site->stopping = true;
    parts_->site->on_empty = nullptr;
    parts_->deadline.cancel();
    parts_->close_listeners();
    parts_->close_all();
}

std::uint16_t Server::port() const {
    return parts_->plain->port;
}

std::uint16_t Server::tls_port() const {
    return parts_->tls ? parts_->tls->port : std::uint16_t{0};
}

base::Status Server::open_tls(const TlsConfig& config) {
    auto context = tls_context(config.certificate_pem, config.key_pem);
    if (!context) {
        return tl::unexpected(context.error());
    }
    Listeners& open = parts_->tls_listeners;
    const bool first = open.empty();
    if (first) {
        auto listeners = listen_all(parts_->loop, config.listen, config.port);
        if (!listeners) {
            return tl::unexpected(listeners.error());
        }
        if (listeners->empty()) {
            return base::fail("config.invalid", "The page has no address to listen on under TLS");
        }
        open = std::move(*listeners);
    }
    parts_->tls = std::make_shared<Door>(
        Door{std::move(*context), open.front()->port(), config.names, config.strict_transport});
    for (const auto& listener : first ? open : Listeners{}) {
        listener->start([parts_raw = parts_.get()](AcceptedSocket socket) {
            parts_raw->accepted(std::move(socket), parts_raw->tls, false);
        });
    }
    return {};
}

std::string Server::url() const {
    return fmt::format("http://127.0.0.1:{}/", port());
}

void Server::end_session(std::int64_t session) {
    for (const auto& connection : parts_->connections()) {
        if (connection->streams_to(session)) {
            connection->close();
        }
    }
}

void Server::stop(std::function<void()> done) {
    parts_->site->stopping = true;
    parts_->close_listeners();
    // `done` is told once, from the loop, never from within this call.
    auto tell = [&loop = parts_->loop, told = std::make_shared<bool>(false),
                 done = std::move(done)] {
        if (!std::exchange(*told, true) && done) {
            asio::post(loop, done);
        }
    };
    if (parts_->site->connections.empty()) {
        tell();
        return;
    }
    parts_->site->on_empty = [parts = parts_.get(), tell] {
        parts->deadline.cancel();
        tell();
    };
    for (const auto& connection : parts_->connections()) {
        connection->finish();
    }
    parts_->deadline.expires_after(parts_->site->limits.stop_deadline);
    parts_->deadline.async_wait([parts = parts_](const boost::system::error_code& ec) {
        if (!ec) {
            parts->close_all();
        }
    });
}

}  // namespace lineside::web
