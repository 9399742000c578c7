// SPDX-License-Identifier: Apache-2.0
// What the boards of one line share: options, main loop, testbed, sockets, journal, wires, device
// numbers.
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
#include "testbed.h"
#include "usbfs.h"
#include "wire.h"

namespace line {

struct Options {
    int boards = 1;
    double speed = 60;
    std::uint64_t seed = 1;
    std::vector<FaultRule> faults;
    std::filesystem::path dir;
    std::filesystem::path control;
    double wire_mbps = 40;
    std::filesystem::path image_old;
    std::filesystem::path board_os;  // empty: units show their gadget, but no OS runs
    bool auto_plug = true;
    double stagger_ms = 150;
    std::string worker_exe = "jetson-usb";
    std::filesystem::path shim;
    bool mount_cgroup = false;
};

struct Bench {
    Bench(Options chosen, std::filesystem::path testbed_root)
        : options(std::move(chosen)),
          journal(options.dir / "journal.jsonl"),
          testbed(loop, std::move(testbed_root)),
          usbfs(loop) {}

    Options options;
    Loop loop;
    Journal journal;
    Testbed testbed;
    Usbfs usbfs;
    std::map<int, std::shared_ptr<Wire>> wires;  // by bus
    std::map<int, int> last_devnum;              // by bus
    std::function<void(int hub)> drop_hub;

    // As the kernel counts: up to 127, then the lowest free again; `in_use` are the bus's present
    // numbers.
    std::map<int, std::vector<int>> in_use;
    int next_devnum(int bus);
    void free_devnum(int bus, int devnum);
};

}  // namespace line
