// SPDX-License-Identifier: Apache-2.0
// Test fixture: a fresh store and vault in a folder of its own, and short ways to use them.
#pragma once

#include "serial-pool/staged_load.h"
#include "station/db/empty_database.h"
#include "station/db/store.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace lineside::serial_pool {

class PoolFixture : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "pool-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
        db::place_empty_database(folder / "station.db");
        store = db::Store::open(loop, folder / "station.db").value();
        vault.emplace(TokenVault::from_master(base::Secret(std::string(32, 'k'))).value());
    }
    void TearDown() override {
        store.reset();
        std::filesystem::remove_all(folder);
    }
    template <typename T>
    base::Result<T> run(const std::function<base::Result<T>(db::Tx&)>& work) {
        std::optional<base::Result<T>> result;
        const base::Status done = store->write_now([&](db::Tx& tx) -> base::Status {
            result.emplace(work(tx));
            return *result ? base::Status() : tl::unexpected<base::Error>(result->error());
        });
        EXPECT_TRUE(done || !*result) << done.error().message;
        return *result;
    }
    void sql(const std::string& text) {
        const base::Status done = store->write_now([&](db::Tx& tx) -> base::Status {
            auto ran = tx.run(text);
            return ran ? base::Status() : tl::unexpected<base::Error>(ran.error());
        });
        EXPECT_TRUE(done) << text << ": " << done.error().message;
    }
    // Stages and opens a batch; a file that is refused is batch.invalid.
    base::Result<StagedBatch> load(const std::string& pool, const std::string& batch,
                                   const std::string& csv, bool test_only = false) {
        BatchOptions options;
        options.test_only = test_only;
        LoadRequest request{pool, batch, test_only, 1'795'171'284'010, "ana"};
        auto outcome = stage_batch(*store, *vault, request, csv, options, stop);
        if (!outcome) {
            return tl::unexpected<base::Error>(outcome.error());
        }
        if (!outcome->staged) {
            return base::fail("batch.invalid");
        }
        auto opened =
            store->write_now([&](db::Tx& tx) { return open_batch(tx, outcome->staged->id); });
        EXPECT_TRUE(opened);
        return *outcome->staged;
    }
    boost::asio::io_context loop;
    std::filesystem::path folder;
    std::unique_ptr<db::Store> store;
    std::optional<TokenVault> vault;
    std::atomic<bool> stop{false};
};

}  // namespace lineside::serial_pool
