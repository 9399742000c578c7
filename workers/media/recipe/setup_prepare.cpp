// SPDX-License-Identifier: Apache-2.0
#include "workers/media/recipe/etc_files.h"
#include "workers/media/recipe/file_system.h"
#include "workers/media/recipe/labels.h"
#include "workers/media/recipe/setup.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace lineside::media {
namespace {

constexpr std::string_view kShadow = "etc/shadow";

bool is_root(const RecipePartition& partition) {
    return partition.mount_point.find_first_not_of('/') == std::string::npos &&
           !partition.mount_point.empty();
}

}  // namespace

base::Result<std::unique_ptr<Setup>> Setup::prepare(SetupPlan plan, const std::atomic<bool>& stop) {
    std::unique_ptr<Setup> setup(new Setup(std::move(plan), stop));
    if (auto judged = setup->judge(); !judged) {
        return tl::unexpected<base::Error>(judged.error());
    }
    return setup;
}

std::uint64_t Setup::bytes_to_unpack() const {
    std::uint64_t bytes = 0;
    for (const PreparedProduct& each : products_) {
        bytes += each.product.device ? each.tree.bytes : 0;
    }
    return bytes;
}

base::Status Setup::judge() {
    auto target = judge_target(plan_.target, plan_.policy);
    if (!target) {
        return tl::unexpected<base::Error>(target.error());
    }
    target_ = std::move(*target);
    auto slices = lay_out(plan_.recipe, target_.bytes, target_.sector);
    if (!slices) {
        return tl::unexpected<base::Error>(slices.error());
    }
    slices_ = std::move(*slices);
    auto work = TemporaryFolder::make(plan_.work);
    if (!work) {
        return tl::unexpected<base::Error>(work.error());
    }
    work_.emplace(std::move(*work));
    for (auto step : {&Setup::judge_file_systems, &Setup::judge_products, &Setup::judge_room,
                      &Setup::judge_etc}) {
        if (auto judged = (this->*step)(); !judged) {
            return judged;
        }
    }
    return {};
}

base::Status Setup::judge_file_systems() {
    for (std::size_t i = 0; i < slices_.size(); ++i) {
        const RecipePartition& each = plan_.recipe.partitions[i];
        if (auto can = can_be_made({each.fs_type, label_of(each.name, each.fs_type),
                                    slices_[i].bytes, slices_[i].begin});
            !can) {
            return can;
        }
    }
    return {};
}

base::Status Setup::judge_products() {
    for (const auto& [name, file] : plan_.products) {
        const auto& load = plan_.recipe.load;
        const bool wanted = std::any_of(load.begin(), load.end(),
                                        [&, &its_name = name](const RecipeProduct& product) {
                                            return product.name == its_name;
                                        });
        if (!wanted) {
            return base::fail("config.invalid",
                              fmt::format("the recipe loads no product {}: leave it out, or add it "
                                          "to load in the recipe",
                                          shown(name)));
        }
    }
    // Root file systems first: what else goes onto the same partition lies upon them.
    for (const bool roots : {true, false}) {
        for (const RecipeProduct& product : plan_.recipe.load) {
            if (product.name.starts_with("Rootfs_") != roots) {
                continue;
            }
            if (auto judged = judge_product(product); !judged) {
                return judged;
            }
        }
    }
    return {};
}

base::Status Setup::judge_product(const RecipeProduct& product) {
    const auto file = plan_.products.find(product.name);
    if (file == plan_.products.end()) {
        return base::fail("config.invalid",
                          fmt::format("the recipe loads the product {} and there is no file for "
                                      "it: give one, or leave it blank in the recipe",
                                      product.name));
    }
    auto tree = scan_tree(file->second, stop_);
    if (!tree) {
        return tl::unexpected<base::Error>(tree.error());
    }
    PreparedProduct prepared{product, std::move(*tree), {}};
    if (!product.device) {
        if (auto judged = judge_command(prepared); !judged) {
            return judged;
        }
        products_.push_back(std::move(prepared));
        return {};
    }
    if (is_fat(plan_.recipe.partitions[*product.device].fs_type)) {
        if (const std::string why = why_not_on_fat(prepared.tree); !why.empty()) {
            return base::fail("media.source", why);
        }
    }
    for (const PreparedProduct& each : products_) {
        if (each.product.device == product.device) {
            if (const std::string why = why_not_over(each.tree, prepared.tree); !why.empty()) {
                return base::fail("media.source", why);
            }
        }
    }
    products_.push_back(std::move(prepared));
    return {};
}

// A tar for a command holds the one file that the command is given.
base::Status Setup::judge_command(PreparedProduct& prepared) {
    if (auto found = Programs::find(prepared.product.command.front()); !found) {
        return tl::unexpected<base::Error>(found.error());
    }
    prepared.command_file = std::filesystem::absolute(prepared.tree.file);
    if (!prepared.tree.packed) {
        return {};
    }
    std::vector<std::string> files;
    for (const auto& [path, member] : prepared.tree.members) {
        if (S_ISREG(member.mode) && !member.hard) {
            files.push_back(path);
        } else if (!S_ISDIR(member.mode)) {
            files.clear();
            break;
        }
    }
    if (files.size() != 1) {
        return base::fail("media.source",
                          fmt::format("{}: a tar for a command holds one file, this one holds "
                                      "{} members: give the file itself",
                                      prepared.tree.file.string(), prepared.tree.members.size()));
    }
    const auto folder = work_->path() / prepared.product.name;
    std::filesystem::create_directory(folder);
    const base::UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::atomic<std::uint64_t> none{0};
    if (auto unpacked = unpack_tree(prepared.tree, fd.get(), Keep::files, stop_, none); !unpacked) {
        return unpacked;
    }
    prepared.command_file = folder / files.front();
    return {};
}

base::Status Setup::judge_room() {
    for (std::size_t i = 0; i < slices_.size(); ++i) {
        std::uint64_t bytes = 0;
        for (const PreparedProduct& each : products_) {
            bytes += each.product.device == i ? each.tree.bytes : 0;
        }
        if (bytes > slices_[i].bytes) {
            return base::fail(
                "media.too_small",
                fmt::format("partition {} ({}) has {} bytes, its products have {}: make it larger",
                            i, shown(plan_.recipe.partitions[i].name), slices_[i].bytes, bytes));
        }
    }
    return {};
}

base::Status Setup::judge_etc() {
    bool has_shadow = false;
    for (std::size_t i = 0; i < slices_.size(); ++i) {
        const RecipePartition& partition = plan_.recipe.partitions[i];
        for (const PreparedProduct& each : products_) {
            if (!is_root(partition) || each.product.device != i) {
                continue;
            }
            root_ = i;
            if (is_fat(partition.fs_type)) {
                return base::fail("config.invalid",
                                  fmt::format("the root file system (partition {}) cannot be {}: "
                                              "write ext4 or btrfs",
                                              i, partition.fs_type));
            }
            for (const std::string_view path : {"etc", "etc/fstab", "etc/shadow"}) {
                const auto found = each.tree.members.find(std::string(path));
                const mode_t kind = path == "etc" ? S_IFDIR : S_IFREG;
                if (found != each.tree.members.end() && (found->second.mode & S_IFMT) != kind) {
                    return base::fail("media.source",
                                      fmt::format("{}: the member {} is no plain {}: it cannot be "
                                                  "written; pack it anew",
                                                  each.tree.file.string(), path,
                                                  path == "etc" ? "folder" : "file"));
                }
            }
            has_shadow = has_shadow || each.tree.members.contains(std::string(kShadow));
        }
    }
    if (has_shadow && !plan_.root_password && !plan_.keep_root_password) {
        return base::fail("config.invalid",
                          "the root file system has passwords: give root's, or say that the "
                          "product's own is kept");
    }
    if (!has_shadow && plan_.root_password) {
        return base::fail("config.invalid",
                          "a password for root is given and no root file system with etc/shadow is "
                          "loaded: leave it out");
    }
    if (plan_.root_password) {
        auto hash = hash_password(*plan_.root_password);
        if (!hash) {
            return tl::unexpected<base::Error>(hash.error());
        }
        password_hash_ = std::move(*hash);
        plan_.root_password.reset();
    }
    return {};
}

}  // namespace lineside::media
