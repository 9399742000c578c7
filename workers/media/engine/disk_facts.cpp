// SPDX-License-Identifier: Apache-2.0
#include "station/base/files.h"
#include "station/base/text.h"
#include "workers/media/engine/disk_rules.h"

#include <blkid/blkid.h>
#include <libmount/libmount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <memory>
#include <set>

namespace lineside::media {
namespace {

namespace fs = std::filesystem;

std::string line_of(const fs::path& file) {
    auto text = base::read_file(file, 4096);
    if (!text) {
        return {};
    }
    while (!text->empty() && (text->back() == '\n' || text->back() == ' ')) {
        text->pop_back();
    }
    return std::string(base::trim_blanks(*text));
}

std::uint64_t number_of(const fs::path& file) {
    const auto number = base::to_int(line_of(file));
    return number && *number > 0 ? static_cast<std::uint64_t>(*number) : 0;
}

// The disk itself and its partitions: device number and kernel name.
std::map<dev_t, std::string> parts_of(const fs::path& sysfs) {
    std::map<dev_t, std::string> parts;
    auto add = [&](const fs::path& folder) {
        const std::string text = line_of(folder / "dev");
        const auto numbers = base::split(text, ':');
        if (numbers.size() == 2) {
            const auto major = base::to_int(numbers[0]);
            const auto minor = base::to_int(numbers[1]);
            if (major && minor) {
                parts[makedev(static_cast<unsigned>(*major), static_cast<unsigned>(*minor))] =
                    folder.filename().string();
            }
        }
    };
    add(sysfs);
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(sysfs, failed)) {
        if (fs::exists(entry.path() / "partition", failed)) {
            add(entry.path());
        }
    }
    return parts;
}

void find_holders(const fs::path& sysfs, DiskFacts& facts) {
    std::set<std::string> found;
    std::error_code failed;
    auto look = [&](const fs::path& folder) {
        for (const auto& entry : fs::directory_iterator(folder / "holders", failed)) {
            found.insert(entry.path().filename().string());
        }
    };
    look(sysfs);
    for (const auto& entry : fs::directory_iterator(sysfs, failed)) {
        if (fs::exists(entry.path() / "partition", failed)) {
            look(entry.path());
        }
    }
    facts.holders.assign(found.begin(), found.end());
}

// By the device number of the mount, and by its source where that is another (btrfs).
bool lies_on(libmnt_fs* entry, const std::map<dev_t, std::string>& parts) {
    if (parts.contains(mnt_fs_get_devno(entry))) {
        return true;
    }
    const char* const source = mnt_fs_get_source(entry);
    struct stat status {};
    return source != nullptr && source[0] == '/' && ::stat(source, &status) == 0 &&
           S_ISBLK(status.st_mode) && parts.contains(status.st_rdev);
}

// False where the table cannot be read: then nothing may be said about the disk.
bool find_mounts(const std::map<dev_t, std::string>& parts, DiskFacts& facts) {
    for (const bool swaps : {false, true}) {
        const std::unique_ptr<libmnt_table, void (*)(libmnt_table*)> table(mnt_new_table(),
                                                                           mnt_unref_table);
        const int failed = swaps ? mnt_table_parse_swaps(table.get(), nullptr)
                                 : mnt_table_parse_file(table.get(), "/proc/self/mountinfo");
        if (failed != 0 && !(swaps && failed == -ENOENT)) {
            return false;
        }
        const std::unique_ptr<libmnt_iter, void (*)(libmnt_iter*)> at(
            mnt_new_iter(MNT_ITER_FORWARD), mnt_free_iter);
        libmnt_fs* entry = nullptr;
        while (mnt_table_next_fs(table.get(), at.get(), &entry) == 0) {
            if (lies_on(entry, parts)) {
                const char* const name =
                    swaps ? mnt_fs_get_source(entry) : mnt_fs_get_target(entry);
                (swaps ? facts.swaps : facts.mounts).emplace_back(name == nullptr ? "?" : name);
            }
        }
    }
    return true;
}

// What libblkid calls raid: members of LVM, MD and hardware RAID sets; LUKS is "crypto".
void find_members(const std::map<dev_t, std::string>& parts, DiskFacts& facts) {
    for (const auto& [number, name] : parts) {
        const std::string node = "/dev/" + name;
        const std::unique_ptr<blkid_struct_probe, void (*)(blkid_probe)> probe(
            blkid_new_probe_from_filename(node.c_str()), blkid_free_probe);
        if (!probe) {
            continue;  // nothing can be read, nothing is there
        }
        blkid_probe_enable_superblocks(probe.get(), 1);
        blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE);
        const char* usage = nullptr;
        const char* type = nullptr;
        if (blkid_do_safeprobe(probe.get()) == 0 &&
            blkid_probe_lookup_value(probe.get(), "USAGE", &usage, nullptr) == 0 &&
            blkid_probe_lookup_value(probe.get(), "TYPE", &type, nullptr) == 0) {
            const std::string_view kind = usage;
            if (kind == "raid" || kind == "crypto") {
                facts.members.push_back(name + ": " + type);
            }
        }
    }
}

}  // namespace

base::Result<DiskFacts> read_disk_facts(const fs::path& node) {
    struct stat status {};
    if (::stat(node.c_str(), &status) != 0) {
        return base::fail_errno("usb.left", "cannot find " + node.string(), errno);
    }
    if (!S_ISBLK(status.st_mode)) {
        return base::fail("media.forbidden", node.string() + " is no block device");
    }
    std::error_code failed;
    const fs::path sysfs = fs::canonical(
        fmt::format("/sys/dev/block/{}:{}", major(status.st_rdev), minor(status.st_rdev)), failed);
    if (failed) {
        return base::fail("media.forbidden",
                          node.string() + ": the kernel tells nothing about it under /sys");
    }
    DiskFacts facts;
    facts.dev = sysfs.filename().string();
    facts.partition = fs::exists(sysfs / "partition", failed);
    facts.read_only = number_of(sysfs / "ro") != 0;
    facts.bytes = 512 * number_of(sysfs / "size");  // sysfs counts in 512 whatever the sectors are
    facts.diskseq = number_of(sysfs / "diskseq");
    facts.model = line_of(sysfs / "device/model");
    facts.serial = line_of(sysfs / "device/serial");
    facts.sysfs = sysfs.string().substr(4) + "/";
    const auto parts = parts_of(sysfs);
    find_holders(sysfs, facts);
    if (!find_mounts(parts, facts)) {
        return base::fail("media.forbidden",
                          node.string() + ": what is mounted cannot be read; look at /proc");
    }
    find_members(parts, facts);
    return facts;
}

}  // namespace lineside::media
