// SPDX-License-Identifier: Apache-2.0
// Recovery, orders, pools and batches: the part of the engine that begins in the database.
#include "station/engine/engine.h"

#include "serial-pool/batch_end.h"
#include "serial-pool/pool_status.h"
#include "station/base/log.h"
#include "station/engine/order_terms.h"
#include "station/journal/recovery.h"

namespace lineside::engine {

using base::Json;

base::Status Engine::recover() {
    auto unfinished = serial_pool::remove_unfinished(context_.store);
    if (!unfinished) {
        return tl::unexpected<base::Error>(unfinished.error());
    }
    for (const std::string& batch : *unfinished) {
        base::log_warning("batch {} was not loaded to its end and is gone", batch);
    }
    journal::Recovered recovered;
    auto done = context_.store.write_now([&](db::Tx& tx) -> base::Status {
        auto result = journal::recover(tx, context_.stamp(), context_.config.station_name);
        if (!result) {
            return tl::unexpected<base::Error>(result.error());
        }
        recovered = std::move(*result);
        auto stamp = context_.stamp();
        stamp.epoch = recovered.epoch;
        if (auto settled = care::settle_seal_keys(tx, stamp, context_.vault, ""); !settled) {
            return tl::unexpected<base::Error>(settled.error());
        }
        auto signed_row = context_.signer->begin(tx, stamp);
        if (!signed_row) {
            return tl::unexpected<base::Error>(signed_row.error());
        }
        recovered.last_seq = *signed_row;
        if (auto closed = load_slots(tx); !closed) {
            return closed;
        }
        return load_orders(tx);
    });
    if (!done) {
        return done;
    }
    context_.epoch = recovered.epoch;
    stream_.begin(recovered.last_seq);
    for (const journal::OpenVerdict& verdict : recovered.unacknowledged) {
        if (SlotActor* slot = find_slot(verdict.slot)) {
            slot->restore(verdict);
        }
    }
    for (const journal::InterruptedJob& job : recovered.interrupted) {
        SlotActor* slot = find_slot(job.slot);
        if (slot ==
            nullptr) {  // its slot is no longer configured; the job must not be lost from sight
            slots_.emplace_back(context_, job.slot, job.port, false, false);
            slot = &slots_.back();
            by_port_.emplace(job.port, slot);
        }
        slot->restore(job);
        base::log_warning("slot {}: job {} was interrupted by the end of the service", job.slot,
                          job.job.value);
    }
    return {};
}

base::Status Engine::load_orders(db::Tx& tx) {
    auto rows = tx.all<base::OrderId, std::string, std::string, std::string, std::string,
                       std::int64_t, int, std::string, std::optional<std::string>,
                       std::optional<std::string>, std::optional<std::string>>(
        "SELECT o.id, o.name, o.profile, o.model, p.name, p.id, o.quantity, o.state, i.key, "
        "i.digest, o.recipe"
        " FROM orders o JOIN pool p ON p.id = o.pool_id LEFT JOIN image i ON i.id = o.image_id"
        " WHERE o.state <> 'closed' OR EXISTS (SELECT 1 FROM job j WHERE j.order_id = o.id AND "
        "j.outcome IS NULL)"
        " ORDER BY o.id");
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    for (const auto& [id, name, profile, model, pool, pool_id, quantity, state, key, digest,
                      recipe] : *rows) {
        OrderView view;
        view.id = id;
        view.name = name;
        view.model = model;
        view.pool = pool;
        view.pool_id = pool_id;
        view.quantity = quantity;
        view.open = state == "open";
        view.paused = state == "paused";
        view.image_key = key.value_or("");
        view.image_digest = digest.value_or("");
        view.profile = profile_of(profile);
        if (auto same = compare_terms(view, profile, recipe.value_or("")); !same) {
            return same;
        }
        auto passed = tx.all<base::UnitId>(
            "SELECT DISTINCT unit_id FROM job WHERE order_id = ?1 AND outcome = 'PASS'", id);
        if (!passed) {
            return tl::unexpected<base::Error>(passed.error());
        }
        for (const auto& [unit] : *passed) {
            view.passed.insert(unit);
        }
        orders_.push_back(std::move(view));
    }
    auto builds = tx.all<std::string, std::int64_t, std::string>(
        "SELECT profile, sum(builds), (SELECT key FROM image b WHERE b.profile = a.profile ORDER "
        "BY id DESC LIMIT 1)"
        " FROM image a GROUP BY profile");
    if (!builds) {
        return tl::unexpected<base::Error>(builds.error());
    }
    for (const auto& [profile, count, key] : *builds) {
        images_[profile] = ImageView{key, "known", count, ""};
    }
    return {};
}

const core::Profile* Engine::profile_of(const std::string& id) const {
    const auto& profiles = context_.config.profiles;
    const auto found = std::find_if(profiles.begin(), profiles.end(),
                                    [&](const core::Profile& profile) { return profile.id == id; });
    return found == profiles.end() ? nullptr : &*found;
}

// What the order was opened with against what the configuration says today.
base::Status Engine::compare_terms(OrderView& view, const std::string& profile,
                                   const std::string& recipe) {
    constexpr std::string_view kRemedy =
        "put it back in station.toml, or close the order and open another";
    if (view.profile == nullptr) {
        view.changed = base::make_error(
            "order.changed", fmt::format("Order {}: there is no profile {} any more: {}", view.name,
                                         profile, kRemedy));
        return {};
    }
    if (view.profile->model != view.model) {
        view.changed = base::make_error(
            "order.changed",
            fmt::format("Order {}: profile {} is of model {}, not {}: {}", view.name, profile,
                        view.profile->model, view.model, kRemedy));
        return {};
    }
    auto now = recipe.empty() ? base::Result<std::string>("") : recipe_terms(*view.profile);
    if (!now) {
        return tl::unexpected<base::Error>(now.error());
    }
    if (const std::string what = changed_terms(recipe, *now); !what.empty()) {
        view.changed = base::make_error(
            "order.changed", fmt::format("Order {}: its recipe is another one now ({}): {}",
                                         view.name, what, kRemedy));
    }
    return {};
}

const OrderView* Engine::order(base::OrderId id) {
    for (const OrderView& view : orders_) {
        if (view.id == id) {
            return &view;
        }
    }
    return nullptr;
}

std::string Engine::why_dry(const OrderView& order) const {
    const auto pool = pools_.find(order.pool);
    return pool == pools_.end() || pool->second.left == 0
               ? "Pool is empty"
               : fmt::format("No serial is left for order {}", order.name);
}

Surroundings::Choice Engine::order_for(const std::string& model) {
    Choice choice;
    const usb::Model* known = context_.models.by_id(model);
    const std::string name = known != nullptr ? known->name : model;
    choice.reason = fmt::format("No order is open for {}", name);
    if (stopping_) {
        choice.reason = "Station is stopping";
        return choice;
    }
    if (mapping_) {
        choice.hold = core::Hold::ports_mapped;
        choice.reason = "Ports are being mapped";
        return choice;
    }
    for (const OrderView& view : orders_) {
        if (view.paused && view.model == model) {
            choice.reason = fmt::format("Order {} is paused", view.name);
        }
        if (!view.open || view.model != model) {
            continue;
        }
        if (view.changed) {
            choice.reason = view.changed->message;
            continue;
        }
        const auto at_work = std::count_if(
            slots_.begin(), slots_.end(),
            [&](const SlotActor& slot) { return slot.live() && slot.order() == view.id; });
        if (view.made() + at_work >= view.quantity) {
            choice.reason = fmt::format("Order {} is complete", view.name);
            continue;
        }
        if (view.image_error) {
            choice.hold = core::Hold::image_building;
            choice.reason = view.image_error->message;
            continue;
        }
        if (!view.image_ready) {
            choice.hold = core::Hold::image_building;
            choice.reason = "Image is being prepared";
            continue;
        }
        if (!view.release || !view.release->may_start) {
            choice.hold = core::Hold::image_building;
            choice.reason = view.release ? view.release->why : "Image is being prepared";
            continue;
        }
        if (view.dry) {
            choice.hold = core::Hold::pool_empty;
            choice.reason = why_dry(view) + ": load a batch";
            continue;
        }
        choice.order = &view;
        return choice;
    }
    return choice;
}

void Engine::want_image(base::OrderId id) {
    const OrderView* view = order(id);
    if (view == nullptr || view->profile == nullptr) {
        return;
    }
    images_[view->profile->id].state = "building";
    const bool locked = !view->image_key.empty();
    images_keeper_.want(*view->profile, view->image_key,
                        [this, id, locked](base::Result<ReadyImage> ready) {
                            for (OrderView& order : orders_) {
                                if (order.id != id) {
                                    continue;
                                }
                                ImageView& image = images_[order.profile->id];
                                if (!ready) {
                                    order.image_error = ready.error();
                                    image.state = "broken";
                                    image.message = ready.error().message;
                                    raise_alarm("image " + order.profile->id, ready.error().code,
                                                ready.error().message, {});
                                    break;
                                }
                                clear_alarm("image " + order.profile->id);
                                order.image_key = ready->key;
                                order.image_digest = ready->digest;
                                order.in_force = ready->in_force;
                                image.key = ready->key;
                                image.state = "ready";
                                image.message.clear();
                                lock_image(id, ready->row, locked);
                                break;
                            }
                            station_changed();
                        });
}

void Engine::lock_image(base::OrderId id, base::ImageRow row, bool locked) {
    const OrderView* view = order(id);
    if (view == nullptr || view->profile == nullptr) {
        return;
    }
    const auto profile = view->profile->id;
    struct Locked {
        std::int64_t builds = 0;
        ImageRelease release;
    };
    context_.store.write<Locked>(
        [id, row, locked, profile,
         policy = context_.config.release](db::Tx& tx) -> base::Result<Locked> {
            if (!locked) {
                if (auto done = tx.run("UPDATE orders SET image_id = ?1 WHERE id = ?2", row, id);
                    !done) {
                    return tl::unexpected<base::Error>(done.error());
                }
            }
            auto builds =
                tx.one<std::int64_t>("SELECT sum(builds) FROM image WHERE profile = ?1", profile);
            if (!builds) {
                return tl::unexpected<base::Error>(builds.error());
            }
            auto release = image_release(tx, policy, row);
            if (!release) {
                return tl::unexpected<base::Error>(release.error());
            }
            return Locked{std::get<0>(builds->value()), std::move(*release)};
        },
        [this, alive = alive_, id, row, locked, profile](base::Result<Locked> done) {
            if (!*alive) {
                return;
            }
            if (!done) {  // tried until the disk takes it: the image is there and verified
                records_failing(done.error());
                auto again = std::make_shared<boost::asio::steady_timer>(
                    context_.loop, context_.patience.commit_again);  // several orders may wait
                again->async_wait(
                    [this, alive, again, id, row, locked](boost::system::error_code error) {
                        if (!error && *alive) {
                            lock_image(id, row, locked);
                        }
                    });
                return;
            }
            records_fine();
            images_[profile].builds = done->builds;
            for (OrderView& locked_order : orders_) {
                if (locked_order.id == id) {
                    locked_order.image_ready = true;
                    locked_order.release = done->release;
                }
            }
            try_all();
        });
}

void Engine::pool_changed() {
    const auto now = context_.clock.wall_ms();
    struct Seen {
        std::map<std::string, PoolView> pools;
        std::set<base::OrderId> dry;
        records::DaySoFar day;
    };
    context_.store.read<Seen>(
        [now](db::Tx& tx) -> base::Result<Seen> {
            auto pools = serial_pool::pool_status(tx, now);
            if (!pools) {
                return tl::unexpected<base::Error>(pools.error());
            }
            auto dry = serial_pool::orders_without_serials(tx);
            if (!dry) {
                return tl::unexpected<base::Error>(dry.error());
            }
            auto day = records::day_so_far(tx, records::local_midnight_ms(now), now);
            if (!day) {
                return tl::unexpected<base::Error>(day.error());
            }
            Seen seen{{}, std::move(*dry), *day};
            for (const auto& pool : *pools) {
                seen.pools[pool.name] =
                    PoolView{pool.counts.free, pool.counts.total, pool.warn_at, true};
            }
            return seen;
        },
        [this, alive = alive_](base::Result<Seen> seen) {
            if (!*alive || !seen) {
                return;
            }
            bool refilled = false;
            for (OrderView& order : orders_) {
                const bool dry = seen->dry.contains(order.id);
                refilled = refilled || (order.dry && !dry);
                order.dry = dry;
            }
            pools_ = std::move(seen->pools);
            day_ = seen->day;
            station_changed();
            if (refilled) {
                try_all();
            }
        });
}

void Engine::load_batch(BatchLoad load, Actor actor, Done done) {
    loads_.load(std::move(load), std::move(actor), std::move(done));
}

void Engine::change_pool(std::function<base::Result<Json>(db::Tx&)> work, Done done) {
    context_.store.write<Json>(
        std::move(work), [this, alive = alive_, done = std::move(done)](base::Result<Json> answer) {
            if (*alive && answer) {
                pool_changed();
            }
            done(std::move(answer));
        });
}

void Engine::end_batch(BatchEnding ending, Actor actor, Done done) {
    change_pool(
        [ending, actor, stamp = context_.stamp()](db::Tx& tx) -> base::Result<Json> {
            const serial_pool::BatchEnd end{ending.batch, actor.name, ending.reason, stamp.at_ms};
            auto account = ending.withdraw ? serial_pool::withdraw_batch(tx, end)
                                           : serial_pool::close_batch(tx, end);
            if (!account) {
                return tl::unexpected<base::Error>(account.error());
            }
            Json data = serial_pool::to_json(*account);
            data["reason"] = ending.reason;
            auto seq = journal::append(tx, stamp,
                                       {ending.withdraw ? "batch.withdrawn" : "batch.closed",
                                        "",
                                        {},
                                        {},
                                        actor.name,
                                        std::move(data)});
            return seq ? base::Result<Json>(serial_pool::to_json(*account))
                       : tl::unexpected<base::Error>(seq.error());
        },
        std::move(done));
}

void Engine::warn_pool_at(std::string pool, std::int64_t warn_at, Actor actor, Done done) {
    change_pool(
        [pool, warn_at, actor, stamp = context_.stamp()](db::Tx& tx) -> base::Result<Json> {
            if (auto set = serial_pool::set_warn_at(tx, pool, warn_at); !set) {
                return tl::unexpected<base::Error>(set.error());
            }
            const Json answer{{"pool", pool}, {"warn_at", warn_at}};
            auto seq = journal::append(tx, stamp, {"pool.warn_at", "", {}, {}, actor.name, answer});
            return seq ? base::Result<Json>(answer) : tl::unexpected<base::Error>(seq.error());
        },
        std::move(done));
}

}  // namespace lineside::engine
