// SPDX-License-Identifier: Apache-2.0
#include "station/db/store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace lineside::db {
namespace {

using base::Result;
using base::Status;

class StoreTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "store-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
        store = Store::open(loop, folder / "station.db").value();
    }
    void TearDown() override {
        store.reset();
        std::filesystem::remove_all(folder);
    }
    // Adds a pool row and tells through `log` when its result was posted.
    void add_pool(const std::string& name, bool fail = false) {
        store->write<std::int64_t>(
            [=](Tx& tx) -> Result<std::int64_t> {
                auto id = tx.insert("INSERT INTO pool (name) VALUES (?1)", name);
                if (id && fail) {
                    return base::fail("request.refused", "no");
                }
                return id;
            },
            [=, this](Result<std::int64_t> id) {
                log.push_back(name + (id ? " ok" : " " + id.error().code));
            });
    }
    std::vector<std::string> pools() {
        std::vector<std::string> names;
        EXPECT_TRUE(store->read_now([&](Tx& tx) -> Status {
            const auto rows = tx.all<std::string>("SELECT name FROM pool ORDER BY id").value();
            for (const auto& [name] : rows) {
                names.push_back(name);
            }
            return {};
        }));
        return names;
    }

    boost::asio::io_context loop;
    std::filesystem::path folder;
    std::unique_ptr<Store> store;
    std::vector<std::string> log;
};

TEST_F(StoreTest, Results_come_in_order_and_only_on_the_loop) {
    for (int i = 0; i < 100; ++i) {
        add_pool(std::to_string(i));
    }
    EXPECT_TRUE(log.empty());
    loop.run();  // returns by itself: work guards end with the last result
    ASSERT_EQ(log.size(), 100U);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(log[static_cast<std::size_t>(i)], std::to_string(i) + " ok");
    }
    EXPECT_EQ(pools().size(), 100U);
}

TEST_F(StoreTest, Failing_closure_undoes_only_itself) {
    add_pool("a");
    add_pool("b", true);
    add_pool("c");
    loop.run();
    EXPECT_EQ(log, (std::vector<std::string>{"a ok", "b request.refused", "c ok"}));
    EXPECT_EQ(pools(), (std::vector<std::string>{"a", "c"}));
}

TEST_F(StoreTest, Exception_in_a_closure_is_an_error_and_undone) {
    int bugs = 0;
    store->write<int>(
        [](Tx& tx) -> Result<int> {
            (void)tx.run("INSERT INTO pool (name) VALUES ('x')");
            throw std::runtime_error("oops");
        },
        [&](Result<int> r) { bugs += !r && r.error().code == "station.bug" ? 1 : 0; });
    store->read<int>([](Tx&) -> Result<int> { throw std::runtime_error("oops"); },
                     [&](Result<int> r) { bugs += !r && r.error().code == "station.bug" ? 1 : 0; });
    loop.run();
    EXPECT_EQ(bugs, 2);
    EXPECT_TRUE(pools().empty());
}

TEST_F(StoreTest, What_waits_is_committed_together) {
    // The first closure holds the writer until the others wait; those then share one commit.
    std::promise<void> go;
    store->write<int>(
        [&](Tx&) -> Result<int> {
            go.get_future().wait();
            return 0;
        },
        [](Result<int>) {});
    const auto changes = [this] {
        std::int64_t frames = 0;
        EXPECT_TRUE(store->read_now([&](Tx&) -> Status {
            frames =
                static_cast<std::int64_t>(std::filesystem::file_size(folder / "station.db-wal")) /
                4120;
            return {};
        }));
        return frames;
    };
    const auto before = changes();
    for (int i = 0; i < 500; ++i) {
        add_pool(std::to_string(i));
    }
    go.set_value();
    loop.run();
    EXPECT_EQ(log.size(), 500U);
    EXPECT_LT(changes() - before, 40);  // 500 single commits would write 1,000 frames or more
}

TEST_F(StoreTest, Closure_that_wants_to_be_alone_is_so_and_in_order) {
    const auto add_alone = [&](const std::string& name, bool fail) {
        store->write<int>(
            [=](Tx& tx) -> Result<int> {
                EXPECT_TRUE(tx.insert("INSERT INTO pool (name) VALUES (?1)", name));
                return fail ? base::fail("request.refused") : Result<int>(1);
            },
            [=, this](Result<int> r) { log.push_back(name + (r ? " ok" : " " + r.error().code)); },
            Store::Share::alone);
    };
    add_pool("a");
    add_alone("b", false);
    add_alone("c", true);
    add_pool("d", true);
    add_pool("e");
    add_alone("f", false);
    loop.run();
    EXPECT_EQ(log, (std::vector<std::string>{"a ok", "b ok", "c request.refused",
                                             "d request.refused", "e ok", "f ok"}));
    EXPECT_EQ(pools(), (std::vector<std::string>{"a", "b", "e", "f"}));
}

TEST_F(StoreTest, Reader_sees_what_was_committed_and_cannot_write) {
    add_pool("a");
    loop.run();
    bool told = false;
    store->read<std::int64_t>(
        [](Tx& tx) -> Result<std::int64_t> {
            auto wrote = tx.run("INSERT INTO pool (name) VALUES ('b')");
            EXPECT_FALSE(wrote);
            auto row = tx.one<std::int64_t>("SELECT count(*) FROM pool");
            return std::get<0>(**row);
        },
        [&](Result<std::int64_t> n) {
            EXPECT_EQ(n.value(), 1);
            told = true;
        });
    loop.restart();
    loop.run();
    EXPECT_TRUE(told);
}

TEST_F(StoreTest, Long_read_delays_neither_write_nor_other_read) {
    std::promise<void> end_read;
    bool slow_done = false;
    store->read<int>(
        [&](Tx&) -> Result<int> {
            end_read.get_future().wait();
            return 1;
        },
        [&](Result<int>) { slow_done = true; });
    add_pool("a");
    while (log.empty()) {
        loop.run_one();
    }
    EXPECT_FALSE(slow_done);
    EXPECT_EQ(pools().size(), 1U);
    end_read.set_value();
    loop.run();
    EXPECT_TRUE(slow_done);
}

TEST_F(StoreTest, Destructor_finishes_what_was_accepted) {
    for (int i = 0; i < 50; ++i) {
        add_pool(std::to_string(i));
    }
    store.reset();
    loop.run();
    EXPECT_EQ(log.size(), 50U);
    EXPECT_FALSE(std::filesystem::exists(folder / "station.db-wal"));
    store = Store::open(loop, folder / "station.db").value();
    EXPECT_EQ(pools().size(), 50U);
}

TEST_F(StoreTest, Full_disk_is_told_undone_and_got_over) {
    add_pool("before");
    loop.run();
    // Shrinks the file's limit to what it has: the next page is one too many, as on a full disk.
    ASSERT_TRUE(store->write_now([](Tx& tx) -> Status {
        sqlite3_exec(tx.connection(), "PRAGMA max_page_count = 1", nullptr, nullptr, nullptr);
        return {};
    }));
    const std::string big(100'000, 'x');
    const auto add_big = [&](Tx& tx) -> Status {
        auto done = tx.run("INSERT INTO pool (name) VALUES (?1)", big);
        return done ? Status() : tl::unexpected<base::Error>(done.error());
    };
    const Status full = store->write_now(add_big);
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, "disk.full");
    EXPECT_EQ(pools(), (std::vector<std::string>{"before"}));
    ASSERT_TRUE(store->write_now([](Tx& tx) -> Status {
        sqlite3_exec(tx.connection(), "PRAGMA max_page_count = 100000", nullptr, nullptr, nullptr);
        return {};
    }));
    EXPECT_TRUE(store->write_now(add_big));
    EXPECT_EQ(pools().size(), 2U);
}

TEST_F(StoreTest, Many_threads_may_wait_for_their_commits) {
    std::vector<std::thread> askers;
    askers.reserve(8);
    for (int t = 0; t < 8; ++t) {
        askers.emplace_back([&, t] {
            for (int i = 0; i < 50; ++i) {
                EXPECT_TRUE(store->write_now([&](Tx& tx) -> Status {
                    auto id = tx.insert("INSERT INTO pool (name) VALUES (?1)",
                                        std::to_string(t) + "-" + std::to_string(i));
                    return id ? Status() : tl::unexpected<base::Error>(id.error());
                }));
            }
        });
    }
    for (auto& asker : askers) {
        asker.join();
    }
    EXPECT_EQ(pools().size(), 400U);
}

}  // namespace
}  // namespace lineside::db
