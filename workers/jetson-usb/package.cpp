// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/package.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <array>

namespace lineside::jetson_usb {
namespace {

// What each kind is known by, and what it cannot flash without.
struct Kind {
    Way way;
    std::string_view mark;
    std::vector<std::string_view> needs;
};

const std::vector<Kind>& kinds() {
    // A mass-flash package first: its folder may lie in a tree that has a flash.sh too.
    static const std::vector<Kind> kAll{
        {Way::massflash,
         "nvaflash.sh",
         {"tegrarcm_v2", "tegradevflash_v2", "rcm_list_signed.xml", "flash.xml.bin", "blob.bin",
          "system.img"}},
        {Way::tegraflash, "initrd-flash", {".env.initrd-flash", "tegrarcm_v2"}},
        {Way::tegraflash, "doflash.sh", {"tegraflash.py|tegraflash_internal.py", "tegrarcm_v2"}},
        {Way::initrd,
         "tools/kernel_flash/initrdflashparam.txt",
         {"tools/kernel_flash/l4t_initrd_flash_internal.sh", "bootloader/flashcmd.txt",
          "bootloader/boot0.img"}},
        {Way::flash,
         "flash.sh",
         {"bootloader/tegraflash.py", "bootloader/tegrarcm_v2", "bootloader/tegradevflash_v2",
          "bootloader/chkbdinfo", "rootfs/etc/nv_tegra_release"}},
    };
    return kAll;
}

bool has_any(const Listing& listing, std::string_view names) {
    while (!names.empty()) {
        const auto end = std::min(names.find('|'), names.size());
        const auto found = listing.sizes.find(names.substr(0, end));
        if (found != listing.sizes.end() && found->second > 0) {
            return true;
        }
        names.remove_prefix(std::min(end + 1, names.size()));
    }
    return false;
}

std::string_view text_of(const Listing& listing, std::string_view name) {
    const auto found = listing.texts.find(name);
    return found == listing.texts.end() ? std::string_view() : std::string_view(found->second);
}

// NAME=VALUE at the beginning of a line or behind a blank; quotes taken off.
std::string value_of(std::string_view text, const std::string& name) {
    std::string value;
    RE2::PartialMatch(re2::StringPiece(text.data(), text.size()),
                      "(?m)(?:^|[ \\t;])(?:export )?" + name + "=[\"']?([A-Za-z0-9_.+-]+)", &value);
    return value;
}

std::string first_of(const Listing& listing, std::initializer_list<std::string_view> files,
                     const std::string& name) {
    for (const auto file : files) {
        if (auto value = value_of(text_of(listing, file), name); !value.empty()) {
            return value;
        }
    }
    return {};
}

// "# R32 (release), REVISION: 7.4, GCID…", or "# R32 , REVISION: 7.4".
std::string release_of(std::string_view text) {
    std::string major;
    std::string minor;
    return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()),
                             R"(R(\d+)[^,\n]*,\s*REVISION:\s*(\d+(?:\.\d+)*))", &major, &minor)
               ? major + "." + minor
               : "";
}

std::string release_of(const Listing& listing) {
    for (const auto name : {"rootfs/etc/nv_tegra_release", "qspi_bootblob_ver.txt",
                            "bootloader/qspi_bootblob_ver.txt", "nv_tegra_release"}) {
        if (auto release = release_of(text_of(listing, name)); !release.empty()) {
            return release;
        }
    }
    for (const auto name : {"bsp_version", "nv_tegra/bsp_version"}) {
        const auto text = text_of(listing, name);
        if (const auto branch = value_of(text, "BSP_BRANCH"); !branch.empty()) {
            return fmt::format("{}.{}.{}", branch, value_of(text, "BSP_MAJOR"),
                               value_of(text, "BSP_MINOR"));
        }
    }
    // A tree whose drivers were unpacked and not yet put into its root file system.
    return release_of(text_of(listing, "nv_tegra/nvidia_drivers/etc/nv_tegra_release"));
}

// The module that a board file is for, by its name: "p<carrier>-<sku>+p<module>-<sku>…".
void read_module(const Listing& listing, std::string name, Package& out) {
    for (int links = 0; links < 8; ++links) {  // a board's name is a link to such a file, or two
        if (RE2::PartialMatch(name, R"(\+p(\d{4})-(\d{4})(?:\D|$))", &out.board_id, &out.sku)) {
            return;
        }
        const auto link = listing.links.find(name);
        if (link == listing.links.end()) {
            return;
        }
        name = link->second;
    }
}

// "mfi_jetson-xavier-nx-devkit-emmc_signed.tbz2": the board between; "" where it is no such name.
std::string mfi_board(std::string_view name) {
    constexpr std::string_view kBefore = "mfi_";
    if (!name.starts_with(kBefore)) {
        return {};
    }
    name.remove_prefix(kBefore.size());
    for (const std::string_view ending :
         {".tbz2", ".tar.gz", ".tgz", ".tar.bz2", ".tar", "_signed", "_encrypt"}) {
        if (name.ends_with(ending)) {
            name.remove_suffix(ending.size());
        }
    }
    return std::string(name);
}

// The board's name: a package says it, a tree with one .conf has one.
std::string board_of(const Listing& listing, Way way) {
    if (way == Way::tegraflash) {
        return first_of(listing, {".env.initrd-flash", "flashvars", "doflash.sh"}, "MACHINE");
    }
    std::string board;
    if (way == Way::massflash || way == Way::initrd) {
        board = mfi_board(listing.name);
        if (!board.empty()) {
            return board;
        }
        const auto words = text_of(listing, "tools/kernel_flash/initrdflashparam.txt");
        RE2::PartialMatch(re2::StringPiece(words.data(), words.size()),
                          R"(([A-Za-z0-9_+-]+)\s+[A-Za-z0-9]+\s*$)", &board);
        if (!board.empty()) {
            return board;
        }
    }
    int boards = 0;
    for (const auto& [name, size] : listing.sizes) {
        if (name.find('/') == std::string::npos && name.ends_with(".conf")) {
            board = name.substr(0, name.size() - 5);
            ++boards;
        }
    }
    return boards == 1 ? board : "";
}

}  // namespace

Package inspect(const Listing& listing, const std::string& board) {
    Package out;
    out.sha256 = listing.sha256;
    out.files = listing.sizes.size();
    for (const auto& [name, size] : listing.sizes) {
        out.bytes += size;
    }
    const Kind* kind = nullptr;
    for (const Kind& candidate : kinds()) {
        if (kind == nullptr && listing.sizes.contains(candidate.mark)) {
            kind = &candidate;
        }
    }
    if (kind == nullptr) {
        out.missing.emplace_back(
            "It has no flash.sh, nvaflash.sh, initrd-flash, doflash.sh or "
            "tools/kernel_flash/initrdflashparam.txt at its top");
        return out;
    }
    out.way = kind->way;
    for (const auto need : kind->needs) {
        if (!has_any(listing, need)) {
            out.missing.push_back(fmt::format("It has no {}, or an empty one", need));
        }
    }
    const std::initializer_list<std::string_view> told{
        ".env.initrd-flash",     "flashvars",
        "qspi_bootblob_ver.txt", "bootloader/qspi_bootblob_ver.txt",
        "flash_parameters.txt",  "bootloader/flash_parameters.txt",
        "boardvars.sh"};
    out.board = board_of(listing, *out.way);
    out.board_id = first_of(listing, told, "BOARDID");
    out.sku = first_of(listing, told, "BOARDSKU");
    if (*out.way == Way::flash && !board.empty()) {
        out.board = board;
        if (!listing.sizes.contains(board + ".conf")) {
            out.missing.push_back(fmt::format("It has no {}.conf", board));
        }
    } else if (!board.empty() && !out.board.empty() && out.board != board) {
        out.missing.push_back(fmt::format("It is for board {}, not {}", out.board, board));
    }
    if (*out.way == Way::flash && out.board_id.empty() && !out.board.empty()) {
        read_module(listing, out.board + ".conf", out);
    }
    out.fab = first_of(listing, told, "FAB");
    out.release = release_of(listing);
    for (const auto& [name, value] :
         {std::pair("board", &out.board), std::pair("board_id", &out.board_id),
          std::pair("sku", &out.sku), std::pair("fab", &out.fab),
          std::pair("release", &out.release)}) {
        if (value->empty()) {
            out.unknown.emplace_back(name);
        }
    }
    return out;
}

}  // namespace lineside::jetson_usb
