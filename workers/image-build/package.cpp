// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/package.h"

#include "station/base/files.h"
#include "station/base/text.h"
#include "workers/image-build/ext4_manifest.h"
#include "workers/image-build/image_file.h"
#include "workers/image-build/tar_manifest.h"
#include "workers/proof/escape.h"

#include <array>
#include <charconv>
#include <fstream>
#include <set>
#include <system_error>

namespace lineside::image_build {
namespace {

namespace fs = std::filesystem;
using base::Result;

constexpr std::size_t kMaxText = 4UL * 1024 * 1024;
constexpr std::size_t kMaxLines = 512;
constexpr std::string_view kRootPartition = "APP";
constexpr const char* kIndexFolder = "tools/kernel_flash/images/";
constexpr const char* kInternalIndex = "tools/kernel_flash/images/internal/flash.idx";

tl::unexpected<base::Error> bad(std::string_view what) {
    return base::fail("image.build", fmt::format("the package: {}", what));
}

bool is_plain_name(std::string_view name) {
    return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

bool is_file(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(fs::symlink_status(path, ignored));
}

// NAME=value of a shell's file, unquoted; "" where it is not there.
std::string shell_value(const fs::path& file, std::string_view wanted) {
    const auto text = base::read_file(file, kMaxText);
    if (!text) {
        return {};
    }
    for (const auto line : base::split(*text, '\n')) {
        const auto equals = line.find('=');
        if (equals != std::string_view::npos &&
            base::trim_blanks(line.substr(0, equals)) == wanted) {
            std::string value(base::trim_blanks(line.substr(equals + 1)));
            value.erase(std::remove(value.begin(), value.end(), '"'), value.end());
            return value;
        }
    }
    return {};
}

// By the XML layout `xml` of `folder`, which lies below the package at `prefix`. `makes_signed`:
// the package's tool signs what the layout says so of; else what is written is all there.
Result<std::vector<PackageFile>> by_layout(const fs::path& folder, const std::string& prefix,
                                           const fs::path& xml, bool makes_signed,
                                           const std::string& root_file) {
    auto text = base::read_file(xml, kMaxText);
    if (!text) {
        return bad("no layout: " + text.error().message);
    }
    auto layout = parse_layout(*text);
    if (!layout) {
        return tl::unexpected(layout.error());
    }
    std::vector<PackageFile> out;
    for (LayoutEntry& entry : *layout) {
        if (entry.file.empty() || entry.is_table()) {
            continue;
        }
        if (entry.name == kRootPartition && !root_file.empty()) {
            entry.file = root_file;
        }
        if (!is_plain_name(entry.file)) {
            return bad(fmt::format("{} has the odd file {}", xml.filename().string(),
                                   proof::escape_name(entry.file)));
        }
        const std::string form = find_signed(folder, entry.file);
        if (form.empty() && !is_file(folder / entry.file)) {
            if (makes_signed) {
                continue;  // a name that the package's own script puts a file in the place of
            }
            return bad(fmt::format("{} of partition {} is not there",
                                   proof::escape_name(entry.file), proof::escape_name(entry.name)));
        }
        out.push_back({entry.name, prefix + (form.empty() ? entry.file : form),
                       !makes_signed || !form.empty() || !entry.oem_sign});
    }
    return out;
}

Result<std::vector<PackageFile>> by_index(const fs::path& tree) {
    std::vector<PackageFile> out;
    for (const std::string place : {"internal", "external"}) {
        const std::string folder = kIndexFolder + place + "/";
        if (!is_file(tree / (folder + "flash.idx"))) {
            continue;
        }
        auto text = base::read_file(tree / (folder + "flash.idx"), kMaxText);
        if (!text) {
            return bad(text.error().message);
        }
        auto files = parse_flash_index(*text, folder);
        if (!files) {
            return files;
        }
        // The root file system's file is told beside the index; with an external one the internal
        // is not written.
        const std::string root =
            shell_value(tree / (folder + "flash.cfg"), place == "external" ? "APP_ext" : "APP");
        for (PackageFile& each : *files) {
            if (each.partition == kRootPartition && is_plain_name(root)) {
                each.file = folder + root;
            }
            const bool again = std::any_of(out.begin(), out.end(), [&](const PackageFile& other) {
                return other.partition == each.partition;
            });
            if (!each.file.empty() && !again && is_file(tree / each.file)) {
                out.push_back(std::move(each));
            } else if (!each.file.empty() && !again) {
                return bad(fmt::format("{} of partition {} is not there",
                                       proof::escape_name(each.file),
                                       proof::escape_name(each.partition)));
            }
        }
    }
    return out;
}

Result<std::vector<PackageFile>> files_of(const fs::path& tree, std::string_view way) {
    if (way == "massflash") {
        return by_layout(tree, "", tree / "flash.xml", false, "");
    }
    if (way == "tegraflash") {
        const bool plain = is_file(tree / "flash.xml");
        return by_layout(tree, "", tree / (plain ? "flash.xml" : "flash.xml.in"), true,
                         shell_value(tree / ".env.initrd-flash", "ROOTFS_IMAGE"));
    }
    if (is_file(tree / kInternalIndex)) {
        return by_index(tree);
    }
    return by_layout(tree / "bootloader", "bootloader/", tree / "bootloader/flash.xml", false, "");
}

bool is_tar(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::array<char, 262> head{};
    in.read(head.data(), head.size());
    const std::string_view bytes(head.data(), static_cast<std::size_t>(in.gcount()));
    const auto begins = [&](std::string_view magic) {
        return bytes.substr(0, magic.size()) == magic;
    };
    return (bytes.size() == head.size() && bytes.substr(257) == "ustar") || begins("\x1f\x8b") ||
           begins("BZh") ||
           begins(
               "\xfd"
               "7zXZ") ||
           begins("\x28\xb5\x2f\xfd");
}

}  // namespace

Result<std::vector<PackageFile>> parse_flash_index(std::string_view text,
                                                   const std::string& folder) {
    std::vector<PackageFile> out;
    std::set<std::string, std::less<>> names;
    std::size_t number = 0;
    for (const auto line : base::split(text, '\n')) {
        ++number;
        if (base::trim_blanks(line).empty()) {
            continue;
        }
        const auto wrong = [&](std::string_view what) {
            return bad(fmt::format("flash.idx line {}: {}", number, what));
        };
        const auto fields = base::split(line, ',');
        if (fields.size() < 5 || out.size() == kMaxLines) {
            return wrong(out.size() == kMaxLines ? "too many partitions"
                                                 : "is not `index, device:instance:name, start, "
                                                   "size, file, …`");
        }
        const auto where = base::split(base::trim_blanks(fields[1]), ':');
        if (where.size() != 3) {
            return wrong("has no device:instance:name");
        }
        PackageFile each;
        each.partition = std::string(base::trim_blanks(where[2]));
        const std::string file(base::trim_blanks(fields[4]));
        if (!file.empty() && !is_plain_name(file)) {
            return wrong("has the odd file " + proof::escape_name(file));
        }
        each.file = file.empty() ? "" : folder + file;
        // Tables have no partition of their own; what has no file and is not the root is not
        // written.
        LayoutEntry entry;
        entry.name = each.partition;
        if (each.partition.empty() || entry.is_table() ||
            (file.empty() && each.partition != kRootPartition)) {
            continue;
        }
        if (!names.insert(each.partition).second) {
            return wrong("partition " + proof::escape_name(each.partition) + " occurs twice");
        }
        out.push_back(std::move(each));
    }
    return out;
}

Result<PackageContents> package_contents(const fs::path& tree, std::string_view way) {
    auto files = files_of(tree, way);
    if (!files) {
        return tl::unexpected(files.error());
    }
    PackageContents out;
    out.files = std::move(*files);
    const auto root = std::find_if(out.files.begin(), out.files.end(), [](const PackageFile& each) {
        return each.partition == kRootPartition;
    });
    if (root == out.files.end()) {
        return bad(fmt::format("nothing in it is written into partition {}", kRootPartition));
    }
    out.root = root->file;
    return out;
}

Result<std::vector<proof::FileRecord>> read_root(const fs::path& file, const fs::path& scratch,
                                                 const Tick& tick) {
    if (is_tar(file)) {
        return read_tar(file, tick);
    }
    if (!is_sparse(file)) {
        return read_ext4(file, tick);
    }
    auto content = unsparse_image_file(file, scratch, tick);
    auto records = content
                       ? read_ext4(scratch, tick)
                       : Result<std::vector<proof::FileRecord>>(tl::unexpected(content.error()));
    std::error_code ignored;
    fs::remove(scratch, ignored);
    return records;
}

}  // namespace lineside::image_build
