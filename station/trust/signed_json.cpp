// SPDX-License-Identifier: Apache-2.0
#include "station/trust/signed_json.h"

#include "station/base/text.h"
#include "station/trust/canonical_json.h"

#include <openssl/evp.h>

namespace lineside::trust {
namespace {

using base::Json;

constexpr std::size_t kMaxObject = 4 * 1024 * 1024;

base::Result<std::string> signed_bytes(Json object, std::string_view type) {
    object.erase("signature");
    auto text = canonical_json(object);
    if (text) {
        text->insert(0, fmt::format("lineside signature 1 {}\n", type));
    }
    return text;
}

}  // namespace

std::string to_text(const Fault& fault) {
    return fault.field.empty() ? fault.why : fmt::format("{} {}", fault.field, fault.why);
}

base::Result<std::string> sign_value(const Json& object, std::string_view type,
                                     const SigningKey& key) {
    auto message = signed_bytes(object, type);
    return message ? key.sign(*message) : message;
}

base::Result<std::string> sign_object(Json object, std::string_view type, const SigningKey& key) {
    object["type"] = type;
    object["key"] = key.id();
    auto signature = sign_value(object, type, key);
    if (!signature) {
        return signature;
    }
    object["signature"] = base::to_base64(*signature);
    return canonical_json(object);
}

Checked<Json> read_canonical(std::string_view text) {
    if (text.ends_with('\n')) {
        text.remove_suffix(1);
    }
    auto object = base::parse_json(text, kMaxObject);
    if (!object) {
        return tl::unexpected<Fault>({"", object.error().message});
    }
    if (!object->is_object()) {
        return tl::unexpected<Fault>({"", "is no JSON object"});
    }
    const auto canonical = canonical_json(*object);
    if (!canonical) {
        return tl::unexpected<Fault>({"", canonical.error().message});
    }
    if (*canonical != text) {
        const auto differ =
            std::mismatch(canonical->begin(), canonical->end(), text.begin(), text.end());
        return tl::unexpected<Fault>(
            {"", fmt::format("is not canonical JSON (RFC 8785): byte {} is another",
                             differ.first - canonical->begin() + 1)});
    }
    return *object;
}

std::optional<Fault> check_type(const Json& object, std::string_view type) {
    const auto found = object.find("type");
    if (found == object.end() || *found != type) {
        return Fault{"type", fmt::format("must be \"{}\"", type)};
    }
    return std::nullopt;
}

std::optional<Fault> check_signature(const Json& object, std::string_view type,
                                     const PublicKeys& keys) {
    const auto id = object.at("key").get<std::string>();
    if (!keys.knows(id)) {
        return Fault{"key",
                     fmt::format("is signed by key {}, the keys given are: {}", id, keys.ids())};
    }
    const auto signature = from_strict_base64(object.at("signature").get<std::string>());
    if (!signature) {
        return Fault{"signature", "is not base64"};
    }
    const auto message = signed_bytes(object, type);
    if (!message || !keys.verify(id, *message, *signature)) {
        return Fault{"signature", "does not fit: the content was changed, or another key signed"};
    }
    return std::nullopt;
}

std::optional<std::string> from_strict_base64(const std::string& text) {
    if (text.empty() || text.size() > 1024 || text.size() % 4 != 0) {
        return std::nullopt;
    }
    std::string out(text.size() / 4 * 3, '\0');
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    const auto padding = static_cast<std::size_t>(std::count(text.begin(), text.end(), '='));
    if (size < 0 || padding > 2) {
        return std::nullopt;
    }
    out.resize(static_cast<std::size_t>(size) - padding);
    return base::to_base64(out) == text ? std::optional(out) : std::nullopt;
}

std::optional<Fault> check_fields(const Json& object, std::span<const FieldRule> rules,
                                  const std::string& prefix) {
    if (!object.is_object()) {
        return Fault{prefix, "must be an object"};
    }
    const std::string before = prefix.empty() ? "" : prefix + ".";
    for (const FieldRule& rule : rules) {
        const auto found = object.find(rule.name);
        if (found == object.end()) {
            return Fault{before + std::string(rule.name), "is missing"};
        }
        if (!rule.fits(*found)) {
            return Fault{before + std::string(rule.name), fmt::format("must be {}", rule.wanted)};
        }
    }
    for (auto it = object.begin(); it != object.end(); ++it) {
        const auto known = std::any_of(rules.begin(), rules.end(), [&](const FieldRule& rule) {
            return rule.name == it.key();
        });
        if (!known) {
            return Fault{before + it.key(), "is not a field of this object"};
        }
    }
    return std::nullopt;
}

bool is_text(const Json& value) {
    return value.is_string() && !value.get_ref<const std::string&>().empty();
}
bool is_any_text(const Json& value) {
    return value.is_string();
}
bool is_text_or_null(const Json& value) {
    return value.is_null() || is_text(value);
}
bool is_count(const Json& value) {
    return value.is_number_unsigned();
}
bool is_bool(const Json& value) {
    return value.is_boolean();
}
bool is_hash(const Json& value) {
    return value.is_string() && base::is_hex64(value.get_ref<const std::string&>());
}
bool is_array(const Json& value) {
    return value.is_array();
}
bool is_object(const Json& value) {
    return value.is_object();
}

}  // namespace lineside::trust
