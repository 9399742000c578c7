// SPDX-License-Identifier: Apache-2.0
// The truth store without the rest: askers take leases and confirm them as fast as they can,
// through the same commits as the service's, and each confirmed lease is told on stdout with one
// write when its commit has returned.
//   lineside-store-driver FOLDER [--askers N] [--leases M] [--load COUNT]
// FOLDER/station.db is made when it is not there; --load puts so many serials in first; M = 0
// confirms none, without --leases it goes on until it is killed. Exit 0 done, 1 with a sentence on
// stderr. What it tells, one a line: "confirmed SERIAL UNIT". lineside-store-driver-broken is the
// same with stores that are wrong on purpose (station/base/broken.h).
#include "serial-pool/staged_load.h"
#include "station/base/text.h"
#include "station/db/store.h"
#include "station/engine/job_commits.h"
#include "station/journal/recovery.h"

#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace lineside::driver {
namespace {

using base::Result;
using base::Status;
using db::Tx;

const std::string kDigest(64, 'a');

[[noreturn]] void give_up(const base::Error& error) {
    std::fprintf(stderr, "store-driver: %s: %s\n", error.code.c_str(), error.message.c_str());
    std::_Exit(1);
}

template <typename T>
T must(Result<T> result) {
    if (!result) {
        give_up(result.error());
    }
    return std::move(*result);
}

struct Life {
    db::Store& store;
    const serial_pool::TokenVault& vault;
    journal::Stamp stamp;
    base::OrderId order;
    std::int64_t left = -1;  // leases still to be asked for; below 0 = no end
};

// One lease after the other: reserved, issued, heard, the job closed; four commits.
class Asker {
  public:
    Asker(Life& life, int number) : life_(life), slot_(std::to_string(number)) {}

    void next() {
        if (life_.left == 0) {
            return;
        }
        life_.left -= life_.left > 0 ? 1 : 0;
        write<engine::Reservation>(
            [this](Tx& tx) -> Result<engine::Reservation> {
                auto opened = journal::open_job(
                    tx, life_.stamp,
                    {slot_, "port-" + slot_, "xavier-nx", life_.order, "", "driver", std::nullopt});
                if (!opened) {
                    return tl::unexpected<base::Error>(opened.error());
                }
                job_ = opened->job;
                unit_ = opened->unit;
                auto reserved = engine::commit_reserve(tx, life_.stamp, job_, unit_, slot_, {});
                auto bound = engine::commit_bind_chip(tx, life_.stamp, job_, unit_, slot_,
                                                      fmt::format("0x88{:030x}", unit_.value), {});
                return bound ? reserved : tl::unexpected<base::Error>(bound.error());
            },
            [this](const auto&) { issue(); });
    }

  private:
    template <typename T>
    void write(std::function<Result<T>(Tx&)> work, std::function<void(const T&)> done) {
        life_.store.write<T>(std::move(work), [done = std::move(done)](Result<T> result) {
            done(must(std::move(result)));
        });
    }

    void issue() {
        write<engine::Issued>(
            [this](Tx& tx) {
                return engine::commit_issue(tx, life_.vault, life_.stamp, job_, unit_, slot_, {});
            },
            [this](const engine::Issued& issued) {
                serial_ = issued.issued.lease.value;
                hear();
            });
    }

    void hear() {
        write<engine::ProofCommitted>(
            [this](Tx& tx) -> Result<engine::ProofCommitted> {
                auto image = engine::commit_image_proof(tx, life_.stamp, job_, slot_, kDigest,
                                                        {{"digest", kDigest}});
                if (!image) {
                    return image;
                }
                return engine::commit_serial_proof(tx, life_.stamp, job_, unit_, slot_, serial_);
            },
            [this](const auto&) { close(); });
    }

    void close() {
        write<std::int64_t>(
            [this](Tx& tx) {
                return journal::close_job(tx, life_.stamp, job_, slot_,
                                          {core::Outcome::pass, std::nullopt});
            },
            [this](const auto&) {
                const std::string line = fmt::format("confirmed {} {}\n", serial_, unit_.value);
                if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) {
                    std::_Exit(1);
                }
                next();
            });
    }

    Life& life_;
    const std::string slot_;
    base::JobId job_;
    base::UnitId unit_;
    std::string serial_;
};

Status make_order(Tx& tx) {
    auto there = tx.one<std::int64_t>("SELECT 1 FROM orders");
    if (!there || *there) {
        return there ? Status() : tl::unexpected<base::Error>(there.error());
    }
    for (const char* text :
         {"INSERT INTO pool (name) VALUES ('serials')",
          "INSERT INTO orders (name, profile, model, pool_id, quantity, state, opened_ms, "
          "opened_by) VALUES ('o', 'p', 'xavier-nx', 1, 1000000, 'open', 1, 'driver')"}) {
        if (auto ran = tx.run(text); !ran) {
            return tl::unexpected<base::Error>(ran.error());
        }
    }
    return {};
}

// What was open when the power went is over; its slots are free again.
Status close_interrupted(Tx& tx, const journal::Stamp& stamp, const journal::Recovered& recovered) {
    for (const auto& job : recovered.interrupted) {
        auto closed =
            journal::close_job(tx, stamp, job.job, job.slot,
                               {core::Outcome::aborted, base::make_error("station.restarted")});
        if (!closed) {
            return tl::unexpected<base::Error>(closed.error());
        }
    }
    return {};
}

void load(db::Store& store, const serial_pool::TokenVault& vault, int count) {
    std::string csv = "serial\n";
    for (int number = 0; number < count; ++number) {
        csv += fmt::format("P-{:06}\n", number);
    }
    serial_pool::BatchOptions options;
    options.test_only = true;
    const std::atomic<bool> stop{false};
    const auto outcome = must(serial_pool::stage_batch(
        store, vault, {"serials", "b", true, 1, "driver"}, csv, options, stop));
    if (!outcome.staged) {
        give_up(base::make_error("batch.invalid"));
    }
    const auto opened =
        store.write_now([&](Tx& tx) { return serial_pool::open_batch(tx, outcome.staged->id); });
    if (!opened) {
        give_up(opened.error());
    }
}

void run(const std::filesystem::path& folder, int askers, std::int64_t leases, int count) {
    boost::asio::io_context loop(1);
    const auto store = must(db::Store::open(loop, folder / "station.db"));
    const auto vault =
        must(serial_pool::TokenVault::from_master(base::Secret(std::string(32, 'k'))));
    Life life{*store, vault, {1'000'000, 5, "boot", 0}, base::OrderId(1), leases};
    const auto begun = store->write_now([&](Tx& tx) -> Status {
        auto recovered = journal::recover(tx, life.stamp, "driver");
        if (!recovered) {
            return tl::unexpected<base::Error>(recovered.error());
        }
        life.stamp.epoch = recovered->epoch;
        auto closed = close_interrupted(tx, life.stamp, *recovered);
        return closed ? make_order(tx) : closed;
    });
    if (!begun) {
        give_up(begun.error());
    }
    if (count > 0) {
        load(*store, vault, count);
    }
    std::vector<std::unique_ptr<Asker>> all;
    for (int number = 1; number <= askers; ++number) {
        all.push_back(std::make_unique<Asker>(life, number));
        all.back()->next();
    }
    loop.run();
}

}  // namespace
}  // namespace lineside::driver

int main(int argc, char** argv) {
    int askers = 4;
    int count = 0;
    std::int64_t leases = -1;
    bool good = argc >= 2 && argc % 2 == 0;
    for (int i = 2; good && i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        const auto value = lineside::base::to_int(argv[i + 1]);
        good = value && *value >= 0;
        if (good && name == "--askers") {
            askers = static_cast<int>(*value);
        } else if (good && name == "--leases") {
            leases = *value;
        } else if (good && name == "--load") {
            count = static_cast<int>(*value);
        } else {
            good = false;
        }
    }
    if (!good) {
        std::fprintf(stderr,
                     "usage: lineside-store-driver FOLDER [--askers N] [--leases M] [--load N]\n");
        return 2;
    }
    lineside::driver::run(argv[1], askers, leases, count);
    return 0;
}
