// SPDX-License-Identifier: Apache-2.0
// The birth certificate of a unit: what was made, of what, by whom, with which proofs, as one line
// of canonical JSON that the station signed. It carries the journal's head at that moment, so it is
// an anchor, too. README.md lists the fields.
// Thread: any (pure).
#pragma once

#include "station/trust/anchor.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::trust {

inline constexpr std::string_view kCertificateType = "lineside-certificate-2";
// Before it was told how the image was released; read, and made no more.
inline constexpr std::string_view kFirstCertificateType = "lineside-certificate-1";

// What the certificate tells. Text may be anything a worker or a unit said: what is no UTF-8
// becomes U+FFFD.
struct CertificateFacts {
    std::string station;
    std::int64_t unit = 0;
    std::int64_t job = 0;
    std::int64_t attempt = 0;  // of this unit, from 1
    std::string order;
    std::string model;
    std::string serial;
    std::optional<std::string> chip_id;  // nothing: the order allowed a PASS without
    std::optional<std::string> module_serial;
    std::string image_key;     // 64 hex digits: names every input of the build
    std::string image_digest;  // 64 hex digits: what was proven on the unit
    struct Release {
        std::string how;                    // two, one, none, emergency
        std::string by;                     // "ana, ben"; "": nobody was asked
        std::optional<std::string> reason;  // of an emergency
    };
    std::optional<Release> release;  // nothing: the job is older than releases
    std::optional<std::string> tool_version;
    std::optional<std::string> person;  // who started the job; nothing: plugging the unit in did
    std::optional<std::string> rework_reason;
    std::int64_t started_ms = 0;  // UTC
    std::int64_t ended_ms = 0;    // UTC
    struct Step {
        std::string name;
        std::int64_t attempt = 1;
        std::int64_t started_ms = 0;
        std::int64_t ended_ms = 0;
        std::string outcome;  // ok, failed, interrupted, stopped
    };
    std::vector<Step> steps;  // every attempt, in order
    struct Proof {
        std::string kind;  // image, serial
        bool ok = false;
        std::string expected;
        std::string heard;
        std::int64_t at_ms = 0;
    };
    std::vector<Proof> proofs;
    std::int64_t seq = 0;  // the journal's head: the row of the verdict
    Hash head{};
};

// The facts as the certificate's fields, but for type, key and signature.
[[nodiscard]] base::Json certificate_object(const CertificateFacts& facts);

// One line of canonical JSON, no newline.
// Errors: station.bug (the facts are no certificate: the fault is named).
[[nodiscard]] base::Result<std::string> make_certificate(const CertificateFacts& facts,
                                                         const SigningKey& key);

// What a checked certificate says.
struct Certificate {
    base::Json object;
    Anchor anchor;  // its journal head; the certificate's own signature speaks for it
};
[[nodiscard]] Checked<Certificate> read_certificate(std::string_view text, const PublicKeys& keys);

}  // namespace lineside::trust
