// SPDX-License-Identifier: Apache-2.0
// The worker half of SlotActor: what a worker reports, asks for and proves. Whatever is asked is
// committed first and answered afterwards.
#include "station/engine/slot_run.h"

#include "station/base/crash_point.h"
#include "station/base/log.h"
#include "station/engine/job_commits.h"

namespace lineside::engine {

using base::Json;

namespace {

constexpr std::int64_t kTellEveryNs =
    200'000'000;  // progress to the pages, at most five times a second

// The step in whose time an ask is allowed; everything else is refused.
bool may_ask_identity(const core::StepPlan& plan) {
    return plan.name == "set-serial";
}

}  // namespace

template <typename T>
void SlotActor::write_for_worker(std::function<base::Result<T>(db::Tx&)> work,
                                 std::function<void(base::Result<T>)> done) {
    ++run_->pending;
    context_.store.write<T>(std::move(work), [this, alive = alive_, job = run_->job,
                                              done = std::move(done)](base::Result<T> result) {
        if (!*alive || !run_ || run_->job != job) {
            return;
        }
        done(std::move(result));
        if (--run_->pending == 0 && run_->held_end) {
            finish_end();
        }
    });
}

void SlotActor::worker_message(const protocol::FromWorker& message) {
    if (const auto* p = std::get_if<protocol::Progress>(&message)) {
        progress(*p);
    } else if (const auto* ph = std::get_if<protocol::Phase>(&message)) {
        phase(*ph);
    } else if (const auto* f = std::get_if<protocol::Fact>(&message)) {
        fact(*f);
    } else if (const auto* e = std::get_if<protocol::Expect>(&message)) {
        Run::Window window;
        window.replug.insert(e->replug.begin(), e->replug.end());
        window.until_mono_ns = context_.clock.mono_ns() + std::int64_t{e->within_s} * 1'000'000'000;
        run_->window = std::move(window);
        if (e->within_s > 0) {
            run_->back_in_recovery = false;  // that was in an absence before this one
            announced();
        }
    } else if (const auto* a = std::get_if<protocol::Ask>(&message)) {
        ask(*a);
    } else if (const auto* pr = std::get_if<protocol::Proof>(&message)) {
        proof(*pr);
    }
}

void SlotActor::phase(const protocol::Phase& phase) {
    run_->progress.phase(phase.weight);
}

// While a unit is flashed it shares the wire of its root port and of its controller.
void SlotActor::wire_use() {
    const auto now = context_.clock.mono_ns();
    if (flashing()) {
        context_.wires.begin(run_->job, root_port_, now);
    } else if (run_) {
        const bool whole = job_.state == core::JobState::awaiting_boot ||
                           job_.state == core::JobState::provisioning ||
                           job_.state == core::JobState::verifying;
        context_.wires.end(run_->job, whole && !job_.ending, now);
    }
}

void SlotActor::progress(const protocol::Progress& progress) {
    const bool rose = run_->progress.progress(progress.done, progress.total);
    const std::int64_t now = context_.clock.mono_ns();
    if (flashing()) {
        run_->bytes = std::max(run_->bytes, progress.bytes);
        context_.wires.moved(run_->job, run_->bytes_before + run_->bytes, run_->progress.percent(),
                             now);
    }
    if (!rose) {
        return;
    }
    run_->pace.reached(run_->progress.percent(), run_->spent_ms(now));
    if (now - run_->told_mono_ns >= kTellEveryNs) {
        run_->told_mono_ns = now;
        context_.engine.publish_progress(*this);
    }
}

void SlotActor::fact(const protocol::Fact& fact) {
    const auto stamp = context_.stamp();
    const auto job = run_->job;
    const auto unit = run_->unit;
    struct Found {
        std::optional<base::JobId> twin;
        bool swapped = false;
    };
    const bool flashed = job_.step > 0;
    write_for_worker<Found>(
        [stamp, job, unit, flashed, slot = slot_, fact](db::Tx& tx) -> base::Result<Found> {
            base::Status done;
            Found found;
            if (fact.key == "module_serial") {
                const auto before = journal::module_serial_of(tx, unit);
                if (!before) {
                    return tl::unexpected<base::Error>(before.error());
                }
                found.swapped = flashed && !before->empty() && *before != fact.value;
                if (!found.swapped) {
                    done = journal::set_module_serial(tx, unit, fact.value);
                    auto twin = journal::module_serial_elsewhere(tx, unit, fact.value);
                    if (!twin) {
                        return tl::unexpected<base::Error>(twin.error());
                    }
                    found.twin = *twin;
                }
            } else if (fact.key == "board") {
                done = journal::set_board(tx, job, fact.value);
            } else if (fact.key == "tool_version") {
                done = journal::set_tool_version(tx, job, fact.value);
            }
            if (!done) {
                return tl::unexpected<base::Error>(done.error());
            }
            auto told = journal::append(
                tx, stamp,
                {"unit.fact", slot, unit, job, "", {{"key", fact.key}, {"value", fact.value}}});
            return told ? base::Result<Found>(found) : tl::unexpected<base::Error>(told.error());
        },
        [this](const base::Result<Found>& written) {
            if (!written) {
                base::log_warning("a fact could not be written: {}", written.error().message);
            } else if (written->swapped) {  // the cables were: whose serial it is says its own job
                deliver(core::ProofFailed{base::make_error("unit.swapped")});
            } else if (written->twin) {  // cloned EEPROMs: nobody can say which of the two it is
                const auto error = base::make_error("unit.duplicate_module");
                context_.engine.end_job(*written->twin, error);
                deliver(core::ProofFailed{error});
            }
        });
    if (fact.key == "chip_id" && !run_->chip_id) {
        ask_admit(protocol::Ask{0, "unit.admit", {{"chip_id", fact.value}}});
    }
}

void SlotActor::answer(std::int64_t id, base::Result<Json> value) {
    if (!run_ || !run_->worker || id == 0) {
        return;
    }
    protocol::Answer answer;
    answer.id = id;
    answer.ok = value.has_value();
    if (value) {
        answer.value = std::move(*value);
    } else {
        answer.error = value.error();
    }
    run_->worker->send(answer);
}

void SlotActor::ask(const protocol::Ask& ask) {
    if (job_.state != core::JobState::flashing && job_.state != core::JobState::provisioning) {
        return answer(ask.id, base::fail("ask.refused", "The job is ending"));
    }
    if (ask.what == "unit.admit") {
        ask_admit(ask);
    } else if (ask.what == "identity.issue") {
        ask_identity(ask);
    } else if (ask.what == "once.begin" || ask.what == "once.done") {
        ask_once(ask);
    } else {
        answer(ask.id,
               base::fail("ask.refused", "Nobody may ask for '" + ask.what.substr(0, 32) + "'"));
    }
}

base::Error SlotActor::one_of_two(base::JobId other) {
    const std::string left = context_.engine.empty_slot_of(other);
    if (left.empty()) {  // nobody can say which of the two is the unit: both stop
        auto error = base::make_error("unit.duplicate_chip");
        context_.engine.end_job(other, error);
        return error;
    }
    // One unit that was put into another slot. Its chip id was read, so it starts anew.
    context_.engine.end_job(
        other, base::make_error("usb.left", fmt::format("Unit was put into slot {}", slot_)));
    return base::make_error("usb.cycle", fmt::format("Unit came from slot {}, where its work ended "
                                                     "now",
                                                     left));
}

void SlotActor::ask_admit(const protocol::Ask& ask) {
    const auto chip = base::field<std::string>(ask.args, "chip_id");
    if (!chip) {
        return answer(ask.id, tl::unexpected<base::Error>(chip.error()));
    }
    const auto stamp = context_.stamp();
    const auto board = ask.args.value("board", Json());
    write_for_worker<journal::ChipBinding>(
        [stamp, job = run_->job, unit = run_->unit, slot = slot_, fields = unit_fields(),
         chip = *chip, board](db::Tx& tx) -> base::Result<journal::ChipBinding> {
            if (board.is_object()) {
                if (auto done = journal::set_board(tx, job, board); !done) {
                    return tl::unexpected<base::Error>(done.error());
                }
            }
            return commit_bind_chip(tx, stamp, job, unit, slot, chip, fields);
        },
        [this, id = ask.id, chip = *chip](base::Result<journal::ChipBinding> bound) {
            if (!bound) {
                answer(id, tl::unexpected<base::Error>(bound.error()));
                return deliver(core::ProofFailed{bound.error()});
            }
            if (bound->live_elsewhere) {
                const auto error = one_of_two(*bound->live_elsewhere);
                answer(id, tl::unexpected<base::Error>(error));
                return deliver(core::ProofFailed{error});
            }
            base::crash_point("after_admit_commit");
            run_->unit = bound->unit;
            run_->chip_id = chip;
            if (bound->passed_as) {
                const auto error = base::make_error(
                    "unit.known",
                    fmt::format("This unit has passed before, as serial {}", *bound->passed_as));
                answer(id, tl::unexpected<base::Error>(error));
                return deliver(core::ProofFailed{error});
            }
            publish(std::nullopt);
            answer(id, Json{{"known", bound->known}});
        });
}

void SlotActor::ask_identity(const protocol::Ask& ask) {
    if (!may_ask_identity(run_->profile->steps[static_cast<std::size_t>(job_.step)])) {
        return answer(ask.id, base::fail("ask.refused", "This step gets no serial"));
    }
    base::crash_point("before_issue_commit");
    const auto stamp = context_.stamp();
    write_for_worker<Issued>(
        [&vault = context_.vault, stamp, job = run_->job, unit = run_->unit, slot = slot_,
         fields = unit_fields()](db::Tx& tx) {
            return commit_issue(tx, vault, stamp, job, unit, slot, fields);
        },
        [this, id = ask.id](base::Result<Issued> issued) {
            if (!issued) {
                return answer(id, tl::unexpected<base::Error>(issued.error()));
            }
            base::crash_point("after_issue_commit");
            run_->serial = issued->issued.lease.value;
            publish(issued->seq);
            Json value{{"serial", run_->serial}};
            auto token = serial_pool::open_token(context_.vault, issued->issued);
            if (!token) {
                return answer(id, tl::unexpected<base::Error>(token.error()));
            }
            if (*token) {
                if (run_->worker) {
                    run_->worker->add_secret(**token);  // before the value leaves this process
                }
                value["token"] = (*token)->reveal();
            }
            answer(id, std::move(value));
        });
}

void SlotActor::ask_once(const protocol::Ask& ask) {
    const auto name = base::field<std::string>(ask.args, "name");
    if (!name) {
        return answer(ask.id, tl::unexpected<base::Error>(name.error()));
    }
    const auto stamp = context_.stamp();
    const bool begin = ask.what == "once.begin";
    write_for_worker<std::string>(
        [stamp, job = run_->job, name = *name, begin](db::Tx& tx) -> base::Result<std::string> {
            if (begin) {
                return journal::once_begin(tx, stamp, job, name);
            }
            if (auto done = journal::once_done(tx, stamp, job, name); !done) {
                return tl::unexpected<base::Error>(done.error());
            }
            return std::string("done");
        },
        [this, id = ask.id](base::Result<std::string> state) {
            answer(id, state ? base::Result<Json>(Json{{"state", *state}})
                             : tl::unexpected<base::Error>(state.error()));
        });
}

void SlotActor::proof(const protocol::Proof& proof) {
    const auto stamp = context_.stamp();
    const bool serial = proof.kind == "serial";
    const auto heard = serial ? base::field<std::string>(proof.value, "serial")
                              : base::field<std::string>(proof.value, "digest");
    if (!heard || (!serial && proof.kind != "image")) {
        return deliver(
            core::ProofFailed{base::make_error("worker.protocol", "A proof of unknown form")});
    }
    const OrderView* order = context_.engine.order(run_->order);
    base::crash_point("before_proof_commit");
    write_for_worker<ProofCommitted>(
        [stamp, job = run_->job, unit = run_->unit, slot = slot_, serial, heard = *heard,
         value = proof.value, expected = order != nullptr ? order->image_digest : ""](db::Tx& tx) {
            return serial ? commit_serial_proof(tx, stamp, job, unit, slot, heard)
                          : commit_image_proof(tx, stamp, job, slot, expected, value);
        },
        [this, serial](base::Result<ProofCommitted> committed) {
            if (!committed) {
                return deliver(core::ProofFailed{committed.error()});
            }
            base::crash_point("after_proof_commit");
            if (committed->mismatch) {
                publish(committed->seq);
                return deliver(core::ProofFailed{*committed->mismatch});
            }
            (serial ? run_->serial_tick : run_->image_tick) = true;
            publish(committed->seq);
            if (serial) {
                context_.engine.pool_changed();
            }
        });
}

std::vector<std::string> SlotActor::net_names() const {
    // RNDIS comes up first on a booted unit; NCM is the second choice.
    std::vector<std::string> names;
    for (const auto& [name, net] : nets_) {
        if (net.driver == "rndis_host") {
            names.insert(names.begin(), name);
        } else {
            names.push_back(name);
        }
    }
    return names;
}

protocol::PortState SlotActor::port_state() const {
    protocol::PortState state;
    state.present = device_.has_value();
    if (device_) {
        state.id = fmt::format("{:04x}:{:04x}", device_->vendor, device_->product);
        state.serial = device_->serial;
    }
    state.net = net_names();
    return state;
}

void SlotActor::tell_port() {
    for (const auto& worker : {run_ ? run_->worker : nullptr, sender_}) {
        if (worker) {
            worker->send(port_state());
        }
    }
}

}  // namespace lineside::engine
