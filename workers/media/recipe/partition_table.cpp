// SPDX-License-Identifier: Apache-2.0
#include "workers/media/recipe/partition_table.h"

#include "station/base/text.h"
#include "workers/media/recipe/labels.h"

#include <libfdisk/libfdisk.h>

#include <cerrno>
#include <memory>

namespace lineside::media {
namespace {

struct FreeContext {
    void operator()(fdisk_context* context) const {
        fdisk_deassign_device(context, 1);  // not synced: flush() does that, and says so
        fdisk_unref_context(context);
    }
};
using Context = std::unique_ptr<fdisk_context, FreeContext>;

struct FreePartition {
    void operator()(fdisk_partition* partition) const { fdisk_unref_partition(partition); }
};
using Partition = std::unique_ptr<fdisk_partition, FreePartition>;

struct FreeType {
    void operator()(fdisk_parttype* type) const { fdisk_unref_parttype(type); }
};
using Type = std::unique_ptr<fdisk_parttype, FreeType>;

struct TypeOfFlag {
    std::string_view flag, msdos, gpt;
};
constexpr std::array<TypeOfFlag, 16> kTypes{{
    {"esp", "ef", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"},
    {"boot", "", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"},  // of msdos it is the active mark
    {"swap", "82", "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"},
    {"raid", "fd", "A19D880F-05FC-4D3B-A006-743F0F84911E"},
    {"lvm", "8e", "E6D6D379-F507-44C2-A23C-238F2A3DF928"},
    {"palo", "f0", ""},
    {"prep", "41", "9E1A2D38-C612-4316-AA26-8B49521E5A8B"},
    {"diag", "12", "DE94BBA4-06D1-4D40-A16A-BFD50179D6AC"},
    {"irst", "84", "D3BFE2DE-3DAF-11DF-BA40-E3A556D89593"},
    {"bls_boot", "ea", "BC13C2FF-59E6-4262-A352-B275FD6F7172"},
    {"bios_grub", "", "21686148-6449-6E6F-744E-656564454649"},
    {"msftres", "", "E3C9E316-0B5C-4DB8-817D-F92DF00215AE"},
    {"msftdata", "", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"},
    {"hp-service", "", "E2A1E728-32E3-11D6-A682-7B03A0000000"},
    {"atvrecv", "", "5265636F-7665-11AA-AA11-00306543ECAC"},
    {"chromeos_kernel", "", "FE3A2A5D-4F32-41A7-B725-ACCC3285A309"},
}};
constexpr std::string_view kLinuxHome = "933AC7E1-2EB4-4F13-B844-0E14E2AEF915";
constexpr std::string_view kMicrosoftData = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7";
constexpr std::string_view kLinux = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";
// Attribute bits of GPT entries as libparted sets them.
constexpr std::uint64_t kGptRequired = std::uint64_t{1} << 0;      // its "hidden"
constexpr std::uint64_t kGptLegacyBoot = std::uint64_t{1} << 2;    // legacy_boot
constexpr std::uint64_t kGptNoAutomount = std::uint64_t{1} << 63;  // no_automount

bool has(const RecipePartition& partition, std::string_view flag) {
    return std::find(partition.flags.begin(), partition.flags.end(), flag) != partition.flags.end();
}

bool is_fat(const RecipePartition& partition) {
    return partition.fs_type == "fat32" || partition.fs_type == "vfat";
}

tl::unexpected<base::Error> failed(const std::filesystem::path& disk, std::string_view what,
                                   int result) {
    return base::fail_errno("unit.storage", fmt::format("{}: {}", disk.string(), what),
                            result < 0 ? -result : EIO);
}

base::Result<Context> open_context(int fd, const std::filesystem::path& disk, bool read_only) {
    Context context(fdisk_new_context());
    if (!context) {
        throw std::bad_alloc();
    }
    fdisk_disable_dialogs(context.get(), 1);
    // Before a device is assigned: partitions must lie where the layout says.
    fdisk_save_user_grain(context.get(), kSliceAlignment);
    const int result =
        fdisk_assign_device_by_fd(context.get(), fd, disk.c_str(), read_only ? 1 : 0);
    if (result != 0) {
        return failed(disk, "its partition table cannot be reached", result);
    }
    return context;
}

Type type_of(fdisk_label* label, const std::string& type, bool gpt) {
    if (gpt) {
        fdisk_parttype* const known = fdisk_label_get_parttype_from_string(label, type.c_str());
        return Type(known != nullptr ? known : fdisk_new_unknown_parttype(0, type.c_str()));
    }
    const auto code = static_cast<unsigned>(std::stoul(type, nullptr, 16));
    fdisk_parttype* const known = fdisk_label_get_parttype_from_code(label, code);
    return Type(known != nullptr ? known : fdisk_new_unknown_parttype(code, type.c_str()));
}

std::uint64_t attributes_of(const RecipePartition& partition) {
    return (has(partition, "hidden") ? kGptRequired : 0) |
           (has(partition, "legacy_boot") ? kGptLegacyBoot : 0) |
           (has(partition, "no_automount") ? kGptNoAutomount : 0);
}

int add_partition(fdisk_context* context, const RecipePartition& wanted, std::size_t index,
                  const Slice& slice, bool gpt) {
    const unsigned long sector = fdisk_get_sector_size(context);
    const Partition partition(fdisk_new_partition());
    const Type type = type_of(fdisk_get_label(context, nullptr), partition_type(wanted, gpt), gpt);
    if (!partition || !type) {
        throw std::bad_alloc();
    }
    fdisk_partition_set_partno(partition.get(), index);
    fdisk_partition_set_start(partition.get(), slice.begin / sector);
    fdisk_partition_set_size(partition.get(), slice.bytes / sector);
    fdisk_partition_size_explicit(partition.get(), 1);
    fdisk_partition_set_type(partition.get(), type.get());
    if (gpt) {
        fdisk_partition_set_name(partition.get(), cut_text(wanted.name, kGptNameUnits).c_str());
    }
    std::size_t number = index;
    int result = fdisk_add_partition(context, partition.get(), &number);
    if (result == 0 && number != index) {
        result = -EINVAL;
    }
    if (result == 0 && gpt && attributes_of(wanted) != 0) {
        result = fdisk_gpt_set_partition_attrs(context, index, attributes_of(wanted));
    }
    if (result == 0 && !gpt && has(wanted, "boot")) {
        result = fdisk_toggle_partition_flag(context, index, DOS_FLAG_ACTIVE);
    }
    return result;
}

// What is wrong with partition `index` of an opened table, or "".
std::string difference_of(fdisk_context* context, const RecipePartition& wanted, std::size_t index,
                          const Slice& slice, bool gpt) {
    fdisk_partition* found = nullptr;
    if (fdisk_get_partition(context, index, &found) != 0 || found == nullptr) {
        return "it is not there";
    }
    const Partition partition(found);
    const unsigned long sector = fdisk_get_sector_size(context);
    if (fdisk_partition_get_start(found) != slice.begin / sector ||
        fdisk_partition_get_size(found) != slice.bytes / sector) {
        return fmt::format("it has {} sectors from {} on, wanted are {} from {} on",
                           fdisk_partition_get_size(found), fdisk_partition_get_start(found),
                           slice.bytes / sector, slice.begin / sector);
    }
    fdisk_parttype* const type = fdisk_partition_get_type(found);
    const std::string wanted_type = partition_type(wanted, gpt);
    const char* const text = gpt && type != nullptr ? fdisk_parttype_get_string(type) : nullptr;
    const std::string found_type =
        gpt ? base::to_lower_ascii(text == nullptr ? "" : text)
            : fmt::format("{:x}", type == nullptr ? 0 : fdisk_parttype_get_code(type));
    if (found_type != base::to_lower_ascii(wanted_type)) {
        return fmt::format("its type is {}, not {}", shown(found_type), wanted_type);
    }
    if (!gpt && (fdisk_partition_is_bootable(found) != 0) != has(wanted, "boot")) {
        return "its boot mark is not as the recipe says";
    }
    return {};
}

}  // namespace

std::string partition_type(const RecipePartition& partition, bool gpt) {
    for (const TypeOfFlag& each : kTypes) {
        const std::string_view type = gpt ? each.gpt : each.msdos;
        if (has(partition, each.flag) && !type.empty()) {
            return std::string(type);
        }
    }
    if (gpt) {
        return std::string(has(partition, "linux-home") ? kLinuxHome
                           : is_fat(partition)          ? kMicrosoftData
                                                        : kLinux);
    }
    if (!is_fat(partition)) {
        return "83";
    }
    const unsigned code = has(partition, "lba") ? 0x0c : 0x0b;
    return fmt::format("{:x}", has(partition, "hidden") ? code | 0x10 : code);
}

base::Status write_partition_table(int fd, const std::filesystem::path& disk, const Recipe& recipe,
                                   const std::vector<Slice>& slices) {
    const bool gpt = recipe.partition_table == "gpt";
    auto context = open_context(fd, disk, false);
    if (!context) {
        return tl::unexpected<base::Error>(context.error());
    }
    int result = fdisk_create_disklabel(context->get(), gpt ? "gpt" : "dos");
    if (result != 0) {
        return failed(disk, "a partition table cannot be made", result);
    }
    for (std::size_t i = 0; i < slices.size(); ++i) {
        result = add_partition(context->get(), recipe.partitions[i], i, slices[i], gpt);
        if (result != 0) {
            return failed(disk, fmt::format("partition {} cannot be made", i), result);
        }
    }
    result = fdisk_write_disklabel(context->get());
    if (result != 0) {
        return failed(disk, "the partition table cannot be written", result);
    }
    return ::fsync(fd) == 0 ? base::Status()
                            : failed(disk, "the partition table cannot be written", -errno);
}

base::Status compare_partition_table(int fd, const std::filesystem::path& disk,
                                     const Recipe& recipe, const std::vector<Slice>& slices) {
    const bool gpt = recipe.partition_table == "gpt";
    auto context = open_context(fd, disk, true);
    if (!context) {
        return tl::unexpected<base::Error>(context.error());
    }
    fdisk_label* const label = fdisk_get_label(context->get(), nullptr);
    const char* const kind = label == nullptr ? nullptr : fdisk_label_get_name(label);
    auto differs = [&](const std::string& what) {
        return base::fail("image.mismatch",
                          fmt::format("{}: the partition table is not the one that was written: {}",
                                      disk.string(), what));
    };
    if (kind == nullptr || std::string_view(kind) != (gpt ? "gpt" : "dos")) {
        return differs(kind == nullptr ? "there is none" : fmt::format("it is {}", kind));
    }
    for (std::size_t i = 0; i < slices.size(); ++i) {
        const std::string why =
            difference_of(context->get(), recipe.partitions[i], i, slices[i], gpt);
        if (!why.empty()) {
            return differs(fmt::format("partition {}: {}", i, why));
        }
    }
    for (std::size_t i = slices.size(); i < fdisk_get_npartitions(context->get()); ++i) {
        if (fdisk_is_partition_used(context->get(), i) != 0) {
            return differs(fmt::format("there is a partition {} too", i));
        }
    }
    return {};
}

base::Result<std::vector<Slice>> read_partitions(int fd, const std::filesystem::path& disk) {
    auto context = open_context(fd, disk, true);
    if (!context) {
        return tl::unexpected<base::Error>(context.error());
    }
    if (fdisk_has_label(context->get()) == 0) {
        return base::fail("media.source", disk.string() + " has no partition table");
    }
    fdisk_table* found = nullptr;
    if (const int result = fdisk_get_partitions(context->get(), &found); result != 0) {
        return failed(disk, "its partition table cannot be read", result);
    }
    const std::unique_ptr<fdisk_table, void (*)(fdisk_table*)> table(
        found, [](fdisk_table* each) { fdisk_unref_table(each); });
    const unsigned long sector = fdisk_get_sector_size(context->get());
    std::vector<Slice> slices;
    for (std::size_t i = 0; i < fdisk_table_get_nents(found); ++i) {
        fdisk_partition* const each = fdisk_table_get_partition(found, i);
        if (fdisk_partition_is_container(each) == 0 && fdisk_partition_has_start(each) != 0 &&
            fdisk_partition_has_size(each) != 0) {
            slices.push_back({fdisk_partition_get_start(each) * sector,
                              fdisk_partition_get_size(each) * sector});
        }
    }
    return slices;
}

}  // namespace lineside::media
