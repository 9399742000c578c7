// SPDX-License-Identifier: Apache-2.0
#include "workers/proof/image_record.h"

#include "station/base/files.h"
#include "workers/proof/escape.h"

namespace lineside::proof {
namespace {

constexpr std::size_t kMaxImageJson = 4 * 1024 * 1024;

base::Result<PartitionRecord> partition_from_json(const base::Json& json) {
    auto name = base::field<std::string>(json, "name");
    auto bytes = base::field<std::uint64_t>(json, "bytes");
    auto sha256 = base::field<std::string>(json, "sha256");
    auto file = base::field_or<std::string>(json, "file", "");
    auto proven = base::field_or<bool>(json, "proven", true);
    for (const auto* text : {&name, &sha256, &file}) {
        if (!*text) {
            return tl::unexpected(text->error());
        }
    }
    if (!bytes || !proven) {
        return tl::unexpected(!bytes ? bytes.error() : proven.error());
    }
    if (name->empty() || escape_name(*name) != *name || name->find('/') != std::string::npos) {
        return base::fail("protocol.invalid", "a partition's name is not a plain word");
    }
    if (!base::is_hex64(*sha256)) {
        return base::fail("protocol.invalid", "a partition's sha256 is not a SHA-256");
    }
    return PartitionRecord{std::move(*name), *bytes, std::move(*sha256), std::move(*file), *proven};
}

base::Status take_lists(const base::Json& json, ImageRecord& image) {
    const auto partitions = json.find("partitions");
    if (partitions == json.end() || !partitions->is_array()) {
        return base::fail("protocol.invalid", "field \"partitions\" is not a list");
    }
    for (const base::Json& item : *partitions) {
        auto partition = partition_from_json(item);
        if (!partition) {
            return tl::unexpected(partition.error());
        }
        if (!image.partitions.empty() && image.partitions.back().name >= partition->name) {
            return base::fail("protocol.invalid", "partitions are not sorted by name");
        }
        image.partitions.push_back(std::move(*partition));
    }
    std::vector<std::string> rules;
    if (const auto list = json.find("mutable"); list != json.end()) {
        if (!list->is_array()) {
            return base::fail("protocol.invalid", "field \"mutable\" is not a list");
        }
        for (const base::Json& item : *list) {
            if (!item.is_string()) {
                return base::fail("protocol.invalid", "field \"mutable\" is not a list of texts");
            }
            rules.push_back(item.get<std::string>());
        }
    }
    auto parsed = PathRules::parse(rules);
    if (!parsed) {
        return tl::unexpected(parsed.error());
    }
    image.mutable_paths = std::move(*parsed);
    for (const auto& [name, into] :
         {std::pair{"in_force", &image.in_force}, std::pair{"container", &image.container}}) {
        if (const auto given = json.find(name); given != json.end()) {
            if (!given->is_object()) {
                return base::fail("protocol.invalid",
                                  fmt::format("field \"{}\" is not an object", name));
            }
            *into = *given;
        }
    }
    return {};
}

base::Result<ImageRecord> parse(const base::Json& json) {
    ImageRecord image;
    const auto text = [&](std::string_view name, std::string& into) -> base::Status {
        auto value = base::field<std::string>(json, name);
        if (!value) {
            return tl::unexpected(value.error());
        }
        into = std::move(*value);
        return {};
    };
    const auto number = [&](std::string_view name, auto& into) -> base::Status {
        auto value = base::field<std::remove_reference_t<decltype(into)>>(json, name);
        if (!value) {
            return tl::unexpected(value.error());
        }
        into = *value;
        return {};
    };
    for (auto& status :
         {text("id", image.id), text("profile", image.profile), text("board", image.board),
          text("rootdev", image.rootdev), text("release", image.release),
          number("built_ms", image.built_ms), text("tool_version", image.tool_version),
          text("manifest_sha256", image.manifest_sha256), number("files", image.files),
          text("digest", image.digest), text("tree_sha256", image.tree_sha256),
          number("tree_bytes", image.tree_bytes), take_lists(json, image)}) {
        if (!status) {
            return tl::unexpected(status.error());
        }
    }
    for (const auto& hash : {image.id, image.manifest_sha256, image.digest, image.tree_sha256}) {
        if (!base::is_hex64(hash)) {
            return base::fail("protocol.invalid", "one of its digests is not a SHA-256");
        }
    }
    return image;
}

}  // namespace

base::Json to_json(const ImageRecord& image) {
    base::Json partitions = base::Json::array();
    for (const PartitionRecord& p : image.partitions) {
        partitions.push_back({{"name", p.name},
                              {"bytes", p.bytes},
                              {"sha256", p.sha256},
                              {"file", p.file},
                              {"proven", p.proven}});
    }
    base::Json json{{"id", image.id},
                    {"profile", image.profile},
                    {"board", image.board},
                    {"rootdev", image.rootdev},
                    {"release", image.release},
                    {"built_ms", image.built_ms},
                    {"tool_version", image.tool_version},
                    {"partitions", std::move(partitions)},
                    {"mutable", image.mutable_paths.rules()},
                    {"manifest_sha256", image.manifest_sha256},
                    {"files", image.files},
                    {"digest", image.digest},
                    {"tree_sha256", image.tree_sha256},
                    {"tree_bytes", image.tree_bytes}};
    if (!image.in_force.empty()) {
        json["in_force"] = image.in_force;
    }
    if (!image.container.empty()) {
        json["container"] = image.container;
    }
    return json;
}

base::Result<ImageRecord> image_from_json(const base::Json& json) {
    auto image = parse(json);
    if (!image) {
        return base::fail("image.broken", "image.json: " + image.error().message);
    }
    return image;
}

base::Result<ImageRecord> read_image(const std::filesystem::path& image_dir) {
    auto text = base::read_file(image_dir / "image.json", kMaxImageJson);
    if (!text) {
        return base::fail("image.broken", text.error().message);
    }
    auto json = base::parse_json(*text, kMaxImageJson);
    if (!json) {
        return base::fail("image.broken", "image.json: " + json.error().message);
    }
    return image_from_json(*json);
}

bool is_proven(const FileRecord& record, const PathRules& mutable_paths) {
    return (record.type == 'f' || record.type == 'l') && !mutable_paths.match(record.path);
}

ProofDigest::ProofDigest() {
    hash_.update("lineside-proof 1\n");
}

void ProofDigest::add(const PartitionRecord& partition) {
    hash_.update(
        fmt::format("partition {} {} {}\n", partition.name, partition.bytes, partition.sha256));
}

void ProofDigest::add(const FileRecord& file) {
    const unsigned type_bits = file.type == 'l' ? 0120000U : 0100000U;
    hash_.update(fmt::format("file {:o} {} {} {} {}\n", type_bits | file.mode, file.uid, file.gid,
                             file.sha256, escape_name(file.path)));
}

}  // namespace lineside::proof
