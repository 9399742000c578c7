// SPDX-License-Identifier: Apache-2.0
// What the web server and the command line may ask of the engine, and nothing more. JSON shapes are
// those of web/api/openapi.yaml.
// Thread: calls and callbacks on the io_context's thread; closures given to read() run on the
// database's read thread and own everything they touch.
#pragma once

#include "station/audit/signer.h"
#include "station/base/error.h"
#include "station/base/json.h"
#include "station/config/config.h"
#include "station/db/query.h"
#include "station/journal/slots.h"
#include "station/people/people.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lineside::engine {

// Who asks: "page" (loopback browser), or "uid 1000 (ana)" over the Unix socket.
struct Actor {
    std::string name;
    std::string from;
};

// One message of the live stream. `id` is the journal sequence number of the last row it carries;
// pure progress has none. `text` is one line of JSON, made once and shared by all pages.
struct LiveEvent {
    std::optional<std::int64_t> id;
    std::string kind;  // tile, progress, station, alarm, reset, beat
    std::shared_ptr<const std::string> text;
};

// What is told at one time, in order; one for all pages.
struct LiveTick {
    std::vector<LiveEvent> events;
};
using LiveTickPtr = std::shared_ptr<const LiveTick>;
using LiveSink = std::function<void(const LiveTickPtr&)>;

using Done = std::function<void(base::Result<base::Json>)>;

class Labels;   // label_facade.h
class Recipes;  // recipe_facade.h

struct OrderOpening {
    std::string name;
    std::string profile;
    std::string pool;
    int quantity = 0;
    bool close_others = false;   // close every open order of the same model in the same commit
    bool rotate_token = false;   // a reworked unit gets another token, where there is one
    bool allow_no_chip = false;  // a unit without a chip id may pass; its certificate says so
};

struct OrderChange {
    std::string order;   // its name
    std::string state;   // open (resumed), paused, closed
    std::string reason;  // of a close; may be left out otherwise
};

// What a person says of an image.
struct ImageSaying {
    std::string image;   // content key, 64 hex digits
    std::string kind;    // release, emergency, withdrawal
    std::string reason;  // but for a plain release
};

// Serials that are counted instead of brought as a file; meaning and limits in
// serial-pool/serial_range.h.
struct BatchRange {
    std::string prefix;
    std::int64_t from = 1;
    std::int64_t count = 0;
    std::int64_t step = 1;
    std::int64_t width = 0;
    std::string suffix;
    std::string check;  // name of a check digit, "" = none
    bool check_counter_only = false;
    std::int64_t token_length = 0;  // 0 = no tokens
    std::string token_alphabet;     // "" = letters and digits
};

struct BatchLoad {
    std::string pool;
    std::string batch;  // name; empty: made from pool, date and number
    bool test_only = false;
    bool preview = false;             // check only, store nothing
    std::string csv;                  // at most 256 MiB
    std::optional<BatchRange> range;  // instead of csv
    std::string order;                // "" = for any order of the pool
    std::string ap_ssid;              // template, "" = none
};

struct BatchEnding {
    std::string batch;
    bool withdraw = false;  // else close
    std::string reason;     // of a withdrawal
};

class Facade {
  public:
    virtual ~Facade() = default;

    [[nodiscard]] virtual base::Json wall() const = 0;    // full snapshot with "seq"
    [[nodiscard]] virtual base::Json status() const = 0;  // GET /status; web/api adds the pools
    [[nodiscard]] virtual base::Json health() const = 0;
    [[nodiscard]] virtual std::string metrics() const = 0;  // Prometheus text

    // Subscribes to live events until the returned handle is dropped. Events after `last_id` that
    // are still in the ring come first; when that is not possible a "reset" with a full snapshot
    // does.
    [[nodiscard]] virtual std::shared_ptr<void> subscribe(std::optional<std::int64_t> last_id,
                                                          LiveSink sink) = 0;

    virtual void acknowledge(std::string slot, Actor actor, Done done) = 0;
    virtual void acknowledge_passed(Actor actor, Done done) = 0;
    virtual void retry(std::string slot, Actor actor, Done done) = 0;
    // The unit of the slot was refused because it passed before; `reason` says why it is made
    // again.
    virtual void rework(std::string slot, std::string reason, Actor actor, Done done);
    virtual void stop(std::string slot, Actor actor, Done done) = 0;
    // The judged unit of the slot, which has started, enters recovery mode by its own software;
    // answered when its port shows it, within four minutes. Errors: request.unknown,
    // request.conflict (no such unit, or it is sent already), what the step on the unit says.
    virtual void to_recovery(std::string slot, Actor actor, Done done);
    // The slot's unit off and on again by the slot's own switch; answered when it is on. Errors:
    // request.unknown, request.conflict (no switch, or a job works on the unit), power.failed.
    virtual void cycle_power(std::string slot, Actor actor, Done done);
    // A closed slot starts nothing; what runs there goes on to its end.   Errors: request.unknown,
    // request.invalid (no reason), slot.closed, request.conflict (it is open).
    virtual void close_slot(std::string slot, std::string reason, Actor actor, Done done);
    virtual void reopen_slot(std::string slot, std::string reason, Actor actor, Done done);
    // The whole layout of the wall; none = the plain one. All walls are shown it.   Errors:
    // request.invalid (an unknown slot, one or a place twice, a name that is too long).
    virtual void place_slots(std::vector<journal::Place> places, Actor actor, Done done);
    // Mapping the ports: while it is on nothing starts; who began it ends or saves it, or it ends
    // by itself 15 minutes after its last step.   Errors: request.conflict (another one maps).
    virtual void map_ports(bool on, Actor actor, Done done);
    // The whole mapping; none = that of station.toml.   Errors: request.invalid (a slot or a port
    // twice, not of their form), request.conflict (not mapping; a slot has a job or a verdict).
    virtual void save_ports(std::vector<journal::SlotPort> ports, Actor actor, Done done);
    // What is mapped, what is plugged in, who maps. Shape: Ports in web/api/openapi.yaml.
    [[nodiscard]] virtual base::Json ports() const { return base::Json::object(); }
    // The wall shows the way to a training station that runs beside, for a minute; "" = it has
    // ended. Errors: request.invalid (no address of a page).
    virtual void show_training(std::string url, Done done);
    // A person gives up a serial that is in doubt, for ever.   Errors: request.unknown,
    // lease.refused, request.invalid (no reason).
    virtual void void_serial(std::string serial, std::string reason, Actor actor, Done done);
    virtual void load_batch(BatchLoad load, Actor actor, Done done) = 0;
    // Withdraws an untouched batch or closes one; answers with where its serials went.
    virtual void end_batch(BatchEnding ending, Actor actor, Done done);
    // From how many serials on the station warns.
    virtual void warn_pool_at(std::string pool, std::int64_t warn_at, Actor actor, Done done);
    // Opens an order; the image is built or found, then verified, before a unit starts under it.
    virtual void open_order(OrderOpening opening, Actor actor, Done done);

    // Pauses, resumes or closes an order. Units at work under it finish; nothing new starts.
    virtual void change_order(OrderChange change, Actor actor, Done done);
    // Releases an image, or withdraws it: then no unit starts under it any more.
    virtual void say_of_image(ImageSaying saying, Actor actor, Done done);
    // How many people must release an image.
    [[nodiscard]] virtual config::ReleasePolicy release_policy() const {
        return config::ReleasePolicy::two;
    }
    [[nodiscard]] virtual const records::Shifts& shifts() const {
        static const records::Shifts kNone;
        return kNone;
    }
    // What orders can be made of: [{"id","name","model"}].
    [[nodiscard]] virtual base::Json profiles() const { return base::Json::array(); }

    // Makes a backup now; {"file","seq","head","sha256","made_ms","schema","copied"}.
    virtual void backup(Actor actor, Done done);
    // The sealing key: a new one from now on, and what is on record of keys
    // (station/care/keeper.h).
    virtual void rotate_key(Actor actor, Done done);
    virtual void key_status(Done done);
    // Backups lie here; "" = none are made.
    [[nodiscard]] virtual std::filesystem::path backup_folder() const { return {}; }

    // Accounts, log-ins and wall screens; none: everybody may do everything.
    [[nodiscard]] virtual people::People* people() { return nullptr; }
    // Labels of units that passed; none: this station prints none.
    [[nodiscard]] virtual Labels* labels() { return nullptr; }

    // Profiles and recipes as text; none: this station was not given a file.
    [[nodiscard]] virtual Recipes* recipes() { return nullptr; }

    // Runs `work` on a read-only snapshot of the database, off this thread.
    virtual void read(std::function<base::Result<base::Json>(db::Tx&)> work, Done done) = 0;
    // Signs what leaves the station. Its functions that write nothing may be used within read().
    [[nodiscard]] virtual std::shared_ptr<const audit::Signer> signer() const { return nullptr; }
    // Folder of the logs of one job; file names come from the database, never from a request.
    [[nodiscard]] virtual std::string log_folder(std::int64_t job) const = 0;
    // A folder on the data's disk for what is written and read once, in files without a name.
    [[nodiscard]] virtual std::filesystem::path spool_folder() const = 0;
};

inline void Facade::rework(std::string /*slot*/, std::string /*reason*/, Actor /*actor*/,
                           Done done) {
    done(base::fail("request.refused", "This station reworks no units"));
}

inline void Facade::to_recovery(std::string /*slot*/, Actor /*actor*/, Done done) {
    done(base::fail("request.refused", "This station sends no unit to recovery mode"));
}

inline void Facade::cycle_power(std::string /*slot*/, Actor /*actor*/, Done done) {
    done(base::fail("request.refused", "This station switches no power"));
}

inline void Facade::close_slot(std::string /*slot*/, std::string /*reason*/, Actor /*actor*/,
                               Done done) {
    done(base::fail("request.refused", "This station closes no slots"));
}
inline void Facade::reopen_slot(std::string /*slot*/, std::string /*reason*/, Actor /*actor*/,
                                Done done) {
    done(base::fail("request.refused", "This station closes no slots"));
}

inline void Facade::place_slots(std::vector<journal::Place> /*places*/, Actor /*actor*/,
                                Done done) {
    done(base::fail("request.refused", "This station has no layout"));
}
inline void Facade::map_ports(bool /*on*/, Actor /*actor*/, Done done) {
    done(base::fail("request.refused", "This station maps no ports"));
}
inline void Facade::save_ports(std::vector<journal::SlotPort> /*ports*/, Actor /*actor*/,
                               Done done) {
    done(base::fail("request.refused", "This station maps no ports"));
}
inline void Facade::show_training(std::string /*url*/, Done done) {
    done(base::fail("request.refused", "This station knows of no training"));
}
inline void Facade::void_serial(std::string /*serial*/, std::string /*reason*/, Actor /*actor*/,
                                Done done) {
    done(base::fail("request.refused", "This station gives up no serials"));
}

inline void Facade::backup(Actor /*actor*/, Done done) {
    done(base::fail("request.refused", "This station makes no backups"));
}
inline void Facade::rotate_key(Actor /*actor*/, Done done) {
    done(base::fail("request.refused", "This station has no sealing key"));
}
inline void Facade::key_status(Done done) {
    done(base::fail("request.refused", "This station has no sealing key"));
}

inline void Facade::open_order(OrderOpening /*opening*/, Actor /*actor*/, Done done) {
    done(base::fail("request.refused", "This station opens no orders"));
}

inline void Facade::change_order(OrderChange /*change*/, Actor /*actor*/, Done done) {
    done(base::fail("request.refused", "This station has no orders"));
}
inline void Facade::say_of_image(ImageSaying /*saying*/, Actor /*actor*/, Done done) {
    done(base::fail("request.refused", "This station has no images"));
}

inline void Facade::end_batch(BatchEnding /*ending*/, Actor /*actor*/, Done done) {
    done(base::fail("request.refused", "This station ends no batches"));
}
inline void Facade::warn_pool_at(std::string /*pool*/, std::int64_t /*warn_at*/, Actor /*actor*/,
                                 Done done) {
    done(base::fail("request.refused", "This station has no pools"));
}

}  // namespace lineside::engine
