// SPDX-License-Identifier: Apache-2.0
#include "workers/media/recipe/file_system.h"

#include "workers/media/formats/report.h"

#include <blkid/blkid.h>

#include <memory>

namespace lineside::media {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;
// What the tools themselves ask for at least (mkfs.btrfs 6.2 says 109 MiB; mixed groups need 16).
constexpr std::uint64_t kBtrfsWhole = 256 * kMiB;

struct Tools {
    std::string_view fs_type;
    std::string_view make, check;
    std::uint64_t least_bytes;
};
constexpr std::array<Tools, 6> kTools{{{"fat32", "mkfs.fat", "fsck.fat", kMiB},
                                       {"vfat", "mkfs.fat", "fsck.fat", kMiB / 4},
                                       {"ext2", "mkfs.ext2", "e2fsck", kMiB / 4},
                                       {"ext3", "mkfs.ext3", "e2fsck", 4 * kMiB},
                                       {"ext4", "mkfs.ext4", "e2fsck", 4 * kMiB},
                                       {"btrfs", "mkfs.btrfs", "btrfs", 16 * kMiB}}};

const Tools* tools_of(std::string_view fs_type) {
    const auto* found = std::find_if(kTools.begin(), kTools.end(),
                                     [&](const Tools& each) { return each.fs_type == fs_type; });
    return found == kTools.end() ? nullptr : found;
}

std::string why_no_fat_label(std::string_view label) {
    for (const char c : label) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte > 0x7e ||
            std::string_view("\"*+,./:;<=>?[\\]|").find(c) != std::string_view::npos) {
            return fmt::format("the label {} of a FAT file system may not hold {}", shown(label),
                               byte > 0x7e ? "letters but ASCII" : shown({&c, 1}));
        }
    }
    return {};
}

}  // namespace

bool is_fat(std::string_view fs_type) {
    return fs_type == "fat32" || fs_type == "vfat";
}

std::string kernel_name(std::string_view fs_type) {
    return std::string(is_fat(fs_type) ? "vfat" : fs_type);
}

base::Status can_be_made(const FileSystemPlan& plan) {
    const Tools* const tools = tools_of(plan.fs_type);
    if (tools == nullptr) {
        return base::fail("config.invalid",
                          fmt::format("Filesystem type {} is not supported", plain(plan.fs_type)));
    }
    for (const std::string_view name : {tools->make, tools->check}) {
        if (auto found = Programs::find(std::string(name)); !found) {
            return tl::unexpected<base::Error>(found.error());
        }
    }
    if (is_fat(plan.fs_type)) {
        if (auto found = Programs::find("mcopy"); !found) {
            return tl::unexpected<base::Error>(found.error());
        }
        if (const std::string why = why_no_fat_label(plan.label); !why.empty()) {
            return base::fail("config.invalid", why + ": choose another name for the partition");
        }
    }
    if (plan.bytes < tools->least_bytes) {
        return base::fail(
            "media.too_small",
            fmt::format("{} needs at least {} bytes, the partition {} has {}: make "
                        "it larger",
                        plan.fs_type, tools->least_bytes, shown(plan.label), plan.bytes));
    }
    return {};
}

base::Status make_file_system(const FileSystemPlan& plan, const std::filesystem::path& device,
                              const Programs& programs) {
    const Tools* const tools = tools_of(plan.fs_type);
    std::vector<std::string> argv{std::string(tools->make)};
    if (is_fat(plan.fs_type)) {
        // -I and no MBR of its own: the loop device is a partition, whatever mkfs.fat takes it for.
        argv.insert(argv.end(), {"-I", "--mbr=no", "-n", plan.label, "-h",
                                 std::to_string(plan.hidden_bytes / 512)});
        if (plan.fs_type == "fat32") {
            argv.insert(argv.end(), {"-F", "32"});
        }
    } else if (plan.fs_type == "btrfs") {
        argv.insert(argv.end(), {"-q", "-f", "-L", plan.label});
        if (plan.bytes < kBtrfsWhole) {
            argv.emplace_back("--mixed");
        }
    } else {
        argv.insert(argv.end(), {"-q", "-F", "-L", plan.label});
    }
    argv.push_back(device.string());
    ProgramLimits limits;
    limits.may_be_stopped = false;
    auto made = programs.run(argv, limits);
    return made ? base::Status() : tl::unexpected<base::Error>(made.error());
}

base::Result<FileSystemFacts> read_file_system(const std::filesystem::path& device) {
    const std::unique_ptr<blkid_struct_probe, void (*)(blkid_probe)> probe(
        blkid_new_probe_from_filename(device.c_str()), blkid_free_probe);
    if (!probe) {
        return base::fail_errno("unit.storage", "cannot look into " + device.string(), errno);
    }
    blkid_probe_enable_superblocks(probe.get(), 1);
    blkid_probe_set_superblocks_flags(probe.get(),
                                      BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL);
    FileSystemFacts facts;
    if (blkid_do_safeprobe(probe.get()) < 0) {
        return base::fail("unit.storage", device.string() +
                                              " cannot be read, or holds two kinds "
                                              "of file system at once");
    }
    auto value = [&](const char* name) {
        const char* text = nullptr;
        return blkid_probe_lookup_value(probe.get(), name, &text, nullptr) == 0 && text != nullptr
                   ? std::string(text)
                   : std::string();
    };
    facts.type = value("TYPE");
    facts.uuid = value("UUID");
    facts.label = value("LABEL");
    return facts;
}

base::Result<std::string> check_file_system(const std::string& type,
                                            const std::filesystem::path& device,
                                            const Programs& programs) {
    const Tools* const tools = tools_of(type);
    if (tools == nullptr) {
        return base::fail("config.invalid",
                          fmt::format("{}: there is no check for {}", device.string(),
                                      type.empty() ? "what holds no file system" : shown(type)));
    }
    std::vector<std::string> argv{std::string(tools->check)};
    if (is_fat(type)) {
        argv.emplace_back("-n");
    } else if (type == "btrfs") {
        argv.insert(argv.end(), {"check", "--readonly"});
    } else {
        argv.insert(argv.end(), {"-f", "-n"});
    }
    argv.push_back(device.string());
    return programs.run(argv);
}

}  // namespace lineside::media
