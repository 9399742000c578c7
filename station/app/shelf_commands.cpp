// SPDX-License-Identifier: Apache-2.0
// `lineside recipes`, `platforms`, `builds`: recipes for cards and what a build server built for
// them, without a service.
#include "station/app/media_commands.h"
#include "station/app/media_words.h"
#include "station/app/shelf_words.h"
#include "workers/media/builds/product_shelf.h"
#include "workers/media/builds/recipe_source.h"
#include "workers/media/builds/settings.h"

#include <CLI/CLI.hpp>

#include <iostream>

namespace lineside::app {
namespace {

using base::Json;
using media::Settings;
namespace fs = std::filesystem;

constexpr int kDone = 0;

struct ShelfArguments {
    std::string folder, action, platform;
    std::int64_t limit = 0;
    std::int64_t deadline = kUsualAnswer.count();  // seconds, for one answer of the server
    bool json = false, offline = false;
    std::array<bool, media::kProductKinds.size()> kinds{};  // as in kProductKinds
};

Json finding_json(const media::Finding& each) {
    return {{"line", each.line},
            {"column", each.column},
            {"field", each.field},
            {"message", each.message}};
}

Json recipe_json(const media::RecipeFile& file) {
    Json errors = Json::array(), warnings = Json::array();
    for (const media::Finding& each : file.errors) {
        errors.push_back(finding_json(each));
    }
    for (const media::Finding& each : file.warnings) {
        warnings.push_back(finding_json(each));
    }
    return {{"file", file.path.string()},     {"name", file.name},
            {"platform", file.platform},      {"identifier", file.identifier},
            {"source", file.source},          {"verdict", file.recipes > 0 ? "accept" : "reject"},
            {"recipes", file.recipes},        {"errors", std::move(errors)},
            {"warnings", std::move(warnings)}};
}

std::string recipe_text(const media::RecipeFile& file) {
    if (file.recipes == 0) {
        const media::Finding& first = file.errors.front();
        return fmt::format("{} ({}): refused: {}{}{}\n", media::shown(file.name), file.source,
                           first.field, first.field.empty() ? "" : ": ", first.message);
    }
    return fmt::format("{} ({}): {} {}\n", file.name, file.source, file.recipes,
                       file.recipes == 1 ? "recipe" : "recipes");
}

void tell_warnings(const std::vector<std::string>& warnings) {
    for (const std::string& each : warnings) {
        std::cerr << "warning: " << base::mended_text(each) << '\n';
    }
}

int list_recipe_files(const ShelfArguments& arguments, const fs::path& folder,
                      const Settings& settings) {
    const auto shelf = media::list_recipes(settings, folder);
    if (arguments.json) {
        Json list = Json::array();
        for (const media::RecipeFile& each : shelf.files) {
            list.push_back(recipe_json(each));
        }
        std::cout << base::dump_json({{"recipes", std::move(list)}, {"warnings", shelf.warnings}})
                  << '\n';
        return kDone;
    }
    tell_warnings(shelf.warnings);
    for (const media::RecipeFile& each : shelf.files) {
        std::cout << base::mended_text(recipe_text(each));
    }
    return kDone;
}

int run_recipes(const ShelfArguments& arguments) {
    const auto shelf = open_shelf(arguments.folder);
    if (!shelf) {
        return refused("recipes", shelf.error(), arguments.json);
    }
    if (arguments.action == "list") {
        return list_recipe_files(arguments, shelf->folder, shelf->settings);
    }
    const auto server = shelf->settings.find("recipes.server");
    if (server == shelf->settings.end()) {
        return refused("recipes",
                       base::make_error("config.missing",
                                        "recipes.server is not set; run: lineside "
                                        "config recipes.server=ADDRESS"),
                       arguments.json);
    }
    if (server->second.starts_with("http://") || server->second.starts_with("git://")) {
        std::cerr << "warning: whoever is between here and " << server->second
                  << " can change recipes, whose commands run as root; https:// or git@ is safe\n";
    }
    const media::Programs programs(stop_on_signals());
    const auto fetched = media::fetch_recipes(
        server->second, shelf->folder,
        arguments.action == "update" ? media::Fetch::again : media::Fetch::first, programs);
    if (!fetched) {
        return refused("recipes", fetched.error(), arguments.json);
    }
    if (arguments.json) {
        std::cout << base::dump_json({{"server", server->second},
                                      {"commit", fetched->commit},
                                      {"files", fetched->files}})
                  << '\n';
    } else {
        std::cout << fmt::format("{} recipe files of {}{}{}\n", fetched->files, server->second,
                                 fetched->commit.empty() ? "" : ", commit ", fetched->commit);
    }
    return kDone;
}

int run_platforms(const ShelfArguments& arguments) {
    const auto shelf = open_shelf(arguments.folder);
    if (!shelf) {
        return refused("platforms", shelf.error(), arguments.json);
    }
    const auto recipes = media::list_recipes(shelf->settings, shelf->folder);
    std::vector<std::string> warnings = recipes.warnings;
    std::map<std::string, std::string> built;  // platform, architecture
    bool known = false;
    if (!arguments.offline) {
        auto server = BuildShop::open(shelf->settings, std::chrono::seconds(arguments.deadline));
        auto listing =
            server ? (*server)->server().platforms()
                   : base::Result<media::BuildListing>(tl::unexpected<base::Error>(server.error()));
        if (!listing) {
            // Recipes are there all the same: which of them have builds is what nobody knows.
            warnings.push_back("which platforms are built is not known: " +
                               listing.error().message);
        } else {
            known = true;
            for (const media::BuildPlatform& each : listing->platforms) {
                built.emplace(each.name, each.architecture);
            }
            warnings.insert(warnings.end(), listing->warnings.begin(), listing->warnings.end());
        }
    }
    std::map<std::string, std::vector<const media::RecipeFile*>> platforms;
    for (const media::RecipeFile& each : recipes.files) {
        if (!each.platform.empty()) {
            platforms[each.platform].push_back(&each);
        }
    }
    if (arguments.json) {
        Json list = Json::array();
        for (const auto& [name, files] : platforms) {
            Json of = Json::array();
            for (const media::RecipeFile* each : files) {
                of.push_back(recipe_json(*each));
            }
            const auto at = built.find(name);
            list.push_back({{"platform", name},
                            {"available", known ? Json(at != built.end()) : Json()},
                            {"architecture", at == built.end() ? Json() : Json(at->second)},
                            {"recipes", std::move(of)}});
        }
        std::cout << base::dump_json({{"platforms", std::move(list)}, {"warnings", warnings}})
                  << '\n';
        return kDone;
    }
    tell_warnings(warnings);
    for (const auto& [name, files] : platforms) {
        const auto at = built.find(name);
        std::cout << name
                  << (at != built.end() ? " (" + at->second + ")"
                      : known           ? ": unavailable, the build server does not build it"
                                        : "")
                  << '\n';
        for (const media::RecipeFile* each : files) {
            std::cout << "  " << base::mended_text(recipe_text(*each));
        }
    }
    return kDone;
}

// Versions of one product of one owner, as they are listed.
struct ListedVersions {
    std::string product, owner;
    std::map<std::string, std::vector<const media::BuildFile*>> versions;
};

std::vector<ListedVersions> versions_of(const media::BuildPlatform& platform,
                                        const ShelfArguments& arguments) {
    const bool all = std::none_of(arguments.kinds.begin(), arguments.kinds.end(),
                                  [](bool wanted) { return wanted; });
    std::vector<ListedVersions> list;
    for (std::size_t i = 0; i < media::kProductKinds.size(); ++i) {
        if (!all && !arguments.kinds[i]) {
            continue;
        }
        for (const media::BuildFile& each : platform.files) {
            if (each.product != media::kProductKinds[i]) {
                continue;
            }
            if (list.empty() || list.back().product != each.product ||
                list.back().owner != each.owner) {
                list.push_back({each.product, each.owner, {}});
            }
            list.back().versions[each.version].push_back(&each);
        }
    }
    for (ListedVersions& each : list) {  // the newest by name are the last
        while (arguments.limit > 0 && std::cmp_greater(each.versions.size(), arguments.limit)) {
            each.versions.erase(each.versions.begin());
        }
    }
    return list;
}

Json versions_json(const ListedVersions& listed, const std::string& origin) {
    Json versions = Json::array();
    for (const auto& [name, files] : listed.versions) {
        Json types = Json::array(), of = Json::array();
        for (const media::BuildFile* each : files) {
            types.push_back(each->type);
            of.push_back({{"file", each->file},
                          {"type", each->type},
                          {"url", origin + each->target},
                          {"builder", each->builder},
                          {"build", each->build}});
        }
        versions.push_back(
            {{"version", name}, {"types", std::move(types)}, {"files", std::move(of)}});
    }
    return {{"product", listed.product}, {"name", listed.owner}, {"versions", std::move(versions)}};
}

std::string versions_text(const ListedVersions& listed) {
    std::string text = "  " + listed.product + ":\n";
    const bool rootfs = listed.product == "rootfs";
    if (rootfs) {
        text += "    " + listed.owner + ":\n";
    }
    for (const auto& [name, files] : listed.versions) {
        std::vector<std::string> types;
        for (const media::BuildFile* each : files) {
            types.push_back(each->file.substr(name.size()));
        }
        text += fmt::format("{}    {} (file types: {})\n", rootfs ? "  " : "", name,
                            fmt::join(types, " | "));
    }
    return text + '\n';
}

int run_builds(const ShelfArguments& arguments) {
    const auto shelf = open_shelf(arguments.folder);
    if (!shelf) {
        return refused("builds", shelf.error(), arguments.json);
    }
    auto shop = BuildShop::open(shelf->settings, std::chrono::seconds(arguments.deadline));
    if (!shop) {
        return refused("builds", shop.error(), arguments.json);
    }
    const auto wanted =
        arguments.platform.empty() ? std::optional<std::string>() : arguments.platform;
    const auto listing = (*shop)->server().builds(wanted);
    if (!listing) {
        return refused("builds", listing.error(), arguments.json);
    }
    if (wanted && listing->platforms.empty()) {
        return refused("builds", no_such_platform(*wanted, (*shop)->address()), arguments.json);
    }
    const std::string origin = (*shop)->base();
    Json platforms = Json::array();
    if (!arguments.json) {
        tell_warnings(listing->warnings);
    }
    for (const media::BuildPlatform& each : listing->platforms) {
        Json products = Json::array();
        if (!arguments.json) {
            const std::string line = fmt::format("+-{:-<{}}-+\n", "", each.name.size());
            std::cout << line << "| " << each.name << " |\n" << line << '\n';
        }
        for (const ListedVersions& of : versions_of(each, arguments)) {
            if (arguments.json) {
                products.push_back(versions_json(of, origin));
            } else {
                std::cout << versions_text(of);
            }
        }
        platforms.push_back({{"platform", each.name},
                             {"architecture", each.architecture},
                             {"products", std::move(products)}});
    }
    if (arguments.json) {
        std::cout << base::dump_json({{"server", origin},
                                      {"builds", listing->builds},
                                      {"platforms", std::move(platforms)},
                                      {"warnings", listing->warnings}})
                  << '\n';
    }
    return kDone;
}

}  // namespace

namespace {

void add_deadline(CLI::App* command, ShelfArguments& arguments) {
    command->add_option("--deadline", arguments.deadline, "seconds for one answer of the server")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{3600}));
}

}  // namespace

void add_shelf_commands(CLI::App& app, int& status) {
    const auto add = [&](const char* name, const char* words) {
        auto arguments = std::make_shared<ShelfArguments>();
        auto* command = app.add_subcommand(name, words);
        command->add_option("-w,--working-dir", arguments->folder,
                            "working folder; otherwise .flashtool here or in the home folder");
        command->add_flag("--json", arguments->json);
        return std::pair(command, arguments);
    };
    auto [recipes, recipes_of] = add("recipes", "fetch and list recipes for cards");
    recipes_of->action = "list";
    recipes->add_option("action", recipes_of->action, "init: fetch; update: fetch again; list")
        ->check(CLI::IsMember({"init", "update", "list"}));
    recipes->callback([&status, of = recipes_of] { status = run_recipes(*of); });

    auto [platforms, platforms_of] = add("platforms", "platforms that have a recipe");
    platforms->add_flag("--offline", platforms_of->offline, "do not ask the build server");
    add_deadline(platforms, *platforms_of);
    platforms->callback([&status, of = platforms_of] { status = run_platforms(*of); });

    auto [builds, builds_of] =
        add("builds", "what the build server built, by platform and product");
    builds->add_option("platform", builds_of->platform, "this one only");
    builds->add_option("--limit", builds_of->limit, "the newest N versions of each product")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}));
    builds->add_flag("-r,--rootfs", builds_of->kinds[0]);
    builds->add_flag("-u,--uboot", builds_of->kinds[1]);
    builds->add_flag("-l,--linux", builds_of->kinds[2]);
    builds->add_flag("-m,--misc", builds_of->kinds[3]);
    add_deadline(builds, *builds_of);
    builds->callback([&status, of = builds_of] { status = run_builds(*of); });
}

}  // namespace lineside::app
