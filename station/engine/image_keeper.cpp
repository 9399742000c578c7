// SPDX-License-Identifier: Apache-2.0
#include "station/engine/image_keeper.h"

#include "station/base/log.h"
#include "station/base/text.h"
#include "station/engine/image_preparation.h"

namespace lineside::engine {

using base::Json;

namespace {

// Jobs of units count from 1; the helper sees one number space, so image work starts far above it.
constexpr std::int64_t kFirstImageJob = 1'000'000'000'000;
constexpr std::chrono::minutes kTotal{120};
constexpr std::chrono::minutes kSilence{10};
// A worker that was killed or could not be started says nothing about the image: it is tried again
// before a technician is called.
constexpr int kTries = 3;
constexpr std::chrono::seconds kTryAgain{5};

bool says_nothing_of_the_image(const base::Error& error) {
    return error.code == "worker.died" || error.code == "worker.spawn" ||
           error.code == "worker.silence" || error.code == "helper.lost" ||
           error.code == "lane.failed";
}

bool disk_takes_nothing(const base::Error& error) {
    return error.code == "db.failed" || error.code == "disk.full";
}

// The image's row says what it is now; an image that was built before is the same row.
base::Result<std::optional<std::tuple<base::ImageRow>>> record_image(
    db::Tx& tx, const std::string& key, const std::string& profile, const std::string& digest,
    const Json& built, bool really_built, std::int64_t at_ms) {
    const auto tool = db::null_if_empty(built.value("tool_version", std::string()));
    auto row = tx.one<base::ImageRow>(
        "UPDATE image SET state = 'ready', digest = ?2, builds = builds + ?3,"
        " built_ms = CASE ?3 WHEN 1 THEN ?4 ELSE built_ms END, tool_version = "
        "coalesce(tool_version, ?5) WHERE key = ?1 RETURNING id",
        key, digest, really_built, at_ms, tool);
    if (!row || *row) {
        return row;
    }
    return tx.one<base::ImageRow>(
        "INSERT INTO image (key, profile, state, digest, partitions, files, bytes, builds, "
        "built_ms, tool_version)"
        " VALUES (?1, ?2, 'ready', ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id",
        key, profile, digest, built.value("partitions", 0), built.value("files", 0),
        built.value("bytes", std::int64_t{0}), really_built, at_ms, tool);
}

}  // namespace

ImageKeeper::ImageKeeper(Context& context, std::function<void()> changed)
    : context_(context), changed_(std::move(changed)), again_(context.loop) {}

void ImageKeeper::want(const core::Profile& profile, std::string locked_key, Done done) {
    wishes_.push_back({&profile, std::move(locked_key), std::move(done)});
    if (!busy_) {
        next();
    }
}

std::optional<ImageKeeper::Work> ImageKeeper::work() const {
    if (!busy_) {
        return std::nullopt;
    }
    return Work{word_, percent_ > 0 ? std::optional(percent_) : std::nullopt};
}

void ImageKeeper::next() {
    if (wishes_.empty()) {
        return;
    }
    busy_ = true;
    if (!wishes_.front().locked_key.empty()) {
        return find(wishes_.front().locked_key);
    }
    const char* word = wishes_.front().profile->disk ? "Checking image" : "Reading BSP tree";
    run_worker("key", word, "", [this](base::Result<Json> value) {
        const auto key =
            value ? base::field<std::string>(*value, "key")
                  : base::Result<std::string>(tl::unexpected<base::Error>(value.error()));
        if (!key) {
            return finish(tl::unexpected<base::Error>(key.error()));
        }
        find(*key);
    });
}

void ImageKeeper::again_after(std::chrono::milliseconds wait, std::function<void()> what) {
    again_.expires_after(wait);
    again_.async_wait([alive = alive_, what = std::move(what)](boost::system::error_code error) {
        if (!error && *alive) {
            what();
        }
    });
}

void ImageKeeper::wait_for_disk(const base::Error& why, std::function<void()> what) {
    context_.engine.records_failing(why);
    wishes_.front().disk_failed = true;
    again_after(context_.patience.commit_again, std::move(what));
}

void ImageKeeper::finish(base::Result<ReadyImage> result) {
    if (!result && disk_takes_nothing(result.error())) {  // until it does, as every other commit
        return wait_for_disk(result.error(), [this] { next(); });
    }
    if (!result && says_nothing_of_the_image(result.error()) && ++wishes_.front().tries < kTries) {
        base::log_warning("image of profile {}: {}; trying again", wishes_.front().profile->id,
                          result.error().message);
        return again_after(kTryAgain, [this] { next(); });
    }
    if (wishes_.front().disk_failed) {
        context_.engine.records_fine();
    }
    Wish wish = std::move(wishes_.front());
    wishes_.pop_front();
    busy_ = false;
    if (!result) {
        base::log_error("image of profile {}: {}", wish.profile->id, result.error().message);
    }
    wish.done(std::move(result));
    changed_();
    if (!busy_) {
        next();
    }
}

void ImageKeeper::find(const std::string& key) {
    if (!base::is_hex64(key)) {
        return finish(base::fail("image.broken", "the image worker gave no content key"));
    }
    std::error_code error;
    if (std::filesystem::exists(context_.config.images / key / "image.json", error)) {
        return verify(key);
    }
    build(key);
}

void ImageKeeper::verify(const std::string& key) {
    run_worker("verify", "Checking image", key, [this, key](base::Result<Json> value) {
        if (!value) {
            if (value.error().code == "image.broken" && wishes_.front().locked_key.empty()) {
                base::log_warning("image {} is damaged and is built anew: {}", key.substr(0, 12),
                                  value.error().message);
                return build(key);
            }
            return finish(tl::unexpected<base::Error>(value.error()));
        }
        record(key, *value, false);
    });
}

void ImageKeeper::build(const std::string& key) {
    run_worker("build", "Building image", key, [this, key](base::Result<Json> value) {
        if (!value) {
            return finish(tl::unexpected<base::Error>(value.error()));
        }
        context_.launcher.publish_image(
            worker_job_, key,
            [this, alive = alive_, key, built = *value](const base::Status& published) {
                if (!*alive) {
                    return;
                }
                drop_lane();
                if (!published) {
                    return finish(tl::unexpected<base::Error>(published.error()));
                }
                record(key, built, true);
            });
    });
}

// Every image worker gets one; after a build it holds the work files, as large as the image.
void ImageKeeper::drop_lane() {
    context_.launcher.clean(worker_job_, [](const base::Status&) {});
}

void ImageKeeper::record(const std::string& key, const Json& built, bool really_built) {
    const auto digest = base::field<std::string>(built, "digest");
    if (!digest) {
        return finish(tl::unexpected<base::Error>(digest.error()));
    }
    const auto stamp = context_.stamp();
    const std::string profile = wishes_.front().profile->id;
    const Json in_force = built.value("in_force", Json::object());
    Json told{{"key", key}, {"profile", profile}, {"in_force", in_force}};
    if (const Json container = built.value("container", Json::object()); !container.empty()) {
        told["container"] = container;
    }
    // What an order of today is to be made with; one that is open already keeps its image.
    if (wishes_.front().locked_key.empty() && in_force != in_force_of(*wishes_.front().profile)) {
        return finish(base::fail("image.broken",
                                 "The image does not hold what the recipe does before the flash"));
    }
    context_.store.write<ReadyImage>(
        [=](db::Tx& tx) -> base::Result<ReadyImage> {
            auto known =
                tx.one<std::optional<std::string>>("SELECT digest FROM image WHERE key = ?1", key);
            if (!known) {
                return tl::unexpected<base::Error>(known.error());
            }
            if (!really_built && *known && std::get<0>(**known) &&
                std::get<0>(**known) != *digest) {
                return base::fail("image.broken",
                                  "The cached image is not the one that was recorded");
            }
            auto row = record_image(tx, key, profile, *digest, built, really_built, stamp.at_ms);
            if (!row) {
                return tl::unexpected<base::Error>(row.error());
            }
            auto seq = journal::append(
                tx, stamp, {really_built ? "image.built" : "image.verified", "", {}, {}, "", told});
            if (!seq) {
                return tl::unexpected<base::Error>(seq.error());
            }
            return ReadyImage{std::get<0>(row->value()), key, *digest, in_force};
        },
        [this, alive = alive_, key, built, really_built](base::Result<ReadyImage> ready) {
            if (!*alive) {
                return;
            }
            if (ready || !disk_takes_nothing(ready.error())) {
                return finish(std::move(ready));
            }
            wait_for_disk(ready.error(), [this, key, built, really_built] {
                record(key, built, really_built);  // what was built or verified stays so
            });
        });
}

void ImageKeeper::run_worker(const std::string& mode, const std::string& word,
                             const std::string& key, OnResult done) {
    word_ = word;
    percent_ = 0;
    weight_before_ = weight_now_ = 0;
    worker_job_ = kFirstImageJob + context_.epoch * 1'000'000 + ++runs_;
    const core::Profile& profile = *wishes_.front().profile;
    process::WorkerSpec spec;
    spec.job = worker_job_;
    spec.step = 1;
    spec.method = profile.disk ? "media-image" : "image-build";
    spec.profile = profile.id;
    spec.lane = mode == "build";
    spec.image = mode == "verify" ? key : "";
    spec.silence = kSilence;
    spec.total = kTotal;
    spec.log_file = context_.config.data / "logs" / "images" /
                    fmt::format("{}-{}-{}.log", context_.epoch, runs_, mode);
    spec.job_line.job = worker_job_;
    spec.job_line.step = mode;
    spec.job_line.model = profile.model;
    spec.job_line.slot = "-";
    spec.job_line.silence_s = static_cast<int>(std::chrono::seconds(kSilence).count());
    spec.job_line.total_s = static_cast<int>(std::chrono::seconds(kTotal).count());
    spec.job_line.params = profile.image_params;
    spec.job_line.params["mode"] = mode;
    spec.job_line.params["profile"] = profile.id;
    if (!profile.disk) {
        spec.job_line.params["board"] = profile.board;
        spec.job_line.params["rootdev"] = profile.rootdev;
    }
    if (mode != "verify") {
        add_preparation(profile, spec.job_line);
    }
    if (!key.empty()) {
        spec.job_line.params["key"] = key;
        if (mode == "verify") {
            spec.job_line.image = protocol::ImageRef{key, (context_.config.images / key).string()};
        }
    }
    process::WorkerEvents events;
    events.message = [this, alive = alive_, word](const protocol::FromWorker& message) {
        if (!*alive) {
            return;
        }
        if (const auto* phase = std::get_if<protocol::Phase>(&message)) {
            weight_before_ += weight_now_;
            weight_now_ = phase->weight;
            word_ = phase->name == "container" ? "Fetching container image" : word;
            changed_();
        } else if (const auto* p = std::get_if<protocol::Progress>(&message);
                   p != nullptr && p->total > 0) {
            const double part = static_cast<double>(p->done) / static_cast<double>(p->total);
            percent_ =
                std::max(percent_,
                         std::clamp(static_cast<int>(weight_before_ + weight_now_ * part), 0, 100));
            changed_();
        }
    };
    events.end = [this, alive = alive_, mode, done = std::move(done)](process::WorkerEnd end) {
        if (!*alive) {
            return;
        }
        worker_.reset();
        if (!end.outcome.ok ||
            mode != "build") {  // what was built lies in the lane until it is published
            drop_lane();
        }
        if (!end.outcome.ok) {
            return done(tl::unexpected<base::Error>(end.outcome.error));
        }
        done(std::move(end.outcome.value));
    };
    changed_();
    worker_ = context_.launcher.start(std::move(spec), std::move(events));
}

}  // namespace lineside::engine
