// SPDX-License-Identifier: Apache-2.0
#include "station/care/soundness.h"

#include "serial-pool/seal_keys.h"
#include "station/base/broken.h"
#include "station/care/backup_folder.h"
#include "station/db/connection.h"
#include "station/db/query.h"
#include "station/trust/signing_key.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <ostream>

namespace lineside::care {
namespace {

namespace fs = std::filesystem;
using base::Result;
using base::Status;

constexpr std::string_view kSqliteHeader{"SQLite format 3\0", 16};
constexpr std::array<std::string_view, 2> kLogHeaders{"\x37\x7f\x06\x82", "\x37\x7f\x06\x83"};

constexpr std::string_view kRestore =
    "Stop the service and restore the last good backup: lineside restore FILE --data DIR";

Soundness damaged(std::string what, std::string_view remedy = kRestore) {
    return {Verdict::damaged, std::move(what), std::string(remedy), false};
}

std::string first_bytes(const fs::path& file, std::size_t count) {
    std::ifstream in(file, std::ios::binary);
    std::string bytes(count, '\0');
    in.read(bytes.data(), static_cast<std::streamsize>(count));
    bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
    return bytes;
}

// What can be told without SQLite, which takes an empty file for a new database and a log it does
// not know for none.
std::optional<Soundness> look_at_files(const DataFolder& data) {
    const fs::path file = data.database();
    const bool initialised = is_there(data.initialised());
    if (is_there(data.restoring())) {
        return damaged("a restore was cut off while it changed files",
                       "Run lineside restore --data DIR again: it ends what was begun");
    }
    std::error_code error;
    const auto size = is_there(file) ? fs::file_size(file, error) : 0;
    const auto log_size =
        is_there(file.string() + "-wal") ? fs::file_size(file.string() + "-wal", error) : 0;
    if (!is_there(file) || size == 0) {
        const std::string_view how = is_there(file) ? "empty" : "missing";
        if (initialised) {
            return damaged(fmt::format("{} is {}, and this station had one", file.string(), how));
        }
        if (log_size > 0) {
            return damaged(fmt::format("{} is {}, and its log is there", file.string(), how));
        }
        Soundness fresh;
        fresh.fresh = true;
        return fresh;
    }
    if (size < 100 || first_bytes(file, kSqliteHeader.size()) != kSqliteHeader) {
        return damaged(fmt::format("{} does not begin like a database", file.string()));
    }
    // SQLite fills a last page up with zeros. With a log, the page may stand there whole.
    const std::string head = first_bytes(file, 18);
    const auto page = (static_cast<unsigned>(static_cast<unsigned char>(head.at(16))) << 8U) +
                      static_cast<unsigned char>(head.at(17));
    if (log_size == 0 && page > 1 && size % page != 0) {
        return damaged(fmt::format("{} ends within a page", file.string()));
    }
    // All zeros: a log whose first write a power cut took. Anything else but a log is damage, and
    // SQLite would pass over the commits in it without a word.
    const std::string log = first_bytes(file.string() + "-wal", 4);
    if (log_size > 0 && log != std::string(4, '\0') &&
        std::find(kLogHeaders.begin(), kLogHeaders.end(), log) == kLogHeaders.end()) {
        return damaged(fmt::format("{}-wal does not begin like a log", file.string()));
    }
    return std::nullopt;
}

Result<std::int64_t> number(sqlite3* connection, const char* sql) {
    return db::pragma_number(connection, sql);
}

// What the rows say about themselves.
Status rows_are_all_there(sqlite3* connection, const DataFolder& data) {
    auto head =
        number(connection, "SELECT coalesce((SELECT head_seq FROM station WHERE id = 1), 0)");
    auto last = number(connection, "SELECT coalesce(max(seq), 0) FROM event");
    auto jobs = number(connection, "SELECT coalesce(max(id), 0) FROM job");
    for (const auto* each : {&head, &last, &jobs}) {
        if (!*each) {
            return tl::unexpected<base::Error>(each->error());
        }
    }
    if (*last < *head) {
        return base::fail("db.failed",
                          fmt::format("the journal ends at row {}, {} were written", *last, *head));
    }
    if (const auto newest = newest_log(data); newest > *jobs) {
        return base::fail("db.failed",
                          fmt::format("there is a log of job {}, the records end at job {}: the "
                                      "newest records are missing",
                                      newest, *jobs));
    }
    return {};
}

Status check_database(sqlite3* connection, const DataFolder& data, std::int64_t version,
                      std::int64_t check_ms) {
    if (auto sound = db::quick_check(connection, check_ms); !sound) {
        return sound;
    }
    if (version != db::migrations().back().version) {
        return {};  // its rules are those of an earlier program; the migration checks them
    }
    if (!base::breakable()) {  // a store that is wrong on purpose has other rules
        if (auto rules = db::check_schema(connection, data.database()); !rules) {
            return rules;
        }
    }
    if (check_ms == 0) {
        auto broken =
            number(connection, "SELECT count(*) FROM (SELECT 1 FROM pragma_foreign_key_check)");
        if (!broken || *broken != 0) {
            return broken ? Status(base::fail(
                                "db.failed",
                                fmt::format("{} rows refer to rows that are not there", *broken)))
                          : tl::unexpected<base::Error>(broken.error());
        }
    }
    return rows_are_all_there(connection, data);
}

Soundness key_missing(const base::Error& error) {
    return {Verdict::key_missing, error.message,
            "Put the key file back from where the station's keys are kept", false};
}

Soundness look_at_keys(db::Tx& tx, const KeyFiles& files) {
    auto signed_before = tx.one<std::int64_t>("SELECT count(*) FROM signing_key");
    auto sealed_before = serial_pool::any_key_known(tx);
    if (!signed_before || !sealed_before) {
        return damaged((signed_before ? sealed_before.error() : signed_before.error()).message);
    }
    if (*sealed_before) {
        auto vault = serial_pool::TokenVault::open(files.seal, /*may_create=*/false);
        auto fits = vault ? serial_pool::check_keys(tx, *vault)
                          : Status(tl::unexpected<base::Error>(vault.error()));
        if (!fits) {
            return key_missing(fits.error());
        }
    }
    if (std::get<0>(**signed_before) != 0) {
        if (auto key = trust::SigningKey::open(files.signing, /*may_create=*/false); !key) {
            return key_missing(key.error());
        }
    }
    return {};
}

}  // namespace

Soundness look_at(const DataFolder& data, const std::optional<KeyFiles>& keys,
                  std::int64_t check_ms) {
    if (auto told = look_at_files(data)) {
        return *told;
    }
    const auto connection = db::open_to_look(data.database());
    if (!connection) {
        return damaged(connection.error().message);
    }
    sqlite3* const raw = connection->get();
    const auto tables = number(raw, "SELECT count(*) FROM sqlite_schema");
    const auto id = number(raw, "PRAGMA application_id");
    const auto version = number(raw, "PRAGMA user_version");
    for (const auto* each : {&tables, &id, &version}) {
        if (!*each) {
            return damaged(each->error().message);
        }
    }
    if (*tables == 0 && *id == 0) {  // killed in its first second, or emptied
        Soundness fresh;
        fresh.fresh = true;
        return is_there(data.initialised())
                   ? damaged(fmt::format("{} has no tables, and this station had records",
                                         data.database().string()))
                   : fresh;
    }
    if (*id != db::kApplicationId) {
        return damaged(fmt::format("{} is not a Lineside database", data.database().string()));
    }
    const int newest = db::migrations().back().version;
    if (*version > newest) {
        return {Verdict::newer,
                fmt::format("{} was made by a newer Lineside: schema {}, this program knows {}",
                            data.database().string(), *version, newest),
                "Install the newer Lineside again", false};
    }
    if (auto sound = check_database(raw, data, *version, check_ms); !sound) {
        return damaged(sound.error().message);
    }
    if (keys && *version == newest) {
        db::Tx tx(raw);
        return look_at_keys(tx, *keys);
    }
    return {};
}

int run_check_only(const DataFolder& data, const std::optional<KeyFiles>& keys, std::ostream& out) {
    const Soundness found = look_at(data, keys, 0);
    base::Json answer{{"ok", found.verdict == Verdict::sound}};
    if (found.fresh) {
        answer["what"] = "nothing is there yet";
    }
    if (found.verdict != Verdict::sound) {
        answer["verdict"] = found.verdict == Verdict::damaged ? "damaged"
                            : found.verdict == Verdict::newer ? "newer"
                                                              : "key_missing";
        answer["what"] = found.what;
        answer["remedy"] = found.remedy;
        const auto backup = last_good_backup(data);
        answer["last_good_backup"] =
            backup ? base::Json(backup->file.string()) : base::Json(nullptr);
    }
    out << base::dump_json(answer) << "\n";
    return static_cast<int>(found.verdict);
}

}  // namespace lineside::care
