// SPDX-License-Identifier: Apache-2.0
#include "workers/container/engine_words.h"

#include <gtest/gtest.h>

namespace lineside::container {
namespace {

const std::string kId = "sha256:" + std::string(64, 'a');
const Engine kDocker{Kind::docker, "docker", "20.10.24"};
const Engine kPodman{Kind::podman, "/usr/bin/podman", "4.3.1"};

// docker-run(1) of 20.10, podman-run(1) of 4.3: the same words for both.
TEST(EngineWords, Argument_lists_are_exact) {
    RunPlan plan;
    plan.name = "lane-A3";
    plan.tree = "/srv/bsp/R32.7.2";
    plan.command = {"./flash.sh",           "-r",       "--usb-instance", "1-2.3",
                    "jetson-xavier-nx-crc", "mmcblk0p1"};
    struct Row {
        Argv is;
        Argv wanted;
    };
    RunPlan lane = plan;
    lane.tree_inside = "/l4t";
    lane.writable = {{"/var/lib/lineside/lanes/7/copy", "/run/lineside-lane"}};
    lane.folder = "/run/lineside-lane";
    lane.env = {"USER=root", "SKIP_REC_IMG=1"};
    lane.command = {"/bin/true"};
    RunPlan layered = plan;
    layered.layer = "/var/lib/lineside/lanes/7";
    layered.folder = "/run/lineside-lane";
    layered.reads_input = true;
    const std::string image = "reeplayer/camera-sw:l4t-system-crc-nx-32.7.2-5";
    const std::vector<Row> table{
        {name_argv("docker"), {"docker", "--version"}},
        {probe_argv(kDocker), {"docker", "version", "--format", "{{.Server.Version}}"}},
        {probe_argv(kPodman),
         {"/usr/bin/podman", "info", "--format", "{{.Host.Security.Rootless}}"}},
        {inspect_argv(kDocker, image),
         {"docker", "image", "inspect", "--format", "{{.Id}} {{json .RepoDigests}}", image}},
        {pull_argv(kPodman, image), {"/usr/bin/podman", "pull", image}},
        {remove_argv(kDocker, "lane-A3"), {"docker", "rm", "--force", "lane-A3"}},
        {pause_argv(kDocker, "lane-A3"), {"docker", "pause", "lane-A3"}},
        {unpause_argv(kPodman, "lane-A3"), {"/usr/bin/podman", "unpause", "lane-A3"}},
        {run_argv(kDocker, kId, plan),
         {"docker",
          "run",
          "--rm",
          "--privileged",
          "--network",
          "host",
          "-v",
          "/dev/bus/usb:/dev/bus/usb",
          "-v",
          "/srv/bsp/R32.7.2:/bsp:ro",
          "--name",
          "lane-A3",
          "--pull",
          "never",
          "--entrypoint",
          "./flash.sh",
          kId,
          "-r",
          "--usb-instance",
          "1-2.3",
          "jetson-xavier-nx-crc",
          "mmcblk0p1"}},
        {run_argv(kPodman, kId, lane),
         {"/usr/bin/podman",
          "run",
          "--rm",
          "--privileged",
          "--network",
          "host",
          "-v",
          "/dev/bus/usb:/dev/bus/usb",
          "-v",
          "/srv/bsp/R32.7.2:/l4t:ro",
          "--name",
          "lane-A3",
          "--pull",
          "never",
          "-v",
          "/var/lib/lineside/lanes/7/copy:/run/lineside-lane",
          "-e",
          "USER=root",
          "-e",
          "SKIP_REC_IMG=1",
          "-w",
          "/run/lineside-lane",
          "--entrypoint",
          "/bin/true",
          kId}},
        {run_argv(kDocker, kId, layered),
         {"docker",
          "run",
          "--rm",
          "-i",
          "--privileged",
          "--network",
          "host",
          "-v",
          "/dev/bus/usb:/dev/bus/usb",
          "-v",
          "/srv/bsp/R32.7.2:/bsp:ro",
          "--name",
          "lane-A3",
          "--pull",
          "never",
          "-v",
          "/var/lib/lineside/lanes/7:/lineside-layer",
          "--entrypoint",
          "/bin/sh",
          kId,
          "-c",
          "mkdir -p \"$2\" && mount -t overlay lineside -o "
          "\"lowerdir=$1,upperdir=/lineside-layer/upper,workdir=/lineside-layer/work\" \"$2\" "
          "&& cd \"$2\" || exit 125; shift 2; exec \"$@\"",
          "lineside",
          "/bsp",
          "/run/lineside-lane",
          "./flash.sh",
          "-r",
          "--usb-instance",
          "1-2.3",
          "jetson-xavier-nx-crc",
          "mmcblk0p1"}},
    };
    for (const Row& row : table) {
        EXPECT_EQ(row.is, row.wanted);
    }
}

TEST(EngineWords, Plan_that_an_engine_would_read_otherwise_is_refused) {
    RunPlan good;
    good.name = "lane-1";
    good.tree = "/srv/bsp";
    good.command = {"./flash.sh"};
    EXPECT_TRUE(check_plan(good));
    const auto refused = [&](const std::function<void(RunPlan&)>& change) {
        RunPlan plan = good;
        change(plan);
        return !check_plan(plan).has_value();
    };
    EXPECT_TRUE(refused([](RunPlan& p) { p.name = ""; }));
    EXPECT_TRUE(refused([](RunPlan& p) { p.name = "--privileged"; }));
    EXPECT_TRUE(refused([](RunPlan& p) { p.name = "a b"; }));
    EXPECT_TRUE(refused([](RunPlan& p) { p.tree = "/srv/bsp:/etc"; }));
    EXPECT_TRUE(refused([](RunPlan& p) { p.tree = "srv"; }));
    EXPECT_TRUE(refused([](RunPlan& p) { p.tree = "/srv/../etc"; }));
    EXPECT_TRUE(refused([](RunPlan& p) { p.tree_inside = ""; }));
    EXPECT_TRUE(refused([](RunPlan& p) { p.writable = {{"/a\nb", "/a"}}; }));
    EXPECT_TRUE(refused([](RunPlan& p) { p.writable = {{"/a", "b"}}; }));
    EXPECT_TRUE(refused([](RunPlan& p) { p.layer = "/lanes/7"; })) << "and nowhere to work";
    EXPECT_TRUE(refused([](RunPlan& p) { p.env = {"USER"}; }));
    EXPECT_TRUE(refused([](RunPlan& p) { p.env = {"--privileged=1"}; }));
    EXPECT_TRUE(refused([](RunPlan& p) { p.folder = "work"; }));
    EXPECT_TRUE(refused([](RunPlan& p) { p.command = {}; }));
    EXPECT_TRUE(refused([](RunPlan& p) { p.command = {"--rm"}; }));
}

TEST(EngineWords, References_and_digests) {
    for (const char* good : {"alpine", "reeplayer/camera-sw:l4t-system-crc-nx-32.7.2-5",
                             "registry.local:5000/a/b:1", "localhost/x@sha256:abc"}) {
        EXPECT_TRUE(is_reference(good)) << good;
    }
    for (const char* bad : {"", "--privileged", "a b", "a;b", "a\nb", "../a", "a//b", "$(x)"}) {
        EXPECT_FALSE(is_reference(bad)) << bad;
    }
    EXPECT_TRUE(is_digest(kId));
    EXPECT_FALSE(is_digest(std::string(64, 'a')));
    EXPECT_FALSE(is_digest("sha256:" + std::string(63, 'a')));
    EXPECT_FALSE(is_digest("sha256:" + std::string(64, 'A')));
}

TEST(EngineWords, Engines_are_known_by_their_version) {
    const auto docker = parse_name("docker", "Docker version 20.10.24+dfsg1, build 297e128\n");
    ASSERT_TRUE(docker);
    EXPECT_EQ(docker->kind, Kind::docker);
    EXPECT_EQ(docker->version, "20.10.24+dfsg1");
    EXPECT_EQ(parse_name("docker", "Docker version 28.2.2, build e6534b4\n")->version, "28.2.2");
    // podman-docker is called docker and is podman.
    EXPECT_EQ(parse_name("docker", "podman version 4.3.1\n")->kind, Kind::podman);
    for (const char* bad : {"", "Docker version 19.03.8, build afacb8b", "podman version 3.0.1",
                            "docker version x", "containerd 1.6"}) {
        EXPECT_EQ(parse_name("docker", bad).error().code, "container.missing") << bad;
    }
}

TEST(EngineWords, Inspected_image_has_id_and_digests) {
    const std::string digest = "sha256:" + std::string(64, 'd');
    auto image = parse_inspect(kId + " [\"reeplayer/camera-sw@" + digest + "\"]\n");
    ASSERT_TRUE(image);
    EXPECT_EQ(image->id, kId);
    EXPECT_EQ(image->digests, std::vector<std::string>{digest});
    EXPECT_TRUE(parse_inspect(std::string(64, 'b') + " []\n")->digests.empty());
    EXPECT_TRUE(parse_inspect(kId + " null\n"));
    for (const std::string& bad : {std::string(), std::string("x"), kId + " {", kId + " {}"}) {
        EXPECT_FALSE(parse_inspect(bad)) << bad;
    }
}

// Lines as docker 20.10 and podman 4.3 print them into a pipe.
TEST(EngineWords, Pull_progress_is_in_layers) {
    PullProgress docker;
    for (const char* line :
         {"32.7.2-5: Pulling from reeplayer/camera-sw", "ea362f368469: Pulling fs layer",
          "ea362f368469: Waiting", "0123456789ab: Already exists", "aaaaaaaaaaaa: Pulling fs layer",
          "aaaaaaaaaaaa: Verifying Checksum", "aaaaaaaaaaaa: Download complete",
          "ea362f368469: Download complete", "ea362f368469: Pull complete"}) {
        docker.line(line);
    }
    EXPECT_EQ(docker.layers(), 3U);
    EXPECT_EQ(docker.done(), 2U);
    docker.line("aaaaaaaaaaaa: Pull complete");
    docker.line("Digest: sha256:" + std::string(64, 'd'));
    docker.line("Status: Downloaded newer image for reeplayer/camera-sw:32.7.2-5");
    EXPECT_EQ(docker.layers(), 3U);
    EXPECT_EQ(docker.done(), 3U);

    PullProgress podman;
    podman.line("Trying to pull docker.io/reeplayer/camera-sw:32.7.2-5...");
    podman.line("Getting image source signatures");
    podman.line("Copying blob sha256:" + std::string(64, 'a'));
    podman.line("Copying blob bbbbbbbbbbbb skipped: already exists  ");
    EXPECT_EQ(podman.layers(), 2U);
    EXPECT_EQ(podman.done(), 1U);
    podman.line("Copying blob aaaaaaaaaaaa done  ");
    podman.line("Copying config cccccccccccc done  ");
    podman.line("Writing manifest to image destination");
    EXPECT_EQ(podman.layers(), 2U);
    EXPECT_EQ(podman.done(), 2U);
}

struct Words {
    const char* said;
    const char* code;
    bool retry;
};

// Error texts of docker 20.10 and 28.2 and of podman 4.3.
TEST(EngineWords, Errors_are_told_apart) {
    const std::vector<Words> table{
        {"Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon "
         "running?",
         "container.missing", false},
        {"docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the "
         "docker daemon running?",
         "container.missing", false},
        {"Got permission denied while trying to connect to the Docker daemon socket at "
         "unix:///var/run/docker.sock: Get \"http://…\": dial unix: connect: permission denied",
         "container.rights", false},
        {"Error response from daemon: manifest for a/b:9 not found: manifest unknown: manifest "
         "unknown",
         "container.pull", false},
        {"Error response from daemon: pull access denied for a/b, repository does not exist or may "
         "require 'docker login'",
         "container.pull", false},
        {"Error response from daemon: Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup "
         "registry-1.docker.io: Temporary failure in name resolution",
         "container.pull", true},
        {"Error: initializing source docker://a/b:9: pinging container registry: dial tcp: i/o "
         "timeout",
         "container.pull", true},
        {"failed to register layer: write /x: no space left on device", "disk.full", true},
        {"", "container.pull", true},
    };
    for (const Words& row : table) {
        const auto error = engine_error(row.said, "container.pull", "fetching image a/b:9");
        EXPECT_EQ(error.code, row.code) << row.said;
        EXPECT_EQ(error.retry, row.retry) << row.said;
        EXPECT_NE(error.message.find("fetching image a/b:9"), std::string::npos);
    }
}

}  // namespace
}  // namespace lineside::container
