// SPDX-License-Identifier: Apache-2.0
#include "workers/container/settings.h"

#include "station/base/text.h"
#include "workers/container/engine_words.h"

#include <fmt/format.h>

#include <algorithm>

namespace lineside::container {

std::vector<Wrong> check(const Settings& settings) {
    std::vector<Wrong> wrong;
    if (!is_reference(settings.image)) {
        wrong.push_back({"image",
                         "must be an image as `docker pull` takes it, such as "
                         "\"reeplayer/camera-sw:l4t-system-crc-nx-32.7.2-5\""});
    }
    if (!settings.digest.empty() && !is_digest(settings.digest)) {
        wrong.push_back({"digest",
                         "must be \"sha256:\" and 64 small hex digits, as `docker image inspect` "
                         "shows it under RepoDigests; leave it out to take any"});
    }
    const auto at = settings.image.find('@');
    if (at != std::string::npos && is_digest(settings.image.substr(at + 1)) &&
        !settings.digest.empty() && settings.digest != settings.image.substr(at + 1)) {
        wrong.push_back({"digest", "is not the one behind '@' in image; leave it out"});
    }
    if (!settings.engine.empty() && settings.engine != "docker" && settings.engine != "podman") {
        wrong.push_back(
            {"engine", "must be \"docker\" or \"podman\"; leave it out to take what there is"});
    }
    return wrong;
}

base::Result<std::optional<Settings>> read_settings(const base::Json& params) {
    const auto given = params.find("container");
    if (given == params.end() || given->is_null()) {
        return std::optional<Settings>();
    }
    Settings settings;
    if (!given->is_object()) {
        return base::fail("config.invalid", "\"container\" must be a table");
    }
    for (const auto& [name, value] : given->items()) {
        std::string* into = name == "image"    ? &settings.image
                            : name == "digest" ? &settings.digest
                            : name == "engine" ? &settings.engine
                                               : nullptr;
        if (into == nullptr || !value.is_string()) {
            return base::fail("config.invalid",
                              "\"container\" must be made of the texts image, digest and engine");
        }
        *into = value.get<std::string>();
    }
    if (const auto wrong = check(settings); !wrong.empty()) {
        return base::fail("config.invalid",
                          fmt::format("container: {} {}", wrong.front().field, wrong.front().what));
    }
    return settings;
}

bool is_allowed(std::string_view image, std::string_view allowed) {
    const auto names = base::split(allowed, ',');
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
        const auto rest = image.substr(std::min(name.size(), image.size()));
        return !name.empty() && image.starts_with(name) &&
               (rest.empty() || ((rest.front() == ':' || rest.front() == '@') &&
                                 rest.find('/') == std::string_view::npos));
    });
}

base::Json to_json(const Settings& settings) {
    base::Json json{{"image", settings.image}};
    for (const auto& [name, value] :
         {std::pair{"digest", &settings.digest}, std::pair{"engine", &settings.engine}}) {
        if (!value->empty()) {
            json[name] = *value;
        }
    }
    return json;
}

}  // namespace lineside::container
