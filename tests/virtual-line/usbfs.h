// SPDX-License-Identifier: Apache-2.0
// Answers the usbfs ioctls of other processes: umockdev's preload library in them connects a Unix
// stream socket per opened device node and sends each ioctl as three words; memory of the client is
// read and written by further messages. One thread per open node, so a client that is stopped in
// the middle holds up nobody else. The message form is umockdev 0.16 to 0.19's (its IOCTL_REQ_* and
// IOCTL_RES_*).
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>

#include "loop.h"
#include "usb_node.h"

namespace line {

class Usbfs {
  public:
    explicit Usbfs(Loop& loop);
    ~Usbfs();
    Usbfs(const Usbfs&) = delete;
    Usbfs& operator=(const Usbfs&) = delete;

    // Listens for openers of `node` at `socket`. Must be called before the node is announced: a
    // client that finds the node but no socket is ended by the preload library. Thread: main.
    void listen(const std::filesystem::path& socket, std::shared_ptr<UsbNode> node);
    // Stops listening some time after the node left (late openers get ENODEV, not a death). Thread:
    // main.
    void retire(const std::filesystem::path& socket);

  private:
    struct Connection {
        int fd = -1;
        int pid = 0;
        std::uint64_t id = 0;
        bool closed = false;  // guarded by the node
        std::shared_ptr<UsbNode> node;
    };
    void accept(int listener, const std::shared_ptr<UsbNode>& node);
    static void serve(Connection& connection);

    void close_listener(const std::filesystem::path& socket);

    Loop& loop_;
    std::map<std::filesystem::path, std::pair<int, std::uint64_t>> listeners_;  // descriptor, id
    std::uint64_t next_id_ = 1;
    std::mutex mutex_;
    std::condition_variable ended_;
    std::set<std::shared_ptr<Connection>> open_;
};

}  // namespace line
