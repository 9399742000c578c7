// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/staged_load.h"

#include "serial-pool/write_slices.h"
#include "station/base/clock.h"
#include "station/base/crash_point.h"
#include "station/base/log.h"
#include "station/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

namespace lineside::serial_pool {
namespace {

using base::BatchId;
using base::Result;
using base::Status;

// Rows compared with the pool in one read, so that a page waits for few.
constexpr std::size_t kComparedAtOnce = 4096;
// A load sweeps through two big trees: with SQLite's own 2 MiB each page of them is read again and
// again.
constexpr const char* kBigCache = "PRAGMA cache_size = -65536";  // KiB
constexpr const char* kSmallCache = "PRAGMA cache_size = -2000";

using Mac = std::array<char, 32>;

Status status_of(const base::Error& error) {
    return tl::unexpected<base::Error>(error);
}
template <typename T>
Status status_of(const Result<T>& result) {
    return result ? Status() : status_of(result.error());
}

Result<std::string> free_batch_name(db::Tx& tx, const std::string& pool, std::int64_t at_ms) {
    std::string day = base::iso_utc(at_ms).substr(0, 10);
    day.erase(std::remove(day.begin(), day.end(), '-'), day.end());
    const std::string stem = pool.substr(0, 44) + "-" + day + "-";
    for (int number = 1;; ++number) {
        std::string name = stem + std::to_string(number);
        auto taken = tx.any("SELECT 1 FROM batch WHERE name = ?1", name);
        if (!taken) {
            return tl::unexpected<base::Error>(taken.error());
        }
        if (!*taken) {
            return name;
        }
    }
}

Status check_names(const LoadRequest& request) {
    if (is_pool_name(request.pool) && (request.batch.empty() || is_pool_name(request.batch))) {
        return {};
    }
    return base::fail("request.invalid",
                      "Names of pools and batches have 1 to 64 letters, digits, '.', '_', '-'");
}

// One load from the file to the last slice.
class Load {
  public:
    Load(db::Store& store, const TokenVault& vault, const LoadRequest& request,
         std::string_view bytes, const BatchOptions& options, const std::atomic<bool>& stop)
        : store_(store),
          request_(request),
          bytes_(bytes),
          stop_(stop),
          report_(check_batch(bytes, options)),
          bulk_(vault) {}

    // The check against itself and against the pool.
    Status check() {
        for (const BatchRow& row : report_.rows) {
            Mac mac{};
            if (!row.token.empty()) {
                auto made = bulk_.mac(row.token);
                if (!made) {
                    return status_of(made);
                }
                std::memcpy(mac.data(), made->data(), mac.size());
            }
            macs_.push_back(mac);
        }
        bool any = false;
        auto asked = store_.read_now([&](db::Tx& tx) -> Status {
            auto found = tx.one<std::int64_t>(
                "SELECT 1 WHERE EXISTS (SELECT 1 FROM serial) OR EXISTS (SELECT 1 FROM token)");
            any = found && *found;
            return status_of(found);
        });
        for (std::size_t from = 0; asked && any && from < report_.rows.size();
             from += kComparedAtOnce) {
            asked = store_.read_now([&](db::Tx& tx) {
                KnownPairs known;
                known.has_serial = [&tx](std::string_view key) {
                    return tx.any("SELECT 1 FROM serial WHERE value_key = ?1", std::string(key));
                };
                known.has_token = [&](std::size_t row) {
                    return tx.any("SELECT 1 FROM token WHERE mac = ?1", blob(macs_[row]));
                };
                known.has_spare = [&](std::size_t row) {
                    auto mac = bulk_.mac(report_.fields[row].spare_token);
                    return mac ? tx.any("SELECT 1 FROM token WHERE mac = ?1", db::Blob{*mac})
                               : tl::unexpected<base::Error>(mac.error());
                };
                return complain_about_known(report_, known, from, from + kComparedAtOnce);
            });
        }
        return asked;
    }

    [[nodiscard]] const BatchReport& report() const { return report_; }

    // What begin() would refuse. A batch that is still loading goes before the next load.
    Status check_target() {
        return store_.read_now([this](db::Tx& tx) -> Status {
            auto taken = refuse_if_any(
                tx, "SELECT 1 FROM batch WHERE name = ?1 AND state <> 'loading'", request_.batch);
            if (!taken) {
                return taken;
            }
            auto pool = tx.one<std::int64_t>("SELECT id FROM pool WHERE name = ?1", request_.pool);
            if (!pool) {
                return status_of(pool);
            }
            return status_of(order_id(tx, *pool ? std::get<0>(**pool) : 0));  // 0: a new pool
        });
    }

    Result<StagedBatch> stage() {
        if (auto begun = store_.write_now([this](db::Tx& tx) { return begin(tx); }); !begun) {
            return tl::unexpected<base::Error>(begun.error());
        }
        Status done = write_tokens();
        if (done) {
            done = write_serials();
        }
        if (done) {
            done = write_spares();
        }
        (void)store_.write_now([](db::Tx& tx) { return status_of(tx.run(kSmallCache)); });
        if (done) {
            return staged_;
        }
        if (stop_) {  // the next start has the time
            return tl::unexpected<base::Error>(done.error());
        }
        if (auto gone = remove_staged(store_, staged_.id); !gone) {
            base::log_error("batch {} could not be taken back and goes before the next load: {}",
                            staged_.name, gone.error().message);
        }
        return tl::unexpected<base::Error>(done.error());
    }

  private:
    static db::Blob blob(const Mac& mac) { return {std::string(mac.data(), mac.size())}; }

    static Status refuse_if_any(db::Tx& tx, std::string_view batches, const std::string& name) {
        auto taken = tx.any(batches, name);
        if (!taken || !*taken) {
            return status_of(taken);
        }
        return base::fail("request.conflict", fmt::format("There is a batch {} already", name));
    }

    Status begin(db::Tx& tx) {
        auto name = request_.batch.empty() ? free_batch_name(tx, request_.pool, request_.at_ms)
                                           : Result<std::string>(request_.batch);
        if (!name) {
            return status_of(name);
        }
        if (auto taken = refuse_if_any(tx, "SELECT 1 FROM batch WHERE name = ?1", *name); !taken) {
            return taken;
        }
        auto pool = tx.one<std::int64_t>("SELECT id FROM pool WHERE name = ?1", request_.pool);
        if (!pool) {
            return status_of(pool);
        }
        auto pool_id = *pool ? Result<std::int64_t>(std::get<0>(**pool))
                             : tx.insert("INSERT INTO pool (name) VALUES (?1)", request_.pool);
        if (!pool_id) {
            return status_of(pool_id);
        }
        auto order = order_id(tx, *pool_id);
        if (!order) {
            return status_of(order);
        }
        staged_ = {BatchId(), *name, request_.pool, static_cast<std::int64_t>(report_.rows.size())};
        auto batch = tx.insert(
            "INSERT INTO batch (pool_id, name, test_only, loaded_ms, loaded_by, file_sha256, count,"
            " state, order_id, source, token_rule)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'loading', ?8, ?9, ?10)",
            *pool_id, *name, request_.test_only, request_.at_ms, request_.by_user,
            base::sha256_hex(bytes_), staged_.count, *order,
            request_.generated ? "generated" : "file", db::null_if_empty(request_.token_rule));
        if (!batch) {
            return status_of(batch);
        }
        staged_.id = BatchId(*batch);
        if (report_.ap_ssid) {
            if (auto made = tx.run("INSERT INTO batch_template (batch_id, name, template)"
                                   " VALUES (?1, 'ap_ssid', ?2)",
                                   *batch, report_.ap_ssid->text());
                !made) {
                return status_of(made);
            }
        }
        auto last = tx.one<std::int64_t>("SELECT coalesce(max(id), 0) FROM serial");
        if (!last) {
            return status_of(last);
        }
        first_serial_ = std::get<0>(**last) + 1;
        return report_.rows.size() > kComparedAtOnce ? status_of(tx.run(kBigCache)) : Status();
    }

    Result<std::optional<std::int64_t>> order_id(db::Tx& tx, std::int64_t pool) {
        if (request_.order.empty()) {
            return std::optional<std::int64_t>();
        }
        auto order = tx.one<std::int64_t, std::int64_t>(
            "SELECT id, pool_id FROM orders WHERE name = ?1 AND state <> 'closed'", request_.order);
        if (!order) {
            return tl::unexpected<base::Error>(order.error());
        }
        if (!*order) {
            return base::fail("request.invalid",
                              fmt::format("order: there is no open order {}", request_.order));
        }
        const auto [id, pool_of_order] = **order;
        if (pool_of_order != pool) {
            return base::fail("request.invalid", fmt::format("order: {} does not take from pool {}",
                                                             request_.order, request_.pool));
        }
        return std::optional(id);
    }

    Status go_on() const {
        return stop_
                   ? Status(base::fail("request.refused", "The station stops; nothing was loaded"))
                   : Status();
    }

    // By their MAC, which has no order of its own: sorted, each page is written once.
    Status write_tokens() {
        std::vector<std::uint32_t> order;
        for (std::size_t i = 0; i < report_.rows.size(); ++i) {
            if (!report_.rows[i].token.empty()) {
                order.push_back(static_cast<std::uint32_t>(i));
            }
        }
        std::sort(order.begin(), order.end(),
                  [this](std::uint32_t a, std::uint32_t b) { return macs_[a] < macs_[b]; });
        std::size_t done = 0;
        return write_slices(
            store_, order.size(), &done,
            [&](db::Tx& tx, std::size_t i) {
                std::vector<db::Value> values;
                values.reserve(3);
                values.emplace_back(blob(macs_[order[i]]));
                values.emplace_back(staged_.id.value);
                values.emplace_back(first_serial_ + order[i]);
                auto stored = tx.run_values(
                    "INSERT INTO token (mac, batch_id, serial_id) VALUES (?1, ?2, ?3)",
                    std::move(values));
                return stored ? Status() : conflict(stored.error(), report_.rows[order[i]]);
            },
            [this](std::size_t) { return go_on(); });
    }

    Status write_serials() {
        sealed_.resize(report_.rows.size());
        if (!report_.fields.empty()) {
            passwords_.resize(report_.rows.size());
        }
        std::size_t prepared = 0;
        std::size_t done = 0;
        return write_slices(
            store_, report_.rows.size(), &done,
            [this](db::Tx& tx, std::size_t i) { return write_serial(tx, i); },
            [&](std::size_t upto) {
                Status good = go_on();
                for (; good && prepared < upto; ++prepared) {
                    good = seal(prepared);
                }
                return good;
            });
    }

    // Few, if any, and the schema registers them as tokens: neither sorted nor sealed beside.
    Status write_spares() {
        if (report_.spare_tokens == 0) {
            return {};
        }
        std::size_t done = 0;
        return write_slices(
            store_, report_.rows.size(), &done,
            [this](db::Tx& tx, std::size_t i) { return write_spare(tx, i); },
            [this](std::size_t) { return go_on(); });
    }

    Status write_spare(db::Tx& tx, std::size_t i) {
        const std::string_view spare = report_.fields[i].spare_token;
        if (spare.empty()) {
            return {};
        }
        auto sealed = bulk_.seal(spare, {"", staged_.name});
        auto mac = bulk_.mac(spare);
        if (!sealed || !mac) {
            return status_of(sealed ? mac : sealed);
        }
        auto stored = tx.run("INSERT INTO token_spare (batch_id, mac, sealed) VALUES (?1, ?2, ?3)",
                             staged_.id, db::Blob{std::move(*mac)}, db::Blob{std::move(*sealed)});
        return stored ? Status() : conflict(stored.error(), report_.rows[i]);
    }

    // Touches row i of the lists only: the writer reads other rows of them meanwhile.
    Status seal(std::size_t i) {
        const BatchRow& row = report_.rows[i];
        if (!row.token.empty()) {
            auto sealed = bulk_.seal(row.token, {row.serial, staged_.name});
            if (!sealed) {
                return status_of(sealed);
            }
            sealed_[i] = std::move(*sealed);
        }
        if (!report_.fields.empty() && !report_.fields[i].ap_password.empty()) {
            auto sealed = bulk_.seal(report_.fields[i].ap_password,
                                     {row.serial, staged_.name, "ap_password"});
            if (!sealed) {
                return status_of(sealed);
            }
            passwords_[i] = std::move(*sealed);
        }
        return {};
    }

    Status write_serial(db::Tx& tx, std::size_t i) {
        const BatchRow& row = report_.rows[i];
        const std::int64_t id = first_serial_ + static_cast<std::int64_t>(i);
        std::vector<db::Value> values;
        values.reserve(6);
        values.emplace_back(id);
        values.emplace_back(staged_.id.value);
        values.emplace_back(std::string(row.serial));
        values.emplace_back(base::to_lower_ascii(row.serial));
        values.push_back(row.token.empty() ? db::Value(nullptr)
                                           : db::Value(db::Blob{std::move(sealed_[i])}));
        values.push_back(row.token.empty() ? db::Value(nullptr) : db::Value(blob(macs_[i])));
        auto stored = tx.run_values(
            "INSERT INTO serial (id, batch_id, value, value_key, token_sealed, token_mac)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            std::move(values));
        if (!stored) {
            return conflict(stored.error(), row);
        }
        if (report_.fields.empty()) {
            return {};
        }
        if (const std::string_view ssid = report_.fields[i].ap_ssid; !ssid.empty()) {
            if (auto made = tx.run("INSERT INTO serial_field (serial_id, name, value)"
                                   " VALUES (?1, 'ap_ssid', ?2)",
                                   id, ssid);
                !made) {
                return status_of(made);
            }
        }
        if (!passwords_[i].empty()) {
            return status_of(
                tx.run("INSERT INTO serial_field (serial_id, name, sealed)"
                       " VALUES (?1, 'ap_password', ?2)",
                       id, db::Blob{std::move(passwords_[i])}));
        }
        return {};
    }

    // What the check against the pool let through and the schema refuses came in between.
    static Status conflict(const base::Error& error, const BatchRow& row) {
        if (error.code != "lease.refused") {
            return status_of(error);
        }
        return base::fail("batch.invalid",
                          fmt::format("line {}: its serial or its token came into the pool "
                                      "meanwhile; nothing was loaded",
                                      row.line));
    }

    db::Store& store_;
    const LoadRequest& request_;
    std::string_view bytes_;
    const std::atomic<bool>& stop_;
    BatchReport report_;
    TokenVault::Bulk bulk_;
    std::vector<Mac> macs_;
    StagedBatch staged_;
    std::int64_t first_serial_ = 0;
    std::vector<std::string> sealed_;  // until their row is written
    std::vector<std::string> passwords_;
};

}  // namespace

Result<LoadOutcome> preview_batch(db::Store& store, const TokenVault& vault,
                                  const LoadRequest& request, std::string_view bytes,
                                  const BatchOptions& options) {
    const std::atomic<bool> never{false};
    Load load(store, vault, request, bytes, options, never);
    Status checked = check_names(request);
    if (checked) {
        checked = load.check();
    }
    if (checked && load.report().accepted()) {
        checked = load.check_target();
    }
    if (!checked) {
        return tl::unexpected<base::Error>(checked.error());
    }
    return LoadOutcome{to_json(load.report(), "", true), std::nullopt};
}

Result<LoadOutcome> stage_batch(db::Store& store, const TokenVault& vault,
                                const LoadRequest& request, std::string_view bytes,
                                const BatchOptions& options, const std::atomic<bool>& stop) {
    if (auto named = check_names(request); !named) {
        return tl::unexpected<base::Error>(named.error());
    }
    Load load(store, vault, request, bytes, options, stop);
    if (auto checked = load.check(); !checked) {
        return tl::unexpected<base::Error>(checked.error());
    }
    LoadOutcome outcome{to_json(load.report(), "", true), std::nullopt};
    if (!load.report().accepted()) {
        return outcome;
    }
    auto staged = load.stage();
    if (!staged) {
        return tl::unexpected<base::Error>(staged.error());
    }
    outcome.staged = std::move(*staged);
    return outcome;
}

Status open_batch(db::Tx& tx, BatchId batch) {
    auto opened = tx.run("UPDATE batch SET state = 'open' WHERE id = ?1", batch);
    base::crash_point("load_written");
    return status_of(opened);
}

}  // namespace lineside::serial_pool
