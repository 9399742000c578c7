// SPDX-License-Identifier: Apache-2.0
// One connection of QEMU's usb-redir, by usbredir's own parser: devices come and go on it.  Thread:
// main; answers to transfers, which a thread of each device finds, are posted to it.
#pragma once

#include <usbredirparser.h>

#include <memory>

#include "loop.h"
#include "usb_tree.h"

namespace line {

class RedirLink {
  public:
    // Takes over `fd`.
    RedirLink(Loop& loop, int fd);
    ~RedirLink();
    RedirLink(const RedirLink&) = delete;
    RedirLink& operator=(const RedirLink&) = delete;

    [[nodiscard]] int fd() const { return fd_; }
    // Reads what came; false when the other end has hung up.
    bool read();
    void arrive(const UsbDevice& device, std::shared_ptr<UsbNode> node);
    void leave();

  private:
    class Device;
    struct Free {
        void operator()(usbredirparser* parser) const { usbredirparser_destroy(parser); }
    };
    static RedirLink& self(void* priv) { return *static_cast<RedirLink*>(priv); }
    void set_callbacks();
    void connect();
    void control(std::uint64_t id, usb_redir_control_packet_header& header);
    void bulk(std::uint64_t id, const usb_redir_bulk_packet_header& header, Bytes data);
    void flush();

    Loop& loop_;
    const int fd_;
    std::unique_ptr<usbredirparser, Free> parser_;
    bool greeted_ = false;
    bool told_ = false;  // the guest's side knows of the device
    std::shared_ptr<Device> device_;
};

}  // namespace line
