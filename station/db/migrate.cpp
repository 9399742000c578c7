// SPDX-License-Identifier: Apache-2.0
// Brings a database to this program's schema, and tells whether one has it.
#include "station/base/crash_point.h"
#include "station/db/connection.h"
#include "station/trust/event_chain.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <string>

namespace lineside::db {
namespace {

using base::Result;
using base::Status;

// lineside_chain(seq, at_ms, …, data): the row's link, prev || hash. A journal that was written
// before there was a chain is chained in the order of seq; the same row asked for twice (SQLite
// may) has the same link.
struct ChainSoFar {
    std::int64_t seq = 0;
    trust::Hash prev = trust::kChainStart;
    trust::Hash hash = trust::kChainStart;
    bool begun = false;
};

std::optional<std::int64_t> number_or_null(sqlite3_value* value) {
    return sqlite3_value_type(value) == SQLITE_NULL ? std::nullopt
                                                    : std::optional(sqlite3_value_int64(value));
}
std::optional<std::string> text_or_null(sqlite3_value* value) {
    if (sqlite3_value_type(value) == SQLITE_NULL) {
        return std::nullopt;
    }
    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
    return std::string(text == nullptr ? "" : text,
                       static_cast<std::size_t>(sqlite3_value_bytes(value)));
}

void chain_link(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
    auto& chain = *static_cast<ChainSoFar*>(sqlite3_user_data(context));
    trust::EventRow row;
    row.seq = sqlite3_value_int64(values[0]);
    if (!chain.begun || row.seq != chain.seq) {
        row.at_ms = sqlite3_value_int64(values[1]);
        row.mono_ns = sqlite3_value_int64(values[2]);
        row.boot = text_or_null(values[3]).value_or("");
        row.epoch = sqlite3_value_int64(values[4]);
        row.kind = text_or_null(values[5]).value_or("");
        row.slot = text_or_null(values[6]);
        row.unit_id = number_or_null(values[7]);
        row.job_id = number_or_null(values[8]);
        row.actor = text_or_null(values[9]);
        row.data = text_or_null(values[10]).value_or("");
        chain = {row.seq, chain.hash, trust::chain_hash(chain.hash, row), true};
    }
    const std::string link = trust::to_bytes(chain.prev) + trust::to_bytes(chain.hash);
    sqlite3_result_blob(context, link.data(), static_cast<int>(link.size()), SQLITE_TRANSIENT);
}

Status no_foreign_key_is_broken(sqlite3* connection, std::string_view doing) {
    const auto broken = pragma_number(
        connection, "SELECT count(*) FROM (SELECT 1 FROM pragma_foreign_key_check LIMIT 1)");
    if (!broken) {
        return tl::unexpected<base::Error>(broken.error());
    }
    return *broken == 0 ? Status()
                        : base::fail("db.failed", fmt::format("{}: rows refer to rows that are not "
                                                              "there",
                                                              doing));
}

Status run_migration(sqlite3* connection, const Migration& step, const std::string& doing) {
    // SQLite makes a table anew only where nothing watches its references meanwhile; outside a
    // transaction alone can this be said.
    Status done = execute(connection, "PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE", doing);
    ChainSoFar chain;
    sqlite3_create_function_v2(connection, "lineside_chain", 11, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                               &chain, chain_link, nullptr, nullptr, nullptr);
    if (done) {
        done = execute(connection, step.sql, doing);
    }
    if (done) {
        done = no_foreign_key_is_broken(connection, doing);
    }
    base::crash_point("migrate_written");
    if (done) {
        const std::string marks =
            fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT",
                        kApplicationId, step.version);
        done = execute(connection, marks.c_str(), doing);
    }
    if (!done) {
        sqlite3_exec(connection, "ROLLBACK", nullptr, nullptr, nullptr);
    }
    base::crash_point("migrate_committed");
    sqlite3_create_function_v2(connection, "lineside_chain", 11, SQLITE_UTF8, nullptr, nullptr,
                               nullptr, nullptr, nullptr);
    const Status again = execute(connection, "PRAGMA foreign_keys = ON", doing);
    return done ? again : done;
}

}  // namespace

Status migrate(sqlite3* connection, const std::filesystem::path& file,
               const std::function<Status(sqlite3*, int)>& before) {
    bool fresh = false;  // nothing in it yet: nothing to keep
    bool kept_before = false;
    for (const Migration& step : migrations()) {
        const auto version = pragma_number(connection, "PRAGMA user_version");
        if (!version) {
            return tl::unexpected<base::Error>(version.error());
        }
        if (*version >= step.version) {
            continue;
        }
        fresh = fresh || *version == 0;
        if (!fresh && before && !kept_before) {
            if (auto kept = before(connection, static_cast<int>(*version)); !kept) {
                return kept;
            }
            kept_before = true;
        }
        if (auto done = run_migration(
                connection, step,
                fmt::format("cannot bring {} to schema {}", file.string(), step.version));
            !done) {
            return done;
        }
    }
    return {};
}

Result<std::vector<SchemaObject>> schema_of(sqlite3* connection) {
    std::vector<SchemaObject> found;
    const auto add = [](void* to, int /*columns*/, char** values, char** /*names*/) {
        const auto text = [](const char* value) {
            return std::string(value == nullptr ? "" : value);
        };
        static_cast<std::vector<SchemaObject>*>(to)->push_back(
            {text(values[0]), text(values[1]), text(values[2])});
        return 0;
    };
    // sqlite_ names are SQLite's own: counters and statistics.
    if (sqlite3_exec(connection,
                     "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE "
                     "'sqlite\\_%' ESCAPE '\\' ORDER BY type, name",
                     add, &found, nullptr) != SQLITE_OK) {
        return sqlite_error(connection, "cannot read the schema");
    }
    return found;
}

namespace {

Result<std::vector<SchemaObject>> make_expected_schema() {
    sqlite3* made = nullptr;
    const int rc =
        sqlite3_open_v2(":memory:", &made,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    const Connection connection(made);
    if (rc != SQLITE_OK) {
        return sqlite_error(made, "cannot make the schema in memory");
    }
    if (auto done = migrate(made, "the schema"); !done) {
        return tl::unexpected<base::Error>(done.error());
    }
    return schema_of(made);
}

}  // namespace

Result<std::vector<SchemaObject>> expected_schema() {
    static const auto kMade = make_expected_schema();  // the same as long as the program runs
    return kMade;
}

std::optional<std::string> schema_difference(const std::vector<SchemaObject>& expected,
                                             const std::vector<SchemaObject>& found) {
    const auto of = [](const std::vector<SchemaObject>& all,
                       const SchemaObject& like) -> const SchemaObject* {
        for (const SchemaObject& each : all) {
            if (each.type == like.type && each.name == like.name) {
                return &each;
            }
        }
        return nullptr;
    };
    for (const SchemaObject& wanted : expected) {
        const SchemaObject* has = of(found, wanted);
        if (has == nullptr) {
            return fmt::format("{} {} is missing", wanted.type, wanted.name);
        }
        if (has->sql != wanted.sql) {
            return fmt::format("{} {} was changed", wanted.type, wanted.name);
        }
    }
    for (const SchemaObject& extra : found) {
        if (of(expected, extra) == nullptr) {
            return fmt::format("{} {} is not of this program", extra.type, extra.name);
        }
    }
    return std::nullopt;
}

Status check_schema(sqlite3* connection, const std::filesystem::path& file) {
    const auto expected = expected_schema();
    const auto found = schema_of(connection);
    if (!expected || !found) {
        return tl::unexpected<base::Error>((expected ? found : expected).error());
    }
    if (const auto differs = schema_difference(*expected, *found)) {
        return base::fail(
            "db.failed",
            fmt::format("{}: its rules were changed: {}. Restore a backup (lineside restore)",
                        file.string(), *differs));
    }
    return {};
}

}  // namespace lineside::db
