// SPDX-License-Identifier: Apache-2.0
// A signed JSON object: one line of canonical JSON with "type", "key" (id of the signing key) and
// "signature" (base64 of an Ed25519 signature over a domain word and the canonical JSON of the
// object without "signature"). The domain word keeps a signature of one kind of object from being
// shown as one of another kind.
// Thread: any (pure).
#pragma once

#include "station/base/json.h"
#include "station/trust/signing_key.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lineside::trust {

// What is wrong with an object that somebody shows us, and where.
struct Fault {
    std::string field;  // "steps[2].outcome"; "" = the whole
    std::string why;    // "must be text"
};
[[nodiscard]] std::string to_text(const Fault& fault);  // "steps[2].outcome must be text"
template <typename T>
using Checked = tl::expected<T, Fault>;

// The object with "type", "key" and "signature" added, as its one line (no newline).
// Errors: protocol.invalid (a number that has no exact text), station.bug.
[[nodiscard]] base::Result<std::string> sign_object(base::Json object, std::string_view type,
                                                    const SigningKey& key);
// The 64 signature bytes of an object that has its "type" and "key" already.
// Errors: as above.
[[nodiscard]] base::Result<std::string> sign_value(const base::Json& object, std::string_view type,
                                                   const SigningKey& key);

// The one object of `text`, which is canonical but for a newline behind it.
[[nodiscard]] Checked<base::Json> read_canonical(std::string_view text);
// Is it of this kind at all? To be asked first: the fields of another kind tell nothing.
[[nodiscard]] std::optional<Fault> check_type(const base::Json& object, std::string_view type);
// "key" and "signature" of an object whose fields are checked already.
[[nodiscard]] std::optional<Fault> check_signature(const base::Json& object, std::string_view type,
                                                   const PublicKeys& keys);

// Base64 with nothing left to choose: text that its bytes encode to again.
[[nodiscard]] std::optional<std::string> from_strict_base64(const std::string& text);

// The shape of one object: each field must be there, and no other.
struct FieldRule {
    std::string_view name;
    bool (*fits)(const base::Json& value);
    std::string_view wanted;  // "text"
};
[[nodiscard]] std::optional<Fault> check_fields(const base::Json& object,
                                                std::span<const FieldRule> rules,
                                                const std::string& prefix = {});

// For rules.
[[nodiscard]] bool is_text(const base::Json& value);  // not empty
[[nodiscard]] bool is_any_text(const base::Json& value);
[[nodiscard]] bool is_text_or_null(const base::Json& value);
[[nodiscard]] bool is_count(const base::Json& value);  // whole, from 0
[[nodiscard]] bool is_bool(const base::Json& value);
[[nodiscard]] bool is_hash(const base::Json& value);  // 64 hex digits
[[nodiscard]] bool is_array(const base::Json& value);
[[nodiscard]] bool is_object(const base::Json& value);

}  // namespace lineside::trust
