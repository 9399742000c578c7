// SPDX-License-Identifier: Apache-2.0
// The server over real sockets: what it refuses, what it bounds, and that others are served meanwhile.
#include "web/server/server.h"

#include "web/server/test_support.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace lineside::web {
namespace {

using namespace std::chrono_literals;
using testing::Answer;
using testing::Client;
using testing::get;
using testing::post;

// Pieces without end, counted.
class Endless final : public BodySource {
  public:
    explicit Endless(std::shared_ptr<std::size_t> pulled) : pulled_(std::move(pulled)) {}
    void next(Then then) override {
        ++*pulled_;
        then(std::string(64 * 1024, 'x'));
    }

  private:
    std::shared_ptr<std::size_t> pulled_;
};

class Pieces final : public BodySource {
  public:
    Pieces(std::vector<std::string> pieces, bool fails) : pieces_(std::move(pieces)), fails_(fails) {}
    void next(Then then) override {
        if (at_ < pieces_.size()) {
            then(pieces_[at_++]);
        } else if (fails_) {
            then(base::fail("station.bug"));
        } else {
            then(std::string());
        }
    }

  private:
    std::vector<std::string> pieces_;
    std::size_t at_ = 0;
    bool fails_;
};

class ServerTest : public ::testing::Test {
  protected:
    void SetUp() override {
        config.limits.header_timeout = 400ms;
        config.limits.body_timeout = 400ms;
        config.limits.idle_timeout = 700ms;
        config.limits.write_timeout = 700ms;
        config.limits.linger = 300ms;
        config.limits.stop_deadline = 500ms;
        config.limits.csv_bytes = 1024 * 1024;
        folder = std::filesystem::temp_directory_path() / fmt::format("ls-web-{}", ::getpid());
        std::filesystem::create_directories(folder);
    }
    void TearDown() override {
        if (server) {
            thread.on_loop([this] { server.reset(); });
        }
        std::filesystem::remove_all(folder);
    }
    void start() {
        auto made = thread.on_loop([this] { return Server::start(thread.loop, config, router(), counters); });
        ASSERT_TRUE(made) << made.error().message;
        server = std::move(*made);
        port = server->port();
    }
    Router router() {
        std::vector<Route> routes;
        const auto route = [&](Verb verb, std::string pattern, BodyKind body, Handler handler, std::string parameters = "") {
            routes.push_back({verb, std::move(pattern), Role::anyone, body, std::move(parameters), std::move(handler)});
        };
        route(Verb::get, "/api/v1/hello", BodyKind::none, [](const Request&, const ReplyPtr& reply) {
            reply->json(200, {{"hello", true}});
        }, "x");
        route(Verb::get, "/api/v1/jobs/{job}", BodyKind::none, [](const Request& request, const ReplyPtr& reply) {
            reply->json(200, {{"job", request.number("job")}});
        });
        route(Verb::post, "/api/v1/slots/{slot}/press", BodyKind::json, [this](const Request& request, const ReplyPtr& reply) {
            ++pressed;
            reply->json(200, {{"slot", request.param("slot")}, {"actor", request.actor.name}, {"body", request.body}});
        });
        route(Verb::post, "/api/v1/file", BodyKind::csv, [this](const Request& request, const ReplyPtr& reply) {
            if (hold_uploads) {
                held.push_back(reply);
                return;
            }
            reply->json(200, {{"bytes", request.body.size()}});
        });
        route(Verb::get, "/api/v1/throws", BodyKind::none, [](const Request&, const ReplyPtr&) { throw std::runtime_error("x"); });
        route(Verb::get, "/api/v1/forgets", BodyKind::none, [](const Request&, const ReplyPtr&) {});
        route(Verb::get, "/api/v1/late", BodyKind::none, [this](const Request&, ReplyPtr reply) { held.push_back(std::move(reply)); });
        route(Verb::get, "/api/v1/endless", BodyKind::none, [this](const Request&, const ReplyPtr& reply) {
            Response response;
            response.content_type = "text/plain";
            response.source = std::make_shared<Endless>(pulled);
            reply->send(std::move(response));
        });
        route(Verb::get, "/api/v1/pieces", BodyKind::none, [](const Request& request, const ReplyPtr& reply) {
            Response response;
            response.content_type = "text/plain";
            response.source = std::make_shared<Pieces>(std::vector<std::string>{"one ", "two"}, request.query_value("fail").has_value());
            reply->send(std::move(response));
        }, "fail");
        route(Verb::get, "/api/v1/injected", BodyKind::none, [](const Request&, const ReplyPtr& reply) {
            auto response = text_response(200, "text/plain", "x");
            response.headers.push_back({"X-Name", "a\r\nX-Evil: 1"});
            reply->send(std::move(response));
        });
        return Router(std::move(routes), [](const Request& request, const ReplyPtr& reply) {
            reply->send(text_response(200, "text/html", "page " + request.path));
        });
    }
    Answer ask(const std::string& text, bool head_only = false) {
        Client client(port);
        client.send(text);
        return client.read_answer(head_only);
    }
    // Asks on the loop's thread until it is so.
    template <typename F>
    bool eventually(F is_so) {
        for (int i = 0; i < 400; ++i) {
            if (thread.on_loop([&] { return is_so(); })) {
                return true;
            }
            std::this_thread::sleep_for(5ms);
        }
        return false;
    }
    static std::string code(const Answer& answer) { return base::Json::parse(answer.body).value("code", ""); }

    testing::LoopThread thread;
    ServerConfig config;
    std::unique_ptr<Server> server;
    std::shared_ptr<Counters> counters = std::make_shared<Counters>();
    std::uint16_t port = 0;
    std::filesystem::path folder;
    int pressed = 0;
    bool hold_uploads = false;
    std::vector<ReplyPtr> held;
    std::shared_ptr<std::size_t> pulled = std::make_shared<std::size_t>(0);
};

TEST_F(ServerTest, Serves_on_both_loopback_addresses_with_security_headers) {
    start();
    for (const bool v6 : {false, true}) {
        Client client(port, v6);
        ASSERT_TRUE(client.connected());
        client.send(fmt::format("GET /api/v1/hello HTTP/1.1\r\nHost: {}:{}\r\n\r\n", v6 ? "[::1]" : "localhost", port));
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
    for (const std::string address : {"0.0.0.0", "::", "192.168.1.2", "localhost", "127.0.0.2", ""}) {
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

TEST_F(ServerTest, Refuses_foreign_host) {
    start();
    for (const std::string host : {"evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:80", ""}) {
        const auto answer = ask(fmt::format("GET /api/v1/hello HTTP/1.1\r\nHost: {}\r\n\r\n", host));
        EXPECT_EQ(answer.status, 421) << host;
        EXPECT_EQ(code(answer), "http.host");
    }
    EXPECT_EQ(ask("GET /api/v1/hello HTTP/1.0\r\n\r\n").status, 421);
    EXPECT_EQ(ask(fmt::format("GET /api/v1/hello HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nHost: 127.0.0.1:{0}\r\n\r\n", port)).status, 400);
    EXPECT_EQ(ask(fmt::format("GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", port)).status, 400);
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
    for (const std::string origin : {"http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"}) {
        const auto answer = ask(fmt::format(
            "POST {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nOrigin: {}\r\nX-Lineside: 1\r\nContent-Type: application/json\r\n"
            "Content-Length: 2\r\n\r\n{{}}", target, port, origin));
        EXPECT_EQ(answer.status, 403) << origin;
        EXPECT_EQ(code(answer), "http.origin");
    }
    for (const std::string type : {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/csv", ""}) {
        const auto answer = ask(post(target, port, "{}", type));
        EXPECT_EQ(answer.status, 415) << type;
    }
    EXPECT_EQ(ask(post(target, port, "{}", "application/json; charset=utf-8")).status, 200);
    EXPECT_EQ(pressed, 2);
    // A foreign page's GET of the API, and its preflight.
    EXPECT_EQ(ask(get("/api/v1/hello", port, "Sec-Fetch-Site: cross-site\r\n")).status, 403);
    EXPECT_EQ(ask(get("/", port, "Sec-Fetch-Site: cross-site\r\n")).status, 200);
    auto preflight = ask(fmt::format("OPTIONS {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nOrigin: http://evil.example\r\n\r\n", target, port));
    EXPECT_EQ(preflight.status, 403);
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
    auto deleted = ask(fmt::format("DELETE /api/v1/hello HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nOrigin: http://127.0.0.1:{0}\r\n"
                                   "X-Lineside: 1\r\n\r\n", port));
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
    const auto stream = ask(fmt::format("HEAD /api/v1/endless HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", port), true);
    EXPECT_EQ(stream.status, 200);
    EXPECT_EQ(*pulled, 0U);
}

TEST_F(ServerTest, Never_lets_a_path_climb) {
    start();
    for (const std::string target : {"/..%2f..%2fetc/passwd", "/%2e%2e%2fetc", "/a%00b", "/a%5cb", "/%0d%0aX:1", "//evil.example/",
                                     "/%zz", "/a%", "*", "/api/v1/jobs/1%2f..", "/?x=%00", "/../../etc/passwd", "/%2e%2E/x",
                                     "/api/./v1", "/a/.."}) {
        const auto answer = ask(get(target, port));
        EXPECT_EQ(answer.status, 400) << target;
    }
    EXPECT_NE(ask(get("/a b", port)).status, 200);
    EXPECT_EQ(ask(get("/" + std::string(5000, 'a'), port)).status, 414);
}

TEST_F(ServerTest, Bounds_headers_and_bodies) {
    start();
    EXPECT_EQ(ask(get("/api/v1/hello", port, "X-Long: " + std::string(20000, 'a') + "\r\n")).status, 431);
    EXPECT_EQ(ask(post("/api/v1/slots/3/press", port, std::string(70000, 'x'))).status, 413);
    // Chunked, so that the size is not known before.
    std::string chunked = fmt::format(
        "POST /api/v1/slots/3/press HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nOrigin: http://127.0.0.1:{0}\r\nX-Lineside: 1\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", port);
    for (int i = 0; i < 10; ++i) {
        chunked += fmt::format("{:x}\r\n{}\r\n", 8000, std::string(8000, 'x'));
    }
    EXPECT_EQ(ask(chunked + "0\r\n\r\n").status, 413);
    EXPECT_EQ(ask(get("/api/v1/hello", port, "Content-Length: 5\r\n") + "hello").status, 413);
    EXPECT_EQ(pressed, 0);
    const auto large = ask(post("/api/v1/file", port, std::string(900000, 'x'), "text/csv"));
    EXPECT_EQ(large.body, "{\"bytes\":900000}");
    EXPECT_EQ(ask(post("/api/v1/file", port, std::string(1100000, 'x'), "text/csv")).status, 413);
}

TEST_F(ServerTest, Refuses_what_could_be_read_in_two_ways) {
    start();
    const std::string both = fmt::format(
        "POST /api/v1/slots/3/press HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nOrigin: http://127.0.0.1:{0}\r\nX-Lineside: 1\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n", port);
    EXPECT_EQ(ask(both).status, 400);
    EXPECT_EQ(ask(fmt::format("GET /api/v1/hello HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", port)).status, 400);
    EXPECT_EQ(ask(fmt::format("GET /api/v1/hello HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", port)).status, 400);
    EXPECT_EQ(ask("\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n").status, 400);
    EXPECT_EQ(ask(fmt::format("GET /api/v1/hello HTTP/2.0\r\nHost: 127.0.0.1:{}\r\n\r\n", port)).status / 100, 5);
    EXPECT_EQ(pressed, 0);
}

TEST_F(ServerTest, Answers_pipelined_requests_in_order_and_stops_at_garbage) {
    start();
    Client client(port);
    client.send(get("/api/v1/jobs/1", port) + get("/api/v1/pieces", port) + get("/api/v1/jobs/2", port) + "garbage\r\n\r\n" +
                get("/api/v1/jobs/3", port));
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
    while (std::chrono::steady_clock::now() - begun < 3s && slow.send("X: y\r\n")) {
        slow.patience(50);
        if (!slow.more() && slow.closed) {
            break;
        }
        EXPECT_EQ(ask(get("/api/v1/hello", port)).status, 200);  // others are served meanwhile
    }
    EXPECT_TRUE(slow.closed);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
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
    client.send(fmt::format("POST /api/v1/slots/3/press HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nOrigin: http://127.0.0.1:{0}\r\n"
                            "X-Lineside: 1\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n", port));
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
    EXPECT_EQ(thread.on_loop([this] { return *pulled; }), before);  // nothing is made that nobody takes
    EXPECT_TRUE(eventually([this] { return counters->open_tcp == 0; }));
    EXPECT_LT(before, 200U);
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

TEST_F(ServerTest, Says_continue_before_a_large_body) {
    start();
    Client client(port);
    client.send(fmt::format("POST /api/v1/file HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nOrigin: http://127.0.0.1:{0}\r\nX-Lineside: 1\r\n"
                            "Content-Type: text/csv\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", port));
    ASSERT_TRUE(client.read_until("HTTP/1.1 100 Continue\r\n\r\n"));
    client.buffer.clear();
    client.send("a,b\n");
    EXPECT_EQ(client.read_answer().body, "{\"bytes\":4}");
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

TEST_F(ServerTest, Unix_socket_knows_its_peer) {
    config.unix_socket = folder / "station.sock";
    start();
    struct stat socket {};
    ASSERT_EQ(::stat(config.unix_socket.c_str(), &socket), 0);
    EXPECT_EQ(socket.st_mode & 0777U, 0660U);
    Client client(config.unix_socket.native());
    ASSERT_TRUE(client.connected());
    client.send("POST /api/v1/slots/A-1/press HTTP/1.1\r\nHost: station\r\nX-Lineside: 1\r\nContent-Type: application/json\r\n"
                "Content-Length: 2\r\n\r\n{}");
    const auto answer = base::Json::parse(client.read_answer().body);
    EXPECT_EQ(answer["slot"], "A-1");
    EXPECT_TRUE(answer["actor"].get<std::string>().starts_with(fmt::format("uid {}", ::getuid())));
    client.send("POST /api/v1/slots/A-1/press HTTP/1.1\r\nHost: station\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
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
    EXPECT_EQ(stopped.get_future().wait_for(3s), std::future_status::ready);
}

}  // namespace
}  // namespace lineside::web
