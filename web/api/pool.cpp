// SPDX-License-Identifier: Apache-2.0
// Pools, batches, serials in doubt; checking and loading a batch file.
#include "serial-pool/pool_status.h"
#include "station/base/clock.h"
#include "web/api/api.h"
#include "web/server/problem.h"

namespace lineside::api {
namespace {

// A name of a pool or batch: [A-Za-z0-9][A-Za-z0-9._-]{0,63}
bool is_batch_name(const std::string& text) {
    return web::is_slot_label(text) && text.find(':') == std::string::npos;
}

Result<engine::BatchLoad> batch_of(const Request& request) {
    engine::BatchLoad load;
    load.pool = request.query_value("pool").value_or("");
    load.batch = request.query_value("batch").value_or("");
    const std::string test_only = request.query_value("test_only").value_or("0");
    if (!is_batch_name(load.pool)) {
        return base::fail("http.parameter", "Parameter pool must name a pool");
    }
    if (!load.batch.empty() && !is_batch_name(load.batch)) {  // empty: the station makes a name
        return base::fail(
            "http.parameter",
            "Parameter batch must be a name: letters, digits, dot, dash, underscore, at most 64");
    }
    if (test_only != "0" && test_only != "1") {
        return base::fail("http.parameter", "Parameter test_only must be 0 or 1");
    }
    if (request.query_value("file").value_or("").size() > 200) {
        return base::fail("http.parameter", "Parameter file is too long");
    }
    load.order = request.query_value("order").value_or("");
    load.ap_ssid = request.query_value("ap_ssid").value_or("");
    load.test_only = test_only == "1";
    return load;
}

// The conflict of a load is its name.
base::Error batch_error(const base::Error& error) {
    return error.code == "request.conflict" ? base::make_error("batch.exists", error.message)
                                            : error;
}

// The complaints carry the name the person knows the file by.
void name_file(Json& check, const std::string& file) {
    for (const char* list : {"errors", "warnings"}) {
        if (auto found = check.find(list);
            !file.empty() && found != check.end() && found->is_array()) {
            for (Json& complaint : *found) {
                if (complaint.is_object() && complaint.value("file", Json("")) == "") {
                    complaint["file"] = file;
                }
            }
        }
    }
}

}  // namespace

void get_pool(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    api.read(reply,
             [](Tx& tx) { return serial_pool::pool_page(tx, base::SystemClock().wall_ms()); });
}

void preview_batch(Api& api, const Request& request, const ReplyPtr& reply) {
    auto load = batch_of(request);
    if (!load) {
        reply->problem(load.error());
        return;
    }
    load->preview = true;
    load->csv = std::move(*request.upload);
    api.facade.load_batch(std::move(*load), request.actor,
                          check_answer(reply, request.query_value("file").value_or("")));
}

engine::Done check_answer(const ReplyPtr& reply, std::string file) {
    return [reply, file = std::move(file)](Result<Json> check) {
        if (!check) {
            reply->problem(batch_error(check.error()));
            return;
        }
        name_file(*check, file);
        reply->outcome(check);
    };
}

engine::Done batch_answer(const ReplyPtr& reply, std::string file) {
    return [reply, file = std::move(file)](Result<Json> result) {
        if (!result) {
            reply->problem(batch_error(result.error()));
            return;
        }
        if (result->value("verdict", Json("accept")) != "reject") {
            reply->outcome(result, 201);
            return;
        }
        name_file(*result, file);
        const auto error = base::make_error("batch.refused");
        Json problem = web::problem_json(error);
        problem["check"] = std::move(*result);
        auto response = web::json_response(web::status_of(error.code), problem);
        response.content_type = "application/problem+json";
        reply->send(std::move(response));
    };
}

void load_batch(Api& api, const Request& request, const ReplyPtr& reply) {
    auto load = batch_of(request);
    if (!load) {
        reply->problem(load.error());
        return;
    }
    load->csv = std::move(*request.upload);
    api.facade.load_batch(std::move(*load), request.actor,
                          batch_answer(reply, request.query_value("file").value_or("")));
}

}  // namespace lineside::api
