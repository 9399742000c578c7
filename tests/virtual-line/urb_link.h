// SPDX-License-Identifier: Apache-2.0
// A node at the end of a wire that carries whole transfers (usbip, usbredir). Each transfer is
// given back exactly once, cancelled or not, by a thread of the link's own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "usb_node.h"

namespace line {

class UrbLink {
  public:
    explicit UrbLink(std::shared_ptr<UsbNode> node);
    // A link that has begun must be ended by its owner, before what give_back() uses is gone.
    virtual ~UrbLink();
    UrbLink(const UrbLink&) = delete;
    UrbLink& operator=(const UrbLink&) = delete;

  protected:
    void begin();
    void end();
    // The number is the wire's, never 0. What the node refuses is given back too.  Thread: one.
    void submit(std::uint64_t number, bool in, Bytes out, std::size_t want);
    // False when the transfer was given back before; else `tag` comes with it.  Thread: submit's.
    bool cancel(std::uint64_t number, std::uint64_t tag);
    // Status 0 or a negative errno, -ENOENT for a cancelled one; `tag` is cancel()'s, 0 for none.
    // Called under a lock: the order of what is given back is the wire's.  Thread: the link's, or
    // submit's.
    virtual void give_back(const Transfer& transfer, std::uint64_t tag) = 0;

    UsbNode& node() { return *node_; }

  private:
    void reap();
    void finish(const Transfer& transfer);

    const std::shared_ptr<UsbNode> node_;
    bool closed_ = false;  // guarded by the node
    std::mutex mutex_;
    std::map<std::uint64_t, std::uint64_t> under_way_;  // number -> tag
    std::thread thread_;
};

}  // namespace line
