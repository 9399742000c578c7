// SPDX-License-Identifier: Apache-2.0
// The container of a profile: {"image","digest","engine"}, as [profile.container] and as the
// parameter `container` of the methods. No secrets. Thread: any (pure).
#pragma once

#include "station/base/error.h"
#include "station/base/json.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::container {

struct Settings {
    std::string image;   // "reeplayer/camera-sw:l4t-system-crc-nx-32.7.2-5"
    std::string digest;  // "sha256:…" that the image must have; "": any
    std::string engine;  // "docker" or "podman"; "": what there is, docker first
};

struct Wrong {
    std::string_view field;
    std::string what;  // and what to do
};
// All that is wrong with them; empty = nothing.
[[nodiscard]] std::vector<Wrong> check(const Settings& settings);

// Of params.container; none where the tools run on the host. Errors: config.invalid.
[[nodiscard]] base::Result<std::optional<Settings>> read_settings(const base::Json& params);

// Is `image` one of `allowed` ("a/b,c:1": names with or without a tag, as LINESIDE_CONTAINERS)?
[[nodiscard]] bool is_allowed(std::string_view image, std::string_view allowed);

[[nodiscard]] base::Json to_json(const Settings& settings);

}  // namespace lineside::container
