// SPDX-License-Identifier: Apache-2.0
// What a profile says of its image; README.md has the table.
// Errors: config.invalid, naming the field.   Thread: any (plain values).
#pragma once

#include "workers/media/engine/prepared_image.h"
#include "workers/media/recipe/prepared_recipe.h"

#include <filesystem>
#include <string>

namespace lineside::media_image {

struct Places {
    std::filesystem::path source;  // folder of the image files, read-only
    std::filesystem::path out;     // becomes the cached image
};

// What the helper gave. Errors: worker.spawn.
[[nodiscard]] base::Result<Places> find_places(bool with_output);

// Without a cache: nothing is unpacked by it.
[[nodiscard]] base::Result<media::ImagePlan> read_plan(const base::Json& params,
                                                       const std::filesystem::path& folder);

// Of a profile that names a recipe instead of an image: the recipe and the files of its products.
[[nodiscard]] bool names_recipe(const base::Json& params);
[[nodiscard]] base::Result<media::RecipeSource> read_recipe_source(
    const base::Json& params, const std::filesystem::path& folder);

}  // namespace lineside::media_image
