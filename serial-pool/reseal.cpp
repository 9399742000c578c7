// SPDX-License-Identifier: Apache-2.0
// The slow half of a rotation: rows sealed by an older key get a seal of the current one.
#include "serial-pool/seal_keys.h"
#include "serial-pool/write_slices.h"
#include "station/base/crash_point.h"
#include "station/base/text.h"

#include <array>

namespace lineside::serial_pool {
namespace {

using base::Result;
using base::Status;
using db::Tx;

// Rows looked at in one read, so that a page waits for few; rows of one slice of work.
constexpr std::int64_t kLookedAtOnce = 4096;

// Where sealed forms stand. `select` gives row number, sealed form, serial, batch, field of the
// rows behind ?1 up to ?2 that another key than ?3 sealed; `last` the highest row number.
struct Table {
    const char* last;
    const char* select;
    const char* update;  // ?1 new form, ?2 row, ?3 old form, ?4 field
};
// A row that changed meanwhile (another token came) is left to the next pass.
constexpr std::array kTables{
    Table{"SELECT coalesce(max(id), 0) FROM serial",
          "SELECT s.id, s.token_sealed, s.value, b.name, '' FROM serial s JOIN batch b ON b.id = "
          "s.batch_id WHERE s.id > ?1 AND s.id <= ?2 AND substr(s.token_sealed, 2, 8) <> ?3",
          "UPDATE serial SET token_sealed = ?1 WHERE id = ?2 AND token_sealed = ?3 AND ?4 = ''"},
    Table{"SELECT coalesce(max(id), 0) FROM token_spare",
          "SELECT t.id, t.sealed, '', b.name, '' FROM token_spare t "
          "JOIN batch b ON b.id = t.batch_id WHERE t.id > ?1 AND t.id <= ?2 AND "
          "substr(t.sealed, 2, 8) <> ?3",
          "UPDATE token_spare SET sealed = ?1 WHERE id = ?2 AND sealed = ?3 AND ?4 = ''"},
    Table{"SELECT coalesce(max(id), 0) FROM token_revoked",
          "SELECT t.id, t.sealed, s.value, b.name, '' FROM token_revoked t JOIN serial s ON s.id = "
          "t.serial_id JOIN batch b ON b.id = s.batch_id WHERE t.id > ?1 AND t.id <= ?2 AND "
          "substr(t.sealed, 2, 8) <> ?3",
          "UPDATE token_revoked SET sealed = ?1 WHERE id = ?2 AND sealed = ?3 AND ?4 = ''"},
    Table{"SELECT coalesce(max(serial_id), 0) FROM serial_field",
          "SELECT f.serial_id, f.sealed, s.value, b.name, f.name FROM serial_field f JOIN serial s "
          "ON s.id = f.serial_id JOIN batch b ON b.id = s.batch_id WHERE f.serial_id > ?1 AND "
          "f.serial_id <= ?2 AND substr(f.sealed, 2, 8) <> ?3",
          "UPDATE serial_field SET sealed = ?1 WHERE serial_id = ?2 AND sealed = ?3 AND name = "
          "?4"},
};

struct Work {
    std::int64_t row = 0;
    std::string old_form;
    std::string new_form;
    std::string serial, batch, field;
};

Result<std::vector<Work>> look(db::Store& store, const Table& table, std::int64_t after,
                               const db::Blob& key_id) {
    std::vector<Work> work;
    auto asked = store.read_now([&](Tx& tx) -> Status {
        auto rows = tx.all<std::int64_t, db::Blob, std::string, std::string, std::string>(
            table.select, after, after + kLookedAtOnce, key_id);
        if (!rows) {
            return tl::unexpected<base::Error>(rows.error());
        }
        for (auto& [row, sealed, serial, batch, field] : *rows) {
            work.push_back({row, std::move(sealed.bytes), {}, serial, batch, field});
        }
        return {};
    });
    return asked ? Result<std::vector<Work>>(std::move(work))
                 : tl::unexpected<base::Error>(asked.error());
}

Status seal_anew(const TokenVault& vault, TokenVault::Bulk& bulk, Work& work) {
    const TokenPlace place{work.serial, work.batch, work.field};
    auto token = vault.open_token(work.old_form, place);
    auto sealed =
        token ? bulk.seal(token->reveal(), place) : tl::unexpected<base::Error>(token.error());
    if (!sealed) {
        return tl::unexpected<base::Error>(sealed.error());
    }
    work.new_form = std::move(*sealed);
    return {};
}

Status go(const std::function<bool()>& go_on) {
    return !go_on || go_on() ? Status()
                             : base::fail("request.refused",
                                          "The station stops; sealing anew goes on at its next "
                                          "start");
}

Result<std::int64_t> reseal_table(db::Store& store, const TokenVault& vault, const Table& table,
                                  const std::function<bool()>& go_on) {
    const auto id_bytes = base::from_hex(vault.key_id());
    const db::Blob key_id{std::string(id_bytes->begin(), id_bytes->end())};
    std::int64_t last = 0;
    auto asked = store.read_now([&](Tx& tx) -> Status {
        auto row = tx.one<std::int64_t>(table.last);
        if (!row) {
            return tl::unexpected<base::Error>(row.error());
        }
        last = std::get<0>(**row);
        return {};
    });
    if (!asked) {
        return tl::unexpected<base::Error>(asked.error());
    }
    std::int64_t changed = 0;
    TokenVault::Bulk bulk(vault);
    for (std::int64_t after = 0; after < last; after += kLookedAtOnce) {
        if (auto on = go(go_on); !on) {
            return tl::unexpected<base::Error>(on.error());
        }
        auto work = look(store, table, after, key_id);
        if (!work) {
            return tl::unexpected<base::Error>(work.error());
        }
        for (Work& each : *work) {
            if (auto sealed = seal_anew(vault, bulk, each); !sealed) {
                return tl::unexpected<base::Error>(sealed.error());
            }
        }
        std::size_t done = 0;
        auto written = write_slices(
            store, work->size(), &done,
            [&](Tx& tx, std::size_t i) -> Status {
                const Work& each = (*work)[i];
                base::crash_point("reseal_rows");
                std::vector<db::Value> values{
                    db::Value(db::Blob{each.new_form}), db::Value(each.row),
                    db::Value(db::Blob{each.old_form}), db::Value(each.field)};
                auto ran = tx.run_values(table.update, std::move(values));
                return ran ? Status() : tl::unexpected<base::Error>(ran.error());
            },
            [&](std::size_t) { return go(go_on); });
        changed += static_cast<std::int64_t>(done);
        if (!written) {
            return tl::unexpected<base::Error>(written.error());
        }
    }
    return changed;
}

}  // namespace

Result<std::int64_t> reseal(db::Store& store, const TokenVault& vault,
                            const std::function<bool()>& go_on) {
    std::int64_t changed = 0;
    for (const Table& table : kTables) {
        auto rows = reseal_table(store, vault, table, go_on);
        if (!rows) {
            return rows;
        }
        changed += *rows;
    }
    return changed;
}

}  // namespace lineside::serial_pool
