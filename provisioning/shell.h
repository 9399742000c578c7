// SPDX-License-Identifier: Apache-2.0
// Running commands on a unit, whatever carries them: SSH in the worker, a local shell in tests. And
// the one function that puts a text into a command line. Thread: one.
#pragma once

#include "station/base/error.h"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace lineside::provisioning {

using std::chrono::milliseconds;

// `text` as one word of a POSIX shell, whatever is in it. The only place where quoting is done.
// REQUIRES: no NUL in it (a command line cannot hold one; what follows a NUL is dropped).
[[nodiscard]] std::string shell_quote(std::string_view text);

enum class Stream { out, err };

struct ExecRequest {
    std::string command;           // for the login shell of the unit
    std::string input;             // its whole stdin; may hold secrets, is never logged
    milliseconds silence{60'000};  // no byte in either direction for this long
    milliseconds total{1'800'000};
    std::size_t keep = 64 * 1024;  // the last bytes of out and err that ExecEnd holds
    bool log_output = true;        // copy both streams to our stdout, the job's log
    // Gets both streams as they come; an error ends the command with it.
    std::function<base::Status(Stream, std::string_view)> on_output;
};

struct ExecEnd {
    enum class How { exited, signalled, silent, overdue };
    How how = How::exited;
    int status = 0;
    std::string signal;  // "KILL", when signalled
    std::string out;     // the last `keep` bytes
    std::string err;
    [[nodiscard]] bool ok() const { return how == How::exited && status == 0; }
    // "ended with 1", "said nothing for 60 s", …
    [[nodiscard]] std::string how_text() const;
};

class Shell {
  public:
    virtual ~Shell() = default;
    // Errors: ssh.lost when the connection broke; what `on_output` or the station said. A command
    // that fails, or is ended for silence, is no error of this function.
    [[nodiscard]] virtual base::Result<ExecEnd> exec(const ExecRequest& request) = 0;
};

}  // namespace lineside::provisioning
