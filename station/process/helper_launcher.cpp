// SPDX-License-Identifier: Apache-2.0
#include "station/process/helper_launcher.h"

#include "station/helper/request.h"

#include <fmt/format.h>

namespace lineside::process {
namespace {

using base::Json;
using std::chrono::milliseconds;

// A lane may have to be copied before the worker starts, an image synced before it is published.
constexpr milliseconds kSpawnWithin{600'000};
// Of a kill it is the end of every process that is the answer, and one that a disk does not answer
// cannot end before the kernel gives the disk up (SCSI: 30 s a try, several tries, resets). That is
// no sign of a helper that hangs, and must not cost the other slots their jobs.
constexpr milliseconds kKillWithin{900'000};
constexpr milliseconds kLookWithin{60'000};
constexpr milliseconds kSwitchWithin{30'000};
constexpr milliseconds kPublishWithin{1'200'000};

}  // namespace

HelperLauncher::HelperLauncher(boost::asio::any_io_executor executor, HelperOptions options)
    : executor_(executor), options_(std::move(options)) {
    HelperEvents events;
    events.exit = [this](std::int64_t job, int step, int attempt, ExitStatus status) {
        on_exit(job, step, attempt, status);
    };
    events.lost = [this](const base::Error& reason) { on_lost(reason); };
    events.found = [this] {
        if (options_.state) {
            options_.state(true);
        }
    };
    client_ = std::make_shared<HelperClient>(executor, options_.socket, std::move(events));
    client_->open();
}

HelperLauncher::~HelperLauncher() {
    options_.state = nullptr;
    client_->close();
}

std::shared_ptr<Worker> HelperLauncher::start(WorkerSpec spec, WorkerEvents events) {
    const std::int64_t job = spec.job;
    const std::weak_ptr<int> alive = alive_;
    const auto tell = std::make_shared<std::function<void(WorkerEnd)>>(std::move(events.end));
    const auto self = std::make_shared<std::weak_ptr<Session>>();
    events.end = [this, alive, job, tell, self](WorkerEnd end) {
        if (!alive.expired()) {
            if (const auto it = running_.find(job);
                it != running_.end() && it->second == self->lock()) {
                running_.erase(it);
            }
        }
        if (*tell) {
            (*tell)(std::move(end));
        }
    };
    if (spec.lane) {
        spec.job_line.lane =
            helper::kLaneMount;  // the same for every job: each has a mount namespace of its own
    }
    auto session =
        std::make_shared<Session>(executor_, std::move(spec), std::move(events), options_.limits);
    *self = session;
    auto ends = session->open();
    if (!ends) {
        session->not_started(ends.error());
        return session;
    }
    if (running_.contains(job)) {
        session->not_started(
            base::make_error("worker.spawn", fmt::format("job {} has a worker already", job)));
        return session;
    }
    running_[job] = session;
    const std::weak_ptr<HelperClient> client = client_;
    const auto order = [client, job](const char* verb) {
        if (const auto there = client.lock()) {
            there->request({{"do", verb}, {"job", job}}, {}, kKillWithin, [](const auto&) {});
        }
    };
    session->set_control({[order] { order("term"); }, [order] { order("kill"); }});

    const WorkerSpec& wanted = session->spec();
    Json body{{"do", "spawn"},           {"job", job},
              {"step", wanted.step},     {"attempt", wanted.attempt},
              {"method", wanted.method}, {"lane", wanted.lane}};
    body["image"] = wanted.image.empty() ? Json() : Json(wanted.image);
    body["profile"] = wanted.profile.empty() ? Json() : Json(wanted.profile);
    std::vector<base::UniqueFd> fds;
    fds.push_back(std::move(ends->channel));
    fds.push_back(std::move(ends->output));
    client_->request(std::move(body), std::move(fds), kSpawnWithin,
                     [session](base::Result<Json> reply) {
                         if (reply) {
                             session->started();
                         } else {
                             session->not_started(reply.error());
                         }
                     });
    return session;
}

void HelperLauncher::on_exit(std::int64_t job, int step, int attempt, ExitStatus status) {
    const auto it = running_.find(job);
    if (it == running_.end()) {
        return;
    }
    const std::shared_ptr<Session> session = it->second;
    if (session->spec().step == step && session->spec().attempt == attempt) {
        session->exited(status);
    }
}

void HelperLauncher::on_lost(const base::Error& reason) {
    const auto sessions = running_;
    for (const auto& [job, session] : sessions) {
        session->lost(reason);
    }
    if (options_.state) {
        options_.state(false);
    }
}

void HelperLauncher::simple(Json body, milliseconds within,
                            std::function<void(base::Status)> done) {
    client_->request(std::move(body), {}, within,
                     [done = std::move(done)](base::Result<Json> reply) {
                         done(reply ? base::Status{} : base::Status(tl::unexpected(reply.error())));
                     });
}

void HelperLauncher::clean(std::int64_t job, std::function<void(base::Status)> done) {
    simple({{"do", "kill"}, {"job", job}}, kKillWithin, std::move(done));
}

void HelperLauncher::publish_image(std::int64_t job, std::string key,
                                   std::function<void(base::Status)> done) {
    simple({{"do", "image-publish"}, {"job", job}, {"image", std::move(key)}}, kPublishWithin,
           std::move(done));
}

void HelperLauncher::switch_port(const std::string& port, bool on,
                                 std::function<void(base::Status)> done) {
    simple({{"do", "port-power"}, {"port", port}, {"on", on}}, kSwitchWithin, std::move(done));
}

void HelperLauncher::remove_image(std::string key, std::function<void(base::Status)> done) {
    simple({{"do", "image-remove"}, {"image", std::move(key)}}, kPublishWithin, std::move(done));
}

void HelperLauncher::leftovers(std::function<void(base::Result<Json>)> done) {
    client_->request({{"do", "leftovers"}}, {}, kLookWithin, std::move(done));
}

}  // namespace lineside::process
