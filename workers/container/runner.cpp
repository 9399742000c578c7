// SPDX-License-Identifier: Apache-2.0
#include "workers/container/runner.h"

#include "workers/container/containers.h"
#include "workers/container/host_lane.h"

#include <cstdlib>

namespace lineside::container {
namespace {

using base::Result;
using base::Status;
using worker::Station;
using worker::Tool;
using worker::ToolEnd;
namespace fs = std::filesystem;

class OnHost final : public Runner {
  public:
    OnHost(Station& station, fs::path lane, worker::ToolLimits limits)
        : lane_(std::move(lane)), tool_(station, limits) {}

    Result<ToolEnd> run(const Call& call, const worker::ToolEvents& events) override {
        return tool_.run(
            {call.argv, lane_, worker::inherited_env(call.set_env, call.drop_env), call.input},
            events);
    }
    void set_silence(worker::milliseconds limit) override { tool_.set_silence(limit); }
    Status freeze() override {
        tool_.freeze();
        return {};
    }
    Status thaw() override {
        tool_.thaw();
        return {};
    }
    void kill(Tool::Way way) override { tool_.kill(way); }
    [[nodiscard]] fs::path written() const override { return lane_; }

  private:
    fs::path lane_;
    Tool tool_;
};

struct Ready {
    Engine engine;
    Image image;
};

Result<Ready> ready_image(Containers& containers, Station& station, const Settings& settings,
                          const std::optional<PhasePlace>& place) {
    // The service, which is not root, says which image; root says which ones it may say.
    const char* allowed = std::getenv("LINESIDE_CONTAINERS");
    if (!is_allowed(settings.image, allowed == nullptr ? "" : allowed)) {
        return base::fail("container.rights",
                          fmt::format("Image {} may not be run as root here; add its name to "
                                      "`containers` in helper.toml",
                                      settings.image));
    }
    if (place) {
        station.phase("container", place->index, place->of, place->weight);
    }
    auto engine = containers.find(settings.engine);
    if (!engine) {
        return tl::unexpected(engine.error());
    }
    auto image = containers.prepare(*engine, settings.image, settings.digest);
    if (!image) {
        return tl::unexpected(image.error());
    }
    return Ready{std::move(*engine), std::move(*image)};
}

class InContainer final : public Runner {
  public:
    InContainer(Station& station, Ready ready, std::string name, HostLane lane,
                worker::ToolLimits limits)
        : containers_(station),
          ready_(std::move(ready)),
          name_(std::move(name)),
          lane_(std::move(lane)),
          tool_(station, limits) {}

    Result<ToolEnd> run(const Call& call, const worker::ToolEvents& events) override {
        RunPlan plan;
        plan.name = name_;
        plan.tree = lane_.tree;
        plan.folder = lane_.seen;
        if (lane_.overlay) {
            plan.layer = lane_.folder;
        } else {
            plan.writable = {{lane_.folder / "copy", lane_.seen}};
        }
        plan.env = call.set_env;
        plan.reads_input = !call.input.empty();
        plan.command = call.argv;
        LentLane lent(lane_);
        if (auto given = lent.lend(); !given) {
            return tl::unexpected(given.error());
        }
        held_ = false;
        auto end = containers_.run(ready_.engine, ready_.image, plan, tool_, events, call.input);
        if (auto back = lent.take_back(); !back) {
            return tl::unexpected(end ? back.error() : end.error());
        }
        return end;
    }

    void set_silence(worker::milliseconds limit) override { tool_.set_silence(limit); }

    // The engine's program is not the tool: the container itself must stand still.
    Status freeze() override {
        tool_.freeze();
        held_ = containers_.pause(ready_.engine, name_);
        return held_ ? Status() : not_done("be held");
    }

    Status thaw() override {
        if (held_ && !containers_.unpause(ready_.engine, name_)) {
            return not_done("go on");
        }
        held_ = false;
        tool_.thaw();
        return {};
    }

    void kill(Tool::Way way) override {
        tool_.kill(way);
        if (way == Tool::Way::politely) {
            return;  // the engine's program passes it on; run() removes what is left
        }
        const bool gone = containers_.remove(ready_.engine, name_);
        if (!gone && held_) {  // some versions do not kill what stands still
            (void)containers_.unpause(ready_.engine, name_);
            (void)containers_.remove(ready_.engine, name_);
        }
        held_ = false;
    }

    [[nodiscard]] fs::path written() const override { return lane_.written(); }

  private:
    [[nodiscard]] tl::unexpected<base::Error> not_done(std::string_view what) const {
        return base::fail("container.died", fmt::format("{} did not let container {} {}",
                                                        ready_.engine.program, name_, what));
    }

    Containers containers_;
    Ready ready_;
    std::string name_;
    HostLane lane_;
    Tool tool_;
    bool held_ = false;
};

}  // namespace

Result<ContainerImage> fetch_image(Station& station, const Settings& settings, PhasePlace place) {
    Containers containers(station);
    auto ready = ready_image(containers, station, settings, place);
    if (!ready) {
        return tl::unexpected(ready.error());
    }
    return ContainerImage{settings.image, ready->image.id, ready->image.digest};
}

Result<std::unique_ptr<Runner>> make_runner(Station& station, const RunnerPlan& plan,
                                            worker::ToolLimits limits) {
    if (!plan.settings) {
        return std::make_unique<OnHost>(station, plan.lane, limits);
    }
    auto lane = find_host_lane(plan.lane);
    if (!lane) {
        return tl::unexpected(lane.error());
    }
    Containers containers(station);
    auto ready = ready_image(containers, station, *plan.settings, plan.phase);
    if (!ready) {
        return tl::unexpected(ready.error());
    }
    return std::make_unique<InContainer>(station, std::move(*ready), plan.name, std::move(*lane),
                                         limits);
}

}  // namespace lineside::container
