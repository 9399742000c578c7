// SPDX-License-Identifier: Apache-2.0
#include "workers/media/recipe/prepared_recipe.h"

#include "station/base/files.h"
#include "station/base/json.h"
#include "station/base/text.h"
#include "workers/media/source/file_hash.h"

#include <fcntl.h>
#include <unistd.h>

namespace lineside::media {
namespace {

namespace fs = std::filesystem;
using base::Json;

constexpr std::string_view kWords = "recipe.json";  // of the folder: last written, first read
constexpr std::string_view kProductFolder = "products";
constexpr std::size_t kMostWords = 64 * 1024;

base::Result<std::vector<Recipe>> recipes_of(const std::string& text, const fs::path& file) {
    Report report;
    (void)parse_recipe_name(file.filename().string(), report);
    auto recipes = read_recipes(text, report);
    if (!report.accepted()) {
        const Finding& first = report.errors().front();
        return base::fail("config.invalid", fmt::format("{}:{}: {}: {}", file.filename().string(),
                                                        first.line, first.field, first.message));
    }
    return recipes;
}

// The one recipe of the file: a job has one disk.
base::Result<Recipe> recipe_of(const std::string& text, const fs::path& file) {
    auto recipes = recipes_of(text, file);
    if (!recipes) {
        return tl::unexpected<base::Error>(recipes.error());
    }
    if (recipes->size() != 1) {
        return base::fail("config.invalid",
                          fmt::format("{} holds {} recipes, each for its own disk: a unit has one; "
                                      "write a file for each",
                                      file.filename().string(), recipes->size()));
    }
    return std::move(recipes->front());
}

// Every product has its file, and no file is left over.
base::Status same_products(const Recipe& recipe, const std::map<std::string, fs::path>& files) {
    for (const RecipeProduct& each : recipe.load) {
        if (!files.contains(each.name)) {
            return base::fail("config.invalid",
                              fmt::format("the recipe loads {} and no file is named for it: add it "
                                          "to products",
                                          each.name));
        }
    }
    if (files.size() != recipe.load.size()) {
        return base::fail("config.invalid",
                          "products name a file that the recipe does not load: leave it out");
    }
    return {};
}

// A copy that is on disk when this returns; the hash of what was copied.
base::Result<std::string> copy_through(const fs::path& from, const fs::path& to,
                                       const std::atomic<bool>& stop) {
    const base::UniqueFd fd(
        ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444));
    if (!fd) {
        return base::fail_writing("media.source", "cannot write " + to.string(), errno);
    }
    base::Sha256 hash;
    auto copied = read_through(from, stop, [&](std::string_view piece) -> base::Status {
        hash.update(piece);
        while (!piece.empty()) {
            const ssize_t put = ::write(fd.get(), piece.data(), piece.size());
            if (put < 0 && errno == EINTR) {
                continue;
            }
            if (put <= 0) {
                return base::fail_writing("media.source", "cannot write " + to.string(), errno);
            }
            piece.remove_prefix(static_cast<std::size_t>(put));
        }
        return {};
    });
    if (copied && ::fsync(fd.get()) != 0) {
        copied = base::fail_writing("media.source", "cannot write " + to.string(), errno);
    }
    return copied ? base::Result<std::string>(hash.hex())
                  : tl::unexpected<base::Error>(copied.error());
}

}  // namespace

std::string PreparedRecipe::digest_of(const Hashes& hashes) const {
    std::string text = fmt::format("lineside-recipe 1\n{}\n", plan_.keep_root_password);
    for (const auto& [name, hash] : hashes) {
        text += fmt::format("{}={}\n", name, hash);
    }
    return base::sha256_hex(text);
}

std::string PreparedRecipe::digest_of(const std::vector<ProductLoaded>& loaded) const {
    Hashes hashes{{"", hashes_.at("")}};
    for (const ProductLoaded& each : loaded) {
        hashes[each.name] = each.sha256;
    }
    return digest_of(hashes);
}

base::Result<std::string> PreparedRecipe::key_of(const RecipeSource& source,
                                                 const std::atomic<bool>& stop) {
    std::string text = fmt::format("lineside-recipe-key 1\n{}\n{}\n", source.keep_root_password,
                                   source.recipe.filename().string());
    auto recipe = hash_of_file(source.recipe, stop);
    if (!recipe) {
        return recipe;
    }
    text += *recipe + "\n";
    for (const auto& [name, file] : source.products) {
        auto hash = hash_of_file(file, stop);
        if (!hash) {
            return hash;
        }
        // The name says how it is packed.
        text += fmt::format("{}={} {}\n", name, *hash, file.filename().string());
    }
    return base::sha256_hex(text);
}

base::Result<PreparedRecipe> PreparedRecipe::ingest(const RecipeSource& source,
                                                    const fs::path& folder,
                                                    const std::atomic<bool>& stop) {
    const auto text = base::read_file(source.recipe, kMaxRecipeBytes);
    if (!text) {
        return tl::unexpected<base::Error>(text.error());
    }
    const auto recipe = recipe_of(*text, source.recipe);
    if (!recipe) {
        return tl::unexpected<base::Error>(recipe.error());
    }
    if (auto same = same_products(*recipe, source.products); !same) {
        return tl::unexpected<base::Error>(same.error());
    }
    Json words{{"recipe", source.recipe.filename().string()},
               {"sha256", base::sha256_hex(*text)},
               {"keep_root_password", source.keep_root_password},
               {"products", Json::object()}};
    std::error_code error;
    for (const auto& [name, file] : source.products) {
        const fs::path place = folder / kProductFolder / name;
        fs::create_directories(place, error);
        const fs::path copy = place / file.filename();
        const auto hash = copy_through(file, copy, stop);
        if (!hash) {
            return tl::unexpected<base::Error>(hash.error());
        }
        const auto tree = scan_tree(copy, stop);
        if (!tree) {
            return tl::unexpected<base::Error>(tree.error());
        }
        words["products"][name] = {{"file", file.filename().string()},
                                   {"sha256", *hash},
                                   {"bytes", fs::file_size(copy, error)},
                                   {"members", tree->members.size()}};
    }
    if (auto put = base::replace_file(folder / source.recipe.filename(), *text, 0444); !put) {
        return tl::unexpected<base::Error>(put.error());
    }
    if (auto put = base::replace_file(folder / kWords, base::dump_json(words), 0444); !put) {
        return tl::unexpected<base::Error>(put.error());
    }
    return load(folder);
}

bool PreparedRecipe::is_in(const fs::path& folder) {
    std::error_code error;
    return fs::exists(folder / kWords, error);
}

base::Result<PreparedRecipe> PreparedRecipe::load(const fs::path& folder) {
    const auto broken = [&](std::string_view why) {
        return base::fail("image.broken", fmt::format("{}: {}", folder.string(), why));
    };
    const auto text = base::read_file(folder / kWords, kMostWords);
    const auto words = text ? base::parse_json(*text, kMostWords)
                            : base::Result<Json>(tl::unexpected<base::Error>(text.error()));
    if (!words) {
        return broken(words.error().message);
    }
    const auto name = base::field<std::string>(*words, "recipe");
    const auto hash = base::field<std::string>(*words, "sha256");
    const auto keep = base::field<bool>(*words, "keep_root_password");
    const auto products = base::field<Json>(*words, "products");
    if (!name || !hash || !keep || !products) {
        return broken("a field of recipe.json is missing");
    }
    PreparedRecipe prepared;
    prepared.recipe_ = folder / *name;
    const auto recipe_text = base::read_file(prepared.recipe_, kMaxRecipeBytes);
    if (!recipe_text || base::sha256_hex(*recipe_text) != *hash) {
        return broken(recipe_text ? "its recipe is another one" : recipe_text.error().message);
    }
    auto recipe = recipe_of(*recipe_text, prepared.recipe_);
    if (!recipe) {
        return tl::unexpected<base::Error>(recipe.error());
    }
    prepared.plan_.recipe = std::move(*recipe);
    prepared.plan_.keep_root_password = *keep;
    prepared.hashes_[""] = *hash;
    for (const auto& [product, of] : products->items()) {
        const auto file = base::field<std::string>(of, "file");
        const auto sha256 = base::field<std::string>(of, "sha256");
        const auto bytes = base::field<std::uint64_t>(of, "bytes");
        const auto members = base::field<std::size_t>(of, "members");
        if (!file || !sha256 || !bytes || !members) {
            return broken("a product of recipe.json lacks a field");
        }
        prepared.plan_.products[product] = folder / kProductFolder / product / *file;
        prepared.hashes_[product] = *sha256;
        prepared.bytes_ += *bytes;
        prepared.files_ += *members;
    }
    if (auto same = same_products(prepared.plan_.recipe, prepared.plan_.products); !same) {
        return broken(same.error().message);
    }
    return prepared;
}

base::Status PreparedRecipe::check(const std::atomic<bool>& stop) const {
    for (const auto& [name, file] : plan_.products) {
        const auto hash = hash_of_file(file, stop);
        if (!hash) {
            return hash.error().code == "operator.stopped"
                       ? tl::unexpected<base::Error>(hash.error())
                       : base::fail("image.broken", hash.error().message);
        }
        if (*hash != hashes_.at(name)) {
            return base::fail("image.broken", file.string() + " is not what was prepared");
        }
    }
    return {};
}

}  // namespace lineside::media
