// SPDX-License-Identifier: Apache-2.0
// Batches that are counted instead of brought, and the end of batches.
#include "serial-pool/batch_end.h"
#include "web/api/api.h"
#include "web/api/body.h"

#include <fmt/format.h>

#include <algorithm>

namespace lineside::api {
namespace {

void end_batch(Api& api, const Request& request, const ReplyPtr& reply, bool withdraw) {
    engine::BatchEnding ending;
    ending.batch = request.param("batch");
    ending.withdraw = withdraw;
    Body body(request);
    if (withdraw) {
        body.need("reason", ending.reason);
    }
    if (auto wrong = body.wrong()) {
        reply->problem(*wrong);
        return;
    }
    if (ending.reason.size() > 500) {
        reply->problem(base::make_error("request.invalid", "reason: at most 500 characters"));
        return;
    }
    api.facade.end_batch(std::move(ending), request.actor,
                         [reply](Result<Json> result) { reply->outcome(result); });
}

}  // namespace

void generate_batch(Api& api, const Request& request, const ReplyPtr& reply) {
    engine::BatchLoad load;
    engine::BatchRange range;
    Body body(request);
    body.need("pool", load.pool);
    body.may("batch", load.batch);
    body.may("order", load.order);
    body.may("ap_ssid", load.ap_ssid);
    body.may("test_only", load.test_only);
    body.may("preview", load.preview);
    body.may("prefix", range.prefix);
    body.may("from", range.from);
    body.need("count", range.count);
    body.may("step", range.step);
    body.may("width", range.width);
    body.may("suffix", range.suffix);
    body.may("check", range.check);
    body.may("check_counter_only", range.check_counter_only);
    body.may("token_length", range.token_length);
    body.may("token_alphabet", range.token_alphabet);
    if (auto wrong = body.wrong()) {
        reply->problem(*wrong);
        return;
    }
    load.range = std::move(range);
    engine::Done done = load.preview ? check_answer(reply, "") : batch_answer(reply, "");
    api.facade.load_batch(std::move(load), request.actor, std::move(done));
}

void withdraw_batch(Api& api, const Request& request, const ReplyPtr& reply) {
    end_batch(api, request, reply, true);
}

void close_batch(Api& api, const Request& request, const ReplyPtr& reply) {
    end_batch(api, request, reply, false);
}

void get_batch_account(Api& api, const Request& request, const ReplyPtr& reply) {
    api.read(reply, [batch = request.param("batch")](Tx& tx) -> Result<Json> {
        auto account = serial_pool::batch_account(tx, batch);
        return account ? Result<Json>(serial_pool::to_json(*account))
                       : tl::unexpected<base::Error>(account.error());
    });
}

void warn_pool_at(Api& api, const Request& request, const ReplyPtr& reply) {
    std::string pool;
    std::int64_t warn_at = 0;
    Body body(request);
    body.need("pool", pool);
    body.need("warn_at", warn_at);
    if (auto wrong = body.wrong()) {
        reply->problem(*wrong);
        return;
    }
    api.facade.warn_pool_at(std::move(pool), warn_at, request.actor,
                            [reply](Result<Json> result) { reply->outcome(result); });
}

}  // namespace lineside::api
