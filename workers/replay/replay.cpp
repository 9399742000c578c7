// SPDX-License-Identifier: Apache-2.0
#include "workers/replay/replay.h"

#include "station/base/files.h"
#include "station/base/text.h"

#include <fmt/format.h>

namespace lineside::replay {
namespace {

using std::chrono::milliseconds;
using worker::Station;

constexpr std::size_t kMaxRecording = 256U << 20U;
constexpr milliseconds kAnswerWithin{60'000};

// Says one recorded message again. Gives the result when it was the last one.
struct Say {
    using Went = std::optional<Result<Json>>;
    Station& station;

    Went operator()(const protocol::Phase& m) const {
        station.phase(m.name, m.index, m.of, m.weight);
        return std::nullopt;
    }
    Went operator()(const protocol::Progress& m) const {
        station.progress(m.done, m.total, m.unit);
        return std::nullopt;
    }
    Went operator()(const protocol::Fact& m) const {
        station.fact(m.key, m.value);
        return std::nullopt;
    }
    Went operator()(const protocol::LogLine& m) const {
        station.log(m.level, m.text);
        return std::nullopt;
    }
    Went operator()(const protocol::Expect& m) const {
        station.expect(m.replug, std::chrono::seconds(m.within_s));
        return std::nullopt;
    }
    Went operator()(const protocol::Proof& m) const {
        station.proof(m.kind, m.value);
        return std::nullopt;
    }
    Went operator()(const protocol::Ask& m) const {
        if (auto answer = station.ask(m.what, m.args, kAnswerWithin); !answer) {
            return Result<Json>(tl::unexpected(answer.error()));
        }
        return std::nullopt;
    }
    Went operator()(const protocol::Outcome& m) const {
        return m.ok ? Result<Json>(m.value) : Result<Json>(tl::unexpected(m.error));
    }
    Went operator()(const protocol::Hello& /*said already*/) const { return std::nullopt; }
    Went operator()(const protocol::Unknown& /*passed over*/) const { return std::nullopt; }
};

}  // namespace

Result<std::vector<protocol::Recorded>> read_recording(const std::filesystem::path& file) {
    const auto text = base::read_file(file, kMaxRecording);
    if (!text) {
        return tl::unexpected(text.error());
    }
    std::vector<protocol::Recorded> out;
    std::size_t number = 0;
    for (const std::string_view line : base::split(*text, '\n')) {
        ++number;
        if (line.empty()) {
            continue;
        }
        auto recorded = protocol::parse_recorded(line);
        if (!recorded) {
            return base::with_context(recorded.error(),
                                      fmt::format("{}:{}", file.string(), number));
        }
        if (recorded->direction == protocol::Direction::in && recorded->line.is_object()) {
            out.push_back(std::move(*recorded));
        }
    }
    return out;
}

Result<Json> play(Station& station, const std::vector<protocol::Recorded>& lines, double speed) {
    std::int64_t at_ms = lines.empty() ? 0 : lines.front().at_ms;
    for (const protocol::Recorded& recorded : lines) {
        const auto gap =
            static_cast<double>(std::max<std::int64_t>(recorded.at_ms - at_ms, 0)) / speed;
        at_ms = recorded.at_ms;
        if (auto slept = station.pause(milliseconds(static_cast<std::int64_t>(gap))); !slept) {
            return tl::unexpected(slept.error());
        }
        auto message = protocol::parse_from_worker(base::dump_json(recorded.line));
        if (!message) {
            return base::with_context(message.error(),
                                      fmt::format("recording at {} ms", recorded.at_ms));
        }
        if (auto end = std::visit(Say{station}, *message)) {
            return std::move(*end);
        }
    }
    return base::fail("worker.died", "The recording ends without a result");
}

}  // namespace lineside::replay
