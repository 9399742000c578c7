// SPDX-License-Identifier: Apache-2.0
#include "station/engine/batch_loads.h"

#include "serial-pool/pool_status.h"
#include "serial-pool/serial_range.h"
#include "serial-pool/staged_load.h"
#include "serial-pool/token_rotation.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace lineside::engine {
namespace {

using base::Json;
using base::Result;

Result<serial_pool::BatchOptions> options_of(const BatchLoad& load) {
    serial_pool::BatchOptions options;
    options.test_only = load.test_only;
    if (!load.ap_ssid.empty()) {
        auto parsed = serial_pool::SsidTemplate::parse(load.ap_ssid);
        if (!parsed) {
            return tl::unexpected<base::Error>(parsed.error());
        }
        options.ap_ssid = std::move(*parsed);
    }
    return options;
}

std::string alphabet_of(const BatchRange& range) {
    return range.token_alphabet.empty() ? std::string(serial_pool::TokenMaker::kAlphanumeric)
                                        : range.token_alphabet;
}

Result<base::Secret> generate(const BatchLoad& load) {
    const BatchRange& wanted = *load.range;
    serial_pool::SerialRange range;
    range.prefix = wanted.prefix;
    range.first = wanted.from;
    range.count = wanted.count;
    range.step = wanted.step;
    if (wanted.width < 0) {
        return base::fail("request.invalid", "width: 0 or more digits");
    }
    range.width = static_cast<std::size_t>(wanted.width);
    range.suffix = wanted.suffix;
    range.check_counter_only = wanted.check_counter_only;
    if (!wanted.check.empty()) {
        auto check = serial_pool::CheckDigit::named(wanted.check);
        if (!check) {
            return tl::unexpected<base::Error>(check.error());
        }
        range.check = std::move(*check);
    }
    if (wanted.token_length == 0) {
        if (!load.test_only) {
            return base::fail("request.invalid",
                              "token length: without tokens a batch is for tests only; say so, or "
                              "give a length");
        }
        return serial_pool::generate_batch(range, nullptr);
    }
    auto tokens = serial_pool::TokenMaker::over(alphabet_of(wanted), wanted.token_length);
    return tokens ? serial_pool::generate_batch(range, &*tokens)
                  : tl::unexpected<base::Error>(tokens.error());
}

serial_pool::LoadRequest request_of(const BatchLoad& load, const Actor& actor, std::int64_t at_ms) {
    serial_pool::LoadRequest request;
    request.pool = load.pool;
    request.batch = load.batch;
    request.test_only = load.test_only;
    request.at_ms = at_ms;
    request.by_user = actor.name;
    request.order = load.order;
    request.generated = load.range.has_value();
    if (load.range && load.range->token_length > 0) {
        request.token_rule = serial_pool::to_text(
            serial_pool::TokenRule{alphabet_of(*load.range), load.range->token_length});
    }
    return request;
}

}  // namespace

BatchLoads::BatchLoads(Context& context, std::function<void()> opened)
    : context_(context), opened_(std::move(opened)), thread_([this] { serve(); }) {}

BatchLoads::~BatchLoads() {
    *alive_ = false;
    {
        const std::lock_guard hold(mutex_);
        stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void BatchLoads::load(BatchLoad load, Actor actor, Done done) {
    {
        const std::lock_guard hold(mutex_);
        tasks_.push_back(
            {std::move(load), std::move(actor), context_.clock.wall_ms(), std::move(done)});
    }
    wake_.notify_one();
}

void BatchLoads::serve() {
    while (true) {
        std::unique_lock hold(mutex_);
        wake_.wait(hold, [this] { return stop_ || !tasks_.empty(); });
        if (stop_) {
            return;
        }
        Task task = std::move(tasks_.front());
        tasks_.pop_front();
        hold.unlock();
        run(std::move(task));
    }
}

void BatchLoads::run(Task task) {
    const auto answer = [this, alive = alive_](Done done, Result<Json> result) {
        boost::asio::post(context_.loop,
                          [alive, done = std::move(done), result = std::move(result)]() mutable {
                              if (*alive) {
                                  done(std::move(result));
                              }
                          });
    };
    auto options = options_of(task.load);
    auto bytes = !options          ? tl::unexpected<base::Error>(options.error())
                 : task.load.range ? generate(task.load)
                                   : Result<base::Secret>(base::Secret(std::move(task.load.csv)));
    if (!bytes) {
        return answer(std::move(task.done), tl::unexpected<base::Error>(bytes.error()));
    }
    // What an earlier load could not take back, perhaps because the disk was full, is in nobody's
    // way now: one load at a time, and each ends here.
    if (!task.load.preview) {
        if (auto gone = serial_pool::remove_unfinished(context_.store); !gone) {
            return answer(std::move(task.done), tl::unexpected<base::Error>(gone.error()));
        }
    }
    const auto request = request_of(task.load, task.actor, task.at_ms);
    auto outcome = task.load.preview
                       ? serial_pool::preview_batch(context_.store, context_.vault, request,
                                                    bytes->reveal(), *options)
                       : serial_pool::stage_batch(context_.store, context_.vault, request,
                                                  bytes->reveal(), *options, stop_);
    if (!outcome || !outcome->staged) {
        return answer(std::move(task.done), outcome ? Result<Json>(std::move(outcome->check))
                                                    : tl::unexpected<base::Error>(outcome.error()));
    }
    if (auto opened = open(*outcome->staged, task.actor); !opened) {
        return answer(std::move(task.done), tl::unexpected<base::Error>(opened.error()));
    }
    boost::asio::post(context_.loop, [this, alive = alive_, staged = *outcome->staged,
                                      done = std::move(task.done)]() mutable {
        if (*alive) {
            opened_();
            tell(staged, std::move(done));
        }
    });
}

base::Status BatchLoads::open(const serial_pool::StagedBatch& staged, const Actor& actor) {
    return context_.store.write_now([&, stamp = context_.stamp()](db::Tx& tx) -> base::Status {
        if (auto opened = serial_pool::open_batch(tx, staged.id); !opened) {
            return opened;
        }
        auto seq = journal::append(
            tx, stamp,
            {"batch.loaded",
             "",
             {},
             {},
             actor.name,
             {{"pool", staged.pool}, {"batch", staged.name}, {"count", staged.count}}});
        return seq ? base::Status() : tl::unexpected<base::Error>(seq.error());
    });
}

void BatchLoads::tell(const serial_pool::StagedBatch& staged, Done done) {
    context_.store.read<Json>(
        [staged](db::Tx& tx) -> Result<Json> {
            auto batches = serial_pool::batch_status(tx);
            if (!batches) {
                return tl::unexpected<base::Error>(batches.error());
            }
            Json answer{{"batch", nullptr}, {"count", staged.count}, {"left", 0}};
            std::int64_t left = 0;
            for (const auto& batch : *batches) {
                if (batch.pool == staged.pool && batch.state == "open") {
                    left += batch.counts.free;
                }
                if (batch.id == staged.id.value) {
                    answer["batch"] = serial_pool::to_json(batch);
                }
            }
            answer["left"] = left;
            return answer;
        },
        std::move(done));
}

}  // namespace lineside::engine
