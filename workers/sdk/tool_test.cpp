// SPDX-License-Identifier: Apache-2.0
// Real processes: small shell scripts that do what vendor tools have been seen to do.
#include "workers/sdk/tool.h"

#include "workers/sdk/orphans.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include <fstream>
#include <sstream>

namespace lineside::worker {
namespace {

using namespace std::chrono_literals;

class ToolTest : public testing::Test {
  protected:
    void SetUp() override {
        folder_ =
            std::filesystem::temp_directory_path() / ("tool-test-" + std::to_string(::getpid()));
        std::filesystem::create_directories(folder_);
        std::array<int, 2> ends{};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        other_.reset(ends[0]);
        station_.emplace(ends[1]);
        std::fflush(nullptr);
        real_stdout_.reset(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10));
        const base::UniqueFd log(
            ::open(log_file().c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
        ::dup2(log.get(), STDOUT_FILENO);
    }
    void TearDown() override {
        std::fflush(nullptr);
        ::dup2(real_stdout_.get(), STDOUT_FILENO);
        std::filesystem::remove_all(folder_);
    }
    [[nodiscard]] std::filesystem::path log_file() const { return folder_ / "log"; }
    [[nodiscard]] std::string logged() const {
        std::ifstream file(log_file(), std::ios::binary);
        std::stringstream text;
        text << file.rdbuf();
        return text.str();
    }
    ToolEnd run(const std::string& script, ToolLimits limits, ToolEvents events = {}) {
        if (!events.line) {
            events.line = [&](Stream stream, std::string_view line) {
                lines_.push_back((stream == Stream::err ? "err:" : "out:") + std::string(line));
            };
        }
        Tool tool(*station_, limits);
        tool_ = &tool;
        auto end =
            tool.run({{"/bin/sh", "-c", script}, folder_, inherited_env({"USER=root"})}, events);
        EXPECT_TRUE(end) << end.error().message;
        EXPECT_TRUE(children().empty()) << "something is left of: " << script;
        return end ? *end : ToolEnd{};
    }
    void say(const protocol::FromStation& message) {
        const auto line = protocol::format(message);
        ASSERT_GT(::write(other_.get(), line.data(), line.size()), 0);
    }

    std::filesystem::path folder_;
    base::UniqueFd other_;
    std::optional<Station> station_;
    base::UniqueFd real_stdout_;
    std::vector<std::string> lines_;
    Tool* tool_ = nullptr;
};

ToolLimits quick() {
    return {.silence = 5s, .total = 20s, .term_grace = 300ms, .drain = 300ms};
}

}  // namespace

TEST_F(ToolTest, Gives_lines_of_both_pipes_and_logs_every_byte) {
    const auto end = run(
        R"(printf 'a 018%%\ra 100%%\r\n'; sleep 0.1; printf 'noise\n' >&2; sleep 0.1; printf 'rest\377'; exit 3)",
        quick());
    EXPECT_EQ(end.how, ToolEnd::How::exited);
    EXPECT_EQ(end.status, 3);
    EXPECT_EQ(lines_,
              (std::vector<std::string>{"out:a 018%", "out:a 100%", "err:noise", "out:rest\377"}));
    EXPECT_EQ(logged(), "a 018%\ra 100%\r\nnoise\nrest\377");
}

TEST_F(ToolTest, Runs_in_its_folder_with_its_environment_and_no_stdin) {
    run("pwd; echo $USER; cat; ls /proc/self/fd | wc -l", quick());
    ASSERT_EQ(lines_.size(), 3U);
    EXPECT_EQ(lines_[0], "out:" + folder_.string());
    EXPECT_EQ(lines_[1], "out:root");
    EXPECT_EQ(lines_[2], "out:4") << "0, 1, 2 and the folder ls reads";
}

TEST_F(ToolTest, Reads_its_input_from_memory_and_then_the_end) {
    Tool tool(*station_, quick());
    ToolEvents events;
    events.line = [&](Stream, std::string_view line) { lines_.emplace_back(line); };
    Command command{{"/bin/sh", "-c", "IFS= read -r a; echo \"<$a>\"; cat; readlink /proc/$$/fd/0"},
                    folder_,
                    inherited_env({}),
                    base::Secret("one secret\ntwo\n")};
    const auto end = tool.run(command, events);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->status, 0);
    ASSERT_EQ(lines_.size(), 3U);
    EXPECT_EQ(lines_[0], "<one secret>");
    EXPECT_EQ(lines_[1], "two");
    EXPECT_NE(lines_[2].find("memfd:"), std::string::npos) << "never on a disk";
}

TEST_F(ToolTest, Missing_tool_is_an_error) {
    Tool tool(*station_, quick());
    EXPECT_EQ(tool.run({{"./nothing"}, folder_, {}}, {}).error().code, "tool.missing");
    EXPECT_EQ(tool.run({{"/bin/sh"}, folder_ / "nowhere", {}}, {}).error().code, "tool.missing");
}

TEST_F(ToolTest, Death_by_signal_is_told_from_exit) {
    const auto end = run("kill -9 $$", quick());
    EXPECT_EQ(end.how, ToolEnd::How::signalled);
    EXPECT_EQ(end.signal, SIGKILL);
}

TEST_F(ToolTest, Silent_tool_is_ended_with_its_children) {
    auto limits = quick();
    limits.silence = 300ms;
    const auto end = run("sh -c 'sleep 60' & sleep 60", limits);
    EXPECT_EQ(end.how, ToolEnd::How::silent);
    EXPECT_LT(end.took, 3s);
}

TEST_F(ToolTest, Tool_that_ignores_sigterm_is_killed) {
    auto limits = quick();
    limits.silence = 300ms;
    const auto end = run("trap '' TERM; while true; do sleep 0.2; done", limits);
    EXPECT_EQ(end.how, ToolEnd::How::silent);
    EXPECT_LT(end.took, 3s);
}

TEST_F(ToolTest, Dots_without_newline_are_no_silence) {
    auto limits = quick();
    limits.silence = 400ms;
    const auto end = run("for i in 1 2 3 4 5 6 7 8; do printf .; sleep 0.1; done", limits);
    EXPECT_EQ(end.how, ToolEnd::How::exited);
}

TEST_F(ToolTest, Slow_tool_is_ended) {
    auto limits = quick();
    limits.total = 400ms;
    const auto end = run("while true; do echo x; sleep 0.05; done", limits);
    EXPECT_EQ(end.how, ToolEnd::How::overdue);
}

TEST_F(ToolTest, Double_forked_daemon_in_its_own_session_is_killed_after_the_tool) {
    const auto end =
        run("(setsid sh -c 'sleep 60' </dev/null >/dev/null 2>&1 &) ; (setsid sleep 61 &); exit 0",
            quick());
    EXPECT_EQ(end.how, ToolEnd::How::exited);
    EXPECT_EQ(end.status, 0);
    EXPECT_GE(end.orphans, 2U);
}

TEST_F(ToolTest, Double_forked_daemon_is_killed_with_a_silent_tool) {
    auto limits = quick();
    limits.silence = 300ms;
    const auto end = run("(setsid sh -c 'sleep 60' &) ; sleep 60", limits);
    EXPECT_EQ(end.how, ToolEnd::How::silent);
    EXPECT_GE(end.orphans, 1U);
}

TEST_F(ToolTest, What_dies_with_a_tool_we_ended_was_not_left_behind) {
    auto limits = quick();
    limits.silence = 1s;
    // Much memory takes the kernel long to give back: it is still dying when we look.
    const auto end =
        run("(x=$(head -c 100M /dev/zero | tr '\\0' a); echo; sleep 60) & wait", limits);
    EXPECT_EQ(end.how, ToolEnd::How::silent);
    EXPECT_EQ(end.orphans, 0U);
}

TEST_F(ToolTest, Stop_ends_the_tool) {
    say(protocol::Stop{"operator", 5});
    const auto end = run("sleep 60", quick());
    EXPECT_EQ(end.how, ToolEnd::How::stopped);
    EXPECT_LT(end.took, 3s);
}

TEST_F(ToolTest, Station_that_hangs_up_ends_the_tool) {
    other_.reset();
    EXPECT_EQ(run("sleep 60", quick()).how, ToolEnd::How::stopped);
}

TEST_F(ToolTest, Method_may_kill_at_a_line_before_the_next_effect) {
    ToolEvents events;
    events.line = [&](Stream, std::string_view line) {
        if (line == "Board ID") {
            tool_->kill(Tool::Way::at_once);
        }
    };
    const auto end = run("echo Board ID; sleep 0.3; touch written", quick(), events);
    EXPECT_EQ(end.how, ToolEnd::How::killed);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "written"));
}

TEST_F(ToolTest, Frozen_tool_does_nothing_and_its_clocks_stand_still) {
    auto limits = quick();
    limits.silence = 400ms;
    ToolEvents events;
    events.line = [&](Stream, std::string_view line) {
        if (line == "BR_CID") {
            tool_->freeze();
            EXPECT_TRUE(station_->pause(700ms));
            EXPECT_FALSE(std::filesystem::exists(folder_ / "written"));
            tool_->thaw();
        }
    };
    const auto end = run("echo BR_CID; sleep 0.2; touch written", limits, events);
    EXPECT_EQ(end.how, ToolEnd::How::exited);
    EXPECT_TRUE(std::filesystem::exists(folder_ / "written"));
}

TEST_F(ToolTest, Frozen_tool_can_be_killed) {
    ToolEvents events;
    events.line = [&](Stream, std::string_view) {
        tool_->freeze();
        tool_->kill(Tool::Way::at_once);
    };
    EXPECT_EQ(run("echo x; sleep 60", quick(), events).how, ToolEnd::How::killed);
}

TEST_F(ToolTest, Flood_is_taken_whole) {
    std::size_t lines = 0;
    ToolEvents events;
    events.line = [&](Stream, std::string_view) { ++lines; };
    run("seq 200000", quick(), events);
    EXPECT_EQ(lines, 200'000U);
}

TEST_F(ToolTest, Worker_keeps_the_station_informed_while_the_tool_is_quiet) {
    protocol::JobLine job;
    job.job = 1;
    job.step = "flash";
    job.silence_s = 1;
    say(job);
    ASSERT_TRUE(station_->take_job(1s));
    run("sleep 1.2", quick());
    std::array<char, 4096> bytes{};
    const auto got = ::recv(other_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    ASSERT_GT(got, 0);
    const std::string_view text(bytes.data(), static_cast<std::size_t>(got));
    EXPECT_GE(std::count(text.begin(), text.end(), '\n'), 3);
}

}  // namespace lineside::worker
