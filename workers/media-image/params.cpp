// SPDX-License-Identifier: Apache-2.0
#include "workers/media-image/params.h"

#include "station/base/text.h"

#include <cstdlib>

namespace lineside::media_image {
namespace {

using base::Result;

// A file of the folder itself: no path may lead out of it.
Result<std::filesystem::path> file_in(const base::Json& params, std::string_view key,
                                      const std::filesystem::path& folder) {
    const auto name = base::field_or<std::string>(params, key, "");
    if (!name) {
        return tl::unexpected<base::Error>(name.error());
    }
    if (name->find('/') != std::string::npos || name->find('\0') != std::string::npos ||
        *name == "." || *name == "..") {
        return base::fail("config.invalid", fmt::format("\"{}\" must be the name of a file in {}",
                                                        key, folder.string()));
    }
    return name->empty() ? std::filesystem::path() : folder / *name;
}

}  // namespace

Result<Places> find_places(bool with_output) {
    const char* const source = std::getenv("LINESIDE_BSP");
    const char* const out = std::getenv("LINESIDE_OUT");
    if (source == nullptr || (with_output && out == nullptr)) {
        return base::fail("worker.spawn",
                          "LINESIDE_BSP and LINESIDE_OUT are the root helper's to set");
    }
    return Places{source, with_output ? out : ""};
}

Result<media::ImagePlan> read_plan(const base::Json& params, const std::filesystem::path& folder) {
    const auto file = file_in(params, "file", folder);
    const auto bmap = file_in(params, "bmap", folder);
    const auto hash = base::field_or<std::string>(params, "verify", "xxh3");
    const auto sha256 = base::field_or<std::string>(params, "sha256", "");
    for (const base::Error* wrong :
         {!file ? &file.error() : nullptr, !bmap ? &bmap.error() : nullptr,
          !hash ? &hash.error() : nullptr, !sha256 ? &sha256.error() : nullptr}) {
        if (wrong != nullptr) {
            return tl::unexpected<base::Error>(*wrong);
        }
    }
    if (file->empty()) {
        return base::fail("config.invalid", "\"file\" is missing: the image's file name");
    }
    if (*hash != "xxh3" && *hash != "sha256") {
        return base::fail("config.invalid", R"("verify" must be "xxh3" or "sha256")");
    }
    media::ImagePlan plan;
    plan.file = *file;
    if (!bmap->empty()) {
        plan.bmap = *bmap;
    }
    plan.hash = *hash == "xxh3" ? media::PieceHash::xxh3 : media::PieceHash::sha256;
    plan.sha256 = base::to_lower_ascii(*sha256);
    if (!plan.sha256.empty() && !base::is_hex64(plan.sha256)) {
        return base::fail("config.invalid", "\"sha256\" must be 64 hex digits");
    }
    return plan;
}

bool names_recipe(const base::Json& params) {
    return params.contains("recipe");
}

Result<media::RecipeSource> read_recipe_source(const base::Json& params,
                                               const std::filesystem::path& folder) {
    const auto recipe = file_in(params, "recipe", folder);
    const auto keep = base::field_or<bool>(params, "keep_root_password", false);
    const auto products = base::field_or<base::Json>(params, "products", base::Json::object());
    for (const base::Error* wrong :
         {!recipe ? &recipe.error() : nullptr, !keep ? &keep.error() : nullptr,
          !products ? &products.error() : nullptr}) {
        if (wrong != nullptr) {
            return tl::unexpected<base::Error>(*wrong);
        }
    }
    media::RecipeSource source;
    source.recipe = *recipe;
    source.keep_root_password = *keep;
    for (const auto& [name, unread] : products->items()) {
        const auto file = file_in(*products, name, folder);
        if (!file) {
            return tl::unexpected<base::Error>(file.error());
        }
        source.products[name] = *file;
    }
    return source;
}

}  // namespace lineside::media_image
