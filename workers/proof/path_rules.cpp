// SPDX-License-Identifier: Apache-2.0
#include "workers/proof/path_rules.h"

#include "station/base/text.h"
#include "workers/proof/escape.h"

#include <algorithm>

namespace lineside::proof {
namespace {

// `rule` against the whole of `text`; '*' takes any run without '/'. Rules are short, so the plain
// backtracking over one star at a time is linear enough.
bool glob(std::string_view rule, std::string_view text) {
    std::size_t r = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t retry_at = 0;
    while (t < text.size()) {
        if (r < rule.size() && rule[r] == '*') {
            star = r++;
            retry_at = t;
        } else if (r < rule.size() && rule[r] == text[t]) {
            ++r;
            ++t;
        } else if (star != std::string_view::npos && text[retry_at] != '/') {
            r = star + 1;
            t = ++retry_at;
        } else {
            return false;
        }
    }
    while (r < rule.size() && rule[r] == '*') {
        ++r;
    }
    return r == rule.size();
}

bool matches(std::string_view rule, std::string_view path) {
    if (!rule.ends_with('/')) {
        return glob(rule, path);
    }
    const std::string_view folder = rule.substr(0, rule.size() - 1);
    if (folder.empty()) {
        return true;  // "/": all of it
    }
    // The folder itself, or the first parts of the path that have as many parts as the rule.
    const auto depth = std::count(folder.begin(), folder.end(), '/');
    std::size_t end = 0;
    for (std::ptrdiff_t i = 0; i < depth; ++i) {
        if (end >= path.size()) {
            return false;
        }
        end = std::min(path.find('/', end + 1), path.size());
    }
    return glob(folder, path.substr(0, end));
}

}  // namespace

base::Result<PathRules> PathRules::parse(std::span<const std::string> rules) {
    PathRules out;
    for (const std::string& rule : rules) {
        bool good = rule.starts_with('/') && rule.size() <= 4096;
        const std::string_view body = std::string_view(rule).substr(good ? 1 : 0);
        const auto parts = base::split(body, '/');
        for (std::size_t i = 0; good && i < parts.size(); ++i) {
            const bool last = i + 1 == parts.size();
            good = parts[i] != "." && parts[i] != ".." && (!parts[i].empty() || last);
        }
        if (!good) {
            return base::fail("config.invalid",
                              "mutable rule \"" + escape_name(rule) +
                                  "\" is not an absolute path without empty, '.' or '..' parts");
        }
        out.rules_.push_back(rule);
    }
    std::sort(out.rules_.begin(), out.rules_.end());
    out.rules_.erase(std::unique(out.rules_.begin(), out.rules_.end()), out.rules_.end());
    return out;
}

bool PathRules::match(std::string_view path) const {
    return std::any_of(rules_.begin(), rules_.end(),
                       [&](const std::string& rule) { return matches(rule, path); });
}

}  // namespace lineside::proof
