// SPDX-License-Identifier: Apache-2.0
// The station's one SQLite file. A writer thread owns the only writing connection: it takes every
// closure that waits, runs each in its own savepoint inside one BEGIN IMMEDIATE … COMMIT (group
// commit, first in first out), and posts each result back to the io_context only after the commit
// is durable (WAL, synchronous=FULL). Reader threads serve pages, each read from one snapshot, so a
// long query never delays a lease and one long export never delays a page. Thread: write() and
// read() from the io_context's thread; closures run on the db threads and touch nothing but their
// Tx and what they own; `done` runs on the io_context's thread, which is kept busy (work guard)
// while something is queued.   Durable: yes, when `done` is called without error. Failure of one
// closure undoes that closure alone; failure of the commit fails its whole group. On a full disk
// closures fail with disk.full, and work again once there is space. Lifetime: the io_context
// outlives the Store; what the destructor still finishes is posted to it.
#pragma once

#include "station/base/error.h"
#include "station/db/query.h"

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <functional>
#include <future>
#include <memory>

namespace lineside::db {

class Store {
  public:
    // Opens or creates `file`, applies pragmas, migrates (each version in one transaction).
    // `before_migration` is called before rows of an older schema are changed: a backup.
    // Errors: db.failed (damaged, newer schema, network file system, locked by another writer).
    using BeforeMigration = std::function<base::Status(sqlite3*, int from_version)>;
    [[nodiscard]] static base::Result<std::unique_ptr<Store>> open(
        boost::asio::io_context& loop, const std::filesystem::path& file,
        const BeforeMigration& before_migration = {});
    ~Store();  // waits for what was accepted, then checkpoints
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    // How a closure shares its transaction with others.
    enum class Share {
        group,  // one commit for all that wait, a savepoint for each
        alone,  // a transaction of its own: for a closure that writes very much (a savepoint would
                // keep a copy of each page it changes)
    };

    template <typename T>
    void write(std::function<base::Result<T>(Tx&)> work, std::function<void(base::Result<T>)> done,
               Share share = Share::group) {
        auto slot = std::make_shared<base::Result<T>>();
        enqueue_write(
            [slot, work = std::move(work)](Tx& tx) -> base::Status {
                *slot = work(tx);
                if (!*slot) {
                    return tl::unexpected<base::Error>(slot->error());
                }
                return {};
            },
            [slot, done = std::move(done)](base::Status committed) {
                if (!committed && *slot) {
                    done(tl::unexpected<base::Error>(
                        committed.error()));  // the commit itself failed
                } else {
                    done(std::move(*slot));
                }
            },
            share);
    }

    template <typename T>
    void read(std::function<base::Result<T>(Tx&)> work, std::function<void(base::Result<T>)> done) {
        auto slot = std::make_shared<base::Result<T>>();
        enqueue_read([slot, work = std::move(work)](Tx& tx) { *slot = work(tx); },
                     [slot, done = std::move(done)](base::Status ran) {
                         if (!ran) {
                             done(tl::unexpected<base::Error>(ran.error()));  // it threw
                         } else {
                             done(std::move(*slot));
                         }
                     });
    }

    // The outcome of `work` once it is committed, for a thread of its own that has other things to
    // do meanwhile (a load).   Thread: any but the db threads.
    [[nodiscard]] std::future<base::Status> write_soon(std::function<base::Status(Tx&)> work,
                                                       Share share = Share::group);
    // Waits until `work` has run and is committed: for start-up, before the loop runs, threads of
    // their own and tests.   Thread: any but the db threads.
    [[nodiscard]] base::Status write_now(const std::function<base::Status(Tx&)>& work,
                                         Share share = Share::group);
    [[nodiscard]] base::Status read_now(const std::function<base::Status(Tx&)>& work);

  private:
    Store();
    void enqueue_write(std::function<base::Status(Tx&)> work,
                       std::function<void(base::Status)> done, Share share);
    void enqueue_read(std::function<void(Tx&)> work, std::function<void(base::Status)> done);
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace lineside::db
