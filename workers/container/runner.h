// SPDX-License-Identifier: Apache-2.0
// Where the flash tools of a job run: on the host, or in a container of the profile's image. The
// calls are those of worker::Tool, and mean the same in both: what is frozen stands still, what is
// killed is gone with everything it started. Thread: one.
#pragma once

#include "workers/container/settings.h"
#include "workers/sdk/tool.h"

#include <filesystem>
#include <memory>

namespace lineside::container {

struct Call {
    std::vector<std::string> argv;      // in the lane
    std::vector<std::string> set_env;   // NAME=VALUE, no secret
    std::vector<std::string> drop_env;  // of the host's environment; a container has its own
    base::Secret input = {};
};

class Runner {
  public:
    virtual ~Runner() = default;

    // In a container the lane is not to be looked at meanwhile, but for written(). Errors:
    // tool.missing; of a container those of Containers::run(), lane.failed.
    [[nodiscard]] virtual base::Result<worker::ToolEnd> run(const Call& call,
                                                            const worker::ToolEvents& events) = 0;

    // From the events of run().
    virtual void set_silence(worker::milliseconds limit) = 0;
    [[nodiscard]] virtual base::Status freeze() = 0;  // container.died: it may still be running
    [[nodiscard]] virtual base::Status thaw() = 0;    // container.died
    virtual void kill(worker::Tool::Way way) = 0;

    // Where the files that the tools write are seen while one runs.
    [[nodiscard]] virtual std::filesystem::path written() const = 0;
};

struct ContainerImage {
    std::string reference;
    std::string id;  // "sha256:…" or 64 hex digits
    std::string digest;
};
// Of phase "container", in which the image is fetched, among the phases of the step.
struct PhasePlace {
    int index = 1;
    int of = 1;
    double weight = 1;
};
// Finds the engine, fetches the image where it is not here, compares its digest. Only what the root
// helper allows by LINESIDE_CONTAINERS. Errors: those of Containers::find() and prepare().
[[nodiscard]] base::Result<ContainerImage> fetch_image(worker::Station& station,
                                                       const Settings& settings, PhasePlace place);

// `settings`: none = on the host. `name`: of the container, of letters, digits, '.', '-': one at a
// time has it. Fetches the image as fetch_image() does. Errors: those, and lane.failed.
struct RunnerPlan {
    std::optional<Settings> settings;
    std::string name;
    std::filesystem::path lane;
    std::optional<PhasePlace> phase;  // none: the image was fetched before
};
[[nodiscard]] base::Result<std::unique_ptr<Runner>> make_runner(worker::Station& station,
                                                                const RunnerPlan& plan,
                                                                worker::ToolLimits limits);

}  // namespace lineside::container
