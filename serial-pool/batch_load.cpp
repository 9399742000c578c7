// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/batch_load.h"

#include <fmt/format.h>

#include <optional>

namespace lineside::serial_pool {

using base::Result;
using base::Status;

Result<BatchReport> check_against_pool(db::Tx& tx, const TokenVault* vault, std::string_view bytes,
                                       const BatchOptions& options) {
    BatchReport report = check_batch(bytes, options);
    auto any = tx.one<std::int64_t>("SELECT 1 FROM serial LIMIT 1");
    if (!any) {
        return tl::unexpected<base::Error>(any.error());
    }
    if (!*any) {
        return report;
    }
    KnownPairs known;
    known.has_serial = [&tx](std::string_view key) {
        return tx.any("SELECT 1 FROM serial WHERE value_key = ?1", std::string(key));
    };
    std::optional<TokenVault::Bulk> bulk;
    if (vault != nullptr) {
        bulk.emplace(*vault);
        known.has_token = [&](std::size_t row) -> Result<bool> {
            auto mac = bulk->mac(report.rows[row].token);
            if (!mac) {
                return tl::unexpected<base::Error>(mac.error());
            }
            return tx.any("SELECT 1 FROM token WHERE mac = ?1", db::Blob{std::move(*mac)});
        };
    }
    if (auto compared = complain_about_known(report, known); !compared) {
        return tl::unexpected<base::Error>(compared.error());
    }
    return report;
}

Result<bool> sealed_tokens(db::Tx& tx) {
    auto any = tx.one<std::int64_t>("SELECT 1 FROM serial WHERE token_sealed IS NOT NULL LIMIT 1");
    if (!any) {
        return tl::unexpected<base::Error>(any.error());
    }
    return any->has_value();
}

Status check_key(db::Tx& tx, const TokenVault& vault) {
    for (const char* order : {"ASC", "DESC"}) {
        auto row = tx.one<db::Blob, std::string, std::string>(fmt::format(
            "SELECT s.token_sealed, s.value, b.name FROM serial s JOIN batch b ON b.id = s.batch_id"
            " WHERE s.token_sealed IS NOT NULL ORDER BY s.id {} LIMIT 1",
            order));
        if (!row) {
            return tl::unexpected<base::Error>(row.error());
        }
        if (!*row) {
            return {};
        }
        const auto& [sealed, serial, batch] = **row;
        if (auto opened = vault.open_token(sealed.bytes, {serial, batch}); !opened) {
            return tl::unexpected<base::Error>(opened.error());
        }
    }
    return {};
}

}  // namespace lineside::serial_pool
