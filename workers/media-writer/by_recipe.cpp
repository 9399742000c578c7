// SPDX-License-Identifier: Apache-2.0
#include "workers/media-writer/by_recipe.h"

#include "station/base/unique_fd.h"
#include "workers/media-writer/card.h"
#include "workers/media-writer/disk_life.h"
#include "workers/media-writer/target.h"
#include "workers/media/recipe/prepared_recipe.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <thread>

namespace lineside::media_writer {
namespace {

constexpr std::chrono::milliseconds kLook{50};

// Phases as in method.toml; what a setup calls them, in their order.
constexpr std::array<std::pair<std::string_view, int>, 6> kSetupPhases{{{"check", 1},
                                                                        {"partition", 2},
                                                                        {"file systems", 2},
                                                                        {"load", 2},
                                                                        {"flush", 2},
                                                                        {"verify", 3}}};

class Steps {
  public:
    Steps(worker::Station& station, std::uint64_t bytes) : station_(station), bytes_(bytes) {}

    // True where something went on.
    bool tell(const media::SetupProgress& progress) {
        bool moved = false;
        const std::string_view name = progress.phase.load();
        for (const auto& [phase, number] : kSetupPhases) {
            if (phase == name && enter_phases(station_, now_, number)) {
                told_ = 0;
                moved = true;
            }
        }
        const std::uint64_t done = now_ == 2   ? progress.unpacked.load()
                                   : now_ == 3 ? progress.verified.load()
                                               : 0;
        if (done != told_ && bytes_ > 0) {
            told_ = done;
            station_.progress(std::min(done, bytes_), bytes_, "bytes");
            station_.carried(progress.unpacked + progress.verified);
            moved = true;
        }
        return moved;
    }

  private:
    worker::Station& station_;
    std::uint64_t bytes_;
    int now_ = 0;
    std::uint64_t told_ = 0;
};

// Does `work` on a thread of its own; the station is served meanwhile, `look` at each tick: where
// it sees something go on, the worker counts as alive.
void beside_station(worker::Station& station, std::atomic<bool>& stop,
                    const std::function<void()>& work, const std::function<bool()>& look) {
    const base::UniqueFd ended(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    std::atomic<bool> over{false};
    std::thread worker([&] {
        work();
        over = true;
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t woken = ::write(ended.get(), &one, sizeof one);
    });
    while (!over) {
        pollfd end{ended.get(), POLLIN, 0};
        if (look()) {
            station.keep_alive();
        }
        station.wait({&end, 1}, kLook);
        stop = stop || !station.check().has_value();
    }
    worker.join();
}

}  // namespace

bool holds_recipe(const protocol::JobLine& job) {
    return job.image && media::PreparedRecipe::is_in(job.image->dir);
}

base::Result<base::Json> set_up_card(worker::Station& station) {
    const auto params = read_params(station.job());
    if (!params) {
        return tl::unexpected<base::Error>(params.error());
    }
    const auto recipe = media::PreparedRecipe::load(params->image);
    if (!recipe) {
        return tl::unexpected<base::Error>(recipe.error());
    }
    const auto facts = judged(*params);
    if (!facts) {
        return tl::unexpected<base::Error>(facts.error());
    }
    tell_facts(station, *facts);
    media::SetupPlan plan = recipe->plan();
    plan.target = "/dev/" + params->disk.name;
    plan.policy = params->policy;
    plan.probe_capacity = params->probe;
    std::atomic<bool> stop{false};
    base::Result<std::unique_ptr<media::Setup>> setup;
    // Judging reads and unpacks every tar: the job's total time bounds that.
    beside_station(
        station, stop, [&] { setup = media::Setup::prepare(std::move(plan), stop); },
        [] { return true; });
    if (auto go_on = station.check(); !go_on) {
        return tl::unexpected<base::Error>(go_on.error());
    }
    if (!setup) {
        return tl::unexpected<base::Error>(setup.error());
    }
    // From here on the setup itself looks whether it is still the disk that it judged.
    const media::JudgedTarget& target = (*setup)->target();
    if (target.diskseq != facts->diskseq || target.bytes != facts->bytes ||
        target.serial != facts->serial) {
        return base::fail("media.forbidden",
                          params->disk.name + " is another disk than a moment ago");
    }
    media::SetupProgress progress;
    media::SetupResult result;
    Steps steps(station, (*setup)->bytes_to_unpack());
    // mkfs, the kernel's flushing and fsck say nothing of how far they are: the disk does.
    DiskLife disk("/dev/" + params->disk.name);
    beside_station(
        station, stop, [&] { result = (*setup)->run(progress); },
        [&] {
            const bool told = steps.tell(progress);
            return disk.moved() || told;
        });
    if (auto go_on = station.check(); !go_on) {
        return tl::unexpected<base::Error>(go_on.error());
    }
    if (!result.status) {
        // Whatever a tool said of it: a disk that is not there any more was pulled.
        const auto now = judged(*params);
        return tl::unexpected<base::Error>(
            !now && now.error().code == "usb.left" ? now.error() : result.status.error());
    }
    if (!result.proven) {
        return base::fail("station.bug", "The setup ended without its proof");
    }
    std::size_t files = 0;
    for (const media::ProductLoaded& each : result.products) {
        files += each.members;
    }
    station.proof("image", {{"digest", recipe->digest_of(result.products)},
                            {"partitions", result.partitions.size()},
                            {"files", files}});
    return base::Json{{"bytes", progress.unpacked.load()}, {"verified", progress.verified.load()}};
}

}  // namespace lineside::media_writer
