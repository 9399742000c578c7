// SPDX-License-Identifier: Apache-2.0
// One way into the server: loopback in the clear, or TLS on the addresses of the line's network.
// Thread: any (plain values); a Door does not change once it is open.
#pragma once

#include "station/base/error.h"
#include "station/base/secret.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio::ssl {
class context;
}

namespace lineside::web {

// What a TLS door is opened with.
struct TlsConfig {
    std::vector<std::string> listen;  // "0.0.0.0", "fd00::5"
    std::uint16_t port = 0;           // 0: any free one
    // What browsers may call the station, lower case, beside the address they reached:
    // "st3.example", with a port where something in between changes it: "st3.example:443".
    std::vector<std::string> names;
    std::string certificate_pem;
    base::Secret key_pem;
    // Browsers that came once never take plain HTTP, nor a certificate they do not trust, again.
    bool strict_transport = false;
};

struct Door {
    std::shared_ptr<boost::asio::ssl::context> tls;  // null: in the clear
    std::uint16_t port = 0;
    std::vector<std::string> names;
    bool strict_transport = false;
};

// TLS 1.2 and 1.3, forward secrecy only, no tickets, no renegotiation, ALPN http/1.1.
// Errors: config.invalid (certificate or key).
[[nodiscard]] base::Result<std::shared_ptr<boost::asio::ssl::context>> tls_context(
    const std::string& certificate_pem, const base::Secret& key_pem);

}  // namespace lineside::web
