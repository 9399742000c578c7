// SPDX-License-Identifier: Apache-2.0
#include "serial-pool/batch_load.h"

#include "serial-pool/check_batch.h"
#include "serial-pool/pool_fixture.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace lineside::serial_pool {
namespace {

using base::Json;

class BatchLoadTest : public PoolFixture {};

TEST_F(BatchLoadTest, Key_is_checked_against_what_is_stored) {
    const auto sealed = [&] {
        return run<bool>([](db::Tx& tx) { return sealed_tokens(tx); }).value();
    };
    const auto check = [&](const TokenVault& with) {
        return store->read_now([&](db::Tx& tx) { return check_key(tx, with); }).has_value();
    };
    const TokenVault other = TokenVault::from_master(base::Secret(std::string(32, 'o'))).value();
    EXPECT_FALSE(sealed());
    EXPECT_TRUE(check(other));
    ASSERT_TRUE(load("p0", "test", "T1\n", true));
    EXPECT_FALSE(sealed());
    ASSERT_TRUE(load("p1", "b1", "S1,t1\n"));
    EXPECT_TRUE(sealed());
    EXPECT_TRUE(check(*vault));
    EXPECT_FALSE(check(other));
}

class CheckBatchTest : public PoolFixture {
  protected:
    int check(const std::string& csv, bool against = false, bool test_only = false) {
        std::ofstream(folder / "x.csv") << csv;
        CheckBatchArguments arguments;
        arguments.file = folder / "x.csv";
        arguments.test_only = test_only;
        arguments.json = true;
        if (against) {
            arguments.against = folder / "station.db";
        }
        std::ostringstream out;
        std::ostringstream err;
        const int code = run_check_batch(arguments, out, err);
        json = Json::parse(out.str());
        return code;
    }
    Json json;
};

TEST_F(CheckBatchTest, Exit_code_and_json) {
    EXPECT_EQ(check("S1,t1\nS1,t1\n"), 0);
    EXPECT_EQ(json["verdict"], "accept");
    EXPECT_EQ(json["count"], 1);
    EXPECT_EQ(json["warnings"].size(), 1U);
    EXPECT_EQ(check("S1\n"), 1);
    EXPECT_EQ(json["verdict"], "reject");
    EXPECT_EQ(json["count"], 0);
    EXPECT_EQ(json["errors"][0]["line"], 1);
    EXPECT_EQ(json["errors"][0]["field"], "token");
    EXPECT_EQ(json["errors"][0]["file"], (folder / "x.csv").string());
    EXPECT_EQ(check("S1\n", false, true), 0);
}

TEST_F(CheckBatchTest, Against_a_running_station_and_a_stopped_one) {
    ASSERT_TRUE(load("p1", "b1", "S1,t1\n"));
    EXPECT_EQ(check("s1,t9\n", true), 1);
    EXPECT_EQ(check("S2,t2\n", true), 0);
    store.reset();
    EXPECT_EQ(check("s1,t9\n", true), 1);
    EXPECT_EQ(check("S2,t2\n", true), 0);
    EXPECT_FALSE(std::filesystem::exists(folder / "station.db-wal"));
    EXPECT_FALSE(std::filesystem::exists(folder / "station.db-shm"));
}

TEST_F(CheckBatchTest, What_is_not_there_is_usage) {
    CheckBatchArguments arguments;
    arguments.file = folder / "none.csv";
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(run_check_batch(arguments, out, err), 2);
    EXPECT_TRUE(out.str().empty());
    EXPECT_NE(err.str().find("none.csv"), std::string::npos);
    arguments.json = true;
    EXPECT_EQ(run_check_batch(arguments, out, err), 2);
    EXPECT_EQ(Json::parse(out.str())["verdict"], "reject");
    std::ofstream(folder / "x.csv") << "S1,t1\n";
    arguments.file = folder / "x.csv";
    arguments.against = folder / "none.db";
    EXPECT_EQ(run_check_batch(arguments, out, err), 2);
    EXPECT_FALSE(std::filesystem::exists(folder / "none.db"));
}

TEST_F(CheckBatchTest, Text_for_people) {
    std::ofstream(folder / "x.csv") << "S1,t1\nS 2,t2\n";
    CheckBatchArguments arguments;
    arguments.file = folder / "x.csv";
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(run_check_batch(arguments, out, err), 1);
    EXPECT_NE(out.str().find("x.csv:2:1: error: the serial holds a blank"), std::string::npos)
        << out.str();
}

}  // namespace
}  // namespace lineside::serial_pool
