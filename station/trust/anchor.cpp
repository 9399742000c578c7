// SPDX-License-Identifier: Apache-2.0
#include "station/trust/anchor.h"

#include "station/base/text.h"
#include "station/trust/canonical_json.h"

namespace lineside::trust {
namespace {

using base::Json;

constexpr FieldRule kFields[] = {
    {"type", is_text, "text"},        {"station", is_text, "text"},
    {"seq", is_count, "a count"},     {"head", is_hash, "64 hex digits"},
    {"at_ms", is_count, "a count"},   {"key", is_text, "text"},
    {"signature", is_text, "base64"},
};

Json without_signature(const Anchor& anchor) {
    return {{"type", kAnchorType},   {"station", anchor.station},
            {"seq", anchor.seq},     {"head", base::to_hex(anchor.head)},
            {"at_ms", anchor.at_ms}, {"key", anchor.key_id}};
}

Json with_signature(const Anchor& anchor) {
    Json object = without_signature(anchor);
    object["signature"] = base::to_base64(anchor.signature);
    return object;
}

}  // namespace

base::Result<Anchor> sign_anchor(Anchor anchor, const SigningKey& key) {
    anchor.key_id = key.id();
    auto signature = sign_value(without_signature(anchor), kAnchorType, key);
    if (!signature) {
        return tl::unexpected<base::Error>(signature.error());
    }
    anchor.signature = std::move(*signature);
    return anchor;
}

std::optional<Fault> check_anchor(const Anchor& anchor, const PublicKeys& keys) {
    return check_signature(with_signature(anchor), kAnchorType, keys);
}

base::Result<std::string> anchor_text(const Anchor& anchor) {
    return canonical_json(with_signature(anchor));
}

Checked<Anchor> read_anchor(std::string_view text, const PublicKeys& keys) {
    auto object = read_canonical(text);
    if (!object) {
        return tl::unexpected<Fault>(object.error());
    }
    auto fault = check_type(*object, kAnchorType);
    fault = fault ? fault : check_fields(*object, kFields);
    fault = fault ? fault : check_signature(*object, kAnchorType, keys);
    if (fault) {
        return tl::unexpected<Fault>(*fault);
    }
    return Anchor{object->at("station"),
                  object->at("seq"),
                  *hash_from_hex(object->at("head").get<std::string>()),
                  object->at("at_ms"),
                  object->at("key"),
                  *from_strict_base64(object->at("signature").get<std::string>())};
}

}  // namespace lineside::trust
