// SPDX-License-Identifier: Apache-2.0
// The whole line: controllers, hubs and boards from start to end, and what the control socket may
// ask of them. Thread: main.
#pragma once

#include <memory>
#include <vector>

#include "bench.h"
#include "board.h"
#include "control.h"

namespace line {

class Line {
  public:
    Line(Options options, std::filesystem::path testbed_root);
    ~Line();
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    // Runs until SIGTERM, SIGINT or a `stop` on the control socket.
    void run();
    // Answers one request of the control socket.
    Json ask(const Json& request);

  private:
    void make_bus(std::filesystem::path testbed_root);
    void write_env();
    void mount_cgroup();
    void drop_hub(int hub);
    void auto_plug();
    void shut_down();
    Json replace(Board& board);
    Json card(const Board& board, const std::string& verb, const Json& request);
    Board* board_of(const Json& request);

    std::unique_ptr<Bench> bench_;
    int hubs_ = 0;
    std::vector<std::unique_ptr<Board>> boards_;
    std::vector<std::unique_ptr<Board>> retired_;  // timers of theirs may still run out
    std::unique_ptr<Control> control_;
    int signals_ = -1;
    bool ending_ = false;
    int left_to_stop_ = 0;
};

// How many hubs a line of that many boards has.
int hub_count(int boards);

}  // namespace line
