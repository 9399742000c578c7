// SPDX-License-Identifier: Apache-2.0
#include "station/people/people_rows.h"

#include "station/people/badge_rows.h"

#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lineside::people {
namespace {

using base::Json;

template <typename T>
tl::unexpected<base::Error> error_of(const Result<T>& result) {
    return tl::unexpected<base::Error>(result.error());
}

Status tell(Tx& tx, const journal::Stamp& stamp, const std::string& kind, const std::string& actor,
            Json data) {
    journal::Event event;
    event.kind = kind;
    event.actor = actor;
    event.data = std::move(data);
    auto told = journal::append(tx, stamp, event);
    return told ? Status() : error_of(told);
}

Result<std::string> name_of(Tx& tx, std::int64_t account) {
    auto row =
        tx.one<std::string>("SELECT name FROM account WHERE id = ?1 AND state = 'active'", account);
    if (!row) {
        return error_of(row);
    }
    if (!*row) {
        return base::fail("request.unknown", "There is no such account, or it is closed");
    }
    return std::get<0>(**row);
}

// The last admin is the schema's to keep; here it is told in words.
Status keep_an_admin(Tx& tx, std::int64_t account) {
    auto others = tx.one<std::int64_t>(
        "SELECT count(*) FROM account WHERE role = 'admin' AND state = 'active' AND id <> ?1",
        account);
    auto self = tx.one<std::string>("SELECT role FROM account WHERE id = ?1", account);
    if (!others || !self) {
        return !others ? Status(error_of(others)) : Status(error_of(self));
    }
    if (std::get<0>(**others) == 0 && *self && std::get<0>(**self) == "admin") {
        return base::fail("request.conflict",
                          "This is the only admin: make another one first, or nobody could let "
                          "anybody in");
    }
    return {};
}

}  // namespace

Result<std::vector<AccountRow>> read_accounts(Tx& tx) {
    auto rows = tx.all<std::int64_t, std::string, std::string, std::string, std::string,
                       std::int64_t, std::string, std::optional<std::string>>(
        "SELECT id, name, role, password, state, made_ms, made_by, language FROM account ORDER BY "
        "id");
    if (!rows) {
        return error_of(rows);
    }
    std::vector<AccountRow> accounts;
    for (auto& [id, name, role, password, state, made_ms, made_by, language] : *rows) {
        const auto known = account_role(role);
        if (!known) {
            return base::fail("db.failed", fmt::format("account {} has an unknown role", id));
        }
        accounts.push_back({id, name, *known, password, state == "active", made_ms, made_by,
                            language.value_or("")});
    }
    return accounts;
}

Result<std::vector<SessionRow>> read_open_sessions(Tx& tx) {
    auto rows = tx.all<std::int64_t, db::Blob, std::optional<std::int64_t>,
                       std::optional<std::string>, std::string, std::int64_t, std::string,
                       std::optional<std::int64_t>>(
        "SELECT id, hash, account_id, screen, source, opened_ms, opened_by, expires_ms FROM session"
        " WHERE ended_ms IS NULL ORDER BY id");
    if (!rows) {
        return error_of(rows);
    }
    std::vector<SessionRow> sessions;
    for (auto& [id, hash, account, screen, source, opened_ms, opened_by, expires_ms] : *rows) {
        sessions.push_back({id, std::move(hash.bytes), account.value_or(0), screen.value_or(""),
                            source, opened_ms, opened_by, expires_ms.value_or(0)});
    }
    return sessions;
}

Result<AccountRow> add_account(Tx& tx, const journal::Stamp& stamp, AccountRow account,
                               const std::string& actor) {
    const std::string key = base::to_lower_ascii(account.name);
    auto taken = tx.one<std::string>("SELECT state FROM account WHERE name_key = ?1", key);
    if (!taken) {
        return error_of(taken);
    }
    if (*taken) {
        return base::fail("request.conflict",
                          std::get<0>(**taken) == "active"
                              ? fmt::format("There is an account {} already", account.name)
                              : fmt::format("{} was the name of an account that is closed; records "
                                            "name it, so take another",
                                            account.name));
    }
    account.made_ms = stamp.at_ms;
    account.made_by = actor;
    auto added = tx.run(
        "INSERT INTO account (name, name_key, role, password, made_ms, made_by) VALUES (?1, ?2, "
        "?3, ?4, ?5, ?6)",
        account.name, key, to_text(account.role), account.password, account.made_ms, actor);
    if (!added) {
        return error_of(added);
    }
    account.id = tx.last_insert_id();
    auto told = tell(tx, stamp, "account.made", actor,
                     {{"account", account.name}, {"role", to_text(account.role)}});
    return told ? Result<AccountRow>(std::move(account)) : error_of(told);
}

Status set_role(Tx& tx, const journal::Stamp& stamp, std::int64_t account, Role role,
                const std::string& actor) {
    auto name = name_of(tx, account);
    if (!name) {
        return error_of(name);
    }
    if (role != Role::admin) {
        if (auto kept = keep_an_admin(tx, account); !kept) {
            return kept;
        }
    }
    auto changed = tx.run("UPDATE account SET role = ?2 WHERE id = ?1", account, to_text(role));
    return changed ? tell(tx, stamp, "account.role", actor,
                          {{"account", *name}, {"role", to_text(role)}})
                   : Status(error_of(changed));
}

Status set_password(Tx& tx, const journal::Stamp& stamp, std::int64_t account,
                    const std::string& hash, const std::string& actor) {
    auto name = name_of(tx, account);
    if (!name) {
        return error_of(name);
    }
    auto changed = tx.run("UPDATE account SET password = ?2 WHERE id = ?1", account, hash);
    return changed ? tell(tx, stamp, "account.password", actor, {{"account", *name}})
                   : Status(error_of(changed));
}

Status set_language(Tx& tx, const journal::Stamp& stamp, std::int64_t account,
                    const std::string& language, const std::string& actor) {
    constexpr std::array<std::string_view, 5> kLanguages{"en", "de", "es", "vi", "zh"};
    if (std::find(kLanguages.begin(), kLanguages.end(), language) == kLanguages.end()) {
        return base::fail("request.invalid", "language: one of en, de, es, vi, zh");
    }
    auto name = name_of(tx, account);
    if (!name) {
        return error_of(name);
    }
    auto changed = tx.run("UPDATE account SET language = ?2 WHERE id = ?1", account, language);
    return changed ? tell(tx, stamp, "account.language", actor,
                          {{"account", *name}, {"language", language}})
                   : Status(error_of(changed));
}

Status close_account(Tx& tx, const journal::Stamp& stamp, std::int64_t account,
                     const std::string& actor) {
    auto name = name_of(tx, account);
    if (!name) {
        return error_of(name);
    }
    if (auto kept = keep_an_admin(tx, account); !kept) {
        return kept;
    }
    auto changed = tx.run("UPDATE account SET state = 'closed' WHERE id = ?1", account);
    return changed ? tell(tx, stamp, "account.closed", actor, {{"account", *name}})
                   : Status(error_of(changed));
}

Result<SessionRow> add_session(Tx& tx, const journal::Stamp& stamp, SessionRow session,
                               const std::string& password) {
    if (session.account != 0) {
        auto still = tx.one<std::int64_t>(
            "SELECT id FROM account WHERE id = ?1 AND state = 'active' AND password = ?2",
            session.account, password);
        if (!still) {
            return error_of(still);
        }
        if (!*still) {
            return base::fail("people.login");
        }
    }
    if (!session.screen.empty()) {
        auto taken = tx.one<std::int64_t>(
            "SELECT id FROM session WHERE screen = ?1 AND ended_ms IS NULL", session.screen);
        if (!taken) {
            return error_of(taken);
        }
        if (*taken) {
            return base::fail("request.conflict",
                              fmt::format("There is a screen {} already", session.screen));
        }
    }
    const auto null_if = [](std::int64_t number) {
        return number == 0 ? std::optional<std::int64_t>() : std::optional(number);
    };
    session.opened_ms = stamp.at_ms;
    auto added = tx.run(
        "INSERT INTO session (hash, account_id, screen, source, opened_ms, opened_by, expires_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        db::Blob{session.hash}, null_if(session.account), db::null_if_empty(session.screen),
        session.source, session.opened_ms, session.opened_by, null_if(session.expires_ms));
    if (!added) {
        return error_of(added);
    }
    session.id = tx.last_insert_id();
    Json data = {{"session", session.id}, {"from", session.source}};
    if (!session.screen.empty()) {
        data["screen"] = session.screen;
    }
    auto told = tell(tx, stamp, session.screen.empty() ? "session.opened" : "screen.enrolled",
                     session.opened_by, std::move(data));
    return told ? Result<SessionRow>(std::move(session)) : error_of(told);
}

Status end_sessions_of(Tx& tx, const journal::Stamp& stamp, std::int64_t account, std::int64_t but,
                       const std::string& actor) {
    auto rows = tx.all<std::int64_t>(
        "SELECT id FROM session WHERE account_id = ?1 AND id <> ?2 AND ended_ms IS NULL", account,
        but);
    if (!rows) {
        return error_of(rows);
    }
    std::vector<std::int64_t> open;
    for (const auto& [id] : *rows) {
        open.push_back(id);
    }
    return end_sessions(tx, stamp, open, actor);
}

Status end_sessions(Tx& tx, const journal::Stamp& stamp, const std::vector<std::int64_t>& sessions,
                    const std::string& actor) {
    for (const std::int64_t session : sessions) {
        auto ended = tx.run(
            "UPDATE session SET ended_ms = ?2, ended_by = ?3 WHERE id = ?1 AND ended_ms IS NULL",
            session, stamp.at_ms, actor);
        if (!ended) {
            return error_of(ended);
        }
        if (*ended > 0) {
            if (auto left = end_shifts_at(tx, stamp, session, actor); !left) {
                return left;
            }
            if (auto told = tell(tx, stamp, "session.ended", actor, {{"session", session}});
                !told) {
                return told;
            }
        }
    }
    return {};
}

}  // namespace lineside::people
