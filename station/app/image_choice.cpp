// SPDX-License-Identifier: Apache-2.0
#include "station/app/image_choice.h"

#include "workers/media/source/fetched_image.h"

namespace lineside::app {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kMostWait{30};

base::Result<fs::path> fetched(media::HttpClient& client, const std::string& address,
                               const fs::path& cache) {
    const auto url = media::parse_http_url(address);
    return url ? media::fetch_image(client, *url, cache) : tl::unexpected<base::Error>(url.error());
}

// The first map of those that may lie beside the image. A server that does not answer this question
// has none.
base::Result<std::optional<fs::path>> bmap_beside(media::HttpClient& client,
                                                  const std::string& image, const fs::path& cache) {
    if (!media::is_http_url(image)) {
        const fs::path file = image;
        for (const std::string& name : bmap_names(file.filename().string())) {
            std::error_code none;
            if (fs::is_regular_file(file.parent_path() / name, none)) {
                return file.parent_path() / name;
            }
        }
        return std::nullopt;
    }
    const auto url = media::parse_http_url(image);
    if (!url) {
        return tl::unexpected<base::Error>(url.error());
    }
    for (const std::string& name : bmap_names(media::leaf_of(*url))) {
        const media::HttpUrl where = media::beside(*url, name);
        const auto there = client.head(where, kMostWait);
        if (there && there->status / 100 == 2) {
            return media::fetch_image(client, where, cache);
        }
    }
    return std::nullopt;
}

}  // namespace

std::vector<std::string> bmap_names(const std::string& image) {
    std::vector<std::string> names{image + ".bmap"};
    fs::path stem = image;
    while (stem.has_extension() && stem.stem() != stem) {
        stem = stem.stem();
        names.push_back(stem.string() + ".bmap");
    }
    return names;
}

base::Result<ImageFiles> choose_image(const std::string& image, const std::string& bmap,
                                      bool look_beside, const fs::path& cache,
                                      const std::atomic<bool>& stop) {
    media::HttpClient client(stop);
    ImageFiles files{image, std::nullopt};
    if (media::is_http_url(image)) {
        auto got = fetched(client, image, cache);
        if (!got) {
            return tl::unexpected<base::Error>(got.error());
        }
        files.image = std::move(*got);
    }
    if (bmap.empty()) {
        auto found = look_beside ? bmap_beside(client, image, cache)
                                 : base::Result<std::optional<fs::path>>(std::nullopt);
        if (!found) {
            return tl::unexpected<base::Error>(found.error());
        }
        files.bmap = std::move(*found);
    } else if (media::is_http_url(bmap)) {
        auto got = fetched(client, bmap, cache);
        if (!got) {
            return tl::unexpected<base::Error>(got.error());
        }
        files.bmap = std::move(*got);
    } else {
        files.bmap = bmap;
    }
    return files;
}

}  // namespace lineside::app
