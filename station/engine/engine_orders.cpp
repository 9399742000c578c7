// SPDX-License-Identifier: Apache-2.0
// Recovery, orders, pools and batches: the part of the engine that begins in the database.
#include "station/engine/engine.h"

#include "serial-pool/batch_end.h"
#include "serial-pool/pool_status.h"
#include "station/base/log.h"
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
    auto rows =
        tx.all<base::OrderId, std::string, std::string, std::string, std::string, std::int64_t, int,
               std::string, std::optional<std::string>, std::optional<std::string>>(
            "SELECT o.id, o.name, o.profile, o.model, p.name, p.id, o.quantity, o.state, i.key, "
            "i.digest"
            " FROM orders o JOIN pool p ON p.id = o.pool_id LEFT JOIN image i ON i.id = o.image_id"
            " WHERE o.state = 'open' OR EXISTS (SELECT 1 FROM job j WHERE j.order_id = o.id AND "
            "j.outcome IS NULL)"
            " ORDER BY o.id");
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    for (const auto& [id, name, profile, model, pool, pool_id, quantity, state, key, digest] :
         *rows) {
        OrderView view;
        view.id = id;
        view.name = name;
        view.model = model;
        view.pool = pool;
        view.pool_id = pool_id;
        view.quantity = quantity;
        view.open = state == "open";
        view.image_key = key.value_or("");
        view.image_digest = digest.value_or("");
        for (const core::Profile& candidate : context_.config.profiles) {
            if (candidate.id == profile) {
                view.profile = &candidate;
            }
        }
        if (view.profile == nullptr) {
            view.image_error = base::make_error(
                "config.invalid",
                fmt::format("Order {}: there is no profile {} in the configuration", name,
                            profile));
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
        if (!view.open || view.model != model) {
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
    context_.store.write<std::int64_t>(
        [id, row, locked, profile](db::Tx& tx) -> base::Result<std::int64_t> {
            if (!locked) {
                if (auto done = tx.run("UPDATE orders SET image_id = ?1 WHERE id = ?2", row, id);
                    !done) {
                    return done;
                }
            }
            auto builds =
                tx.one<std::int64_t>("SELECT sum(builds) FROM image WHERE profile = ?1", profile);
            if (!builds) {
                return tl::unexpected<base::Error>(builds.error());
            }
            return std::get<0>(builds->value());
        },
        [this, alive = alive_, id, row, locked, profile](base::Result<std::int64_t> builds) {
            if (!*alive) {
                return;
            }
            if (!builds) {  // tried until the disk takes it: the image is there and verified
                records_failing(builds.error());
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
            images_[profile].builds = *builds;
            for (OrderView& locked_order : orders_) {
                if (locked_order.id == id) {
                    locked_order.image_ready = true;
                }
            }
            try_all();
        });
}

void Engine::open_order(OrderOpening opening, Actor actor, Done done) {
    const core::Profile* profile = nullptr;
    for (const core::Profile& candidate : context_.config.profiles) {
        if (candidate.id == opening.profile) {
            profile = &candidate;
        }
    }
    if (profile == nullptr) {
        return done(base::fail("request.invalid", "There is no profile '" + opening.profile +
                                                      "' in the configuration"));
    }
    if (opening.quantity < 1 || opening.quantity > 1'000'000) {
        return done(
            base::fail("request.invalid", "quantity must be a whole number from 1 to 1000000"));
    }
    if (!serial_pool::is_pool_name(opening.name)) {
        return done(base::fail("request.invalid",
                               "name must be letters, digits, '.', '_' or '-', at most 64"));
    }
    const auto stamp = context_.stamp();
    const std::string model = profile->model;
    struct Opened {
        base::OrderId id;
        std::int64_t pool_id = 0;
    };
    context_.store.write<Opened>(
        [=](db::Tx& tx) -> base::Result<Opened> {
            auto pool = tx.one<std::int64_t>("SELECT id FROM pool WHERE name = ?1", opening.pool);
            if (!pool) {
                return tl::unexpected<base::Error>(pool.error());
            }
            if (!*pool) {
                return base::fail("pool.unknown", "There is no pool '" + opening.pool +
                                                      "'; load a batch into it first");
            }
            auto taken =
                tx.one<std::int64_t>("SELECT id FROM orders WHERE name = ?1", opening.name);
            if (!taken) {
                return tl::unexpected<base::Error>(taken.error());
            }
            if (*taken) {
                return base::fail("request.conflict",
                                  "There is an order '" + opening.name + "' already");
            }
            if (opening.close_others) {
                auto closed =
                    tx.run("UPDATE orders SET state = 'closed' WHERE model = ?1 AND state = 'open'",
                           model);
                if (!closed) {
                    return tl::unexpected<base::Error>(closed.error());
                }
            }
            Opened opened;
            opened.pool_id = std::get<0>(**pool);
            auto id = tx.insert(
                "INSERT INTO orders (name, profile, model, pool_id, quantity, state, opened_ms, "
                "opened_by, rotate_token, allow_no_chip)"
                " VALUES (?1, ?2, ?3, ?4, ?5, 'open', ?6, ?7, ?8, ?9)",
                opening.name, opening.profile, model, opened.pool_id, opening.quantity, stamp.at_ms,
                actor.name, opening.rotate_token, opening.allow_no_chip);
            if (!id) {
                return tl::unexpected<base::Error>(id.error());
            }
            opened.id = base::OrderId(*id);
            auto seq = journal::append(tx, stamp,
                                       {"order.opened",
                                        "",
                                        {},
                                        {},
                                        actor.name,
                                        {{"order", opening.name},
                                         {"profile", opening.profile},
                                         {"pool", opening.pool},
                                         {"quantity", opening.quantity},
                                         {"rotate_token", opening.rotate_token},
                                         {"allow_no_chip", opening.allow_no_chip}}});
            if (!seq) {
                return tl::unexpected<base::Error>(seq.error());
            }
            return opened;
        },
        [this, alive = alive_, opening, profile, done](base::Result<Opened> opened) {
            if (!opened) {
                return done(tl::unexpected<base::Error>(opened.error()));
            }
            if (!*alive) {
                return;
            }
            if (opening.close_others) {
                for (OrderView& other : orders_) {
                    other.open = other.open && other.model != profile->model;
                }
            }
            OrderView view;
            view.id = opened->id;
            view.name = opening.name;
            view.model = profile->model;
            view.profile = profile;
            view.pool = opening.pool;
            view.pool_id = opened->pool_id;
            view.quantity = opening.quantity;
            orders_.push_back(view);
            want_image(opened->id);
            pool_changed();
            try_all();
            done(Json{{"id", opened->id.value}, {"name", opening.name}});
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
