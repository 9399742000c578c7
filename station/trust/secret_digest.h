// SPDX-License-Identifier: Apache-2.0
// A digest that tells whether a secret is the same as then, for records and names that people read:
// slow to make, so that nobody guesses a short password from it at once.   Thread: any (pure; takes
// some ten milliseconds).
#pragma once

#include "station/base/error.h"
#include "station/base/secret.h"

#include <string>
#include <string_view>

namespace lineside::trust {

// PBKDF2-HMAC-SHA-256, 50,000 rounds, salted with what it is for and the secret's name; hex.
// Errors: station.bug.
[[nodiscard]] base::Result<std::string> secret_digest(std::string_view purpose,
                                                      std::string_view name,
                                                      const base::Secret& secret);

}  // namespace lineside::trust
