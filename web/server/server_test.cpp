// SPDX-License-Identifier: Apache-2.0
// The server over real sockets: what it serves and how it starts and stops.
#include "web/server/server_fixture.h"

#include <sys/stat.h>

#include <fstream>

namespace lineside::web {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::get;
using testing::post;
using testing::ServerTest;

TEST_F(ServerTest, Serves_on_both_loopback_addresses_with_security_headers) {
    start();
    for (const bool v6 : {false, true}) {
        Client client(port, v6);
        ASSERT_TRUE(client.connected());
        client.send(fmt::format("GET /api/v1/hello HTTP/1.1\r\nHost: {}:{}\r\n\r\n",
                                v6 ? "[::1]" : "localhost", port));
        const auto answer = client.read_answer();
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.body, "{\"hello\":true}");
        auto headers = answer.headers;
        EXPECT_EQ(headers["cache-control"], "no-store");
        EXPECT_EQ(headers["x-content-type-options"], "nosniff");
        EXPECT_EQ(headers["x-frame-options"], "DENY");
        EXPECT_EQ(headers["referrer-policy"], "no-referrer");
        EXPECT_TRUE(headers["content-security-policy"].starts_with("default-src 'self'"));
        EXPECT_EQ(headers["content-security-policy"].find("unsafe"), std::string::npos);
        EXPECT_FALSE(headers.contains("access-control-allow-origin"));
    }
}

TEST_F(ServerTest, Refuses_every_address_but_loopback) {
    for (const std::string address :
         {"0.0.0.0", "::", "192.168.1.2", "localhost", "127.0.0.2", ""}) {
        config.listen = {address};
        auto made = thread.on_loop([this] { return Server::start(thread.loop, config, router()); });
        ASSERT_FALSE(made) << address;
        EXPECT_EQ(made.error().code, "config.invalid");
        EXPECT_NE(made.error().message.find("127.0.0.1 and ::1 only"), std::string::npos);
    }
}

TEST_F(ServerTest, Says_so_when_the_port_is_taken) {
    start();
    config.port = port;
    auto second = thread.on_loop([this] { return Server::start(thread.loop, config, router()); });
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, "config.invalid");
}

TEST_F(ServerTest, Answers_problem_json_with_code_and_hint) {
    start();
    const auto answer = ask(get("/api/v1/nothing", port));
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.headers.at("content-type"), "application/problem+json");
    const auto problem = base::Json::parse(answer.body);
    EXPECT_EQ(problem["status"], 404);
    EXPECT_EQ(problem["code"], "http.not_found");
    EXPECT_EQ(problem["type"], "/problems/http.not_found");
    EXPECT_FALSE(problem["title"].get<std::string>().empty());
    EXPECT_FALSE(problem["hint"].get<std::string>().empty());
}

TEST_F(ServerTest, Knows_methods_and_parameters) {
    start();
    auto wrong = ask(get("/api/v1/slots/3/press", port));
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.headers["allow"], "POST");
    auto deleted = ask(fmt::format(
        "DELETE /api/v1/hello HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nOrigin: http://127.0.0.1:{0}\r\n"
        "X-Lineside: 1\r\n\r\n",
        port));
    EXPECT_EQ(deleted.status, 405);
    EXPECT_EQ(deleted.headers["allow"], "GET, HEAD");
    EXPECT_EQ(ask(get("/api/v1/hello?x=1", port)).status, 200);
    EXPECT_EQ(code(ask(get("/api/v1/hello?y=1", port))), "http.parameter");
    EXPECT_EQ(code(ask(get("/api/v1/hello?x=1&x=2", port))), "http.parameter");
    EXPECT_EQ(ask(get("/api/v1/jobs/12", port)).body, "{\"job\":12}");
    for (const std::string job : {"0", "-1", "012", "x", "99999999999999999999", "1.5", "+1"}) {
        EXPECT_EQ(ask(get("/api/v1/jobs/" + job, port)).status, 404) << job;
    }
}

TEST_F(ServerTest, Answers_head_without_body) {
    start();
    Client client(port);
    client.send(fmt::format("HEAD /api/v1/hello HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", port));
    auto answer = client.read_answer(true);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.headers["content-length"], "14");
    client.send(get("/api/v1/hello", port));
    EXPECT_EQ(client.read_answer().body, "{\"hello\":true}");
    EXPECT_TRUE(client.buffer.empty());
    const auto stream =
        ask(fmt::format("HEAD /api/v1/endless HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", port), true);
    EXPECT_EQ(stream.status, 200);
    EXPECT_EQ(*pulled, 0U);
}

TEST_F(ServerTest, Streams_pieces_and_cuts_a_broken_one_short) {
    start();
    const auto good = ask(get("/api/v1/pieces", port));
    EXPECT_TRUE(good.complete);
    EXPECT_EQ(good.body, "one two");
    const auto broken = ask(get("/api/v1/pieces?fail=1", port));
    EXPECT_EQ(broken.status, 200);
    EXPECT_FALSE(broken.complete);
    Client old(port);
    old.send(fmt::format("GET /api/v1/pieces HTTP/1.0\r\nHost: 127.0.0.1:{}\r\n\r\n", port));
    EXPECT_TRUE(old.at_end());
    EXPECT_TRUE(old.buffer.ends_with("\r\n\r\none two"));
}

TEST_F(ServerTest, A_route_that_fails_still_answers) {
    start();
    EXPECT_EQ(ask(get("/api/v1/throws", port)).status, 500);
    const auto forgotten = ask(get("/api/v1/forgets", port));
    EXPECT_EQ(forgotten.status, 500);
    EXPECT_EQ(code(forgotten), "station.bug");
    const auto injected = ask(get("/api/v1/injected", port));
    EXPECT_FALSE(injected.headers.contains("x-evil"));
}

TEST_F(ServerTest, Says_continue_before_a_large_body) {
    start();
    Client client(port);
    client.send(
        fmt::format("POST /api/v1/file HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nOrigin: "
                    "http://127.0.0.1:{0}\r\nX-Lineside: 1\r\n"
                    "Content-Type: text/csv\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
                    port));
    ASSERT_TRUE(client.read_until("HTTP/1.1 100 Continue\r\n\r\n"));
    client.buffer.clear();
    client.send("a,b\n");
    EXPECT_EQ(client.read_answer().body, "{\"bytes\":4}");
}

TEST_F(ServerTest, Unix_socket_knows_its_peer) {
    config.unix_socket = folder / "station.sock";
    start();
    struct stat socket {};
    ASSERT_EQ(::stat(config.unix_socket.c_str(), &socket), 0);
    EXPECT_EQ(socket.st_mode & 0777U, 0660U);
    Client client(config.unix_socket.native());
    ASSERT_TRUE(client.connected());
    client.send(
        "POST /api/v1/slots/A-1/press HTTP/1.1\r\nHost: station\r\nX-Lineside: 1\r\nContent-Type: "
        "application/json\r\n"
        "Content-Length: 2\r\n\r\n{}");
    const auto answer = base::Json::parse(client.read_answer().body);
    EXPECT_EQ(answer["slot"], "A-1");
    EXPECT_TRUE(answer["actor"].get<std::string>().starts_with(fmt::format("uid {}", ::getuid())));
    client.send(
        "POST /api/v1/slots/A-1/press HTTP/1.1\r\nHost: station\r\nContent-Type: "
        "application/json\r\nContent-Length: 2\r\n\r\n{}");
    EXPECT_EQ(client.read_answer().status, 403);
    // A live socket is not taken over; a dead one is.
    config.listen = {};
    auto second = thread.on_loop([this] { return Server::start(thread.loop, config, router()); });
    EXPECT_FALSE(second);
    thread.on_loop([this] { server.reset(); });
    EXPECT_FALSE(std::filesystem::exists(config.unix_socket));
    const int stale = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    config.unix_socket.native().copy(name.sun_path, sizeof(name.sun_path) - 1);
    ASSERT_EQ(::bind(stale, reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
    ::close(stale);
    auto third = thread.on_loop([this] { return Server::start(thread.loop, config, router()); });
    EXPECT_TRUE(third);
    thread.on_loop([&third] { third->reset(); });
    std::ofstream(config.unix_socket) << "a file";
    auto fourth = thread.on_loop([this] { return Server::start(thread.loop, config, router()); });
    EXPECT_FALSE(fourth);
    config.unix_socket = folder / std::string(120, 'x');
    auto long_one = thread.on_loop([this] { return Server::start(thread.loop, config, router()); });
    ASSERT_FALSE(long_one);
    EXPECT_NE(long_one.error().message.find("longer than"), std::string::npos);
}

TEST_F(ServerTest, Stops_gently_and_in_time) {
    start();
    Client idle(port);
    idle.send(get("/api/v1/hello", port));
    EXPECT_EQ(idle.read_answer().status, 200);
    Client busy(port);
    busy.send(get("/api/v1/late", port));
    Client stuck(port);
    stuck.send(get("/api/v1/late", port));
    ASSERT_TRUE(eventually([this] { return held.size() == 2; }));
    std::promise<void> stopped;
    thread.on_loop([&] { server->stop([&stopped] { stopped.set_value(); }); });
    EXPECT_TRUE(idle.at_end());
    EXPECT_FALSE(Client(port).connected());
    thread.on_loop([this] {
        held.front()->json(200, {{"late", true}});
        held.erase(held.begin());
    });
    const auto late = busy.read_answer();
    EXPECT_EQ(late.status, 200);
    EXPECT_EQ(late.headers.at("connection"), "close");
    // The stuck request's reply is still held; the deadline ends its connection.
    EXPECT_TRUE(stuck.at_end());
    thread.on_loop([this] { held.clear(); });
    EXPECT_EQ(stopped.get_future().wait_for(30s), std::future_status::ready);
}

}  // namespace
}  // namespace lineside::web
