// SPDX-License-Identifier: Apache-2.0
// The words a recipe may use for file systems and flags.   Thread: any (constant data).
#pragma once

#include <array>
#include <string_view>

namespace lineside::media {

// What mkfs is there for, and how many bytes its label holds.
struct FileSystem {
    std::string_view name;
    std::size_t label_bytes;
};
constexpr std::array<FileSystem, 6> kFileSystems{
    {{"fat32", 11}, {"vfat", 11}, {"ext2", 16}, {"ext3", 16}, {"ext4", 16}, {"btrfs", 255}}};

// libparted's names, and which of the two tables has the flag at all (libparted 3.5, docs of
// `set`): the others are accepted and cannot be set.
struct Flag {
    std::string_view name;
    bool msdos, gpt;
};
constexpr std::array<Flag, 22> kFlags{{{"boot", true, true},
                                       {"root", false, false},
                                       {"swap", true, true},
                                       {"hidden", true, true},
                                       {"raid", true, true},
                                       {"lvm", true, true},
                                       {"lba", true, false},
                                       {"hp-service", false, true},
                                       {"palo", true, false},
                                       {"prep", true, true},
                                       {"msftres", false, true},
                                       {"bios_grub", false, true},
                                       {"atvrecv", false, true},
                                       {"diag", true, true},
                                       {"legacy_boot", false, true},
                                       {"msftdata", false, true},
                                       {"irst", true, true},
                                       {"esp", true, true},
                                       {"chromeos_kernel", false, true},
                                       {"bls_boot", true, true},
                                       {"linux-home", false, true},
                                       {"no_automount", false, true}}};

}  // namespace lineside::media
