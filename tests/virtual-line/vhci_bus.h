// SPDX-License-Identifier: Apache-2.0
// This kernel's own bus: board n is plugged into high-speed port n of its vhci_hcd controllers, in
// recovery mode by usbip, booted and in the flashing initrd as a gadget of usbip-vudc at the same
// port. Needs the modules vhci-hcd, usbip-vudc (num = boards) and libcomposite, and configfs
// mounted. No hubs: the kernel's vhci has none.  Errors: std::runtime_error.  Thread: main.
#pragma once

#include <map>
#include <memory>

#include "bench.h"
#include "bus.h"
#include "gadget.h"
#include "usbip_link.h"

namespace line {

class VhciBus : public Bus {
  public:
    explicit VhciBus(Bench& bench);
    ~VhciBus() override;
    [[nodiscard]] Place place(int board) const override;
    Clock::time_point arrive(int board, const UsbDevice& device,
                             std::shared_ptr<UsbNode> node) override;
    void arrive_gadget(int board, const GadgetFacts& facts, Shown done) override;
    bool arrive_initrd(int board, const GadgetFacts& facts) override;
    void leave(int board) override;
    [[nodiscard]] bool noticed(int board) const override;
    // Takes no notice of when the kernel has found the disk, nor of its name: "".
    std::string insert_card(int board, const CardFacts& facts) override;
    void take_card(int board, bool with_reader) override;
    [[nodiscard]] bool brings_network() const override { return true; }
    bool has_hub(int /*hub*/) const override { return true; }
    bool swap(int board, int other) override;

  private:
    struct Controller {
        int bus = 0;  // of its high-speed half
        int number = 0;
    };
    struct Present {
        std::unique_ptr<UsbipLink> link;
        std::unique_ptr<Gadget> gadget;
    };
    // Plugs the other end of a new socket pair in; returns ours.
    int plug(int board);
    void join_gadget(int board);
    // usbip loses a gadget at times while it is enumerated ("cannot find a urb of seqnum …" in the
    // kernel's log, and the port is empty): it is plugged in again then, as often as that.
    void keep_gadget(int board, const Gadget* which, int tries);
    [[nodiscard]] int flat_port(int board) const;
    [[nodiscard]] int port_of(int board) const;  // from 0

    Bench& bench_;
    std::vector<Controller> controllers_;
    std::map<int, Present> present_;
    std::map<int, int>
        cables_;  // board -> the board whose port it is at, where cables were swapped
};

}  // namespace line
