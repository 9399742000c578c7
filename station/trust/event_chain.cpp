// SPDX-License-Identifier: Apache-2.0
#include "station/trust/event_chain.h"

#include "station/base/text.h"
#include "station/trust/canonical_json.h"

#include <openssl/evp.h>

#include <stdexcept>

namespace lineside::trust {
namespace {

constexpr std::string_view kDomain = "lineside event 1\n";

void append_text_or_null(std::string& out, const std::optional<std::string>& text) {
    if (text) {
        append_canonical_text(out, *text);
    } else {
        out += "null";
    }
}

void append_number_or_null(std::string& out, const std::optional<std::int64_t>& number) {
    out += number ? std::to_string(*number) : "null";
}

}  // namespace

std::string event_text(const EventRow& row) {
    std::string out;
    out.reserve(192 + row.data.size());
    out += '[' + std::to_string(row.seq) + ',' + std::to_string(row.at_ms) + ",\"" +
           std::to_string(row.mono_ns) + "\",";
    append_canonical_text(out, row.boot);
    out += ',' + std::to_string(row.epoch) + ',';
    append_canonical_text(out, row.kind);
    out += ',';
    append_text_or_null(out, row.slot);
    out += ',';
    append_number_or_null(out, row.unit_id);
    out += ',';
    append_number_or_null(out, row.job_id);
    out += ',';
    append_text_or_null(out, row.actor);
    out += ',';
    append_canonical_text(out, row.data);
    out += ']';
    return out;
}

Hash chain_hash(const Hash& prev, const EventRow& row) {
    std::string hashed(kDomain);
    hashed.append(prev.begin(), prev.end());
    hashed += event_text(row);
    Hash hash;
    unsigned int length = 0;
    if (EVP_Digest(hashed.data(), hashed.size(), hash.data(), &length, EVP_sha256(), nullptr) !=
            1 ||
        length != hash.size()) {
        throw std::runtime_error("SHA-256 is not to be had");  // as out of memory: nothing to mend
    }
    return hash;
}

std::optional<Hash> hash_from_bytes(std::string_view bytes) {
    Hash hash{};
    if (bytes.size() != hash.size()) {
        return std::nullopt;
    }
    std::copy(bytes.begin(), bytes.end(), hash.begin());
    return hash;
}

std::optional<Hash> hash_from_hex(std::string_view text) {
    const auto bytes = base::is_hex64(text) ? base::from_hex(text) : std::nullopt;
    return bytes ? hash_from_bytes({reinterpret_cast<const char*>(bytes->data()), bytes->size()})
                 : std::nullopt;
}

std::string to_bytes(const Hash& hash) {
    return {hash.begin(), hash.end()};
}

}  // namespace lineside::trust
