// SPDX-License-Identifier: Apache-2.0
#include "workers/container/engine_words.h"

#include "station/base/json.h"
#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lineside::container {
namespace {

constexpr std::string_view kAlnum =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr int kOldestDocker = 20;
constexpr int kOldestPodman = 4;

// The tree with a layer above it is mounted by the container itself: the lane's own mount is seen
// by the job alone, not by the engine. $1 the tree, $2 where to work; the rest is the command.
// 125 is the engine's own status for a container that never began.
constexpr std::string_view kLayerInside = "/lineside-layer";
constexpr std::string_view kWithLayer =
    "mkdir -p \"$2\" && mount -t overlay lineside -o "
    "\"lowerdir=$1,upperdir=/lineside-layer/upper,workdir=/lineside-layer/work\" \"$2\" && "
    "cd \"$2\" || exit 125; shift 2; exec \"$@\"";

bool is_made_of(std::string_view text, std::string_view more, std::size_t most) {
    return !text.empty() && text.size() <= most && kAlnum.find(text.front()) != kAlnum.npos &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return kAlnum.find(c) != kAlnum.npos || more.find(c) != more.npos;
           });
}

bool says(std::string_view said, std::string_view words) {
    return said.find(words) != std::string_view::npos;
}

// "-v HOST:INSIDE:ro" is cut at ':', so no path may hold one.
bool is_mountable(const std::filesystem::path& path) {
    const std::string& text = path.native();
    return path.is_absolute() && text.size() <= 1024 && text.find(':') == text.npos &&
           path.lexically_normal() == path && std::none_of(text.begin(), text.end(), [](char c) {
               return static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
           });
}

base::Error told(std::string_view code, std::string_view doing, std::string_view said) {
    return base::make_error(code, said.empty() ? fmt::format("{}: it said nothing", doing)
                                               : fmt::format("{}: {}", doing, said));
}

}  // namespace

Argv name_argv(const std::string& program) {
    return {program, "--version"};
}

Argv probe_argv(const Engine& engine) {
    if (engine.kind == Kind::podman) {
        return {engine.program, "info", "--format", "{{.Host.Security.Rootless}}"};
    }
    return {engine.program, "version", "--format", "{{.Server.Version}}"};
}

Argv inspect_argv(const Engine& engine, const std::string& reference) {
    return {engine.program, "image", "inspect", "--format", "{{.Id}} {{json .RepoDigests}}",
            reference};
}

Argv pull_argv(const Engine& engine, const std::string& reference) {
    return {engine.program, "pull", reference};
}

Argv run_argv(const Engine& engine, const std::string& id, const RunPlan& plan) {
    Argv argv{engine.program, "run", "--rm"};
    if (plan.reads_input) {
        argv.emplace_back("-i");
    }
    argv.insert(argv.end(),
                {"--privileged", "--network", "host", "-v", "/dev/bus/usb:/dev/bus/usb", "-v",
                 fmt::format("{}:{}:ro", plan.tree.native(), plan.tree_inside.native()), "--name",
                 plan.name, "--pull", "never"});
    for (const Folder& folder : plan.writable) {
        argv.insert(argv.end(),
                    {"-v", fmt::format("{}:{}", folder.host.native(), folder.inside.native())});
    }
    for (const std::string& variable : plan.env) {
        argv.insert(argv.end(), {"-e", variable});
    }
    std::vector<std::string> command = plan.command;
    if (!plan.layer.empty()) {
        argv.insert(argv.end(), {"-v", fmt::format("{}:{}", plan.layer.native(), kLayerInside)});
        const std::vector<std::string> before{"/bin/sh",
                                              "-c",
                                              std::string(kWithLayer),
                                              "lineside",
                                              plan.tree_inside.native(),
                                              plan.folder.native()};
        command.insert(command.begin(), before.begin(), before.end());
    } else if (!plan.folder.empty()) {
        argv.insert(argv.end(), {"-w", plan.folder.native()});
    }
    // The command itself, whatever the image would start by default.
    argv.insert(argv.end(), {"--entrypoint", command.front(), id});
    argv.insert(argv.end(), command.begin() + 1, command.end());
    return argv;
}

Argv remove_argv(const Engine& engine, const std::string& name) {
    return {engine.program, "rm", "--force", name};
}

Argv pause_argv(const Engine& engine, const std::string& name) {
    return {engine.program, "pause", name};
}

Argv unpause_argv(const Engine& engine, const std::string& name) {
    return {engine.program, "unpause", name};
}

bool is_reference(std::string_view text) {
    return is_made_of(text, "._:/@-", 255) && !says(text, "..") && !says(text, "//");
}

bool is_digest(std::string_view text) {
    return text.starts_with("sha256:") && base::is_hex64(text.substr(7));
}

base::Status check_plan(const RunPlan& plan) {
    if (!is_made_of(plan.name, "_.-", 64)) {
        return base::fail("config.invalid",
                          "a container's name must be letters, digits, _ . and -");
    }
    std::vector<std::filesystem::path> mounted{plan.tree, plan.tree_inside};
    for (const Folder& folder : plan.writable) {
        mounted.insert(mounted.end(), {folder.host, folder.inside});
    }
    for (const auto* path : {&plan.folder, &plan.layer}) {
        if (!path->empty()) {
            mounted.push_back(*path);
        }
    }
    for (const auto& path : mounted) {
        if (!is_mountable(path)) {
            return base::fail("config.invalid",
                              fmt::format("\"{}\" cannot be given to a container: it must be a "
                                          "whole path without ':' and '..'",
                                          path.native()));
        }
    }
    if (!plan.layer.empty() && (plan.folder.empty() || plan.tree_inside.native().find_first_of(
                                                           ",\\") != std::string::npos)) {
        return base::fail("config.invalid",
                          "a layer above the tree needs a folder to work in, and no ',' in the "
                          "tree's place");
    }
    for (const std::string& variable : plan.env) {
        const auto equals = variable.find('=');
        if (equals == std::string::npos || !is_made_of(variable.substr(0, equals), "_", 64)) {
            return base::fail("config.invalid", "a container's variable must be NAME=VALUE");
        }
    }
    const bool has_option = !plan.command.empty() && plan.command.front().starts_with('-');
    if (plan.command.empty() || plan.command.front().empty() || has_option) {
        return base::fail("config.invalid", "a container needs a command to run");
    }
    return {};
}

base::Result<Engine> parse_name(const std::string& program, std::string_view text) {
    Engine engine{Kind::docker, program, ""};
    const std::string small = base::to_lower_ascii(text.substr(0, text.find('\n')));
    if (small.starts_with("podman version ")) {
        engine.kind = Kind::podman;
    } else if (!small.starts_with("docker version ")) {
        return base::fail("container.missing",
                          fmt::format("{} is neither docker nor podman", program));
    }
    const std::string_view rest = std::string_view(small).substr(15);
    engine.version = rest.substr(0, rest.find_first_of(", \r"));
    const auto major =
        base::to_int(std::string_view(engine.version).substr(0, engine.version.find('.')));
    const int oldest = engine.kind == Kind::docker ? kOldestDocker : kOldestPodman;
    if (!major || *major < oldest) {
        return base::fail("container.missing",
                          fmt::format("{} has version {}; at least {} is needed", program,
                                      engine.version.substr(0, 40), oldest));
    }
    return engine;
}

std::optional<Image> parse_inspect(std::string_view text) {
    const auto line = base::trim_blanks(text.substr(0, text.find_first_of("\r\n")));
    const auto blank = line.find(' ');
    Image image{std::string(line.substr(0, blank)), {}};
    const std::string_view hex =
        image.id.starts_with("sha256:") ? std::string_view(image.id).substr(7) : image.id;
    if (!base::is_hex64(hex)) {
        return std::nullopt;
    }
    if (blank != std::string_view::npos) {
        const auto list = base::parse_json(line.substr(blank + 1), 64 * 1024);
        if (!list || !(list->is_array() || list->is_null())) {
            return std::nullopt;
        }
        for (const base::Json& each : *list) {
            const std::string digest = each.is_string() ? each.get<std::string>() : "";
            const auto at = digest.rfind('@');
            if (at != std::string::npos && is_digest(digest.substr(at + 1))) {
                image.digests.push_back(digest.substr(at + 1));
            }
        }
    }
    return image;
}

void PullProgress::line(std::string_view text) {
    text = base::trim_blanks(text);
    std::string_view layer;
    bool here = false;
    if (text.starts_with("Copying blob ")) {  // podman: "Copying blob sha256:… done"
        layer = text.substr(13, text.find(' ', 13) - 13);
        here = says(text, " done") || says(text, "skipped: already exists");
        layer = layer.starts_with("sha256:") ? layer.substr(7, 12) : layer.substr(0, 12);
    } else if (const auto colon = text.find(": "); colon != std::string_view::npos) {
        layer = text.substr(0, colon);  // docker: "a1b2c3d4e5f6: Pull complete"
        const std::string_view what = text.substr(colon + 2);
        constexpr std::array<std::string_view, 8> kOfLayer{
            "Pulling fs layer",  "Waiting",    "Downloading",   "Verifying Checksum",
            "Download complete", "Extracting", "Pull complete", "Already exists"};
        if (std::none_of(kOfLayer.begin(), kOfLayer.end(),
                         [&](std::string_view word) { return what.starts_with(word); })) {
            return;
        }
        here = what.starts_with("Pull complete") || what.starts_with("Already exists");
    }
    if (layer.size() != 12 || layer.find_first_not_of("0123456789abcdef") != layer.npos ||
        layers_.size() >= 1000) {
        return;
    }
    bool& known = layers_[std::string(layer)];
    known = known || here;
}

std::size_t PullProgress::done() const {
    return static_cast<std::size_t>(std::count_if(layers_.begin(), layers_.end(),
                                                  [](const auto& each) { return each.second; }));
}

base::Error engine_error(std::string_view said, std::string_view otherwise,
                         std::string_view doing) {
    const std::string small = base::to_lower_ascii(said);
    // "permission denied while trying to connect to the Docker daemon socket at …"
    if (says(small, "permission denied") || says(small, "operation not permitted")) {
        return told("container.rights", doing, said);
    }
    // "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon
    // running?"
    if (says(small, "cannot connect to the docker daemon") ||
        says(small, "is the docker daemon running") || says(small, "cannot connect to podman")) {
        return told("container.missing", doing, said);
    }
    if (says(small, "no space left on device")) {
        return told("disk.full", doing, said);
    }
    base::Error error = told(otherwise, doing, said);
    // Trying again does not make an image that the registry does not have, or does not give us.
    for (const std::string_view never :
         {"manifest unknown", "not found", "repository does not exist", "access denied",
          "denied: ", "unauthorized", "invalid reference format", "no matching manifest"}) {
        error.retry = error.retry && !says(small, never);
    }
    return error;
}

}  // namespace lineside::container
