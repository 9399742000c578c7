// SPDX-License-Identifier: Apache-2.0
// A tool in a container by the calls of a tool on the host, over a lane that is a copy. Lanes that
// are an overlay need root: tests/workers/container_test.py.
#include "workers/container/runner.h"
#include "workers/container/fake_engine.h"
#include "workers/proof/testing/fake_station.h"

#include <gtest/gtest.h>

namespace lineside::container {
namespace {

using base::Json;
using base::Result;
using proof::testing::FakeStation;
using proof::testing::Heard;
using testing::FakeEngine;
using testing::kId;
using testing::kImage;
using worker::Stream;
using worker::Tool;
namespace fs = std::filesystem;

class RunnerTest : public ::testing::Test {
  protected:
    void SetUp() override {
        fs::create_directories(folder() / "tree");
        fs::create_directories(folder() / "lane/copy");
        ::setenv("LINESIDE_LANE_TREE", (folder() / "tree").c_str(), 1);
        ::setenv("LINESIDE_LANE_FOLDER", (folder() / "lane").c_str(), 1);
        ::setenv("LINESIDE_CONTAINERS", "reeplayer/camera-sw", 1);
        path_ = ::getenv("PATH");
        ::setenv("PATH", (folder().native() + ":" + path_).c_str(), 1);
    }
    void TearDown() override {
        ::setenv("PATH", path_.c_str(), 1);
        ::unsetenv("LINESIDE_LANE_TREE");
        ::unsetenv("LINESIDE_LANE_FOLDER");
        ::unsetenv("LINESIDE_CONTAINERS");
    }
    [[nodiscard]] const fs::path& folder() const { return engine_.folder(); }
    [[nodiscard]] RunnerPlan plan() const {
        return {Settings{kImage, "", "docker"}, "lane-A3", folder() / "lane/copy", PhasePlace()};
    }
    // Runs "./flash.sh -r"; `line` is called with what it says.
    Heard run(const RunnerPlan& plan, std::function<void(Runner&, std::string_view)> line = {}) {
        return station_.run([&](worker::Station& station) -> Result<Json> {
            auto runner = make_runner(station, plan, {});
            if (!runner) {
                return tl::unexpected(runner.error());
            }
            Call call;
            call.argv = {"./flash.sh", "-r"};
            call.set_env = {"USER=root"};
            call.drop_env = {"FAB"};
            call.input = base::Secret("hunter2\n");
            worker::ToolEvents events;
            events.line = [&](Stream, std::string_view text) {
                if (line) {
                    line(**runner, text);
                }
            };
            auto end = (*runner)->run(call, events);
            if (!end) {
                return tl::unexpected(end.error());
            }
            return Json{{"status", end->status},
                        {"killed", end->how == worker::ToolEnd::How::killed}};
        });
    }
    // The calls of the engine from that for the container on.
    [[nodiscard]] std::string from_run() const {
        const std::string all = engine_.calls();
        const auto at = all.find("\nrun|");
        return at == std::string::npos ? "" : all.substr(at + 1);
    }

    FakeEngine engine_;
    FakeStation station_;
    std::string path_;
};

TEST_F(RunnerTest, On_the_host_a_tool_runs_in_the_lane) {
    RunnerPlan host = plan();
    host.settings.reset();
    std::ofstream(folder() / "lane/copy/flash.sh")
        << "#!/bin/sh\nread word; echo \"$1 $USER ${FAB:-none} $word\" >said\n";
    fs::permissions(folder() / "lane/copy/flash.sh", fs::perms::owner_all);
    ::setenv("FAB", "100", 1);
    EXPECT_TRUE(run(host).outcome.ok);
    ::unsetenv("FAB");
    std::ifstream said(folder() / "lane/copy/said");
    std::string line;
    std::getline(said, line);
    EXPECT_EQ(line, "-r root none hunter2");
    EXPECT_EQ(engine_.calls(), "");
}

TEST_F(RunnerTest, In_a_container_over_a_copy) {
    engine_.write("run", "read word; echo \"got $word\"");
    std::string got;
    const Heard heard = run(plan(), [&](Runner& runner, std::string_view text) {
        got = text;
        EXPECT_EQ(runner.written(), folder() / "lane/copy");
    });
    ASSERT_TRUE(heard.outcome.ok) << heard.outcome.error.message;
    EXPECT_EQ(got, "got hunter2");
    const std::string at = folder().native();
    EXPECT_EQ(from_run(),
              "run|--rm|-i|--privileged|--network|host|-v|/dev/bus/usb:/dev/bus/usb|-v|" + at +
                  "/tree:/bsp:ro|--name|lane-A3|--pull|never|-v|" + at + "/lane/copy:" + at +
                  "/lane/copy|-e|USER=root|-w|" + at + "/lane/copy|--entrypoint|./flash.sh|" + kId +
                  "|-r|\n");
    EXPECT_EQ(heard.all<protocol::Phase>().front().name, "container");
    EXPECT_EQ(heard.text.find("hunter2"), std::string::npos);
    EXPECT_EQ(engine_.calls().find("hunter2"), std::string::npos);
}

TEST_F(RunnerTest, What_is_frozen_is_the_container_itself) {
    engine_.write("run", "echo hold; echo on");
    (void)run(plan(), [&](Runner& runner, std::string_view text) {
        if (text == "hold") {
            EXPECT_TRUE(runner.freeze());
            EXPECT_TRUE(from_run().ends_with("pause|lane-A3|\n"));
            EXPECT_TRUE(runner.thaw());
            EXPECT_TRUE(from_run().ends_with("unpause|lane-A3|\n"));
        }
    });
    engine_.write("pause", "exit 1");
    bool held = true;
    (void)run(plan(), [&](Runner& runner, std::string_view text) {
        held = text == "hold" ? runner.freeze().has_value() : held;
        (void)runner.thaw();
    });
    EXPECT_FALSE(held) << "an engine that cannot hold it says so";
}

TEST_F(RunnerTest, What_is_killed_is_removed_at_once) {
    engine_.write("run", "echo wrong; sleep 60");
    const Heard heard = run(plan(), [&](Runner& runner, std::string_view) {
        (void)runner.freeze();
        runner.kill(Tool::Way::at_once);
        // The first removal was refused, so it is not held any more and removed again.
        EXPECT_TRUE(from_run().ends_with(
            "pause|lane-A3|\nrm|--force|lane-A3|\nunpause|lane-A3|\nrm|--force|lane-A3|\n"));
    });
    EXPECT_EQ(heard.outcome.value.value("killed", false), true);
}

TEST_F(RunnerTest, Only_what_root_allows) {
    ::setenv("LINESIDE_CONTAINERS", "reeplayer/camera", 1);
    const Heard heard = run(plan());
    EXPECT_EQ(heard.outcome.error.code, "container.rights");
    EXPECT_NE(heard.outcome.error.message.find("helper.toml"), std::string::npos);
    ::unsetenv("LINESIDE_CONTAINERS");
    EXPECT_EQ(run(plan()).outcome.error.code, "container.rights");
    EXPECT_EQ(engine_.calls(), "") << "nothing was asked of the engine";
}

TEST_F(RunnerTest, A_lane_that_the_engine_cannot_have) {
    ::setenv("LINESIDE_LANE_FOLDER", (folder() / "nowhere").c_str(), 1);
    EXPECT_EQ(run(plan()).outcome.error.code, "lane.failed");
    ::unsetenv("LINESIDE_LANE_TREE");
    EXPECT_EQ(run(plan()).outcome.error.code, "lane.failed");
    EXPECT_EQ(from_run(), "");
}

}  // namespace
}  // namespace lineside::container
