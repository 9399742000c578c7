// SPDX-License-Identifier: Apache-2.0
// One recipe onto one disk. Everything that can be judged is judged before the first byte: the
// disk, the layout on it, tools, products, labels, the password. Then partition table, file systems
// and products are written, and all of it is read back from the medium: the table, each file system
// by its own check, each file by its bytes, owner, rights, times and attributes. What fails leaves
// nothing mounted, no loop device, and no partition table that looks finished.
// Errors: config.invalid, media.*, unit.storage, image.mismatch, usb.left, tool.*, host.unfit,
// disk.full, operator.stopped.
// Thread: one a setup; several setups may run at once.
#pragma once

#include "station/base/secret.h"
#include "workers/media/recipe/fat_files.h"
#include "workers/media/recipe/layout.h"
#include "workers/media/recipe/target.h"
#include "workers/media/recipe/tree.h"

namespace lineside::media {

struct SetupPlan {
    Recipe recipe;                                          // of a file without complaints
    std::map<std::string, std::filesystem::path> products;  // by names of kProducts
    std::filesystem::path target;
    DiskPolicy policy;
    // Root's; nothing: what the product's shadow says is kept on purpose.
    std::optional<base::Secret> root_password;
    bool keep_root_password = false;
    bool probe_capacity = false;
    std::filesystem::path work = "/var/tmp";  // for what FAT and commands need unpacked
};

struct PartitionMade {
    std::string name, fs_type, uuid, label;
    Slice slice;
};
struct ProductLoaded {
    std::string name, file, sha256;
    std::size_t members = 0;
    std::uint64_t bytes = 0;
    // files: each was read back from the medium; kept: a command ended well, and what it wrote
    // outside of file systems was read back from the medium as it was
    std::string proof;
};

struct SetupResult {
    base::Status status;
    bool proven = false;  // never without a good status
    std::vector<PartitionMade> partitions;
    std::vector<ProductLoaded> products;
};

struct SetupProgress {
    std::atomic<const char*> phase{"waiting"};
    std::atomic<std::uint64_t> unpacked{0}, verified{0};  // bytes
};

// What a recipe's product becomes on this disk.
struct PreparedProduct {
    RecipeProduct product;
    Tree tree;
    std::filesystem::path command_file;  // of a command: what ${file} is
};

class Setup {
  public:
    // Changes nothing but a folder in `work`.
    [[nodiscard]] static base::Result<std::unique_ptr<Setup>> prepare(
        SetupPlan plan, const std::atomic<bool>& stop);
    [[nodiscard]] const JudgedTarget& target() const { return target_; }
    [[nodiscard]] std::uint64_t bytes_to_unpack() const;
    [[nodiscard]] SetupResult run(SetupProgress& progress);

  private:
    friend class SetupRun;
    Setup(SetupPlan plan, const std::atomic<bool>& stop)
        : plan_(std::move(plan)), stop_(stop), programs_(stop) {}

    base::Status judge();
    base::Status judge_file_systems();
    base::Status judge_products();
    base::Status judge_product(const RecipeProduct& product);
    base::Status judge_command(PreparedProduct& prepared);
    base::Status judge_room();
    base::Status judge_etc();

    SetupPlan plan_;
    const std::atomic<bool>& stop_;
    Programs programs_;
    JudgedTarget target_;
    std::vector<Slice> slices_;
    std::vector<PreparedProduct> products_;  // root file systems first, then as in the recipe
    std::optional<std::size_t> root_;        // the partition "/" that gets files
    std::string password_hash_;              // empty: shadow stays
    std::optional<TemporaryFolder> work_;
};

}  // namespace lineside::media
