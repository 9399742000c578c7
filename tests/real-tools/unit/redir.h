// SPDX-License-Identifier: Apache-2.0
// A module on QEMU's usb-redir: the wire of one device, as usbredir's protocol carries it.
#pragma once

#include "tests/real-tools/unit/module.h"

#include <usbredirparser.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>

namespace lineside::real_tools {

class Redir {
  public:
    Redir(int fd, Module& module);
    void serve();  // until the other end is gone

  private:
    struct Free {
        void operator()(usbredirparser* parser) const { usbredirparser_destroy(parser); }
    };
    struct Waiting {  // a bulk IN request; unanswered it is an endpoint that says "not yet"
        std::uint64_t id;
        usb_redir_bulk_packet_header header;
    };
    static Redir& self(void* priv) { return *static_cast<Redir*>(priv); }

    void set_callbacks();
    void connect();
    void control(std::uint64_t id, usb_redir_control_packet_header& header);
    void bulk(std::uint64_t id, usb_redir_bulk_packet_header& header, std::string_view data);
    void cancel(std::uint64_t id);
    void answer_waiting();
    void come_and_go();
    [[nodiscard]] int wait_ms() const;

    int fd_;
    Module& module_;
    std::unique_ptr<usbredirparser, Free> parser_;
    std::deque<Waiting> waiting_;
    bool on_bus_ = false;
};

}  // namespace lineside::real_tools
