// SPDX-License-Identifier: Apache-2.0
// Costs of the pool, each run one JSON line; tests/perf/pool drives it. Exit 0, 1 it failed, 2
// usage.
//   lineside-perf-pool prepare DB LEASES        a station's database with that many free serials
//   lineside-perf-pool load DB CSV              one batch, with leases and reads meanwhile
//   lineside-perf-pool leases DB SECONDS        durable leases by one asker and by 64, and bare
//                                               appends, a second each in turns
#include "serial-pool/serial_pool.h"
#include "serial-pool/staged_load.h"
#include "station/base/files.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <thread>

namespace {

using namespace lineside;
using base::Json;
using Clock = std::chrono::steady_clock;

constexpr int kAskers = 64;

[[noreturn]] void give_up(const std::string& why) {
    std::cerr << "lineside-perf-pool: " << why << "\n";
    std::exit(1);
}
template <typename T>
T good(base::Result<T> result) {
    if (!result) {
        give_up(result.error().message);
    }
    return std::move(*result);
}
void good(const base::Status& status) {
    if (!status) {
        give_up(status.error().message);
    }
}

// CPU this process has used, in seconds.
double cpu_s() {
    rusage use{};
    ::getrusage(RUSAGE_SELF, &use);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(use.ru_utime) + seconds(use.ru_stime);
}

double s_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

Json milliseconds(std::vector<double> seconds) {
    std::sort(seconds.begin(), seconds.end());
    const auto at = [&](double part) {
        const auto place = static_cast<std::size_t>(part * static_cast<double>(seconds.size()));
        return seconds.empty() ? 0.0 : seconds[std::min(place, seconds.size() - 1)] * 1000;
    };
    return {{"p50_ms", at(0.5)}, {"p99_ms", at(0.99)}, {"max_ms", at(1)}, {"n", seconds.size()}};
}

class Bench {
  public:
    explicit Bench(const std::string& file)
        : file_(file), store_(good(db::Store::open(loop_, file))) {}

    db::Store& store() { return *store_; }
    const serial_pool::TokenVault& vault() const { return vault_; }
    void close() { store_.reset(); }

    // Units are there beforehand: a lease is what is measured. Each unit takes one.
    void next_units(int count) {
        good(store_->write_now([&](db::Tx& tx) -> base::Status {
            auto last = good(tx.one<std::int64_t>("SELECT coalesce(max(id), 0) FROM unit"));
            first_unit_ = std::get<0>(*last) + 1;
            good(tx.run(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) "
                "INSERT INTO unit (model, first_ms) SELECT 'm', 1 FROM n",
                count));
            return {};
        }));
        next_unit_ = first_unit_;
    }
    void lease() {
        const base::UnitId unit(next_unit_++);
        good(store_->write_now([unit](db::Tx& tx) -> base::Status {
            auto taken = serial_pool::reserve(tx, unit, base::OrderId(1), {});
            return taken ? base::Status() : tl::unexpected<base::Error>(taken.error());
        }));
    }
    // One durable append of 4 KiB on the same disk.
    void append() {
        static const int fd =
            ::open((file_ + ".append").c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
        static const std::string page(4096, 'x');
        if (fd < 0 || ::write(fd, page.data(), page.size()) != static_cast<ssize_t>(page.size()) ||
            ::fdatasync(fd) != 0) {
            give_up("cannot append");
        }
    }

  private:
    boost::asio::io_context loop_;
    std::string file_;
    std::unique_ptr<db::Store> store_;
    serial_pool::TokenVault vault_ =
        good(serial_pool::TokenVault::from_master(base::Secret(std::string(32, 'k'))));
    std::int64_t first_unit_ = 0;
    std::atomic<std::int64_t> next_unit_{0};
};

serial_pool::StagedBatch load(Bench& bench, const std::string& batch, std::string_view csv) {
    const std::atomic<bool> stop{false};
    auto outcome = good(serial_pool::stage_batch(bench.store(), bench.vault(),
                                                 {"p", batch, false, 1, "perf"}, csv, {}, stop));
    if (!outcome.staged) {
        give_up(outcome.check.dump().substr(0, 500));
    }
    good(bench.store().write_now(
        [&](db::Tx& tx) { return serial_pool::open_batch(tx, outcome.staged->id); }));
    return *outcome.staged;
}

int prepare(const std::string& file, int leases) {
    Bench bench(file);
    std::string csv;
    for (int i = 0; i < leases; ++i) {
        csv += fmt::format("FREE{:08},free-token-{}\n", i, i);
    }
    load(bench, "first", csv);
    good(bench.store().write_now([](db::Tx& tx) -> base::Status {
        good(
            tx.run("INSERT INTO orders (id, name, profile, model, pool_id, quantity, state, "
                   "opened_ms, opened_by) VALUES (1, 'o', 'p', 'm', 1, 1000000, 'open', 1, 'x')"));
        return {};
    }));
    return 0;
}

int load_batch(const std::string& file, const std::string& csv_file) {
    Bench bench(file);
    bench.next_units(20'000);
    std::vector<double> append;
    for (int i = 0; i < 200; ++i) {
        const auto begin = Clock::now();
        bench.append();
        append.push_back(s_since(begin));
    }
    std::atomic<bool> over{false};
    std::vector<double> leases;
    std::vector<double> reads;
    // Many more of both than a line of 64 units asks for.
    std::thread asker([&] {
        while (!over) {
            const auto begin = Clock::now();
            bench.lease();
            leases.push_back(s_since(begin));
            std::this_thread::sleep_until(begin + std::chrono::milliseconds(20));
        }
    });
    std::thread reader([&] {
        while (!over) {
            const auto begin = Clock::now();
            good(bench.store().read_now([&](db::Tx& tx) -> base::Status {
                auto found = serial_pool::lease_of_serial(tx, "FREE00000001");
                return found ? base::Status() : tl::unexpected<base::Error>(found.error());
            }));
            reads.push_back(s_since(begin));
            std::this_thread::sleep_until(begin + std::chrono::milliseconds(10));
        }
    });
    const auto begin = Clock::now();
    const std::string csv = good(base::read_file(csv_file, 512UL << 20U));
    const auto staged = load(bench, "big", csv);
    const double opened_s = s_since(begin);
    over = true;
    asker.join();
    reader.join();
    const auto closing = Clock::now();
    bench.close();
    rusage use{};
    ::getrusage(RUSAGE_SELF, &use);
    std::cout << Json{{"rows", staged.count},
                      {"open_s", opened_s},
                      {"closed_s", opened_s + s_since(closing)},
                      {"rss_mib", static_cast<double>(use.ru_maxrss) / 1024},
                      {"fdatasync", milliseconds(append)},
                      {"leases", milliseconds(leases)},
                      {"reads", milliseconds(reads)}}
                     .dump()
              << "\n";
    return 0;
}

int measure_leases(const std::string& file, int seconds) {
    Bench bench(file);
    bench.next_units(100'000 * seconds);
    double bare = 0;
    double one = 0;
    double many = 0;
    std::array<double, 3> cpu{};
    std::array<double, 3> done{};
    std::vector<std::int64_t> of(kAskers, 0);
    const auto for_a_second = [](const auto& work) {
        const auto begin = Clock::now();
        while (Clock::now() - begin < std::chrono::seconds(1)) {
            work();
        }
        return s_since(begin);
    };
    for (int i = 0; i < 3 * seconds; ++i) {
        std::int64_t n = 0;
        const auto what = static_cast<std::size_t>(i % 3);
        const double cpu_before = cpu_s();
        if (i % 3 == 0) {
            const double s = for_a_second([&] {
                bench.append();
                ++n;
            });
            bare += static_cast<double>(n) / s;
        } else if (i % 3 == 1) {
            const double s = for_a_second([&] {
                bench.lease();
                ++n;
            });
            one += static_cast<double>(n) / s;
        } else {
            std::vector<std::thread> askers;
            const auto begin = Clock::now();
            for (int a = 0; a < kAskers; ++a) {
                askers.emplace_back([&, a] {
                    while (Clock::now() - begin < std::chrono::seconds(1)) {
                        bench.lease();
                        ++of[static_cast<std::size_t>(a)];
                    }
                });
            }
            for (std::thread& each : askers) {
                each.join();
            }
            many += 1 / s_since(begin);  // per asker and second, times what they got
        }
        cpu[what] += cpu_s() - cpu_before;
        done[what] += static_cast<double>(n);
    }
    std::int64_t sum = 0;
    for (const std::int64_t each : of) {
        sum += each;
    }
    done[2] = static_cast<double>(sum);
    const auto [least, most] = std::minmax_element(of.begin(), of.end());
    many *= static_cast<double>(sum) / seconds;
    std::cout << Json{{"bare_per_s", bare / seconds},
                      {"one_per_s", one / seconds},
                      {"askers", kAskers},
                      {"many_per_s", many / seconds},
                      {"least", *least},
                      {"most", *most},
                      {"cpu_us",  // of a bare append, of a lease by one, by one of many
                       {cpu[0] / done[0] * 1e6, cpu[1] / done[1] * 1e6, cpu[2] / done[2] * 1e6}}}
                     .dump()
              << "\n";
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() == 3 && words[0] == "prepare") {
        return prepare(words[1], std::stoi(words[2]));
    }
    if (words.size() == 3 && words[0] == "load") {
        return load_batch(words[1], words[2]);
    }
    if (words.size() == 3 && words[0] == "leases") {
        return measure_leases(words[1], std::stoi(words[2]));
    }
    std::cerr << "usage: lineside-perf-pool prepare DB LEASES | load DB CSV | leases DB SECONDS\n";
    return 2;
}
