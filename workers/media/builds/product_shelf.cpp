// SPDX-License-Identifier: Apache-2.0
#include "workers/media/builds/product_shelf.h"

#include "station/base/json.h"

#include <sys/stat.h>

namespace lineside::media {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t kMostAnswer = 16 * 1024 * 1024;  // the root lists every builder and change
constexpr auto kMostWait = 30s;

HttpUrl below(const HttpUrl& address, const std::string& target) {
    HttpUrl url = address;
    while (url.target.ends_with('/')) {
        url.target.pop_back();
    }
    url.target += target;
    return url;
}

}  // namespace

BuildServer::Ask ask_by_http(HttpClient& client, HttpUrl address, std::chrono::seconds most) {
    return [&client, address = std::move(address),
            most](const std::string& target) -> base::Result<std::optional<base::Json>> {
        const HttpUrl url = below(address, target);
        const auto reply = client.get(url, kMostAnswer, most);
        if (!reply) {
            return tl::unexpected<base::Error>(reply.error());
        }
        if (reply->status == 404) {
            return std::nullopt;
        }
        auto value = base::parse_json(reply->body, kMostAnswer);
        if (!value) {
            return base::fail("media.source",
                              fmt::format("{} answers what is no JSON: {}; see that the address is "
                                          "the build server's",
                                          url.text(), value.error().message));
        }
        return std::optional(std::move(*value));
    };
}

base::Result<FetchedProduct> fetch_product(HttpClient& client, const HttpUrl& address,
                                           const BuildFile& file, const fs::path& folder) {
    const HttpUrl url = below(address, file.target);
    const auto head = client.head(url, kMostWait);
    if (!head) {
        return tl::unexpected<base::Error>(head.error());
    }
    if (head->status == 404) {
        return base::fail("config.missing",
                          fmt::format("{} is not there any more, though build {} of {} made it; "
                                      "choose another version",
                                      url.text(), file.build, file.builder));
    }
    if (!head->length) {
        return base::fail("media.source", url.text() + " does not say how long it is");
    }
    FetchedProduct fetched;
    fetched.file = folder / file.product / file.owner / file.file;
    struct stat status {};
    if (::lstat(fetched.file.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
        static_cast<std::uint64_t>(status.st_size) == *head->length) {
        fetched.bytes = *head->length;
        fetched.was_there = true;
        return fetched;
    }
    std::error_code error;
    fs::create_directories(fetched.file.parent_path(), error);
    if (error) {
        return base::fail_writing(
            "media.source", "cannot make " + fetched.file.parent_path().string(), error.value());
    }
    DownloadLimits limits;
    limits.most_bytes = *head->length;
    const auto bytes = client.download(url, fetched.file, limits);
    if (!bytes) {
        return tl::unexpected<base::Error>(bytes.error());
    }
    if (*bytes != *head->length) {
        fs::remove(fetched.file, error);
        return base::fail("media.source",
                          fmt::format("{}: {} bytes came, the server says {}; try again",
                                      url.text(), *bytes, *head->length));
    }
    fetched.bytes = *bytes;
    return fetched;
}

}  // namespace lineside::media
