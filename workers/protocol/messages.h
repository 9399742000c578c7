// SPDX-License-Identifier: Apache-2.0
// The messages between station and worker, as values. PROTOCOL.md is the normative text; parsing is
// strict about types and bounds, and forgiving about unknown members and unknown events (counted).
// Thread: any (plain values). Secrets travel only in `job` (secrets) and `answer` (token) lines.
#pragma once

#include "station/base/json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lineside::protocol {

using base::Json;

constexpr int kVersion = 1;
constexpr std::size_t kMaxLine = 64 * 1024;
constexpr std::size_t kMaxJobLine = 1024 * 1024;

// ---- worker -> station
struct Hello {
    int version = 0;
    std::string method;
    std::string method_version;
    int silence_s = 60;
    std::string chip_id;  // before_write, after_boot or never; "" = the worker does not say
};
struct Phase {
    std::string name;
    int index = 1;
    int of = 1;
    double weight = 1;
};
struct Progress {
    std::uint64_t done = 0;
    std::uint64_t total = 0;
    std::string unit;
    std::uint64_t bytes = 0;  // over the unit's wire in this step so far; 0 = not told
};                            // of the phase
struct Fact {
    std::string key;
    std::string value;
};
struct LogLine {
    std::string level;
    std::string text;
};
struct Expect {
    std::vector<std::string> replug;
    int within_s = 0;
};  // may leave and come back
struct Ask {
    std::int64_t id = 0;
    std::string what;
    Json args;
};
struct Proof {
    std::string kind;
    Json value;
};
struct Outcome {
    bool ok = false;
    base::Error error;
    Json value;
};  // "result", the last line
struct Unknown {
    std::string event;
};
using FromWorker =
    std::variant<Hello, Phase, Progress, Fact, LogLine, Expect, Ask, Proof, Outcome, Unknown>;

// ---- station -> worker
struct ImageRef {
    std::string id;
    std::string dir;
};
struct JobLine {
    std::int64_t job = 0;
    std::string step;
    int step_index = 0;
    int step_attempt = 1;
    std::string slot;
    std::string port;
    std::string bus_port;
    std::string model;
    std::vector<std::string> net;  // the unit's network interfaces, best first
    std::optional<std::string> chip_id;
    std::optional<std::string> module_serial;
    std::optional<ImageRef> image;
    std::optional<std::string> lane;
    Json params = Json::object();
    Json secrets = Json::object();  // name -> text; never logged
    int silence_s = 60;
    int total_s = 1800;
};
struct Answer {
    std::int64_t id = 0;
    bool ok = false;
    Json value;
    base::Error error;
};
struct Stop {
    std::string reason;
    int grace_s = 20;
};
struct PortState {
    bool present = false;
    std::string id;
    std::optional<std::string> serial;
    std::vector<std::string> net;
};
using FromStation = std::variant<JobLine, Answer, Stop, PortState, Unknown>;

[[nodiscard]] base::Result<FromWorker> parse_from_worker(std::string_view line);
[[nodiscard]] base::Result<FromStation> parse_from_station(std::string_view line);
// One line with its '\n'.
[[nodiscard]] std::string format(const FromWorker& message);
[[nodiscard]] std::string format(const FromStation& message);
// The same line with every secret field replaced by "***", for the recording.
[[nodiscard]] std::string format_for_record(const FromStation& message);

}  // namespace lineside::protocol
