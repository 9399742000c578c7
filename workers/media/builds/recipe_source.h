// SPDX-License-Identifier: Apache-2.0
// Recipe files: fetched from a git repository or a folder into `platforms` of the working folder,
// and those of the user's own folder. What is fetched is there as a whole or not at all; it is
// never run, never followed out of its folder, and is judged like any recipe before it is used.
// Errors: config.missing, media.source, request.conflict, request.invalid, tool.*, disk.full,
// operator.stopped.
// Thread: one at a time for a working folder (another one is refused).
#pragma once

#include "workers/media/builds/settings.h"
#include "workers/media/recipe/programs.h"

#include <cstdint>

namespace lineside::media {

// Why `address` is neither a git address nor a folder that recipes could be fetched from, or "".
[[nodiscard]] std::string why_no_recipe_source(std::string_view address);

struct FetchedRecipes {
    std::string commit;  // empty: of a folder that is no repository
    std::size_t files = 0;
};
enum class Fetch { first, again };
[[nodiscard]] base::Result<FetchedRecipes> fetch_recipes(const std::string& address,
                                                         const std::filesystem::path& folder,
                                                         Fetch which, const Programs& programs);

struct RecipeFile {
    std::filesystem::path path;
    std::string name, platform, identifier;  // both empty: the name is refused
    std::string source;                      // "repository" or "user"
    std::size_t recipes = 0;                 // documents; 0: refused
    std::vector<Finding> errors, warnings;
};
struct RecipeShelf {
    std::vector<RecipeFile> files;  // by platform, identifier and source
    std::vector<std::string> warnings;

    // The good files for `platform`, those of one identifier where it is given.
    [[nodiscard]] std::vector<const RecipeFile*> of(
        std::string_view platform, const std::optional<std::string>& identifier) const;
};
// Every *.yml but template.yml; links and folders are left out.
[[nodiscard]] RecipeShelf list_recipes(const Settings& settings,
                                       const std::filesystem::path& folder);

}  // namespace lineside::media
