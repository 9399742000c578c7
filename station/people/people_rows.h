// SPDX-License-Identifier: Apache-2.0
// Accounts and sessions in the database, each change with its journal row in the transaction of the
// caller. Errors: request.conflict, request.unknown, db.failed. Thread: a db thread.
#pragma once

#include "station/journal/journal.h"
#include "station/people/role.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lineside::people {

using base::Result;
using base::Status;
using db::Tx;

struct AccountRow {
    std::int64_t id = 0;
    std::string name;
    Role role = Role::anyone;
    std::string password;  // its hash
    bool active = true;
    std::int64_t made_ms = 0;
    std::string made_by;
    std::string language;  // of the page, "de"; "" = none was chosen
};
struct SessionRow {
    std::int64_t id = 0;
    std::string hash;          // 32 bytes
    std::int64_t account = 0;  // 0: a screen's
    std::string screen;        // its name
    std::string source;        // address it was opened from
    std::int64_t opened_ms = 0;
    std::string opened_by;
    std::int64_t expires_ms = 0;  // UTC; 0: never
};

// All accounts, closed ones too, oldest first.
[[nodiscard]] Result<std::vector<AccountRow>> read_accounts(Tx& tx);
[[nodiscard]] Result<std::vector<SessionRow>> read_open_sessions(Tx& tx);

// Returns the row with its number.
[[nodiscard]] Result<AccountRow> add_account(Tx& tx, const journal::Stamp& stamp,
                                             AccountRow account, const std::string& actor);
[[nodiscard]] Status set_role(Tx& tx, const journal::Stamp& stamp, std::int64_t account, Role role,
                              const std::string& actor);
[[nodiscard]] Status set_password(Tx& tx, const journal::Stamp& stamp, std::int64_t account,
                                  const std::string& hash, const std::string& actor);
// Errors: request.invalid (no language of the page).
[[nodiscard]] Status set_language(Tx& tx, const journal::Stamp& stamp, std::int64_t account,
                                  const std::string& language, const std::string& actor);
[[nodiscard]] Status close_account(Tx& tx, const journal::Stamp& stamp, std::int64_t account,
                                   const std::string& actor);
// `password`: the hash its owner was let in by. Errors: people.login (the account was closed, or
// has another password by now), request.conflict (a screen of that name).
[[nodiscard]] Result<SessionRow> add_session(Tx& tx, const journal::Stamp& stamp,
                                             SessionRow session, const std::string& password);
// Ends all of an account that are open, but the session `but`.
[[nodiscard]] Status end_sessions_of(Tx& tx, const journal::Stamp& stamp, std::int64_t account,
                                     std::int64_t but, const std::string& actor);
// Ends those that are still open.
[[nodiscard]] Status end_sessions(Tx& tx, const journal::Stamp& stamp,
                                  const std::vector<std::int64_t>& sessions,
                                  const std::string& actor);

}  // namespace lineside::people
