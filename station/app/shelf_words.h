// SPDX-License-Identifier: Apache-2.0
// What the commands that fetch recipes and products have in common.
// Thread: the command's.
#pragma once

#include "workers/media/builds/product_shelf.h"
#include "workers/media/builds/settings.h"

namespace lineside::app {

// Tells why a command did nothing, on standard error and with `json` as {"error"}. Its exit status:
// 2 usage, 1 everything else.
[[nodiscard]] int refused(std::string_view command, const base::Error& error, bool json);
[[nodiscard]] base::Error no_such_platform(const std::string& platform, const std::string& server);

// The working folder with its settings.
struct Shelf {
    std::filesystem::path folder;
    media::Settings settings;
};
[[nodiscard]] base::Result<Shelf> open_shelf(const std::string& given);

constexpr std::chrono::seconds kUsualAnswer{30};

// The configured build server and the connection to it. `each`: the most time for one answer.
class BuildShop {
  public:
    [[nodiscard]] static base::Result<std::unique_ptr<BuildShop>> open(
        const media::Settings& settings, std::chrono::seconds each);
    [[nodiscard]] media::BuildServer& server() { return server_; }
    [[nodiscard]] std::string address() const { return address_.text(); }
    // What a file's path is put behind.
    [[nodiscard]] std::string base() const;
    [[nodiscard]] base::Result<media::FetchedProduct> fetch(const media::BuildFile& file,
                                                            const std::filesystem::path& folder);

  private:
    BuildShop(media::HttpUrl address, std::chrono::seconds each, const std::atomic<bool>& stop);

    media::HttpUrl address_;
    media::HttpClient client_;
    media::BuildServer server_;
};

}  // namespace lineside::app
