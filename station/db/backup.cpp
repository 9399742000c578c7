// SPDX-License-Identifier: Apache-2.0
#include "station/db/backup.h"

#include "station/base/clock.h"
#include "station/base/crash_point.h"
#include "station/base/files.h"
#include "station/base/json.h"
#include "station/base/text.h"
#include "station/base/unique_fd.h"
#include "station/db/connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>

namespace lineside::db {
namespace {

namespace fs = std::filesystem;
using base::Json;
using base::Result;
using base::Status;

constexpr int kPagesAtOnce = 256;  // 1 MiB: what is read before others get the disk
// So much is on its way to the disk at most: a sync of a whole copy at once would hold up the
// writer's own.
constexpr int kStepsToSync = 4;
constexpr int kLookAtClock = 20'000;  // SQLite's virtual machine steps

Status sync_path(const fs::path& path, int flags) {
    const base::UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) {
        const int error = errno;  // before the text is made
        return base::fail_writing("db.failed", fmt::format("cannot sync {}", path.string()), error);
    }
    return {};
}

Result<std::string> text_of(sqlite3* connection, const char* sql) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(connection, sql, -1, &raw, nullptr) != SQLITE_OK) {
        return sqlite_error(connection, sql);
    }
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
    if (sqlite3_step(raw) != SQLITE_ROW) {
        return sqlite_error(connection, sql);
    }
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(raw, 0));
    return std::string(text == nullptr ? "" : text);
}

// Where the journal of this copy ends; schema 1 had no chain.
Result<BackupFacts> facts_of(sqlite3* connection) {
    BackupFacts facts;
    const auto version = pragma_number(connection, "PRAGMA user_version");
    if (!version) {
        return tl::unexpected<base::Error>(version.error());
    }
    facts.schema = static_cast<int>(*version);
    if (facts.schema < 2) {
        auto seq = pragma_number(connection, "SELECT coalesce(max(seq), 0) FROM event");
        facts.seq = seq.value_or(0);
        return facts;
    }
    auto seq = pragma_number(connection,
                             "SELECT coalesce((SELECT head_seq FROM station WHERE id = 1), 0)");
    auto head = text_of(connection,
                        "SELECT coalesce((SELECT lower(hex(head_hash)) FROM station WHERE id = 1), "
                        "'')");
    if (!seq || !head) {
        return tl::unexpected<base::Error>((seq ? head.error() : seq.error()));
    }
    facts.seq = *seq;
    facts.head = std::move(*head);
    return facts;
}

Json to_json(const BackupFacts& facts) {
    return {{"seq", facts.seq},
            {"head", facts.head},
            {"sha256", facts.sha256},
            {"made_ms", facts.made_ms},
            {"schema", facts.schema}};
}

// A file that goes again unless it was kept.
class Leftover {
  public:
    explicit Leftover(fs::path file) : file_(std::move(file)) {}
    ~Leftover() {
        std::error_code ignored;
        if (!kept_) {
            for (const char* suffix : {"", "-journal", "-wal", "-shm"}) {
                fs::remove(file_.string() + suffix, ignored);
            }
        }
    }
    Leftover(const Leftover&) = delete;
    Leftover& operator=(const Leftover&) = delete;
    void keep() { kept_ = true; }

  private:
    fs::path file_;
    bool kept_ = false;
};

Result<BackupFacts> check_copy(const fs::path& file) {
    auto copy = open_for_reading_only(file);  // nothing is made beside it
    if (!copy) {
        return tl::unexpected<base::Error>(copy.error());
    }
    if (auto sound = quick_check(copy->get()); !sound) {
        return base::with_context(sound.error(), "the backup is not sound");
    }
    return facts_of(copy->get());
}

}  // namespace

std::string backup_name(std::int64_t made_ms, std::int64_t seq) {
    std::string when = base::iso_utc(made_ms).substr(0, 19);
    std::erase_if(when, [](char c) { return c == '-' || c == ':'; });
    return fmt::format("station-{}Z-{}.db", when, seq);
}

fs::path facts_file(const fs::path& backup) {
    return backup.string() + ".json";
}

Status quick_check(sqlite3* connection, std::int64_t within_ms) {
    using Clock = std::chrono::steady_clock;
    auto until = Clock::now() + std::chrono::milliseconds(within_ms);
    if (within_ms > 0) {
        sqlite3_progress_handler(
            connection, kLookAtClock,
            [](void* end) { return Clock::now() >= *static_cast<Clock::time_point*>(end) ? 1 : 0; },
            &until);
    }
    const auto said = text_of(connection, "PRAGMA quick_check(1)");
    const bool time_over = (sqlite3_errcode(connection) & 0xFF) == SQLITE_INTERRUPT;
    sqlite3_progress_handler(connection, 0, nullptr, nullptr);
    if (!said) {
        return time_over ? Status() : tl::unexpected<base::Error>(said.error());
    }
    return *said == "ok" ? Status() : base::fail("db.failed", *said);
}

Status copy_database(sqlite3* source, const fs::path& into, const std::function<bool()>& go_on) {
    sqlite3* raw = nullptr;
    const int rc =
        sqlite3_open_v2(into.c_str(), &raw,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    Connection target(raw);
    if (rc != SQLITE_OK) {
        return sqlite_error(raw, fmt::format("cannot make {}", into.string()));
    }
    // What is not finished is thrown away: no journal. The sync is ours, in pieces.
    if (auto set = execute(raw, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", "backup");
        !set) {
        return set;
    }
    sqlite3_backup* backup = sqlite3_backup_init(raw, "main", source, "main");
    if (backup == nullptr) {
        return sqlite_error(raw, "cannot begin a backup");
    }
    const base::UniqueFd sync(::open(into.c_str(), O_RDONLY | O_CLOEXEC));
    int step = SQLITE_OK;
    bool stopped = false;
    for (int steps = 1; step == SQLITE_OK && !stopped; ++steps) {
        step = sqlite3_backup_step(backup, kPagesAtOnce);
        if (step == SQLITE_OK && steps % kStepsToSync == 0 && sync) {
            ::fdatasync(sync.get());
        }
        stopped = step == SQLITE_OK && go_on && !go_on();
    }
    sqlite3_backup_finish(backup);
    if (stopped) {
        return base::fail("request.refused", "The station stops; the backup was given up");
    }
    if (step != SQLITE_DONE) {
        return sqlite_error(raw, fmt::format("cannot copy into {}", into.string()));
    }
    target.reset();
    return sync_path(into, O_RDONLY);
}

Result<std::string> sha256_of_file(const fs::path& file) {
    const base::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return base::fail_errno("config.missing", fmt::format("cannot open {}", file.string()),
                                errno);
    }
    base::Sha256 digest;
    std::array<char, 64UL * 1024> piece{};
    while (true) {
        const ssize_t got = ::read(fd.get(), piece.data(), piece.size());
        if (got < 0) {
            return base::fail_errno("db.failed", fmt::format("cannot read {}", file.string()),
                                    errno);
        }
        if (got == 0) {
            return digest.hex();
        }
        digest.update(std::string_view(piece.data(), static_cast<std::size_t>(got)));
    }
}

Result<BackupMade> back_up_from(sqlite3* source, const fs::path& folder, std::int64_t made_ms,
                                const std::function<bool()>& go_on) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) {
        return base::fail("db.failed",
                          fmt::format("backups {}: {}", folder.string(), error.message()));
    }
    fs::permissions(folder, fs::perms::owner_all, error);
    const fs::path temporary = folder / "station.db.new";
    Leftover leftover(temporary);
    for (const char* suffix : {"", "-journal", "-wal", "-shm"}) {  // of a copy that was killed
        fs::remove(temporary.string() + suffix, error);
    }
    if (auto copied = copy_database(source, temporary, go_on); !copied) {
        return tl::unexpected<base::Error>(copied.error());
    }
    base::crash_point("backup_copied");
    auto facts = check_copy(temporary);
    if (!facts) {
        return tl::unexpected<base::Error>(facts.error());
    }
    auto digest = sha256_of_file(temporary);
    if (!digest) {
        return tl::unexpected<base::Error>(digest.error());
    }
    facts->sha256 = std::move(*digest);
    facts->made_ms = made_ms;
    BackupMade made{folder / backup_name(made_ms, facts->seq), std::move(*facts)};
    // The facts first: a backup under its name always has them.
    if (auto told = base::replace_file(facts_file(made.file),
                                       base::dump_json(to_json(made.facts)) + "\n", 0600);
        !told) {
        return tl::unexpected<base::Error>(told.error());
    }
    if (::rename(temporary.c_str(), made.file.c_str()) != 0) {
        return base::fail_errno("db.failed", fmt::format("cannot keep {}", made.file.string()),
                                errno);
    }
    leftover.keep();
    base::crash_point("backup_named");
    if (auto synced = sync_path(folder, O_RDONLY | O_DIRECTORY); !synced) {
        return tl::unexpected<base::Error>(synced.error());
    }
    return made;
}

Result<BackupMade> back_up(const fs::path& database, const fs::path& folder, std::int64_t made_ms,
                           const std::function<bool()>& go_on) {
    auto source = open_connection(database, Access::read);
    if (!source) {
        return tl::unexpected<base::Error>(source.error());
    }
    // One snapshot for all steps: without it every commit meanwhile would begin the copy anew.
    if (auto begun = execute(source->get(), "BEGIN; SELECT 1 FROM sqlite_schema", "backup");
        !begun) {
        return tl::unexpected<base::Error>(begun.error());
    }
    return back_up_from(source->get(), folder, made_ms, go_on);
}

Result<std::optional<BackupFacts>> read_facts(const fs::path& backup) {
    auto text = base::read_file(facts_file(backup), 64UL * 1024);
    if (!text) {
        if (text.error().code == "config.missing") {
            return std::optional<BackupFacts>();
        }
        return tl::unexpected<base::Error>(text.error());
    }
    auto json = base::parse_json(*text, 64UL * 1024);
    if (!json) {
        return base::with_context(json.error(), facts_file(backup).string());
    }
    auto seq = base::field<std::int64_t>(*json, "seq");
    auto head = base::field<std::string>(*json, "head");
    auto sha256 = base::field<std::string>(*json, "sha256");
    auto made_ms = base::field<std::int64_t>(*json, "made_ms");
    auto schema = base::field<std::int64_t>(*json, "schema");
    if (!seq || !head || !sha256 || !made_ms || !schema) {
        return base::fail("config.invalid", fmt::format("{} does not say what a backup's facts say",
                                                        facts_file(backup).string()));
    }
    return std::optional(BackupFacts{*seq, *head, *sha256, *made_ms, static_cast<int>(*schema)});
}

}  // namespace lineside::db
