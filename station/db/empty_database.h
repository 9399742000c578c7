// SPDX-License-Identifier: Apache-2.0
// Test fixture: a database of this schema with nothing in it. The migrations make it once in a
// process; each test has a copy.
#pragma once

#include "station/db/connection.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace lineside::db {

inline std::string empty_database() {
    std::string folder = testing::TempDir() + "empty-XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    const auto file = std::filesystem::path(folder) / "station.db";
    {
        const auto made = open_connection(file, Access::write);
        EXPECT_TRUE(made && migrate(made->get(), file));
    }
    std::ifstream in(file, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    std::filesystem::remove_all(folder);
    return bytes;
}

// `file` as a station has it behind its first start.
inline void place_empty_database(const std::filesystem::path& file) {
    static const std::string kEmpty = empty_database();
    std::ofstream(file, std::ios::binary) << kEmpty;
}

}  // namespace lineside::db
