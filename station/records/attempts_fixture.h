// SPDX-License-Identifier: Apache-2.0
// Test fixture: a database of attempts as a test tells them; times in hours.
#pragma once

#include "station/db/connection.h"
#include "station/db/empty_database.h"
#include "station/db/file_fixture.h"
#include "station/db/store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace lineside::records {

inline constexpr std::int64_t kHour = 3'600'000;

class AttemptsTest : public db::FileTest {
  protected:
    void SetUp() override {
        db::FileTest::SetUp();
        db::place_empty_database(file);
        connection = std::move(db::open_connection(file, db::Access::write).value());
        // What a PASS must have is another test's matter.
        run("DROP TRIGGER job_pass_is_proven");
        run("INSERT INTO pool (id, name) VALUES (1, 'p')");
        run("INSERT INTO orders (id, name, profile, model, pool_id, quantity, state, opened_ms, "
            "opened_by) VALUES (1, 'o1', 'pr', 'nx', 1, 5, 'open', 0, 'x'), (2, 'o2', 'pr', 'nx', "
            "1, 5, 'open', 0, 'x')");
    }
    void TearDown() override {
        connection.reset();
        db::FileTest::TearDown();
    }
    void run(const std::string& sql) {
        const auto ran = db::execute(connection.get(), sql.c_str(), sql);
        ASSERT_TRUE(ran) << ran.error().message;
    }
    // Returns the job's number.
    int attempt(int unit, const std::string& slot, const std::string& outcome, double hour,
                const std::string& code = "", int order = 1) {
        ++job;
        run(
            fmt::format("INSERT OR IGNORE INTO unit (id, model, first_ms) SELECT {0}, 'nx', 0 "
                        "WHERE NOT EXISTS (SELECT 1 FROM unit WHERE id = {0})",
                        unit));
        run(fmt::format(
            "INSERT INTO job (id, unit_id, order_id, slot, port, attempt, epoch, state, "
            "image_key, actor, started_ms, started_mono_ns, boot) VALUES ({}, {}, {}, "
            "'{}', 'x', 1, 1, 's', '{}', 'a', {}, 0, 'b')",
            job, unit, order, slot, image, static_cast<std::int64_t>(began * kHour)));
        run(
            fmt::format("UPDATE job SET outcome = '{}', code = nullif('{}', ''), ended_ms = {} "
                        "WHERE id = {}",
                        outcome, code, static_cast<std::int64_t>(hour * kHour), job));
        return job;
    }
    void step(int of, int index, const std::string& name, double seconds) {
        run(
            fmt::format("INSERT INTO step (job_id, idx, name, method, attempt, started_ms, "
                        "ended_ms, outcome) VALUES ({}, {}, '{}', 'm', 1, 0, {}, 'ok')",
                        of, index, name, static_cast<std::int64_t>(seconds * 1000)));
    }
    db::Connection connection;
    int job = 0;
    std::string image = "img";  // of the next attempt
    double began = 0;           // hour in which the next attempt begins
};

}  // namespace lineside::records
