// SPDX-License-Identifier: Apache-2.0
// One board of the line and its life: off, in recovery mode (one module object and one node per
// enumeration), booting, up as a gadget with a running OS, dark. Every entry into recovery by plug,
// button or the OS starts a job and rolls the fault dice; hops within a flash do not.  Thread:
// main.
#pragma once

#include <memory>
#include <optional>

#include "bench.h"
#include "bus.h"
#include "device.h"
#include "faults.h"
#include "usb_tree.h"

namespace line {

class Board {
  public:
    // `unit`: how many units lay at this place before; each has an identity of its own.
    Board(Bench& bench, int number, std::uint64_t unit = 0);
    ~Board();
    Board(const Board&) = delete;
    Board& operator=(const Board&) = delete;

    // Power and cable on; `recovery`: with the recovery button held, else what is on the storage
    // boots.
    void plug(bool recovery);
    // Power and cable off. `done` (may be empty) is called when nothing of the unit is left.
    void unplug(const std::string& why, std::function<void()> done = {});
    void power_cycle(bool recovery);

    Json describe() const;
    int number() const { return number_; }
    bool plugged() const { return state_ != "off"; }
    // Off, and nothing of it is left on the host.
    bool gone() const { return !plugged() && !os_running_ && os_stopping_ == 0; }
    std::uint64_t unit() const { return unit_; }
    // The storage of a unit that was taken away for good.
    void remove_storage();
    // Its cable was plugged in elsewhere.
    void moved();

  private:
    void set_state(const std::string& state);
    void write_card();
    void start_job();
    void leave_bus();
    void enter_recovery(Stage stage);
    void hop(std::uint64_t life, Hop where);
    void cold_boot();
    void spoil_storage();
    void boot(double from, double to);
    void start_os();
    void os_started(int status);
    void os_ended();
    void go_on_after(const std::string& why);  // the system said why it ended
    void stop_os(std::function<void()> then);
    void show_gadget();
    void initrd_then(std::function<void()> next);
    [[nodiscard]] GadgetFacts gadget_facts() const;
    bool app_progress(std::uint64_t life, int percent);
    void kill_process(bool worker);
    [[nodiscard]] std::string br_cid() const;
    [[nodiscard]] std::string module_serial() const;  // as written into its EEPROM
    bool has(const std::string& fault) const;
    unsigned product() const;  // on USB in recovery mode
    // Runs `task` after `seconds` of the board's time, unless its life took another turn.
    void later(double seconds, std::function<void()> task);
    // The same for an absence from the bus; never so short that a kernel takes it for a bounce.
    void away(double seconds, std::function<void()> task);
    // Whether the host has not noticed yet that the board left the bus, and then does `task` as
    // soon as it has. To a host that missed the absence the board would be the same as before, and
    // on vhci what it was asked in between never ends, as it does at every real controller.
    bool too_soon(std::function<void()> task);

    Bench& bench_;
    const int number_;
    const std::uint64_t unit_;
    Place place_;
    const std::filesystem::path folder_;
    const std::string br_cid_;
    const std::string module_serial_;
    const std::string ifname_;
    std::mt19937_64 roll_;
    std::string state_ = "off";
    std::string stage_;
    std::uint64_t life_ = 0;  // changes whenever timers of before must not fire
    int jobs_ = 0;
    Place here_ = place_;  // which half of its socket it is, or was last, seen at
    int devnum_ = 0;
    std::vector<Fault> faults_;
    std::set<std::string> fired_;  // node thread only, while a node lives
    bool aged_ = false;
    std::shared_ptr<Storage> storage_;
    std::shared_ptr<UsbNode> node_;
    bool present_ = false;  // something of it is on the bus
    Clock::time_point left_at_{};

    bool os_running_ = false;
    int os_stopping_ = 0;
    pid_t os_starting_ = 0;
    int os_watch_ = -1;
    bool boot_time_over_ = false;
    bool os_up_ = false;
};

}  // namespace line
