// SPDX-License-Identifier: Apache-2.0
// What a manager decides about orders and images: opening, pausing, resuming and closing an order;
// releasing an image and withdrawing it.
#include "station/base/text.h"
#include "station/engine/engine.h"
#include "station/engine/order_desk.h"
#include "station/engine/order_terms.h"

namespace lineside::engine {

using base::Json;

namespace {
constexpr const char* kNoPool = "no-serials";  // of orders whose units get none
}  // namespace

void Engine::open_order(OrderOpening opening, Actor actor, Done done) {
    const core::Profile* profile = profile_of(opening.profile);
    const bool serials = profile == nullptr || profile->serials;
    if (!serials && opening.pool.empty()) {
        opening.pool = kNoPool;
    }
    if (profile != nullptr && profile->disk) {
        opening.allow_no_chip = true;  // a disk has none
    }
    if (auto good = check_opening(opening, profile != nullptr); !good) {
        return done(tl::unexpected<base::Error>(good.error()));
    }
    auto recipe = recipe_terms(*profile);
    if (!recipe) {
        return done(tl::unexpected<base::Error>(recipe.error()));
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
            if (!*pool && !serials) {  // every order names one, this one takes nothing from it
                auto made = tx.one<std::int64_t>("INSERT INTO pool (name) VALUES (?1) RETURNING id",
                                                 opening.pool);
                if (!made) {
                    return tl::unexpected<base::Error>(made.error());
                }
                pool = std::move(made);
            }
            if (!*pool) {
                return base::fail("pool.unknown", "pool: there is no pool '" + opening.pool +
                                                      "'; load a batch into it first");
            }
            auto taken =
                tx.one<std::int64_t>("SELECT id FROM orders WHERE name = ?1", opening.name);
            if (!taken) {
                return tl::unexpected<base::Error>(taken.error());
            }
            if (*taken) {
                return base::fail("request.conflict", "name: there is an order '" + opening.name +
                                                          "' already; take another name");
            }
            if (opening.close_others) {
                auto closed = close_others(tx, stamp, opening, model, actor.name);
                if (!closed) {
                    return tl::unexpected<base::Error>(closed.error());
                }
            }
            Opened opened;
            opened.pool_id = std::get<0>(**pool);
            auto id = tx.insert(
                "INSERT INTO orders (name, profile, model, pool_id, quantity, state, opened_ms, "
                "opened_by, rotate_token, allow_no_chip, recipe, takes_serials)"
                " VALUES (?1, ?2, ?3, ?4, ?5, 'open', ?6, ?7, ?8, ?9, ?10, ?11)",
                opening.name, opening.profile, model, opened.pool_id, opening.quantity, stamp.at_ms,
                actor.name, opening.rotate_token, opening.allow_no_chip, *recipe, serials);
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
                                         {"recipe_sha256", base::sha256_hex(*recipe)},
                                         {"rotate_token", opening.rotate_token},
                                         {"allow_no_chip", opening.allow_no_chip},
                                         {"takes_serials", serials}}});
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
                    other.paused = other.paused && other.model != profile->model;
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

void Engine::change_order(OrderChange change, Actor actor, Done done) {
    context_.store.write<OrderChanged>(
        [change, stamp = context_.stamp(), who = actor.name](db::Tx& tx) {
            return commit_order_change(tx, stamp, change, who);
        },
        [this, alive = alive_, done](base::Result<OrderChanged> changed) {
            if (!changed) {
                return done(tl::unexpected<base::Error>(changed.error()));
            }
            if (*alive) {
                for (OrderView& view : orders_) {
                    if (view.id == changed->id) {
                        view.open = changed->state == "open";
                        view.paused = changed->state == "paused";
                    }
                }
                station_changed();
                try_all();
            }
            done(changed->answer);
        });
}

void Engine::say_of_image(ImageSaying saying, Actor actor, Done done) {
    context_.store.write<ImageSaid>(
        [saying, stamp = context_.stamp(), who = actor.name, policy = context_.config.release](
            db::Tx& tx) { return commit_image_saying(tx, stamp, policy, saying, who); },
        [this, alive = alive_, done](base::Result<ImageSaid> said) {
            if (!said) {
                return done(tl::unexpected<base::Error>(said.error()));
            }
            if (*alive) {
                for (OrderView& view : orders_) {
                    if (view.image_ready && view.image_key == said->key) {
                        view.release = said->release;
                    }
                }
                station_changed();
                try_all();
            }
            done(said->answer);
        });
}

config::ReleasePolicy Engine::release_policy() const {
    return context_.config.release;
}

const records::Shifts& Engine::shifts() const {
    return context_.config.shifts;
}

Json Engine::profiles() const {
    Json profiles = Json::array();
    for (const core::Profile& profile : context_.config.profiles) {
        const usb::Model* model = context_.models.by_id(profile.model);
        profiles.push_back({{"id", profile.id},
                            {"name", profile.name},
                            {"model", model != nullptr ? model->name : profile.model},
                            {"serials", profile.serials}});
    }
    return profiles;
}

}  // namespace lineside::engine
