// SPDX-License-Identifier: Apache-2.0
// A folder or an archive as a Listing: nothing is unpacked, nothing outside of it is followed.
#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "workers/jetson-usb/package.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

namespace lineside::jetson_usb {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlock = std::size_t{256} * 1024;
constexpr std::size_t kMostFiles = 2'000'000;

bool is_told(std::string_view name) {
    static constexpr std::array<std::string_view, 14> kTold{
        ".env.initrd-flash",
        "flashvars",
        "boardvars.sh",
        "doflash.sh",
        "bsp_version",
        "nv_tegra/bsp_version",
        "nv_tegra/nvidia_drivers/etc/nv_tegra_release",
        "nv_tegra_release",
        "rootfs/etc/nv_tegra_release",
        "qspi_bootblob_ver.txt",
        "bootloader/qspi_bootblob_ver.txt",
        "flash_parameters.txt",
        "bootloader/flash_parameters.txt",
        "tools/kernel_flash/initrdflashparam.txt"};
    return std::find(kTold.begin(), kTold.end(), name) != kTold.end();
}

bool is_board_file(std::string_view name) {
    return name.ends_with(".conf") && name.find('/') == std::string_view::npos;
}

// Errors: config.invalid. The text of a told file goes to `text`.
base::Status hash_file(const fs::path& path, base::Sha256& into, std::string* text) {
    const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file) {
        return base::fail_errno("config.invalid", "cannot open " + path.native(), errno);
    }
    const auto block = std::make_unique<char[]>(kBlock);
    for (;;) {
        const auto got = ::read(file.get(), block.get(), kBlock);
        if (got < 0) {
            return base::fail_errno("config.invalid", "cannot read " + path.native(), errno);
        }
        if (got == 0) {
            return {};
        }
        const std::string_view bytes(block.get(), static_cast<std::size_t>(got));
        into.update(bytes);
        if (text != nullptr && text->size() < kTextLimit) {
            text->append(bytes.substr(0, kTextLimit - text->size()));
        }
    }
}

base::Result<Listing> of_folder(const fs::path& folder) {
    Listing out;
    std::vector<fs::path> paths;
    std::error_code error;
    auto walk = fs::recursive_directory_iterator(folder, error);
    for (const auto end = fs::recursive_directory_iterator(); !error && walk != end;
         walk.increment(error)) {
        const auto type = walk->symlink_status(error).type();
        if (type == fs::file_type::regular || type == fs::file_type::symlink) {
            paths.push_back(walk->path());
        }
        if (paths.size() > kMostFiles) {
            return base::fail("config.invalid", folder.native() + " has too many files");
        }
    }
    if (error) {
        return base::fail("config.invalid",
                          fmt::format("cannot read {}: {}", folder.native(), error.message()));
    }
    std::sort(paths.begin(), paths.end());
    base::Sha256 digest;
    for (const fs::path& path : paths) {
        const auto name = path.lexically_relative(folder).generic_string();
        const bool link = fs::is_symlink(path, error);
        const auto size = link ? 0 : fs::file_size(path, error);
        out.sizes[name] = link ? 1 : size;
        if (link && is_board_file(name)) {
            out.links[name] = fs::read_symlink(path, error).generic_string();
        }
        if (link || (name.starts_with("rootfs/") && !is_told(name))) {
            continue;
        }
        digest.update(fmt::format("{}\n{}\n", name, size));
        std::string* text = is_told(name) ? &out.texts[name] : nullptr;
        if (auto hashed = hash_file(path, digest, text); !hashed) {
            return tl::unexpected<base::Error>(hashed.error());
        }
    }
    out.sha256 = digest.hex();
    return out;
}

// "./mfi_x/a" -> "mfi_x/a"; nothing for a name that leaves the archive.
std::optional<std::string> clean_name(const char* raw) {
    if (raw == nullptr) {
        return std::nullopt;
    }
    const auto path = fs::path(raw).lexically_normal();
    auto name = path.generic_string();
    if (path.is_absolute() || name.starts_with("..")) {
        return std::nullopt;
    }
    return name;
}

// A package has all of its files in one folder of its name; it counts as the top.
void take_off_top(Listing& listing) {
    const auto slash =
        listing.sizes.empty() ? std::string::npos : listing.sizes.begin()->first.find('/');
    if (slash == std::string::npos) {
        return;
    }
    const auto top = listing.sizes.begin()->first.substr(0, slash + 1);
    const auto below = [&](const auto& entry) { return entry.first.starts_with(top); };
    if (!std::all_of(listing.sizes.begin(), listing.sizes.end(), below)) {
        return;
    }
    Listing out;
    for (const auto& [name, size] : listing.sizes) {
        out.sizes[name.substr(top.size())] = size;
    }
    for (const auto& [name, text] : listing.texts) {
        out.texts[name.substr(top.size())] = text;
    }
    listing.sizes = std::move(out.sizes);
    listing.texts = std::move(out.texts);
}

base::Result<Listing> of_archive(const fs::path& path) {
    Listing out;
    out.archive = true;
    base::Sha256 digest;
    if (auto hashed = hash_file(path, digest, nullptr); !hashed) {
        return tl::unexpected<base::Error>(hashed.error());
    }
    out.sha256 = digest.hex();
    const std::unique_ptr<archive, decltype(&::archive_read_free)> reader(::archive_read_new(),
                                                                          &::archive_read_free);
    ::archive_read_support_filter_all(reader.get());
    ::archive_read_support_format_tar(reader.get());
    const auto refuse = [&](std::string_view why) {
        return base::fail("config.invalid", fmt::format("{}: {}", path.native(), why));
    };
    if (::archive_read_open_filename(reader.get(), path.c_str(), kBlock) != ARCHIVE_OK) {
        return refuse("it is no tar archive that can be read");
    }
    for (;;) {
        archive_entry* entry = nullptr;
        const int got = ::archive_read_next_header(reader.get(), &entry);
        if (got == ARCHIVE_EOF) {
            break;
        }
        if (got != ARCHIVE_OK && got != ARCHIVE_WARN) {
            return refuse("it is no tar archive, or it is cut off or damaged");
        }
        const auto name = clean_name(::archive_entry_pathname(entry));
        if (!name) {
            return refuse("a file in it has a name that leads out of it");
        }
        if (::archive_entry_filetype(entry) == AE_IFDIR) {
            continue;
        }
        const bool plain = ::archive_entry_filetype(entry) == AE_IFREG;
        out.sizes[*name] =
            plain ? static_cast<std::uint64_t>(std::max<la_int64_t>(0, ::archive_entry_size(entry)))
                  : 1;
        const auto below =
            name->find('/') == std::string::npos ? *name : name->substr(name->find('/') + 1);
        if (plain && (is_told(*name) || is_told(below))) {
            std::string text(kTextLimit, '\0');
            const auto size = ::archive_read_data(reader.get(), text.data(), text.size());
            if (size < 0) {
                return refuse("it is cut off or damaged");
            }
            text.resize(static_cast<std::size_t>(size));
            out.texts[*name] = std::move(text);
        }
        if (out.sizes.size() > kMostFiles) {
            return refuse("it has too many files");
        }
    }
    take_off_top(out);
    return out;
}

}  // namespace

base::Result<Listing> listing_of(const fs::path& path) {
    std::error_code error;
    const auto status = fs::status(path, error);
    if (!fs::exists(status)) {
        return base::fail("config.missing", path.native() + " is not there");
    }
    auto out = fs::is_directory(status) ? of_folder(path)
               : fs::is_regular_file(status)
                   ? of_archive(path)
                   : base::Result<Listing>(base::fail(
                         "config.invalid", path.native() + " is neither a folder nor an archive"));
    if (out) {
        const auto full = fs::absolute(path, error).lexically_normal();
        out->name = (full.has_filename() ? full : full.parent_path()).filename().native();
    }
    return out;
}

}  // namespace lineside::jetson_usb
