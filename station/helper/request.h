// SPDX-License-Identifier: Apache-2.0
// The closed list of what the service may ask of the root helper (PROTOCOL.md, "Verbs"). A request
// holds ids only; an unknown verb, an unknown member or a value out of bounds is refused whole.
// Errors: helper.refused.   Thread: any (plain values).
#pragma once

#include "station/base/error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace lineside::helper {

constexpr int kVersion = 1;
constexpr std::size_t kMaxPacket = 8 * 1024;
constexpr const char* kLaneMount = "/run/lineside-lane";

struct HelloRequest {};
struct SpawnRequest {
    std::int64_t job = 0;
    int step = 0;
    int attempt = 1;
    std::string method;
    std::string profile;  // "" = none
    std::string image;    // "" = none
    bool lane = false;
};
struct TermRequest {
    std::int64_t job = 0;
};  // SIGTERM to every process of the job
struct KillRequest {
    std::int64_t job = 0;
};  // SIGKILL, then the lane is released
struct LaneCloseRequest {
    std::int64_t job = 0;
};
struct LeftoversRequest {};
struct ImagePublishRequest {
    std::int64_t job = 0;
    std::string image;
};
struct ImageRemoveRequest {
    std::string image;
};
struct PortPowerRequest {
    std::string port;        // key, station/usb/port_path.h
    std::optional<bool> on;  // nothing: only whether it may and can be switched
};

struct Request {
    std::int64_t id = 0;  // chosen by the caller, comes back in the reply
    std::variant<HelloRequest, SpawnRequest, TermRequest, KillRequest, LaneCloseRequest,
                 LeftoversRequest, ImagePublishRequest, ImageRemoveRequest, PortPowerRequest>
        what;
};

[[nodiscard]] base::Result<Request> parse_request(std::string_view packet);
// The id of a packet that was refused, for the reply; 0 when it has none.
[[nodiscard]] std::int64_t request_id(std::string_view packet);

}  // namespace lineside::helper
