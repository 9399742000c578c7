// SPDX-License-Identifier: Apache-2.0
#include "workers/media/builds/version_choice.h"

#include "station/base/text.h"

#include <re2/re2.h>

namespace lineside::media {
namespace {

constexpr std::size_t kMostPattern = 512;
constexpr std::size_t kStampDigits = 14;  // 20150306055251
constexpr std::string_view kFactory = "factory";

std::string regex_of(const std::string& pattern) {
    return fmt::format(".*{}.*", pattern);
}

// The first run of exactly 14 digits: when it was built. Empty: it does not say.
std::string stamp_of(const std::string& name) {
    std::string digits;
    for (std::size_t i = 0; i <= name.size(); ++i) {
        if (i < name.size() && name[i] >= '0' && name[i] <= '9') {
            digits += name[i];
            continue;
        }
        if (digits.size() == kStampDigits) {
            return digits;
        }
        digits.clear();
    }
    return "";
}

}  // namespace

std::vector<WantedProduct> wanted_products(const Recipe& recipe) {
    std::vector<WantedProduct> list;
    for (const std::string_view kind : kProductKinds) {
        WantedProduct wanted;
        wanted.product = std::string(kind);
        for (const RecipeProduct& each : recipe.load) {
            const std::string name = base::to_lower_ascii(each.name);
            const auto line = name.find('_');
            if (name.substr(0, line) == kind) {
                wanted.types.push_back(line == std::string::npos ? name : name.substr(line + 1));
                wanted.names.push_back(each.name);
            }
        }
        if (!wanted.types.empty()) {
            list.push_back(std::move(wanted));
        }
    }
    return list;
}

base::Result<std::vector<ProductVersion>> fitting_versions(const BuildPlatform& platform,
                                                           const WantedProduct& wanted,
                                                           const std::string& pattern) {
    RE2::Options quiet;
    quiet.set_log_errors(false);
    const RE2 regex(pattern, quiet);
    if (pattern.size() > kMostPattern || !regex.ok()) {
        return base::fail(
            "request.invalid",
            fmt::format("{} is no regular expression: {}; put a \\ before what is "
                        "meant as it is",
                        shown(pattern),
                        pattern.size() > kMostPattern ? "it is too long" : regex.error()));
    }
    std::map<std::pair<std::string, std::string>, std::map<std::string, BuildFile>> all;
    std::set<std::pair<std::string, std::string>> matched;
    for (const BuildFile& each : platform.files) {
        if (each.product != wanted.product) {
            continue;
        }
        const std::pair key(each.owner, each.version);
        all[key].emplace(each.type, each);
        if (RE2::PartialMatch(fmt::format("{}/{}/{}", each.product, each.owner, each.file),
                              regex)) {
            matched.insert(key);
        }
    }
    std::vector<ProductVersion> versions;
    for (const auto& key : matched) {
        const auto& types = all[key];
        ProductVersion version{key.second, key.first, {}};
        for (const std::string& type : wanted.types) {
            if (const auto found = types.find(type); found != types.end()) {
                version.files.push_back(found->second);
            }
        }
        if (version.files.size() == wanted.types.size() && types.size() == wanted.types.size()) {
            versions.push_back(std::move(version));
        }
    }
    return versions;  // a set is in text order
}

std::optional<std::size_t> version_by_itself(const std::vector<ProductVersion>& versions,
                                             const WantedProduct& wanted,
                                             const std::string& pattern) {
    if (versions.empty()) {
        return std::nullopt;
    }
    if (wanted.product != "rootfs" || !pattern.empty()) {
        return versions.size() - 1;
    }
    std::optional<std::size_t> newest;
    for (std::size_t i = 0; i < versions.size(); ++i) {
        const bool factory = versions[i].name.find(kFactory) != std::string::npos ||
                             versions[i].owner.find(kFactory) != std::string::npos;
        if (factory &&
            (!newest || stamp_of(versions[i].name) >= stamp_of(versions[*newest].name))) {
            newest = i;
        }
    }
    return newest;
}

std::string box_of(const WantedProduct& wanted, const std::string& pattern) {
    const std::string types = fmt::format("{}", fmt::join(wanted.types, ", "));
    const std::size_t width = std::max({wanted.product.size(), pattern.size(), types.size()});
    const std::string line = fmt::format(" +-{:-<{}}-+\n", "", 12 + width);
    std::string text = line;
    for (const auto& [name, value] :
         {std::pair<std::string_view, std::string>("product:", wanted.product),
          {"reg_name:", pattern},
          {"file_types:", types}}) {
        text += fmt::format(" | {:<12}{:<{}} |\n", name, value, width);
    }
    return text + line;
}

std::string found_words(const WantedProduct& wanted, const std::string& pattern,
                        const std::vector<ProductVersion>& versions, bool list) {
    std::string text = fmt::format("Found {} for product {} with regex {}\n",
                                   versions.size() == 1 ? "one version" : "multiple versions",
                                   wanted.product, regex_of(pattern));
    for (std::size_t i = 0; list && i < versions.size(); ++i) {
        text += fmt::format("  [{}]: {}\n", i, versions[i].name);
    }
    return text;
}

}  // namespace lineside::media
