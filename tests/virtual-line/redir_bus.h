// SPDX-License-Identifier: Apache-2.0
// The bus of a QEMU guest: board n is behind the Unix socket DIR/usb.<n>, which QEMU's usb-redir
// connects to. Who connects has plugged the cable in, who hangs up has pulled it; where that is in
// the guest's tree of hubs is QEMU's business. Boards in recovery mode only.  Thread: main.
#pragma once

#include <map>
#include <memory>

#include "bench.h"
#include "bus.h"

namespace line {

class RedirLink;

class RedirBus : public Bus {
  public:
    // The cable of a board was plugged in (true) or pulled.
    using Cable = std::function<void(int board, bool plugged)>;
    RedirBus(Bench& bench, Cable cable);
    ~RedirBus() override;
    [[nodiscard]] Place place(int board) const override;
    Clock::time_point arrive(int board, const UsbDevice& device,
                             std::shared_ptr<UsbNode> node) override;
    void arrive_gadget(int board, const GadgetFacts& facts, Shown done) override;
    void leave(int board) override;

  private:
    void accept(int board, int listener);
    void hang_up(int board);

    Bench& bench_;
    Cable cable_;
    std::map<int, int> listeners_;
    std::map<int, std::unique_ptr<RedirLink>> links_;
};

}  // namespace line
