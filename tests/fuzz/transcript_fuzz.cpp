// SPDX-License-Identifier: Apache-2.0
// Tool output as a broken tool might print it: cut into lines, read, judged. Progress must never
// fall.
#include "workers/jetson-usb/judge.h"
#include "workers/sdk/tool_lines.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lineside;
    jetson_usb::Transcript seen;
    double percent = 0;
    worker::ToolLines lines;
    const auto take = [&](std::string_view line) {
        seen.take(line);
        if (seen.percent() < percent || seen.percent() > 100) {
            std::abort();
        }
        percent = seen.percent();
    };
    lines.push({reinterpret_cast<const char*>(data), size}, take);
    lines.finish(take);
    jetson_usb::RunEnd end;
    const jetson_usb::Params params;
    if (jetson_usb::judge(end, seen, params) && !(seen.success_line() && seen.wrote("APP"))) {
        std::abort();
    }
    end.status = 1;
    if (jetson_usb::judge(end, seen, params)) {
        std::abort();
    }
    return 0;
}
