// SPDX-License-Identifier: Apache-2.0
// Labels: what is not printed, the picture of one, asking, checking, copies.
#include "station/engine/label_facade.h"

#include "station/labels/label_rows.h"
#include "web/api/api.h"
#include "web/api/body.h"

namespace lineside::api {
namespace {

engine::Labels* labels_of(Api& api, const ReplyPtr& reply) {
    engine::Labels* labels = api.facade.labels();
    if (labels == nullptr) {
        reply->problem(base::make_error("request.refused", "This station prints no labels"));
    }
    return labels;
}

engine::Done answer(const ReplyPtr& reply) {
    return [reply](const Result<Json>& done) { reply->outcome(done); };
}

// The tile after the change; a wrong label changes it, too.
engine::Done tile_answer(Api& api, const Request& request, const ReplyPtr& reply) {
    return [&facade = api.facade, slot = request.param("slot"), reply](const Result<Json>& done) {
        if (!done) {
            return reply->problem(done.error());
        }
        const Json wall = facade.wall();
        reply->json(200, {{"tile", slot_tile(wall, slot)}, {"seq", wall.value("seq", Json())}});
    };
}

// The person saw this job on the tile, and it is there still.
bool still_there(Api& api, const Request& request, std::int64_t job, const ReplyPtr& reply) {
    const Json tile = slot_tile(api.facade.wall(), request.param("slot"));
    if (!tile.is_object()) {
        reply->problem(base::make_error("request.unknown", "There is no such slot"));
    } else if (tile.value("job", Json()) != job) {
        reply->problem(base::make_error("slot.job_changed"));
    } else {
        return true;
    }
    return false;
}

bool read(const Body& body, const ReplyPtr& reply) {
    if (const auto wrong = body.wrong()) {
        reply->problem(*wrong);
        return false;
    }
    return true;
}

}  // namespace

void get_labels(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    const engine::Labels* labels = api.facade.labels();
    api.read(reply, [printer = labels == nullptr ? Json() : labels->setup()](Tx& tx) {
        auto open = labels::open_labels(tx);
        if (open) {
            (*open)["printer"] = printer;
        }
        return open;
    });
}

void get_label_picture(Api& api, const Request& request, const ReplyPtr& reply) {
    const std::string format = request.query_value("format").value_or("svg");
    if (format != "svg" && format != "pdf") {
        return reply->problem(
            base::make_error("http.parameter", "Parameter format must be svg or pdf"));
    }
    if (engine::Labels* labels = labels_of(api, reply)) {
        const bool pdf = format == "pdf";
        labels->preview(base::JobId(request.number("job")),
                        pdf ? labels::Language::pdf : labels::Language::svg,
                        [reply, pdf](const Result<std::string>& picture) {
                            if (!picture) {
                                return reply->problem(picture.error());
                            }
                            reply->send(web::text_response(
                                200, pdf ? "application/pdf" : "image/svg+xml", *picture));
                        });
    }
}

void ask_label(Api& api, const Request& request, const ReplyPtr& reply) {
    const Body body(request);
    if (engine::Labels* labels = labels_of(api, reply); labels != nullptr && read(body, reply)) {
        labels->ask(base::JobId(request.number("job")), request.actor.name, answer(reply));
    }
}

void copy_label(Api& api, const Request& request, const ReplyPtr& reply) {
    std::string reason;
    Body body(request);
    body.need("reason", reason);
    if (engine::Labels* labels = labels_of(api, reply); labels != nullptr && read(body, reply)) {
        labels->copy(base::JobId(request.number("job")), std::move(reason), request.actor.name,
                     answer(reply));
    }
}

void retry_label(Api& api, const Request& request, const ReplyPtr& reply) {
    const Body body(request);
    if (engine::Labels* labels = labels_of(api, reply); labels != nullptr && read(body, reply)) {
        labels->again(request.number("label"), request.actor.name, answer(reply));
    }
}

void found_label(Api& api, const Request& request, const ReplyPtr& reply) {
    const Body body(request);
    if (engine::Labels* labels = labels_of(api, reply); labels != nullptr && read(body, reply)) {
        labels->found(request.number("label"), request.actor.name, answer(reply));
    }
}

void check_label(Api& api, const Request& request, const ReplyPtr& reply) {
    std::int64_t job = 0;
    std::string code;
    Body body(request);
    body.need("job", job);
    body.need("code", code);
    engine::Labels* labels = labels_of(api, reply);
    if (labels != nullptr && read(body, reply) && still_there(api, request, job, reply)) {
        labels->check(request.param("slot"), std::move(code), request.actor.name,
                      tile_answer(api, request, reply));
    }
}

void skip_label(Api& api, const Request& request, const ReplyPtr& reply) {
    std::int64_t job = 0;
    std::string reason;
    Body body(request);
    body.need("job", job);
    body.need("reason", reason);
    engine::Labels* labels = labels_of(api, reply);
    if (labels != nullptr && read(body, reply) && still_there(api, request, job, reply)) {
        labels->skip(request.param("slot"), std::move(reason), request.actor.name,
                     tile_answer(api, request, reply));
    }
}

}  // namespace lineside::api
