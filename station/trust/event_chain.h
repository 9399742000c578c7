// SPDX-License-Identifier: Apache-2.0
// The chain over the journal: each event's hash covers the hash before it, so no row can be
// altered, removed or put in without every later hash telling of it.
//   hash = SHA-256( "lineside event 1\n" || prev (32 bytes) || canonical JSON array
//                   [seq,at_ms,mono_ns,boot,epoch,kind,slot,unit_id,job_id,actor,data] )
// NULL is null; data is the JSON text as it is stored, as a string; mono_ns is a string of decimal
// digits, because it passes 2^53 after 104 days of uptime and RFC 8785 has no exact number for it.
// Thread: any (pure).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lineside::trust {

using Hash = std::array<std::uint8_t, 32>;
inline constexpr Hash kChainStart{};  // prev of the first event

// One row of table event, but for its two hashes.
struct EventRow {
    std::int64_t seq = 0;
    std::int64_t at_ms = 0;    // UTC
    std::int64_t mono_ns = 0;  // since boot
    std::string boot;
    std::int64_t epoch = 0;
    std::string kind;
    std::optional<std::string> slot;
    std::optional<std::int64_t> unit_id;
    std::optional<std::int64_t> job_id;
    std::optional<std::string> actor;
    std::string data;  // as stored
};

// What is hashed behind the prefix and `prev`. Never fails: a row somebody tampered with has a
// text, too.
[[nodiscard]] std::string event_text(const EventRow& row);
[[nodiscard]] Hash chain_hash(const Hash& prev, const EventRow& row);

// The 32 bytes of a BLOB column, or nothing when it has another length.
[[nodiscard]] std::optional<Hash> hash_from_bytes(std::string_view bytes);
// The 64 lower-case hex digits of an export or an anchor.
[[nodiscard]] std::optional<Hash> hash_from_hex(std::string_view text);
[[nodiscard]] std::string to_bytes(const Hash& hash);

}  // namespace lineside::trust
