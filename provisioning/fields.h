// SPDX-License-Identifier: Apache-2.0
// The legal forms of everything a recipe may give to a step. A value is checked when the
// configuration is read, and again by the worker before anything is sent to a unit: what does not
// fit its form is refused, never quoted into shape. Thread: any (pure).
#pragma once

#include "station/base/json.h"

#include <optional>
#include <string>
#include <string_view>

namespace lineside::provisioning {

enum class Form {
    flag,          // true or false
    seconds,       // whole, 1..3600
    port,          // whole, 1..65535
    http_status,   // whole, 100..599. Source: RFC 9110, 15
    phrase,        // 1..200 printable ASCII
    user,          // [a-z_][a-z0-9_-]{0,31}. Source: useradd(8)
    host_address,  // IPv4 or IPv6 literal, no zone: the interface is the unit's own
    ipv4,          // four decimal numbers, no leading zeros; an address a host may have:
                   // not 0.*, 127.*, 224.* and above. Source: RFC 6890
    ssid,          // 1..32 bytes, no control characters. Source: IEEE 802.11 9.4.2.2
    wpa_password,  // 8..63 printable ASCII: a passphrase, no raw key. Source: IEEE 802.11 J.4.1
    wpa_password_or_none,  // the same, or empty for an open network
    version,               // [A-Za-z0-9][A-Za-z0-9._+-]{0,63}
    serial,                // [A-Za-z0-9][A-Za-z0-9._-]{0,63}: the pool's form
    token,                 // 1..4096 printable ASCII without blanks: the pool's form
    url,          // http:// or https://, a host, no user or password; printable ASCII without
                  // blanks or quotes, at most 2048. Source: RFC 3986
    develop,      // true or 1, or false: set-service.sh -d true|1
    script,       // a file name: [A-Za-z0-9][A-Za-z0-9._-]{0,63}
    tools_dir,    // folder of the unit's scripts: relative to the user's home, or absolute
    unit_path,    // absolute path on the unit, [A-Za-z0-9._/+-], no "..", at most 255
    device_dir,   // the same; where the unit's partitions are found by name
    sudo_rule,    // "sudo -n" (no password), "sudo -S" (the login's password), "none" (is root
                  // already)
    secret_text,  // 1..4096 printable ASCII
};

// "" when `value` has the form, else what it must be: "8 to 63 printable ASCII characters".
[[nodiscard]] std::string form_problem(Form form, const base::Json& value);
[[nodiscard]] std::string form_problem(Form form, std::string_view text);
// Where the form comes from: "IEEE 802.11, 9.4.2.2"; "" where it is this product's own.
[[nodiscard]] std::string_view form_source(Form form);

}  // namespace lineside::provisioning
