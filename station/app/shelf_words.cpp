// SPDX-License-Identifier: Apache-2.0
#include "station/app/shelf_words.h"

#include "station/app/media_words.h"

#include <iostream>

namespace lineside::app {

int refused(std::string_view command, const base::Error& error, bool json) {
    std::cerr << "lineside " << command << ": " << base::mended_text(error.message) << '\n';
    if (json) {
        std::cout << base::dump_json({{"error", error_json(error)}}) << '\n';
    }
    return error.code == "request.invalid" ? 2 : 1;
}

base::Error no_such_platform(const std::string& platform, const std::string& server) {
    return base::make_error("request.unknown",
                            fmt::format("the build server {} does not build for {}; see: lineside "
                                        "builds",
                                        server, media::shown(platform)));
}

base::Result<Shelf> open_shelf(const std::string& given) {
    auto folder = media::working_folder(given);
    if (!folder) {
        return tl::unexpected<base::Error>(folder.error());
    }
    auto settings = media::load_settings(*folder);
    if (!settings) {
        return tl::unexpected<base::Error>(settings.error());
    }
    return Shelf{std::move(*folder), std::move(*settings)};
}

BuildShop::BuildShop(media::HttpUrl address, std::chrono::seconds each,
                     const std::atomic<bool>& stop)
    : address_(std::move(address)),
      client_(stop),
      server_(media::ask_by_http(client_, address_, each)) {}

base::Result<std::unique_ptr<BuildShop>> BuildShop::open(const media::Settings& settings,
                                                         std::chrono::seconds each) {
    const auto address = media::build_server_address(settings);
    if (!address) {
        return tl::unexpected<base::Error>(address.error());
    }
    auto url = media::parse_http_url(*address);
    if (!url) {
        return tl::unexpected<base::Error>(url.error());
    }
    return std::unique_ptr<BuildShop>(new BuildShop(std::move(*url), each, stop_on_signals()));
}

std::string BuildShop::base() const {
    std::string text = address_.text();
    while (text.ends_with('/')) {
        text.pop_back();
    }
    return text;
}

base::Result<media::FetchedProduct> BuildShop::fetch(const media::BuildFile& file,
                                                     const std::filesystem::path& folder) {
    return media::fetch_product(client_, address_, file, folder);
}

}  // namespace lineside::app
