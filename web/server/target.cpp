// SPDX-License-Identifier: Apache-2.0
#include "web/server/target.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

namespace lineside::web {
namespace {

namespace urls = boost::urls;

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

base::Result<Target> parse_target(std::string_view text, std::size_t max_length) {
    const auto malformed = [](std::string_view why) {
        return base::fail("http.malformed", std::string(why));
    };
    if (text.size() > max_length) {
        return base::fail("http.target");
    }
    if (text.empty() || text.front() != '/' || text.starts_with("//")) {
        return malformed("The address must begin with one /");
    }
    auto parsed = urls::parse_origin_form(urls::string_view(text.data(), text.size()));
    if (!parsed) {
        return malformed("The address cannot be read");
    }
    Target target;
    for (const std::string& segment : parsed->segments()) {
        // Clients resolve dot segments themselves; who sends them wants to climb.
        if (has_control(segment) || segment.find_first_of("/\\") != std::string::npos ||
            segment == "." || segment == "..") {
            return malformed("The address holds a forbidden character");
        }
        target.segments.push_back(segment);
        target.path.append(1, '/').append(segment);
    }
    if (target.path.empty()) {
        target.path.push_back('/');
    }
    urls::encoding_opts options;
    options.space_as_plus = true;
    for (const auto& param : parsed->params(options)) {
        if (has_control(param.key) || has_control(param.value)) {
            return malformed("A parameter holds a control character");
        }
        target.query.emplace_back(param.key, param.value);
        if (target.query.size() > 64) {
            return malformed("There are too many parameters");
        }
    }
    return target;
}

}  // namespace lineside::web
