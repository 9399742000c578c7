// SPDX-License-Identifier: Apache-2.0
// Logging in and out, accounts, wall screens. A key goes out in a Set-Cookie and nowhere else; a
// password comes in and goes nowhere but to be hashed.
#include "station/people/people.h"

#include "web/api/api.h"
#include "web/api/body.h"

namespace lineside::api {
namespace {

using base::Secret;
using people::Opened;
using people::People;

constexpr std::int64_t kScreenAgeS = std::int64_t{400} * 24 * 3600;  // the most a browser takes

// Browsers share cookies among the ports of a host; the training station is another port.
// Under TLS the name says that no other host and nothing in the clear can have set it.
std::string cookie_name(const Request& request) {
    const auto host = request.header("host");
    const auto colon = host.rfind(':');
    const bool has_port = colon != std::string_view::npos && host.find(']', colon) == host.npos;
    const std::string_view usual = request.over_tls ? "443" : "80";
    return fmt::format("{}lineside_{}", request.over_tls ? "__Host-" : "",
                       has_port ? host.substr(colon + 1) : usual);
}

std::string cookie(const Request& request, std::string_view key, std::int64_t age_s) {
    return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}",
                       cookie_name(request), key, age_s, request.over_tls ? "; Secure" : "");
}

Json person_json(const people::Person& person) {
    return {{"name", person.name},
            {"role", people::to_text(person.role)},
            {"screen", person.account == 0}};
}

// The people of this station, or the answer that it has none.
People* people_of(Api& api, const ReplyPtr& reply) {
    People* people = api.facade.people();
    if (people == nullptr) {
        reply->problem(base::make_error("request.refused", "This station knows no accounts"));
    }
    return people;
}

bool read(const Body& body, const ReplyPtr& reply) {
    if (const auto wrong = body.wrong()) {
        reply->problem(*wrong);
        return false;
    }
    return true;
}

engine::Done answer(const ReplyPtr& reply, unsigned status = 200) {
    return [reply, status](const Result<Json>& done) { reply->outcome(done, status); };
}

void send_opened(const Request& request, const ReplyPtr& reply, const Opened& opened) {
    auto response = web::json_response(200, person_json(opened.person));
    response.headers.push_back(
        {"Set-Cookie", cookie(request, opened.key.reveal(),
                              opened.expires_ms == 0 ? kScreenAgeS : std::int64_t{16} * 3600)});
    reply->send(std::move(response));
}

People::DoneOpened opened_answer(const Request& request, const ReplyPtr& reply) {
    Request kept;  // without its body: that holds a password
    kept.headers = request.headers;
    kept.over_tls = request.over_tls;
    return [request = std::move(kept), reply](const Result<Opened>& opened) {
        if (opened) {
            send_opened(request, reply, *opened);
        } else {
            reply->problem(opened.error());
        }
    };
}

std::optional<people::Role> role_of(const std::string& text, const ReplyPtr& reply) {
    const auto role = people::account_role(text);
    if (!role) {
        reply->problem(base::make_error("request.invalid",
                                        "role: one of operator, qa, manager, technician, admin"));
    }
    return role;
}

}  // namespace

web::Gate gate_of(Facade& facade) {
    return [&facade](Request& request, Role needed) -> base::Status {
        People* people = facade.people();
        const bool open = people == nullptr || people->open_to_all();
        if (request.over_unix || (open && !request.over_tls)) {
            request.role = Role::admin;  // who may open the socket is told by its rights
            return {};
        }
        request.actor = {"nobody", "dashboard"};
        const auto key = request.cookie(cookie_name(request));
        if (const auto person =
                key.empty() || open ? std::nullopt : people->who(Secret(std::string(key)))) {
            request.actor.name = person->name;
            request.session = person->session;
            request.account = person->account;
            request.role = person->role;
        }
        if (people::allows(request.role, needed)) {
            return {};
        }
        return base::fail(request.session == 0 ? "people.needed" : "people.role");
    };
}

void get_session(Api& api, const Request& request, const ReplyPtr& reply) {
    const People* people = api.facade.people();
    const bool open = people == nullptr || people->open_to_all();
    Json may = Json::array();
    for (const Role each : {Role::anyone, Role::display, Role::operator_, Role::qa, Role::manager,
                            Role::technician, Role::admin}) {
        if (people::allows(request.role, each)) {
            may.push_back(people::to_text(each));
        }
    }
    Json json{
        {"open", open},          {"name", nullptr},
        {"language", nullptr},   {"role", people::to_text(request.role)},
        {"may", std::move(may)}, {"scan", {{"prefix", api.scan.prefix}, {"end", api.scan.end}}}};
    json["holder"] = nullptr;
    json["use"] = config::to_text(api.use);
    std::string renewed;  // a screen does not expire, but what a browser keeps does
    if (request.session != 0) {
        json["name"] = request.actor.name;
        json["screen"] = request.account == 0;
        if (const auto holder = people->holder_at(request.session)) {
            json["holder"] = {{"name", holder->name}, {"until_ms", holder->until_ms}};
        }
        const std::string language = people->language_of(request.account);
        json["language"] = language.empty() ? Json() : Json(language);
        const auto key = request.cookie(cookie_name(request));
        if (request.account == 0 && !key.empty()) {
            renewed = cookie(request, key, kScreenAgeS);
        }
    }
    auto response = web::json_response(200, json);
    if (!renewed.empty()) {
        response.headers.push_back({"Set-Cookie", std::move(renewed)});
    }
    reply->send(std::move(response));
}

void log_in(Api& api, const Request& request, const ReplyPtr& reply) {
    std::string name;
    std::string password;
    Body body(request);
    body.need("name", name);
    body.need("password", password);
    if (People* people = people_of(api, reply); people != nullptr && read(body, reply)) {
        people->log_in(std::move(name), Secret(std::move(password)), request.source,
                       opened_answer(request, reply));
    }
}

void log_out(Api& api, const Request& request, const ReplyPtr& reply) {
    People* people = people_of(api, reply);
    if (people == nullptr) {
        return;
    }
    if (request.session == 0) {
        return reply->problem(base::make_error("people.needed"));
    }
    people->log_out({request.session, request.account, request.actor.name, request.role},
                    [request, reply](const Result<Json>& done) {
                        if (!done) {
                            return reply->problem(done.error());
                        }
                        web::Response response;
                        response.status = 204;
                        response.headers.push_back({"Set-Cookie", cookie(request, "", 0)});
                        reply->send(std::move(response));
                    });
}

void change_own_password(Api& api, const Request& request, const ReplyPtr& reply) {
    std::string old_one;
    std::string new_one;
    Body body(request);
    body.need("old", old_one);
    body.need("new", new_one);
    if (People* people = people_of(api, reply); people != nullptr && read(body, reply)) {
        people->change_own_password(
            {request.session, request.account, request.actor.name, request.role},
            Secret(std::move(old_one)), Secret(std::move(new_one)), answer(reply));
    }
}

void choose_language(Api& api, const Request& request, const ReplyPtr& reply) {
    std::string language;
    Body body(request);
    body.need("language", language);
    People* people = people_of(api, reply);
    if (people == nullptr || !read(body, reply)) {
        return;
    }
    if (request.account == 0) {
        return reply->problem(base::make_error("request.conflict", "This is no account's log-in"));
    }
    people->set_language({request.session, request.account, request.actor.name, request.role},
                         std::move(language), answer(reply));
}

void make_first_link(Api& api, const Request& request, const ReplyPtr& reply) {
    People* people = people_of(api, reply);
    if (people == nullptr) {
        return;
    }
    const std::string& who = request.actor.name;
    if (!request.over_unix || (who != "uid 0" && !who.starts_with("uid 0 "))) {
        return reply->problem(base::make_error("people.role", "Only root makes this link"));
    }
    people->make_first_link(who, [url = api.url, reply](const Result<Secret>& code) {
        if (!code) {
            return reply->problem(code.error());
        }
        // Behind '#', so that no proxy and no log of a browser's requests sees it.
        reply->json(200,
                    {{"url", fmt::format("{}first#{}", url, code->reveal())}, {"minutes", 15}});
    });
}

void use_first_link(Api& api, const Request& request, const ReplyPtr& reply) {
    std::string code;
    std::string name;
    std::string password;
    Body body(request);
    body.need("code", code);
    body.need("name", name);
    body.need("password", password);
    if (People* people = people_of(api, reply); people != nullptr && read(body, reply)) {
        people->use_first_link(Secret(std::move(code)), std::move(name),
                               Secret(std::move(password)), request.source,
                               opened_answer(request, reply));
    }
}

void get_web_certificate(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    reply->json(200, api.network->state());
}

void get_accounts(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    if (const People* people = people_of(api, reply)) {
        reply->json(200, {{"accounts", people->list()["accounts"]}});
    }
}

void make_account(Api& api, const Request& request, const ReplyPtr& reply) {
    std::string name;
    std::string role;
    std::string password;
    Body body(request);
    body.need("name", name);
    body.need("role", role);
    body.need("password", password);
    People* people = people_of(api, reply);
    if (people == nullptr || !read(body, reply)) {
        return;
    }
    if (people->open_to_all()) {
        // Else whoever comes first would be the admin of a station that everybody reaches.
        return reply->problem(base::make_error(
            "people.role", "The first account is made by link: lineside admin first-link"));
    }
    if (const auto known = role_of(role, reply)) {
        people->make_account(std::move(name), *known, Secret(std::move(password)),
                             request.actor.name, answer(reply, 201));
    }
}

void change_role(Api& api, const Request& request, const ReplyPtr& reply) {
    std::string role;
    Body body(request);
    body.need("role", role);
    People* people = people_of(api, reply);
    if (people == nullptr || !read(body, reply)) {
        return;
    }
    if (const auto known = role_of(role, reply)) {
        people->change_role(request.number("account"), *known, request.actor.name, answer(reply));
    }
}

void give_password(Api& api, const Request& request, const ReplyPtr& reply) {
    std::string password;
    Body body(request);
    body.need("password", password);
    if (People* people = people_of(api, reply); people != nullptr && read(body, reply)) {
        people->give_password(request.number("account"), Secret(std::move(password)),
                              request.actor.name, answer(reply));
    }
}

void close_account(Api& api, const Request& request, const ReplyPtr& reply) {
    if (People* people = people_of(api, reply); people != nullptr && read(Body(request), reply)) {
        people->close_account(request.number("account"), request.actor.name, answer(reply));
    }
}

void get_screens(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    if (const People* people = people_of(api, reply)) {
        reply->json(200, {{"screens", people->list()["screens"]}});
    }
}

void ask_for_screen(Api& api, const Request& request, const ReplyPtr& reply) {
    People* people = people_of(api, reply);
    if (people == nullptr || !read(Body(request), reply)) {
        return;
    }
    const auto asked = people->ask_for_screen(request.source);
    if (!asked) {
        return reply->problem(asked.error());
    }
    reply->json(200, {{"code", asked->code}, {"ticket", asked->ticket.reveal()}});
}

void take_screen(Api& api, const Request& request, const ReplyPtr& reply) {
    std::string ticket;
    Body body(request);
    body.need("ticket", ticket);
    People* people = people_of(api, reply);
    if (people == nullptr || !read(body, reply)) {
        return;
    }
    const auto taken = people->take_screen(Secret(std::move(ticket)));
    if (!taken) {
        return reply->problem(taken.error());
    }
    if (!*taken) {
        return reply->json(202, {{"waiting", true}});
    }
    send_opened(request, reply, **taken);
}

void confirm_screen(Api& api, const Request& request, const ReplyPtr& reply) {
    std::string code;
    std::string name;
    Body body(request);
    body.need("code", code);
    body.need("name", name);
    if (People* people = people_of(api, reply); people != nullptr && read(body, reply)) {
        people->confirm_screen(code, std::move(name), request.actor.name, answer(reply, 201));
    }
}

void revoke_screen(Api& api, const Request& request, const ReplyPtr& reply) {
    if (People* people = people_of(api, reply); people != nullptr && read(Body(request), reply)) {
        people->revoke_screen(request.number("screen"), request.actor.name, answer(reply));
    }
}

}  // namespace lineside::api
