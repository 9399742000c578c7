// SPDX-License-Identifier: Apache-2.0
// A recipe with the files of its products, as one thing that is prepared once and goes onto many
// disks, of whatever size: a folder that nobody changes any more, with the hash of everything in
// it. A disk that was set up with it is proven file by file, and says the same digest.
// Errors: config.invalid (the recipe or what it loads), config.missing, media.source (a product),
// image.broken (the folder is not what it was), disk.full, operator.stopped.
// Thread: as any value; blocks on disk.
#pragma once

#include "workers/media/recipe/setup.h"

namespace lineside::media {

struct RecipeSource {
    std::filesystem::path recipe;                           // a file of one recipe
    std::map<std::string, std::filesystem::path> products;  // by names of kProducts
    // Root's stays what the product's shadow says. Nobody is there to be asked for another.
    bool keep_root_password = false;
};

class PreparedRecipe {
  public:
    // What decides on everything that will be written, as one hash.
    [[nodiscard]] static base::Result<std::string> key_of(const RecipeSource& source,
                                                          const std::atomic<bool>& stop);
    // Copies recipe and products into `folder`. Every tar is read to its end and judged first.
    [[nodiscard]] static base::Result<PreparedRecipe> ingest(const RecipeSource& source,
                                                             const std::filesystem::path& folder,
                                                             const std::atomic<bool>& stop);
    // Is there one in `folder`?
    [[nodiscard]] static bool is_in(const std::filesystem::path& folder);
    [[nodiscard]] static base::Result<PreparedRecipe> load(const std::filesystem::path& folder);
    // Is everything as it was copied?
    [[nodiscard]] base::Status check(const std::atomic<bool>& stop) const;

    // What a disk is set up with, but for the disk itself.
    [[nodiscard]] const SetupPlan& plan() const { return plan_; }
    [[nodiscard]] std::string digest() const { return digest_of(hashes_); }
    // The same of what was really read and put onto a disk.
    [[nodiscard]] std::string digest_of(const std::vector<ProductLoaded>& loaded) const;
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }  // of the products' files
    [[nodiscard]] std::size_t files() const { return files_; }    // members of all of them

  private:
    using Hashes = std::map<std::string, std::string>;  // by product; "" is the recipe
    [[nodiscard]] std::string digest_of(const Hashes& hashes) const;

    SetupPlan plan_;
    std::filesystem::path recipe_;
    Hashes hashes_;
    std::uint64_t bytes_ = 0;
    std::size_t files_ = 0;
};

}  // namespace lineside::media
