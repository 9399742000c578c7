// SPDX-License-Identifier: Apache-2.0
#include "station/base/text.h"
#include "workers/media/engine/medium_checks.h"
#include "workers/media/recipe/etc_files.h"
#include "workers/media/recipe/file_system.h"
#include "workers/media/recipe/labels.h"
#include "workers/media/recipe/mounted.h"
#include "workers/media/recipe/outside.h"
#include "workers/media/recipe/partition_table.h"
#include "workers/media/recipe/setup.h"

#include <fcntl.h>

#include <chrono>

namespace lineside::media {

namespace {

constexpr std::size_t kMostShadow = 1024 * 1024;
constexpr std::string_view kFstab = "etc/fstab";
constexpr std::string_view kShadow = "etc/shadow";

std::int64_t today() {
    return std::chrono::duration_cast<std::chrono::hours>(
               std::chrono::system_clock::now().time_since_epoch())
               .count() /
           24;
}

}  // namespace

class SetupRun {
  public:
    SetupRun(Setup& setup, SetupProgress& progress) : setup_(setup), progress_(progress) {}

    SetupResult run() {
        auto target = SetupTarget::open(setup_.target_);
        if (!target) {
            result_.status = tl::unexpected<base::Error>(target.error());
            return std::move(result_);
        }
        target_ = std::move(*target);
        result_.status = all();
        if (!result_.status && !target_->medium().present()) {
            result_.status = base::fail(
                "usb.left", setup_.plan_.target.string() + " went away while it was worked on");
        }
        if (!result_.status) {
            roll_back();
        }
        result_.proven = result_.status.has_value();
        target_->close();
        progress_.phase = "done";
        return std::move(result_);
    }

  private:
    using Step = base::Status (SetupRun::*)();

    base::Status all() {
        const std::array<std::pair<const char*, Step>, 6> steps{
            {{"check", &SetupRun::check},
             {"partition", &SetupRun::make_table},
             {"file systems", &SetupRun::make_file_systems},
             {"load", &SetupRun::load},
             {"flush", &SetupRun::flush},
             {"verify", &SetupRun::verify}}};
        for (const auto& [phase, step] : steps) {
            if (setup_.stop_) {
                return base::fail("operator.stopped");
            }
            progress_.phase = phase;
            if (auto done = (this->*step)(); !done) {
                return done;
            }
        }
        return {};
    }

    const std::vector<RecipePartition>& partitions() const {
        return setup_.plan_.recipe.partitions;
    }
    base::Result<LoopDevice> part(std::size_t index, bool read_only) {
        const Slice& slice = setup_.slices_[index];
        return LoopDevice::attach(
            {target_->device(), slice.begin, slice.bytes, setup_.target_.sector, read_only});
    }
    base::Status zero(std::uint64_t begin, std::uint64_t end) {
        const int error = target_->medium().zero(begin, end);
        return error == 0 ? base::Status()
                          : io_error(target_->medium(), {error, begin}, "cannot be zeroed");
    }
    base::Status zero_tables() {
        const std::uint64_t size = target_->medium().size();
        const std::uint64_t tail =
            (size - std::min(size, kSliceAlignment)) / kAlignment * kAlignment;
        auto done = zero(0, std::min(size, kSliceAlignment));
        return done ? zero(tail, size) : done;
    }

    base::Status check() {
        if (setup_.plan_.probe_capacity) {
            if (auto probed = probe_capacity(target_->medium(), setup_.stop_); !probed) {
                return probed;
            }
        }
        begun_ = true;
        if (auto checked = check_first_megabyte(target_->medium(), setup_.stop_); !checked) {
            return checked;
        }
        return zero_tables();  // an old table at the end would come to life again
    }

    base::Status make_table() {
        return write_partition_table(target_->fd(), target_->device(), setup_.plan_.recipe,
                                     setup_.slices_);
    }

    base::Status make_file_systems() {
        for (std::size_t i = 0; i < partitions().size(); ++i) {
            if (setup_.stop_) {
                return base::fail("operator.stopped");
            }
            const RecipePartition& each = partitions()[i];
            const Slice& slice = setup_.slices_[i];
            // The head of what lay here before: no tool shall find two file systems.
            if (auto zeroed =
                    zero(slice.begin, slice.begin + std::min(slice.bytes, kSliceAlignment));
                !zeroed) {
                return zeroed;
            }
            auto loop = part(i, false);
            if (!loop) {
                return tl::unexpected<base::Error>(loop.error());
            }
            const FileSystemPlan plan{each.fs_type, label_of(each.name, each.fs_type), slice.bytes,
                                      slice.begin};
            if (auto made = make_file_system(plan, loop->path(), setup_.programs_); !made) {
                return made;
            }
            if (auto flushed = loop->flush(); !flushed) {
                return flushed;
            }
            auto facts = read_file_system(loop->path());
            if (!facts) {
                return tl::unexpected<base::Error>(facts.error());
            }
            result_.partitions.push_back(
                {each.name, each.fs_type, facts->uuid, facts->label, slice});
            if (facts->type != kernel_name(each.fs_type) || facts->uuid.empty()) {
                return base::fail("unit.storage",
                                  fmt::format("partition {}: its new file system {} is not found",
                                              i, each.fs_type));
            }
        }
        return {};
    }

    base::Status load() {
        for (PreparedProduct& each : setup_.products_) {
            if (setup_.stop_) {
                return base::fail("operator.stopped");
            }
            if (each.product.device) {
                auto loaded = is_fat(partitions()[*each.product.device].fs_type) ? load_fat(each)
                                                                                 : load_files(each);
                if (!loaded) {
                    return base::with_context(loaded.error(), each.product.name);
                }
            }
            result_.products.push_back({each.product.name, each.tree.file.string(),
                                        each.tree.sha256, each.tree.members.size(), each.tree.bytes,
                                        each.product.device ? "files" : "kept"});
        }
        if (setup_.root_) {
            if (auto written = write_etc(); !written) {
                return written;
            }
        }
        return run_commands();
    }

    base::Status load_files(const PreparedProduct& product) {
        return inside(*product.product.device, false, [&](int root) {
            return unpack_tree(product.tree, root, Keep::all, setup_.stop_, progress_.unpacked);
        });
    }

    // Does `work` in the root folder of a partition's file system.
    base::Status inside(std::size_t index, bool read_only,
                        const std::function<base::Status(int root)>& work) {
        auto loop = part(index, read_only);
        if (!loop) {
            return tl::unexpected<base::Error>(loop.error());
        }
        auto mounted =
            Mounted::open(loop->path(), kernel_name(partitions()[index].fs_type), read_only);
        if (!mounted) {
            return tl::unexpected<base::Error>(mounted.error());
        }
        if (auto done = work(mounted->root()); !done) {
            return done;
        }
        if (auto closed = mounted->close(); !closed) {
            return closed;
        }
        return read_only ? base::Status() : loop->flush();
    }

    base::Status load_fat(const PreparedProduct& product) {
        auto folder = TemporaryFolder::make(setup_.work_->path());
        if (!folder) {
            return tl::unexpected<base::Error>(folder.error());
        }
        const base::UniqueFd fd(::open(folder->path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (auto unpacked =
                unpack_tree(product.tree, fd.get(), Keep::files, setup_.stop_, progress_.unpacked);
            !unpacked) {
            return unpacked;
        }
        auto loop = part(*product.product.device, false);
        if (!loop) {
            return tl::unexpected<base::Error>(loop.error());
        }
        auto put = put_on_fat(folder->path(), loop->path(), setup_.programs_);
        return put ? loop->flush() : put;
    }

    base::Status write_etc() {
        std::vector<std::string> uuids;
        for (const PartitionMade& each : result_.partitions) {
            uuids.push_back(each.uuid);
        }
        fstab_ = fstab_of(setup_.plan_.recipe, uuids);
        return inside(*setup_.root_, false, [&](int root) -> base::Status {
            if (auto put = write_below(root, std::string(kFstab), fstab_, 0644); !put) {
                return put;
            }
            etc_.add(std::string(kFstab));
            if (setup_.password_hash_.empty()) {
                return {};
            }
            auto shadow = read_below(root, std::string(kShadow), kMostShadow);
            if (!shadow) {
                return tl::unexpected<base::Error>(shadow.error());
            }
            shadow_ = shadow_with(*shadow, setup_.password_hash_, today());
            etc_.add(std::string(kShadow));
            return write_below(root, std::string(kShadow), shadow_, 0600);
        });
    }

    base::Status run_commands() {
        bool any = false;
        std::vector<bool> named(partitions().size());
        for (const PreparedProduct& each : setup_.products_) {
            if (each.product.device) {
                continue;
            }
            any = true;
            if (auto ran = run_command(each, named); !ran) {
                return base::with_context(ran.error(), each.product.name);
            }
        }
        if (!any) {
            return {};
        }
        // A partition that only commands wrote to is read back with what lies outside of all.
        for (const PreparedProduct& each : setup_.products_) {
            if (each.product.device) {
                named[*each.product.device] = false;
            }
        }
        outside_ = bytes_outside(setup_.slices_, named, target_->medium().size());
        auto hash = hash_ranges(target_->fd(), outside_, setup_.stop_);
        if (!hash) {
            return tl::unexpected<base::Error>(hash.error());
        }
        outside_hash_ = *hash;
        return {};
    }

    base::Status run_command(const PreparedProduct& product, std::vector<bool>& named) {
        std::map<std::size_t, LoopDevice> loops;
        std::vector<std::string> argv;
        for (const std::string& word : product.product.command) {
            auto put = put_variables(word, [&](std::string_view name) -> base::Result<std::string> {
                if (name == "file") {
                    return product.command_file.string();
                }
                if (name == "device") {
                    return target_->device().string();
                }
                const auto index = static_cast<std::size_t>(*base::to_int(name.substr(6)));
                named.at(index) = true;
                if (!loops.contains(index)) {
                    auto loop = part(index, false);
                    if (!loop) {
                        return tl::unexpected<base::Error>(loop.error());
                    }
                    loops.emplace(index, std::move(*loop));
                }
                return loops.at(index).path().string();
            });
            if (!put) {
                return tl::unexpected<base::Error>(put.error());
            }
            argv.push_back(std::move(*put));
        }
        if (auto ran = setup_.programs_.run(argv); !ran) {
            return tl::unexpected<base::Error>(ran.error());
        }
        for (const auto& [index, loop] : loops) {
            if (auto flushed = loop.flush(); !flushed) {
                return flushed;
            }
        }
        return {};
    }

    base::Status flush() {
        const int error = target_->medium().flush();
        return error == 0
                   ? base::Status()
                   : io_error(target_->medium(), {error, 0}, "did not keep what was written");
    }

    base::Status verify() {
        if (auto same = compare_partition_table(target_->fd(), target_->device(),
                                                setup_.plan_.recipe, setup_.slices_);
            !same) {
            return same;
        }
        if (!outside_.empty()) {
            auto hash = hash_ranges(target_->fd(), outside_, setup_.stop_);
            if (!hash) {
                return tl::unexpected<base::Error>(hash.error());
            }
            if (*hash != outside_hash_) {
                return base::fail("image.mismatch",
                                  "what a command wrote reads back otherwise than it was written");
            }
        }
        for (std::size_t i = 0; i < partitions().size(); ++i) {
            if (auto verified = verify_partition(i); !verified) {
                return base::with_context(
                    verified.error(), fmt::format("partition {} ({})", i, partitions()[i].name));
            }
        }
        return {};
    }

    base::Status verify_partition(std::size_t index) {
        {
            auto loop = part(index, true);
            if (!loop) {
                return tl::unexpected<base::Error>(loop.error());
            }
            const PartitionMade& made = result_.partitions[index];
            auto facts = read_file_system(loop->path());
            if (!facts) {
                return tl::unexpected<base::Error>(facts.error());
            }
            if (facts->type != kernel_name(made.fs_type) || facts->uuid != made.uuid ||
                facts->label != made.label) {
                return base::fail(
                    "image.mismatch",
                    fmt::format("its file system is {} {} {}, {} {} {} was made",
                                shown(facts->type), shown(facts->uuid), shown(facts->label),
                                made.fs_type, made.uuid, made.label));
            }
            auto clean = check_file_system(made.fs_type, loop->path(), setup_.programs_);
            if (!clean) {
                return clean.error().code == "tool.failed"
                           ? base::fail("image.mismatch", clean.error().message)
                           : tl::unexpected<base::Error>(clean.error());
            }
        }
        // From the last product to the first: the later ones hide the earlier.
        Written since = setup_.root_ == index ? etc_ : Written();
        const bool fat = is_fat(partitions()[index].fs_type);
        for (auto each = setup_.products_.rbegin(); each != setup_.products_.rend(); ++each) {
            if (each->product.device != index) {
                continue;
            }
            auto same =
                fat ? compare_fat(each->tree, index, since) : inside(index, true, [&](int root) {
                    return compare_tree(each->tree, root, Keep::all, since, setup_.stop_,
                                        progress_.verified);
                });
            if (!same) {
                return same;
            }
            since.add(each->tree);
        }
        return setup_.root_ == index ? verify_etc(index) : base::Status();
    }

    base::Status compare_fat(const Tree& tree, std::size_t index, const Written& since) {
        auto folder = TemporaryFolder::make(setup_.work_->path());
        auto loop = part(index, true);
        if (!folder || !loop) {
            return tl::unexpected<base::Error>(folder ? loop.error() : folder.error());
        }
        if (auto got = get_from_fat(loop->path(), folder->path(), setup_.programs_); !got) {
            return got;
        }
        const base::UniqueFd fd(::open(folder->path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        return compare_tree(tree, fd.get(), Keep::files, since, setup_.stop_, progress_.verified);
    }

    base::Status verify_etc(std::size_t index) {
        return inside(index, true, [&](int root) -> base::Status {
            for (const auto& [path, text] : {std::pair(kFstab, &fstab_), {kShadow, &shadow_}}) {
                if (text->empty() && path == kShadow) {
                    continue;
                }
                auto found = read_below(root, std::string(path), kMostShadow);
                if (!found) {
                    return tl::unexpected<base::Error>(found.error());
                }
                if (*found != *text) {
                    return base::fail("image.mismatch",
                                      fmt::format("/{}: its bytes are others", path));
                }
            }
            return {};
        });
    }

    // A half-made disk must not look like a finished one.
    void roll_back() {
        if (begun_ && target_->medium().present()) {
            (void)zero_tables();
            (void)target_->medium().flush();
        }
    }

    Setup& setup_;
    SetupProgress& progress_;
    std::optional<SetupTarget> target_;
    SetupResult result_;
    bool begun_ = false;
    std::string fstab_, shadow_;
    Written etc_;
    std::vector<Extent> outside_;
    HashValue outside_hash_{};
};

SetupResult Setup::run(SetupProgress& progress) {
    return SetupRun(*this, progress).run();
}

}  // namespace lineside::media
