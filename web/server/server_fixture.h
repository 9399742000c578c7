// SPDX-License-Identifier: Apache-2.0
// For tests only: a server with routes that misbehave in every way a test needs, and short
// deadlines.
#pragma once

#include "web/server/server.h"
#include "web/server/test_support.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace lineside::web::testing {

using namespace std::chrono_literals;

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
    Pieces(std::vector<std::string> pieces, bool fails)
        : pieces_(std::move(pieces)), fails_(fails) {}
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
        auto made = thread.on_loop(
            [this] { return Server::start(thread.loop, config, router(), counters); });
        ASSERT_TRUE(made) << made.error().message;
        server = std::move(*made);
        port = server->port();
    }
    Router router() {
        std::vector<Route> routes;
        const auto route = [&](Verb verb, std::string pattern, BodyKind body, Handler handler,
                               std::string parameters = "") {
            routes.push_back({verb, std::move(pattern), Role::anyone, body, std::move(parameters),
                              std::move(handler)});
        };
        route(
            Verb::get, "/api/v1/hello", BodyKind::none,
            [](const Request&, const ReplyPtr& reply) {
                reply->json(200, {{"hello", true}});
            },
            "x");
        route(Verb::get, "/api/v1/jobs/{job}", BodyKind::none,
              [](const Request& request, const ReplyPtr& reply) {
                  reply->json(200, {{"job", request.number("job")}});
              });
        route(Verb::post, "/api/v1/slots/{slot}/press", BodyKind::json,
              [this](const Request& request, const ReplyPtr& reply) {
                  ++pressed;
                  reply->json(200, {{"slot", request.param("slot")},
                                    {"actor", request.actor.name},
                                    {"body", request.body}});
              });
        route(Verb::post, "/api/v1/file", BodyKind::csv,
              [this](const Request& request, const ReplyPtr& reply) {
                  if (hold_uploads) {
                      held.push_back(reply);
                      return;
                  }
                  reply->json(200, {{"bytes", request.upload->size()}});
              });
        route(Verb::get, "/api/v1/throws", BodyKind::none,
              [](const Request&, const ReplyPtr&) { throw std::runtime_error("x"); });
        route(Verb::get, "/api/v1/forgets", BodyKind::none, [](const Request&, const ReplyPtr&) {});
        route(Verb::get, "/api/v1/late", BodyKind::none,
              [this](const Request&, ReplyPtr reply) { held.push_back(std::move(reply)); });
        route(Verb::get, "/api/v1/endless", BodyKind::none,
              [this](const Request&, const ReplyPtr& reply) {
                  Response response;
                  response.content_type = "text/plain";
                  response.source = std::make_shared<Endless>(pulled);
                  reply->send(std::move(response));
              });
        route(
            Verb::get, "/api/v1/pieces", BodyKind::none,
            [](const Request& request, const ReplyPtr& reply) {
                Response response;
                response.content_type = "text/plain";
                response.source = std::make_shared<Pieces>(std::vector<std::string>{"one ", "two"},
                                                           request.query_value("fail").has_value());
                reply->send(std::move(response));
            },
            "fail");
        route(Verb::get, "/api/v1/injected", BodyKind::none,
              [](const Request&, const ReplyPtr& reply) {
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
    static std::string code(const Answer& answer) {
        return base::Json::parse(answer.body).value("code", "");
    }

    LoopThread thread;
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

}  // namespace lineside::web::testing
