// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/build.h"

#include "station/base/clock.h"
#include "station/base/files.h"
#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "workers/image-build/ext4_manifest.h"
#include "workers/image-build/flash_layout.h"
#include "workers/image-build/flash_runs.h"
#include "workers/image-build/image_file.h"
#include "workers/image-build/image_tool.h"
#include "workers/image-build/package.h"
#include "workers/image-build/stat_cache.h"
#include "workers/image-build/tree_copy.h"
#include "workers/image-build/tree_scan.h"
#include "workers/image-build/unpack.h"
#include "workers/image-build/wanted.h"
#include "workers/proof/escape.h"
#include "workers/proof/image_record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace lineside::image_build {
namespace {

using base::Json;
using proof::FileRecord;
using proof::ImageRecord;
using proof::PartitionRecord;
using worker::Station;
namespace fs = std::filesystem;

constexpr double kFetchWeight = 5;
constexpr const char* kUnpacked = "package";  // below the output folder, while a build runs
constexpr std::uint64_t kReserve = 128UL * 1024 * 1024;  // kept free for the rest of the station

Tick tick_of(Station& station) {
    return [&station](std::uint64_t done, std::uint64_t total) -> base::Status {
        station.progress(done, total, "bytes");
        station.keep_alive();
        return station.check();
    };
}

void save(const StatCache& cache, Station& station) {
    if (const auto saved = cache.save(); !saved) {
        station.log("warn", "the stat cache was not kept: " + saved.error().message);
    }
}

base::Status need(const fs::path& place, std::string_view what) {
    std::error_code error;
    if (place.empty() || !fs::is_directory(place, error)) {
        return base::fail("config.invalid",
                          fmt::format("the root helper gave this job no {}", what));
    }
    return {};
}

// What is flashed from: a folder, or where a finished package is wanted its archive.
base::Status need_bsp(const fs::path& bsp, const BuildInputs& inputs) {
    if (!is_archive(bsp)) {
        return need(bsp, "BSP tree");
    }
    return inputs.is_package()
               ? base::Status()
               : base::fail("config.invalid",
                            fmt::format("{} is a file, and flash.sh needs the unpacked tree: "
                                        "unpack it and name the folder",
                                        bsp.native()));
}

// ---- one build

class Build {
  public:
    Build(Station& station, const Places& places, Wanted wanted)
        : station_(station),
          places_(places),
          inputs_(std::move(wanted.inputs)),
          preparation_(std::move(wanted.preparation)),
          container_(std::move(wanted.container)),
          tick_(tick_of(station)),
          package_(places.bsp),
          archive_(is_archive(places.bsp)) {
        if (wanted.fetched) {
            image_.container = {{"image", wanted.fetched->reference},
                                {"digest", wanted.fetched->digest}};
        }
    }

    base::Result<Json> run() {
        using Step = base::Status (Build::*)();
        const std::vector<Step> of_a_bsp{&Build::compute_key,        &Build::place_id,
                                         &Build::run_flash_sh,       &Build::read_partitions,
                                         &Build::read_manifest,      &Build::copy,
                                         &Build::check_inputs_again, &Build::write_records};
        const std::vector<Step> of_a_package{&Build::compute_key,  &Build::unpack_archive,
                                             &Build::read_package, &Build::read_package_root,
                                             &Build::copy,         &Build::check_inputs_again,
                                             &Build::write_records};
        for (const Step step : inputs_.is_package() ? of_a_package : of_a_bsp) {
            if (auto done = (this->*step)(); !done) {
                return tl::unexpected(done.error());
            }
        }
        return told_of(image_);
    }

  private:
    // The phases of a build; where it is done in a container the first one is fetching that.
    void begin(std::string name, int index, double weight) {
        const int more = container_ ? 1 : 0;
        const int unpacking = archive_ && index > 1 ? 1 : 0;
        station_.phase(std::move(name), index + more + unpacking,
                       (inputs_.is_package() ? 5 : 6) + more + (archive_ ? 1 : 0), weight);
    }

    base::Status unpack_archive() {
        if (!archive_) {
            return {};
        }
        const int more = container_ ? 1 : 0;
        station_.phase("unpack", 2 + more, 6 + more, 40);
        const fs::path folder = places_.out / kUnpacked;
        std::error_code error;
        fs::create_directory(folder, error);
        auto found = unpack(places_.bsp, folder, tick_);
        if (!found) {
            return tl::unexpected<base::Error>(found.error());
        }
        package_ = std::move(*found);
        return {};
    }

    base::Status compute_key() {
        begin("key", 1, 5);
        StatCache cache(cache_file(places_, inputs_.profile));
        auto tree = scan_tree(places_.bsp, cache, tick_);
        if (!tree) {
            return tl::unexpected(tree.error());
        }
        save(cache, station_);
        tree_before_ = std::move(*tree);
        image_.id = content_key(inputs_, tree_before_.sha256);
        const auto wanted = base::field_or<std::string>(station_.job().params, "key", "");
        if (wanted && !wanted->empty() && *wanted != image_.id) {
            return base::fail("image.build",
                              "the BSP tree is no longer the one this build was ordered for");
        }
        struct statvfs space {};
        if (statvfs(places_.out.c_str(), &space) == 0) {
            const auto free = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
            // What is in an archive is not known before; an image compresses to a third or less.
            const auto wants = (archive_ ? 6 : 2) * tree_before_.bytes + kReserve;
            if (free < wants) {
                return base::fail("disk.full", fmt::format("a build needs {} MiB, {} MiB are free",
                                                           wants >> 20U, free >> 20U));
            }
        }
        return {};
    }

    // The image knows its own id. The folders are opened one by one without following links: a link
    // in somebody's root file system must not lead this root process out of the lane.
    base::Status place_id() {
        base::UniqueFd folder(open(places_.lane.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        for (const char* name : {"rootfs", "etc", "lineside"}) {
            if (folder && std::string_view(name) == "lineside") {
                mkdirat(folder.get(), name, 0755);
            }
            const int below =
                openat(folder.get(), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
            if (below < 0) {
                return base::fail_errno(
                    "image.build", fmt::format("no folder \"{}\" on the way to the image id", name),
                    errno);
            }
            folder.reset(below);
        }
        unlinkat(folder.get(), "image-id", 0);
        const base::UniqueFd file(openat(
            folder.get(), "image-id", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
        const std::string text = image_.id + "\n";
        if (!file || fchmod(file.get(), 0644) != 0 ||
            write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
            return base::fail_errno(errno == ENOSPC ? "disk.full" : "image.build",
                                    "cannot write the image id", errno);
        }
        return {};
    }

    base::Status run_flash_sh() {
        begin("flash.sh", 2, 40);
        auto runner = container::make_runner(
            station_, {container_, "lineside-image-" + inputs_.profile, places_.lane, std::nullopt},
            image_tool_limits(station_));
        if (!runner) {
            return tl::unexpected(runner.error());
        }
        if (auto prepared = run_preparation(station_, **runner, places_.lane, preparation_);
            !prepared) {
            return prepared;
        }
        return image_build::run_flash_sh(station_, **runner, places_.lane, inputs_, tick_);
    }

    base::Status read_partitions() {
        begin("partitions", 3, 10);
        const fs::path bootloader = places_.lane / "bootloader";
        const auto layout = read_layout(places_.lane);
        if (!layout) {
            return tl::unexpected(layout.error());
        }
        std::map<std::string, FileContent> known;
        for (const LayoutEntry& entry : *layout) {
            if (entry.file.empty() || entry.is_table()) {
                continue;
            }
            if (proof::escape_name(entry.name) != entry.name ||
                entry.name.find('/') != std::string::npos ||
                entry.file.find('/') != std::string::npos) {
                return base::fail("image.build", "flash.xml has the odd partition " +
                                                     proof::escape_name(entry.name));
            }
            const std::string file = written_file(bootloader, entry.file);
            if (auto added = add_partition(entry.name, bootloader, file, true, known); !added) {
                return added;
            }
        }
        return sort_partitions();
    }

    base::Status add_partition(const std::string& name, const fs::path& folder,
                               const std::string& file, bool as_it_is,
                               std::map<std::string, FileContent>& known) {
        auto it = known.find(file);
        if (it == known.end()) {
            auto content = hash_image_file(folder / file, tick_);
            if (!content) {
                return base::with_context(content.error(), "partition " + name);
            }
            it = known.emplace(file, std::move(*content)).first;
        }
        const bool proven =
            as_it_is && !std::binary_search(inputs_.unproven.begin(), inputs_.unproven.end(), name);
        image_.partitions.push_back({name, it->second.bytes, it->second.sha256, file, proven});
        return {};
    }

    // A finished package is taken as it is: nothing can be put into it, no id either.
    base::Status read_package() {
        begin("partitions", 2, 20);
        auto contents = package_contents(package_, inputs_.way);
        if (!contents) {
            return tl::unexpected(contents.error());
        }
        root_ = contents->root;
        std::map<std::string, FileContent> known;
        for (const PackageFile& each : contents->files) {
            if (proof::escape_name(each.partition) != each.partition ||
                each.partition.find('/') != std::string::npos) {
                return base::fail("image.build", "the package has the odd partition " +
                                                     proof::escape_name(each.partition));
            }
            if (auto added =
                    add_partition(each.partition, package_, each.file, each.as_it_is, known);
                !added) {
                return added;
            }
        }
        return sort_partitions();
    }

    base::Status read_package_root() {
        begin("manifest", 3, 40);
        auto records = read_root(package_ / root_, places_.out / "root.raw", tick_);
        if (!records) {
            return tl::unexpected(records.error());
        }
        return take_manifest(*records);
    }

    // What the tool writes: its signed form where flash.sh --sign has made one.
    static std::string written_file(const fs::path& bootloader, const std::string& file) {
        const std::string form = find_signed(bootloader / "signed", file);
        return form.empty() ? file : "signed/" + form;
    }

    base::Status sort_partitions() {
        auto& list = image_.partitions;
        std::sort(list.begin(), list.end(), [](const PartitionRecord& a, const PartitionRecord& b) {
            return a.name < b.name;
        });
        const auto twice = std::adjacent_find(
            list.begin(), list.end(),
            [](const PartitionRecord& a, const PartitionRecord& b) { return a.name == b.name; });
        if (twice != list.end()) {
            return base::fail("image.build", "two partitions are called " + twice->name);
        }
        // A package whose tool signs as it flashes is proven by its files.
        if (!inputs_.is_package() &&
            std::none_of(list.begin(), list.end(), [](const auto& p) { return p.proven; })) {
            return base::fail("image.build", "no partition is left to prove the image by");
        }
        return {};
    }

    base::Status read_manifest() {
        begin("manifest", 4, 15);
        const fs::path raw = places_.lane / "bootloader/system.img.raw";
        auto records = read_ext4(raw, tick_);
        if (!records) {
            return tl::unexpected(records.error());
        }
        // system.img is what gets written, system.img.raw what we read: they must be the same.
        auto content = hash_image_file(raw, tick_);
        if (!content) {
            return tl::unexpected(content.error());
        }
        const auto app = std::find_if(image_.partitions.begin(), image_.partitions.end(),
                                      [](const auto& p) { return p.file == "system.img"; });
        if (app == image_.partitions.end() || app->sha256 != content->sha256) {
            return base::fail("image.build", "system.img is not the file system of system.img.raw");
        }
        const auto id = std::find_if(
            records->begin(), records->end(),
            [](const FileRecord& record) { return record.path == "/etc/lineside/image-id"; });
        if (id == records->end() || id->sha256 != base::sha256_hex(image_.id + "\n")) {
            return base::fail("image.build", "the built file system does not hold its image id");
        }
        return take_manifest(*records);
    }

    base::Status take_manifest(const std::vector<FileRecord>& records) {
        proof::ProofDigest digest;
        for (const PartitionRecord& partition : image_.partitions) {
            if (partition.proven) {
                digest.add(partition);
            }
        }
        for (const FileRecord& record : records) {
            manifest_ += format_record(record);
            if (is_proven(record, inputs_.mutable_paths)) {
                digest.add(record);
                ++image_.files;
            }
        }
        if (image_.files == 0) {
            return base::fail("image.build", "no file is left to prove the image by");
        }
        image_.digest = digest.hex();
        image_.manifest_sha256 = base::sha256_hex(manifest_);
        return {};
    }

    base::Status copy() {
        const bool package = inputs_.is_package();
        begin("copy", package ? 4 : 5, package ? 30 : 25);
        auto tree = copy_tree(package ? package_ : places_.lane, places_.out / "tree", tick_);
        if (!tree) {
            return tl::unexpected(tree.error());
        }
        if (archive_) {
            std::error_code ignored;
            fs::remove_all(places_.out / kUnpacked, ignored);
        }
        image_.tree_sha256 = tree->sha256;
        image_.tree_bytes = tree->bytes;
        tree_text_ = tree->text();
        return {};
    }

    // An overlay whose lower tree changes under it holds nobody knows what.
    base::Status check_inputs_again() {
        begin("check", inputs_.is_package() ? 5 : 6, 5);
        StatCache cache(cache_file(places_, inputs_.profile));
        auto tree = scan_tree(places_.bsp, cache, tick_);
        if (!tree) {
            return tl::unexpected(tree.error());
        }
        save(cache, station_);
        if (tree->sha256 == tree_before_.sha256) {
            return {};
        }
        return base::fail(
            "image.build",
            "the BSP tree was changed while the image was built, first at " +
                proof::escape_name(first_difference(tree_before_.records, tree->records)));
    }

    base::Status write_records() {
        image_.profile = inputs_.profile;
        image_.board = inputs_.board;
        image_.rootdev = inputs_.rootdev;
        image_.release = inputs_.release;
        image_.built_ms = base::SystemClock().wall_ms();
        image_.tool_version = kBuilderVersion;
        image_.mutable_paths = inputs_.mutable_paths;
        image_.in_force = preparation_.in_force;
        for (const auto& [name, text] :
             {std::pair{"tree.jsonl", &tree_text_}, std::pair{"manifest.jsonl", &manifest_}}) {
            if (auto written = base::replace_file(places_.out / name, *text); !written) {
                return written;
            }
        }
        // Last: a folder without image.json is no image.
        return base::replace_file(places_.out / "image.json", to_json(image_).dump(1) + "\n");
    }

    Station& station_;
    const Places& places_;
    BuildInputs inputs_;
    Preparation preparation_;
    std::optional<container::Settings> container_;
    Tick tick_;
    fs::path package_;  // where the finished package is: places_.bsp, or what was in its archive
    bool archive_;
    Tree tree_before_;
    ImageRecord image_;
    std::string manifest_;
    std::string root_;  // of a package: where its root file system is
    std::string tree_text_;
};

void empty_folder(const fs::path& folder) {
    std::error_code ignored;
    for (const auto& item : fs::directory_iterator(folder, ignored)) {
        fs::remove_all(item.path(), ignored);
    }
}

}  // namespace

base::Result<Json> make_key(Station& station, const Places& places) {
    auto wanted = wanted_of(station);
    if (!wanted) {
        return tl::unexpected(wanted.error());
    }
    if (auto there = need_bsp(places.bsp, wanted->inputs); !there) {
        return tl::unexpected(there.error());
    }
    if (auto fetched = fetch(station, *wanted, {1, 2, 90}); !fetched) {
        return tl::unexpected(fetched.error());
    }
    const int last = wanted->container ? 2 : 1;
    station.phase("key", last, last, 1);
    StatCache cache(cache_file(places, wanted->inputs.profile));
    auto tree = scan_tree(places.bsp, cache, tick_of(station));
    if (!tree) {
        return tl::unexpected(tree.error());
    }
    save(cache, station);
    return Json{{"key", content_key(wanted->inputs, tree->sha256)},
                {"files", tree->records.size()},
                {"bytes", tree->bytes},
                {"known", cache.hits()}};
}

base::Result<Json> build_image(Station& station, const Places& places) {
    auto wanted = wanted_of(station);
    if (!wanted) {
        return tl::unexpected(wanted.error());
    }
    if (auto there = need_bsp(places.bsp, wanted->inputs); !there) {
        return tl::unexpected(there.error());
    }
    if (auto there = need(places.out, "output folder"); !there) {
        return tl::unexpected(there.error());
    }
    if (!wanted->inputs.is_package()) {  // nothing is run on a package, so it needs no lane
        if (auto there = need(places.lane, "lane"); !there) {
            return tl::unexpected(there.error());
        }
    }
    if (auto fetched = fetch(station, *wanted, {1, 7, kFetchWeight}); !fetched) {
        return tl::unexpected(fetched.error());
    }
    empty_folder(places.out);
    auto built = Build(station, places, std::move(*wanted)).run();
    if (!built) {
        empty_folder(places.out);
    }
    return built;
}

}  // namespace lineside::image_build
