// SPDX-License-Identifier: Apache-2.0
#include "workers/sdk/tool.h"

#include "station/base/spawn_plan.h"
#include "workers/sdk/orphans.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace lineside::worker {
namespace {

constexpr milliseconds kTick{100};
constexpr milliseconds kSweep{2'000};

void copy_to_log(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return;  // the log's reader is gone; check() will say so
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

struct PipeEnds {
    base::UniqueFd read;
    base::UniqueFd write;
};

Result<PipeEnds> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return base::fail_errno("tool.missing", "pipe", errno);
    }
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return PipeEnds{base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

// A file in memory, to be read from its start.
Result<base::UniqueFd> in_memory(const base::Secret& input) {
    base::UniqueFd file(::memfd_create("input", MFD_CLOEXEC));
    const std::string_view text = input.reveal();
    if (!file ||
        ::pwrite(file.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        return base::fail_errno("tool.missing", "the tool's input", errno);
    }
    return file;
}

}  // namespace

std::vector<std::string> inherited_env(const std::vector<std::string>& set,
                                       const std::vector<std::string>& drop) {
    const auto name_of = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
    std::vector<std::string> out;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const auto name = name_of(*entry);
        const auto is_it = [&](const std::string& other) { return name_of(other) == name; };
        if (std::none_of(set.begin(), set.end(), is_it) &&
            std::none_of(drop.begin(), drop.end(), is_it)) {
            out.emplace_back(*entry);
        }
    }
    out.insert(out.end(), set.begin(), set.end());
    return out;
}

Tool::Tool(Station& station, ToolLimits limits) : station_(station), limits_(limits) {
    adopt_orphans();
}

Status Tool::spawn(const Command& command) {
    auto out = make_pipe();
    auto err = make_pipe();
    if (!out || !err) {
        return tl::unexpected(out ? err.error() : out.error());
    }
    base::UniqueFd input;
    if (!command.input.empty()) {
        auto file = in_memory(command.input);
        if (!file) {
            return tl::unexpected(file.error());
        }
        input = std::move(*file);
    }
    base::SpawnPlan plan(POSIX_SPAWN_SETPGROUP);
    if (input) {
        ::posix_spawn_file_actions_adddup2(plan.actions(), input.get(), STDIN_FILENO);
    } else {
        ::posix_spawn_file_actions_addopen(plan.actions(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }
    ::posix_spawn_file_actions_adddup2(plan.actions(), out->write.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(plan.actions(), err->write.get(), STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(plan.actions(), 3);
    ::posix_spawn_file_actions_addchdir_np(plan.actions(), command.cwd.c_str());
    const auto argv = base::exec_list(command.argv);
    const auto env = base::exec_list(command.env);
    const int error =
        ::posix_spawnp(&pid_, argv[0], plan.actions(), plan.attributes(), argv.data(), env.data());
    if (error != 0) {
        return base::fail_errno("tool.missing", fmt::format("starting {}", command.argv[0]), error);
    }
    pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    pipes_[0] = Pipe{std::move(out->read), ToolLines()};
    pipes_[1] = Pipe{std::move(err->read), ToolLines()};
    running_ = true;
    ours_ = false;
    end_ = {};
    frozen_.reset();
    kill_at_.reset();
    started_ = last_byte_ = Clock::now();
    return {};
}

Result<ToolEnd> Tool::run(const Command& command, const ToolEvents& events) {
    if (auto spawned = spawn(command); !spawned) {
        return tl::unexpected(spawned.error());
    }
    while (!done()) {
        std::array<pollfd, 3> fds{pollfd{pipes_[0].fd.get(), POLLIN, 0},
                                  pollfd{pipes_[1].fd.get(), POLLIN, 0},
                                  pollfd{running_ ? pidfd_.get() : -1, POLLIN, 0}};
        station_.wait(fds, kTick);
        read_pipes(events);
        reap();
        if (events.tick) {
            events.tick();
        }
        enforce();
        station_.keep_alive();
    }
    for (Pipe& pipe : pipes_) {
        const auto stream = &pipe == pipes_.data() ? Stream::out : Stream::err;
        pipe.lines.finish([&](std::string_view line) {
            if (events.line) {
                events.line(stream, line);
            }
        });
        pipe.fd.reset();
    }
    ::kill(-pid_, SIGKILL);
    end_.orphans = kill_children(kSweep, ours_ ? pid_ : 0);
    end_.took = std::chrono::duration_cast<milliseconds>(ended_ - started_);
    return end_;
}

bool Tool::done() const {
    const bool drained = !pipes_[0].fd && !pipes_[1].fd;
    return !running_ && (ours_ || drained || Clock::now() - ended_ >= limits_.drain);
}

void Tool::read_pipes(const ToolEvents& events) {
    read_pipe(Stream::out, events);
    read_pipe(Stream::err, events);
}

void Tool::read_pipe(Stream stream, const ToolEvents& events) {
    Pipe& pipe = pipes_[stream == Stream::out ? 0 : 1];
    std::array<char, 64 * 1024> bytes;  // NOLINT: filled by read
    // Not for ever: a flooding tool must not keep us from stop messages and from its own limits.
    for (int rounds = 0; pipe.fd && rounds < 16; ++rounds) {
        const auto got = ::read(pipe.fd.get(), bytes.data(), bytes.size());
        if (got < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                pipe.fd.reset();
            }
            return;
        }
        if (got == 0) {
            pipe.fd.reset();
            return;
        }
        const std::string_view chunk(bytes.data(), static_cast<std::size_t>(got));
        last_byte_ = Clock::now();
        copy_to_log(chunk);
        pipe.lines.push(chunk, [&](std::string_view line) {
            if (events.line) {
                events.line(stream, line);
            }
        });
    }
}

// Reaps the tool and every orphan that became ours.
void Tool::reap() {
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != pid_ || !running_) {
            continue;
        }
        running_ = false;
        ended_ = Clock::now();
        if (ours_) {
            continue;
        }
        end_.how = WIFSIGNALED(status) ? ToolEnd::How::signalled : ToolEnd::How::exited;
        end_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        end_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    }
}

void Tool::enforce() {
    const auto now = Clock::now();
    if (!running_) {
        return;
    }
    if (kill_at_) {
        if (now >= *kill_at_) {
            ::kill(-pid_, SIGKILL);
        }
        return;
    }
    if (frozen_) {
        return;
    }
    if (!station_.check()) {
        end_it(ToolEnd::How::stopped, Way::politely);
    } else if (now - last_byte_ >= limits_.silence) {
        end_it(ToolEnd::How::silent, Way::politely);
    } else if (now - started_ >= limits_.total) {
        end_it(ToolEnd::How::overdue, Way::politely);
    }
}

void Tool::end_it(ToolEnd::How how, Way way) {
    if (!running_ || (ours_ && way == Way::politely)) {
        return;
    }
    if (!ours_) {
        ours_ = true;
        end_.how = how;
    }
    const bool polite = way == Way::politely;
    ::kill(-pid_, polite ? SIGTERM : SIGKILL);
    thaw();
    kill_at_ = Clock::now() + (polite ? limits_.term_grace : milliseconds::zero());
}

void Tool::freeze() {
    if (running_ && !frozen_) {
        ::kill(-pid_, SIGSTOP);
        frozen_ = Clock::now();
    }
}

void Tool::thaw() {
    if (frozen_) {
        const auto stood = Clock::now() - *frozen_;
        started_ += stood;
        last_byte_ += stood;
        frozen_.reset();
        ::kill(-pid_, SIGCONT);
    }
}

void Tool::kill(Way way) {
    end_it(ToolEnd::How::killed, way);
}

}  // namespace lineside::worker
