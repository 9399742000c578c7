// SPDX-License-Identifier: Apache-2.0
// One slot: what is plugged in, the job that runs there, and the verdict that stays. The actor
// feeds events to core::next() one at a time, commits what it returns, then acts. While a commit is
// under way further events wait in its mailbox, so nothing is ever done before its intent is on
// disk. Owned by the engine. Thread: the io_context's. Survives a crash: only what the journal
// holds.
#pragma once

#include "station/core/flapping.h"
#include "station/core/job_machine.h"
#include "station/core/profile.h"
#include "station/core/schedule.h"
#include "station/core/wall.h"
#include "station/engine/context.h"
#include "station/journal/recovery.h"
#include "station/journal/slots.h"
#include "station/labels/label_rows.h"
#include "station/power/cycle.h"
#include "station/process/worker.h"
#include "station/usb/models.h"
#include "station/usb/monitor.h"

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace lineside::engine {

class SlotActor {
  public:
    SlotActor(Context& context, std::string slot, std::string port, bool mapped, bool skip);
    ~SlotActor();
    SlotActor(const SlotActor&) = delete;
    SlotActor& operator=(const SlotActor&) = delete;

    // ---- from the bus
    void device_arrived(const usb::Device& device, bool at_start);
    void device_left();
    void left_with_hub(std::int64_t since_mono_ns);  // what has left since then, all at once
    void net_arrived(const usb::NetInterface& net);
    void net_left(const std::string& name);
    void disk_arrived(const usb::Disk& disk, bool at_start);  // or its medium changed
    void disk_left(const std::string& name);

    // ---- from the engine
    void restore(const journal::InterruptedJob& job);
    void restore(const journal::OpenVerdict& verdict);
    void try_start();  // something changed that may let a waiting unit start
    void admitted();   // the scheduler has room
    // Its place in the line, and what it waits for where that is known.
    void set_position(std::optional<int> position, std::optional<core::Full> why);
    void stop(const base::Error& why, const std::string& actor);
    void acknowledge(const std::string& actor, const Done& done);
    void retry(const std::string& actor, const Done& done);
    // The unit passed before; a person says why it is made again. Takes the refusal away: the
    // unit's next job goes on.
    void rework(const std::string& reason, const std::string& actor, const Done& done);
    // The judged unit that has started enters recovery mode by its own software; `done` when its
    // port shows it, or with why not. Errors: request.conflict (there is none, or it is sent
    // already), what the step says.
    void to_recovery(const std::string& actor, const Done& done);
    // `done` when the power is on again. Errors: request.conflict (no switch, or a job that works),
    // power.failed.
    void cycle_power_for(const std::string& actor, const Done& done);
    void power_after_restart();             // once the bus is known
    void fail_job(const base::Error& why);  // live only
    void set_closing(std::optional<journal::Closing> closing) {
        closing_ = std::move(closing);
        leaves_.clear();
    }
    // The unit that is plugged in, or is about to be, was used to map the ports: it is not made.
    void hold_until_unplugged() { used_to_map_ = true; }
    // ---- its label, station/engine/label_desk.h
    void label_changed(const labels::LabelRow& label);
    void check_label(std::string code, const std::string& actor, const Done& done);
    void skip_label(const std::string& reason, const std::string& actor, const Done& done);
    void publish(std::optional<std::int64_t> seq);

    // ---- asked by the engine
    [[nodiscard]] const std::string& slot() const { return slot_; }
    [[nodiscard]] const std::string& port() const { return port_; }
    [[nodiscard]] const std::string& root_port() const { return root_port_; }
    [[nodiscard]] bool mapped() const { return mapped_; }
    [[nodiscard]] bool present() const { return device_.has_value(); }
    [[nodiscard]] bool queued() const { return live() && job_.state == core::JobState::queued; }
    [[nodiscard]] bool waits_for_its_unit() const {  // after a restart
        return live() && job_.state == core::JobState::interrupted && !present();
    }
    [[nodiscard]] bool flashing() const {
        return live() &&
               (job_.state == core::JobState::preparing || job_.state == core::JobState::flashing);
    }
    [[nodiscard]] bool returning() const;
    [[nodiscard]] bool live() const { return run_ != nullptr && !verdict_; }
    [[nodiscard]] bool idle() const { return !live() && !committing_; }
    [[nodiscard]] base::OrderId order() const;
    [[nodiscard]] base::UnitId unit() const;
    [[nodiscard]] base::JobId job_id() const;
    [[nodiscard]] core::SlotFacts facts() const;
    [[nodiscard]] std::int64_t since_ms() const { return since_ms_; }
    [[nodiscard]] const std::optional<usb::Device>& device() const { return device_; }
    [[nodiscard]] const std::map<std::string, usb::NetInterface>& nets() const { return nets_; }
    [[nodiscard]] const std::map<std::string, usb::Disk>& disks() const { return disks_; }
    [[nodiscard]] const std::optional<journal::Closing>& closing() const { return closing_; }
    // Nothing of it would be lost if it were made anew: no job, no verdict that is not
    // acknowledged.
    [[nodiscard]] bool clear() const;

  private:
    struct Run;   // the job of this slot, running or judged
    struct Plan;  // what one commit will write

    void deliver(core::JobEvent event);
    void pump();
    void perform(core::Transition transition);
    void commit(std::vector<core::Effect> commits, std::vector<core::Effect> acts);
    void act(const core::Effect& effect);
    void prepare();
    void start_worker(int step, int attempt);
    void worker_message(const protocol::FromWorker& message);
    void worker_ended(process::WorkerEnd end);
    void finish_end();
    void answer(std::int64_t id, base::Result<base::Json> value);
    void ask(const protocol::Ask& ask);
    // What this job ends with whose chip another live job has; that one ends too.
    base::Error one_of_two(base::JobId other);
    [[nodiscard]] std::set<std::string> unit_fields() const;  // what the recipe needs of them
    [[nodiscard]] base::Status give_unit_fields(const core::StepPlan& plan,
                                                protocol::JobLine& line) const;
    void ask_admit(const protocol::Ask& ask);
    void ask_identity(const protocol::Ask& ask);
    void ask_once(const protocol::Ask& ask);
    void proof(const protocol::Proof& proof);
    void fact(const protocol::Fact& fact);
    void progress(const protocol::Progress& progress);
    void phase(const protocol::Phase& phase);
    void wire_use();
    void tell_port();
    void await_announcement();
    void announced();
    void count_leave(bool expected);
    void close_if_flapping();
    void gadget_maybe_ready();
    // ---- power
    void find_power();
    void cycle_power();
    void switch_off_and_on(const std::string& actor, std::function<void(base::Status)> done);
    void power_told(base::JobId job, base::UnitId unit, const std::string& actor,
                    const base::Status& told);
    void switched_by_hand(const Done& done);
    [[nodiscard]] bool by_hand() const;  // a person switches
    [[nodiscard]] bool power_busy() const;
    [[nodiscard]] std::int64_t power_takes_ns() const;
    // ---- disks
    [[nodiscard]] int media() const;  // how many disks at the port hold something
    [[nodiscard]] bool works_on_disk() const;
    [[nodiscard]] bool shows_cards() const;  // what is plugged in may be a reader
    [[nodiscard]] bool unit_here() const;
    void disks_changed(bool at_start);
    void medium_arrived(bool at_start);
    void medium_left();
    void arm(boost::asio::steady_timer& timer, std::chrono::milliseconds after,
             core::JobEvent event);
    using Opened = std::function<void(const base::Status&)>;
    void open_job(const OrderView& order, std::optional<base::UnitId> unit,
                  const std::string& actor, Opened done);
    void try_start_after(std::chrono::milliseconds wait);
    void next_unit_waits();  // it takes the place of a PASS, but may not start
    void clear_verdict();
    void seen(std::int64_t seq, const Done& done);
    [[nodiscard]] bool labelled() const;
    [[nodiscard]] bool label_first() const;  // a PASS that clears with its label scanned
    [[nodiscard]] bool window_open() const;
    [[nodiscard]] bool gadget_here() const;
    [[nodiscard]] bool can_be_sent() const;
    void send(process::WorkerSpec spec, const std::string& actor, const Done& done);
    void sent(base::JobId job, base::UnitId unit, const std::string& actor,
              const protocol::Outcome& how, const Done& done);
    [[nodiscard]] bool image_ready() const;
    [[nodiscard]] protocol::PortState port_state() const;
    [[nodiscard]] std::vector<std::string> net_names() const;
    // Counts what must be committed before the worker's end may be judged.
    template <typename T>
    void write_for_worker(std::function<base::Result<T>(db::Tx&)> work,
                          std::function<void(base::Result<T>)> done);

    Context& context_;
    // Fixed after construction.
    std::string slot_;
    std::string port_;
    std::string root_port_;
    bool mapped_;
    bool skip_;
    const power::SlotPower* power_plan_ = nullptr;
    std::unique_ptr<power::Cycle> power_;  // null: nothing, or a person, switches
    bool power_asked_ = false;             // the commit that says so is on its way
    // What is plugged in.
    std::optional<usb::Device> device_;
    std::map<std::string, usb::NetInterface> nets_;
    std::map<std::string, usb::Disk> disks_;  // by name; of a reader also those without a medium
    std::optional<usb::Disk> disk_;           // the one that is the unit
    const usb::Model* model_ = nullptr;
    const usb::Never* never_ = nullptr;
    bool gadget_ = false;
    bool left_since_verdict_ = true;
    std::int64_t returning_until_mono_ns_ = 0;  // of a unit that was resetting when it was judged
    bool fresh_ = false;  // entered recovery mode since this life of the service began
    std::int64_t since_ms_ = 0;
    core::Hold hold_ = core::Hold::none;
    std::string hold_reason_;
    std::optional<int> position_;
    std::optional<core::Full> waits_for_;
    bool used_to_map_ = false;
    std::optional<journal::Closing> closing_;  // starts nothing while it is closed
    bool closing_itself_ = false;              // the commit that says so is on its way
    core::FlapCount leaves_;                   // of no reason that is known
    // The job.
    core::Job job_;
    std::unique_ptr<Run> run_;
    bool verdict_ = false;
    std::shared_ptr<process::Worker> sender_;  // sends the judged unit to recovery mode
    bool sending_ = false;                     // the commit that says so is on its way
    bool sent_away_ = false;                   // it left its port for it
    std::int64_t sent_ = 0;
    bool deciding_ = false;  // a commit that opens a job or acknowledges one is on its way
    std::deque<core::JobEvent> mailbox_;
    bool committing_ = false;
    boost::asio::steady_timer boot_timer_;
    boost::asio::steady_timer replug_timer_;
    boost::asio::steady_timer announce_timer_;
    boost::asio::steady_timer again_timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace lineside::engine
