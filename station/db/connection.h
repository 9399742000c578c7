// SPDX-License-Identifier: Apache-2.0
// Opening one SQLite connection the way a station needs it: local disk only, our application id,
// known schema, pragmas set. Private to station/db, but for who checks a batch against a database
// off-line. Thread: a Connection belongs to the thread that uses it.
#pragma once

#include "station/base/error.h"
#include "station/base/unique_fd.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;

namespace lineside::db {

// "LSDE": `file station.db` and other programs tell by it what this is.
inline constexpr int kApplicationId = 0x4c534445;

struct Migration {
    int version;  // value of user_version once it ran
    const char* sql;
};
[[nodiscard]] std::span<const Migration> migrations();  // generated from migrations/*.sql

struct CloseConnection {
    void operator()(sqlite3* connection) const;
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;

struct SchemaObject {
    std::string type;  // table, index, trigger, view
    std::string name;
    std::string sql;
    bool operator==(const SchemaObject&) const = default;
};

enum class Access { write, read };

// Pragmas are set; a file that is another program's or newer than this one is left as it was.
// Errors: db.failed.
[[nodiscard]] base::Result<Connection> open_connection(const std::filesystem::path& file,
                                                       Access access);
// Opens a database of a station that runs, was stopped or was killed, or a copy of its files, for
// reading, and leaves everything beside it as it was.   Errors: config.missing, db.failed.
[[nodiscard]] base::Result<Connection> open_for_reading_only(const std::filesystem::path& file);
// The same, whosever database of whatever version it is: for who tells what is wrong with it.
[[nodiscard]] base::Result<Connection> open_to_look(const std::filesystem::path& file);
// Creates or migrates the schema, each version in one transaction. Before it changes a database
// that holds something, `before` is called (a backup); its error stops the migration.
[[nodiscard]] base::Status migrate(
    sqlite3* connection, const std::filesystem::path& file,
    const std::function<base::Status(sqlite3*, int from_version)>& before = {});
// Text of every table, index, trigger and view, as this program's migrations make them: what a
// sound database has. `schema_of` is what a database does have.
[[nodiscard]] base::Result<std::vector<SchemaObject>> expected_schema();
[[nodiscard]] base::Result<std::vector<SchemaObject>> schema_of(sqlite3* connection);
// Names the first object that is missing, extra or another: "trigger event_kept is missing".
[[nodiscard]] std::optional<std::string> schema_difference(
    const std::vector<SchemaObject>& expected, const std::vector<SchemaObject>& found);
// Errors: db.failed, naming what differs: somebody changed the rules of this database.
[[nodiscard]] base::Status check_schema(sqlite3* connection, const std::filesystem::path& file);
// Errors: db.failed (not ours, newer than this program).
[[nodiscard]] base::Status check_is_ours(sqlite3* connection, const std::filesystem::path& file);

// Only one process opens a database for writing: an flock on `<file>.lock`, gone with the process.
[[nodiscard]] base::Result<base::UniqueFd> lock_for_writing(const std::filesystem::path& file);
// "NFS" for the statfs magic of a file system that a database must not live on.
[[nodiscard]] std::optional<std::string_view> network_file_system(long magic);

// The error SQLite has for this connection now: disk.full, lease.refused (a trigger) or db.failed.
[[nodiscard]] tl::unexpected<base::Error> sqlite_error(sqlite3* connection, std::string_view doing);
// The first column of the first row.
[[nodiscard]] base::Result<std::int64_t> pragma_number(sqlite3* connection, const char* sql);
// Runs statements without results.
[[nodiscard]] base::Status execute(sqlite3* connection, const char* sql, std::string_view doing);

}  // namespace lineside::db
