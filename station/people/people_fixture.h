// SPDX-License-Identifier: Apache-2.0
// For tests only: people over a real database file, with a cheap hash and a clock that the test
// turns.
#pragma once

#include "station/db/empty_database.h"
#include "station/db/file_fixture.h"
#include "station/people/people.h"

#include <gtest/gtest.h>

namespace lineside::people {

class PeopleFixture : public db::FileTest {
  protected:
    void SetUp() override {
        db::FileTest::SetUp();
        db::place_empty_database(file);
        begin();
        ASSERT_TRUE(store->write_now([](Tx& tx) -> Status {
            auto row = tx.run("INSERT INTO station (id, name, created_ms) VALUES (1, 'st', 0)");
            return row ? Status() : tl::unexpected<base::Error>(row.error());
        }));
    }
    void TearDown() override {
        people.reset();
        store.reset();
        db::FileTest::TearDown();
    }
    // Another life of the service on the same file.
    void begin() {
        people.reset();
        store.reset();
        store = std::move(db::Store::open(loop, file).value());
        people = std::make_unique<People>(
            PeopleParts{loop, *store, clock,
                        [this] {
                            return journal::Stamp{clock.wall_ms(), 0, "b", 1};
                        },
                        HashCost{1, 8192}, std::chrono::hours(8)});
        ASSERT_TRUE(people->start());
        people->on_ended([this](std::int64_t session) { ended.push_back(session); });
    }
    template <typename T>
    T wait(const std::function<void(std::function<void(T)>)>& call) {
        std::optional<T> got;
        call([&](T result) { got = std::move(result); });
        while (!got) {
            loop.restart();
            loop.run_one();
        }
        return std::move(*got);
    }

    base::FakeClock clock;
    std::unique_ptr<db::Store> store;
    std::unique_ptr<People> people;
    std::vector<std::int64_t> ended;  // sessions
};

}  // namespace lineside::people
