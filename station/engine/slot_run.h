// SPDX-License-Identifier: Apache-2.0
// The job of one slot as its actor keeps it in memory: ids, the running worker, the announced
// window, progress, and the verdict that stays. Private to the engine. Thread: the io_context's.
#pragma once

#include "station/core/pace.h"
#include "station/core/step_view.h"
#include "station/engine/slot_actor.h"

#include <map>
#include <set>

namespace lineside::engine {

struct SlotActor::Run {
    struct Window {                    // an announced absence
        std::set<std::string> replug;  // "0955:7e19"
        std::int64_t until_mono_ns = 0;
    };
    base::JobId job;
    base::UnitId unit;
    base::OrderId order;
    int attempt = 1;
    const core::Profile* profile = nullptr;
    std::string image_key;
    std::string image_digest;
    std::optional<std::string> chip_id;  // as the boot ROM gave it, for the steps after the boot
    std::string chip_check;  // when the flash method learns it; "" until its worker has said so
    std::int64_t started_ms = 0;
    bool gadget_seen = false;
    bool back_in_recovery = false;  // came back so while its flash worker had not ended yet
    bool prepare_waits = false;     // for the image to be verified
    bool resume_by_itself = true;   // of an interrupted job
    bool touched = false;           // its flashing had begun when the service died

    std::shared_ptr<process::Worker> worker;
    std::optional<Window> window;
    bool unannounced = false;              // left, and its announcement may still be on its way
    std::int64_t unannounced_mono_ns = 0;  // … since then
    std::int64_t waits_until_mono_ns = 0;  // boot or replug deadline, for the tile
    int pending = 0;                       // commits the worker's end has to wait for
    std::optional<process::WorkerEnd> held_end;
    int redactions = 0;

    // Progress of the running step.
    int stage = 0;  // counts steps started, for the tile
    core::StepProgress progress;
    core::PaceRun pace;
    std::uint64_t bytes_before = 0;  // over the wire in earlier attempts at the flash
    std::uint64_t bytes = 0;         // in this one
    std::int64_t step_began_mono_ns = 0;
    std::int64_t told_mono_ns = 0;

    core::Verdict verdict;
    std::int64_t ended_ms = 0;
    bool acknowledged = false;
    core::LabelWait label = core::LabelWait::none;
    std::string stopped_by;
    std::string serial;  // leased, once the unit was given it
    // Of that serial, likewise. The token and what is secret are kept out of the logs of later
    // steps.
    base::Secret token;
    std::map<std::string, base::Result<base::Secret>> fields;
    bool image_tick = false;
    bool serial_tick = false;
    bool saved_tick = false;

    void describe(core::SlotFacts& f, const core::Job& machine, bool judged) const;
    [[nodiscard]] std::int64_t spent_ms(std::int64_t mono_ns) const {
        return (mono_ns - step_began_mono_ns) / 1'000'000;
    }
    [[nodiscard]] std::optional<int> time_left_s(const core::Job& machine, std::int64_t mono_ns,
                                                 const PaceBook& paces) const;
};

}  // namespace lineside::engine
