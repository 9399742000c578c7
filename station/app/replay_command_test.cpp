// SPDX-License-Identifier: Apache-2.0
#include "station/app/replay_command.h"

#include "station/base/files.h"
#include "station/base/json.h"
#include "workers/protocol/recording.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fmt/format.h>

#include <filesystem>
#include <sstream>

namespace lineside::app {
namespace {

class ReplayCommand : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::path(testing::TempDir()) / fmt::format("replay-{}", ::getpid());
        std::filesystem::create_directories(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string file(const std::string& name, const std::string& text) {
        EXPECT_TRUE(base::replace_file(folder_ / name, text));
        return (folder_ / name).string();
    }
    static std::string begins(int step, const std::string& name, int job = 7) {
        protocol::JobLine line;
        line.job = job;
        line.step = name;
        line.step_index = step;
        line.slot = "3";
        line.secrets["ssh_password"] = "hunter2";
        return protocol::record_out(5, line);
    }
    int run(const std::vector<std::string>& files) {
        out_.str("");
        err_.str("");
        return replay(files, true, out_, err_);
    }
    [[nodiscard]] std::vector<base::Json> said() const {
        std::vector<base::Json> lines;
        std::istringstream in(out_.str());
        for (std::string line; std::getline(in, line);) {
            lines.push_back(base::Json::parse(line));
        }
        return lines;
    }
    std::filesystem::path folder_;
    std::ostringstream out_, err_;
};

constexpr const char* kOk = R"({"ev":"result","ok":true})";

}  // namespace

TEST_F(ReplayCommand, Tells_states_with_their_times_and_no_pass) {
    const auto flash = file(
        "a",
        begins(1, "flash") +
            protocol::record_in(10,
                                R"({"ev":"phase","name":"write","index":1,"of":1,"weight":100})") +
            protocol::record_in(2000, R"({"ev":"progress","done":47,"total":100,"unit":"%"})") +
            protocol::record_in(9000, kOk));
    const auto wait = file("b", begins(2, "wait-unit") + protocol::record_in(4000, kOk));
    ASSERT_EQ(run({flash, wait}), 0) << err_.str();
    const auto lines = said();
    ASSERT_GE(lines.size(), 5U) << out_.str();
    EXPECT_EQ(lines.front()["state"], "flashing");
    const auto at = [&](std::int64_t ms) {
        for (const auto& line : lines) {
            if (line["at_ms"] == ms) {
                return line;
            }
        }
        return base::Json();
    };
    EXPECT_EQ(at(2000)["percent"], 47);
    EXPECT_EQ(at(2000)["phase"], "write");
    EXPECT_EQ(at(9000)["state"], "awaiting_boot");
    EXPECT_EQ(lines.back()["at_ms"], 13'000) << "the second follows the first";
    EXPECT_EQ(lines.back()["verdict"], nullptr);
    EXPECT_FALSE(lines.back()["why_none"].is_null());
    EXPECT_EQ(out_.str().find("hunter2"), std::string::npos);
    ASSERT_EQ(run({flash}), 0);
    EXPECT_EQ(said().back()["state"], "awaiting_boot");
}

TEST_F(ReplayCommand, Verdict_of_a_failure_is_the_engines) {
    const auto bad = file(
        "a",
        begins(1, "flash") +
            protocol::record_in(
                700,
                R"({"ev":"result","ok":false,"error":{"code":"unit.fused","kind":"unit","message":"fused","hint":"","retry":false}})"));
    ASSERT_EQ(run({bad}), 0);
    EXPECT_EQ(said().back()["verdict"], "FAIL");
    EXPECT_EQ(said().back()["code"], "unit.fused");
    ASSERT_EQ(run({file("b", begins(1, "flash") + protocol::record_in(5, "no message"))}), 0);
    EXPECT_EQ(said().back()["code"], "worker.died");
}

TEST_F(ReplayCommand, What_is_no_recording_is_refused_with_its_line) {
    EXPECT_EQ(run({file("a", begins(1, "flash") + "{oops\n")}), 2);
    EXPECT_NE(err_.str().find("a:2: "), std::string::npos) << err_.str();
    EXPECT_EQ(run({"/nonexistent"}), 2);
    EXPECT_EQ(run({file("b", protocol::record_in(5, kOk))}), 2);
    EXPECT_NE(err_.str().find("no job line"), std::string::npos);
    EXPECT_EQ(run({file("c", begins(1, "flash")), file("d", begins(2, "wait-unit", 8))}), 2);
    EXPECT_NE(err_.str().find("of job 8"), std::string::npos) << err_.str();
}

}  // namespace lineside::app
