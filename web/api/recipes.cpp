// SPDX-License-Identifier: Apache-2.0
// Profiles and recipes as text: shown without their secrets, checked, saved.
#include "station/engine/recipe_facade.h"
#include "web/api/api.h"
#include "web/api/body.h"

namespace lineside::api {
namespace {

engine::Recipes* desk_of(Api& api, const ReplyPtr& reply) {
    engine::Recipes* desk = api.facade.recipes();
    if (desk == nullptr) {
        reply->problem(
            base::make_error("request.unknown", "This station was started without a file"));
    }
    return desk;
}

engine::Recipes::Done tell(const ReplyPtr& reply) {
    return [reply](const Result<Json>& result) { reply->outcome(result); };
}

}  // namespace

void get_recipes(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    if (auto* desk = desk_of(api, reply)) {
        desk->show(tell(reply));
    }
}

void check_recipes(Api& api, const Request& request, const ReplyPtr& reply) {
    engine::RecipeEdit edit;
    bool orders = false;
    Body body(request);
    body.need("text", edit.text);
    body.need("revision", edit.revision);
    body.may("orders", orders);
    if (const auto wrong = body.wrong()) {
        return reply->problem(*wrong);
    }
    if (auto* desk = desk_of(api, reply)) {
        desk->check(std::move(edit), orders, tell(reply));
    }
}

void save_recipes(Api& api, const Request& request, const ReplyPtr& reply) {
    engine::RecipeEdit edit;
    Body body(request);
    body.need("text", edit.text);
    body.need("revision", edit.revision);
    body.need("reason", edit.reason);
    if (const auto wrong = body.wrong()) {
        return reply->problem(*wrong);
    }
    if (auto* desk = desk_of(api, reply)) {
        desk->save(std::move(edit), request.actor.name, tell(reply));
    }
}

}  // namespace lineside::api
