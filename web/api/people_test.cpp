// SPDX-License-Identifier: Apache-2.0
// Who may ask what, over sockets, with real accounts in a real database.
#include "station/people/people.h"

#include "station/base/text.h"
#include "station/engine/label_facade.h"
#include "web/api/api.h"
#include "web/api/serve.h"
#include "web/server/test_support.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

namespace lineside::api {
namespace {

using namespace std::chrono_literals;
using people::People;
using web::testing::Answer;
using web::testing::Client;
using web::testing::get;
using web::testing::post;

constexpr const char* kPassword = "correct horse 1";

class PeopleApi : public ::testing::Test {
  protected:
    void SetUp() override {
        folder = std::filesystem::temp_directory_path() / fmt::format("ls-people-{}", ::getpid());
        std::filesystem::create_directories(folder);
        store = std::move(db::Store::open(thread.loop, folder / "station.db").value());
        ASSERT_TRUE(store->write_now([](Tx& tx) -> base::Status {
            auto row = tx.run("INSERT INTO station (id, name, created_ms) VALUES (1, 'st', 0)");
            return row ? base::Status() : tl::unexpected<base::Error>(row.error());
        }));
        thread.on_loop([this] {
            desk = std::make_unique<People>(
                people::PeopleParts{thread.loop, *store, clock,
                                    [this] {
                                        return journal::Stamp{clock.wall_ms(), 0, "b", 1};
                                    },
                                    people::HashCost{1, 8192}});
            EXPECT_TRUE(desk->start());
            facade.desk = desk.get();
        });
        config.server.unix_socket = folder / "station.sock";
        auto made = thread.on_loop([this] { return serve(thread.loop, config, facade); });
        ASSERT_TRUE(made) << made.error().message;
        server = std::move(*made);
        port = server->port();
    }
    void TearDown() override {
        thread.on_loop([this] {
            server.reset();
            desk.reset();
        });
        store.reset();
        std::filesystem::remove_all(folder);
    }
    Answer ask(const std::string& text) const {
        Client client(port);
        client.send(text);
        return client.read_answer();
    }
    // `verb` with an empty JSON object as its body where it takes one.
    Answer call(Verb verb, std::string target, const std::string& cookie,
                const std::string& body = "{}") const {
        const std::string line =
            cookie.empty() ? "" : fmt::format("Cookie: lineside_{}={}\r\n", port, cookie);
        if (verb == Verb::get) {
            return ask(get(target, port, line));
        }
        std::string text = post(
            target, port, verb == Verb::del ? "" : body,
            target.find("/pool/preview") != std::string::npos || target.ends_with("/pool/batches")
                ? "text/csv"
                : "application/json",
            verb == Verb::del ? "Content-Type" : "");
        if (verb == Verb::del) {
            text.replace(0, 4, "DELETE");
        }
        return ask(text.insert(text.find("\r\n") + 2, line));
    }
    static Json body_of(const Answer& answer) { return Json::parse(answer.body, nullptr, false); }
    static std::string key_of(const Answer& answer) {
        const auto found = answer.headers.find("set-cookie");
        if (found == answer.headers.end()) {
            return {};
        }
        const auto equals = found->second.find('=');
        return found->second.substr(equals + 1, found->second.find(';') - equals - 1);
    }
    // The first admin, made as a person does it.
    std::string make_admin() {
        Client root((folder / "station.sock").string());
        root.send(
            "POST /api/v1/first-link HTTP/1.1\r\nHost: x\r\nX-Lineside: 1\r\nContent-Type: "
            "application/json\r\nContent-Length: 2\r\n\r\n{}");
        const auto link = root.read_answer();
        EXPECT_EQ(link.status, 200) << link.body;
        const std::string url = body_of(link).value("url", "");
        EXPECT_TRUE(url.starts_with(server->url() + "first#")) << url;
        const auto made = call(
            Verb::post, "/api/v1/session/first", "",
            Json{{"code", url.substr(url.find('#') + 1)}, {"name", "Ana"}, {"password", kPassword}}
                .dump());
        EXPECT_EQ(made.status, 200) << made.body;
        return key_of(made);
    }
    std::string make(const std::string& admin, const std::string& role) const {
        const auto made =
            call(Verb::post, "/api/v1/accounts", admin,
                 Json{{"name", "the " + role}, {"role", role}, {"password", kPassword}}.dump());
        EXPECT_EQ(made.status, 201) << made.body;
        return log_in("the " + role);
    }
    std::string log_in(const std::string& name) const {
        return key_of(call(Verb::post, "/api/v1/session", "",
                           Json{{"name", name}, {"password", kPassword}}.dump()));
    }
    std::string make_screen(const std::string& admin) const {
        const Json asked = body_of(call(Verb::post, "/api/v1/screens/ask", ""));
        const Json ticket{{"ticket", asked["ticket"]}};
        EXPECT_EQ(call(Verb::post, "/api/v1/screens/take", "", ticket.dump()).status, 202);
        EXPECT_EQ(call(Verb::post, "/api/v1/screens", admin,
                       Json{{"code", asked["code"]}, {"name", "Wall"}}.dump())
                      .status,
                  201);
        const auto taken = call(Verb::post, "/api/v1/screens/take", "", ticket.dump());
        EXPECT_EQ(taken.status, 200) << taken.body;
        return key_of(taken);
    }

    web::testing::LoopThread thread;
    web::testing::FakeFacade facade;
    base::FakeClock clock;
    std::unique_ptr<db::Store> store;
    std::unique_ptr<People> desk;
    ServeConfig config;
    std::unique_ptr<web::Server> server;
    std::filesystem::path folder;
    std::uint16_t port = 0;
};

std::string filled(std::string_view pattern) {
    std::string target;
    for (const auto part : base::split(pattern.substr(1), '/')) {
        target += "/";
        target += part == "{image}"       ? std::string(64, '1')
                  : part.starts_with('{') ? "1"
                                          : std::string(part);
    }
    return target;
}

TEST_F(PeopleApi, Before_the_first_account_everybody_may_do_everything_but_make_it) {
    EXPECT_EQ(body_of(call(Verb::get, "/api/v1/session", ""))["open"], true);
    EXPECT_EQ(call(Verb::get, "/api/v1/wall", "").status, 200);
    const auto made =
        call(Verb::post, "/api/v1/accounts", "",
             Json{{"name", "Eve"}, {"role", "admin"}, {"password", kPassword}}.dump());
    EXPECT_EQ(made.status, 403) << made.body;
    EXPECT_EQ(call(Verb::post, "/api/v1/first-link", "").status, 403) << "by a browser";
}

TEST_F(PeopleApi, Every_route_against_every_role_and_without_login) {
    const std::string admin = make_admin();
    const std::vector<std::pair<Role, std::string>> keys{
        {Role::anyone, ""},
        {Role::anyone, "not-a-key"},
        {Role::display, make_screen(admin)},
        {Role::operator_, make(admin, "operator")},
        {Role::qa, make(admin, "qa")},
        {Role::manager, make(admin, "manager")},
        {Role::technician, make(admin, "technician")},
        {Role::admin, admin},
    };
    int asked = 0;
    for (const Endpoint& each : endpoints()) {
        const std::string target = filled(each.pattern);
        for (const auto& one : keys) {
            const Role role = one.first;
            const std::string& key = one.second;
            if (each.verb == Verb::del && people::allows(role, each.role)) {
                continue;  // would log the role out; see the next test
            }
            ++asked;
            const auto answer = each.call == &get_events && people::allows(role, each.role)
                                    ? [&] {
                                          Client page(port);
                                          page.send(get(target, port,
                                                        fmt::format("Cookie: lineside_{}={}\r\n",
                                                                    port, key)));
                                          Answer head;
                                          head.status = page.read_until("event: beat") ? 200 : 0;
                                          return head;
                                      }()
                                    : call(each.verb, target, key);
            const std::string who =
                fmt::format("{} {} as {}", web::to_text(each.verb), target, people::to_text(role));
            const std::string code =
                body_of(answer).is_object() ? body_of(answer).value("code", std::string()) : "";
            if (people::allows(role, each.role)) {
                EXPECT_NE(answer.status, 0) << who;
                EXPECT_NE(code, "people.needed") << who;
                if (each.call != &make_first_link) {  // root's, over the socket
                    EXPECT_NE(code, "people.role") << who;
                }
            } else {
                EXPECT_EQ(answer.status, role == Role::anyone ? 401 : 403) << who;
                EXPECT_EQ(code, role == Role::anyone ? "people.needed" : "people.role") << who;
            }
        }
    }
    EXPECT_GT(asked, 300);
}

TEST_F(PeopleApi, Cookie_is_closed_to_scripts_and_other_sites_and_ends_with_log_out) {
    make_admin();
    const auto opened = call(Verb::post, "/api/v1/session", "",
                             Json{{"name", "ana"}, {"password", kPassword}}.dump());
    ASSERT_EQ(opened.status, 200) << opened.body;
    EXPECT_EQ(body_of(opened), (Json{{"name", "Ana"}, {"role", "admin"}, {"screen", false}}));
    const std::string cookie = opened.headers.at("set-cookie");
    EXPECT_TRUE(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Max-Age=57600")) << cookie;
    EXPECT_EQ(opened.body.find(key_of(opened)), std::string::npos);
    const std::string key = key_of(opened);
    EXPECT_EQ(body_of(call(Verb::get, "/api/v1/session", key))["name"], "Ana");
    EXPECT_EQ(body_of(call(Verb::get, "/api/v1/session", key))["may"].size(), 7U);
    EXPECT_EQ(body_of(call(Verb::get, "/api/v1/session", ""))["may"], Json::array({"anyone"}));
    // Two cookies of one name: somebody else's might be the one that counts.
    EXPECT_EQ(ask(get("/api/v1/wall", port,
                      fmt::format("Cookie: lineside_{0}={1}; lineside_{0}=x\r\n", port, key)))
                  .status,
              401);
    const auto out = call(Verb::del, "/api/v1/session", key);
    EXPECT_EQ(out.status, 204);
    EXPECT_NE(out.headers.at("set-cookie").find("Max-Age=0"), std::string::npos);
    EXPECT_EQ(call(Verb::get, "/api/v1/wall", key).status, 401);
}

TEST_F(PeopleApi, A_stream_ends_with_its_session) {
    const std::string admin = make_admin();
    const std::string screen = make_screen(admin);
    EXPECT_NE(call(Verb::get, "/api/v1/session", screen)
                  .headers.at("set-cookie")
                  .find("Max-Age=34560000"),
              std::string::npos)
        << "the browser keeps it from now on";
    EXPECT_EQ(call(Verb::get, "/api/v1/session", admin).headers.count("set-cookie"), 0U);
    Client wall(port);
    wall.send(get("/api/v1/events", port, fmt::format("Cookie: lineside_{}={}\r\n", port, screen)));
    ASSERT_TRUE(wall.read_until("event: beat"));
    const Json screens = body_of(call(Verb::get, "/api/v1/screens", admin));
    ASSERT_EQ(screens["screens"].size(), 1U) << screens;
    EXPECT_EQ(
        call(Verb::post,
             fmt::format("/api/v1/screens/{}/revoke", screens["screens"][0]["screen"].get<int>()),
             admin)
            .status,
        200);
    EXPECT_TRUE(wall.at_end());
    EXPECT_EQ(call(Verb::get, "/api/v1/wall", screen).status, 401);
}

class CrowdedApi : public PeopleApi {
  protected:
    CrowdedApi() {
        config.server.limits.connections = 8;
        config.server.limits.reserved = 4;
        config.server.limits.screens = 2;
    }
};

TEST_F(CrowdedApi, Pages_leave_places_for_enrolled_screens) {
    const std::string admin = make_admin();
    const std::string screen = make_screen(admin);
    const auto open = [&](const std::string& key) {
        auto page = std::make_unique<Client>(port);
        page->send(
            get("/api/v1/events", port, fmt::format("Cookie: lineside_{}={}\r\n", port, key)));
        return page;
    };
    std::vector<std::unique_ptr<Client>> pages;
    for (const auto* key : {&admin, &admin, &screen, &screen}) {
        pages.push_back(open(*key));
        EXPECT_TRUE(pages.back()->read_until("event: beat"));
        if (pages.size() == 2) {
            EXPECT_EQ(open(admin)->read_answer().status, 503);
        }
    }
    EXPECT_EQ(open(screen)->read_answer().status, 503)
        << "nor do screens take the requests' places";
    pages.erase(pages.begin());
    EXPECT_EQ(call(Verb::get, "/api/v1/wall", admin).status, 200);
}

TEST_F(PeopleApi, Who_streamed_without_a_login_is_cut_when_the_station_is_open_no_more) {
    Client wall(port);
    wall.send(get("/api/v1/events", port));
    ASSERT_TRUE(wall.read_until("event: beat"));
    Client local((folder / "station.sock").string());
    local.send("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(local.read_until("event: beat"));
    make_admin();
    EXPECT_TRUE(wall.at_end());
    thread.on_loop([this] { facade.publish(8, "tile", "{}"); });
    EXPECT_TRUE(local.read_until("event: tile")) << "who may open the socket needs no login";
}

TEST_F(PeopleApi, What_is_done_is_done_by_name) {
    const std::string admin = make_admin();
    facade.wall_json["tiles"] =
        Json::array({{{"slot", "1"}, {"job", 5}, {"ack", "ready"}, {"outcome", "PASS"}}});
    EXPECT_EQ(call(Verb::post, "/api/v1/slots/1/acknowledge", admin, R"({"job":5})").status, 200);
    ASSERT_FALSE(facade.calls.empty());
    EXPECT_NE(facade.calls.back().find("Ana"), std::string::npos) << facade.calls.back();
}

TEST_F(PeopleApi, No_answer_holds_a_password_or_a_hash) {
    const std::string admin = make_admin();
    make(admin, "qa");
    std::string all;
    for (const char* target : {"/api/v1/accounts", "/api/v1/screens", "/api/v1/session"}) {
        all += call(Verb::get, target, admin).body;
    }
    for (const char* body : {R"({"name":"correct horse 1","password":"correct horse 1"})",
                             R"({"name":"ana","password":["correct horse 1"]})"}) {
        all += call(Verb::post, "/api/v1/session", "", body).body;
    }
    EXPECT_NE(all.find("the qa"), std::string::npos);
    EXPECT_EQ(all.find("correct horse"), std::string::npos) << all;
    EXPECT_EQ(all.find("argon2"), std::string::npos);
}

// Prints badges alone, and keeps them as paper would.
class FakeLabels final : public engine::Labels {
  public:
    [[nodiscard]] Json setup() const override { return {{"print", "acknowledge"}}; }
    void preview(base::JobId /*job*/, labels::Language language,
                 std::function<void(base::Result<std::string>)> done) override {
        done(language == labels::Language::pdf ? "%PDF-" : "<svg/>");
    }
    void ask(base::JobId job, std::string actor, Done done) override {
        calls.push_back(fmt::format("ask {} {}", job.value, actor));
        done(answer);
    }
    void check(const std::string& slot, std::string code, std::string actor, Done done) override {
        calls.push_back(fmt::format("check {} {} {}", slot, code, actor));
        done(answer);
    }
    void skip(const std::string& slot, std::string reason, std::string actor, Done done) override {
        calls.push_back(fmt::format("skip {} {} {}", slot, reason, actor));
        done(answer);
    }
    void copy(base::JobId job, std::string reason, std::string actor, Done done) override {
        calls.push_back(fmt::format("copy {} {} {}", job.value, reason, actor));
        done(answer);
    }
    void again(std::int64_t /*label*/, std::string /*actor*/, Done done) override { done(answer); }
    void found(std::int64_t /*label*/, std::string /*actor*/, Done done) override { done(answer); }
    void print_badge(const std::string& holder, const base::Secret& code,
                     std::function<void(base::Status)> done) override {
        badges.emplace_back(holder, std::string(code.reveal()));
        done(paper ? base::Status() : base::Status(base::fail("label.failed")));
    }
    base::Result<Json> answer = Json{{"svg", "<svg/>"}};
    bool paper = true;
    std::vector<std::string> calls;
    std::vector<std::pair<std::string, std::string>> badges;
};

TEST_F(PeopleApi, A_badge_goes_to_the_printer_and_opens_a_screen_alone) {
    const std::string admin = make_admin();
    const std::string screen = make_screen(admin);
    const std::string olu = make(admin, "operator");
    const std::string badge_of = "/api/v1/accounts/2/badge";
    EXPECT_EQ(call(Verb::post, badge_of, admin).status, 409) << "no printer at all";
    FakeLabels labels;
    thread.on_loop([&] { facade.printer = &labels; });
    std::string all;
    const auto told = [&](Verb verb, const std::string& target, const std::string& key,
                          const std::string& body = "{}") {
        const auto got = call(verb, target, key, body);
        all += got.body;
        return got;
    };
    // A technician picks a person by name, and learns no more of the accounts.
    const std::string tec = make(admin, "technician");
    EXPECT_EQ(call(Verb::get, "/api/v1/accounts", tec).status, 403);
    EXPECT_EQ(call(Verb::get, "/api/v1/badges", olu).status, 403);
    const Json holders = body_of(told(Verb::get, "/api/v1/badges", tec));
    EXPECT_EQ(holders["printer"], true);
    ASSERT_EQ(holders["holders"].size(), 3U);
    EXPECT_EQ(holders["holders"][1],
              (Json{{"account", 2}, {"name", "the operator"}, {"badge_ms", nullptr}}));
    labels.paper = false;
    EXPECT_EQ(told(Verb::post, badge_of, tec).status, 409);
    ASSERT_EQ(labels.badges.size(), 1U);
    const auto scan = [&](const std::string& key, const std::string& code) {
        return told(Verb::post, "/api/v1/session/badge", key, Json{{"code", code}}.dump());
    };
    EXPECT_EQ(scan(screen, labels.badges[0].second).status, 403)
        << "what was not printed is revoked";
    labels.paper = true;
    EXPECT_EQ(told(Verb::post, badge_of, tec).status, 200);
    EXPECT_TRUE(body_of(told(Verb::get, "/api/v1/badges", tec))["holders"][1]["badge_ms"]
                    .is_number_integer());
    ASSERT_EQ(labels.badges.size(), 2U);
    EXPECT_EQ(labels.badges[1].first, "the operator");
    const std::string code = labels.badges[1].second;
    EXPECT_EQ(call(Verb::post, "/api/v1/slots/1/stop", screen, R"({"job":5})").status, 403);
    for (const auto& key : {admin, olu}) {
        EXPECT_EQ(body_of(scan(key, code))["code"], "people.badge");
    }
    clock.advance_ms(60'000);
    EXPECT_EQ(scan("", code).status, 401);
    const auto opened = scan(screen, code);
    ASSERT_EQ(opened.status, 200) << opened.body;
    const Json here = body_of(told(Verb::get, "/api/v1/session", screen));
    EXPECT_EQ(here["name"], "the operator");
    EXPECT_EQ(here["role"], "operator");
    EXPECT_EQ(here["screen"], true);
    EXPECT_EQ(here["holder"]["name"], "the operator");
    // What is done there is done by the holder; QA's part is not.
    thread.on_loop([&] {
        facade.wall_json["tiles"] = Json::array({{{"slot", "1"}, {"job", 5}, {"outcome", "PASS"}}});
    });
    EXPECT_EQ(told(Verb::post, "/api/v1/slots/1/label", screen, R"({"job":5,"code":"x"})").status,
              200);
    EXPECT_EQ(labels.calls.back(), "check 1 x the operator");
    EXPECT_EQ(told(Verb::post, "/api/v1/slots/1/label", screen, R"({"job":4,"code":"x"})").status,
              409);
    EXPECT_EQ(told(Verb::post, "/api/v1/jobs/5/label/copy", screen, R"({"reason":"r"})").status,
              403);
    EXPECT_EQ(told(Verb::post, "/api/v1/jobs/5/label/copy", admin, R"({"reason":"r"})").status,
              200);
    EXPECT_EQ(labels.calls.back(), "copy 5 r Ana");
    const auto picture = told(Verb::get, "/api/v1/jobs/5/label", admin);
    EXPECT_EQ(picture.headers.at("content-type"), "image/svg+xml");
    const auto paper = told(Verb::get, "/api/v1/jobs/5/label?format=pdf", admin);
    EXPECT_EQ(paper.headers.at("content-type"), "application/pdf");
    EXPECT_EQ(paper.body, "%PDF-");
    const auto gif = told(Verb::get, "/api/v1/jobs/5/label?format=gif", admin);
    EXPECT_EQ(gif.status, 400);
    EXPECT_EQ(body_of(gif)["code"], "http.parameter");
    EXPECT_NE(picture.headers.at("content-security-policy").find("default-src"), std::string::npos);
    EXPECT_EQ(told(Verb::del, "/api/v1/session/badge", screen).status, 204);
    EXPECT_EQ(body_of(told(Verb::get, "/api/v1/session", screen))["role"], "display");
    ASSERT_EQ(scan(screen, code).status, 200);
    EXPECT_EQ(told(Verb::post, badge_of + "/revoke", admin).status, 200);
    EXPECT_EQ(body_of(told(Verb::get, "/api/v1/session", screen))["role"], "display");
    told(Verb::get, "/api/v1/accounts", admin);
    for (const auto& [holder, each] : labels.badges) {
        EXPECT_EQ(all.find(each.substr(5)), std::string::npos) << "in an answer";
    }
    thread.on_loop([&] { facade.printer = nullptr; });
}

}  // namespace
}  // namespace lineside::api
