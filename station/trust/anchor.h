// SPDX-License-Identifier: Apache-2.0
// An anchor: the head of the journal at one moment, signed. Kept in the database, and outside of it
// in every export, backup and certificate: who changes the journal later cannot change those.
//   {"at_ms":…,"head":"hex64","key":"…","seq":…,"signature":"…","station":"…",
//    "type":"lineside-anchor-1"}
// Thread: any (pure).
#pragma once

#include "station/trust/event_chain.h"
#include "station/trust/signed_json.h"

#include <string>
#include <string_view>

namespace lineside::trust {

inline constexpr std::string_view kAnchorType = "lineside-anchor-1";

struct Anchor {
    std::string station;  // id of the station
    std::int64_t seq = 0;
    Hash head{};             // hash of the row `seq`
    std::int64_t at_ms = 0;  // UTC
    std::string key_id;
    std::string signature;  // 64 bytes
};

// Fills in key_id and signature.   Errors: station.bug.
[[nodiscard]] base::Result<Anchor> sign_anchor(Anchor anchor, const SigningKey& key);
// Of an anchor as a table keeps it. Nothing = it holds; a Fault's field is "key" or "signature".
[[nodiscard]] std::optional<Fault> check_anchor(const Anchor& anchor, const PublicKeys& keys);

// One line of canonical JSON, no newline.
[[nodiscard]] base::Result<std::string> anchor_text(const Anchor& anchor);
// Reads and checks one.
[[nodiscard]] Checked<Anchor> read_anchor(std::string_view text, const PublicKeys& keys);

}  // namespace lineside::trust
