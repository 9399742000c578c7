// SPDX-License-Identifier: Apache-2.0
#include "station/care/restore.h"

#include "station/base/clock.h"
#include "station/base/crash_point.h"
#include "station/base/files.h"
#include "station/base/text.h"
#include "station/care/backup_folder.h"
#include "station/care/lost_time.h"
#include "station/db/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace lineside::care {
namespace {

namespace fs = std::filesystem;
using base::Json;
using base::Result;
using base::Status;

template <typename T>
tl::unexpected<base::Error> error_of(const Result<T>& result) {
    return tl::unexpected<base::Error>(result.error());
}

fs::path new_file(const DataFolder& data) {
    return data.path / "station.db.restoring";
}
fs::path old_copy(const DataFolder& data) {
    return data.path / "station.db.old-copy";
}

void remove_with_logs(const fs::path& file) {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
        fs::remove(file.string() + suffix, ignored);
    }
}

// What is half made goes again, whatever happens.
class Scratch {
  public:
    explicit Scratch(const DataFolder& data) : data_(data) { clear(); }
    ~Scratch() { clear(); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    void keep_new_file() { keep_ = true; }

  private:
    void clear() const {
        remove_with_logs(old_copy(data_));
        if (!keep_) {
            remove_with_logs(new_file(data_));
        }
    }
    DataFolder data_;
    bool keep_ = false;
};

std::string utc_stamp(std::int64_t at_ms) {
    std::string when = base::iso_utc(at_ms).substr(0, 19) + "Z";
    std::erase_if(when, [](char c) { return c == '-' || c == ':'; });
    return when;
}

// Root may restore; the service must be able to open what it finds then.
Status give_to_the_service(const DataFolder& data) {
    struct stat folder {};
    if (::geteuid() != 0 || ::stat(data.path.c_str(), &folder) != 0) {
        return {};
    }
    const std::string database = data.database().string();
    for (const fs::path& each : {fs::path(database), fs::path(database + ".lock"),
                                 data.initialised(), data.logs(), new_file(data)}) {
        if (is_there(each) && ::lchown(each.c_str(), folder.st_uid, folder.st_gid) != 0) {
            return base::fail_errno(
                "db.failed", fmt::format("cannot give {} to the service", each.string()), errno);
        }
    }
    return {};
}

// ---------------------------------------------------------------- the plan

struct Plan {
    std::string stamp;
    std::int64_t last_job = 0;  // of the backup: logs of later jobs are put aside
};

Result<Plan> read_plan(const DataFolder& data) {
    auto text = base::read_file(data.restoring(), 4096);
    auto json = text ? base::parse_json(*text, 4096) : error_of(text);
    if (!json) {
        return error_of(json);
    }
    auto stamp = base::field<std::string>(*json, "stamp");
    auto last_job = base::field<std::int64_t>(*json, "last_job");
    if (!stamp || !last_job) {
        return base::fail("db.failed", fmt::format("{} is damaged", data.restoring().string()));
    }
    return Plan{*stamp, *last_job};
}

Status move_file(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) {
        return base::fail_errno("db.failed", fmt::format("cannot move {}", from.string()), errno);
    }
    return {};
}

Status move_logs(const DataFolder& data, const Plan& plan) {
    std::vector<fs::path> later;
    std::error_code error;
    for (auto it = fs::directory_iterator(data.logs(), error);
         !error && it != fs::directory_iterator(); it.increment(error)) {
        if (base::to_int(it->path().filename().string()).value_or(0) > plan.last_job) {
            later.push_back(it->path());
        }
    }
    if (later.empty()) {
        return {};
    }
    const fs::path aside = data.path / ("logs.before-restore-" + plan.stamp);
    fs::create_directories(aside, error);
    for (const fs::path& each : later) {
        if (auto moved = move_file(each, aside / each.filename()); !moved) {
            return moved;
        }
    }
    return {};
}

// Every step may have been done before: a restore that was killed is ended by the next.
Status follow(const DataFolder& data, const Plan& plan, std::int64_t at_ms) {
    const fs::path database = data.database();
    const fs::path kept = database.string() + ".before-restore-" + plan.stamp;
    if (is_there(new_file(data))) {
        // The database before its log: without it the log is damage, the other way round the
        // database would look whole.
        if (is_there(database) && !is_there(kept)) {
            if (auto moved = move_file(database, kept); !moved) {
                return moved;
            }
        }
        base::crash_point("restore_moved");
        if (is_there(database.string() + "-wal")) {
            if (auto moved = move_file(database.string() + "-wal", kept.string() + "-wal");
                !moved) {
                return moved;
            }
        }
        std::error_code ignored;
        fs::remove(database.string() + "-shm", ignored);
        if (auto synced = sync_folder(data.path); !synced) {
            return synced;
        }
        if (auto moved = move_file(new_file(data), database); !moved) {
            return moved;
        }
        if (auto synced = sync_folder(data.path); !synced) {
            return synced;
        }
    }
    base::crash_point("restore_named");
    auto done = move_logs(data, plan);
    if (done) {
        done = mark_initialised(data, at_ms);
    }
    if (done) {
        done = give_to_the_service(data);
    }
    if (done) {
        done = remove_durably(data.running());
    }
    return done ? remove_durably(data.restoring()) : done;
}

// ---------------------------------------------------------------- the backup

Status check_file(const RestoreRequest& request, std::optional<db::BackupFacts>* facts) {
    std::error_code ignored;
    if (fs::equivalent(request.backup, request.data.database(), ignored)) {
        return base::fail("request.refused", "that is the station's database itself, no backup");
    }
    auto told = db::read_facts(request.backup);
    if (!told) {
        return tl::unexpected<base::Error>(told.error());
    }
    *facts = *told;
    if (*told) {
        auto digest = db::sha256_of_file(request.backup);
        if (!digest) {
            return tl::unexpected<base::Error>(digest.error());
        }
        if (*digest != (*told)->sha256) {
            return base::fail("db.failed",
                              fmt::format("{} is not what was written: its bytes were changed",
                                          request.backup.string()));
        }
    }
    return {};
}

// The backup as the new file: copied, of this schema, sound to its last page and reference.
Result<db::Connection> make_new_file(const RestoreRequest& request) {
    const fs::path made = new_file(request.data);
    {
        auto source = db::open_for_reading_only(request.backup);
        auto room = source ? refuse_without_room(request.backup, request.data.path)
                           : Status(error_of(source));
        auto copied = room ? db::copy_database(source->get(), made) : room;
        if (!copied) {
            return tl::unexpected<base::Error>(copied.error());
        }
    }
    auto connection = db::open_connection(made, db::Access::write);
    if (!connection) {
        return connection;
    }
    sqlite3* const raw = connection->get();
    auto sound = db::quick_check(raw);
    if (sound) {
        sound = db::migrate(raw, made);
    }
    if (sound) {
        sound = db::check_schema(raw, request.backup);
    }
    if (sound) {
        const auto broken =
            db::pragma_number(raw, "SELECT count(*) FROM (SELECT 1 FROM pragma_foreign_key_check)");
        sound = !broken        ? Status(error_of(broken))
                : *broken == 0 ? Status()
                               : base::fail("db.failed", "rows refer to rows that are not there");
    }
    if (!sound) {
        return base::with_context(sound.error(), request.backup.string());
    }
    return connection;
}

// ---------------------------------------------------------------- what the lost time left

struct Outcome {
    OldState old;
    TakenOver taken;
    SetAside aside;
};

Status bring_lost_time(db::Tx& tx, const RestoreRequest& request,
                       const std::optional<db::BackupFacts>& facts, std::int64_t jobs_since,
                       Outcome& outcome) {
    auto epoch = tx.one<std::int64_t>("SELECT coalesce((SELECT epoch FROM station), 0)");
    auto head = tx.one<std::int64_t>("SELECT coalesce((SELECT head_seq FROM station), 0)");
    if (!epoch || !head) {
        return epoch ? Status(error_of(head)) : Status(error_of(epoch));
    }
    const base::SystemClock clock;
    const journal::Stamp stamp{request.at_ms, clock.mono_ns(), base::boot_id(),
                               std::get<0>(**epoch)};
    if (!outcome.old.copy.empty()) {
        auto taken = take_over(tx, stamp);
        if (!taken) {
            return error_of(taken);
        }
        outcome.taken = std::move(*taken);
    }
    if (outcome.old.what != OldDatabase::whole) {
        auto aside =
            set_aside(tx, stamp, request.units_since ? std::optional(jobs_since) : std::nullopt,
                      request.by_user);
        if (!aside) {
            return error_of(aside);
        }
        outcome.aside = std::move(*aside);
    }
    // Some that were ended since, by a log-out or by an admin, would open doors again.
    auto ended =
        tx.run("UPDATE session SET ended_ms = ?1, ended_by = 'restore' WHERE ended_ms IS NULL",
               request.at_ms);
    if (!ended) {
        return error_of(ended);
    }
    // So would badges that were revoked since. A label that waited then may be printed by now.
    for (const char* sql :
         {"UPDATE badge_shift SET ended_ms = ?1, ended_by = 'restore' WHERE ended_ms IS NULL",
          "UPDATE badge SET revoked_ms = ?1, revoked_by = 'restore' WHERE revoked_ms IS NULL",
          "UPDATE label SET state = 'failed', begun_ms = ?1, message = 'Records were restored: it "
          "may be printed' WHERE state = 'waiting'"}) {
        auto done = tx.run(sql, request.at_ms);
        if (!done) {
            return error_of(done);
        }
    }
    journal::Event told{"station.restored", "", {}, {}, request.by_user, Json::object()};
    told.data = {{"file", request.backup.filename().string()},
                 {"seq", std::get<0>(**head)},
                 {"made_ms", facts ? Json(facts->made_ms) : Json()},
                 {"old_database", to_text(outcome.old.what)},
                 {"in_doubt", outcome.taken.in_doubt + outcome.aside.in_doubt},
                 {"batches_taken_over", outcome.taken.batches},
                 {"batches_closed", outcome.aside.closed},
                 {"set_aside", outcome.aside.serials},
                 {"units_since", request.units_since ? Json(*request.units_since) : Json()}};
    auto seq = journal::append(tx, stamp, told);
    return seq ? Status() : Status(error_of(seq));
}

Status work_in_one_transaction(sqlite3* connection, const fs::path& attach,
                               const std::function<Status(db::Tx&)>& work) {
    if (!attach.empty()) {
        const std::string quoted = fmt::format("ATTACH '{}' AS old", [&] {
            std::string text;
            for (const char c : attach.string()) {
                text += c == '\'' ? "''" : std::string(1, c);
            }
            return text;
        }());
        if (auto attached = db::execute(connection, quoted.c_str(), "the old database");
            !attached) {
            return attached;
        }
    }
    auto done = db::execute(connection, "BEGIN IMMEDIATE", "restore");
    if (done) {
        db::Tx tx(connection);
        done = work(tx);
    }
    if (done) {
        done = db::execute(connection, "COMMIT", "restore");
    }
    return done;
}

// One file, all of it on disk.
Status close_new_file(db::Connection connection, const fs::path& file) {
    sqlite3* const raw = connection.get();
    int rc = sqlite3_wal_checkpoint_v2(raw, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    if (rc != SQLITE_OK) {
        return db::sqlite_error(raw, "cannot write the restored database");
    }
    auto sound = db::quick_check(raw);
    connection.reset();
    return sound ? sync_folder(file.parent_path()) : sound;
}

Status refuse_statement(const RestoreRequest& request, std::int64_t evidence) {
    if (request.units_since && *request.units_since < evidence) {
        return base::fail("request.refused",
                          fmt::format("at most {} units were begun since, it was said; there are "
                                      "logs of {}",
                                      *request.units_since, evidence));
    }
    return {};
}

}  // namespace

Result<Json> restore(const RestoreRequest& request) {
    const DataFolder& data = request.data;
    std::error_code error;
    fs::create_directories(data.logs(), error);
    auto lock = db::lock_for_writing(data.database());
    if (!lock) {
        return base::fail("request.refused",
                          fmt::format("{}; stop it first", lock.error().message));
    }
    if (is_there(data.restoring())) {
        auto plan = read_plan(data);
        auto done = plan ? follow(data, *plan, request.at_ms) : Status(error_of(plan));
        return done ? Result<Json>(Json{{"finished", true}})
                    : tl::unexpected<base::Error>(done.error());
    }
    std::optional<db::BackupFacts> facts;
    if (auto good = check_file(request, &facts); !good) {
        return tl::unexpected<base::Error>(good.error());
    }
    Scratch scratch(data);
    auto made = make_new_file(request);
    if (!made) {
        return error_of(made);
    }
    const auto last_job =
        db::pragma_number(made->get(), "SELECT coalesce(max(id), 0) FROM job").value_or(0);
    const auto seq =
        db::pragma_number(made->get(), "SELECT coalesce((SELECT head_seq FROM station), 0)");
    const std::int64_t logged = newest_log(data);
    Outcome outcome;
    outcome.old =
        look_at_old(data.database(), old_copy(data), made->get(), logged, is_there(data.running()));
    // What is certain about the time nothing is known of: logs of jobs that no row tells of.
    const std::int64_t known_to = std::max(last_job, outcome.old.last_job);
    if (auto possible = refuse_statement(request, std::max<std::int64_t>(logged - known_to, 0));
        !possible) {
        return tl::unexpected<base::Error>(possible.error());
    }
    auto brought =
        work_in_one_transaction(made->get(), outcome.old.copy, [&](db::Tx& tx) -> Status {
            return bring_lost_time(tx, request, facts, request.units_since.value_or(0), outcome);
        });
    if (brought) {
        brought = close_new_file(std::move(*made), new_file(data));
    }
    if (!brought) {
        return tl::unexpected<base::Error>(brought.error());
    }
    if (brought = give_to_the_service(data); !brought) {
        return tl::unexpected<base::Error>(brought.error());
    }
    base::crash_point("restore_made");
    const Plan plan{utc_stamp(request.at_ms), last_job};
    scratch.keep_new_file();
    const bool had_one = is_there(data.database());
    auto done = base::replace_file(
        data.restoring(),
        base::dump_json({{"stamp", plan.stamp}, {"last_job", plan.last_job}}) + "\n", 0600);
    base::crash_point("restore_planned");
    if (done) {
        done = follow(data, plan, request.at_ms);
    }
    if (!done) {
        return tl::unexpected<base::Error>(done.error());
    }
    const std::string kept = data.database().string() + ".before-restore-" + plan.stamp;
    const fs::path logs = data.path / ("logs.before-restore-" + plan.stamp);
    return Json{{"restored", request.backup.string()},
                {"seq", seq.value_or(0)},
                {"made_ms", facts ? Json(facts->made_ms) : Json()},
                {"old_database", to_text(outcome.old.what)},
                {"why", outcome.old.why},
                {"kept_as", had_one ? Json(kept) : Json()},
                {"in_doubt", outcome.taken.in_doubt + outcome.aside.in_doubt},
                {"batches_taken_over", outcome.taken.batches},
                {"batches_closed", outcome.aside.closed},
                {"set_aside", outcome.aside.serials},
                {"logs_kept_as", is_there(logs) ? Json(logs.string()) : Json()}};
}

}  // namespace lineside::care
