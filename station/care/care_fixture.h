// SPDX-License-Identifier: Apache-2.0
// For tests only: a data folder with a station's first day in it.
#pragma once

#include "serial-pool/seal_keys.h"
#include "station/care/data_folder.h"
#include "station/db/empty_database.h"
#include "station/db/store.h"
#include "station/journal/journal.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

namespace lineside::care {

namespace fs = std::filesystem;

class CareFixture : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "care-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
        data = std::make_unique<DataFolder>(folder / "data");
        fs::create_directories(data->path / "logs");
        key_file = folder / "station.key";
        vault.emplace(serial_pool::TokenVault::open(key_file, true).value());
        db::place_empty_database(data->database());
        store = db::Store::open(loop, data->database()).value();
        ASSERT_TRUE(mark_initialised(*data, 1));
        sql("INSERT INTO station (id, name, created_ms) VALUES (1, 'st', 0)");
        ASSERT_TRUE(write([&](db::Tx& tx) -> base::Status {
            auto settled = serial_pool::settle_keys(tx, *vault, 1);
            return settled ? base::Status() : tl::unexpected<base::Error>(settled.error());
        }));
        sql("INSERT INTO pool (id, name) VALUES (1, 'p')");
        add_batch(1, "b", 40);
        sql("INSERT INTO orders (id, name, profile, model, pool_id, quantity, state, opened_ms, "
            "opened_by) VALUES (1, 'o', 'pr', 'nx', 1, 500, 'open', 0, 'x')");
        event("station.started");
    }
    void TearDown() override {
        store.reset();
        fs::remove_all(folder);
    }
    base::Status write(const std::function<base::Status(db::Tx&)>& work) {
        return store->write_now(work);
    }
    void sql(const std::string& text) {
        const base::Status done = write([&](db::Tx& tx) -> base::Status {
            auto ran = tx.run(text);
            return ran ? base::Status() : tl::unexpected<base::Error>(ran.error());
        });
        ASSERT_TRUE(done) << text << ": " << done.error().message;
    }
    void event(const std::string& kind) {
        const base::Status done = write([&](db::Tx& tx) -> base::Status {
            auto seq = journal::append(tx, {++now_ms, 1, "boot", 1},
                                       {kind, "", {}, {}, "", base::Json::object()});
            return seq ? base::Status() : tl::unexpected<base::Error>(seq.error());
        });
        ASSERT_TRUE(done) << done.error().message;
    }
    // Serials <name>-001 … with tokens; opened.
    void add_batch(int id, const std::string& name, int count) {
        const base::Status done = write([&](db::Tx& tx) -> base::Status {
            auto made = tx.run(
                "INSERT INTO batch (id, pool_id, name, test_only, loaded_ms, loaded_by, "
                "file_sha256, count) VALUES (?1, 1, ?2, 0, 0, 'x', 'y', ?3)",
                id, name, count);
            for (int i = 1; made && i <= count; ++i) {
                const std::string serial = fmt::format("{}-{:03}", name, i);
                const auto sealed = vault->seal(base::Secret("t" + serial), {serial, name}).value();
                const auto mac = vault->mac("t" + serial).value();
                made = tx.run(
                    "INSERT INTO serial (batch_id, value, value_key, token_sealed, token_mac) "
                    "VALUES (?1, ?2, ?3, ?4, ?5)",
                    id, serial, serial, db::Blob{sealed}, db::Blob{mac});
            }
            if (made) {
                made = tx.run("UPDATE batch SET state = 'open' WHERE id = ?1", id);
            }
            return made ? base::Status() : tl::unexpected<base::Error>(made.error());
        });
        ASSERT_TRUE(done) << done.error().message;
    }
    // A unit's attempt that got the first free serial and moved its lease along `states`.
    void make_unit(int id, std::initializer_list<const char*> states) {
        sql(
            fmt::format("INSERT INTO unit (id, chip_id, model, first_ms) VALUES ({0}, 'chip{0}', "
                        "'nx', 0)",
                        id));
        sql(fmt::format(
            "INSERT INTO job (id, unit_id, order_id, slot, port, attempt, epoch, state, actor, "
            "started_ms, started_mono_ns, boot) VALUES ({0}, {0}, 1, 's{0}', 'x', 1, 1, "
            "'flashing', 'a', 0, 0, 'b')",
            id));
        sql(fmt::format(
            "INSERT INTO lease (serial_id, unit_id, job_id, state, epoch, at_ms) SELECT "
            "id, {0}, {0}, 'reserved', 1, 0 FROM serial WHERE free = 1 ORDER BY "
            "batch_id, id LIMIT 1",
            id));
        for (const char* state : states) {
            sql(fmt::format("UPDATE lease SET state = '{}' WHERE unit_id = {}", state, id));
        }
        event("lease.moved");
        fs::create_directories(data->logs() / std::to_string(id));
    }
    boost::asio::io_context loop;
    fs::path folder;
    fs::path key_file;
    std::unique_ptr<DataFolder> data;
    std::optional<serial_pool::TokenVault> vault;
    std::unique_ptr<db::Store> store;
    std::int64_t now_ms = 1'790'000'000'000;
};

}  // namespace lineside::care
