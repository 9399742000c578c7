// SPDX-License-Identifier: Apache-2.0
// What others check the station by: birth certificates and the journal itself.
#include "station/audit/journal_lines.h"
#include "web/api/api.h"
#include "web/api/read_source.h"

#include "station/base/clock.h"

#include <fmt/format.h>

namespace lineside::api {

void get_certificate(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto job = request.number("job");
    auto body = std::make_shared<std::string>();
    api.facade.read(
        guarded([body, job](Tx& tx) -> Result<Json> {
            auto row = tx.one<std::string>("SELECT body FROM certificate WHERE job_id = ?1", job);
            if (!row) {
                return tl::unexpected(row.error());
            }
            if (!*row) {
                return base::fail("request.unknown",
                                  fmt::format("There is no certificate of job {}: only a unit "
                                              "that passes gets one",
                                              job));
            }
            *body = std::get<0>(std::move(**row)) + "\n";
            return Json();
        }),
        [body, file = api.attachment(fmt::format("certificate-job-{}.json", job)),
         reply](const Result<Json>& done) {
            if (!done) {
                reply->problem(done.error());
                return;
            }
            auto response = web::text_response(200, "application/json", std::move(*body));
            response.headers.push_back(file);
            reply->send(std::move(response));
        });
}

void export_journal(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    const auto signer = api.facade.signer();
    if (!signer) {
        reply->problem(base::make_error("request.refused", "This station signs nothing"));
        return;
    }
    auto journal = std::make_shared<audit::JournalExport>(signer);
    web::Response response;
    response.content_type = "application/x-ndjson";
    response.headers.push_back(api.attachment("journal.jsonl"));
    response.source = std::make_shared<ReadSource>(
        api.facade, [journal](Tx& tx) { return journal->next(tx, base::SystemClock().wall_ms()); });
    reply->send(std::move(response));
}

}  // namespace lineside::api
