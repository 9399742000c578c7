// SPDX-License-Identifier: Apache-2.0
// What a person decides about units and serials, by name and with a reason; and what one slot finds
// out about another's unit.
#include "station/engine/engine.h"

#include "serial-pool/serial_pool.h"
#include "station/base/codes.h"
#include "station/engine/reason.h"

namespace lineside::engine {

using base::Json;

void Engine::rework(std::string slot, std::string reason, Actor actor, Done done) {
    SlotActor* found = find_slot(slot);
    if (found == nullptr) {
        return done(base::fail("request.unknown", "There is no slot " + slot));
    }
    if (auto good = good_reason(reason); !good) {
        return done(tl::unexpected<base::Error>(good.error()));
    }
    found->rework(reason, actor.name, done);
}

void Engine::to_recovery(std::string slot, Actor actor, Done done) {
    SlotActor* found = find_slot(slot);
    if (found == nullptr) {
        return done(base::fail("request.unknown", "There is no slot " + slot));
    }
    found->to_recovery(actor.name, done);
}

void Engine::cycle_power(std::string slot, Actor actor, Done done) {
    SlotActor* found = find_slot(slot);
    if (found == nullptr) {
        return done(base::fail("request.unknown", "There is no slot " + slot));
    }
    found->cycle_power_for(actor.name, done);
}

void Engine::void_serial(std::string serial, std::string reason, Actor actor, Done done) {
    if (auto good = good_reason(reason); !good) {
        return done(tl::unexpected<base::Error>(good.error()));
    }
    const auto stamp = context_.stamp();
    context_.store.write<Json>(
        [stamp, serial, reason, who = actor.name](db::Tx& tx) -> base::Result<Json> {
            auto lease = serial_pool::lease_of_serial(tx, serial);
            if (!lease) {
                return tl::unexpected<base::Error>(lease.error());
            }
            if (!*lease) {
                return base::fail("request.unknown",
                                  fmt::format("No unit has or had serial {}", serial));
            }
            serial_pool::Move move;
            move.epoch = stamp.epoch;
            move.at_ms = stamp.at_ms;
            move.reason = reason;
            move.by_user = who;
            if (auto voided = serial_pool::void_lease(tx, (*lease)->id, move); !voided) {
                return tl::unexpected<base::Error>(voided.error());
            }
            auto told = journal::lease_moved(tx, stamp, (*lease)->id, "", who);
            if (!told) {
                return tl::unexpected<base::Error>(told.error());
            }
            return Json{{"serial", (*lease)->value}, {"state", "voided"}, {"seq", *told}};
        },
        [this, alive = alive_, done](base::Result<Json> voided) {
            if (*alive && voided) {
                pool_changed();
            }
            done(std::move(voided));
        });
}

void Engine::end_job(base::JobId job, const base::Error& why) {
    for (SlotActor& each : slots_) {
        if (each.live() && each.job_id() == job) {
            each.fail_job(why);
        }
    }
}

std::string Engine::empty_slot_of(base::JobId job) const {
    for (const SlotActor& each : slots_) {
        if (each.waits_for_its_unit() && each.job_id() == job) {
            return each.slot();
        }
    }
    return {};
}

LabelDeskParts Engine::label_parts() {
    return {context_, [this](const std::string& slot) { return find_slot(slot); },
            [this](base::JobId job) -> SlotActor* {
                for (SlotActor& each : slots_) {
                    if (each.job_id() == job) {
                        return &each;
                    }
                }
                return nullptr;
            },
            [this](bool failing) {
                if (failing) {
                    raise_alarm("labels", "label.failed",
                                std::string(base::code_entry("label.failed").sentence), {});
                } else {
                    clear_alarm("labels");
                }
            },
            context_.patience.print_again};
}

void Engine::label_asked(const labels::LabelRow& label) {
    labels_->asked(label);
}

}  // namespace lineside::engine
