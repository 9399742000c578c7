// SPDX-License-Identifier: Apache-2.0
// The flash tools in a container instead of a folder of the host: finds the engine, fetches the
// image and makes sure which one it is, runs one command in a container of its own that is gone
// afterwards, however it ended. The engine is driven by its command line, never by a shell.
// Thread: one; as workers/sdk/tool.h, no other children meanwhile.
#pragma once

#include "workers/container/engine_words.h"
#include "workers/sdk/tool.h"

namespace lineside::container {

struct ContainerLimits {
    worker::milliseconds ask{20'000};            // an answer of the engine
    worker::milliseconds pull_silence{300'000};  // a layer may take long to unpack
    worker::milliseconds pull{2 * 3'600'000};    // some GB over a slow line
    worker::milliseconds act{15'000};            // docker stops a container in 10 s
};

class Containers {
  public:
    // `env`: of the engine's program; see worker::inherited_env().
    explicit Containers(worker::Station& station, ContainerLimits limits = {});

    // `program`: name or path; "": docker, else podman. Errors: container.missing (none, too old,
    // does not run), container.rights, operator.stopped, station.stopping.
    [[nodiscard]] base::Result<Engine> find(const std::string& program);

    // Fetches the image unless it is here, and compares its digest with `digest` ("": any); reports
    // both as facts. The phase's progress is in layers. Errors: config.invalid, container.pull,
    // container.wrong, container.missing, container.rights, disk.full, what the station said.
    [[nodiscard]] base::Result<Image> prepare(const Engine& engine, const std::string& reference,
                                              const std::string& digest);

    // Runs plan.command in a container of `image`, by `tool`, whose limits and events are the
    // caller's; `input` goes to the command where plan.reads_input. How the command ended is the
    // caller's to judge. A container of that name that was left over is removed before, ours
    // afterwards. Errors: config.invalid, container.died (it was killed, or never began),
    // tool.missing (the image lacks the command), container.missing, container.rights, disk.full.
    [[nodiscard]] base::Result<worker::ToolEnd> run(const Engine& engine, const Image& image,
                                                    const RunPlan& plan, worker::Tool& tool,
                                                    const worker::ToolEvents& events,
                                                    const base::Secret& input = {});

    // Of the container that run() is at, from its events. False: the engine did not do it in time.
    bool pause(const Engine& engine, const std::string& name);
    bool unpause(const Engine& engine, const std::string& name);
    // Kills it and everything in it. False also where there is none of that name.
    bool remove(const Engine& engine, const std::string& name);

  private:
    struct Said {
        worker::ToolEnd end;
        std::string out;   // at most 64 KiB
        std::string last;  // the last line that says something, stderr before stdout
    };
    [[nodiscard]] base::Result<Said> ask(const Argv& argv, worker::ToolLimits limits,
                                         const worker::ToolEvents& events = {});
    [[nodiscard]] worker::ToolLimits ask_limits() const;
    [[nodiscard]] base::Result<std::optional<Image>> inspect(const Engine& engine,
                                                             const std::string& reference);
    [[nodiscard]] base::Status pull(const Engine& engine, const std::string& reference);
    bool act(const Argv& argv);

    worker::Station& station_;
    ContainerLimits limits_;
    std::vector<std::string> env_;
};

}  // namespace lineside::container
