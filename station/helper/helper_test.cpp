// SPDX-License-Identifier: Apache-2.0
// The helper as a process, spoken to by a plain client. Needs root.
#include "station/helper/test_helper.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <grp.h>

namespace lineside::helper::testing {
namespace {

constexpr const char* kBinary = LINESIDE_HELPER_BINARY;

class HelperTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (const std::string reason = skip_reason(); !reason.empty()) {
            GTEST_SKIP() << reason;
        }
        helper_ = std::make_unique<HelperProcess>(kBinary);
    }
    Client start() {
        EXPECT_TRUE(helper_->start());
        return Client(helper_->connect());
    }
    std::size_t lanes() const {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator(helper_->folder / "lanes"), {}));
    }
    static bool ok(const Json& reply) { return reply.value("ok", false); }

    std::unique_ptr<HelperProcess> helper_;
};

}  // namespace

TEST_F(HelperTest, Worker_without_root_sees_what_it_may_see) {
    helper_->more_config = "[environment]\nEXTRA = \"yes\"\n";
    helper_->method("look", fmt::format(R"(
id -u; id -G; grep -E 'NoNewPrivs|CapEff|CapBnd' /proc/self/status
ls -A /tmp; ls -A {0}/data | wc -l; ls {0}/images; touch {0}/images/x; touch {0}/data/x
cat {0}/images/*/image.json; echo; ulimit -c; env; ls /proc | grep -c '^[0-9]'
echo "to 3" >&3; ls -l /proc/self/fd; ps -o sid= -p $$)",
                                        helper_->folder.string()));
    const std::string key = helper_->image('a');
    Client client = start();
    const Json reply = client.spawn(7, "look");
    ASSERT_TRUE(ok(reply)) << reply;
    EXPECT_GT(reply["pid"].get<int>(), 1);
    const std::string out = client.read_output();
    EXPECT_TRUE(out.starts_with("65534\n65534\n")) << out;
    EXPECT_NE(out.find("NoNewPrivs:\t1"), std::string::npos) << out;
    EXPECT_NE(out.find("CapEff:\t0000000000000000"), std::string::npos) << out;
    EXPECT_NE(out.find("\n0\n" + key), std::string::npos)
        << out;  // nothing in /tmp, nothing in data
    EXPECT_NE(out.find("Read-only file system"), std::string::npos) << out;
    EXPECT_NE(out.find("EXTRA=yes"), std::string::npos) << out;
    EXPECT_NE(out.find("LINESIDE_JOB=7"), std::string::npos) << out;
    EXPECT_EQ(out.find("SHELL="), std::string::npos) << out;
    EXPECT_EQ(out.find("lineside-test"), std::string::npos) << out;  // no socket of the helper
    char word[16] = {};
    EXPECT_EQ(::read(client.channel.get(), word, sizeof word), 5);
    const Json exit = client.next_event();
    EXPECT_EQ(exit["ev"], "exit");
    EXPECT_EQ(exit["job"], 7);
    EXPECT_EQ(exit["status"], 0);
}

TEST_F(HelperTest, Workers_leave_the_service_its_share_of_the_processor) {
    helper_->method("nice", "nice");
    Client client = start();
    ASSERT_TRUE(ok(client.spawn(7, "nice")));
    EXPECT_EQ(client.read_output(), fmt::format("{}\n", ::getpriority(PRIO_PROCESS, 0) + 5));
}

TEST_F(HelperTest, Root_only_where_the_manifest_says_so) {
    helper_->method("rooted", "id -u; grep NoNewPrivs /proc/self/status", "root = true\n");
    Client client = start();
    ASSERT_TRUE(ok(client.spawn(7, "rooted")));
    const std::string out = client.read_output();
    EXPECT_TRUE(out.starts_with("0\n")) << out;
    EXPECT_NE(out.find("NoNewPrivs:\t1"), std::string::npos) << out;
}

TEST_F(HelperTest, A_root_method_is_told_what_its_lane_is_made_of) {
    helper_->more_config = "containers = [\"a/b\", \"c:1\"]\n";
    helper_->method("rooted", "echo $LINESIDE_LANE_TREE $LINESIDE_LANE_FOLDER $LINESIDE_CONTAINERS",
                    "root = true\n");
    helper_->method("plain",
                    "echo ${LINESIDE_LANE_TREE:-none} ${LINESIDE_LANE_FOLDER:-none} "
                    "${LINESIDE_CONTAINERS:-none}");
    const std::string key = helper_->image('b', "original\n");
    Client client = start();
    ASSERT_TRUE(ok(client.spawn(7, "rooted", {{"image", key}, {"lane", true}})));
    EXPECT_EQ(client.read_output(), fmt::format("{0}/images/{1}/tree {0}/lanes/7 a/b,c:1\n",
                                                helper_->folder.string(), key));
    EXPECT_EQ(client.next_event()["status"], 0);
    ASSERT_TRUE(ok(client.spawn(7, "plain", {{"image", key}, {"lane", true}})));
    EXPECT_EQ(client.read_output(), "none none none\n");
}

TEST_F(HelperTest, Lane_is_shared_by_the_steps_of_a_job_and_gone_with_it) {
    for (const char* mode : {"overlay", "copy"}) {
        helper_ = std::make_unique<HelperProcess>(kBinary);
        helper_->more_config = fmt::format("lane_mode = \"{}\"\n", mode);
        helper_->method(
            "one",
            "cd $LINESIDE_LANE && cat file && echo changed > file && echo n > new && rm -r sub",
            "root = true\n");
        helper_->method("two",
                        "cd $LINESIDE_LANE && ls && cat file; grep -c lineside-lane /proc/mounts",
                        "root = true\n");
        const std::string key = helper_->image('b', "original\n");
        Client client = start();
        const Json wanted{{"image", key}, {"lane", true}};
        const Json reply = client.spawn(7, "one", wanted);
        if (mode == std::string_view("overlay") && !ok(reply) &&
            reply["error"]["code"] == "lane.failed") {
            std::cout << "skipped: no overlayfs over " << helper_->folder << " on this host\n";
            continue;
        }
        ASSERT_TRUE(ok(reply)) << mode << reply;
        EXPECT_EQ(client.read_output(), "original\n") << mode;
        EXPECT_EQ(client.next_event()["status"], 0) << mode;
        ASSERT_TRUE(ok(client.spawn(7, "two", wanted))) << mode;
        EXPECT_EQ(client.read_output(), "file\nnew\nchanged\n1\n") << mode;
        EXPECT_EQ(client.next_event()["status"], 0);
        EXPECT_EQ(read_file(helper_->folder / "images" / key / "tree/file"), "original\n") << mode;
        EXPECT_TRUE(std::filesystem::exists(helper_->folder / "images" / key / "tree/sub"));
        EXPECT_EQ(lanes(), 1U);
        EXPECT_EQ(client.ask({{"do", "leftovers"}})["count"], 0);
        EXPECT_FALSE(ok(client.ask({{"do", "image-remove"}, {"image", key}}))) << "an image in use";
        EXPECT_TRUE(ok(client.ask({{"do", "lane-close"}, {"job", 7}})));
        EXPECT_EQ(lanes(), 0U);
        EXPECT_EQ(read_file("/proc/self/mountinfo").find("lineside-lane"), std::string::npos);
        EXPECT_TRUE(ok(client.ask({{"do", "image-remove"}, {"image", key}})));
        EXPECT_FALSE(std::filesystem::exists(helper_->folder / "images" / key));
    }
}

TEST_F(HelperTest, Works_where_the_root_folder_is_no_mount_point) {
    helper_->in_chroot = true;
    helper_->method("look", "cd $LINESIDE_LANE && cat file; echo n > new; ls /tmp",
                    "root = true\n");
    const std::string key = helper_->image('b', "original\n");
    Client client = start();
    const Json reply = client.spawn(7, "look", {{"image", key}, {"lane", true}});
    ASSERT_TRUE(ok(reply)) << reply;
    EXPECT_EQ(client.read_output(), "original\n") << "and a /tmp of its own";
    EXPECT_EQ(client.next_event()["status"], 0);
    EXPECT_TRUE(ok(client.ask({{"do", "lane-close"}, {"job", 7}})));
    EXPECT_EQ(client.ask({{"do", "leftovers"}})["count"], 0);
}

TEST_F(HelperTest, Says_which_step_of_the_stage_failed) {
    helper_->more_config = "tmp_size = \"1k1k\"\n";  // read by the kernel only
    helper_->method("never", "echo here");
    Client client = start();
    for (int job = 7; job < 10;
         ++job) {  // from a first process that waited, and from one made on demand
        const Json reply = client.spawn(job, "never");
        EXPECT_FALSE(ok(reply));
        EXPECT_EQ(reply["error"]["code"], "worker.spawn") << reply;
        EXPECT_NE(reply["error"]["message"].get<std::string>().find("mount /tmp"),
                  std::string::npos)
            << reply;
    }
}

TEST_F(HelperTest, Kill_reaches_a_child_that_forked_twice_and_called_setsid) {
    helper_->method(
        "fork",
        "setsid bash -c '(exec env -i sleep 1000 </dev/null >/dev/null 2>&1 &) ; exit' ; "
        "setsid sleep 1000 & trap '' TERM; echo up; sleep 1000; sleep 1000",
        "root = true\n");
    const std::string key = helper_->image('c');
    Client client = start();
    ASSERT_TRUE(ok(client.spawn(7, "fork", {{"image", key}, {"lane", true}})));
    EXPECT_EQ(client.read_line(), "up");
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(ok(client.ask({{"do", "kill"}, {"job", 7}})));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
    EXPECT_TRUE(helper_->processes_of(7).empty());
    EXPECT_EQ(client.read_output(), "") << "nobody holds the pipe";
    EXPECT_EQ(lanes(), 0U);
    EXPECT_EQ(client.next_event()["signal"], SIGKILL);
    EXPECT_EQ(client.ask({{"do", "leftovers"}})["count"], 0);
}

TEST_F(HelperTest, Children_die_with_a_worker_that_ends) {
    helper_->method("leave", "setsid sleep 1000 </dev/null >/dev/null 2>&1 & exit 3");
    Client client = start();
    ASSERT_TRUE(ok(client.spawn(7, "leave")));
    EXPECT_EQ(client.next_event()["status"], 3);
    EXPECT_TRUE(helper_->processes_of(7).empty());
}

TEST_F(HelperTest, Killed_worker_is_told_with_its_signal) {
    helper_->method("wait", "setsid sleep 1000 & sleep 1000");
    Client client = start();
    const Json reply = client.spawn(7, "wait");
    ASSERT_TRUE(ok(reply));
    ::kill(reply["pid"].get<pid_t>(), SIGKILL);
    EXPECT_EQ(client.next_event()["signal"], SIGKILL);
    EXPECT_TRUE(helper_->processes_of(7).empty());
}

TEST_F(HelperTest, Term_reaches_everything_of_the_job) {
    helper_->method(
        "term",
        "setsid bash -c \"trap 'echo child; exit' TERM; echo a; while :; do sleep 0.05; done\" & "
        "trap 'echo main; sleep 0.3; exit 4' TERM; echo b; while :; do sleep 0.05; done");
    Client client = start();
    ASSERT_TRUE(ok(client.spawn(7, "term")));
    (void)client.read_line();
    (void)client.read_line();
    EXPECT_TRUE(ok(client.ask({{"do", "term"}, {"job", 7}})));
    const std::string out = client.read_output();
    EXPECT_NE(out.find("main"), std::string::npos) << out;
    EXPECT_NE(out.find("child"), std::string::npos) << out;
    EXPECT_EQ(client.next_event()["status"], 4);
}

TEST_F(HelperTest, All_processes_die_with_the_helper_and_the_next_one_sweeps) {
    helper_->method("wait", "setsid sleep 1000 & echo up; sleep 1000", "root = true\n");
    const std::string key = helper_->image('d');
    Client client = start();
    for (int job = 7; job < 10; ++job) {
        ASSERT_TRUE(ok(client.spawn(job, "wait", {{"image", key}, {"lane", true}})));
        EXPECT_EQ(client.read_line(), "up");
    }
    EXPECT_TRUE(wait_until([&] { return helper_->processes_of(8).size() == 3; }));
    helper_->stop(SIGKILL);
    EXPECT_TRUE(wait_until(
        [&] {
            return helper_->processes_of(7).empty() && helper_->processes_of(8).empty() &&
                   helper_->processes_of(9).empty();
        },
        1000));
    EXPECT_EQ(lanes(), 3U);
    Client next = start();
    EXPECT_TRUE(wait_until([&] { return lanes() == 0; }));
    EXPECT_EQ(next.ask({{"do", "leftovers"}})["count"], 0);
}

TEST_F(HelperTest, Everything_of_a_connection_ends_with_it) {
    helper_->method("wait", "echo up; sleep 1000", "root = true\n");
    helper_->method("quick", "true", "root = true\n");
    const std::string key = helper_->image('e');
    Client other = start();
    Client client(helper_->connect());
    ASSERT_TRUE(ok(client.spawn(7, "wait", {{"image", key}, {"lane", true}})));
    ASSERT_TRUE(ok(client.spawn(8, "quick", {{"image", key}, {"lane", true}})));
    (void)client.next_event();
    ASSERT_TRUE(ok(other.spawn(9, "wait", {{"image", key}, {"lane", true}})));
    EXPECT_EQ(lanes(), 3U);
    client.close();
    EXPECT_TRUE(wait_until([&] { return helper_->processes_of(7).empty() && lanes() == 1; }));
    // Its own may still be starting: there are two as soon as its method runs.
    EXPECT_TRUE(wait_until([&] { return helper_->processes_of(9).size() == 2; }));
}

TEST_F(HelperTest, Refusals) {
    helper_->method("wait", "sleep 1000");
    helper_->method("foreign", "true");
    std::filesystem::path foreign = helper_->folder / "methods/foreign";
    ASSERT_EQ(::chown((foreign / "run").c_str(), 65534, 65534), 0);
    helper_->method("open", "true");
    ::chmod((helper_->folder / "methods/open").c_str(), 0777);
    helper_->method("link", "true");
    std::filesystem::remove(helper_->folder / "methods/link/run");
    std::filesystem::create_symlink("/bin/sh", helper_->folder / "methods/link/run");
    helper_->method("outside", "true");
    std::ofstream(helper_->folder / "methods/outside/method.toml") << "exec = \"../wait/run\"\n";
    Client client = start();
    for (const char* method : {"absent", "foreign", "open", "link", "outside"}) {
        const Json reply = client.spawn(7, method);
        EXPECT_FALSE(ok(reply)) << method;
        EXPECT_EQ(reply["error"]["code"], "worker.spawn") << reply;
    }
    EXPECT_FALSE(ok(client.spawn(7, "wait", {{"image", std::string(64, 'f')}}))) << "no such image";
    EXPECT_FALSE(ok(client.spawn(7, "wait", {{"lane", true}}))) << "lane without an image";
    EXPECT_FALSE(ok(client.spawn(7, "wait", {{"env", "x"}})));
    EXPECT_FALSE(ok(
        client.ask({{"do", "spawn"}, {"job", 7}, {"step", 1}, {"attempt", 1}, {"method", "wait"}})))
        << "no descriptors";
    EXPECT_FALSE(ok(client.ask({{"do", "run"}})));
    EXPECT_FALSE(ok(client.raw("{\"id\":1,\"do\":\"hello\"}" + std::string(9000, ' '))));
    EXPECT_FALSE(ok(client.raw("rubbish")));
    EXPECT_FALSE(ok(client.raw(R"({"id":1,"do":"hello"})", {0})));
    EXPECT_FALSE(ok(client.raw(R"({"id":1,"do":"hello"})", {0, 0, 0, 0, 0, 0})));
    ASSERT_TRUE(ok(client.spawn(7, "wait")));
    EXPECT_FALSE(ok(client.spawn(7, "wait"))) << "one worker per job";
    EXPECT_FALSE(ok(client.ask({{"do", "lane-close"}, {"job", 7}}))) << "still running";
    EXPECT_FALSE(
        ok(client.ask({{"do", "image-publish"}, {"job", 7}, {"image", std::string(64, 'f')}})));
    EXPECT_TRUE(ok(client.ask({{"do", "hello"}}))) << "still there after all that";
    EXPECT_TRUE(ok(client.ask({{"do", "kill"}, {"job", 7}})));
    EXPECT_TRUE(ok(client.ask({{"do", "kill"}, {"job", 4711}}))) << "a job that never was";
}

TEST_F(HelperTest, Callers_of_another_uid_are_refused) {
    Client client = start();
    struct stat status {};
    ASSERT_EQ(::stat(helper_->socket.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0660U);
    EXPECT_EQ(status.st_gid, 54321U);
    const auto as_user = [&](uid_t uid) {
        const pid_t child = ::fork();
        if (child == 0) {
            if (::setgroups(0, nullptr) != 0 || ::setgid(uid) != 0 || ::setuid(uid) != 0) {
                ::_exit(9);
            }
            UniqueFd fd = helper_->connect();
            if (!fd) {
                ::_exit(1);
            }
            Client caller(std::move(fd));
            const Json reply = caller.ask({{"do", "hello"}});
            ::_exit(reply.value("ok", false) ? 0 : 2);
        }
        int result = 0;
        ::waitpid(child, &result, 0);
        return WEXITSTATUS(result);
    };
    EXPECT_EQ(as_user(54321), 0);
    EXPECT_EQ(as_user(65534), 1) << "the socket's mode keeps others out";
    ::chmod(helper_->socket.c_str(), 0666);
    EXPECT_EQ(as_user(65534), 2) << "and so does its uid";
    EXPECT_TRUE(ok(client.ask({{"do", "hello"}})));
}

TEST_F(HelperTest, Bad_configuration_is_refused) {
    helper_->more_config = "[environment]\nA = \"b\"\n";
    std::ofstream(helper_->folder / "helper.toml") << helper_->config();
    const auto check = [&] {
        const std::string command = fmt::format("{} --check --config {}/helper.toml 2>/dev/null",
                                                kBinary, helper_->folder.string());
        return WEXITSTATUS(std::system(command.c_str()));
    };
    EXPECT_EQ(check(), 0);
    ::chmod((helper_->folder / "helper.toml").c_str(), 0666);
    EXPECT_EQ(check(), 1);
    ::chmod((helper_->folder / "helper.toml").c_str(), 0644);
    ::chmod((helper_->folder / "lanes").c_str(), 0777);
    EXPECT_EQ(check(), 1);
    ::chmod((helper_->folder / "lanes").c_str(), 0755);
    ASSERT_EQ(::chown(helper_->folder.c_str(), 54321, 54321), 0);
    EXPECT_EQ(check(), 1) << "the service could swap the folders";
    ASSERT_EQ(::chown(helper_->folder.c_str(), 1234, 1234), 0);
    EXPECT_EQ(check(), 0) << "somebody else's home is no danger from the service";
}

TEST_F(HelperTest, A_hidden_folder_that_is_made_later_is_hidden) {
    const std::string late = helper_->folder / "late";
    helper_->more_config = fmt::format("hide = [\"{}\"]\n", late);
    helper_->method("look", fmt::format("ls -A {0} | wc -l", late));
    Client client = start();
    ::usleep(100'000);  // so that first processes wait already
    for (int job = 7; job < 10; ++job) {
        std::filesystem::remove_all(late);
        std::filesystem::create_directory(late);
        std::ofstream(late + "/secret") << "s";
        ASSERT_TRUE(ok(client.spawn(job, "look")));
        EXPECT_EQ(client.read_output(), "0\n");
        (void)client.next_event();
        ::usleep(50'000);
    }
}

TEST_F(HelperTest, Works_below_tmp_and_below_a_hidden_folder) {
    helper_ = std::make_unique<HelperProcess>(kBinary, "/tmp");
    helper_->more_config = fmt::format("keep = [\"{0}/seen\"]\n", helper_->folder.string());
    std::ofstream(helper_->folder / "seen") << "seen\n";
    helper_->method(
        "look",
        fmt::format("ls /tmp; ls {0}; cat {0}/seen; ls $LINESIDE_LANE; touch {0}/images/x",
                    helper_->folder.string()),
        "root = true\n");
    const std::string key = helper_->image('a');
    Client client = start();
    ASSERT_TRUE(ok(client.spawn(7, "look", {{"image", key}, {"lane", true}})));
    const std::string name = helper_->folder.filename();
    EXPECT_TRUE(client.read_output().starts_with(
        name + "\nimages\nmethods\nseen\nseen\nfile\nsub\ntouch: cannot touch"));
}

TEST_F(HelperTest, Build_of_an_archive_has_no_lane) {
    std::ofstream(helper_->folder / "mfi.tbz2") << "packed\n";
    helper_->more_config =
        fmt::format("[profile.nx]\nbsp = \"{}/mfi.tbz2\"\n", helper_->folder.string());
    helper_->method("build",
                    "cat $LINESIDE_BSP; echo x >>$LINESIDE_BSP; echo lane: $LINESIDE_LANE; "
                    "mkdir $LINESIDE_OUT/tree && echo made >$LINESIDE_OUT/tree/x && "
                    "echo '{}' >$LINESIDE_OUT/image.json",
                    "root = true\nbuild = true\n");
    Client client = start();
    ASSERT_TRUE(ok(client.spawn(7, "build", {{"profile", "nx"}, {"lane", true}})));
    const std::string out = client.read_output();
    EXPECT_TRUE(out.starts_with("packed\n")) << out;
    EXPECT_NE(out.find("Read-only"), std::string::npos) << out;
    EXPECT_NE(out.find("lane:\n"), std::string::npos) << out;
    EXPECT_EQ(client.next_event()["status"], 0);
    const std::string key(64, '2');
    EXPECT_TRUE(ok(client.ask({{"do", "image-publish"}, {"job", 7}, {"image", key}})));
    EXPECT_EQ(read_file(helper_->folder / "images" / key / "tree/x"), "made\n");
    EXPECT_TRUE(ok(client.ask({{"do", "lane-close"}, {"job", 7}})));
    EXPECT_EQ(lanes(), 0U);
    EXPECT_EQ(read_file(helper_->folder / "mfi.tbz2"), "packed\n");
}

TEST_F(HelperTest, Build_becomes_an_image_in_one_step) {
    std::filesystem::create_directories(helper_->folder / "bsp/boot");
    std::ofstream(helper_->folder / "bsp/flash.sh") << "bsp\n";
    helper_->more_config =
        fmt::format("[profile.nx]\nbsp = \"{}/bsp\"\n", helper_->folder.string());
    helper_->method("build",
                    "cat $LINESIDE_LANE/flash.sh && echo x >> $LINESIDE_LANE/flash.sh; "
                    "touch $LINESIDE_BSP/x; mkdir $LINESIDE_OUT/tree && cp -r $LINESIDE_LANE/. "
                    "$LINESIDE_OUT/tree && "
                    "echo '{}' > $LINESIDE_OUT/image.json; touch $LINESIDE_IMAGES/x; ls "
                    "$LINESIDE_IMAGES | wc -l",
                    "root = true\nbuild = true\n");
    Client client = start();
    EXPECT_FALSE(ok(client.spawn(7, "build", {{"profile", "other"}}))) << "no BSP tree for it";
    const std::string key(64, '1');
    for (const int job : {7, 8}) {
        ASSERT_TRUE(ok(client.spawn(job, "build", {{"profile", "nx"}, {"lane", true}})));
        const std::string out = client.read_output();
        EXPECT_TRUE(out.starts_with("bsp\n")) << out;
        EXPECT_NE(out.find("Read-only"), std::string::npos) << out;
        EXPECT_EQ(client.next_event()["status"], 0);
        EXPECT_TRUE(ok(client.ask({{"do", "image-publish"}, {"job", job}, {"image", key}})))
            << "also when it exists";
        EXPECT_EQ(read_file(helper_->folder / "images" / key / "tree/flash.sh"), "bsp\nx\n");
        EXPECT_TRUE(ok(client.ask({{"do", "lane-close"}, {"job", job}})));
    }
    EXPECT_EQ(read_file(helper_->folder / "bsp/flash.sh"), "bsp\n");
    EXPECT_EQ(lanes(), 0U);
    struct stat status {};
    ASSERT_EQ(::stat((helper_->folder / "images" / key).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0755U);
}

TEST_F(HelperTest, A_build_finds_what_the_last_one_remembered) {
    std::filesystem::create_directories(helper_->folder / "bsp");
    std::filesystem::create_directories(helper_->folder / "cache");
    helper_->more_config = fmt::format("cache = \"{0}/cache\"\n[profile.nx]\nbsp = \"{0}/bsp\"\n",
                                       helper_->folder.string());
    helper_->method("build", "cat $LINESIDE_CACHE/seen; echo seen >> $LINESIDE_CACHE/seen",
                    "root = true\nbuild = true\n");
    helper_->method("other", "echo ${LINESIDE_CACHE:-none}", "root = true\n");
    Client client = start();
    for (const int job : {7, 8}) {
        ASSERT_TRUE(ok(client.spawn(job, "build", {{"profile", "nx"}, {"lane", true}})));
        EXPECT_EQ(client.read_output().find("seen\n") == 0, job == 8);
        EXPECT_EQ(client.next_event()["status"], 0);
        EXPECT_TRUE(ok(client.ask({{"do", "lane-close"}, {"job", job}})));
    }
    ASSERT_TRUE(ok(client.spawn(9, "other")));
    EXPECT_EQ(client.read_output(), "none\n");
}

TEST_F(HelperTest, Cgroup_holds_the_job_and_goes_with_it) {
    const std::string unified = std::filesystem::exists("/sys/fs/cgroup/cgroup.procs")
                                    ? "/sys/fs/cgroup"
                                    : "/sys/fs/cgroup/unified";
    const std::string root = fmt::format("{}/lineside-test-{}", unified, ::getpid());
    if (!std::filesystem::exists(unified + "/cgroup.procs") || ::mkdir(root.c_str(), 0755) != 0) {
        GTEST_SKIP() << "no cgroup2 here that root may make groups in";
    }
    helper_->more_config = fmt::format("cgroup_root = \"{}\"\n", root);
    helper_->method("wait", "cat /proc/self/cgroup; echo up; sleep 1000");
    {
        Client client = start();
        const Json reply = client.spawn(7, "wait");
        ASSERT_TRUE(ok(reply)) << reply;
        std::string line;
        bool inside = false;
        while ((line = client.read_line()) != "up" && !line.empty()) {
            inside = inside || line.find("/worker-") != std::string::npos;
        }
        EXPECT_TRUE(inside);
        EXPECT_TRUE(ok(client.ask({{"do", "kill"}, {"job", 7}})));
        EXPECT_FALSE(std::filesystem::exists(root + "/worker-1"))
            << "the killed one's; those of waiting inits are others";
        EXPECT_EQ(client.ask({{"do", "leftovers"}})["count"], 0);
        helper_->stop(SIGTERM);
    }
    ::rmdir(root.c_str());
}

}  // namespace lineside::helper::testing
