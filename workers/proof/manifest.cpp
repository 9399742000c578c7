// SPDX-License-Identifier: Apache-2.0
#include "workers/proof/manifest.h"

#include "station/base/json.h"
#include "station/base/text.h"
#include "workers/proof/escape.h"

#include <fstream>

namespace lineside::proof {
namespace {

constexpr std::size_t kMaxLine =
    64 * 1024;  // a path of 4096 bytes and a link of the same, all escaped

base::Result<std::string> name_field(const base::Json& object, std::string_view field) {
    auto text = base::field_or<std::string>(object, field, "");
    if (!text) {
        return tl::unexpected(text.error());
    }
    auto name = unescape_name(*text);
    if (!name) {
        return base::fail("protocol.invalid",
                          fmt::format("field \"{}\" is not an escaped name", field));
    }
    return std::move(*name);
}

base::Status check_digest(std::string_view value, std::string_view field, bool may_be_empty) {
    if (base::is_hex64(value) || (may_be_empty && value.empty())) {
        return {};
    }
    return base::fail("protocol.invalid", fmt::format("field \"{}\" is not a SHA-256", field));
}

}  // namespace

std::string format_record(const FileRecord& record) {
    // Written by hand for the fixed order of members: the same image gives the same bytes.
    std::string line =
        fmt::format(R"({{"path":{},"type":"{}","mode":"{:04o}","uid":{},"gid":{},"size":{})",
                    base::dump_json(escape_name(record.path)), record.type, record.mode, record.uid,
                    record.gid, record.size);
    const auto add = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) {
            line += fmt::format(R"(,"{}":{})", name, base::dump_json(value));
        }
    };
    add("sha256", record.sha256);
    add("link", escape_name(record.link));
    add("xattrs", record.xattrs);
    line += "}\n";
    return line;
}

base::Result<FileRecord> parse_record(std::string_view line) {
    auto json = base::parse_json(line, kMaxLine);
    if (!json) {
        return tl::unexpected(json.error());
    }
    FileRecord record;
    auto path = name_field(*json, "path");
    auto link = name_field(*json, "link");
    auto type = base::field<std::string>(*json, "type");
    auto mode = base::field<std::string>(*json, "mode");
    auto uid = base::field<std::uint32_t>(*json, "uid");
    auto gid = base::field<std::uint32_t>(*json, "gid");
    auto size = base::field<std::uint64_t>(*json, "size");
    auto sha256 = base::field_or<std::string>(*json, "sha256", "");
    auto xattrs = base::field_or<std::string>(*json, "xattrs", "");
    for (const auto* text : {&path, &link, &type, &mode, &sha256, &xattrs}) {
        if (!*text) {
            return tl::unexpected(text->error());
        }
    }
    if (!uid || !gid || !size) {
        return tl::unexpected(!uid ? uid.error() : !gid ? gid.error() : size.error());
    }
    if (!path->starts_with('/') || path->find('\0') != std::string::npos) {
        return base::fail("protocol.invalid", "field \"path\" is not an absolute path");
    }
    if (type->size() != 1 || std::string_view("fdlcbps").find(*type) == std::string_view::npos) {
        return base::fail("protocol.invalid", "field \"type\" is none of f d l c b p s");
    }
    if (mode->size() != 4 || mode->find_first_not_of("01234567") != std::string::npos) {
        return base::fail("protocol.invalid", "field \"mode\" is not four octal digits");
    }
    const bool hashed = *type == "f" || *type == "l";
    if (auto good = check_digest(*sha256, "sha256", !hashed); !good) {
        return tl::unexpected(good.error());
    }
    if (auto good = check_digest(*xattrs, "xattrs", true); !good) {
        return tl::unexpected(good.error());
    }
    record.path = std::move(*path);
    record.type = type->front();
    record.mode = static_cast<std::uint32_t>(std::stoul(*mode, nullptr, 8));
    record.uid = *uid;
    record.gid = *gid;
    record.size = *size;
    record.sha256 = std::move(*sha256);
    record.link = std::move(*link);
    record.xattrs = std::move(*xattrs);
    return record;
}

base::Status read_manifest(const std::filesystem::path& file,
                           const std::function<base::Status(FileRecord)>& take) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        return base::fail("image.broken", fmt::format("cannot read {}", file.string()));
    }
    std::string line;
    std::string last;
    std::uint64_t number = 0;
    while (std::getline(in, line)) {
        ++number;
        auto record = parse_record(line);
        if (!record) {
            return base::fail("image.broken", fmt::format("{} line {}: {}", file.string(), number,
                                                          record.error().message));
        }
        if (number > 1 && record->path <= last) {
            return base::fail("image.broken",
                              fmt::format("{} line {}: not sorted by path", file.string(), number));
        }
        last = record->path;
        if (auto taken = take(std::move(*record)); !taken) {
            return taken;
        }
    }
    if (in.bad()) {
        return base::fail("image.broken", fmt::format("cannot read {}", file.string()));
    }
    return {};
}

}  // namespace lineside::proof
