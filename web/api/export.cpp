// SPDX-License-Identifier: Apache-2.0
// Records as a file. The rows are read in slices of a few milliseconds on the database's read
// thread, the next slice only when the one before has been written to the client: memory stays flat
// whatever the number of records, a slow client holds nothing, and pages are served in between.
#include "station/records/record_export.h"
#include "web/api/api.h"

#include "station/base/clock.h"

#include <fmt/format.h>

namespace lineside::api {
namespace {

class ExportSource final : public web::BodySource {
  public:
    ExportSource(Facade& facade, std::shared_ptr<records::Export> records)
        : facade_(facade), records_(std::move(records)) {}

    void next(Then then) override {
        auto piece = std::make_shared<std::string>();
        facade_.read(guarded([records = records_, piece](Tx& tx) -> Result<Json> {
                         auto made = records->next(tx);
                         if (!made) {
                             return tl::unexpected(made.error());
                         }
                         *piece = std::move(*made);
                         return Json();
                     }),
                     [piece, then = std::move(then)](const Result<Json>& done) {
                         if (done) {
                             then(std::move(*piece));
                         } else {
                             then(tl::unexpected(done.error()));
                         }
                     });
    }

  private:
    Facade& facade_;
    std::shared_ptr<records::Export> records_;
};

}  // namespace

void export_records(Api& api, const Request& request, const ReplyPtr& reply) {
    auto filter = filter_of(request);
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
    std::shared_ptr<records::Export> file = records::make_export(
        *format, *filter,
        [&facade = api.facade](std::int64_t job) { return facade.log_folder(job); });
    web::Response response;
    response.content_type = records::media_type(*format);
    std::string stamp = base::iso_utc(base::SystemClock().wall_ms()).substr(0, 19);
    std::erase(stamp, '-');
    std::erase(stamp, ':');
    response.headers.push_back(
        {"Content-Disposition", fmt::format("attachment; filename=\"records-{}Z.{}\"", stamp,
                                            records::file_extension(*format))});
    response.source = std::make_shared<ExportSource>(api.facade, std::move(file));
    reply->send(std::move(response));
}

}  // namespace lineside::api
