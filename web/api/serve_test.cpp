// SPDX-License-Identifier: Apache-2.0
// The whole web side over sockets: event stream with replay, lagging pages and stop; dashboard
// files.
#include "web/api/serve.h"

#include "web/server/test_support.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace lineside::api {
namespace {

using namespace std::chrono_literals;
using web::testing::Client;
using web::testing::get;

class ServeTest : public ::testing::Test {
  protected:
    void SetUp() override {
        folder = std::filesystem::temp_directory_path() / fmt::format("ls-serve-{}", ::getpid());
        std::filesystem::create_directories(folder);
        config.server.limits.idle_timeout = 700ms;
        config.server.limits.write_timeout = 2000ms;
    }
    void TearDown() override {
        if (server) {
            thread.on_loop([this] { server.reset(); });
        }
        std::filesystem::remove_all(folder);
    }
    void start() {
        config.ui_dir = folder;
        auto made = thread.on_loop([this] { return serve(thread.loop, config, facade); });
        ASSERT_TRUE(made) << made.error().message;
        server = std::move(*made);
        port = server->port();
    }
    template <typename F>
    bool eventually(F is_so) {
        for (int i = 0; i < 600; ++i) {
            if (thread.on_loop([&] { return is_so(); })) {
                return true;
            }
            std::this_thread::sleep_for(5ms);
        }
        return false;
    }
    web::testing::LoopThread thread;
    web::testing::FakeFacade facade;
    ServeConfig config;
    std::unique_ptr<web::Server> server;
    std::filesystem::path folder;
    std::uint16_t port = 0;
};

TEST_F(ServeTest, A_page_gets_a_snapshot_then_events_and_outlives_the_idle_timeout) {
    start();
    Client page(port);
    page.send(get("/api/v1/events", port));
    ASSERT_TRUE(page.read_until("event: beat\n"));
    EXPECT_TRUE(page.buffer.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_NE(page.buffer.find("Content-Type: text/event-stream\r\n"), std::string::npos);
    EXPECT_NE(page.buffer.find("\r\n\r\nretry: 1000\n\nid: 7\nevent: reset\ndata: {"),
              std::string::npos);
    std::this_thread::sleep_for(900ms);
    thread.on_loop([this] { facade.publish(8, "tile", "{\"n\":8}"); });
    EXPECT_TRUE(page.read_until("id: 8\nevent: tile\ndata: {\"n\":8}\n\n"));
}

TEST_F(ServeTest, A_page_that_comes_back_gets_what_it_missed_by_header_or_parameter) {
    start();
    for (const bool by_header : {true, false}) {
        Client page(port);
        page.send(by_header ? get("/api/v1/events", port, "Last-Event-ID: 5\r\n")
                            : get("/api/v1/events?last_event_id=5", port));
        ASSERT_TRUE(page.read_until("event: beat\n"));
        EXPECT_NE(page.buffer.find(
                      "retry: 1000\n\nid: 6\nevent: tile\ndata: {\"replay\":true}\n\nid: 7\n"),
                  std::string::npos);
        EXPECT_NE(page.buffer.find("event: station\n"), std::string::npos);
        EXPECT_EQ(page.buffer.find("event: reset"), std::string::npos);
    }
    for (const std::string id : {"99", "x", "-1", "99999999999999999999"}) {
        Client page(port);
        page.send(get("/api/v1/events", port, "Last-Event-ID: " + id + "\r\n"));
        EXPECT_TRUE(page.read_until("event: reset\n")) << id;
    }
}

TEST_F(ServeTest, A_lagging_page_gets_a_snapshot_and_harms_nobody) {
    config.server.limits.write_timeout = 600s;  // a host that is slow is not what is tested
    start();
    Client slow(port);
    slow.patience(60'000);  // the kernel sends again after up to 20 s what found no room
    const int small =
        200'000;  // not smaller: a window below one segment makes the kernel itself crawl
    ::setsockopt(slow.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    slow.send(get("/api/v1/events", port));
    ASSERT_TRUE(slow.read_until("event: beat\n"));
    Client quick(port);
    quick.send(get("/api/v1/events", port));
    ASSERT_TRUE(quick.read_until("event: beat\n"));
    const std::string large = "{\"x\":\"" + std::string(10'000, 'x') + "\"}";
    for (int i = 0; i < 1000; ++i) {
        thread.on_loop([&] { facade.publish(100 + i, "tile", large); });
        ASSERT_TRUE(quick.read_until(fmt::format("id: {}\n", 100 + i))) << i;
        quick.buffer.clear();
    }
    slow.buffer.clear();
    EXPECT_TRUE(slow.read_until("event: reset\n"));
    EXPECT_LT(slow.buffer.size(), 9'000'000U);
    // It may have lagged more than once, and gets another snapshot until it has caught up.
    const auto live = [&] {
        thread.on_loop([this] { facade.publish(5000, "tile", "{}"); });
        return !slow.more() || slow.buffer.find("id: 5000\n") != std::string::npos;
    };
    while (!live()) {
    }
    EXPECT_NE(slow.buffer.find("id: 5000\n"), std::string::npos);
    EXPECT_EQ(thread.on_loop([this] { return facade.live_subscribers(); }), 2U);
}

TEST_F(ServeTest, A_page_that_takes_nothing_is_ended) {
    config.server.limits.write_timeout = 300ms;
    start();
    Client dead(port);
    dead.send(get("/api/v1/events", port));
    ASSERT_TRUE(dead.read_until("event: beat\n"));
    const std::string large = "{\"x\":\"" + std::string(500'000, 'x') + "\"}";
    EXPECT_TRUE(eventually([&] {
        facade.publish(9, "tile", large);
        return facade.live_subscribers() == 0;
    }));
}

TEST_F(ServeTest, A_page_that_leaves_is_forgotten_and_stop_ends_the_others) {
    start();
    {
        Client page(port);
        page.send(get("/api/v1/events", port));
        ASSERT_TRUE(page.read_until("event: beat\n"));
    }
    EXPECT_TRUE(eventually([this] { return facade.live_subscribers() == 0; }));
    Client page(port);
    page.send(get("/api/v1/events", port));
    ASSERT_TRUE(page.read_until("event: beat\n"));
    std::promise<void> stopped;
    thread.on_loop([&] { server->stop([&stopped] { stopped.set_value(); }); });
    EXPECT_TRUE(page.at_end());
    EXPECT_EQ(stopped.get_future().wait_for(30s), std::future_status::ready);
    EXPECT_EQ(thread.on_loop([this] { return facade.live_subscribers(); }), 0U);
}

TEST_F(ServeTest, Event_streams_leave_room_for_requests) {
    config.server.limits.connections = 6;
    config.server.limits.reserved = 3;
    config.server.limits.screens = 1;  // of an enrolled screen's stream, see people_test.cpp
    start();
    std::vector<std::unique_ptr<Client>> pages;
    for (int i = 0; i < 2; ++i) {
        pages.push_back(std::make_unique<Client>(port));
        pages.back()->send(get("/api/v1/events", port));
        ASSERT_TRUE(pages.back()->read_until("event: beat\n"));
    }
    Client more(port);
    more.send(get("/api/v1/events", port));
    EXPECT_EQ(more.read_answer().status, 503);
    EXPECT_EQ(thread.on_loop([this] { return facade.live_subscribers(); }), 2U);
    Client other(port);
    other.send(get("/api/v1/wall", port));
    EXPECT_EQ(other.read_answer().status, 200);
    Client head(port);
    head.send(fmt::format("HEAD /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", port));
    EXPECT_EQ(head.read_answer(true).status, 200);
    EXPECT_TRUE(head.at_end());
}

TEST_F(ServeTest, Serves_the_dashboard_once_it_is_built) {
    start();
    Client client(port);
    client.send(get("/", port));
    EXPECT_NE(client.read_answer().body.find("not built"), std::string::npos);
    std::filesystem::create_directories(folder / "assets");
    std::ofstream(folder / "assets/app-12345678.js") << "let x";
    std::ofstream(folder / "index.html") << "<html>dashboard";
    std::this_thread::sleep_for(1100ms);
    Client later(port);
    later.send(get("/pool", port));
    EXPECT_EQ(later.read_answer().body, "<html>dashboard");
    later.send(get("/assets/app-12345678.js", port));
    auto asset = later.read_answer();
    EXPECT_EQ(asset.body, "let x");
    EXPECT_NE(asset.headers["cache-control"].find("immutable"), std::string::npos);
    later.send(
        get("/assets/app-12345678.js", port, "If-None-Match: " + asset.headers["etag"] + "\r\n"));
    EXPECT_EQ(later.read_answer().status, 304);
}

}  // namespace
}  // namespace lineside::api
