// SPDX-License-Identifier: Apache-2.0
// What every slot actor needs from its surroundings, given by the engine. No globals.
// Thread: the io_context's.
#pragma once

#include "serial-pool/token_vault.h"
#include "station/audit/signer.h"
#include "station/base/clock.h"
#include "station/config/config.h"
#include "station/core/profile.h"
#include "station/core/wall.h"
#include "station/db/store.h"
#include "station/engine/facade.h"
#include "station/engine/image_release.h"
#include "station/engine/pace_book.h"
#include "station/engine/wire_book.h"
#include "station/journal/journal.h"
#include "station/labels/print_queue.h"
#include "station/process/worker.h"
#include "station/usb/models.h"
#include "station/usb/monitor.h"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <filesystem>
#include <set>
#include <string>

namespace lineside::engine {

// An open order as the engine keeps it in memory.
struct OrderView {
    base::OrderId id;
    std::string name;
    std::string model;
    const core::Profile* profile = nullptr;
    std::string pool;
    std::int64_t pool_id = 0;
    int quantity = 0;
    std::set<base::UnitId> passed;  // a unit that passes again is still one
    bool dry = false;               // no serial is left for it, whatever its pool has for others
    std::string image_key;          // "" while the image is not known
    std::string image_digest;
    base::Json in_force = base::Json::object();  // what its image holds of before the flash
    bool open = true;                            // a closed one is kept while a job of it lives
    bool paused = false;                         // not open, and may be open again
    std::optional<base::Error> changed;          // the configuration is not what it was opened with
    std::optional<ImageRelease> release;  // as read last; the commit that opens a job reads anew
    bool image_ready = false;             // built and verified in this life of the service
    std::optional<base::Error> image_error;
    [[nodiscard]] int made() const { return static_cast<int>(passed.size()); }
};

class SlotActor;

// The engine as its actors see it.
class Surroundings {
  public:
    virtual ~Surroundings() = default;
    // The open order a unit of this model would be made under, or why there is none.
    struct Choice {
        const OrderView* order = nullptr;
        core::Hold hold = core::Hold::no_order;
        std::string reason;
    };
    [[nodiscard]] virtual Choice order_for(const std::string& model) = 0;
    [[nodiscard]] virtual const OrderView* order(base::OrderId id) = 0;
    virtual void queue_changed() = 0;  // somebody waits, or room was made
    virtual void job_ended(SlotActor& slot, core::Outcome outcome, const std::string& code) = 0;
    // Ends a job of any slot with an error that another slot found out: two units say they are one.
    virtual void end_job(base::JobId job, const base::Error& why) = 0;
    // The slot of a job that waits, after a restart, for a unit that is not in it; "" for any
    // other.
    [[nodiscard]] virtual std::string empty_slot_of(base::JobId job) const = 0;
    virtual void slot_looked_at(
        const SlotActor& slot) = 0;  // somebody took its verdict away: so ends its part in an alarm
    virtual void publish_tile(SlotActor& slot, std::optional<std::int64_t> seq) = 0;
    virtual void publish_progress(SlotActor& slot) = 0;
    virtual void records_failing(const base::Error& error) = 0;  // a commit failed
    virtual void records_fine() = 0;
    virtual void drain_bus() = 0;  // take in bus events that wait
    virtual void pool_changed() = 0;
    virtual void label_asked(const labels::LabelRow& label) = 0;  // it may wait for the printer
};

// How long the engine waits for what is not the unit's business; tests wait less.
struct Patience {
    // For the worker's word about a unit that left: within the five seconds a loss may take to
    // show.
    std::chrono::milliseconds announcement{3000};
    std::chrono::milliseconds commit_again{1000};     // after a commit that failed
    std::chrono::milliseconds stop_grace{2000};       // a unit that is gone needs no long good-bye
    std::chrono::milliseconds hub_gather{500};        // units of one hub leave within this time
    std::chrono::milliseconds sign_every{3'600'000};  // the journal's head
    std::chrono::milliseconds mapping{15 * 60'000};   // of ports, after its last step
    std::chrono::milliseconds print_again{2000};      // after a printer's first failure
};

// What the app gives the engine.
struct EngineParts {
    boost::asio::io_context& loop;
    const config::Config& config;
    const usb::Models& models;
    const base::Clock& clock;
    db::Store& store;
    process::Launcher& launcher;
    const serial_pool::TokenVault& vault;
    usb::Bus& bus;
    std::shared_ptr<const audit::Signer> signer;
    Patience patience{};
};

struct Context : EngineParts {
    Context(const EngineParts& parts, Surroundings& surroundings)
        : EngineParts(parts), engine(surroundings), boot(base::boot_id()) {}
    Surroundings& engine;
    std::int64_t epoch = 0;
    std::string boot;
    PaceBook paces{store};
    WireBook wires{store};
    std::shared_ptr<const labels::Drawing> drawing;  // shared with what runs on database threads

    [[nodiscard]] journal::Stamp stamp() const {
        return {clock.wall_ms(), clock.mono_ns(), boot, epoch};
    }
    [[nodiscard]] std::filesystem::path job_folder(base::JobId job) const {
        return config.data / "logs" / std::to_string(job.value);
    }
};

}  // namespace lineside::engine
