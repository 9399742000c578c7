// SPDX-License-Identifier: Apache-2.0
// What a build server (buildbot, JSON API of 0.8) built: platforms with their architecture, and the
// files of every build that was successful. The server's words are a stranger's: names that could
// leave a folder, move a terminal or an address are left out, with a warning.
//   GET /json                              builders[i].basedir, builders[i].schedulers
//   GET /json/builders/{builder}/builds/-1 number
//   GET /json/builders/{builder}/builds/{n} text, properties (product, platform, urls,
//   upload_files)
// Errors: media.source (which answer is not as it must be).
// Thread: one; blocks.
#pragma once

#include "station/base/json.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::media {

constexpr std::array<std::string_view, 4> kProductKinds{"rootfs", "uboot", "linux", "misc"};

struct BuildFile {
    std::string product;        // one of kProductKinds
    std::string owner;          // the platform; of a rootfs its name
    std::string file;           // {version}_{type}…
    std::string version, type;  // the name up to its last _, and what is behind it up to a dot
    std::string target;         // path of its download, encoded: /uboot/raspberry-pi/…
    std::string builder;
    std::int64_t build = 0;
};

struct BuildPlatform {
    std::string name, architecture;
    std::vector<BuildFile> files;  // by product, owner and name
};

struct BuildListing {
    std::vector<BuildPlatform> platforms;  // by name
    std::vector<std::string> warnings;     // at most 100
    std::size_t builds = 0;                // that were looked at
};

class BuildServer {
  public:
    static constexpr std::int64_t kMostBuilds = 2000;  // of a builder, the newest

    // Asks for a path (encoded, from the root on): the value, or nothing where the server has none.
    using Ask = std::function<base::Result<std::optional<base::Json>>(const std::string& target)>;
    explicit BuildServer(Ask ask) : ask_(std::move(ask)) {}

    // Platforms and architectures alone.
    [[nodiscard]] base::Result<BuildListing> platforms();
    // With the files, of one platform where it is named.
    [[nodiscard]] base::Result<BuildListing> builds(const std::optional<std::string>& platform);

  private:
    struct Builder;
    base::Result<std::vector<Builder>> builders(BuildListing& listing);
    base::Status read_builder(const Builder& builder, BuildListing& listing);

    Ask ask_;
};

// May `name` be one segment of a path and one word on a terminal?
[[nodiscard]] bool is_plain_name(std::string_view name);

}  // namespace lineside::media
