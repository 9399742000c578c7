// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/batch_load.h"

#include "station/base/clock.h"
#include "station/base/crash_point.h"
#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace lineside::serial_pool {
namespace {

using base::BatchId;
using base::Result;
using base::Status;

// Above this many rows the page cache is worth raising: the index of random token digests is the
// cost of a load (default 2 MiB: 14-19 s per million rows, 256 MiB: 4 s).
constexpr std::size_t kBigLoad = 20'000;

class BigCache {
  public:
    BigCache(db::Tx& tx, bool wanted) : tx_(tx), raised_(wanted) {
        if (raised_) {
            (void)tx_.run("PRAGMA cache_size = -131072");  // KiB
        }
    }
    ~BigCache() {
        if (raised_) {
            (void)tx_.run("PRAGMA cache_size = -2000");
        }
    }
    BigCache(const BigCache&) = delete;
    BigCache& operator=(const BigCache&) = delete;

  private:
    db::Tx& tx_;
    bool raised_;
};

Result<bool> exists(db::Tx& tx, std::string_view sql, db::Value value) {
    bool found = false;
    std::vector<db::Value> args;
    args.push_back(std::move(value));
    auto done = tx.each(sql, std::move(args), [&](const db::Tx::Row&) {
        found = true;
        return false;
    });
    if (!done) {
        return tl::unexpected<base::Error>(done.error());
    }
    return found;
}

Result<std::int64_t> find_or_make_pool(db::Tx& tx, const std::string& name) {
    auto row = tx.one<std::int64_t>("SELECT id FROM pool WHERE name = ?1", name);
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    return *row ? std::get<0>(**row) : tx.insert("INSERT INTO pool (name) VALUES (?1)", name);
}

Status store_rows(db::Tx& tx, const TokenVault& vault, const std::string& batch_name,
                  std::int64_t batch, const BatchReport& report) {
    const BigCache cache(tx, report.rows.size() > kBigLoad);
    TokenVault::Bulk bulk(vault);
    for (const BatchRow& row : report.rows) {
        db::Value sealed = nullptr;
        db::Value mac = nullptr;
        if (!row.token.empty()) {
            auto box = bulk.seal(row.token, {row.serial, batch_name});
            auto digest = bulk.mac(row.token);
            if (!box || !digest) {
                return tl::unexpected<base::Error>((box ? digest : box).error());
            }
            sealed = db::Blob{std::move(*box)};
            mac = db::Blob{std::move(*digest)};
        }
        std::vector<db::Value> values;
        values.reserve(5);
        values.emplace_back(batch);
        values.emplace_back(std::string(row.serial));
        values.emplace_back(base::to_lower_ascii(row.serial));
        values.push_back(std::move(sealed));
        values.push_back(std::move(mac));
        auto stored = tx.run_values(
            "INSERT INTO serial (batch_id, value, value_key, token_sealed, token_mac) VALUES (?1, "
            "?2, ?3, ?4, ?5)",
            std::move(values));
        if (!stored) {
            return base::with_context(stored.error(), fmt::format("line {}", row.line));
        }
    }
    return {};
}

}  // namespace

Result<std::string> free_batch_name(db::Tx& tx, const std::string& pool, std::int64_t at_ms) {
    std::string day = base::iso_utc(at_ms).substr(0, 10);
    day.erase(std::remove(day.begin(), day.end(), '-'), day.end());
    const std::string stem = pool.substr(0, 44) + "-" + day + "-";
    for (int number = 1;; ++number) {
        std::string name = stem + std::to_string(number);
        auto taken = exists(tx, "SELECT 1 FROM batch WHERE name = ?1", name);
        if (!taken) {
            return tl::unexpected<base::Error>(taken.error());
        }
        if (!*taken) {
            return name;
        }
    }
}

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
        return exists(tx, "SELECT 1 FROM serial WHERE value_key = ?1", std::string(key));
    };
    std::optional<TokenVault::Bulk> bulk;
    if (vault != nullptr) {
        bulk.emplace(*vault);
        known.has_token = [&tx, &bulk](std::string_view token) -> Result<bool> {
            auto mac = bulk->mac(token);
            if (!mac) {
                return tl::unexpected<base::Error>(mac.error());
            }
            return exists(tx, "SELECT 1 FROM token WHERE mac = ?1", db::Blob{std::move(*mac)});
        };
    }
    if (auto compared = complain_about_known(report, known); !compared) {
        return tl::unexpected<base::Error>(compared.error());
    }
    return report;
}

Result<LoadedBatch> load_batch(db::Tx& tx, const TokenVault& vault, const LoadRequest& request,
                               const BatchReport& report) {
    if (!report.accepted()) {
        return base::fail(
            "batch.invalid",
            fmt::format("The batch has {} errors; nothing was stored", report.errors_total));
    }
    if (!is_pool_name(request.pool) || !is_pool_name(request.batch)) {
        return base::fail("request.invalid",
                          "Names of pools and batches have 1 to 64 letters, digits, '.', '_', '-'");
    }
    if (report.rows.empty()) {
        return base::fail("batch.invalid", "The batch holds no serial");
    }
    if (!report.fields.empty() || report.ap_ssid) {  // never drop what somebody counts on
        return base::fail("batch.invalid", "This station cannot keep ap_ssid and ap_password yet");
    }
    auto taken = exists(tx, "SELECT 1 FROM batch WHERE name = ?1", request.batch);
    if (!taken) {
        return tl::unexpected<base::Error>(taken.error());
    }
    if (*taken) {
        return base::fail("request.conflict",
                          fmt::format("There is a batch {} already", request.batch));
    }
    auto pool = find_or_make_pool(tx, request.pool);
    if (!pool) {
        return tl::unexpected<base::Error>(pool.error());
    }
    LoadedBatch loaded;
    loaded.count = static_cast<std::int64_t>(report.rows.size());
    auto batch = tx.insert(
        "INSERT INTO batch (pool_id, name, test_only, loaded_ms, loaded_by, file_sha256, count)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        *pool, request.batch, request.test_only, request.at_ms, request.by_user,
        request.file_sha256, loaded.count);
    if (!batch) {
        return tl::unexpected<base::Error>(batch.error());
    }
    loaded.batch = BatchId(*batch);
    if (auto stored = store_rows(tx, vault, request.batch, *batch, report); !stored) {
        return tl::unexpected<base::Error>(stored.error());
    }
    if (auto opened = tx.run("UPDATE batch SET state = 'open' WHERE id = ?1", *batch); !opened) {
        return tl::unexpected<base::Error>(opened.error());
    }
    auto left = tx.one<std::int64_t>(
        "SELECT count(*) FROM batch b JOIN serial s ON s.batch_id = b.id WHERE b.pool_id = ?1 AND "
        "b.state = 'open' AND s.free = 1",
        *pool);
    if (!left) {
        return tl::unexpected<base::Error>(left.error());
    }
    loaded.left = std::get<0>(**left);
    base::crash_point("load_written");
    return loaded;
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
