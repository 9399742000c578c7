// SPDX-License-Identifier: Apache-2.0
// Badges: printed and revoked by a technician, scanned at an enrolled screen. What one holds comes
// in to be compared and goes out to the printer; it is in no answer.
#include "station/engine/label_facade.h"
#include "station/people/people.h"

#include "web/api/api.h"
#include "web/api/body.h"

namespace lineside::api {
namespace {

using base::Secret;
using people::People;

People* people_of(Api& api, const ReplyPtr& reply) {
    People* people = api.facade.people();
    if (people == nullptr) {
        reply->problem(base::make_error("request.refused", "This station knows no accounts"));
    }
    return people;
}

bool empty_body(const Request& request, const ReplyPtr& reply) {
    const auto wrong = Body(request).wrong();
    if (wrong) {
        reply->problem(*wrong);
    }
    return !wrong;
}

}  // namespace

// Who may hold one, by name alone: roles, log-ins and passwords are the admin's business.
void get_badges(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    const People* people = people_of(api, reply);
    if (people == nullptr) {
        return;
    }
    Json holders = Json::array();
    const Json all = people->list();
    for (const Json& account : all.at("accounts")) {
        if (account.at("active").get<bool>()) {
            holders.push_back({{"account", account.at("account")},
                               {"name", account.at("name")},
                               {"badge_ms", account.at("badge_ms")}});
        }
    }
    const engine::Labels* labels = api.facade.labels();
    reply->json(200, {{"holders", std::move(holders)},
                      {"printer", labels != nullptr && !labels->setup().is_null()}});
}

void print_badge(Api& api, const Request& request, const ReplyPtr& reply) {
    People* people = people_of(api, reply);
    if (people == nullptr || !empty_body(request, reply)) {
        return;
    }
    engine::Labels* labels = api.facade.labels();
    if (labels == nullptr || labels->setup().is_null()) {
        return reply->problem(
            base::make_error("request.conflict", "This station has no label printer"));
    }
    const std::int64_t account = request.number("account");
    const std::string actor = request.actor.name;
    people->make_badge(
        account, actor, [people, labels, account, actor, reply](const Result<Secret>& code) {
            if (!code) {
                return reply->problem(code.error());
            }
            labels->print_badge(
                people->name_of(account), *code,
                [people, account, actor, reply](const base::Status& printed) {
                    if (printed) {
                        return reply->json(200, {{"printed", true}});
                    }
                    // Nobody has it, or nobody knows who.
                    people->revoke_badge(
                        account, actor,
                        [reply, error = printed.error()](const Result<Json>& revoked) {
                            reply->problem(revoked ? error : revoked.error());
                        });
                });
        });
}

void revoke_badge(Api& api, const Request& request, const ReplyPtr& reply) {
    People* people = people_of(api, reply);
    if (people != nullptr && empty_body(request, reply)) {
        people->revoke_badge(request.number("account"), request.actor.name,
                             [reply](const Result<Json>& done) { reply->outcome(done); });
    }
}

void open_shift(Api& api, const Request& request, const ReplyPtr& reply) {
    std::string code;
    Body body(request);
    body.need("code", code);
    People* people = people_of(api, reply);
    if (people == nullptr) {
        return;
    }
    if (const auto wrong = body.wrong()) {
        return reply->problem(*wrong);
    }
    people->open_shift(request.session, Secret(std::move(code)), request.source,
                       [reply](const Result<Json>& holder) { reply->outcome(holder); });
}

void end_shift(Api& api, const Request& request, const ReplyPtr& reply) {
    People* people = people_of(api, reply);
    if (people == nullptr) {
        return;
    }
    if (request.session == 0 || request.account != 0) {
        return reply->problem(base::make_error("people.badge"));
    }
    people->end_shift(request.session, request.actor.name, [reply](const Result<Json>& done) {
        if (!done) {
            return reply->problem(done.error());
        }
        web::Response response;
        response.status = 204;
        reply->send(std::move(response));
    });
}

}  // namespace lineside::api
