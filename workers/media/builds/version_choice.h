// SPDX-License-Identifier: Apache-2.0
// Which version of a product goes onto a medium: those of a build server that an argument and a
// recipe leave, the one that is taken without a question, and the words that are said about it.
// Thread: any (pure).
#pragma once

#include "workers/media/builds/build_server.h"
#include "workers/media/formats/recipe.h"

namespace lineside::media {

// What a recipe loads of one product: "Linux_Boot" and "Linux_Root" are the types boot and root of
// linux.
struct WantedProduct {
    std::string product;             // one of kProductKinds
    std::vector<std::string> types;  // in the recipe's order
    std::vector<std::string> names;  // of kProducts, one for each type
};
// rootfs first, then uboot, linux, misc.
[[nodiscard]] std::vector<WantedProduct> wanted_products(const Recipe& recipe);

struct ProductVersion {
    std::string name, owner;
    std::vector<BuildFile> files;  // one a type, as `types`
};

// The versions that `pattern` (a regular expression, .*pattern.* of {product}/{owner}/{file})
// matches and that have exactly the wanted types, in text order.
// Errors: request.invalid (no regular expression).
[[nodiscard]] base::Result<std::vector<ProductVersion>> fitting_versions(
    const BuildPlatform& platform, const WantedProduct& wanted, const std::string& pattern);
// Without a question: the last one; of a rootfs nobody named, the newest `factory` one. Nothing
// where there is none such.
[[nodiscard]] std::optional<std::size_t> version_by_itself(
    const std::vector<ProductVersion>& versions, const WantedProduct& wanted,
    const std::string& pattern);

// The box with product, argument and types.
[[nodiscard]] std::string box_of(const WantedProduct& wanted, const std::string& pattern);
// "Found one version …" or "Found multiple versions …" with the list, where somebody chooses.
[[nodiscard]] std::string found_words(const WantedProduct& wanted, const std::string& pattern,
                                      const std::vector<ProductVersion>& versions, bool list);

}  // namespace lineside::media
