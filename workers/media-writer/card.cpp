// SPDX-License-Identifier: Apache-2.0
#include "workers/media-writer/card.h"

#include "workers/media-writer/target.h"
#include "workers/media/engine/writer.h"

#include <sys/eventfd.h>

#include <thread>

namespace lineside::media_writer {
namespace {

using Phase = media::WriteProgress::Phase;

// A stop reaches the writer within this time; its own look at it comes on top.
constexpr std::chrono::milliseconds kTick{20};

// Tells the station how far the writer is: phases as in method.toml.
class Teller {
  public:
    Teller(worker::Station& station, const media::ImageMap& map)
        : station_(station),
          data_(map.bytes_of(media::Fill::data)),
          zeros_(map.bytes_of(media::Fill::zero)) {}

    void tell(const media::WriteProgress& progress) {
        const Phase phase = progress.phase;
        if (phase == Phase::waiting) {
            return;
        }
        enter(phase == Phase::check ? 1 : phase == Phase::verify || phase == Phase::done ? 3 : 2);
        if (now_ == 1) {
            return;
        }
        const std::uint64_t done =
            now_ == 2 ? progress.zeroed + progress.written : progress.verified.load();
        if (done != told_) {  // a disk that does not answer is silent, and that is judged above us
            told_ = done;
            station_.progress(done, data_ + zeros_, "bytes");
            station_.carried(progress.written + progress.verified);
        }
    }

  private:
    void enter(int phase) {
        if (enter_phases(station_, now_, phase)) {
            told_ = 0;
        }
    }

    worker::Station& station_;
    std::uint64_t data_, zeros_;
    int now_ = 0;
    std::uint64_t told_ = 0;
};

media::WriteResult write_beside(worker::Station& station, const media::PreparedImage& image,
                                media::Medium& medium, const media::WriteOptions& options) {
    media::WriteProgress progress;
    media::WriteResult result;
    std::atomic<bool> stop{false};
    const base::UniqueFd ended(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    std::thread writer([&] {
        result = media::write_image(image, medium, options, progress, stop);
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t woken = ::write(ended.get(), &one, sizeof one);
    });
    Teller teller(station, image.map());
    while (progress.phase != Phase::done) {
        pollfd end{ended.get(), POLLIN, 0};
        station.wait({&end, 1}, kTick);
        teller.tell(progress);
        stop = stop || !station.check().has_value();
    }
    writer.join();
    teller.tell(progress);
    return result;
}

}  // namespace

bool enter_phases(worker::Station& station, int& now, int phase) {
    static constexpr std::array<std::pair<std::string_view, double>, 3> kPhases{
        {{"check", 2}, {"write", 58}, {"verify", 40}}};
    const int before = now;
    while (now < phase) {
        const auto& [name, weight] = kPhases[static_cast<std::size_t>(now++)];
        station.phase(std::string(name), now, static_cast<int>(kPhases.size()), weight);
    }
    return now != before;
}

void tell_facts(worker::Station& station, const media::DiskFacts& facts) {
    station.fact("disk.bytes", std::to_string(facts.bytes));
    for (const auto& [key, value] :
         {std::pair("disk.model", &facts.model), std::pair("disk.serial", &facts.serial)}) {
        if (!value->empty()) {
            station.fact(key, *value);
        }
    }
}

base::Result<base::Json> write_card(worker::Station& station) {
    const auto work = begin_work(station.job());
    if (!work) {
        return tl::unexpected<base::Error>(work.error());
    }
    tell_facts(station, work->target.facts);
    media::WriteOptions options;
    options.probe_capacity = work->params.probe;
    options.discard = work->params.discard;
    const media::WriteResult result =
        write_beside(station, *work->image, *work->target.medium, options);
    if (auto go_on = station.check(); !go_on) {
        return tl::unexpected<base::Error>(go_on.error());
    }
    if (!result.status) {
        return tl::unexpected<base::Error>(result.status.error());
    }
    if (!result.proven) {
        return base::fail("station.bug", "The write ended without its proof");
    }
    station.proof("image", {{"digest", result.digest}, {"partitions", 0}, {"files", 0}});
    return base::Json{{"bytes", result.bytes},
                      {"verified", result.verified},
                      {"write_s", result.write_s},
                      {"verify_s", result.verify_s}};
}

}  // namespace lineside::media_writer
