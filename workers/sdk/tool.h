// SPDX-License-Identifier: Apache-2.0
// Runs one vendor tool: own process group, stdin given or empty, stdout and stderr by two pipes.
// Every byte of both is copied to our own stdout (the job's log); lines are cut at \r and \n and
// given to the method. Ends it when the station says stop, when it is silent or too slow, or when
// the method says so; afterwards nothing it started is left, whatever group or session it moved to.
// The method's events may call set_silence, freeze, thaw and kill. Thread: one. One tool at a time;
// REQUIRES: the process has no other children.
#pragma once

#include "station/base/secret.h"
#include "station/base/unique_fd.h"
#include "workers/sdk/station.h"
#include "workers/sdk/tool_lines.h"

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::worker {

struct Command {
    std::vector<std::string> argv;  // argv[0] is looked up from `cwd`, or in PATH if it has no '/'
    std::filesystem::path cwd;
    std::vector<std::string> env;  // NAME=VALUE, complete; see inherited_env()
    base::Secret input{};          // what it reads from stdin, from memory alone; none: /dev/null
};

// Our own environment without `drop` and with `set`.
[[nodiscard]] std::vector<std::string> inherited_env(const std::vector<std::string>& set,
                                                     const std::vector<std::string>& drop = {});

enum class Stream { out, err };

struct ToolLimits {
    milliseconds silence{60'000};  // no byte on either pipe for this long
    milliseconds total{1'800'000};
    milliseconds term_grace{2'000};  // from SIGTERM to SIGKILL
    milliseconds drain{1'000};       // for output after the tool itself has ended
};

struct ToolEnd {
    enum class How {
        exited,     // by itself, with `status`
        signalled,  // by `signal`, not ours
        silent,     // we ended it: no output
        overdue,    // we ended it: took longer than limits.total
        stopped,    // we ended it: the station said stop or is gone
        killed,     // we ended it: the method said kill()
    };
    How how = How::exited;
    int status = 0;
    int signal = 0;
    unsigned orphans = 0;  // processes it left behind, killed by us
    milliseconds took{0};  // frozen time not counted
};

struct ToolEvents {
    std::function<void(Stream stream, std::string_view line)> line;
    std::function<void()> tick;  // after every message of the station, and at least every 100 ms
};

class Tool {
  public:
    Tool(Station& station, ToolLimits limits);

    // Errors: tool.missing (cannot be started).
    [[nodiscard]] Result<ToolEnd> run(const Command& command, const ToolEvents& events);

    void set_silence(milliseconds limit) { limits_.silence = limit; }
    // SIGSTOP to the group; silence and total time stand still until thaw().
    void freeze();
    void thaw();
    enum class Way { politely, at_once };
    void kill(Way way);

  private:
    using Clock = Station::Clock;
    struct Pipe {
        base::UniqueFd fd;
        ToolLines lines;
    };
    Status spawn(const Command& command);
    void read_pipes(const ToolEvents& events);
    void read_pipe(Stream stream, const ToolEvents& events);
    void reap();
    void enforce();
    void end_it(ToolEnd::How how, Way way);
    [[nodiscard]] bool done() const;

    Station& station_;
    ToolLimits limits_;
    // of the running tool
    pid_t pid_ = -1;
    base::UniqueFd pidfd_;
    std::array<Pipe, 2> pipes_;
    bool running_ = false;
    bool ours_ = false;  // we are ending it
    ToolEnd end_;
    Clock::time_point started_;
    Clock::time_point last_byte_;
    Clock::time_point ended_;
    std::optional<Clock::time_point> frozen_;
    std::optional<Clock::time_point> kill_at_;
};

}  // namespace lineside::worker
