// SPDX-License-Identifier: Apache-2.0
#include "web/server/router.h"

#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace lineside::web {
namespace {

bool fits(std::string_view pattern, std::string_view segment) {
    if (!pattern.starts_with('{')) {
        return pattern == segment;
    }
    if (pattern == "{slot}") {
        return is_slot_label(segment);
    }
    if (pattern == "{batch}" || pattern == "{backup}") {
        return is_slot_label(segment) && segment.find(':') == std::string_view::npos;
    }
    if (pattern == "{job}" || pattern == "{unit}") {
        const auto number = base::to_int(segment);
        return number && *number >= 1 && segment.front() != '+' && segment.front() != '0';
    }
    return false;
}

bool fits(const std::vector<std::string>& pattern, const std::vector<std::string>& segments) {
    return std::equal(pattern.begin(), pattern.end(), segments.begin(), segments.end(),
                      [](const auto& p, const auto& s) { return fits(p, s); });
}

base::Status check_parameters(const Route& route, const Request& request) {
    const auto known = base::split(route.parameters, ' ');
    for (std::size_t i = 0; i < request.query.size(); ++i) {
        const auto& name = request.query[i].first;
        if (name.empty() || std::find(known.begin(), known.end(), name) == known.end()) {
            return base::fail("http.parameter",
                              fmt::format("Parameter {} is not known here", name));
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (request.query[j].first == name) {
                return base::fail("http.parameter",
                                  fmt::format("Parameter {} is given twice", name));
            }
        }
    }
    return {};
}

}  // namespace

bool is_api_path(std::string_view path) {
    return path == "/api" || path.starts_with("/api/") || path == "/healthz" || path == "/metrics";
}

bool is_slot_label(std::string_view text) {
    const auto alnum = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    return !text.empty() && text.size() <= 64 && alnum(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return alnum(c) || c == '.' || c == '_' || c == ':' || c == '-';
           });
}

Router::Router(std::vector<Route> routes, Handler fallback)
    : routes_(std::move(routes)), fallback_(std::move(fallback)) {
    for (const Route& route : routes_) {
        std::vector<std::string> pattern;
        for (const auto part : base::split(std::string_view(route.pattern).substr(1), '/')) {
            pattern.emplace_back(part);
        }
        patterns_.push_back(std::move(pattern));
    }
}

base::Result<Router::Match> Router::find(Request& request, std::string& allow) const {
    const Verb wanted = request.verb == Verb::head ? Verb::get : request.verb;
    std::vector<std::string_view> verbs;
    for (std::size_t i = 0; i < routes_.size(); ++i) {
        if (!fits(patterns_[i], request.segments)) {
            continue;
        }
        const Route& route = routes_[i];
        if (route.verb != wanted) {
            verbs.push_back(to_text(route.verb));
            if (route.verb == Verb::get) {
                verbs.push_back("HEAD");
            }
            continue;
        }
        if (auto checked = check_parameters(route, request); !checked) {
            return tl::unexpected(checked.error());
        }
        for (std::size_t s = 0; s < request.segments.size(); ++s) {
            const std::string& part = patterns_[i][s];
            if (part.starts_with('{')) {
                request.params.emplace_back(part.substr(1, part.size() - 2), request.segments[s]);
            }
        }
        return Match{&route, nullptr};
    }
    if (!verbs.empty()) {
        allow = fmt::format("{}", fmt::join(verbs, ", "));
        return base::fail("http.method");
    }
    if (is_api_path(request.path) || !fallback_) {
        return base::fail("http.not_found");
    }
    if (wanted != Verb::get) {
        allow = "GET, HEAD";
        return base::fail("http.method");
    }
    return Match{nullptr, fallback_};
}

}  // namespace lineside::web
