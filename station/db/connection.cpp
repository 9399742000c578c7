// SPDX-License-Identifier: Apache-2.0
#include "station/db/connection.h"

#include "station/base/broken.h"
#include "station/base/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>

namespace lineside::db {
namespace {

using base::Result;
using base::Status;

constexpr int kBusyMs = 5000;  // a sqlite3 shell that holds the write lock gets this long

struct FileSystem {
    long magic;
    std::string_view name;
};
// Source: statfs(2) and linux/magic.h.
constexpr std::array kNetwork{
    FileSystem{0x6969, "NFS"},       FileSystem{0x517B, "SMB"},
    FileSystem{0xFF534D42, "CIFS"},  FileSystem{0xFE534D42, "SMB2"},
    FileSystem{0x5346414F, "AFS"},   FileSystem{0x6B414653, "AFS"},
    FileSystem{0x73757245, "Coda"},  FileSystem{0x564C, "NCP"},
    FileSystem{0x00C36400, "Ceph"},  FileSystem{0x0BD00BD0, "Lustre"},
    FileSystem{0x47504653, "GPFS"},  FileSystem{0x01161970, "GFS2"},
    FileSystem{0x7461636F, "OCFS2"}, FileSystem{0x19830326, "BeeGFS"},
};
constexpr long kFuse = 0x65735546;  // may be sshfs, may be a local disk
constexpr long k9p = 0x01021997;    // a VM's shared folder

Status refuse_network(const std::filesystem::path& file) {
    const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
    struct statfs where {};
    if (::statfs(folder.c_str(), &where) != 0) {
        return base::fail_errno("db.failed", fmt::format("cannot look at {}", folder.string()),
                                errno);
    }
    const auto magic = static_cast<long>(static_cast<unsigned long>(where.f_type) & 0xFFFFFFFFUL);
    if (const auto name = network_file_system(magic)) {
        return base::fail("db.failed", fmt::format("{} is on {}: the database needs a local disk",
                                                   file.string(), *name));
    }
    if (magic == kFuse || magic == k9p) {
        base::log_warning(
            "{} is on a shared or FUSE file system; the database should be on a local disk",
            file.string());
    }
    return {};
}

// Nobody reads SQLite's account of its memory, which costs a lock for each piece.
void no_memory_account() {
    static const int done = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    static_cast<void>(done);  // refused when SQLite is at work already: no harm
}

Result<Connection> open_raw(const std::string& name, int flags) {
    no_memory_account();
    sqlite3* made = nullptr;
    const int rc = sqlite3_open_v2(name.c_str(), &made, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    Connection connection(made);
    if (rc != SQLITE_OK) {
        return sqlite_error(made, fmt::format("cannot open {}", name));
    }
    sqlite3_extended_result_codes(made, 1);
    sqlite3_busy_timeout(made, kBusyMs);
    // A view or trigger of a tampered file shall not run functions with effects.
    sqlite3_db_config(made, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(made, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    return connection;
}

std::string file_uri(const std::filesystem::path& file, std::string_view query) {
    std::string uri = "file:";
    for (const char c : std::filesystem::absolute(file).string()) {
        if (c == '?' || c == '#' || c == '%') {
            uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        } else {
            uri.push_back(c);
        }
    }
    return uri + std::string(query);
}

// A database and a log that came without their index (a copy, a backup): SQLite would make the
// index beside them. A copy without names is read instead.
Result<Connection> open_private_copy(const std::filesystem::path& file) {
    std::string folder = (std::filesystem::temp_directory_path() / "lineside-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) {
        return base::fail_errno("db.failed", fmt::format("cannot make {}", folder), errno);
    }
    const auto copy = std::filesystem::path(folder) / "station.db";
    std::error_code error;
    std::filesystem::copy_file(file, copy, error);
    if (!error) {
        std::filesystem::copy_file(file.string() + "-wal", copy.string() + "-wal", error);
    }
    auto connection = error ? base::fail("db.failed", fmt::format("cannot copy {}: {}",
                                                                  file.string(), error.message()))
                            : open_raw(copy.string(), SQLITE_OPEN_READWRITE);
    if (connection) {  // the first read opens the log and its index
        if (auto read =
                execute(connection->get(), "PRAGMA query_only = ON; SELECT 1 FROM sqlite_schema",
                        fmt::format("cannot read {}", file.string()));
            !read) {
            connection = tl::unexpected<base::Error>(read.error());
        }
    }
    std::filesystem::remove_all(folder, error);
    return connection;
}

// SQLite writes beside a database that it only reads: it makes the index of the log, or makes it
// anew after a station was killed. So each case asks for what leaves things as they are.
Result<Connection> open_without_a_trace(const std::filesystem::path& file) {
    std::error_code ignored;
    const auto beside = [&](const char* suffix) {
        return std::filesystem::exists(file.string() + suffix, ignored);
    };
    if (!beside("-wal")) {  // nobody has it open and all of it is in the file
        return open_raw(file_uri(file, "?mode=ro&immutable=1"),
                        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    }
    if (!beside("-shm")) {
        return open_private_copy(file);
    }
    auto connection =
        open_raw(file_uri(file, "?mode=ro&readonly_shm=1"), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    if (connection && !execute(connection->get(), "SELECT 1 FROM sqlite_schema", "read") &&
        (sqlite3_errcode(connection->get()) & 0xFF) == SQLITE_READONLY) {
        // A station runs and no reader has been there yet: we set the first mark in its index, as
        // any reader does.
        return open_raw(file_uri(file, "?mode=ro"), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    }
    return connection;
}

Status check_fresh_or_ours(sqlite3* connection, const std::filesystem::path& file) {
    const auto tables = pragma_number(connection, "SELECT count(*) FROM sqlite_schema");
    const auto id = pragma_number(connection, "PRAGMA application_id");
    if (!tables || !id) {
        return base::with_context((tables ? id : tables).error(), file.string());
    }
    return *tables == 0 && *id == 0 ? Status() : check_is_ours(connection, file);
}

}  // namespace

void CloseConnection::operator()(sqlite3* connection) const {
    sqlite3_close_v2(connection);
}

std::optional<std::string_view> network_file_system(long magic) {
    for (const FileSystem& each : kNetwork) {
        if (each.magic == magic) {
            return each.name;
        }
    }
    return std::nullopt;
}

tl::unexpected<base::Error> sqlite_error(sqlite3* connection, std::string_view doing) {
    const int rc = connection == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(connection);
    const std::string message = fmt::format(
        "{}: {}", doing, connection == nullptr ? "out of memory" : sqlite3_errmsg(connection));
    if (rc == SQLITE_CONSTRAINT_TRIGGER) {
        return base::fail("lease.refused", sqlite3_errmsg(connection));
    }
    if ((rc & 0xFF) == SQLITE_FULL) {
        return base::fail("disk.full", message);
    }
    if ((rc & 0xFF) == SQLITE_IOERR && connection != nullptr) {
        if (base::no_room(sqlite3_system_errno(connection))) {
            return base::fail("disk.full", message);
        }
    }
    return base::fail("db.failed", message);
}

Result<std::int64_t> pragma_number(sqlite3* connection, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(connection, sql, -1, &statement, nullptr) != SQLITE_OK) {
        return sqlite_error(connection, sql);
    }
    const int rc = sqlite3_step(statement);
    const std::int64_t value = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    if (rc != SQLITE_ROW) {
        return sqlite_error(connection, sql);
    }
    return value;
}

Status execute(sqlite3* connection, const char* sql, std::string_view doing) {
    if (sqlite3_exec(connection, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
        return sqlite_error(connection, doing);
    }
    return {};
}

Result<base::UniqueFd> lock_for_writing(const std::filesystem::path& file) {
    const std::string name = file.string() + ".lock";
    base::UniqueFd fd(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) {
        return base::fail_errno("db.failed", fmt::format("cannot open {}", name), errno);
    }
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            return base::fail("db.failed",
                              fmt::format("{} is open in another station process", file.string()));
        }
        return base::fail_errno("db.failed", fmt::format("cannot lock {}", name), errno);
    }
    return fd;
}

Result<Connection> open_connection(const std::filesystem::path& file, Access access) {
    if (access == Access::write) {
        if (auto local = refuse_network(file); !local) {
            return tl::unexpected<base::Error>(local.error());
        }
    }
    const int flags =
        access == Access::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    auto connection = open_raw(file.string(), flags);
    if (!connection) {
        return connection;
    }
    if (access == Access::write) {  // before journal_mode changes a file that is not ours
        if (auto ours = check_fresh_or_ours(connection->get(), file); !ours) {
            return tl::unexpected<base::Error>(ours.error());
        }
    }
    const char* pragmas = access == Access::write
                              ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                "PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON;"
                                "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                                "PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY;"
                              : "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;"
                                "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;";
    if (auto set =
            execute(connection->get(), pragmas, fmt::format("cannot open {}", file.string()));
        !set) {
        return tl::unexpected<base::Error>(set.error());
    }
    if (base::broken("no-fsync")) {
        return execute(connection->get(), "PRAGMA synchronous = OFF", "break").map([&] {
            return std::move(*connection);
        });
    }
    const auto full = pragma_number(connection->get(), "PRAGMA synchronous");
    const auto wal =
        pragma_number(connection->get(), "SELECT journal_mode = 'wal' FROM pragma_journal_mode");
    if (access == Access::write && !(full && *full == 2 && wal && *wal == 1)) {
        return base::fail(
            "db.failed",
            fmt::format("{} cannot be opened with a durable write-ahead log", file.string()));
    }
    return connection;
}

Result<Connection> open_to_look(const std::filesystem::path& file) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored)) {
        return base::fail("config.missing", fmt::format("there is no database {}", file.string()));
    }
    return open_without_a_trace(file);
}

Result<Connection> open_for_reading_only(const std::filesystem::path& file) {
    auto connection = open_to_look(file);
    if (!connection) {
        return connection;
    }
    if (auto ours = check_is_ours(connection->get(), file); !ours) {
        return tl::unexpected<base::Error>(ours.error());
    }
    return connection;
}

Status check_is_ours(sqlite3* connection, const std::filesystem::path& file) {
    const auto id = pragma_number(connection, "PRAGMA application_id");
    const auto version = pragma_number(connection, "PRAGMA user_version");
    for (const auto* number : {&id, &version}) {
        if (!*number) {
            return base::with_context(number->error(), file.string());
        }
    }
    if (*id != kApplicationId) {
        return base::fail("db.failed", fmt::format("{} is not a Lineside database", file.string()));
    }
    const int newest = migrations().back().version;
    if (*version > newest) {
        return base::fail(
            "db.failed",
            fmt::format("{} was made by a newer Lineside: schema {}, this program knows {}",
                        file.string(), *version, newest));
    }
    return {};
}

}  // namespace lineside::db
