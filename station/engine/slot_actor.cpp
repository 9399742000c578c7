// SPDX-License-Identifier: Apache-2.0
#include "station/engine/slot_actor.h"

#include "station/base/codes.h"
#include "station/base/log.h"
#include "station/engine/label_desk.h"
#include "station/engine/slot_run.h"

#include <utility>

namespace lineside::engine {

using base::Json;
using core::JobState;

SlotActor::SlotActor(Context& context, std::string slot, std::string port, bool mapped, bool skip)
    : context_(context),
      slot_(std::move(slot)),
      port_(std::move(port)),
      mapped_(mapped),
      skip_(skip),
      since_ms_(context.clock.wall_ms()),
      boot_timer_(context.loop),
      replug_timer_(context.loop),
      announce_timer_(context.loop),
      again_timer_(context.loop) {
    const auto chain = port_.rfind(':');
    const auto dot = port_.find('.', chain == std::string::npos ? 0 : chain);
    root_port_ = port_.substr(0, dot);
    find_power();
}

SlotActor::~SlotActor() {
    *alive_ = false;
}

bool SlotActor::clear() const {
    return idle() && !deciding_ && !power_asked_ && !power_busy() &&
           !(verdict_ && !run_->acknowledged);
}

base::OrderId SlotActor::order() const {
    return run_ ? run_->order : base::OrderId{};
}

base::JobId SlotActor::job_id() const {
    return run_ ? run_->job : base::JobId{};
}

base::UnitId SlotActor::unit() const {
    return run_ ? run_->unit : base::UnitId{};
}

// ---------------------------------------------------------------- the bus

void SlotActor::device_arrived(const usb::Device& device, bool at_start) {
    if (!at_start && !device_ && !returning() && !sender_) {
        left_since_verdict_ =
            true;  // the port was empty, so a verdict from before a restart is another unit's
    }
    returning_until_mono_ns_ = 0;
    device_ = device;
    model_ = context_.models.in_recovery(device.vendor, device.product);
    never_ = context_.models.never_a_target(device.vendor, device.product);
    gadget_ = context_.models.is_gadget(device.vendor, device.product);
    since_ms_ = context_.clock.wall_ms();
    fresh_ = !at_start;
    tell_port();
    close_if_flapping();
    if (live()) {
        const std::string id = fmt::format("{:04x}:{:04x}", device.vendor, device.product);
        const bool awaited = window_open() && run_->window->replug.contains(id);
        if (awaited && !gadget_) {
            run_->window.reset();
            deliver(core::UnitBack{});
        } else if (model_ != nullptr && job_.state == JobState::flashing && window_open()) {
            run_->back_in_recovery =
                true;  // the booted unit was announced; judged when its worker has ended
        } else if (model_ != nullptr && !(job_.state == JobState::interrupted && job_.flash_again &&
                                          run_->touched && at_start)) {
            // A unit whose flashing was cut short holds a used-up boot ROM session: it counts only
            // after it entered recovery mode anew.
            run_->gadget_seen = false;
            if (by_hand() && job_.power == core::PowerCycle::switching && job_.power_left) {
                deliver(core::PowerCycled{});  // nobody has to press for what is seen
            }
            deliver(core::InRecovery{});
        } else if (gadget_) {
            run_->gadget_seen = true;
            gadget_maybe_ready();
        }
        publish(std::nullopt);
        return;
    }
    try_start();
    publish(std::nullopt);
}

void SlotActor::device_left() {
    const bool expected = live() && (job_.state == JobState::awaiting_boot || window_open() ||
                                     job_.state == JobState::interrupted);
    count_leave(expected);
    device_.reset();
    used_to_map_ = false;
    nets_.clear();
    disks_.clear();
    disk_.reset();
    model_ = nullptr;
    never_ = nullptr;
    gadget_ = false;
    if (sender_) {
        sent_away_ = true;
    } else {
        left_since_verdict_ = left_since_verdict_ || !returning();
    }
    hold_ = core::Hold::none;
    since_ms_ = context_.clock.wall_ms();
    tell_port();
    if (live()) {
        if (!expected && run_->worker && !works_on_disk()) {
            await_announcement();
        } else {
            deliver(core::UnitLeft{expected});
        }
    } else if (run_ && verdict_ && run_->acknowledged) {
        clear_verdict();
    }
    publish(std::nullopt);
}

void SlotActor::await_announcement() {
    // The kernel tells of a leave at once, the worker's announcement has to come through the tool's
    // output and two pipes first; on a busy host it may be the later of the two.
    if (!std::exchange(run_->unannounced, true)) {
        run_->unannounced_mono_ns = context_.clock.mono_ns();
    }
    announce_timer_.expires_after(context_.patience.announcement);
    announce_timer_.async_wait([this, alive = alive_](boost::system::error_code error) {
        if (!error && *alive && run_ && std::exchange(run_->unannounced, false)) {
            close_if_flapping();
            deliver(core::UnitLeft{false});
        }
    });
}

void SlotActor::announced() {
    if (std::exchange(run_->unannounced, false)) {
        announce_timer_.cancel();
        leaves_.explained(run_->unannounced_mono_ns);
        deliver(core::UnitLeft{true});
        if (device_ && model_ != nullptr && job_.state == JobState::flashing &&
            !run_->window->replug.contains(
                fmt::format("{:04x}:{:04x}", device_->vendor, device_->product))) {
            run_->back_in_recovery = true;
        } else if (device_ && !gadget_) {
            deliver(core::UnitBack{});
        }
        gadget_maybe_ready();
    }
}

void SlotActor::net_arrived(const usb::NetInterface& net) {
    nets_[net.name] = net;
    tell_port();
    if (live()) {
        gadget_maybe_ready();
    }
}

void SlotActor::net_left(const std::string& name) {
    if (nets_.erase(name) > 0) {
        tell_port();
    }
}

bool SlotActor::gadget_here() const {
    return device_ && gadget_ && !nets_.empty();
}

void SlotActor::gadget_maybe_ready() {
    if (!gadget_here()) {
        return;
    }
    const bool resumes =
        job_.state == JobState::interrupted && run_->resume_by_itself && image_ready();
    if (job_.state == JobState::awaiting_boot || resumes) {
        deliver(core::GadgetReady{});
    } else if (job_.away) {
        run_->window.reset();
        deliver(core::UnitBack{});
    }
}

bool SlotActor::image_ready() const {
    const OrderView* order = context_.engine.order(run_->order);
    return order != nullptr && order->image_ready;
}

bool SlotActor::window_open() const {
    return run_ && run_->window && context_.clock.mono_ns() < run_->window->until_mono_ns;
}

// ---------------------------------------------------------------- starting

void SlotActor::try_start() {
    if (live()) {  // an interrupted job may have waited for its image to be verified
        if (run_->prepare_waits) {
            prepare();
        } else if (job_.state == JobState::interrupted) {
            gadget_maybe_ready();
        }
        return;
    }
    const bool too_many = shows_cards() && media() > 1;
    if (deciding_ || closing_itself_ || !mapped_ || !device_ ||
        (model_ == nullptr && never_ == nullptr && !too_many)) {
        return;
    }
    const auto hold = [this](core::Hold why, std::string reason) {
        if (hold_ != why || hold_reason_ != reason) {
            hold_ = why;
            hold_reason_ = std::move(reason);
            publish(std::nullopt);
        }
    };
    if (skip_) {
        return hold(core::Hold::never_a_target, "Port not enabled");
    }
    if (never_ != nullptr) {
        return hold(core::Hold::never_a_target, never_->why);
    }
    if (too_many) {
        return hold(core::Hold::never_a_target, "Several disks at this port: leave one");
    }
    if (used_to_map_) {
        return hold(core::Hold::ports_mapped, "Unplug it: it was used to map the ports");
    }
    if (verdict_) {
        if (!left_since_verdict_) {
            return hold(core::Hold::spent, "This unit was judged here");
        }
        if (!run_->acknowledged && run_->verdict.outcome != core::Outcome::pass) {
            return hold(core::Hold::acknowledge_first,
                        fmt::format("Slot {}: acknowledge the failed unit first", slot_));
        }
        if (label_first() && run_->label != core::LabelWait::none) {
            return hold(core::Hold::acknowledge_first,
                        fmt::format("Slot {}: scan the label first", slot_));
        }
        const auto shown = context_.clock.wall_ms() - run_->ended_ms;
        const auto least = context_.config.pass_stays.count();
        if (!run_->acknowledged &&
            shown < least) {  // a PASS is seen before the next unit takes its place
            return try_start_after(std::chrono::milliseconds(least - shown));
        }
        if (label_first()) {  // asks for it, and goes on where the product gets none
            return next_unit_waits();
        }
    }
    auto choice = context_.engine.order_for(model_->id);
    if (closing_) {
        choice = {nullptr, core::Hold::slot_closed, closing_->reason};
    }
    if (choice.order == nullptr) {
        hold(choice.hold, choice.reason);
        if (verdict_) {  // a PASS over a unit that was never flashed would send it out of the door
            next_unit_waits();
        }
        return;
    }
    hold_ = core::Hold::none;
    open_job(*choice.order, std::nullopt, "", [](const base::Status&) {});
}

void SlotActor::try_start_after(std::chrono::milliseconds wait) {
    again_timer_.expires_after(wait);
    again_timer_.async_wait([this, alive = alive_](boost::system::error_code error) {
        if (!error && *alive) {
            try_start();
        }
    });
}

void SlotActor::open_job(const OrderView& order, std::optional<base::UnitId> unit,
                         const std::string& actor, Opened done) {
    deciding_ = true;
    journal::JobOpening opening;
    opening.slot = slot_;
    opening.port = port_;
    opening.model = order.model;
    opening.order = order.id;
    opening.image_key = order.image_key;
    opening.in_force = order.in_force;
    opening.actor = actor;
    opening.unit = unit;
    const std::optional<base::JobId> judged =
        verdict_ && !run_->acknowledged ? std::optional(run_->job) : std::nullopt;
    const auto stamp = context_.stamp();
    const auto order_id = order.id;
    const auto asked = std::make_shared<std::optional<labels::LabelRow>>();
    context_.store.write<journal::OpenedJob>(
        [opening, stamp, judged, asked, label = labelled(), drawing = context_.drawing,
         policy = context_.config.release](db::Tx& tx) mutable -> base::Result<journal::OpenedJob> {
            auto release = may_start(tx, policy, opening.order);
            if (!release) {  // withdrawn, paused or closed since the order was chosen
                return tl::unexpected<base::Error>(release.error());
            }
            opening.image_release = release->how;
            opening.image_released_by = release->by;
            opening.image_release_reason = release->reason.value_or("");
            if (judged) {  // the next unit acknowledges a PASS, who tries again whatever it was
                const std::string by = opening.actor.empty() ? "next unit" : opening.actor;
                if (auto acknowledged = journal::acknowledge(tx, stamp, *judged, opening.slot, by);
                    !acknowledged) {
                    return tl::unexpected<base::Error>(acknowledged.error());
                }
                if (label) {
                    auto row = ask_in(tx, stamp, *judged, *drawing, by);
                    if (!row) {
                        return tl::unexpected<base::Error>(row.error());
                    }
                    *asked = *row;
                }
            }
            return journal::open_job(tx, stamp, opening);
        },
        [this, alive = alive_, order_id, asked,
         done = std::move(done)](base::Result<journal::OpenedJob> opened) {
            if (!*alive) {
                return;
            }
            deciding_ = false;
            const OrderView* view = context_.engine.order(order_id);
            if (!opened || view == nullptr) {
                const base::Error error = opened ? base::make_error("order.none") : opened.error();
                if (error.code != "order.not_open" && error.code != "image.not_released") {
                    context_.engine.records_failing(error);
                }
                // Nothing was begun. A unit that still waits then is looked at again.
                try_start_after(context_.patience.commit_again);
                return done(tl::unexpected<base::Error>(error));
            }
            context_.engine.records_fine();
            context_.engine.slot_looked_at(*this);
            if (*asked) {
                context_.engine.label_asked(**asked);
            }
            run_ = std::make_unique<Run>();
            run_->job = opened->job;
            run_->unit = opened->unit;
            run_->attempt = opened->attempt;
            run_->order = order_id;
            run_->profile = view->profile;
            run_->image_key = view->image_key;
            run_->image_digest = view->image_digest;
            run_->started_ms = context_.clock.wall_ms();
            verdict_ = false;
            job_ = core::Job{};
            job_.last_step = static_cast<int>(run_->profile->steps.size()) - 1;
            mailbox_.clear();
            publish(opened->seq);
            if (!unit_here()) {
                deliver(core::UnitLeft{false});
            }
            context_.engine.queue_changed();
            done({});
        });
}

void SlotActor::admitted() {
    position_.reset();
    waits_for_.reset();
    deliver(core::Admitted{});
}

void SlotActor::set_position(std::optional<int> position, std::optional<core::Full> why) {
    if (position_ != position || waits_for_ != why) {
        position_ = position;
        waits_for_ = why;
        publish(std::nullopt);
    }
}

void SlotActor::restore(const journal::InterruptedJob& job) {
    const OrderView* order = context_.engine.order(job.order);
    run_ = std::make_unique<Run>();
    run_->job = job.job;
    run_->unit = job.unit;
    run_->attempt = job.attempt;
    run_->order = job.order;
    run_->image_key = job.image_key;
    run_->started_ms = since_ms_;
    verdict_ = false;
    job_ = core::Job{};
    job_.state = JobState::interrupted;
    const bool once_more = order != nullptr && order->profile != nullptr && order->profile->disk &&
                           !order->profile->serials;  // a disk is written again: it got no serial
    const bool flashed = job.flashed && !once_more;
    job_.flash_again = !flashed;
    if (order == nullptr || order->profile == nullptr || order->changed) {
        run_->resume_by_itself = false;  // its steps are not known any more: a person decides
        return;
    }
    run_->profile = order->profile;
    run_->image_digest = order->image_digest;
    const auto& steps = run_->profile->steps;
    job_.last_step = static_cast<int>(steps.size()) - 1;
    run_->touched = job.step_attempt > 0 || job.flashed;
    const auto next = static_cast<std::size_t>(job.step);
    run_->resume_by_itself =
        next >= steps.size() || steps[next].on_interrupt != core::OnInterrupt::hold;
    // The unit has to prove again that it is the unit of this port, so a resumed job begins behind
    // the flash.
    job_.step = flashed ? std::min(1, job_.last_step) : 0;
    job_.resume_at = flashed ? job.step : 0;
    for (std::size_t i = 0; i < std::min(next, steps.size()); ++i) {
        run_->image_tick = run_->image_tick || steps[i].name == "prove-image";
    }
}

void SlotActor::restore(const journal::OpenVerdict& verdict) {
    run_ = std::make_unique<Run>();
    run_->job = verdict.job;
    run_->unit = verdict.unit;
    run_->attempt = verdict.attempt;
    run_->verdict.outcome = verdict.outcome;
    if (verdict.outcome != core::Outcome::pass) {
        run_->verdict.error = base::make_error(verdict.code, verdict.message);
    }
    run_->serial = verdict.serial;
    run_->ended_ms = verdict.ended_ms;
    run_->image_tick = run_->saved_tick = verdict.outcome == core::Outcome::pass;
    run_->serial_tick = run_->saved_tick && !verdict.serial.empty();
    verdict_ = true;
    left_since_verdict_ = false;  // not known: it must be seen leaving, or a person acknowledges
    job_.state = JobState::closed;
}

// ---------------------------------------------------------------- what the wall shows

void SlotActor::publish(std::optional<std::int64_t> seq) {
    context_.engine.publish_tile(*this, seq);
}

core::SlotFacts SlotActor::facts() const {
    core::SlotFacts f;
    f.slot = slot_;
    f.port = port_;
    f.mapped = mapped_;
    f.present = unit_here();
    f.presence = !f.present ? core::Presence::empty
                            : (model_ != nullptr
                                   ? core::Presence::recovery
                                   : (gadget_ ? core::Presence::gadget : core::Presence::other));
    f.model = model_ != nullptr ? model_->name : "";
    f.hold = hold_;
    f.power_switch = power_ != nullptr;
    f.hold_reason = hold_reason_;
    f.position_in_line = position_;
    f.waits_for = waits_for_;
    if (closing_) {
        f.closed = true;
        f.closed_by_rule = closing_->by == journal::kByRule;
        f.closed_why = f.closed_by_rule ? closing_->reason : "by " + closing_->by;
    }
    f.since_ms = since_ms_;
    if (run_) {
        run_->describe(f, job_, verdict_);
        f.switch_by_hand = by_hand() && job_.power == core::PowerCycle::switching;
        f.time_left_s = run_->time_left_s(job_, context_.clock.mono_ns(), context_.paces);
        if (job_.state == JobState::interrupted) {
            f.interrupted_action = works_on_disk()    ? "Put the disk in again"
                                   : job_.flash_again ? "Switch off and on"
                                                      : "Check unit";
        }
    }
    return f;
}

}  // namespace lineside::engine
