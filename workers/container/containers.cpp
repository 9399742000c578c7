// SPDX-License-Identifier: Apache-2.0
#include "workers/container/containers.h"

#include "station/base/spawn_plan.h"
#include "station/base/text.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lineside::container {
namespace {

using base::Result;
using base::Status;
using worker::Stream;
using worker::ToolEnd;
using How = ToolEnd::How;

constexpr std::size_t kKeep = 64 * 1024;
constexpr std::size_t kKeepLine = 400;

// docker-run(1), podman-run(1): statuses that are the engine's, not the command's.
constexpr int kEngineFailed = 125;
constexpr int kNotRunnable = 126;
constexpr int kNotThere = 127;
constexpr int kKilled = 137;  // 128 + SIGKILL: by hand, or for want of memory

std::string shown(std::string_view line) {
    std::string text(base::trim_blanks(line.substr(0, kKeepLine)));
    for (char& c : text) {
        c = static_cast<unsigned char>(c) < 0x20 || c == '\x7f' ? ' ' : c;
    }
    return text;
}

Status stopped(worker::Station& station, const ToolEnd& end) {
    if (end.how == How::stopped) {
        if (auto said = station.check(); !said) {
            return said;
        }
        return base::fail("station.stopping");
    }
    return {};
}

}  // namespace

Containers::Containers(worker::Station& station, ContainerLimits limits)
    : station_(station),
      limits_(limits),
      // The engine of this host and no other, whatever the environment says.
      env_(worker::inherited_env(
          {}, {"DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST", "CONTAINER_CONNECTION"})) {}

worker::ToolLimits Containers::ask_limits() const {
    worker::ToolLimits limits;
    limits.silence = limits_.ask;
    limits.total = limits_.ask;
    return limits;
}

Result<Containers::Said> Containers::ask(const Argv& argv, worker::ToolLimits limits,
                                         const worker::ToolEvents& events) {
    Said said;
    std::string last_out;
    worker::ToolEvents mine;
    mine.tick = [&] { station_.keep_alive(); };
    mine.line = [&](Stream stream, std::string_view line) {
        if (stream == Stream::out && said.out.size() + line.size() < kKeep) {
            said.out.append(line).append("\n");
        }
        if (std::string text = shown(line); !text.empty()) {
            // "See 'docker run --help'." is the last line of most complaints, and none itself.
            const bool help = text.find("--help") != std::string::npos;
            (stream == Stream::err && !help ? said.last : last_out) = std::move(text);
        }
        if (events.line) {
            events.line(stream, line);
        }
    };
    worker::Tool tool(station_, limits);
    auto end = tool.run({argv, "/", env_}, mine);
    if (!end) {
        return tl::unexpected(end.error());
    }
    if (auto on = stopped(station_, *end); !on) {
        return tl::unexpected(on.error());
    }
    said.end = *end;
    said.last = said.last.empty() ? last_out : said.last;
    if (said.end.how == How::silent || said.end.how == How::overdue) {
        said.last = "it did not answer in time";
    }
    return said;
}

Result<Engine> Containers::find(const std::string& program) {
    const std::vector<std::string> tried =
        program.empty() ? std::vector<std::string>{"docker", "podman"} : std::vector{program};
    for (const std::string& each : tried) {
        auto named = ask(name_argv(each), ask_limits());
        if (!named && named.error().code == "tool.missing") {
            continue;
        }
        if (!named) {
            return tl::unexpected(named.error());
        }
        if (named->end.how != How::exited || named->end.status != 0) {
            return tl::unexpected(engine_error(named->last, "container.missing", "asking " + each));
        }
        auto engine = parse_name(each, named->out);
        if (!engine) {
            return engine;
        }
        auto works = ask(probe_argv(*engine), ask_limits());
        if (!works) {
            return tl::unexpected(works.error());
        }
        if (works->end.how != How::exited || works->end.status != 0) {
            return tl::unexpected(engine_error(works->last, "container.missing", "asking " + each));
        }
        if (engine->kind == Kind::podman && works->out.find("true") != std::string::npos) {
            return base::fail("container.rights",
                              each + " runs without root here, so it cannot give away USB devices");
        }
        return engine;
    }
    return base::fail("container.missing",
                      fmt::format("{} is not installed", fmt::join(tried, " or ")));
}

Result<std::optional<Image>> Containers::inspect(const Engine& engine,
                                                 const std::string& reference) {
    auto said = ask(inspect_argv(engine, reference), ask_limits());
    if (!said) {
        return tl::unexpected(said.error());
    }
    if (said->end.how == How::exited && said->end.status == 0) {
        auto image = parse_inspect(said->out);
        if (!image) {
            return base::fail("container.wrong",
                              fmt::format("{} told about image {} what nobody understands",
                                          engine.program, reference));
        }
        return image;
    }
    const std::string small = base::to_lower_ascii(said->last);
    for (const std::string_view none :
         {"no such image", "no such object", "image not known", "failed to find image"}) {
        if (small.find(none) != std::string::npos) {
            return std::optional<Image>();
        }
    }
    return tl::unexpected(
        engine_error(said->last, "container.missing", "looking for image " + reference));
}

Status Containers::pull(const Engine& engine, const std::string& reference) {
    PullProgress progress;
    worker::ToolEvents events;
    events.line = [&](Stream /*stream*/, std::string_view line) {
        progress.line(line);
        if (progress.layers() > 0) {
            station_.progress(progress.done(), progress.layers(), "layers");
        }
    };
    worker::ToolLimits limits;
    limits.silence = limits_.pull_silence;
    limits.total = limits_.pull;
    auto said = ask(pull_argv(engine, reference), limits, events);
    if (!said) {
        return tl::unexpected(said.error());
    }
    if (said->end.how == How::exited && said->end.status == 0) {
        return {};
    }
    return tl::unexpected(
        engine_error(said->last, "container.pull", "fetching image " + reference));
}

Result<Image> Containers::prepare(const Engine& engine, const std::string& reference,
                                  const std::string& digest) {
    if (!is_reference(reference)) {
        return base::fail("config.invalid",
                          "a container image must be named as name:tag or name@sha256:…");
    }
    if (!digest.empty() && !is_digest(digest)) {
        return base::fail("config.invalid",
                          "a container image's digest must be sha256: and 64 "
                          "small hex digits");
    }
    auto here = inspect(engine, reference);
    if (here && !*here) {
        if (auto pulled = pull(engine, reference); !pulled) {
            return tl::unexpected(pulled.error());
        }
        here = inspect(engine, reference);
        if (here && !*here) {
            return base::fail(
                "container.pull",
                fmt::format("{} fetched image {}, and it is not there", engine.program, reference));
        }
    }
    if (!here) {
        return tl::unexpected(here.error());
    }
    Image& image = **here;
    const bool same =
        digest.empty() || image.id == digest || "sha256:" + image.id == digest ||
        std::find(image.digests.begin(), image.digests.end(), digest) != image.digests.end();
    const std::string is = image.digests.empty() ? image.id : image.digests.front();
    if (!same) {
        return base::fail("container.wrong", fmt::format("Image {} has digest {}, wanted is {}",
                                                         reference, is, digest));
    }
    image.digest = digest.empty() ? is : digest;
    station_.fact("container_image", reference);
    station_.fact("container_digest", image.digest);
    return image;
}

Result<ToolEnd> Containers::run(const Engine& engine, const Image& image, const RunPlan& plan,
                                worker::Tool& tool, const worker::ToolEvents& events,
                                const base::Secret& input) {
    if (auto good = check_plan(plan); !good) {
        return tl::unexpected(good.error());
    }
    remove(engine, plan.name);
    std::string last;
    worker::ToolEvents mine = events;
    mine.line = [&](Stream stream, std::string_view line) {
        std::string text = shown(line);
        if (stream == Stream::err && !text.empty() && text.find("--help") == std::string::npos) {
            last = std::move(text);
        }
        if (events.line) {
            events.line(stream, line);
        }
    };
    auto end = tool.run({run_argv(engine, image.id, plan), "/", env_, input}, mine);
    if (!end) {
        return base::fail("container.missing", end.error().message);
    }
    const bool by_itself = end->how == How::exited;
    if (!by_itself || end->status == kEngineFailed || end->status == kKilled) {
        // The engine's program may be gone while the container goes on writing to the unit.
        remove(engine, plan.name);
    }
    if (end->how == How::signalled) {
        return base::fail("container.died", fmt::format("{} was killed by signal {} while {} ran",
                                                        engine.program, end->signal, plan.name));
    }
    if (by_itself && end->status == kKilled) {
        return base::fail("container.died",
                          fmt::format("Container {} was killed: {}", plan.name,
                                      last.empty() ? "perhaps the host's memory is full" : last));
    }
    if (by_itself && end->status == kEngineFailed) {
        return tl::unexpected(
            engine_error(last, "container.died", "starting container " + plan.name));
    }
    if (by_itself && (end->status == kNotRunnable || end->status == kNotThere)) {
        return base::fail("tool.missing",
                          fmt::format("Container image has no {} that can be run: {}",
                                      plan.command.front(), last));
    }
    return end;
}

bool Containers::pause(const Engine& engine, const std::string& name) {
    return act(pause_argv(engine, name));
}

bool Containers::unpause(const Engine& engine, const std::string& name) {
    return act(unpause_argv(engine, name));
}

bool Containers::remove(const Engine& engine, const std::string& name) {
    return act(remove_argv(engine, name));
}

// Not by Tool: it must happen although the station said stop, and while a tool runs.
bool Containers::act(const Argv& argv) {
    base::SpawnPlan plan(POSIX_SPAWN_SETPGROUP);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        ::posix_spawn_file_actions_addopen(plan.actions(), fd, "/dev/null", O_RDWR, 0);
    }
    ::posix_spawn_file_actions_addclosefrom_np(plan.actions(), 3);
    pid_t pid = -1;
    if (::posix_spawnp(&pid, argv.front().c_str(), plan.actions(), plan.attributes(),
                       base::exec_list(argv).data(), base::exec_list(env_).data()) != 0) {
        return false;
    }
    const base::UniqueFd ended(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    pollfd ready{ended.get(), POLLIN, 0};
    const auto until = worker::Station::Clock::now() + limits_.act;
    while (::poll(&ready, 1, 250) <= 0) {
        station_.keep_alive();
        if (worker::Station::Clock::now() >= until) {
            station_.log("warn", fmt::format("{} did not end in time", fmt::join(argv, " ")));
            ::kill(-pid, SIGKILL);
            break;
        }
    }
    int status = -1;
    return ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace lineside::container
