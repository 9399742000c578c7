// SPDX-License-Identifier: Apache-2.0
#include "station/app/media_commands.h"

#include "workers/media/check/check_commands.h"

#include <CLI/CLI.hpp>

#include <iostream>

namespace lineside::app {
namespace {

struct Check {
    std::string file, image;
    bool json = false;
};

}  // namespace

void add_media_checks(CLI::App& check, int& status) {
    auto add = [&](const char* name, const char* words) {
        auto arguments = std::make_shared<Check>();
        auto* command = check.add_subcommand(name, words);
        command->add_option("file", arguments->file)->required();
        command->add_flag("--json", arguments->json);
        return std::pair(command, arguments);
    };
    auto [recipe, recipe_of] = add("recipe", "a recipe file for cards; its name is judged too");
    recipe->callback([&status, of = recipe_of] {
        status = media::run_check_recipe(of->file, of->json, std::cout, std::cerr);
    });
    auto [map, map_of] = add("bmap", "a block map, with the image it is of");
    auto* image = map->add_option("image", map_of->image, "compare the ranges' checksums");
    map->callback([&status, of = map_of, image] {
        const auto with = image->count() == 0 ? std::optional<std::filesystem::path>()
                                              : std::filesystem::path(of->image);
        status = media::run_check_bmap(of->file, with, of->json, std::cout, std::cerr);
    });
    auto [udev, udev_of] = add("udev", "which disk is the card, by recorded udev events");
    udev->callback([&status, of = udev_of] {
        status = media::run_check_udev(of->file, of->json, std::cout, std::cerr);
    });
}

}  // namespace lineside::app
