// SPDX-License-Identifier: Apache-2.0
// The server against those who mean it ill or read slowly: what it refuses, what it bounds, and
// that others are served meanwhile.
#include "web/server/server_fixture.h"

namespace lineside::web {
namespace {

using namespace std::chrono_literals;
using testing::Client;
using testing::get;
using testing::post;
using testing::ServerTest;

TEST_F(ServerTest, Refuses_foreign_host) {
    start();
    for (const std::string host :
         {"evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:80", ""}) {
        const auto answer =
            ask(fmt::format("GET /api/v1/hello HTTP/1.1\r\nHost: {}\r\n\r\n", host));
        EXPECT_EQ(answer.status, 421) << host;
        EXPECT_EQ(code(answer), "http.host");
    }
    EXPECT_EQ(ask("GET /api/v1/hello HTTP/1.0\r\n\r\n").status, 421);
    EXPECT_EQ(
        ask(fmt::format(
                "GET /api/v1/hello HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nHost: 127.0.0.1:{0}\r\n\r\n",
                port))
            .status,
        400);
    EXPECT_EQ(
        ask(fmt::format("GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", port))
            .status,
        400);
}

TEST_F(ServerTest, Refuses_a_change_that_our_own_page_did_not_ask_for) {
    start();
    const std::string target = "/api/v1/slots/3/press";
    EXPECT_EQ(ask(post(target, port, "{}")).status, 200);
    auto none = ask(post(target, port, "{}", "application/json", "Origin"));
    EXPECT_EQ(none.status, 403);
    EXPECT_EQ(code(none), "http.origin");
    auto header = ask(post(target, port, "{}", "application/json", "X-Lineside"));
    EXPECT_EQ(header.status, 403);
    EXPECT_EQ(code(header), "http.header");
    for (const std::string origin :
         {"http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"}) {
        const auto answer =
            ask(fmt::format("POST {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nOrigin: {}\r\nX-Lineside: "
                            "1\r\nContent-Type: application/json\r\n"
                            "Content-Length: 2\r\n\r\n{{}}",
                            target, port, origin));
        EXPECT_EQ(answer.status, 403) << origin;
        EXPECT_EQ(code(answer), "http.origin");
    }
    for (const std::string type : {"text/plain", "application/x-www-form-urlencoded",
                                   "multipart/form-data", "text/csv", ""}) {
        const auto answer = ask(post(target, port, "{}", type));
        EXPECT_EQ(answer.status, 415) << type;
    }
    EXPECT_EQ(ask(post(target, port, "{}", "application/json; charset=utf-8")).status, 200);
    EXPECT_EQ(pressed, 2);
    // A foreign page's GET of the API, and its preflight.
    EXPECT_EQ(ask(get("/api/v1/hello", port, "Sec-Fetch-Site: cross-site\r\n")).status, 403);
    EXPECT_EQ(ask(get("/", port, "Sec-Fetch-Site: cross-site\r\n")).status, 200);
    auto preflight = ask(fmt::format(
        "OPTIONS {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nOrigin: http://evil.example\r\n\r\n", target,
        port));
    EXPECT_EQ(preflight.status, 403);
}

TEST_F(ServerTest, Never_lets_a_path_climb) {
    start();
    for (const std::string target :
         {"/..%2f..%2fetc/passwd", "/%2e%2e%2fetc", "/a%00b", "/a%5cb", "/%0d%0aX:1",
          "//evil.example/", "/%zz", "/a%", "*", "/api/v1/jobs/1%2f..", "/?x=%00",
          "/../../etc/passwd", "/%2e%2E/x", "/api/./v1", "/a/.."}) {
        const auto answer = ask(get(target, port));
        EXPECT_EQ(answer.status, 400) << target;
    }
    EXPECT_NE(ask(get("/a b", port)).status, 200);
    EXPECT_EQ(ask(get("/" + std::string(5000, 'a'), port)).status, 414);
}

TEST_F(ServerTest, Bounds_headers_and_bodies) {
    start();
    EXPECT_EQ(ask(get("/api/v1/hello", port, "X-Long: " + std::string(20000, 'a') + "\r\n")).status,
              431);
    EXPECT_EQ(ask(post("/api/v1/slots/3/press", port, std::string(70000, 'x'))).status, 413);
    // Chunked, so that the size is not known before.
    std::string chunked = fmt::format(
        "POST /api/v1/slots/3/press HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nOrigin: "
        "http://127.0.0.1:{0}\r\nX-Lineside: 1\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        port);
    for (int i = 0; i < 10; ++i) {
        chunked += fmt::format("{:x}\r\n{}\r\n", 8000, std::string(8000, 'x'));
    }
    EXPECT_EQ(ask(chunked + "0\r\n\r\n").status, 413);
    // What is around a chunk is not in the body, and no way around its bound.
    std::string around = chunked.substr(0, chunked.find("\r\n\r\n") + 4);
    for (int i = 0; i < 40; ++i) {
        around += fmt::format("1;a={}\r\nx\r\n", std::string(8000, 'y'));
    }
    EXPECT_EQ(ask(around + "0\r\n\r\n").status, 413);
    EXPECT_EQ(ask(get("/api/v1/hello", port, "Content-Length: 5\r\n") + "hello").status, 413);
    EXPECT_EQ(pressed, 0);
    const auto large = ask(post("/api/v1/file", port, std::string(900000, 'x'), "text/csv"));
    EXPECT_EQ(large.body, "{\"bytes\":900000}");
    EXPECT_EQ(ask(post("/api/v1/file", port, std::string(1100000, 'x'), "text/csv")).status, 413);
}

TEST_F(ServerTest, Refuses_what_could_be_read_in_two_ways) {
    start();
    const std::string both = fmt::format(
        "POST /api/v1/slots/3/press HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nOrigin: "
        "http://127.0.0.1:{0}\r\nX-Lineside: 1\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: "
        "chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n",
        port);
    EXPECT_EQ(ask(both).status, 400);
    EXPECT_EQ(ask(fmt::format("GET /api/v1/hello HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: "
                              "1\r\nContent-Length: 2\r\n\r\nx",
                              port))
                  .status,
              400);
    EXPECT_EQ(ask(fmt::format("GET /api/v1/hello HTTP/1.1\r\nHost: "
                              "127.0.0.1:{}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                              port))
                  .status,
              400);
    EXPECT_EQ(ask(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", 12)).status, 400);
    EXPECT_EQ(
        ask(fmt::format("GET /api/v1/hello HTTP/2.0\r\nHost: 127.0.0.1:{}\r\n\r\n", port)).status /
            100,
        5);
    EXPECT_EQ(ask(fmt::format("GET /api/v1/hello HTTP/1.1\nHost: 127.0.0.1:{}\n\n", port)).status,
              400);
    EXPECT_EQ(
        ask(fmt::format("GE T /api/v1/hello HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", port)).status,
        400);
    EXPECT_EQ(pressed, 0);
}

TEST_F(ServerTest, Answers_pipelined_requests_in_order_and_stops_at_garbage) {
    start();
    Client client(port);
    client.send(get("/api/v1/jobs/1", port) + get("/api/v1/pieces", port) +
                get("/api/v1/jobs/2", port) + "garbage\r\n\r\n" + get("/api/v1/jobs/3", port));
    EXPECT_EQ(client.read_answer().body, "{\"job\":1}");
    EXPECT_EQ(client.read_answer().body, "one two");
    EXPECT_EQ(client.read_answer().body, "{\"job\":2}");
    EXPECT_EQ(client.read_answer().status, 400);
    EXPECT_TRUE(client.at_end());
    EXPECT_TRUE(client.buffer.empty());
}

TEST_F(ServerTest, An_unread_body_is_never_taken_for_a_request) {
    start();
    Client client(port);
    const std::string hidden = post("/api/v1/slots/3/press", port, "{}");
    client.send(post("/api/v1/nothing", port, hidden));
    EXPECT_EQ(client.read_answer().status, 404);
    EXPECT_TRUE(client.at_end());
    EXPECT_EQ(pressed, 0);
}

TEST_F(ServerTest, Ends_slow_requests_and_idle_connections) {
    start();
    Client slow(port);
    const auto begun = std::chrono::steady_clock::now();
    slow.send("GET /api/v1/hello HTTP/1.1\r\n");
    while (std::chrono::steady_clock::now() - begun < 8s && slow.send("X: y\r\n")) {
        slow.patience(50);
        if (!slow.more() && slow.closed) {
            break;
        }
        EXPECT_EQ(ask(get("/api/v1/hello", port)).status, 200);  // others are served meanwhile
    }
    EXPECT_TRUE(slow.closed);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 8s);
    Client silent(port);
    EXPECT_TRUE(silent.at_end());
    Client body(port);
    body.send(post("/api/v1/slots/3/press", port, "{}").substr(0, 150));
    EXPECT_TRUE(body.at_end());
    EXPECT_TRUE(eventually([this] { return counters->timeouts >= 3; }));
    EXPECT_EQ(pressed, 0);
}

TEST_F(ServerTest, A_body_that_trickles_is_ended) {
    config.limits.body_grace = 300ms;
    config.limits.body_rate = 1000;
    start();
    Client client(port);
    client.send(fmt::format(
        "POST /api/v1/slots/3/press HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nOrigin: "
        "http://127.0.0.1:{0}\r\n"
        "X-Lineside: 1\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n",
        port));
    client.patience(100);
    for (int i = 0; i < 30 && client.buffer.empty() && !client.closed; ++i) {
        client.send("x");
        client.more();
    }
    client.patience(5000);
    EXPECT_EQ(client.read_answer().status, 408);
}

TEST_F(ServerTest, A_reader_that_stops_holds_one_piece_and_is_ended) {
    start();
    Client client(port);
    const int small = 8192;
    ::setsockopt(client.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    client.send(get("/api/v1/endless", port));
    std::this_thread::sleep_for(300ms);
    const auto before = thread.on_loop([this] { return *pulled; });
    std::this_thread::sleep_for(200ms);
    EXPECT_EQ(thread.on_loop([this] { return *pulled; }),
              before);  // nothing is made that nobody takes
    EXPECT_TRUE(eventually([this] { return counters->open_tcp == 0; }));
    EXPECT_LT(before, 200U);
}

TEST_F(ServerTest, Takes_one_large_upload_at_a_time) {
    start();
    hold_uploads = true;
    Client first(port);
    first.send(post("/api/v1/file", port, "a,b\n", "text/csv"));
    ASSERT_TRUE(eventually([this] { return held.size() == 1; }));
    const auto second = ask(post("/api/v1/file", port, "a,b\n", "text/csv"));
    EXPECT_EQ(second.status, 503);
    EXPECT_TRUE(second.headers.contains("retry-after"));
    thread.on_loop([this] {
        held.front()->json(200, {});
        held.clear();
        hold_uploads = false;
    });
    EXPECT_EQ(first.read_answer().status, 200);
    EXPECT_EQ(ask(post("/api/v1/file", port, "a,b\n", "text/csv")).status, 200);
}

TEST_F(ServerTest, At_the_limit_the_longest_idle_connection_makes_room) {
    config.limits.connections = 4;
    config.limits.idle_timeout = 20s;
    start();
    std::vector<std::unique_ptr<Client>> idle;
    for (int i = 0; i < 4; ++i) {
        idle.push_back(std::make_unique<Client>(port));
        idle.back()->send(get("/api/v1/hello", port));
        EXPECT_EQ(idle.back()->read_answer().status, 200);
    }
    EXPECT_EQ(ask(get("/api/v1/hello", port)).status, 200);
    EXPECT_TRUE(idle.front()->at_end());
    EXPECT_EQ(counters->evicted, 1U);
    // A body that is not there yet keeps no place either; the one silent longest goes.
    const std::string body = post("/api/v1/slots/3/press", port, std::string(60, 'x'));
    for (auto& slow : idle) {
        slow = std::make_unique<Client>(port);
        slow->send(body.substr(0, body.size() - 50));
    }
    EXPECT_EQ(ask(get("/api/v1/hello", port)).status, 200);
    EXPECT_TRUE(idle.front()->at_end());
    // Nobody idle: turned away in words.
    for (int i = 0; i < 4; ++i) {
        idle[static_cast<std::size_t>(i)] = std::make_unique<Client>(port);
        idle[static_cast<std::size_t>(i)]->send(get("/api/v1/late", port));
        ASSERT_TRUE(eventually([&] { return held.size() > static_cast<std::size_t>(i); }));
    }
    Client more(port);
    EXPECT_EQ(more.read_answer().status, 503);
    thread.on_loop([this] { held.clear(); });
}

}  // namespace
}  // namespace lineside::web
