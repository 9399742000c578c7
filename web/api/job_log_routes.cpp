// SPDX-License-Identifier: Apache-2.0
#include "station/base/text.h"
#include "station/records/job_log.h"
#include "web/api/api.h"

#include <fmt/format.h>

#include <algorithm>

namespace lineside::api {
namespace {

constexpr std::int64_t kMaxPiece = 1024 * 1024;
constexpr std::int64_t kPiece = 256 * 1024;

struct Piece {
    records::JoinedLog log;
    std::uint64_t from = 0;
    std::string bytes;
};

// A download of known length.
class LogSource final : public web::BodySource {
  public:
    explicit LogSource(records::JoinedLog log) : reader_(std::move(log)) {}
    [[nodiscard]] std::optional<std::uint64_t> length() const override { return reader_.length(); }
    void next(Then then) override { then(reader_.next()); }

  private:
    records::LogReader reader_;
};

}  // namespace

void get_job_log(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto number = [&](std::string_view name,
                            std::int64_t otherwise) -> std::optional<std::int64_t> {
        const auto text = request.query_value(name);
        return text ? base::to_int(*text) : std::optional(otherwise);
    };
    const auto from = number("from", 0);
    const auto max = number("max", kPiece);
    if (!from || !max || *max < 1 || *max > kMaxPiece) {
        reply->problem(base::make_error(
            "http.parameter", "from and max must be whole numbers, max from 1 to 1048576"));
        return;
    }
    const auto job = request.number("job");
    auto piece = std::make_shared<Piece>();  // the closure's answer; bytes need not be text
    api.facade.read(
        guarded([piece, job, from = *from, max = *max,
                 folder = api.facade.log_folder(job)](Tx& tx) -> Result<Json> {
            auto log = records::joined_log(tx, job, folder);
            if (!log) {
                return tl::unexpected(log.error());
            }
            const auto size = static_cast<std::int64_t>(log->size);
            const std::int64_t start =
                from >= 0 ? std::min(from, size) : size + std::max(from, -size);
            auto bytes = records::read_log(*log, static_cast<std::uint64_t>(start),
                                           static_cast<std::uint64_t>(max));
            if (!bytes) {
                return tl::unexpected(bytes.error());
            }
            piece->log = std::move(*log);
            piece->from = static_cast<std::uint64_t>(start);
            piece->bytes = std::move(*bytes);
            return Json();
        }),
        [piece, reply](const Result<Json>& done) {
            if (!done) {
                reply->problem(done.error());
                return;
            }
            auto response =
                web::text_response(200, "text/plain; charset=utf-8", std::move(piece->bytes));
            response.headers.push_back({"X-Log-From", fmt::format("{}", piece->from)});
            response.headers.push_back({"X-Log-Size", fmt::format("{}", piece->log.size)});
            response.headers.push_back({"X-Log-End", piece->log.ended ? "true" : "false"});
            reply->send(std::move(response));
        });
}

void download_job_log(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto job = request.number("job");
    auto log = std::make_shared<records::JoinedLog>();
    api.facade.read(
        guarded([log, job, folder = api.facade.log_folder(job)](Tx& tx) -> Result<Json> {
            auto found = records::joined_log(tx, job, folder);
            if (!found) {
                return tl::unexpected(found.error());
            }
            *log = std::move(*found);
            return Json();
        }),
        [&api, log, reply](const Result<Json>& done) {
            if (!done) {
                reply->problem(done.error());
                return;
            }
            web::Response response;
            response.content_type = "text/plain; charset=utf-8";
            response.headers.push_back(api.attachment(log->file_name));
            response.source = std::make_shared<LogSource>(std::move(*log));
            reply->send(std::move(response));
        });
}

}  // namespace lineside::api
