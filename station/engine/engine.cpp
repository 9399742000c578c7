// SPDX-License-Identifier: Apache-2.0
#include "station/engine/engine.h"

#include "station/base/codes.h"
#include "station/base/log.h"

#include <boost/asio/post.hpp>

namespace lineside::engine {

using base::Json;

Engine::Engine(const EngineParts& parts)
    : context_(parts, *this),
      started_ms_(parts.clock.wall_ms()),
      stream_(parts.loop),
      images_keeper_(context_, [this] { station_changed(); }),
      loads_(context_,
             [this] {
                 pool_changed();
                 keeper_.backup_soon();
             }),
      keeper_(keeper_parts()),
      people_({parts.loop, parts.store, parts.clock, [this] { return context_.stamp(); },
               people::HashCost{}, parts.config.people.shift}),
      mapping_timer_(parts.loop),
      beat_timer_(parts.loop),
      station_timer_(parts.loop),
      sign_timer_(parts.loop),
      line_timer_(parts.loop) {
    build_slots();
    context_.drawing = drawing_of(context_);
    labels_ = std::make_unique<LabelDesk>(label_parts());
    if (!parts.config.file.empty()) {
        recipes_ = std::make_unique<RecipeDesk>(context_);
    }
}

Engine::~Engine() {
    *alive_ = false;
}

base::Status Engine::start() {
    if (auto done = recover(); !done) {
        return done;
    }
    if (auto keeping = keeper_.start(); !keeping) {
        return keeping;
    }
    if (auto known = people_.start(); !known) {
        return known;
    }
    if (auto printing = labels_->start(); !printing) {
        return printing;
    }
    for (const OrderView& order : orders_) {
        want_image(order.id);
    }
    pool_changed();
    scanning_ = true;
    auto watching = context_.bus.start(bus_events());
    scanning_ = false;
    if (watching) {
        for (SlotActor& slot : slots_) {
            slot.power_after_restart();
        }
        beat();
        sign_in_an_hour();
    }
    return watching;
}

// Who changes the journal later changes what this hour's signature says at most.
void Engine::sign_in_an_hour() {
    sign_timer_.expires_after(context_.patience.sign_every);
    sign_timer_.async_wait([this, alive = alive_](boost::system::error_code error) {
        if (error || !*alive || stopping_) {
            return;
        }
        const auto stamp = context_.stamp();
        context_.store.write<std::int64_t>(
            [stamp, signer = context_.signer](db::Tx& tx) {
                return signer->sign_head_if_moved(tx, stamp);
            },
            [this, alive](const base::Result<std::int64_t>& signed_row) {
                if (*alive && !signed_row) {
                    records_failing(signed_row.error());
                }
            });
        sign_in_an_hour();
    });
}

// ---------------------------------------------------------------- the bus

usb::MonitorEvents Engine::bus_events() {
    usb::MonitorEvents events;
    events.device_arrived = [this](const usb::Device& device) { device_arrived(device); };
    events.device_left = [this](const usb::PortPath& port, bool is_hub) {
        device_left(port, is_hub);
    };
    events.net_arrived = [this](const usb::NetInterface& net) {
        if (SlotActor* slot = find_port(net.port)) {
            slot->net_arrived(net);
        }
    };
    events.net_left = [this](const std::string& name, const usb::PortPath& port) {
        if (SlotActor* slot = find_port(port)) {
            slot->net_left(name);
        }
    };
    events.disk_arrived = [this](const usb::Disk& disk) {
        if (SlotActor* slot = find_port(disk.port)) {  // at any other port it is nobody's card
            slot->disk_arrived(disk, scanning_);
        }
    };
    events.disk_left = [this](const std::string& name, const usb::PortPath& port) {
        if (SlotActor* slot = find_port(port)) {
            slot->disk_left(name);
        }
    };
    events.over_current = [this](const usb::PortPath& port) {
        const SlotActor* slot = find_port(port);
        if (slot == nullptr || !slot->mapped()) {
            base::log_warning("port {} draws too much current", port.key);
            return;  // nobody's business, as what is plugged in there
        }
        raise_alarm("over-current " + port.key, "usb.over_current",
                    std::string(base::code_entry("usb.over_current").sentence), {slot->slot()});
    };
    return events;
}

void Engine::device_arrived(const usb::Device& device) {
    if (device.is_hub) {
        return;
    }
    SlotActor* slot = find_port(device.port);
    const bool ours = context_.models.in_recovery(device.vendor, device.product) != nullptr ||
                      context_.models.is_gadget(device.vendor, device.product);
    if (slot == nullptr) {
        if (!ours) {
            return;  // keyboards and the like are nobody's business
        }
        slots_.emplace_back(context_, device.port.key, device.port.key, false, false);
        slot = &slots_.back();
        by_port_[device.port.key] = slot;
    }
    if (context_.models.in_recovery(device.vendor, device.product) != nullptr) {
        const auto said = context_.bus.descriptors(device);
        if (!said || !said->vendor_bulk_pair) {
            base::log_warning("slot {}: {:04x}:{:04x} has not the endpoints of recovery mode",
                              slot->slot(), device.vendor, device.product);
        }
    }
    if (mapping_ && !slot->live()) {
        slot->hold_until_unplugged();
    }
    slot->device_arrived(device, scanning_);
}

SlotActor* Engine::find_port(const usb::PortPath& port) {
    if (port.key == port.half) {  // nothing in the host tells the other half; the mapping may
        if (const auto half = by_half_.find(port.half); half != by_half_.end()) {
            return half->second;
        }
    }
    const auto it = by_port_.find(port.key);
    return it == by_port_.end() ? nullptr : it->second;
}

SlotActor* Engine::find_slot(const std::string& slot) {
    for (SlotActor& actor : slots_) {
        if (actor.slot() == slot) {
            return &actor;
        }
    }
    return nullptr;
}

void Engine::drain_bus() {
    context_.bus.drain();
}

// ---------------------------------------------------------------- admission

void Engine::queue_changed() {
    if (admitting_) {
        return;
    }
    admitting_ = true;  // after the caller's own change is complete
    boost::asio::post(context_.loop, [this, alive = alive_] {
        if (*alive) {
            admitting_ = false;
            admit();
        }
    });
}

void Engine::admit() {
    std::erase_if(queue_, [](const SlotActor* slot) { return !slot->queued(); });
    for (SlotActor& slot : slots_) {
        if (slot.queued() && std::find(queue_.begin(), queue_.end(), &slot) == queue_.end()) {
            queue_.push_back(&slot);
        }
    }
    std::vector<core::Waiting> waiting;
    for (const SlotActor* slot : queue_) {
        const OrderView* view = order(slot->order());
        if (view != nullptr && view->image_ready && !stopping_) {
            waiting.push_back({slot->slot(), slot->root_port()});
        }
    }
    std::vector<std::string> busy;
    for (const SlotActor& slot : slots_) {
        if (slot.flashing()) {
            busy.push_back(slot.root_port());
        }
    }
    const std::int64_t now = context_.clock.mono_ns();
    const auto admission = core::admit(
        waiting, busy, context_.config.limits,
        [this](const std::string& wire, int most) {
            return context_.config.limits.learn ? context_.wires.limit(wire, most) : most;
        },
        [this, now](const std::string& wire) { return context_.wires.more(wire, now); });
    for (const std::string& name : admission.admitted) {
        if (SlotActor* slot = find_slot(name)) {
            context_.wires.let_in(slot->root_port(), now);
            slot->admitted();
        }
    }
    std::erase_if(queue_, [](const SlotActor* slot) { return !slot->queued(); });
    if (const auto rests = context_.wires.rests(now); rests && !admission.waits.empty()) {
        line_timer_.expires_after(*rests);
        line_timer_.async_wait([this, alive = alive_](boost::system::error_code error) {
            if (!error && *alive) {
                queue_changed();
            }
        });
    }
    int position = 0;
    for (SlotActor* slot : queue_) {
        const auto why = admission.waits.find(slot->slot());
        slot->set_position(
            ++position, why == admission.waits.end() ? std::nullopt : std::optional(why->second));
    }
    station_changed();
}

void Engine::try_all() {
    for (SlotActor& slot : slots_) {
        slot.try_start();
    }
    queue_changed();
}

void Engine::job_ended(SlotActor& slot, core::Outcome outcome, const std::string& code) {
    ++verdicts_[std::string(core::to_text(outcome))];
    base::log_info("slot {}: {} {}", slot.slot(), core::to_text(outcome), code);
    const base::OrderId id = slot.order();
    for (OrderView& view : orders_) {
        if (view.id == id && outcome == core::Outcome::pass) {
            view.passed.insert(slot.unit());
        }
    }
    if (outcome == core::Outcome::pass) {
        labels_->passed(slot.job_id());
    }
    pool_changed();
    station_changed();
}

void Engine::stop_all(std::function<void()> done) {
    // Nothing is judged because the service ends: workers die with the helper's connection, and the
    // next life takes every open job up as interrupted, which is the truth.
    stopping_ = true;
    const auto stamp = context_.stamp();
    context_.store.write<std::int64_t>(
        [stamp, signer = context_.signer](db::Tx& tx) {
            auto told =
                journal::append(tx, stamp, {"station.stopped", "", {}, {}, "", Json::object()});
            return told ? signer->sign_head(tx, stamp, "stop") : told;
        },
        [done = std::move(done)](const base::Result<std::int64_t>& /*written*/) { done(); });
}

// ---------------------------------------------------------------- trouble of the station itself

void Engine::records_failing(const base::Error& error) {
    base::log_error("{}: {}", error.code, error.message);
    raise_alarm("records", error.code, error.message, {});
}

void Engine::records_fine() {
    if (alarms_.contains("records")) {
        clear_alarm("records");
    }
}

void Engine::raise_alarm(const std::string& id, const std::string& code, std::string sentence,
                         std::vector<std::string> slots) {
    if (const auto it = alarms_.find(id);
        it != alarms_.end() && it->second.sentence == sentence && it->second.slots == slots) {
        return;
    }
    alarms_[id] = Alarm{id, code, std::move(sentence), std::move(slots), context_.clock.wall_ms()};
    station_changed();
}

void Engine::clear_alarm(const std::string& id) {
    if (alarms_.erase(id) > 0) {
        station_changed();
    }
}

// ---------------------------------------------------------------- people

void Engine::acknowledge(std::string slot, Actor actor, Done done) {
    SlotActor* found = find_slot(slot);
    if (found == nullptr) {
        return done(base::fail("request.unknown", "There is no slot " + slot));
    }
    found->acknowledge(actor.name, done);
}

void Engine::slot_looked_at(const SlotActor& slot) {
    for (auto alarm = alarms_.begin(); alarm != alarms_.end();) {
        auto& slots = alarm->second.slots;
        const bool last = std::erase(slots, slot.slot()) > 0 && slots.empty();
        alarm = last ? alarms_.erase(alarm) : std::next(alarm);
    }
    station_changed();
}

void Engine::acknowledge_passed(Actor actor, Done done) {
    auto acknowledged = std::make_shared<Json>(Json::array());
    auto left = std::make_shared<int>(1);
    const auto one_done = [acknowledged, left, done] {
        if (--*left == 0) {
            done(Json{{"acknowledged", *acknowledged}});
        }
    };
    for (SlotActor& slot : slots_) {
        const core::SlotFacts facts = slot.facts();
        if (facts.outcome == core::Outcome::pass && !facts.acknowledged && !facts.present) {
            ++*left;
            slot.acknowledge(actor.name, [acknowledged, one_done,
                                          name = slot.slot()](const base::Result<Json>& r) {
                if (r) {
                    acknowledged->push_back(name);
                }
                one_done();
            });
        }
    }
    one_done();
}

void Engine::retry(std::string slot, Actor actor, Done done) {
    SlotActor* found = find_slot(slot);
    if (found == nullptr) {
        return done(base::fail("request.unknown", "There is no slot " + slot));
    }
    found->retry(actor.name, done);
}

void Engine::stop(std::string slot, Actor actor, Done done) {
    SlotActor* found = find_slot(slot);
    if (found == nullptr) {
        return done(base::fail("request.unknown", "There is no slot " + slot));
    }
    if (!found->live()) {
        return done(
            base::fail("request.conflict", fmt::format("Slot {}: no job is running", slot)));
    }
    found->stop(base::make_error("operator.stopped"), actor.name);
    done(Json{{"slot", slot}, {"stopping", true}});
}

// ---------------------------------------------------------------- care

care::KeeperParts Engine::keeper_parts() {
    return {context_.loop,
            context_.store,
            context_.vault,
            context_.config.key_file,
            care::DataFolder(context_.config.data),
            context_.config.backups,
            context_.config.logs,
            context_.signer,
            [this] { return context_.stamp(); },
            [this](const std::string& what, const std::optional<base::Error>& error) {
                if (error) {
                    raise_alarm("care " + what, error->code, error->message, {});
                } else {
                    clear_alarm("care " + what);
                }
            }};
}

void Engine::backup(Actor actor, Done done) {
    keeper_.backup(std::move(actor.name), std::move(done));
}

void Engine::rotate_key(Actor actor, Done done) {
    keeper_.rotate_key(std::move(actor.name), std::move(done));
}

void Engine::key_status(Done done) {
    keeper_.key_status(std::move(done));
}

std::filesystem::path Engine::backup_folder() const {
    return care::DataFolder(context_.config.data).backups();
}

void Engine::read(std::function<base::Result<Json>(db::Tx&)> work, Done done) {
    context_.store.read<Json>(std::move(work), std::move(done));
}

std::shared_ptr<const audit::Signer> Engine::signer() const {
    return context_.signer;
}

std::string Engine::log_folder(std::int64_t job) const {
    return context_.job_folder(base::JobId(job)).string();
}

std::filesystem::path Engine::spool_folder() const {
    return context_.config.data;
}

}  // namespace lineside::engine
