// SPDX-License-Identifier: Apache-2.0
// What is said to a container engine and what it says: the exact argument lists for docker 20 and
// podman 4 and later, the progress of a pull, what an error text means. No I/O.
// Thread: any (pure).
#pragma once

#include "station/base/error.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::container {

enum class Kind { docker, podman };

struct Engine {
    Kind kind = Kind::docker;
    std::string program = "docker";  // name or path
    std::string version;             // "20.10.24"
};

struct Folder {
    std::filesystem::path host;
    std::filesystem::path inside;
};

// One container: the flash tools over a BSP tree that nobody may write to.
struct RunPlan {
    std::string name;                            // of the lane: one container at a time has it
    std::filesystem::path tree;                  // on the host, read-only inside
    std::filesystem::path tree_inside = "/bsp";  // where it lies inside
    std::vector<Folder> writable;                // folders of the lane
    std::filesystem::path layer;  // on the host, with upper/ and work/: what is written to the tree
                                  // goes there, and `folder` is the two as one. Empty: no layer
    std::filesystem::path folder;      // to work in, inside; empty: the image's own
    std::vector<std::string> env;      // NAME=VALUE, never a secret
    bool reads_input = false;          // the command is given our standard input
    std::vector<std::string> command;  // inside; REQUIRES: not empty
};

using Argv = std::vector<std::string>;
[[nodiscard]] Argv name_argv(const std::string& program);  // which engine is it, and which version
[[nodiscard]] Argv probe_argv(const Engine& engine);       // does it work, may we use it
[[nodiscard]] Argv inspect_argv(const Engine& engine, const std::string& reference);
[[nodiscard]] Argv pull_argv(const Engine& engine, const std::string& reference);
// `id`: of an image that is here. Nothing is fetched meanwhile.
[[nodiscard]] Argv run_argv(const Engine& engine, const std::string& id, const RunPlan& plan);
[[nodiscard]] Argv remove_argv(const Engine& engine, const std::string& name);
// All of a container stands still, and goes on.
[[nodiscard]] Argv pause_argv(const Engine& engine, const std::string& name);
[[nodiscard]] Argv unpause_argv(const Engine& engine, const std::string& name);

// "reeplayer/camera-sw:l4t-system-crc-nx-32.7.2-5", at most 255 bytes.
[[nodiscard]] bool is_reference(std::string_view text);
[[nodiscard]] bool is_digest(std::string_view text);  // "sha256:" and 64 small hex digits
// Errors: config.invalid, naming the field that a container engine would read as something else.
[[nodiscard]] base::Status check_plan(const RunPlan& plan);

// Which engine `--version` names. Errors: container.missing (another program, or too old).
[[nodiscard]] base::Result<Engine> parse_name(const std::string& program, std::string_view text);

struct Image {
    std::string id;                    // "sha256:…" or 64 hex digits: this image and no other
    std::vector<std::string> digests;  // "sha256:…", as registries know it; none: made here
    std::string digest = {};           // the one that is told of it, of a prepared image
};
[[nodiscard]] std::optional<Image> parse_inspect(std::string_view text);

// Layers of a pull out of its lines, as both engines print them without a terminal.
class PullProgress {
  public:
    void line(std::string_view text);
    [[nodiscard]] std::size_t layers() const { return layers_.size(); }
    [[nodiscard]] std::size_t done() const;

  private:
    std::map<std::string, bool, std::less<>> layers_;  // -> it is here
};

// What a failed call of the engine means, from its last lines (any of docker and podman).
// container.rights, container.missing, disk.full, or `otherwise` with `said` in its message.
[[nodiscard]] base::Error engine_error(std::string_view said, std::string_view otherwise,
                                       std::string_view doing);

}  // namespace lineside::container
