// SPDX-License-Identifier: Apache-2.0
#include "workers/media/source/fetched_image.h"

#include "station/base/text.h"

#include <sys/stat.h>

namespace lineside::media {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kMostWait{30};
constexpr std::size_t kLongestLeaf = 100;
constexpr std::size_t kAddressDigits = 24, kMarkDigits = 16;

// What earlier files of this address left, when the present one is whole.
void forget_others(const fs::path& folder, std::string_view address, const fs::path& kept) {
    std::error_code ignored;
    std::vector<fs::path> others;
    for (const auto& each : fs::directory_iterator(folder, ignored)) {
        if (each.path().filename().native().starts_with(address) && each.path() != kept) {
            others.push_back(each.path());
        }
    }
    for (const fs::path& each : others) {
        fs::remove(each, ignored);
    }
}

}  // namespace

bool is_http_url(std::string_view text) {
    const std::string head = base::to_lower_ascii(std::string(text.substr(0, 8)));
    return head.starts_with("http://") || head.starts_with("https://");
}

HttpUrl beside(const HttpUrl& url, std::string_view name) {
    HttpUrl other = url;
    const std::string path = url.target.substr(0, url.target.find('?'));
    other.target = path.substr(0, path.rfind('/') + 1) + url_segment(name);
    return other;
}

std::string leaf_of(const HttpUrl& url) {
    const std::string path = url.target.substr(0, url.target.find('?'));
    std::string leaf = path.substr(path.rfind('/') + 1);
    for (char& c : leaf) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
        c = plain ? c : '_';
    }
    // Its end says how it is packed.
    return leaf.size() <= kLongestLeaf ? leaf : leaf.substr(leaf.size() - kLongestLeaf);
}

base::Result<fs::path> fetch_image(HttpClient& client, const HttpUrl& url, const fs::path& folder) {
    // A server that does not answer HEAD may still give the file: nobody knows then which one.
    const auto head = client.head(url, kMostWait);
    if (head && head->status == 404) {
        return base::fail("config.missing", url.text() + " is not there; correct the address");
    }
    const bool known = head && !head->mark.empty() && head->length;
    const std::string address = base::sha256_hex(url.text()).substr(0, kAddressDigits);
    const std::string mark =
        known ? base::sha256_hex(fmt::format("{} {}", *head->length, head->mark)) : "";
    const fs::path file =
        folder / fmt::format("{}-{}-{}", address, mark.substr(0, kMarkDigits), leaf_of(url));
    struct stat status {};
    if (known && ::lstat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
        static_cast<std::uint64_t>(status.st_size) == *head->length) {
        return file;
    }
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) {
        return base::fail_writing("media.source", "cannot make " + folder.string(), error.value());
    }
    const auto bytes = client.download(url, file, {});
    if (!bytes) {
        return tl::unexpected<base::Error>(bytes.error());
    }
    forget_others(folder, address, file);
    return file;
}

}  // namespace lineside::media
