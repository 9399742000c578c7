// SPDX-License-Identifier: Apache-2.0
// What the boards of one line share: options, main loop, bus, journal, wires, device numbers.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "faults.h"
#include "journal.h"
#include "loop.h"
#include "wire.h"

namespace line {

struct Options {
    int boards = 1;
    double speed = 60;
    std::uint64_t seed = 1;
    std::vector<FaultRule> faults;
    std::filesystem::path dir;
    std::filesystem::path control;
    WireShape wire;
    std::filesystem::path image_old;
    std::filesystem::path board_os;  // empty: units show their gadget, but no OS runs
    bool auto_plug = true;
    double stagger_ms = 150;
    std::string worker_exe = "jetson-usb";
    std::filesystem::path shim;
    bool mount_cgroup = false;
    std::string bus = "testbed";             // or vhci, redir
    std::vector<unsigned> products{0x7e19};  // of the boards in recovery mode, in turn
    double hop_seconds = 0;  // from the host having the last answer until the board leaves the bus
    double initrd_seconds =
        0;  // how long a flashing initrd shows itself before a boot; 0: not at all
};

class Bus;

struct Bench {
    explicit Bench(Options chosen);
    ~Bench();
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    Options options;
    Loop loop;
    Journal journal;
    std::unique_ptr<Bus> bus;
    std::map<int, std::shared_ptr<Wire>> wires;  // by bus
    // Boards on the same bus share its wire.
    const std::shared_ptr<Wire>& wire(int number);
    std::map<int, int> last_devnum;  // by bus
    std::function<void(int hub)> drop_hub;

    // As the kernel counts: up to 127, then the lowest free again; `in_use` are the bus's present
    // numbers.
    std::map<int, std::vector<int>> in_use;
    int next_devnum(int number_of_bus);
    void free_devnum(int number_of_bus, int devnum);
};

}  // namespace line
