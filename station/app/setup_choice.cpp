// SPDX-License-Identifier: Apache-2.0
#include "station/app/setup_choice.h"

#include "station/app/shelf_words.h"
#include "station/base/text.h"
#include "workers/media/builds/recipe_source.h"
#include "workers/media/builds/version_choice.h"

#include <unistd.h>

#include <iostream>

namespace lineside::app {
namespace {

namespace fs = std::filesystem;
using media::ProductVersion;
using media::WantedProduct;

// A number from 0 to `count` - 1 from the terminal.
base::Result<std::size_t> ask_number(std::string_view question, std::size_t count) {
    for (;;) {
        std::cerr << fmt::format("{}: [0-{}]: ", question, count - 1) << std::flush;
        std::string answer;
        if (!std::getline(std::cin, answer)) {
            return base::fail("operator.stopped");
        }
        const auto number = base::to_int(media::trimmed(answer));
        if (number && *number >= 0 && std::cmp_less(*number, count)) {
            return static_cast<std::size_t>(*number);
        }
    }
}

bool may_ask(const ChoiceArguments& arguments) {
    return !arguments.automatic && ::isatty(STDIN_FILENO) != 0;
}

std::string argument_of(const ChoiceArguments& arguments, const std::string& product) {
    const auto found = arguments.patterns.find(product);
    return found == arguments.patterns.end() ? "" : found->second;
}

// Of several documents that load one product, all load the same types of it.
base::Result<std::vector<WantedProduct>> wanted_of(const std::vector<media::Recipe>& recipes) {
    std::vector<WantedProduct> all;
    for (const std::string_view kind : media::kProductKinds) {
        for (const media::Recipe& recipe : recipes) {
            for (WantedProduct& each : media::wanted_products(recipe)) {
                if (each.product != kind) {
                    continue;
                }
                if (all.empty() || all.back().product != kind) {
                    all.push_back(std::move(each));
                } else if (all.back().types != each.types) {
                    return base::fail(
                        "request.invalid",
                        fmt::format("the recipes load different parts of {}: name its files by "
                                    "--product",
                                    kind));
                }
            }
        }
    }
    return all;
}

base::Result<std::size_t> choose_version(const std::vector<ProductVersion>& versions,
                                         const WantedProduct& wanted, const std::string& pattern,
                                         const std::string& platform,
                                         const ChoiceArguments& arguments) {
    if (versions.empty()) {
        return base::fail("request.unknown",
                          fmt::format("Could not find files for product {} (types: {}, platform "
                                      "{}, regex .*{}.*); see: lineside builds {}",
                                      wanted.product, fmt::join(wanted.types, ", "), platform,
                                      pattern, platform));
    }
    const bool ask = versions.size() > 1 && may_ask(arguments);
    std::cerr << media::found_words(wanted, pattern, versions, ask);
    if (versions.size() == 1) {
        return std::size_t{0};
    }
    if (ask) {
        return ask_number("\n[MANUAL-MODE] Please select a file", versions.size());
    }
    std::optional<std::size_t> chosen;
    if (arguments.automatic) {
        chosen = media::version_by_itself(versions, wanted, pattern);
    }
    if (chosen) {
        return *chosen;
    }
    std::string names;
    for (const ProductVersion& each : versions) {
        names += "\n  " + each.name;
    }
    return base::fail(
        "request.invalid",
        fmt::format("{} versions of {} fit and nobody is there to choose: name one by "
                    "--{}, or say --auto{}",
                    versions.size(), wanted.product, wanted.product, names));
}

}  // namespace

bool names_platform(const std::string& word) {
    std::error_code error;
    return !fs::exists(word, error) && word.find('/') == std::string::npos &&
           !word.ends_with(".yml");
}

base::Result<std::string> choose_recipe(const std::string& platform,
                                        const ChoiceArguments& arguments) {
    const auto shelf = open_shelf(arguments.folder);
    if (!shelf) {
        return tl::unexpected<base::Error>(shelf.error());
    }
    const auto recipes = media::list_recipes(shelf->settings, shelf->folder);
    const auto fitting = recipes.of(platform, arguments.identifier);
    if (fitting.size() == 1) {
        return fitting.front()->path.string();
    }
    if (fitting.empty()) {
        for (const media::RecipeFile& each : recipes.files) {
            if (each.platform == platform && !each.errors.empty()) {
                return base::fail("config.invalid", fmt::format("{}: {}", each.path.string(),
                                                                each.errors.front().message));
            }
        }
        return base::fail(
            "request.unknown",
            fmt::format("there is neither a file nor a recipe for a platform {}; see: lineside "
                        "platforms",
                        media::shown(platform)));
    }
    std::string list;
    for (std::size_t i = 0; i < fitting.size(); ++i) {
        list += fmt::format("  [{}]: {}\n", i, fitting[i]->path.string());
    }
    if (!may_ask(arguments)) {
        return base::fail("request.invalid",
                          fmt::format("{} recipe files fit {}: name one of them, or its identifier "
                                      "by --identifier\n{}",
                                      fitting.size(), platform, list));
    }
    std::cerr << "There are multiple recipe files for platform " << platform << ".\n" << list;
    const auto chosen = ask_number("Please select a recipe", fitting.size());
    return chosen ? base::Result<std::string>(fitting[*chosen]->path.string())
                  : tl::unexpected<base::Error>(chosen.error());
}

base::Status choose_products(const std::string& platform, const std::vector<media::Recipe>& recipes,
                             const ChoiceArguments& arguments,
                             std::map<std::string, fs::path>& products) {
    const auto wanted = wanted_of(recipes);
    if (!wanted) {
        return tl::unexpected<base::Error>(wanted.error());
    }
    std::vector<WantedProduct> missing;
    for (const WantedProduct& each : *wanted) {
        if (std::any_of(each.names.begin(), each.names.end(),
                        [&](const std::string& name) { return !products.contains(name); })) {
            missing.push_back(each);
        }
    }
    if (missing.empty()) {
        return {};
    }
    const auto shelf = open_shelf(arguments.folder);
    if (!shelf) {
        return tl::unexpected<base::Error>(shelf.error());
    }
    auto shop = BuildShop::open(shelf->settings, kUsualAnswer);
    if (!shop) {
        return tl::unexpected<base::Error>(shop.error());
    }
    fs::path folder = shelf->folder / "downloads";
    if (arguments.local) {
        const auto local = shelf->settings.find("local.products");
        if (local == shelf->settings.end()) {
            return base::fail("config.missing",
                              "local.products is not set; run: lineside config "
                              "local.products=/PATH");
        }
        folder = local->second;
    }
    const auto listing = (*shop)->server().builds(platform);
    if (!listing) {
        return tl::unexpected<base::Error>(listing.error());
    }
    if (listing->platforms.empty()) {
        return tl::unexpected<base::Error>(no_such_platform(platform, (*shop)->address()));
    }
    std::vector<media::BuildFile> chosen_files;
    std::vector<std::string> names;
    for (const WantedProduct& each : missing) {  // all is chosen before anything is fetched
        const std::string pattern = argument_of(arguments, each.product);
        std::cerr << media::box_of(each, pattern);
        const auto versions = media::fitting_versions(listing->platforms.front(), each, pattern);
        if (!versions) {
            return tl::unexpected<base::Error>(versions.error());
        }
        const auto chosen = choose_version(*versions, each, pattern, platform, arguments);
        if (!chosen) {
            return tl::unexpected<base::Error>(chosen.error());
        }
        const ProductVersion& version = (*versions)[*chosen];
        std::cerr << fmt::format("-> Selected version: {}:\n\n", version.name);
        for (std::size_t i = 0; i < each.names.size(); ++i) {
            if (!products.contains(each.names[i])) {
                chosen_files.push_back(version.files[i]);
                names.push_back(each.names[i]);
            }
        }
    }
    for (std::size_t i = 0; i < chosen_files.size(); ++i) {
        const auto fetched = (*shop)->fetch(chosen_files[i], folder);
        if (!fetched) {
            return tl::unexpected<base::Error>(fetched.error());
        }
        std::cerr << fmt::format("{}: {}, {} bytes{}\n", names[i], fetched->file.string(),
                                 fetched->bytes, fetched->was_there ? ", was here already" : "");
        products[names[i]] = fetched->file;
    }
    return {};
}

}  // namespace lineside::app
