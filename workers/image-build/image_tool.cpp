// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/image_tool.h"

#include <fmt/format.h>

#include <deque>

namespace lineside::image_build {
namespace {

constexpr std::size_t kLastLines = 12;
// mkfs of a 14 GiB image, or unpacking a package, says nothing for minutes.
constexpr std::chrono::seconds kSilence{600};

std::string told(const worker::ToolEnd& end) {
    switch (end.how) {
        case worker::ToolEnd::How::exited:
            return fmt::format("ended with {}", end.status);
        case worker::ToolEnd::How::silent:
            return "went silent";
        case worker::ToolEnd::How::overdue:
            return "took too long";
        default:
            return fmt::format("was killed by signal {}", end.signal);
    }
}

}  // namespace

worker::ToolLimits image_tool_limits(const worker::Station& station) {
    worker::ToolLimits limits;
    limits.silence = kSilence;
    limits.total = std::chrono::seconds(station.job().total_s);
    return limits;
}

base::Status run_image_tool(worker::Station& station, container::Runner& runner,
                            const container::Call& call, std::string_view what) {
    std::deque<std::string> last;
    bool full = false;
    worker::ToolEvents events;
    events.line = [&](worker::Stream, std::string_view line) {
        full = full || line.find("No space left on device") != std::string_view::npos;
        if (!line.empty()) {
            last.emplace_back(line.substr(0, 400));
            if (last.size() > kLastLines) {
                last.pop_front();
            }
        }
    };
    events.tick = [&] { station.keep_alive(); };
    auto end = runner.run(call, events);
    if (!end) {
        return tl::unexpected<base::Error>(end.error());
    }
    if (auto going = station.check(); !going) {
        return going;
    }
    if (end->how == worker::ToolEnd::How::exited && end->status == 0 && !full) {
        return {};
    }
    if (full) {
        return base::fail("disk.full",
                          fmt::format("{} found no space while the image was built", what));
    }
    return base::fail("image.build", fmt::format("{} {}; its last lines: {}", what, told(*end),
                                                 fmt::join(last, "\n")));
}

}  // namespace lineside::image_build
