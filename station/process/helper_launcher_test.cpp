// SPDX-License-Identifier: Apache-2.0
// Workers started through a real root helper. Needs root.
#include "station/process/helper_launcher.h"

#include "station/helper/test_helper.h"

#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>

namespace lineside::process {
namespace {

using namespace std::chrono_literals;
using helper::testing::HelperProcess;
using helper::testing::read_file;

constexpr const char* kHello =
    R"(echo '{"ev":"hello","v":1,"method":"t","version":"1","silence_s":30}' >&3; read -r job <&3)";
constexpr const char* kOk = R"(echo '{"ev":"result","ok":true}' >&3)";

class HelperLauncherTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (const std::string reason = helper::testing::skip_reason(); !reason.empty()) {
            GTEST_SKIP() << reason;
        }
        helper_ = std::make_unique<HelperProcess>(LINESIDE_HELPER_BINARY);
        helper_->method("wait", fmt::format("{}\necho up; setsid sleep 1000 & sleep 1000", kHello),
                        "root = true\n");
        helper_->method("good",
                        fmt::format("{}\necho \"$job\"; ls $LINESIDE_LANE; {}", kHello, kOk),
                        "root = true\n");
        launcher_options_.socket = helper_->socket;
        launcher_options_.state = [this](bool there) { states_.push_back(there); };
    }
    HelperLauncher& launcher() {
        if (!launcher_) {
            launcher_ = std::make_unique<HelperLauncher>(loop_.get_executor(), launcher_options_);
        }
        return *launcher_;
    }
    std::shared_ptr<Worker> start(int job, const std::string& method,
                                  const std::string& image = "") {
        WorkerSpec spec;
        spec.job = job;
        spec.step = 1;
        spec.method = method;
        spec.image = image;
        spec.lane = !image.empty();
        spec.job_line.job = job;
        spec.job_line.step = "t";
        spec.job_line.secrets = {{"ssh_password", "geheim42"}};
        spec.log_file = helper_->folder / fmt::format("logs/{}.log", job);
        WorkerEvents events;
        events.hello = [this, job](const protocol::Hello&) { hellos_.push_back(job); };
        events.end = [this, job](WorkerEnd end) { ends_.emplace(job, std::move(end)); };
        return launcher().start(std::move(spec), std::move(events));
    }
    bool run_until(const std::function<bool()>& wanted, std::chrono::milliseconds within = 10s) {
        const auto until = std::chrono::steady_clock::now() + within;
        while (!wanted() && std::chrono::steady_clock::now() < until) {
            loop_.restart();
            loop_.run_for(5ms);
        }
        return wanted();
    }
    base::Status cleaned(int job) {
        std::optional<base::Status> result;
        launcher().clean(job, [&](base::Status status) { result = status; });
        run_until([&] { return result.has_value(); });
        return result.value_or(base::fail("station.bug", "no answer"));
    }

    boost::asio::io_context loop_{1};
    std::unique_ptr<HelperProcess> helper_;
    HelperOptions launcher_options_;
    std::unique_ptr<HelperLauncher> launcher_;
    std::vector<bool> states_;
    std::vector<int> hellos_;
    std::multimap<int, WorkerEnd> ends_;
};

}  // namespace

TEST_F(HelperLauncherTest, Worker_runs_in_its_lane_and_ends_well) {
    ASSERT_TRUE(helper_->start());
    const auto worker = start(7, "good", helper_->image('a'));
    ASSERT_TRUE(run_until([&] { return !ends_.empty(); }));
    const WorkerEnd& end = ends_.begin()->second;
    EXPECT_TRUE(end.outcome.ok) << end.outcome.error.message;
    EXPECT_EQ(end.redactions, 1);
    const std::string log = read_file(helper_->folder / "logs/7.log");
    EXPECT_NE(log.find("file\nsub\n"), std::string::npos) << log;
    EXPECT_EQ(log.find("geheim42"), std::string::npos);
    EXPECT_TRUE(cleaned(7));
    EXPECT_TRUE(std::filesystem::is_empty(helper_->folder / "lanes"));
}

TEST_F(HelperLauncherTest, Killed_worker_is_told_and_its_children_are_gone) {
    ASSERT_TRUE(helper_->start());
    const auto worker = start(7, "wait", helper_->image('a'));
    ASSERT_TRUE(run_until([&] { return !hellos_.empty(); }));
    std::vector<pid_t> pids;
    ASSERT_TRUE(run_until([&] { return (pids = helper_->processes_of(7)).size() >= 3; }));
    for (const pid_t pid : pids) {
        ::kill(pid, SIGKILL);
    }
    ASSERT_TRUE(run_until([&] { return !ends_.empty(); }));
    EXPECT_EQ(ends_.begin()->second.outcome.error.code, "worker.died");
    EXPECT_TRUE(helper_->processes_of(7).empty());
}

TEST_F(HelperLauncherTest, Stop_of_a_deaf_worker_ends_everything) {
    ASSERT_TRUE(helper_->start());
    helper_->method("deaf", fmt::format("trap '' TERM; {}\nwhile :; do sleep 0.1; done", kHello));
    launcher_options_.limits.kill_after_term = 100ms;
    const auto worker = start(7, "deaf");
    ASSERT_TRUE(run_until([&] { return !hellos_.empty(); }));
    worker->stop("operator", 100ms);
    ASSERT_TRUE(run_until([&] { return !ends_.empty(); }));
    EXPECT_TRUE(ends_.begin()->second.stopped);
    EXPECT_EQ(ends_.begin()->second.outcome.error.code, "worker.died");
    EXPECT_TRUE(helper_->processes_of(7).empty());
}

TEST_F(HelperLauncherTest, Lost_helper_ends_every_worker_and_the_next_one_is_found) {
    ASSERT_TRUE(helper_->start());
    std::vector<std::shared_ptr<Worker>> workers;
    for (int job = 7; job < 11; ++job) {
        workers.push_back(start(job, "wait"));
    }
    ASSERT_TRUE(run_until([&] { return hellos_.size() == 4; }));
    helper_->stop(SIGKILL);
    ASSERT_TRUE(run_until([&] { return ends_.size() == 4; }));
    for (const auto& [job, end] : ends_) {
        EXPECT_EQ(end.outcome.error.code, "helper.lost") << job;
    }
    ends_.clear();
    const auto late = start(20, "good");  // asked for while there is no helper
    ASSERT_TRUE(helper_->start());
    ASSERT_TRUE(run_until([&] { return !ends_.empty(); }));
    EXPECT_TRUE(ends_.begin()->second.outcome.ok) << ends_.begin()->second.outcome.error.message;
    EXPECT_EQ(states_, (std::vector<bool>{true, false, true}));
}

TEST_F(HelperLauncherTest, Without_a_helper_a_worker_ends_with_helper_lost) {
    const auto worker = start(7, "good");
    ASSERT_TRUE(run_until([&] { return !ends_.empty(); }));
    EXPECT_EQ(ends_.begin()->second.outcome.error.code, "helper.lost");
}

TEST_F(HelperLauncherTest, Refusals_of_the_helper_are_the_workers_end) {
    ASSERT_TRUE(helper_->start());
    const auto absent = start(7, "absent");
    const auto no_image = start(8, "good", std::string(64, 'f'));
    ASSERT_TRUE(run_until([&] { return ends_.size() == 2; }));
    EXPECT_EQ(ends_.find(7)->second.outcome.error.code, "worker.spawn");
    EXPECT_EQ(ends_.find(8)->second.outcome.error.code, "image.broken");
    EXPECT_TRUE(std::filesystem::is_empty(helper_->folder / "lanes"));
}

TEST_F(HelperLauncherTest, Sixty_four_workers_at_once) {
    ASSERT_TRUE(helper_->start());
    const std::string image = helper_->image('a');
    std::vector<std::shared_ptr<Worker>> workers;
    for (int job = 1; job <= 64; ++job) {
        workers.push_back(start(job, "good", image));
    }
    ASSERT_TRUE(run_until([&] { return ends_.size() == 64; }, 60s));
    for (const auto& [job, end] : ends_) {
        EXPECT_TRUE(end.outcome.ok) << job << end.outcome.error.message;
        EXPECT_TRUE(cleaned(job));
    }
    EXPECT_TRUE(std::filesystem::is_empty(helper_->folder / "lanes"));
}

}  // namespace lineside::process
