// SPDX-License-Identifier: Apache-2.0
// What a technician looks into: the host, and a job that is over.
#include "station/replay/job_film.h"
#include "web/api/api.h"

namespace lineside::api {
namespace {

class FilmSource final : public web::BodySource {
  public:
    explicit FilmSource(rerun::JobFilm film) : film_(std::move(film)) {}
    void next(Then then) override { then(film_.next()); }

  private:
    rerun::JobFilm film_;
};

}  // namespace

void get_doctor(Api& api, const Request& /*request*/, const ReplyPtr& reply) {
    if (!api.doctor) {
        return reply->problem(
            base::make_error("request.unknown", "This station does not look at its host"));
    }
    api.doctor([reply](const Result<Json>& found) { reply->outcome(found); });
}

void replay_job(Api& api, const Request& request, const ReplyPtr& reply) {
    const auto job = request.number("job");
    auto film = std::make_shared<std::optional<rerun::JobFilm>>();
    api.facade.read(
        guarded([film, job, folder = api.facade.log_folder(job)](Tx& tx) -> Result<Json> {
            auto made = rerun::JobFilm::of(tx, job, folder);
            if (!made) {
                return tl::unexpected<base::Error>(made.error());
            }
            film->emplace(std::move(*made));
            return Json();
        }),
        [film, reply](const Result<Json>& done) {
            if (!done) {
                return reply->problem(done.error());
            }
            web::Response response;
            response.content_type = "application/x-ndjson";
            response.source = std::make_shared<FilmSource>(std::move(**film));
            reply->send(std::move(response));
        });
}

}  // namespace lineside::api
