// SPDX-License-Identifier: Apache-2.0
// A worker that only talks: hello, then as many progress lines as the job's params ask for
// ({"lines":N,"per_s":R}), in batches every 20 ms like a tool that flushes its output, then result.
#include "workers/protocol/line_splitter.h"
#include "workers/protocol/messages.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

namespace {

using lineside::protocol::FromWorker;

bool put(std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(3, text.data(), text.size());
        if (n < 0 && errno != EINTR) {
            return false;
        }
        text.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
    }
    return true;
}

std::string read_job() {
    lineside::protocol::LineSplitter splitter(lineside::protocol::kMaxJobLine);
    std::array<char, 4096> buffer{};
    while (true) {
        const ssize_t got = ::read(3, buffer.data(), buffer.size());
        if (got <= 0) {
            return {};
        }
        splitter.push(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
        const auto line = splitter.next();
        if (line && *line) {
            return std::string(**line);
        }
    }
}

}  // namespace

int main() {
    lineside::protocol::Hello hello;
    hello.version = lineside::protocol::kVersion;
    hello.method = "perf";
    hello.method_version = "1";
    if (!put(lineside::protocol::format(FromWorker(hello)))) {
        return 1;
    }
    const auto message = lineside::protocol::parse_from_station(read_job());
    const auto* job = message ? std::get_if<lineside::protocol::JobLine>(&*message) : nullptr;
    if (job == nullptr) {
        return 1;
    }
    const auto lines = lineside::base::field_or<long>(job->params, "lines", 0).value_or(0);
    const auto per_s = lineside::base::field_or<long>(job->params, "per_s", 1000).value_or(1000);
    const auto begin = std::chrono::steady_clock::now();
    for (long sent = 0; sent < lines;) {
        std::string batch;
        for (long i = 0; i < std::max(1L, per_s / 50) && sent < lines; ++i, ++sent) {
            batch += fmt::format(
                R"({{"ev":"progress","done":{},"total":{},"unit":"bytes","t":1732119999.123,"mbs":38.7,"msg":"writing APP of slot 17"}})"
                "\n",
                sent + 1, lines);
        }
        if (!put(batch)) {
            return 1;
        }
        std::this_thread::sleep_until(begin + std::chrono::milliseconds(1000 * sent / per_s));
    }
    lineside::protocol::Outcome outcome;
    outcome.ok = true;
    return put(lineside::protocol::format(FromWorker(outcome))) ? 0 : 1;
}
