// SPDX-License-Identifier: Apache-2.0
#include "station/base/text.h"
#include "workers/media/source/http_client.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace lineside::media {
namespace {

constexpr std::size_t kMostAddress = 2048;

// An address that is refused is shown without what could be a password, and never obeyed by a
// terminal.
tl::unexpected<base::Error> refuse_address(std::string_view why) {
    return base::fail("request.invalid",
                      fmt::format("the address {}: write http:// or https://, the host, a port "
                                  "where it is not the usual one, and the path",
                                  why));
}

bool all_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::string HttpUrl::origin() const {
    return fmt::format("{}://{}:{}", tls ? "https" : "http", host, port);
}

base::Result<HttpUrl> parse_http_url(std::string_view text) {
    if (text.size() > kMostAddress) {
        return refuse_address(fmt::format("is longer than {} bytes", kMostAddress));
    }
    if (!all_printable(text)) {
        return refuse_address("holds a blank, a control character or a letter beyond ASCII");
    }
    const auto parsed = boost::urls::parse_uri(boost::urls::string_view(text.data(), text.size()));
    if (!parsed) {
        return refuse_address("cannot be read");
    }
    HttpUrl url;
    const std::string scheme = base::to_lower_ascii(std::string(parsed->scheme()));
    if (scheme != "http" && scheme != "https") {
        return refuse_address("is neither http:// nor https://");
    }
    url.tls = scheme == "https";
    if (parsed->has_userinfo()) {
        return refuse_address("holds a user name or password, which others could read");
    }
    if (parsed->has_fragment()) {
        return refuse_address("holds a #");
    }
    const auto host = parsed->encoded_host();
    url.host = std::string(host.data(), host.size());
    if (url.host.empty() || url.host.find('%') != std::string::npos) {
        return refuse_address("names no host");
    }
    url.port = url.tls ? 443 : 80;
    if (parsed->has_port()) {
        const auto digits = parsed->port();
        const auto port = base::to_int(std::string_view(digits.data(), digits.size()));
        if (!port || *port < 1 || *port > 65535) {
            return refuse_address("has a port that is none");
        }
        url.port = static_cast<std::uint16_t>(*port);
    }
    const auto path = parsed->encoded_path();
    url.target = path.empty() ? "/" : std::string(path.data(), path.size());
    if (parsed->has_query()) {
        const auto query = parsed->encoded_query();
        url.target += "?" + std::string(query.data(), query.size());
    }
    return url;
}

std::string url_segment(std::string_view name) {
    std::string out;
    for (const char c : name) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

}  // namespace lineside::media
