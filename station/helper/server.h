// SPDX-License-Identifier: Apache-2.0
// The helper's socket and loop: accepts the service (and root), nobody else, reads one request per
// packet, and hands it to Jobs.
// Thread: the only one. run() returns at SIGTERM or SIGINT, after all jobs are dead.
#pragma once

#include "station/helper/jobs.h"

#include <deque>
#include <map>
#include <memory>
#include <string>

namespace lineside::helper {

class Server {
  public:
    explicit Server(const Config& config);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    [[nodiscard]] base::Status open();
    void run();

  private:
    struct Connection {
        base::UniqueFd fd;
        std::deque<std::string> unsent;
        bool broken = false;
    };
    void accept_one();
    void receive(std::uint64_t id);
    void handle(Caller caller, Request request, std::vector<base::UniqueFd> fds);
    void send(std::uint64_t id, const base::Json& packet);
    void flush(Connection& connection);
    void close_broken();
    [[nodiscard]] bool wait_once(int timeout_ms);

    const Config& config_;
    Jobs jobs_;
    base::UniqueFd listener_;
    base::UniqueFd signals_;
    base::UniqueFd mounts_;  // /proc/self/mountinfo, "readable" when a mount came or went
    std::map<std::uint64_t, Connection> connections_;
    std::uint64_t next_connection_ = 1;
};

}  // namespace lineside::helper
