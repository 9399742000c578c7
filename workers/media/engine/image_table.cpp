// SPDX-License-Identifier: Apache-2.0
#include "workers/media/engine/image_table.h"

#include "station/base/text.h"
#include "workers/media/formats/digest.h"

namespace lineside::media {
namespace {

constexpr std::string_view kForm = "lineside-media-image 1";
constexpr std::size_t kShortHash = 16;  // bytes of XXH3-128

std::string_view name_of(PieceHash kind) {
    return kind == PieceHash::sha256 ? "sha256" : "xxh3";
}

std::string hex_of(PieceHash kind, const HashValue& value) {
    const std::size_t length = kind == PieceHash::sha256 ? value.size() : kShortHash;
    std::string text;
    for (std::size_t i = 0; i < length; ++i) {
        text += fmt::format("{:02x}", value[i]);
    }
    return text;
}

std::optional<std::uint8_t> nibble(char digit) {
    if (digit >= '0' && digit <= '9') {
        return static_cast<std::uint8_t>(digit - '0');
    }
    if (digit >= 'a' && digit <= 'f') {
        return static_cast<std::uint8_t>(digit - 'a' + 10);
    }
    return std::nullopt;
}

std::optional<HashValue> hash_from(PieceHash kind, const base::Json& json) {
    const auto* text = json.get_ptr<const std::string*>();
    const std::size_t length = kind == PieceHash::sha256 ? HashValue{}.size() : kShortHash;
    if (text == nullptr || text->size() != 2 * length) {
        return std::nullopt;
    }
    HashValue value{};
    for (std::size_t i = 0; i < length; ++i) {
        const auto high = nibble((*text)[2 * i]);
        const auto low = nibble((*text)[2 * i + 1]);
        if (!high || !low) {
            return std::nullopt;
        }
        value[i] = static_cast<std::uint8_t>(*high << 4 | *low);
    }
    return value;
}

}  // namespace

std::string digest_of(const ImageMap& map, PieceHash kind, std::span<const HashValue> hashes) {
    auto digest = Digest::of("sha256");
    digest->update(fmt::format("{}\n{} {}\n", kForm, map.size(), name_of(kind)));
    for (const Extent& each : map.extents()) {
        digest->update(
            fmt::format("{} {} {}\n", each.begin, each.end, static_cast<int>(each.fill)));
    }
    for (const HashValue& each : hashes) {
        digest->update(hex_of(kind, each) + "\n");
    }
    return digest->end();
}

base::Json to_json(const ImageTable& table) {
    base::Json hashes = base::Json::array();
    for (const HashValue& each : table.hashes) {
        hashes.push_back(hex_of(table.hash, each));
    }
    return {{"form", kForm},
            {"map", to_json(table.map)},
            {"hash", name_of(table.hash)},
            {"pieces", std::move(hashes)},
            {"sha256", table.sha256},
            {"digest", digest_of(table.map, table.hash, table.hashes)}};
}

base::Result<ImageTable> table_of(std::string_view text) {
    const auto broken = [] {
        return base::fail("image.broken", "The table of the cached image cannot be read");
    };
    const auto json = base::parse_json(text, kMaxTableBytes);
    if (!json || !json->is_object() || json->value("form", base::Json()) != base::Json(kForm) ||
        !json->contains("map") || !json->contains("pieces") || !(*json)["pieces"].is_array()) {
        return broken();
    }
    const auto map = map_from((*json)["map"]);
    const auto hash = base::field<std::string>(*json, "hash");
    const auto sha256 = base::field<std::string>(*json, "sha256");
    const auto digest = base::field<std::string>(*json, "digest");
    if (!map || !hash || (*hash != "xxh3" && *hash != "sha256") || !sha256 ||
        !base::is_hex64(*sha256) || !digest) {
        return broken();
    }
    ImageTable table{*map, *hash == "xxh3" ? PieceHash::xxh3 : PieceHash::sha256, {}, *sha256};
    for (const base::Json& each : (*json)["pieces"]) {
        const auto value = hash_from(table.hash, each);
        if (!value) {
            return broken();
        }
        table.hashes.push_back(*value);
    }
    if (table.hashes.size() != table.map.pieces(Fill::data).size() ||
        digest_of(table.map, table.hash, table.hashes) != *digest) {
        return broken();
    }
    return table;
}

}  // namespace lineside::media
