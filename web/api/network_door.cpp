// SPDX-License-Identifier: Apache-2.0
#include "web/api/network_door.h"

#include "station/base/log.h"
#include "station/base/text.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace lineside::api {
namespace {

constexpr std::chrono::seconds kAgain{10};    // after a failure
constexpr std::chrono::seconds kLook{3'600};  // at a certificate that is served

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? base::to_lower_ascii(name.data())
                                                            : "";
}

// Addresses others may reach this host by; none of a single link, which no browser writes.
std::vector<std::string> host_addresses() {
    std::vector<std::string> out{"127.0.0.1", "::1"};
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        return out;
    }
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(list, ::freeifaddrs);
    for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_LOOPBACK) != 0) {
            continue;
        }
        std::array<char, INET6_ADDRSTRLEN> text{};
        if (one->ifa_addr->sa_family == AF_INET) {
            const auto* v4 = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
            ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
        } else if (one->ifa_addr->sa_family == AF_INET6) {
            const auto* v6 = reinterpret_cast<const sockaddr_in6*>(one->ifa_addr);
            if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) == 0) {
                ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
            }
        }
        if (text[0] != '\0' && std::find(out.begin(), out.end(), text.data()) == out.end()) {
            out.emplace_back(text.data());
        }
    }
    return out;
}

bool is_any(const std::string& address) {
    return address == "0.0.0.0" || address == "::";
}

}  // namespace

NetworkDoor::NetworkDoor(boost::asio::io_context& loop, web::Server& server,
                         config::WebConfig config)
    : server_(server), config_(std::move(config)), again_(loop) {}

NetworkDoor::~NetworkDoor() {
    *alive_ = false;
}

void NetworkDoor::open() {
    if (!config_.listen.empty() && !opened_) {
        opened_ = true;
        look();
    }
}

void NetworkDoor::look() {
    const auto done = try_now();
    const std::string problem = done ? "" : done.error().message;
    if (!problem.empty() && problem != problem_) {
        base::log_error("web: the page on the network: {}", problem);
    }
    problem_ = problem;
    again_.expires_after(done ? kLook : kAgain);
    again_.async_wait([this, alive = alive_](const boost::system::error_code& ec) {
        if (!ec && *alive) {
            look();
        }
    });
}

base::Status NetworkDoor::try_now() {
    const std::int64_t now = base::SystemClock().wall_ms();
    const bool own = config_.certificate.empty();
    auto identity = own ? trust::own_identity(config_.made, config_.key, names(), now)
                        : trust::site_identity(config_.certificate, config_.key, now);
    if (!identity) {
        return tl::unexpected(identity.error());
    }
    if (server_.tls_port() != 0 && facts_ && facts_->sha256 == identity->facts.sha256) {
        return {};
    }
    web::TlsConfig tls;
    tls.listen = config_.listen;
    tls.port = config_.port;
    tls.names = config_.names;
    if (const auto host = host_name(); !host.empty()) {
        tls.names.push_back(host);
    }
    tls.certificate_pem = std::move(identity->certificate_pem);
    tls.key_pem = std::move(identity->key_pem);
    tls.strict_transport = !own;
    if (auto opened = server_.open_tls(tls); !opened) {
        return opened;
    }
    facts_ = std::move(identity->facts);
    base::log_info("web: the page is on the network, port {}; SHA-256 of its key {}",
                   server_.tls_port(), facts_->key_sha256);
    return {};
}

trust::WebNames NetworkDoor::names() const {
    trust::WebNames out;
    const auto add = [&out](const std::string& name) {
        if (!name.empty() && std::find(out.dns.begin(), out.dns.end(), name) == out.dns.end()) {
            out.dns.push_back(name);
        }
    };
    for (const std::string& name : config_.names) {
        add(name.substr(0, name.find(':')));
    }
    add(host_name());
    if (std::any_of(config_.listen.begin(), config_.listen.end(), is_any)) {
        out.addresses = host_addresses();
    } else {
        out.addresses = config_.listen;
    }
    return out;
}

base::Json NetworkDoor::state() const {
    const std::uint16_t port = server_.tls_port();
    base::Json json{{"listening", port != 0},
                    {"url", nullptr},
                    {"generated", config_.certificate.empty()},
                    {"sha256", nullptr},
                    {"key_sha256", nullptr},
                    {"not_after_ms", nullptr},
                    {"names", base::Json::array()},
                    {"problem", problem_.empty() ? base::Json() : base::Json(problem_)}};
    if (config_.listen.empty()) {
        json["problem"] = "[web] of the configuration has no listen: this host alone is served";
    } else if (!opened_) {
        json["problem"] = "There is no account yet: lineside admin first-link";
    }
    if (port != 0 && facts_) {
        for (const auto* list : {&facts_->names.dns, &facts_->names.addresses}) {
            for (const std::string& name : *list) {
                json["names"].push_back(name);
            }
        }
        const std::string host = !config_.names.empty()            ? config_.names.front()
                                 : !is_any(config_.listen.front()) ? config_.listen.front()
                                                                   : host_name();
        const bool six = std::count(host.begin(), host.end(), ':') > 1;
        const bool with_port = !six && host.find(':') != std::string::npos;
        json["url"] = with_port || port == 443 ? fmt::format("https://{}/", host)
                                               : fmt::format("https://{}{}{}:{}/", six ? "[" : "",
                                                             host, six ? "]" : "", port);
        json["sha256"] = facts_->sha256;
        json["key_sha256"] = facts_->key_sha256;
        json["not_after_ms"] = facts_->not_after_ms;
    }
    return json;
}

}  // namespace lineside::api
