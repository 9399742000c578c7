// SPDX-License-Identifier: Apache-2.0
#include "workers/media/check/check_commands.h"
#include "station/base/json.h"
#include "workers/media/formats/bmap.h"
#include "workers/media/formats/recipe.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace lineside::media {
namespace {

namespace fs = std::filesystem;

class Check : public ::testing::Test {
  protected:
    Check() { fs::create_directories(folder_); }
    ~Check() override { fs::remove_all(folder_); }

    fs::path holding(const std::string& name, const std::string& content) {
        std::ofstream(folder_ / name, std::ios::binary) << content;
        return folder_ / name;
    }

    // The exit status; what it says must be JSON with a verdict and a reason.
    static int rejected(int status, const std::ostringstream& out) {
        const auto answer = base::Json::parse(out.str());
        EXPECT_EQ(answer.at("verdict"), "reject");
        EXPECT_FALSE(answer.at("errors").empty());
        return status;
    }

    const fs::path folder_ = fs::path(::testing::TempDir()) / "lineside_check_test";
    std::ostringstream out_, err_;
};

TEST_F(Check, AFileThatIsTooLongIsRejectedHoweverLong) {
    for (const std::size_t bytes : {kMaxRecipeBytes + 1, 20 * kMaxRecipeBytes}) {
        out_.str("");
        const auto file = holding("board.yml", std::string(bytes, '#'));
        EXPECT_EQ(rejected(run_check_recipe(file, true, out_, err_), out_), 1) << bytes;
    }
    out_.str("");
    const auto udev = holding("events.json", std::string(64 << 20, ' '));
    EXPECT_EQ(rejected(run_check_udev(udev, true, out_, err_), out_), 1);
}

TEST_F(Check, WhatIsNotThereIsUnreadable) {
    EXPECT_EQ(rejected(run_check_recipe(folder_ / "none.yml", true, out_, err_), out_), 2);
    out_.str("");
    EXPECT_EQ(rejected(run_check_recipe(folder_, true, out_, err_), out_), 2);  // a folder
    out_.str("");
    EXPECT_EQ(rejected(run_check_bmap(folder_ / "none.bmap", {}, true, out_, err_), out_), 2);
}

}  // namespace
}  // namespace lineside::media
