// SPDX-License-Identifier: Apache-2.0
// Records as a file, and what the journal's head was when its rows were chosen: who has both can
// show later that the journal behind the records is still the same.
#include "station/records/record_export.h"
#include "web/api/api.h"
#include "web/api/read_source.h"

#include "station/base/clock.h"
#include "station/base/text.h"

#include <fmt/format.h>

namespace lineside::api {
namespace {

// The first slice, and the head of the journal in the same snapshot.
struct Begun {
    std::shared_ptr<records::Export> records;
    std::string first;
    std::optional<audit::JournalHead> head;
    std::string anchor;
};

base::Status begin(Begun& begun, Tx& tx, const audit::Signer* signer,
                   const std::function<std::shared_ptr<records::Export>(std::string)>& make) {
    if (signer != nullptr) {
        auto head = audit::journal_head(tx);
        auto anchor = signer->anchor_of_head(tx, base::SystemClock().wall_ms());
        if (!head || !anchor) {
            return tl::unexpected(!head ? head.error() : anchor.error());
        }
        begun.head = *head;
        begun.anchor = *anchor + "\n";
    }
    begun.records = make(begun.anchor);
    auto first = begun.records->next(tx);
    if (!first) {
        return tl::unexpected(first.error());
    }
    begun.first = std::move(*first);
    return {};
}

web::Response response_of(Api& api, records::Format format, Begun& begun) {
    web::Response response;
    response.content_type = records::media_type(format);
    std::string stamp = base::iso_utc(base::SystemClock().wall_ms()).substr(0, 19);
    std::erase(stamp, '-');
    std::erase(stamp, ':');
    response.headers.push_back(
        api.attachment(fmt::format("records-{}Z.{}", stamp, records::file_extension(format))));
    if (begun.head) {
        response.headers.push_back({"Lineside-Journal-Seq", std::to_string(begun.head->seq)});
        response.headers.push_back({"Lineside-Journal-Head", base::to_hex(begun.head->hash)});
        response.headers.push_back({"Lineside-Anchor", base::to_base64(begun.anchor)});
    }
    response.source = std::make_shared<ReadSource>(
        api.facade, [records = begun.records](Tx& tx) { return records->next(tx); },
        std::move(begun.first));
    return response;
}

}  // namespace

void export_records(Api& api, const Request& request, const ReplyPtr& reply) {
    auto filter = filter_of(api, request);
    if (!filter) {
        reply->problem(filter.error());
        return;
    }
    const auto format = records::format_from_text(request.query_value("format").value_or(""));
    if (!format) {
        reply->problem(
            base::make_error("http.parameter", "Parameter format must be csv, json or zip"));
        return;
    }
    const auto make = [format = *format, filter = *filter,
                       &facade = api.facade](std::string anchor) {
        return std::shared_ptr<records::Export>(records::make_export(
            format, filter,
            {.logs = [&facade](std::int64_t job) { return facade.log_folder(job); },
             .spool = facade.spool_folder(),
             .anchor = std::move(anchor)}));
    };
    auto begun = std::make_shared<Begun>();
    api.facade.read(guarded([begun, make, signer = api.facade.signer()](Tx& tx) -> Result<Json> {
                        auto done = begin(*begun, tx, signer.get(), make);
                        return done ? Result<Json>(Json()) : tl::unexpected(done.error());
                    }),
                    [begun, reply, format = *format, &api](const Result<Json>& done) {
                        if (done) {
                            reply->send(response_of(api, format, *begun));
                        } else {
                            reply->problem(done.error());
                        }
                    });
}

}  // namespace lineside::api
