// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/seal_keys.h"

#include "serial-pool/batch_load.h"
#include "station/base/crash_point.h"
#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace lineside::serial_pool {
namespace {

using base::Result;
using base::Status;
using db::Tx;

struct Row {
    std::string key_id;
    std::string state;
    std::string mac_key_sealed;
};

Result<std::vector<Row>> rows_of(Tx& tx) {
    auto rows = tx.all<std::string, std::string, std::optional<db::Blob>>(
        "SELECT key_id, state, mac_key_sealed FROM seal_key ORDER BY id");
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    std::vector<Row> found;
    for (auto& [id, state, mac] : *rows) {
        found.push_back({id, state, mac ? mac->bytes : std::string()});
    }
    return found;
}

const Row* current_of(const std::vector<Row>& rows) {
    const auto found = std::find_if(rows.begin(), rows.end(),
                                    [](const Row& row) { return row.state == "current"; });
    return found == rows.end() ? nullptr : &*found;
}

bool has(const TokenVault& vault, const std::string& key_id) {
    const auto ids = vault.key_ids();
    return std::find(ids.begin(), ids.end(), key_id) != ids.end();
}

tl::unexpected<base::Error> lacking(const TokenVault& vault, const std::string& need) {
    std::string have;
    for (const std::string& id : vault.key_ids()) {
        have += (have.empty() ? "" : ", ") + id;
    }
    return base::fail("secret.broken", fmt::format("the key file does not fit this database: have "
                                                   "key {}, need key {}",
                                                   have, need));
}

// The key of the first sealed row, hex: what was in use before there was a record of it.
Result<std::optional<std::string>> key_in_use(Tx& tx) {
    auto row = tx.one<std::string>(
        "SELECT lower(hex(substr(token_sealed, 2, 8))) FROM serial WHERE token_sealed IS NOT NULL"
        " ORDER BY id LIMIT 1");
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    return *row ? std::optional(std::get<0>(**row)) : std::nullopt;
}

Result<bool> any_sealed_by(Tx& tx, const std::string& key_id) {
    const auto bytes = base::from_hex(key_id);
    if (!bytes) {
        return false;
    }
    const db::Blob id{std::string(bytes->begin(), bytes->end())};
    auto row = tx.one<std::int64_t>(
        "SELECT EXISTS (SELECT 1 FROM serial WHERE substr(token_sealed, 2, 8) = ?1)"
        " OR EXISTS (SELECT 1 FROM token_spare WHERE substr(sealed, 2, 8) = ?1)"
        " OR EXISTS (SELECT 1 FROM token_revoked WHERE substr(sealed, 2, 8) = ?1)"
        " OR EXISTS (SELECT 1 FROM serial_field WHERE substr(sealed, 2, 8) = ?1)",
        id);
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    return std::get<0>(**row) != 0;
}

}  // namespace

Result<std::optional<KeyChange>> settle_keys(Tx& tx, const TokenVault& vault, std::int64_t at_ms) {
    auto rows = rows_of(tx);
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    const std::string wanted = vault.key_ids().back();
    const Row* current = current_of(*rows);
    KeyChange change;
    db::Value mac_key = nullptr;
    if (current == nullptr) {
        auto used = key_in_use(tx);
        if (!used) {
            return tl::unexpected<base::Error>(used.error());
        }
        change.key_id = used->value_or(wanted);
        if (!has(vault, change.key_id)) {
            return lacking(vault, change.key_id);
        }
    } else {
        if (!has(vault, current->key_id)) {
            return lacking(vault, current->key_id);
        }
        if (current->key_id == wanted) {
            return std::optional<KeyChange>();
        }
        for (const Row& row : *rows) {
            if (row.key_id == wanted) {
                return base::fail(
                    "secret.broken",
                    fmt::format("key {}, the last line of the key file, was retired; append a new "
                                "line",
                                wanted));
            }
        }
        auto handed = vault.hand_on_mac_key(current->key_id, current->mac_key_sealed, wanted);
        if (!handed) {
            return tl::unexpected<base::Error>(handed.error());
        }
        mac_key = db::Blob{std::move(*handed)};
        change = {wanted, current->key_id};
        auto retiring =
            tx.run("UPDATE seal_key SET state = 'retiring' WHERE key_id = ?1", current->key_id);
        if (!retiring) {
            return tl::unexpected<base::Error>(retiring.error());
        }
    }
    std::vector<db::Value> values{db::Value(change.key_id), std::move(mac_key), db::Value(at_ms)};
    auto made = tx.run_values(
        "INSERT INTO seal_key (key_id, mac_key_sealed, state, made_ms)"
        " VALUES (?1, ?2, 'current', ?3)",
        std::move(values));
    if (!made) {
        return tl::unexpected<base::Error>(made.error());
    }
    base::crash_point("key_row_written");
    return std::optional(change);
}

Status adopt_keys(Tx& tx, TokenVault& vault) {
    auto rows = rows_of(tx);
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    const Row* current = current_of(*rows);
    if (current == nullptr) {
        return base::fail("secret.broken", "no key is on record");
    }
    if (!has(vault, current->key_id)) {
        return lacking(vault, current->key_id);
    }
    return vault.seal_with(current->key_id, current->mac_key_sealed);
}

Result<bool> any_key_known(Tx& tx) {
    auto rows = rows_of(tx);
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    return rows->empty() ? sealed_tokens(tx) : Result<bool>(true);
}

Status check_keys(Tx& tx, const TokenVault& vault) {
    auto rows = rows_of(tx);
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    for (const Row& row : *rows) {
        if (has(vault, row.key_id)) {
            continue;
        }
        auto used = row.state == "current" ? Result<bool>(true) : any_sealed_by(tx, row.key_id);
        if (!used) {
            return tl::unexpected<base::Error>(used.error());
        }
        if (*used) {
            return lacking(vault, row.key_id);
        }
    }
    return check_key(tx, vault);  // the right one, not only called so
}

Result<std::vector<std::string>> retiring_keys(Tx& tx) {
    auto rows = rows_of(tx);
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    std::vector<std::string> ids;
    for (const Row& row : *rows) {
        if (row.state == "retiring") {
            ids.push_back(row.key_id);
        }
    }
    return ids;
}

Status retire_key(Tx& tx, const std::string& key_id) {
    auto done = tx.run(
        "UPDATE seal_key SET state = 'retired' WHERE key_id = ?1 AND state = 'retiring'", key_id);
    return done ? Status() : tl::unexpected<base::Error>(done.error());
}

Result<std::vector<KeyOnRecord>> keys_on_record(Tx& tx) {
    auto rows = tx.all<std::string, std::string, std::int64_t>(
        "SELECT key_id, state, made_ms FROM seal_key ORDER BY id");
    if (!rows) {
        return tl::unexpected<base::Error>(rows.error());
    }
    std::vector<KeyOnRecord> found;
    for (auto& [id, state, made] : *rows) {
        found.push_back({id, state, made});
    }
    return found;
}

}  // namespace lineside::serial_pool
