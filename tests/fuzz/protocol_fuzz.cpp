// SPDX-License-Identifier: Apache-2.0
// The channel's bytes as a hostile worker might send them: split, parse, write again. What is taken
// must survive being written and parsed once more.
#include "workers/protocol/line_splitter.h"
#include "workers/protocol/messages.h"
#include "workers/protocol/recording.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lineside::protocol;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    LineSplitter splitter(kMaxLine);
    const auto half = size / 2;
    for (const auto piece : {bytes.substr(0, half), bytes.substr(half)}) {
        splitter.push(piece);
        while (true) {
            const auto line = splitter.next();
            if (!line || !*line) {
                break;
            }
            if (const auto message = parse_from_worker(**line); message && !parse_from_worker([&] {
                                                                    auto text = format(*message);
                                                                    text.pop_back();
                                                                    return text;
                                                                }())) {
                std::abort();
            }
            if (const auto message = parse_from_station(**line)) {
                if (!parse_from_station(format(*message)) || format_for_record(*message).empty()) {
                    std::abort();
                }
            }
            if (!parse_recorded(record_in(1, **line))) {
                std::abort();
            }
            static_cast<void>(parse_recorded(**line));
        }
    }
    return 0;
}
