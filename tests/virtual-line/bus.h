// SPDX-License-Identifier: Apache-2.0
// Where the devices of the boards show up: on the pretended bus of other processes (testbed_bus),
// on this kernel's own (vhci_bus), or on that of a guest (redir_bus).  Thread: main.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "loop.h"
#include "usb_tree.h"

namespace line {

// A booted unit's looks: a composite gadget with network.
struct GadgetFacts {
    Place where;  // which half of its socket; unused where a gadget has but one
    int devnum = 0;
    std::string serial;
    std::string ifname;  // the host's end that board-os made; unused where a gadget brings its own
    std::filesystem::path folder;  // the board's
};

// A card, and the reader that it is in; or a unit that shows its own storage.
struct CardFacts {
    std::filesystem::path file;
    std::string model = "SD Reader";
    unsigned vendor = 0x05e3, product = 0x0749;
};

class Bus {
  public:
    Bus() = default;
    virtual ~Bus() = default;
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;

    [[nodiscard]] virtual Place place(int board) const = 0;
    // The SuperSpeed half of its socket, where that is played.
    [[nodiscard]] virtual std::optional<Place> twin(int /*board*/) const { return {}; }
    // The answering side is there before the device is announced; returns when that was.
    virtual Clock::time_point arrive(int board, const UsbDevice& device,
                                     std::shared_ptr<UsbNode> node) = 0;
    // `done` gets the index of the unit's network interface (0 = the host gives it one) and when it
    // was announced; it is not called when the board leaves before.
    using Shown = std::function<void(unsigned ifindex, Clock::time_point announced)>;
    virtual void arrive_gadget(int board, const GadgetFacts& facts, Shown done) = 0;
    // Its node has left already. Nothing there: nothing done.
    virtual void leave(int board) = 0;
    // The host has taken notice that the board left; a busy kernel is late at it.
    [[nodiscard]] virtual bool noticed(int /*board*/) const { return true; }
    // What a flashing initrd shows between bootloader and system: false where it is not played.
    virtual bool arrive_initrd(int /*board*/, const GadgetFacts& /*facts*/) { return false; }
    // A card reader with a file as its card, in the board's place; answers the disk's name where it
    // is known. Taken out the reader stays, empty. Errors: std::runtime_error, also where cards are
    // not played.
    virtual std::string insert_card(int board, const CardFacts& facts);
    virtual void take_card(int board, bool with_reader);
    // The unit's own end of its network: does board-os make it, or does the gadget bring it?
    [[nodiscard]] virtual bool brings_network() const { return false; }

    // Hubs of its own: a bus that has none refuses by false.
    virtual bool has_hub(int /*hub*/) const { return true; }
    virtual bool plug_hub(int /*hub*/) { return false; }
    virtual bool unplug_hub(int /*hub*/) { return false; }
    // The board's hub tells that it switched the port off; false where hubs are not played.
    virtual bool over_current(int /*board*/) { return false; }
    // The cables of two boards that are not there now are exchanged; false where they are not.
    virtual bool swap(int /*board*/, int /*other*/) { return false; }
    // What other processes need in their environment.
    [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> environment() const {
        return {};
    }
};

inline std::string Bus::insert_card(int, const CardFacts&) {
    throw std::runtime_error("no cards on this bus");
}
inline void Bus::take_card(int, bool) {}

}  // namespace line
