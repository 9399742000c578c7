// SPDX-License-Identifier: Apache-2.0
// The station's one SQLite file. A writer thread owns the only writing connection: it takes every
// closure that waits, runs each in its own savepoint inside one BEGIN IMMEDIATE … COMMIT (group
// commit, first in first out), and posts each result back to the io_context only after the commit is
// durable (WAL, synchronous=FULL). A reader thread serves pages, so a long query never delays a lease.
// Thread: write() and read() from the io_context's thread; closures run on the db threads and touch
// nothing but their Tx and what they own; `done` runs on the io_context's thread.
// Durable: yes, when `done` is called without error.
#pragma once

#include "station/base/error.h"
#include "station/db/query.h"

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <functional>
#include <memory>

namespace lineside::db {

class Store {
  public:
    // Opens or creates `file`, applies pragmas, migrates (each version in one transaction).
    // Errors: db.failed (damaged, newer schema, network file system, locked by another writer).
    [[nodiscard]] static base::Result<std::unique_ptr<Store>> open(boost::asio::io_context& loop,
                                                                   const std::filesystem::path& file);
    ~Store();  // waits for what was accepted, then checkpoints

    template <typename T>
    void write(std::function<base::Result<T>(Tx&)> work, std::function<void(base::Result<T>)> done) {
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
                    done(tl::unexpected<base::Error>(committed.error()));  // the commit itself failed
                } else {
                    done(std::move(*slot));
                }
            });
    }

    template <typename T>
    void read(std::function<base::Result<T>(Tx&)> work, std::function<void(base::Result<T>)> done) {
        auto slot = std::make_shared<base::Result<T>>();
        enqueue_read([slot, work = std::move(work)](Tx& tx) { *slot = work(tx); },
                     [slot, done = std::move(done)] { done(std::move(*slot)); });
    }

    // Runs `work` and commits on the calling thread: for start-up, before the loop runs, and tests.
    [[nodiscard]] base::Status write_now(const std::function<base::Status(Tx&)>& work);
    [[nodiscard]] base::Status read_now(const std::function<base::Status(Tx&)>& work);

  private:
    Store();
    void enqueue_write(std::function<base::Status(Tx&)> work, std::function<void(base::Status)> done);
    void enqueue_read(std::function<void(Tx&)> work, std::function<void()> done);
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace lineside::db
