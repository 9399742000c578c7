// SPDX-License-Identifier: Apache-2.0
// The pretended bus: controllers, hubs and boards in umockdev's testbed, which other processes see
// through its preload library.  Thread: main.
#pragma once

#include <map>
#include <optional>

#include "bench.h"
#include "bus.h"
#include "loop_disk.h"
#include "testbed.h"
#include "usbfs.h"

namespace line {

class TestbedBus : public Bus {
  public:
    // Root hubs and hubs for `boards` are there when this returns.
    TestbedBus(Bench& bench, std::filesystem::path root);
    [[nodiscard]] Place place(int board) const override { return board_place(board); }
    [[nodiscard]] std::optional<Place> twin(int board) const override {
        return twin_place(board_place(board));
    }
    Clock::time_point arrive(int board, const UsbDevice& device,
                             std::shared_ptr<UsbNode> node) override;
    void arrive_gadget(int board, const GadgetFacts& facts, Shown done) override;
    void leave(int board) override;
    std::string insert_card(int board, const CardFacts& facts) override;
    void take_card(int board, bool with_reader) override;
    bool has_hub(int hub) const override;
    bool plug_hub(int hub) override;
    bool unplug_hub(int hub) override;
    bool over_current(int board) override;
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> environment() const override;

  private:
    struct HubHalf {
        Place where;
        UsbDevice device;
        int devnum = 0;
    };
    using Hub = std::vector<HubHalf>;  // none: not plugged in
    struct Present {
        UsbDevice device;
        std::shared_ptr<UsbNode> node;
        std::optional<SysDevice> net;
    };
    struct Reader {
        int devnum = 0;
        SysDevice scsi;
        std::unique_ptr<LoopDisk> card;
        std::optional<SysDevice> disk;
    };
    // A hub, root hub or not, with its ports.
    void add_hub(const UsbDevice& device, const Place& where, int ports);
    void remove_disk(Reader& reader);

    Bench& bench_;
    Testbed testbed_;
    Usbfs usbfs_;
    std::map<int, Hub> hubs_;
    std::map<int, Present> present_;  // by board
    std::map<int, Reader> readers_;   // likewise
};

}  // namespace line
