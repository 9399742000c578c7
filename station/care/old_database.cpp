// SPDX-License-Identifier: Apache-2.0
// What can be told of the database that a restore finds in place.
#include "station/care/lost_time.h"

#include "station/db/backup.h"
#include "station/db/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <cstring>
#include <fstream>

namespace lineside::care {
namespace {

namespace fs = std::filesystem;
using base::Result;
using base::Status;
using db::Tx;

template <typename T>
Status status_of(const Result<T>& result) {
    return result ? Status() : tl::unexpected<base::Error>(result.error());
}

// Frames of the log that were written since its last begin: a run with the header's salts. SQLite
// passes over what follows a frame that does not fit without a word.
std::int64_t frames_written(const fs::path& log) {
    std::ifstream in(log, std::ios::binary);
    std::array<char, 32> header{};
    if (!in.read(header.data(), header.size())) {
        return 0;
    }
    const auto byte = [&](int i) {
        return static_cast<unsigned char>(header.at(static_cast<std::size_t>(i)));
    };
    const std::int64_t page = (byte(8) << 24) | (byte(9) << 16) | (byte(10) << 8) | byte(11);
    std::int64_t frames = 0;
    std::array<char, 24> frame{};
    while (in.read(frame.data(), frame.size()) &&
           std::memcmp(frame.data() + 8, header.data() + 16, 8) == 0) {
        in.seekg(page, std::ios::cur);
        ++frames;
    }
    return frames;
}

// Opens the copy, brings its log in and its schema up. What cannot be read is told.
Result<db::Connection> open_old(const fs::path& copy, std::int64_t* read_frames) {
    {
        auto look = db::open_to_look(copy);
        auto ours = look ? db::check_is_ours(look->get(), copy) : status_of(look);
        if (!ours) {
            return tl::unexpected<base::Error>(ours.error());
        }
    }
    auto connection = db::open_connection(copy, db::Access::write);
    if (!connection) {
        return connection;
    }
    int in_log = 0;
    if (sqlite3_wal_checkpoint_v2(connection->get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &in_log,
                                  nullptr) != SQLITE_OK) {
        return db::sqlite_error(connection->get(), "cannot read its log");
    }
    *read_frames = in_log < 0 ? 0 : in_log;
    auto sound = db::quick_check(connection->get());
    if (sound) {
        sound = db::migrate(connection->get(), copy);
    }
    return sound ? std::move(connection) : tl::unexpected<base::Error>(sound.error());
}

Result<std::optional<std::string>> event_hash(Tx& tx, std::int64_t seq) {
    auto row = tx.one<db::Blob>("SELECT hash FROM event WHERE seq = ?1", seq);
    if (!row) {
        return tl::unexpected<base::Error>(row.error());
    }
    return *row ? std::optional(std::get<0>(**row).bytes) : std::nullopt;
}

// Does its journal go on where the backup's ends?
Status goes_on(sqlite3* old, sqlite3* restored) {
    Tx of_old(old);
    Tx of_backup(restored);
    auto head = of_backup.one<std::int64_t, db::Blob>(
        "SELECT head_seq, head_hash FROM station WHERE id = 1");
    if (!head) {
        return status_of(head);
    }
    if (!*head || std::get<0>(**head) == 0) {
        return {};
    }
    auto hash = event_hash(of_old, std::get<0>(**head));
    if (!hash) {
        return status_of(hash);
    }
    return *hash == std::get<1>(**head).bytes
               ? Status()
               : base::fail("db.failed", "it is not what this backup was made of");
}

// The last word of a service that closed its database.
bool ended_by_stop(sqlite3* old) {
    const auto n = db::pragma_number(
        old,
        "SELECT count(*) FROM event WHERE kind = 'station.stopped' AND seq + 1 >= (SELECT max(seq) "
        "FROM event)");
    return n && *n > 0;
}

std::optional<std::string> missing_at_its_end(sqlite3* old, const OldState& state,
                                              const fs::path& database, std::int64_t read_frames,
                                              std::int64_t newest_log, bool running) {
    if (auto rules = db::check_schema(old, database); !rules) {
        return rules.error().message;
    }
    const auto lost = db::pragma_number(
        old,
        "SELECT coalesce((SELECT head_seq FROM station WHERE id = 1), 0) > coalesce(max(seq), 0) "
        "FROM event");
    if (!lost || *lost != 0) {
        return "its journal is cut off";
    }
    if (newest_log > state.last_job) {
        return fmt::format("there is a log of job {}, it knows none behind {}", newest_log,
                           state.last_job);
    }
    const std::int64_t written = frames_written(database.string() + "-wal");
    if (written > read_frames) {
        return "its log is damaged";
    }
    if (written == 0 && (running || !ended_by_stop(old))) {
        return "the service did not end by itself, and the log is not there";
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_text(OldDatabase old) {
    constexpr std::array<std::string_view, 4> kWords{"none", "unreadable", "incomplete", "whole"};
    return kWords.at(static_cast<std::size_t>(old));
}

OldState look_at_old(const fs::path& database, const fs::path& scratch, sqlite3* restored,
                     std::int64_t newest_log, bool running) {
    OldState state;
    std::error_code error;
    if (!fs::is_regular_file(database, error)) {
        state.why = "there is no database";
        return state;
    }
    state.what = OldDatabase::unreadable;
    fs::copy_file(database, scratch, fs::copy_options::overwrite_existing, error);
    if (!error && fs::exists(database.string() + "-wal")) {
        fs::copy_file(database.string() + "-wal", scratch.string() + "-wal",
                      fs::copy_options::overwrite_existing, error);
    }
    if (error) {
        state.why = error.message();
        return state;
    }
    std::int64_t read_frames = 0;
    auto old = open_old(scratch, &read_frames);
    auto fits = old ? goes_on(old->get(), restored) : status_of(old);
    if (!fits) {
        state.why = fits.error().message;
        return state;
    }
    state.copy = scratch;
    state.last_job =
        db::pragma_number(old->get(), "SELECT coalesce(max(id), 0) FROM job").value_or(0);
    const auto missing =
        missing_at_its_end(old->get(), state, database, read_frames, newest_log, running);
    state.what = missing ? OldDatabase::incomplete : OldDatabase::whole;
    state.why = missing.value_or("");
    return state;
}

}  // namespace lineside::care
