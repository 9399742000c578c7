// SPDX-License-Identifier: Apache-2.0
#include "workers/sdk/worker.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>

namespace lineside::worker {
namespace {

constexpr milliseconds kJobWithin{60'000};

Result<Json> guarded(const Work& work, Station& station) {
    try {
        return work(station);
    } catch (const std::exception& bug) {
        return base::fail("station.bug", fmt::format("The worker has a bug: {}", bug.what()));
    }
}

}  // namespace

int run_on(int channel, const Method& method, const Work& work) {
    Station station(channel);
    station.hello(
        {protocol::kVersion, method.name, method.version, method.silence_s, method.chip_id});
    Result<Json> result = Json();
    if (auto got = station.take_job(kJobWithin); !got) {
        result = tl::unexpected(got.error());
    } else {
        result = guarded(work, station);
    }
    std::fflush(nullptr);
    station.result(result);
    return result ? 0 : 1;
}

int run(const Method& method, const Work& work) {
    return run_on(kChannelFd, method, work);
}

}  // namespace lineside::worker
