// SPDX-License-Identifier: Apache-2.0
// `lineside setup PLATFORM …`: the recipe out of the working folder, and the products of its build
// server, each in the version that arguments or somebody at the terminal choose.
// Thread: the command's.
#pragma once

#include "station/base/error.h"
#include "workers/media/formats/recipe.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lineside::app {

struct ChoiceArguments {
    std::string folder;                           // working folder; empty: the usual one
    std::optional<std::string> identifier;        // which recipe, where there are several
    std::map<std::string, std::string> patterns;  // by product: uboot, linux, misc, rootfs
    bool automatic = false;                       // nobody is asked
    bool local = false;                           // kept in local.products
};

// Is `word` the name of a platform instead of a recipe file?
[[nodiscard]] bool names_platform(const std::string& word);
// The one recipe file for `platform`; somebody at the terminal chooses among several.
[[nodiscard]] base::Result<std::string> choose_recipe(const std::string& platform,
                                                      const ChoiceArguments& arguments);
// Adds to `products` (NAME to file) what `recipes` load and is not in it yet. What is chosen is
// told on standard error.
[[nodiscard]] base::Status choose_products(const std::string& platform,
                                           const std::vector<media::Recipe>& recipes,
                                           const ChoiceArguments& arguments,
                                           std::map<std::string, std::filesystem::path>& products);

}  // namespace lineside::app
