// SPDX-License-Identifier: Apache-2.0
// The certificate and key that the station's page is served with: the site's own pair, or one that
// the station makes for itself (EC P-256) and signs anew with the same key before it runs out, so
// that who compared the key's fingerprint once need not do so again.
// Thread: any; blocks on disk.
#pragma once

#include "station/base/error.h"
#include "station/base/secret.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::trust {

// What a browser may call the station.
struct WebNames {
    std::vector<std::string> dns;        // lower case
    std::vector<std::string> addresses;  // "192.168.10.5", "fd00::5"
};

struct WebCertificate {
    std::string sha256;              // "AB:CD:…" of the certificate, as browsers show it
    std::string key_sha256;          // the same of its public key: stays when it is signed anew
    std::int64_t not_before_ms = 0;  // UTC
    std::int64_t not_after_ms = 0;
    WebNames names;
};

struct WebIdentity {
    std::string certificate_pem;  // with the chain, if there is one
    base::Secret key_pem;
    WebCertificate facts;
};

// The first certificate of a PEM text.   Errors: config.invalid; `name` is told.
[[nodiscard]] base::Result<WebCertificate> certificate_facts(std::string_view pem,
                                                             std::string_view name);

// Certificate and key as the site gave them.
// Errors: config.missing, config.invalid (no PEM, the key is another one's, run out or not valid
// yet, key open to others), naming the file and the remedy.
[[nodiscard]] base::Result<WebIdentity> site_identity(const std::filesystem::path& certificate,
                                                      const std::filesystem::path& key,
                                                      std::int64_t now_ms);

// The station's own: makes `key` (0600) when it is not there, and signs `certificate` anew when it
// is not there, is another key's, lacks a name, or is within 30 days of its end. Names it had stay,
// so that an address that comes and goes does not make a new one each time.
// Errors: config.invalid (a file that cannot be read or made), disk.full.   Durable: yes.
[[nodiscard]] base::Result<WebIdentity> own_identity(const std::filesystem::path& certificate,
                                                     const std::filesystem::path& key,
                                                     const WebNames& names, std::int64_t now_ms);

}  // namespace lineside::trust
