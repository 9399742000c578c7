// SPDX-License-Identifier: Apache-2.0
// The whole way with a stand-in for the engine's command line.
#include "workers/container/containers.h"
#include "workers/container/fake_engine.h"
#include "workers/proof/testing/fake_station.h"

#include <gtest/gtest.h>

namespace lineside::container {
namespace {

using namespace std::chrono_literals;
using proof::testing::FakeStation;
using proof::testing::Heard;
using How = worker::ToolEnd::How;
using testing::FakeEngine;
using testing::kDigest;
using testing::kId;
using testing::kImage;

class ContainersTest : public ::testing::Test {
  protected:
    void write(const std::string& name, const std::string& text) const {
        engine_.write(name, text);
    }
    [[nodiscard]] std::string calls() const { return engine_.calls(); }
    [[nodiscard]] std::string engine() const { return engine_.program(); }
    static RunPlan plan() {
        RunPlan plan;
        plan.name = "lane-A3";
        plan.tree = "/srv/bsp";
        plan.command = {"./flash.sh", "-r"};
        return plan;
    }
    // Finds the engine, prepares the image, flashes.
    Heard flash(const std::string& digest = "", worker::ToolLimits limits = {}) {
        return station_.run([&](worker::Station& station) -> base::Result<base::Json> {
            station.phase("container", 1, 1, 1);
            Containers containers(station, {3s, 5s, 10s, 2s});
            auto found = containers.find(engine());
            if (!found) {
                return tl::unexpected(found.error());
            }
            auto image = containers.prepare(*found, kImage, digest);
            if (!image) {
                return tl::unexpected(image.error());
            }
            worker::ToolEvents events;
            events.line = [&](worker::Stream, std::string_view line) {
                station.fact("line", line);
            };
            worker::Tool tool(station, limits);
            auto end = containers.run(*found, *image, plan(), tool, events);
            if (!end) {
                return tl::unexpected(end.error());
            }
            how_ = end->how;
            return base::Json{{"status", end->status}};
        });
    }
    std::string code(const std::string& digest = "") { return flash(digest).outcome.error.code; }

    FakeEngine engine_;
    FakeStation station_;
    std::optional<How> how_;
};

const std::string kRunCall =
    "run|--rm|--privileged|--network|host|-v|/dev/bus/usb:/dev/bus/usb|-v|/srv/bsp:/bsp:ro|"
    "--name|lane-A3|--pull|never|--entrypoint|./flash.sh|" +
    kId + "|-r|\n";

TEST_F(ContainersTest, Image_is_fetched_with_progress_and_its_digest_recorded) {
    const Heard heard = flash(kDigest);
    ASSERT_TRUE(heard.outcome.ok) << heard.outcome.error.message;
    EXPECT_EQ(heard.fact("container_image"), kImage);
    EXPECT_EQ(heard.fact("container_digest"), kDigest);
    EXPECT_EQ(heard.fact("line"), "flashed");
    const auto progress = heard.all<protocol::Progress>();
    ASSERT_FALSE(progress.empty());
    EXPECT_EQ(progress.back().done, 2U);
    EXPECT_EQ(progress.back().total, 2U);
    EXPECT_EQ(progress.back().unit, "layers");
    const std::string inspect =
        "image|inspect|--format|{{.Id}} {{json .RepoDigests}}|" + kImage + "|\n";
    EXPECT_EQ(calls(), "--version|\nversion|--format|{{.Server.Version}}|\n" + inspect + "pull|" +
                           kImage + "|\n" + inspect + "rm|--force|lane-A3|\n" + kRunCall);
}

TEST_F(ContainersTest, Image_that_is_here_is_not_fetched) {
    write("pulled", "");
    EXPECT_TRUE(flash().outcome.ok);
    EXPECT_EQ(calls().find("pull|reeplayer"), std::string::npos);
}

TEST_F(ContainersTest, Exit_status_of_the_tool_is_the_callers_to_judge) {
    write("run", "exit 14");
    const Heard heard = flash();
    ASSERT_TRUE(heard.outcome.ok) << heard.outcome.error.message;
    EXPECT_EQ(heard.outcome.value.at("status"), 14);
}

TEST_F(ContainersTest, Wrong_digest_is_stopped_before_anything_runs) {
    EXPECT_EQ(code("sha256:" + std::string(64, 'e')), "container.wrong");
    EXPECT_EQ(calls().find("run|"), std::string::npos);
    EXPECT_EQ(code("sha256:short"), "config.invalid");
}

TEST_F(ContainersTest, Failed_fetch_is_told) {
    write("pull",
          "echo 'Error response from daemon: manifest for x not found: manifest unknown' "
          ">&2; exit 1");
    Heard heard = flash();
    EXPECT_EQ(heard.outcome.error.code, "container.pull");
    EXPECT_FALSE(heard.outcome.error.retry);
    write("pull", "echo 'dial tcp: lookup registry-1.docker.io: no such host' >&2; exit 1");
    heard = flash();
    EXPECT_EQ(heard.outcome.error.code, "container.pull");
    EXPECT_TRUE(heard.outcome.error.retry);
    write("pull", "echo 'write /x: no space left on device' >&2; exit 1");
    EXPECT_EQ(code(), "disk.full");
    write("pull", ":");  // says it is well, and nothing is there
    EXPECT_EQ(code(), "container.pull");
    write("pull", "sleep 60");
    EXPECT_EQ(code(), "container.pull");
}

TEST_F(ContainersTest, No_engine) {
    std::filesystem::remove(engine());
    EXPECT_EQ(code(), "container.missing");
}

TEST_F(ContainersTest, Engine_does_not_run) {
    write("probe",
          "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is "
          "the docker daemon running?' >&2; exit 1");
    EXPECT_EQ(code(), "container.missing");
    write("probe", "sleep 60");
    EXPECT_EQ(code(), "container.missing");
}

TEST_F(ContainersTest, Engine_is_too_old) {
    write("name", "echo 'Docker version 19.03.8, build afacb8b'");
    EXPECT_EQ(code(), "container.missing");
}

TEST_F(ContainersTest, No_rights) {
    write("probe",
          "echo 'Got permission denied while trying to connect to the Docker daemon "
          "socket at unix:///var/run/docker.sock' >&2; exit 1");
    EXPECT_EQ(code(), "container.rights");
    write("name", "echo 'podman version 4.3.1'");
    write("probe", "echo true");
    EXPECT_EQ(code(), "container.rights");
    write("probe", "echo false");
    EXPECT_EQ(code(), "");
}

TEST_F(ContainersTest, Container_that_dies_in_mid_flight_is_no_end_of_the_tool) {
    write("run", "echo writing; exit 137");
    EXPECT_EQ(code(), "container.died");
    write("run", "echo writing; kill -KILL $$");
    EXPECT_EQ(code(), "container.died");
    EXPECT_FALSE(how_);
    // Removed, too: the engine's program may be dead while the container works on.
    EXPECT_TRUE(calls().ends_with("rm|--force|lane-A3|\n"));
}

TEST_F(ContainersTest, Container_that_cannot_start) {
    write("run",
          "echo 'docker: Error response from daemon: driver failed.' >&2\n"
          "echo \"See 'docker run --help'.\" >&2; exit 125");
    Heard heard = flash();
    EXPECT_EQ(heard.outcome.error.code, "container.died");
    EXPECT_NE(heard.outcome.error.message.find("driver failed"), std::string::npos);
    write("run", "echo 'exec: \"./flash.sh\": no such file or directory' >&2; exit 127");
    EXPECT_EQ(code(), "tool.missing");
}

TEST_F(ContainersTest, Silent_container_is_ended_and_removed) {
    write("run", "echo writing; sleep 60");
    worker::ToolLimits limits;
    limits.silence = 300ms;
    limits.term_grace = 200ms;
    EXPECT_TRUE(flash("", limits).outcome.ok);
    EXPECT_EQ(how_, How::silent);
    EXPECT_TRUE(calls().ends_with("rm|--force|lane-A3|\n"));
}

TEST_F(ContainersTest, Stop_ends_and_removes_the_container) {
    write("run", "echo writing; sleep 60");
    station_.on_message = [](const protocol::FromWorker& message) {
        const auto* fact = std::get_if<protocol::Fact>(&message);
        std::vector<protocol::FromStation> replies;
        if (fact != nullptr && fact->value == "writing") {
            replies.emplace_back(protocol::Stop{"operator", 2});
        }
        return replies;
    };
    (void)flash();
    EXPECT_EQ(how_, How::stopped);
    EXPECT_TRUE(calls().ends_with("rm|--force|lane-A3|\n"));
}

}  // namespace
}  // namespace lineside::container
