// SPDX-License-Identifier: Apache-2.0
// The control socket: JSON lines in, one JSON line back each; after {"do":"subscribe"} the
// journal's lines too. For tests and people, never for the station.  Thread: main.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "journal.h"
#include "loop.h"

namespace line {

class Control {
  public:
    using Ask = std::function<Json(const Json&)>;
    Control(Loop& loop, Journal& journal, std::filesystem::path socket, Ask ask);
    ~Control();
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

  private:
    struct Caller {
        std::string input;
        int subscription = 0;
    };
    void accept();
    void receive(int fd);
    void close(int fd);

    Loop& loop_;
    Journal& journal_;
    std::filesystem::path socket_;
    Ask ask_;
    int listener_ = -1;
    std::map<int, Caller> callers_;
};

}  // namespace line
