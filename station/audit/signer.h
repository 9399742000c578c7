// SPDX-License-Identifier: Apache-2.0
// Signs for the station: the journal's head (an anchor) and the birth certificate of a unit that
// passed. Each signature that is kept is told in the journal itself (journal.signed,
// certificate.signed), so that an anchor or a certificate that is taken away later is missed.
// Errors: db.failed, signing.broken.   Thread: const functions from any thread; with a Tx, its
// own.   Durable: when the caller's transaction commits.
#pragma once

#include "station/base/ids.h"
#include "station/db/query.h"
#include "station/journal/journal.h"
#include "station/trust/anchor.h"
#include "station/trust/signing_key.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace lineside::audit {

// Tells by its kind that an anchor row of the same number belongs to an event.
inline constexpr std::string_view kJournalSigned = "journal.signed";
inline constexpr std::string_view kCertificateSigned = "certificate.signed";
inline constexpr std::string_view kSigningKey = "signing.key";

class Signer {
  public:
    // `station`: its id, as it stands in station.toml.
    Signer(trust::SigningKey key, std::string station)
        : key_(std::move(key)), station_(std::move(station)) {}

    [[nodiscard]] const std::string& key_id() const { return key_.id(); }
    [[nodiscard]] const std::string& public_pem() const { return key_.public_pem(); }

    // The start of a new life: puts the key on record when it is new (the one before is retired
    // then) and signs the head. Errors: signing.broken, when the key was retired once.
    [[nodiscard]] base::Result<std::int64_t> begin(db::Tx& tx, const journal::Stamp& stamp) const;
    // Signs the head; `why` = hour, stop, backup. Gives the number of the row that says so.
    [[nodiscard]] base::Result<std::int64_t> sign_head(db::Tx& tx, const journal::Stamp& stamp,
                                                       std::string_view why) const;
    // As sign_head("hour"), but nothing and 0 when no row was written since the last anchor.
    [[nodiscard]] base::Result<std::int64_t> sign_head_if_moved(db::Tx& tx,
                                                                const journal::Stamp& stamp) const;
    // Makes and keeps the certificate of a job that passed, in the transaction of its verdict, and
    // signs the head behind it. Gives the number of the last row.
    [[nodiscard]] base::Result<std::int64_t> certify(db::Tx& tx, const journal::Stamp& stamp,
                                                     base::JobId job,
                                                     const std::string& slot) const;
    // An anchor of the head as this transaction sees it; writes nothing. For what leaves the
    // station: one line of JSON.
    [[nodiscard]] base::Result<std::string> anchor_of_head(db::Tx& tx, std::int64_t at_ms) const;

  private:
    [[nodiscard]] base::Status keep_anchor(db::Tx& tx, const journal::Stamp& stamp,
                                           std::string_view why) const;
    trust::SigningKey key_;
    std::string station_;
};

// The journal's end: number and hash of its last row.
struct JournalHead {
    std::int64_t seq = 0;
    trust::Hash hash{};
};
[[nodiscard]] base::Result<JournalHead> journal_head(db::Tx& tx);

// Is there a signing key on record? If so, its file must be there: it is never made anew in
// silence.
[[nodiscard]] base::Result<bool> has_signing_key(db::Tx& tx);
// Writes every public key on record to `folder` as <key id>.pub, readable for all.
[[nodiscard]] base::Status publish_keys(db::Tx& tx, const std::filesystem::path& folder);

}  // namespace lineside::audit
