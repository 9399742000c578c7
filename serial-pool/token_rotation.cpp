// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/token_rotation.h"

#include "serial-pool/serial_range.h"
#include "station/base/json.h"

#include <fmt/format.h>

namespace lineside::serial_pool {
namespace {

constexpr int kDraws = 8;  // a token that exists already is drawn again

struct Fresh {
    base::Secret token;
    db::Blob mac;
};

// The batch's next spare token, taken for `serial`.
Result<std::optional<Fresh>> take_spare(Tx& tx, const TokenVault& vault, const Lease& lease) {
    auto spare = tx.one<std::int64_t, db::Blob, db::Blob>(
        "SELECT t.id, t.mac, t.sealed FROM token_spare t JOIN serial s ON s.batch_id = t.batch_id"
        " WHERE s.id = ?1 AND t.serial_id IS NULL ORDER BY t.id LIMIT 1",
        lease.serial);
    if (!spare) {
        return tl::unexpected<base::Error>(spare.error());
    }
    if (!*spare) {
        return std::optional<Fresh>();
    }
    const auto& [id, mac, sealed] = **spare;
    auto token = vault.open_token(sealed.bytes, {"", lease.batch});
    if (!token) {
        return tl::unexpected<base::Error>(token.error());
    }
    auto taken = tx.run("UPDATE token_spare SET serial_id = ?1 WHERE id = ?2", lease.serial, id);
    if (taken) {
        taken = tx.run("UPDATE token SET serial_id = ?1 WHERE mac = ?2", lease.serial, mac);
    }
    if (!taken) {
        return tl::unexpected<base::Error>(taken.error());
    }
    return std::optional(Fresh{std::move(*token), mac});
}

// A token drawn by the batch's rule, registered for `serial`.
Result<std::optional<Fresh>> draw(Tx& tx, const TokenVault& vault, const Lease& lease) {
    auto batch = tx.one<std::int64_t, std::optional<std::string>>(
        "SELECT b.id, b.token_rule FROM serial s JOIN batch b ON b.id = s.batch_id WHERE s.id = ?1",
        lease.serial);
    if (!batch) {
        return tl::unexpected<base::Error>(batch.error());
    }
    if (!*batch || !std::get<1>(**batch)) {
        return std::optional<Fresh>();
    }
    const auto rule = token_rule_from_text(*std::get<1>(**batch));
    if (!rule) {
        return tl::unexpected<base::Error>(rule.error());
    }
    auto maker = TokenMaker::over(rule->alphabet, rule->length);
    if (!maker) {
        return tl::unexpected<base::Error>(maker.error());
    }
    for (int i = 0; i < kDraws; ++i) {
        std::string text;
        if (auto drawn = maker->append(text); !drawn) {
            return tl::unexpected<base::Error>(drawn.error());
        }
        base::Secret token(std::move(text));
        auto mac = vault.mac(token.reveal());
        if (!mac) {
            return tl::unexpected<base::Error>(mac.error());
        }
        auto known = tx.one<std::int64_t>("SELECT 1 FROM token WHERE mac = ?1", db::Blob{*mac});
        if (!known) {
            return tl::unexpected<base::Error>(known.error());
        }
        if (*known) {
            continue;
        }
        auto registered = tx.run("INSERT INTO token (mac, batch_id, serial_id) VALUES (?1, ?2, ?3)",
                                 db::Blob{*mac}, std::get<0>(**batch), lease.serial);
        if (!registered) {
            return tl::unexpected<base::Error>(registered.error());
        }
        return std::optional(Fresh{std::move(token), db::Blob{std::move(*mac)}});
    }
    return base::fail("station.bug", "no token could be drawn that was not there already");
}

}  // namespace

std::string_view to_text(TokenChange change) {
    return change == TokenChange::rotated ? "rotated" : "kept";
}

std::string to_text(const TokenRule& rule) {
    return base::dump_json({{"alphabet", rule.alphabet}, {"length", rule.length}});
}

Result<TokenRule> token_rule_from_text(const std::string& text) {
    auto json = base::parse_json(text, 4096);
    if (!json) {
        return tl::unexpected<base::Error>(json.error());
    }
    auto alphabet = base::field<std::string>(*json, "alphabet");
    auto length = base::field<std::int64_t>(*json, "length");
    if (!alphabet || !length) {
        return tl::unexpected<base::Error>((alphabet ? length.error() : alphabet.error()));
    }
    return TokenRule{std::move(*alphabet), *length};
}

Result<TokenChange> rotate_token(Tx& tx, const TokenVault& vault, const Lease& lease,
                                 const Move& move) {
    if (!lease.has_token) {
        return TokenChange::kept;
    }
    auto fresh = take_spare(tx, vault, lease);
    if (fresh && !*fresh) {
        fresh = draw(tx, vault, lease);
    }
    if (!fresh) {
        return tl::unexpected<base::Error>(fresh.error());
    }
    if (!*fresh) {
        return TokenChange::kept;
    }
    auto sealed = vault.seal((*fresh)->token, {lease.value, lease.batch});
    if (!sealed) {
        return tl::unexpected<base::Error>(sealed.error());
    }
    auto done = tx.run(
        "INSERT INTO token_revoked (serial_id, mac, sealed, at_ms, by_user, reason)"
        " SELECT id, token_mac, token_sealed, ?2, ?3, ?4 FROM serial WHERE id = ?1",
        lease.serial, move.at_ms, move.by_user.empty() ? "station" : move.by_user, move.reason);
    if (done) {
        done = tx.run("UPDATE serial SET token_sealed = ?2, token_mac = ?3 WHERE id = ?1",
                      lease.serial, db::Blob{std::move(*sealed)}, (*fresh)->mac);
    }
    if (!done) {
        return tl::unexpected<base::Error>(done.error());
    }
    return TokenChange::rotated;
}

}  // namespace lineside::serial_pool
