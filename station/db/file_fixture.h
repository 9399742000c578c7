// SPDX-License-Identifier: Apache-2.0
// Test fixture: a database file in a folder of its own, and a sqlite3 shell on it.
#pragma once

#include "station/db/connection.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace lineside::db {

class FileTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "db-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
        file = folder / "station.db";
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    void shell(const std::string& sql) const {
        sqlite3* raw = nullptr;
        ASSERT_EQ(sqlite3_open(file.c_str(), &raw), SQLITE_OK);
        const Connection connection(raw);
        const auto ran = execute(raw, sql.c_str(), sql);
        EXPECT_TRUE(ran) << ran.error().message;
    }
    boost::asio::io_context loop;
    std::filesystem::path folder;
    std::filesystem::path file;
};

}  // namespace lineside::db
