// SPDX-License-Identifier: Apache-2.0
#include "web/server/router.h"

#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace lineside::web {
namespace {

// A batch, a backup, a serial: no colon.
bool is_plain_name(std::string_view text) {
    return is_slot_label(text) && text.find(':') == std::string_view::npos;
}
bool is_row_number(std::string_view text) {
    const auto number = base::to_int(text);
    return number && *number >= 1 && text.front() != '+' && text.front() != '0';
}

// What may stand in braces in a pattern.
struct Placeholder {
    std::string_view name;
    bool (*fits)(std::string_view);
};
constexpr std::array kPlaceholders{
    Placeholder{"{slot}", &is_slot_label},    Placeholder{"{batch}", &is_plain_name},
    Placeholder{"{backup}", &is_plain_name},  Placeholder{"{serial}", &is_plain_name},
    Placeholder{"{job}", &is_row_number},     Placeholder{"{unit}", &is_row_number},
    Placeholder{"{order}", &is_plain_name},   Placeholder{"{image}", &base::is_hex64},
    Placeholder{"{account}", &is_row_number}, Placeholder{"{screen}", &is_row_number},
    Placeholder{"{label}", &is_row_number},
};

const Placeholder* placeholder(std::string_view pattern) {
    const auto* found = std::find_if(kPlaceholders.begin(), kPlaceholders.end(),
                                     [&](const Placeholder& each) { return each.name == pattern; });
    return found == kPlaceholders.end() ? nullptr : found;
}

bool fits(std::string_view pattern, std::string_view segment) {
    const Placeholder* stands = placeholder(pattern);
    return stands == nullptr ? pattern == segment : stands->fits(segment);
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
            if (part.starts_with('{') && placeholder(part) == nullptr) {
                throw std::logic_error("route " + route.pattern + ": what may stand for " +
                                       std::string(part) + " is not known");
            }
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
