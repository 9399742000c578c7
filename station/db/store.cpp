// SPDX-License-Identifier: Apache-2.0
#include "station/db/store.h"

#include "station/base/broken.h"
#include "station/base/crash_point.h"
#include "station/base/log.h"
#include "station/db/connection.h"
#include "station/db/store_queue.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <future>
#include <thread>
#include <vector>

namespace lineside::db {
namespace {

using base::Result;
using base::Status;
using Guard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;

constexpr std::size_t kReaders = 2;

struct Write {
    std::function<Status(Tx&)> work;
    std::function<void(Status)> done;
    std::optional<Guard> guard;  // none: `done` runs where the commit was made
    bool alone = false;
    Waiter* waiter = nullptr;  // instead of `done`
    Status outcome{};
};
struct Read {
    std::function<void(Tx&)> work;
    std::function<void(Status)> done;
    std::optional<Guard> guard;
};

template <typename Work>
Status guarded(const Work& work) {
    try {
        return work();
    } catch (const std::exception& error) {
        return base::fail("station.bug",
                          fmt::format("exception in a transaction: {}", error.what()));
    } catch (...) {
        return base::fail("station.bug", "unknown exception in a transaction");
    }
}

// A statement without values and rows that is said for every group: prepared once.
class Command {
  public:
    Command(sqlite3* connection, const char* sql) : connection_(connection), sql_(sql) {}
    ~Command() { sqlite3_finalize(statement_); }
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;

    Status operator()() {
        if (statement_ == nullptr &&
            sqlite3_prepare_v3(connection_, sql_, -1, SQLITE_PREPARE_PERSISTENT, &statement_,
                               nullptr) != SQLITE_OK) {
            return sqlite_error(connection_, sql_);
        }
        const int rc = sqlite3_step(statement_);
        Status status;
        if (rc != SQLITE_DONE) {
            status = sqlite_error(connection_, sql_);
        }
        sqlite3_reset(statement_);
        return status;
    }

  private:
    sqlite3* connection_;
    const char* sql_;
    sqlite3_stmt* statement_ = nullptr;
};

// Owns the writing connection; only its thread touches it after construction.
class Writer {
  public:
    Writer(Connection connection, Queue<Write>& queue, Rooms& rooms)
        : connection_(std::move(connection)),
          tx_(std::in_place, connection_.get()),
          begin_(std::in_place, connection_.get(), "BEGIN IMMEDIATE"),
          commit_(std::in_place, connection_.get(), "COMMIT"),
          savepoint_(std::in_place, connection_.get(), "SAVEPOINT closure"),
          release_(std::in_place, connection_.get(), "RELEASE closure"),
          queue_(queue),
          rooms_(rooms),
          thread_([this] { serve(); }) {}
    ~Writer() {
        queue_.close();
        thread_.join();
        for (auto* each : {&begin_, &commit_, &savepoint_, &release_}) {
            each->reset();
        }
        tx_.reset();  // statements before their connection
        sqlite3_wal_checkpoint_v2(connection_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr,
                                  nullptr);
    }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

  private:
    void serve() {
        while (true) {
            auto group = queue_.take(kGroup, kBeforeSleep);
            if (group.empty()) {
                return;
            }
            for (auto rest = group.begin(); rest != group.end();) {
                rest = commit_group(rest, group.end());
            }
            tell(group);
        }
    }

    // From the last to the first: each knows then which room is to be woken after its own.
    void tell(std::deque<Write>& group) {
        std::optional<std::size_t> next;
        for (auto each = group.rbegin(); each != group.rend(); ++each) {
            if (each->waiter != nullptr) {
                const std::size_t room = each->waiter->room();
                each->waiter->answer(std::move(each->outcome), next);
                next = room;
            }
        }
        if (next) {
            rooms_.wake(*next);
        }
        for (Write& each : group) {
            if (each.waiter == nullptr) {
                finish(std::move(each));
            }
        }
    }

    using Iter = std::deque<Write>::iterator;

    // Runs and commits [first, last); stops early after a closure whose failure undid the
    // transaction.
    Iter commit_group(Iter first, Iter last) {
        if (auto begun = (*begin_)(); !begun) {
            fail_group(first, last, begun.error());
            return last;
        }
        notice_others();
        Iter next = first;
        // One that nobody else waits with needs no savepoint either.
        const bool alone = first->alone || std::next(first) == last;
        while (next != last && (next == first || (!alone && !next->alone))) {
            run_one(*next, alone);
            ++next;
            if (sqlite3_get_autocommit(connection_.get()) != 0) {
                // SQLite undid the whole transaction (full disk): nothing of this group is stored.
                const base::Error why = std::prev(next)->outcome ? base::make_error("db.failed")
                                                                 : std::prev(next)->outcome.error();
                fail_group(first, next, why);
                data_version_ = 0;
                return next;
            }
        }
        last = next;
        if (alone && !first->outcome) {
            sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
            data_version_ = 0;
            return last;
        }
        base::crash_point("before_commit");
        Status committed = (*commit_)();
        if (!committed) {
            base::log_error("{}", committed.error().message);
            sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
            fail_group(first, last, committed.error());
        } else {
            base::crash_point("after_commit");
        }
        sqlite3_file_control(connection_.get(), "main", SQLITE_FCNTL_DATA_VERSION, &data_version_);
        return last;
    }

    void run_one(Write& item, bool alone) {
        if (!alone) {
            item.outcome = (*savepoint_)();
            if (!item.outcome) {
                return;
            }
        }
        item.outcome = guarded([&] { return item.work(*tx_); });
        if (sqlite3_get_autocommit(connection_.get()) != 0) {
            if (item.outcome) {
                item.outcome = base::fail("db.failed", "the database undid the transaction");
            }
            return;
        }
        if (alone) {
            return;
        }
        if (!item.outcome) {
            sqlite3_exec(connection_.get(), "ROLLBACK TO closure", nullptr, nullptr, nullptr);
        }
        if (auto ended = (*release_)(); !ended && item.outcome) {
            item.outcome = ended;
        }
    }

    static void fail_group(Iter first, Iter last, const base::Error& why) {
        for (; first != last; ++first) {
            if (first->outcome) {
                first->outcome = tl::unexpected<base::Error>(why);
            }
        }
    }

    // Another process that writes (a sqlite3 shell) cannot be kept out of the file, but is not
    // unseen.
    void notice_others() {
        unsigned now = 0;
        sqlite3_file_control(connection_.get(), "main", SQLITE_FCNTL_DATA_VERSION, &now);
        if (data_version_ != 0 && now != data_version_) {
            base::log_warning("another program has written to the database");
        }
        data_version_ = now;
    }

    static void finish(Write item) {
        if (!item.guard) {
            item.done(std::move(item.outcome));
            return;
        }
        const auto executor = item.guard->get_executor();
        boost::asio::post(
            executor, [item = std::move(item)]() mutable { item.done(std::move(item.outcome)); });
    }

    // Who got an answer often asks again at once, and to be woken takes a good part of what a good
    // disk takes for an fdatasync. Others that want the core get it meanwhile.
    static constexpr std::chrono::microseconds kBeforeSleep{60};
    static constexpr std::size_t kGroup = 1024;  // at most so many closures in one commit
    Connection connection_;
    std::optional<Tx> tx_;
    std::optional<Command> begin_;
    std::optional<Command> commit_;
    std::optional<Command> savepoint_;
    std::optional<Command> release_;
    Queue<Write>& queue_;
    Rooms& rooms_;
    unsigned data_version_ = 0;
    std::thread thread_;  // last: starts when all else is there
};

class Reader {
  public:
    Reader(Connection connection, Queue<Read>& queue)
        : connection_(std::move(connection)),
          tx_(std::in_place, connection_.get()),
          queue_(queue),
          thread_([this] { serve(); }) {}
    ~Reader() {
        queue_.close();
        thread_.join();
        tx_.reset();
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

  private:
    void serve() {
        while (true) {
            auto taken = queue_.take(1, {});
            if (taken.empty()) {
                return;
            }
            Read item = std::move(taken.front());
            // One snapshot for all statements of the closure.
            sqlite3_exec(connection_.get(), "BEGIN", nullptr, nullptr, nullptr);
            Status ran = guarded([&]() -> Status {
                item.work(*tx_);
                return {};
            });
            sqlite3_exec(connection_.get(), "COMMIT", nullptr, nullptr, nullptr);
            if (!item.guard) {
                item.done(std::move(ran));
                continue;
            }
            const auto executor = item.guard->get_executor();
            boost::asio::post(executor, [item = std::move(item), ran = std::move(ran)]() mutable {
                item.done(std::move(ran));
            });
        }
    }

    Connection connection_;
    std::optional<Tx> tx_;
    Queue<Read>& queue_;
    std::thread thread_;
};

}  // namespace

// Destroyed from the bottom up: readers end, then the writer drains, checkpoints and closes, then
// the lock is given back.
struct Store::Parts {
    explicit Parts(boost::asio::io_context& io) : loop(io) {}
    boost::asio::io_context& loop;
    base::UniqueFd lock;
    Queue<Write> writes;
    Rooms rooms;
    Queue<Read> reads;
    std::optional<Writer> writer;
    std::array<std::optional<Reader>, kReaders> readers;
};

namespace {

// What the schema would refuse, a store that is wrong on purpose must be able to do.
Status weaken(sqlite3* connection) {
    if (base::broken("no-index")) {
        return execute(connection,
                       "DROP INDEX IF EXISTS lease_once_per_serial;"
                       "DROP TRIGGER IF EXISTS lease_begins;"
                       "DROP TRIGGER IF EXISTS serial_free_kept",
                       "break");
    }
    if (base::broken("no-proof")) {
        return execute(connection, "DROP TRIGGER IF EXISTS job_pass_is_proven", "break");
    }
    return {};
}

}  // namespace

Store::Store() = default;
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(boost::asio::io_context& loop,
                                           const std::filesystem::path& file,
                                           const BeforeMigration& before_migration) {
    auto lock = lock_for_writing(file);
    if (!lock) {
        return tl::unexpected<base::Error>(lock.error());
    }
    auto connection = open_connection(file, Access::write);
    if (!connection) {
        return tl::unexpected<base::Error>(connection.error());
    }
    if (auto migrated = migrate(connection->get(), file, before_migration); !migrated) {
        return tl::unexpected<base::Error>(migrated.error());
    }
    if (!base::breakable()) {
        if (auto sound = check_schema(connection->get(), file); !sound) {
            return tl::unexpected<base::Error>(sound.error());
        }
    }
    if (auto weakened = weaken(connection->get()); !weakened) {
        return tl::unexpected<base::Error>(weakened.error());
    }
    std::unique_ptr<Store> store(new Store);
    store->parts_ = std::make_unique<Parts>(loop);
    Parts& parts = *store->parts_;
    parts.lock = std::move(*lock);
    for (auto& reader : parts.readers) {
        auto reading = open_connection(file, Access::read);
        if (!reading) {
            return tl::unexpected<base::Error>(reading.error());
        }
        reader.emplace(std::move(*reading), parts.reads);
    }
    parts.writer.emplace(std::move(*connection), parts.writes, parts.rooms);
    return store;
}

void Store::enqueue_write(std::function<Status(Tx&)> work, std::function<void(Status)> done,
                          Share share) {
    parts_->writes.put(Write{std::move(work), std::move(done), Guard(parts_->loop.get_executor()),
                             share == Share::alone});
}

void Store::enqueue_read(std::function<void(Tx&)> work, std::function<void(Status)> done) {
    parts_->reads.put(Read{std::move(work), std::move(done), Guard(parts_->loop.get_executor())});
}

std::future<Status> Store::write_soon(std::function<Status(Tx&)> work, Share share) {
    auto finished = std::make_shared<std::promise<Status>>();
    auto outcome = finished->get_future();
    parts_->writes.put(Write{std::move(work),
                             [finished](Status status) { finished->set_value(std::move(status)); },
                             {},
                             share == Share::alone});
    return outcome;
}

Status Store::write_now(const std::function<Status(Tx&)>& work, Share share) {
    Waiter waiter(parts_->rooms);
    parts_->writes.put(
        Write{[&work](Tx& tx) { return work(tx); }, {}, {}, share == Share::alone, &waiter});
    return waiter.wait();
}

Status Store::read_now(const std::function<Status(Tx&)>& work) {
    std::promise<Status> finished;
    Status outcome;
    parts_->reads.put(Read{[&](Tx& tx) { outcome = work(tx); },
                           [&](Status ran) { finished.set_value(ran ? outcome : ran); },
                           {}});
    return finished.get_future().get();
}

}  // namespace lineside::db
