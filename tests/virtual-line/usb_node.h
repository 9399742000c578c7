// SPDX-License-Identifier: Apache-2.0
// One enumeration of one device: what stands behind /dev/bus/usb/BBB/DDD from plug to unplug. It
// holds the claims, the transfers under way and the thread that moves them over the wire into the
// device's function. A later enumeration of the same board is another node.  Thread: any, except
// where said.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "wire.h"

namespace line {

using Bytes = std::vector<std::uint8_t>;

// What a device does with its endpoints; called by the node's own thread only, except control().
class UsbFunction {
  public:
    virtual ~UsbFunction() = default;
    virtual void out(std::span<const std::uint8_t> bytes) = 0;
    // Fills what it has to say into `room`; 0 = nothing yet (the host waits).
    virtual std::size_t in(std::span<std::uint8_t> room) = 0;
    // Takes and gives nothing before this moment.
    virtual Clock::time_point ready_at() const { return {}; }
    // Takes and gives nothing for ever.
    virtual bool silent() const { return false; }
    // A vendor request to the host; nothing = stall.  Thread: any.
    virtual std::optional<Bytes> control(std::uint8_t /*request*/) { return std::nullopt; }
};

struct Transfer {
    bool in = false;
    Bytes data;            // OUT: what to send; IN: what came
    std::size_t want = 0;  // IN: the most that may come
    std::size_t actual = 0;
    int status = 0;  // 0 or a negative errno, as in a URB
    bool done = false;
    bool discarded = false;
    std::uint64_t owner = 0;  // the connection
    std::uint64_t urb = 0;    // addresses in the client, 0 for a synchronous transfer
    std::uint64_t buffer = 0;
};
using TransferPtr = std::shared_ptr<Transfer>;

class UsbNode {
  public:
    struct Descriptors {
        Bytes device;                      // 18 bytes
        Bytes configuration;               // with all interfaces and endpoints
        std::vector<std::string> strings;  // index 1 and on
    };
    // `function` and `wire` may be null: a hub or a gadget that nobody sends bulk data to.
    UsbNode(Descriptors descriptors, std::shared_ptr<UsbFunction> function,
            std::shared_ptr<Wire> wire);
    ~UsbNode();
    UsbNode(const UsbNode&) = delete;
    UsbNode& operator=(const UsbNode&) = delete;

    // All of these return 0 or an errno.
    int claim(std::uint64_t owner, int pid, unsigned interface);
    int release(std::uint64_t owner, unsigned interface);
    int submit(const TransferPtr& transfer, int pid);
    int discard(std::uint64_t owner, std::uint64_t urb);
    // Waits until the transfer is done, `timeout` (zero: none) passed (ETIMEDOUT) or `closed`
    // became true.
    int wait(const TransferPtr& transfer, std::chrono::milliseconds timeout, const bool& closed);
    // The next finished URB of `owner`; null with EAGAIN after `timeout`, with ENODEV when the
    // device left.
    std::pair<TransferPtr, int> reap(std::uint64_t owner,
                                     std::optional<std::chrono::milliseconds> timeout,
                                     const bool& closed);
    // The data of a control-IN, or a negative errno in `error`.
    Bytes control(std::uint8_t type, std::uint8_t request, std::uint16_t value,
                  std::uint16_t length, int& error);

    // A URB that needed no endpoint (control) is over.
    void complete(const TransferPtr& transfer, int status);
    // The connection is gone: its claims and transfers too.
    void close(std::uint64_t owner);
    void mark_closed(bool& closed);
    // The device leaves the bus: everything under way fails; when this returns, nothing more
    // reaches the function. Thread: main (it waits for the node's own).
    void leave();
    bool gone() const;
    // Who has the interface claimed, 0 if nobody.
    int claimant() const;
    Bytes raw_descriptors() const;

  private:
    void run();
    void finish(const TransferPtr& transfer, int status);
    bool feed(std::unique_lock<std::mutex>& lock);
    bool drain();

    const Descriptors descriptors_;
    const std::shared_ptr<UsbFunction> function_;
    const std::shared_ptr<Wire> wire_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool gone_ = false;
    struct Claim {
        std::uint64_t owner;
        int pid;
    };
    std::map<unsigned, Claim> claims_;
    std::deque<TransferPtr> out_;
    std::deque<TransferPtr> in_;
    std::deque<TransferPtr> finished_;  // URBs to be reaped
    std::thread thread_;
};

}  // namespace line
