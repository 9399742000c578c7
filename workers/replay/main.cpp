// SPDX-License-Identifier: Apache-2.0
// As a worker (no arguments): plays params.recording at params.speed. By hand:
//   replay [--speed X] FILE.events.jsonl     prints the worker's lines to stdout, in their time
#include "workers/replay/replay.h"
#include "workers/sdk/worker.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace lineside::replay {
namespace {

bool is_speed(double speed) {
    return std::isfinite(speed) && speed > 0;
}

Result<Json> work(worker::Station& station) {
    const auto& params = station.job().params;
    const auto file = base::field<std::string>(params, "recording");
    const auto speed = base::field_or<double>(params, "speed", 1.0);
    if (!file || !speed || !is_speed(*speed)) {
        return base::fail("config.invalid",
                          "replay wants 'recording', a file, and 'speed' above 0");
    }
    const auto lines = read_recording(*file);
    if (!lines) {
        return tl::unexpected(lines.error());
    }
    return play(station, *lines, *speed);
}

int show(const std::string& file, double speed) {
    const auto lines = read_recording(file);
    if (!lines) {
        std::fprintf(stderr, "replay: %s\n", lines.error().message.c_str());
        return 1;
    }
    std::int64_t at_ms = lines->empty() ? 0 : lines->front().at_ms;
    for (const auto& recorded : *lines) {
        const auto gap =
            static_cast<double>(std::max<std::int64_t>(recorded.at_ms - at_ms, 0)) / speed;
        at_ms = recorded.at_ms;
        std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(gap));
        std::printf("%s\n", base::dump_json(recorded.line).c_str());
        std::fflush(stdout);
    }
    return 0;
}

}  // namespace
}  // namespace lineside::replay

int main(int argc, char** argv) {
    using namespace lineside;
    if (argc == 1) {
        return worker::run({"replay", LINESIDE_VERSION, 3600}, replay::work);
    }
    double speed = 1;
    std::string file;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--speed" && i + 1 < argc) {
            speed = std::strtod(argv[++i], nullptr);
        } else if (file.empty() && !word.starts_with("-")) {
            file = word;
        } else {
            speed = 0;
        }
    }
    if (file.empty() || !replay::is_speed(speed)) {
        std::fprintf(stderr, "usage: replay [--speed X] FILE.events.jsonl\n");
        return 2;
    }
    return replay::show(file, speed);
}
