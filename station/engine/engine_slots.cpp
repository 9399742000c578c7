// SPDX-License-Identifier: Apache-2.0
// What a technician decides about slots.
#include "station/engine/engine.h"
#include "station/engine/reason.h"
#include "station/journal/slots.h"

#include <algorithm>
#include <set>

namespace lineside::engine {

using base::Json;

namespace {

constexpr int kLastPlace = 63;
constexpr std::size_t kLongestUrl = 200;
constexpr std::int64_t kTrainingShownMs = 60'000;
constexpr std::size_t kLongestHub = 96;  // 24 characters of any script

}  // namespace

void Engine::close_slot(std::string slot, std::string reason, Actor actor, Done done) {
    change_closing(
        std::move(slot), std::move(reason), std::move(done),
        [who = std::move(actor.name)](db::Tx& tx, const journal::Stamp& stamp,
                                      const std::string& name, const std::string& why) {
            auto closed = journal::close_slot(tx, stamp, name, {}, who, why, Json::object());
            return closed ? base::Result<std::optional<journal::Closing>>(std::move(*closed))
                          : tl::unexpected<base::Error>(closed.error());
        });
}

void Engine::reopen_slot(std::string slot, std::string reason, Actor actor, Done done) {
    change_closing(std::move(slot), std::move(reason), std::move(done),
                   [who = std::move(actor.name)](
                       db::Tx& tx, const journal::Stamp& stamp, const std::string& name,
                       const std::string& why) -> base::Result<std::optional<journal::Closing>> {
                       auto opened = journal::reopen_slot(tx, stamp, name, who, why);
                       if (!opened) {
                           return tl::unexpected<base::Error>(opened.error());
                       }
                       return std::optional<journal::Closing>();
                   });
}

void Engine::change_closing(
    std::string slot, std::string reason, Done done,
    std::function<base::Result<std::optional<journal::Closing>>(
        db::Tx&, const journal::Stamp&, const std::string&, const std::string&)>
        change) {
    SlotActor* found = find_slot(slot);
    if (found == nullptr || !found->mapped()) {
        return done(base::fail("request.unknown", "There is no slot " + slot));
    }
    if (auto good = good_reason(reason); !good) {
        return done(tl::unexpected<base::Error>(good.error()));
    }
    context_.store.write<std::optional<journal::Closing>>(
        [stamp = context_.stamp(), slot, reason, change = std::move(change)](db::Tx& tx) {
            return change(tx, stamp, slot, reason);
        },
        [this, alive = alive_, slot,
         done = std::move(done)](base::Result<std::optional<journal::Closing>> changed) {
            if (!*alive || !changed) {
                return done(changed ? base::fail("station.stopping")
                                    : tl::unexpected<base::Error>(changed.error()));
            }
            if (SlotActor* actor = find_slot(slot)) {
                actor->set_closing(*changed);
                actor->publish(std::nullopt);
                actor->try_start();
            }
            done(Json{{"slot", slot}, {"closed", changed->has_value()}});
        });
}

base::Status Engine::good_places(const std::vector<journal::Place>& places) const {
    std::set<std::string> slots;
    std::set<std::pair<int, int>> taken;
    for (const journal::Place& each : places) {
        const bool known = std::any_of(slots_.begin(), slots_.end(), [&](const SlotActor& slot) {
            return slot.mapped() && slot.slot() == each.slot;
        });
        std::string wrong;
        if (!known) {
            wrong = fmt::format("there is no slot {}", each.slot);
        } else if (!slots.insert(each.slot).second) {
            wrong = fmt::format("slot {} is there twice", each.slot);
        } else if (each.line < 0 || each.line > kLastPlace || each.place < 0 ||
                   each.place > kLastPlace) {
            wrong = fmt::format("slot {}: line and place go from 0 to {}", each.slot, kLastPlace);
        } else if (!taken.emplace(each.line, each.place).second) {
            wrong = fmt::format("slot {}: another slot has its place", each.slot);
        } else if (each.hub.size() > kLongestHub ||
                   std::any_of(each.hub.begin(), each.hub.end(),
                               [](unsigned char c) { return c < ' ' || c == 0x7f; })) {
            wrong = fmt::format("slot {}: the hub's name is one line of at most {} bytes",
                                each.slot, kLongestHub);
        }
        if (!wrong.empty()) {
            return base::fail("request.invalid", "places: " + wrong);
        }
    }
    return {};
}

void Engine::place_slots(std::vector<journal::Place> places, Actor actor, Done done) {
    if (auto good = good_places(places); !good) {
        return done(tl::unexpected<base::Error>(good.error()));
    }
    context_.store.write<std::int64_t>(
        [stamp = context_.stamp(), places, who = std::move(actor.name)](db::Tx& tx) {
            return journal::put_places(tx, stamp, places, who);
        },
        [this, alive = alive_, places, done = std::move(done)](base::Result<std::int64_t> seq) {
            if (!*alive || !seq) {
                return done(seq ? base::fail("station.stopping")
                                : tl::unexpected<base::Error>(seq.error()));
            }
            places_ = places;
            show_anew(*seq);
            done(Json{{"places", places.size()}, {"seq", *seq}});
        });
}

base::Status Engine::load_slots(db::Tx& tx) {
    auto placed = journal::places(tx);
    if (!placed) {
        return tl::unexpected<base::Error>(placed.error());
    }
    places_ = std::move(*placed);
    if (auto known = context_.paces.load(tx); !known) {
        return known;
    }
    if (auto known = context_.wires.load(tx); !known) {
        return known;
    }
    auto mapped = journal::ports(tx);
    if (!mapped) {
        return tl::unexpected<base::Error>(mapped.error());
    }
    ports_ = std::move(*mapped);
    build_slots();
    auto closed = journal::closed_slots(tx);
    if (!closed) {
        return tl::unexpected<base::Error>(closed.error());
    }
    for (const journal::Closing& each : *closed) {
        if (SlotActor* slot = find_slot(each.slot)) {
            slot->set_closing(each);
        }
    }
    return {};
}

void Engine::show_training(std::string url, Done done) {
    const bool page = url.starts_with("http://") || url.starts_with("https://");
    if (!url.empty() && (!page || url.size() > kLongestUrl ||
                         std::any_of(url.begin(), url.end(), [](unsigned char c) {
                             return c <= ' ' || c >= 0x7f || c == '"' || c == '<';
                         }))) {
        return done(base::fail(
            "request.invalid",
            fmt::format("url: http:// or https://, at most {} characters", kLongestUrl)));
    }
    training_ = std::move(url);
    training_until_ms_ = context_.clock.wall_ms() + kTrainingShownMs;
    station_changed();
    done(Json{{"training", training_.empty() ? Json(nullptr) : Json(training_)}});
}

}  // namespace lineside::engine
