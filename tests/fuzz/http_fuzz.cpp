// SPDX-License-Identifier: Apache-2.0
// Bytes of a hostile client through a whole connection: parser, guard, target, router, bodies.
// Whatever comes, the connection ends by itself, every answer is one of ours, and no forged header
// gets through.
#include "web/server/connection.h"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace {

using namespace lineside::web;

Router make_router() {
    const auto echo = [](const Request& request, const ReplyPtr& reply) {
        auto response = text_response(
            200, "text/plain", request.path + (request.upload ? *request.upload : request.body));
        response.headers.push_back({"X-Echo", request.path});
        for (const auto& [name, value] : request.query) {
            response.headers.push_back({"X-Query", name + value});
        }
        reply->send(std::move(response));
    };
    std::vector<Route> routes;
    routes.push_back({Verb::get, "/api/v1/jobs/{job}", Role::anyone, BodyKind::none, "x", echo});
    routes.push_back(
        {Verb::post, "/api/v1/slots/{slot}/stop", Role::anyone, BodyKind::json, "", echo});
    routes.push_back({Verb::post, "/api/v1/file", Role::anyone, BodyKind::csv, "pool", echo});
    return Router(std::move(routes), echo);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || size > 64 * 1024) {
        return 0;
    }
    boost::asio::io_context loop{1};
    auto site = std::make_shared<Site>();
    site->counters = std::make_shared<Counters>();
    site->router = make_router();
    auto door = std::make_shared<Door>();
    door->port = 80;
    if (data[0] % 4 == 3) {  // no certificate: what comes in the clear, and first records, are read
        static const auto kTls =
            std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
        door->tls = kTls;
        door->names = {"localhost:80"};
    }
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return 0;
    }
    // The first byte chooses how the client came.
    boost::asio::local::stream_protocol::socket socket(loop, boost::asio::local::stream_protocol(),
                                                       ends[0]);
    make_connection(boost::asio::generic::stream_protocol::socket(std::move(socket)), site, door,
                    {{"x", "y"}, "127.0.0.1", "127.0.0.1"}, data[0] % 2 == 0)
        ->start();
    if (::send(ends[1], data + 1, size - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        ::close(ends[1]);
        loop.run();
        return 0;
    }
    ::shutdown(ends[1], SHUT_WR);
    std::string answer;
    char bytes[65536];
    while (loop.run_one_for(std::chrono::seconds(20)) > 0) {
        for (ssize_t n = 0; (n = ::recv(ends[1], bytes, sizeof(bytes), MSG_DONTWAIT)) > 0;) {
            answer.append(bytes, static_cast<std::size_t>(n));
        }
    }
    ::close(ends[1]);
    if (!site->connections.empty() || site->counters->open_tcp + site->counters->open_unix != 0 ||
        site->uploads != 0) {
        std::abort();  // a connection outlived its client
    }
    // Who speaks TLS to a door without a certificate is told so under TLS.
    const bool under_tls = door->tls && size > 1 && data[1] == 0x16;
    if (!answer.empty() && !under_tls && !answer.starts_with("HTTP/1.1 ")) {
        std::abort();
    }
    return 0;
}
