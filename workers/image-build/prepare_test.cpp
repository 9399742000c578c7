// SPDX-License-Identifier: Apache-2.0
// Steps before the flash: which are allowed, what is run, what of it is an image of its own.
#include "workers/image-build/prepare.h"

#include "workers/proof/testing/fake_station.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <fstream>

namespace lineside::image_build {
namespace {

namespace fs = std::filesystem;
using base::Json;
using proof::testing::FakeStation;

class PrepareTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "prepare-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        lane_ = name;
        fs::create_directories(lane_ / "system-tools");
        fs::create_directories(lane_ / "rootfs/etc");
        station_.job.params = {{"prepare",
                                {{{"step", "install-mcutool"}, {"args", Json::object()}},
                                 {{"step", "set-wifi-ap"}, {"args", {{"ssid", "My Line"}}}}}}};
        station_.job.secrets = {{"set-wifi-ap.password", kPassword}};
        script("install-mcutool", "#!/bin/sh\necho tool >rootfs/etc/mcutool\n");
        script("set-wifi-ap", kAp);
    }
    void TearDown() override { fs::remove_all(lane_); }

    void script(const std::string& step, std::string_view text) {
        const auto path = lane_ / "system-tools" / (step + ".sh");
        std::ofstream(path) << text;
        chmod(path.c_str(), 0755);
    }
    [[nodiscard]] std::string slurp(const std::string& name) const {
        std::ifstream in(lane_ / "rootfs/etc" / name);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    base::Error run() {
        const auto heard = station_.run([&](worker::Station& station) -> base::Result<Json> {
            auto preparation = read_preparation(station.job());
            if (!preparation) {
                return tl::unexpected(preparation.error());
            }
            auto runner = container::make_runner(station, {{}, "", lane_, {}}, {});
            if (auto done = run_preparation(station, **runner, lane_, *preparation); !done) {
                return tl::unexpected(done.error());
            }
            return Json();
        });
        EXPECT_EQ(heard.text.find(kPassword), std::string::npos);
        return heard.outcome.ok ? base::Error{} : heard.outcome.error;
    }
    std::string key() {
        auto preparation = read_preparation(station_.job);
        EXPECT_TRUE(preparation);
        return key_lines(*preparation).value_or("?");
    }

    static constexpr const char* kPassword = "pass $(word) 'x\"";
    // As the originals: arguments by options, and $0 to find what lies beside it.
    static constexpr std::string_view kAp =
        "#!/bin/bash\nset -e\ncd \"$(dirname \"$0\")/../rootfs/etc\"\n"
        "tr '\\0' '\\n' </proc/$$/cmdline >cmdline\ncat >stdin\n"
        "while getopts a:s:p: o; do echo \"$o=$OPTARG\"; done >ap\n";
    fs::path lane_;
    FakeStation station_;
};

}  // namespace

TEST_F(PrepareTest, Steps_run_in_their_order_in_the_build_area) {
    EXPECT_EQ(run().code, "");
    EXPECT_EQ(slurp("mcutool"), "tool\n");
    EXPECT_EQ(slurp("ap"), std::string("a=10.0.0.1\ns=My Line\np=") + kPassword + "\n");
}

TEST_F(PrepareTest, A_secret_is_in_no_command_line) {
    EXPECT_EQ(run().code, "");
    EXPECT_NE(slurp("cmdline").find("My Line"), std::string::npos);
    EXPECT_EQ(slurp("cmdline").find("word"), std::string::npos) << slurp("cmdline");
    EXPECT_EQ(slurp("stdin"), "") << "the script reads nothing of it";
    script("set-wifi-ap", "#!/usr/bin/python3\nimport sys\n");
    const auto refused = run();
    EXPECT_EQ(refused.code, "image.build");
    EXPECT_NE(refused.message.find("is no script of sh or bash"), std::string::npos);
    script("install-mcutool",
           "#!/usr/bin/env python3\nopen('rootfs/etc/mcutool', 'w').write('py')\n");
    (void)run();
    EXPECT_EQ(slurp("mcutool"), "py") << "without a secret it may be any program";
}

TEST_F(PrepareTest, An_open_network_has_an_empty_password) {
    station_.job.params["prepare"] = {
        {{"step", "set-wifi-station"}, {"args", {{"ssid", "Guest"}}}}};
    script("set-wifi-station", "#!/bin/sh\nprintf '<%s>' \"$@\" >rootfs/etc/station\n");
    EXPECT_EQ(run().code, "");
    EXPECT_EQ(slurp("station"), "<-s><Guest><-p><>");
}

TEST_F(PrepareTest, Service_as_the_original_takes_it) {
    station_.job.params["prepare"] = {{{"step", "set-service"}, {"args", {{"develop", true}}}}};
    script("set-service", "#!/bin/sh\nprintf '<%s>' \"$@\" >rootfs/etc/service\n");
    EXPECT_EQ(run().code, "");
    EXPECT_EQ(slurp("service"), "<-d><true><-u><https://api.dev.reeplayer.com>");
}

TEST_F(PrepareTest, A_failed_step_is_told_by_its_last_lines_without_secrets) {
    script("set-wifi-ap", "#!/bin/sh\necho \"cannot use $6\" >&2\nexit 4\n");
    const auto error = run();
    EXPECT_EQ(error.code, "image.build");
    EXPECT_NE(error.message.find("set-wifi-ap before the flash ended with 4"), std::string::npos);
    EXPECT_NE(error.message.find("cannot use ***"), std::string::npos) << error.message;
    script("set-wifi-ap", "#!/bin/sh\necho 'tar: No space left on device'\nexit 2\n");
    EXPECT_EQ(run().code, "disk.full");
    fs::remove(lane_ / "system-tools/set-wifi-ap.sh");
    EXPECT_NE(run().message.find("has no system-tools/set-wifi-ap.sh"), std::string::npos);
}

TEST_F(PrepareTest, The_same_rules_as_for_a_session) {
    const auto refused = [&](const Json& steps) {
        station_.job.params["prepare"] = steps;
        const auto preparation = read_preparation(station_.job);
        return preparation ? std::string() : preparation.error().message;
    };
    EXPECT_NE(refused({{{"step", "set-serial"}, {"args", {{"serial", "A1"}}}}}), "");
    EXPECT_NE(refused({{{"step", "set-nvme"}}}), "");
    EXPECT_NE(refused({{{"step", "../x"}}}), "");
    EXPECT_NE(refused({{{"step", "install-camera"}, {"args", {{"version", "1"}}}}})
                  .find("not supported yet"),
              std::string::npos);
    EXPECT_NE(refused({{{"step", "set-wifi-station"}, {"args", {{"ssid", 5}}}}}), "");
    EXPECT_NE(refused("x"), "");
    EXPECT_EQ(refused(nullptr), "");
}

TEST_F(PrepareTest, What_is_in_force_is_told_without_secrets) {
    const auto preparation = read_preparation(station_.job);
    ASSERT_TRUE(preparation);
    EXPECT_EQ(preparation->in_force,
              (Json{{"install-mcutool", {{"enabled", true}}},
                    {"set-wifi-ap",
                     {{"address", "10.0.0.1"}, {"ssid", "My Line"}, {"password", "set"}}}}));
}

TEST_F(PrepareTest, Another_argument_or_secret_is_another_image) {
    const auto first = key();
    EXPECT_EQ(first.find(kPassword), std::string::npos);
    EXPECT_EQ(key(), first);
    station_.job.secrets["set-wifi-ap.password"] = "another one";
    EXPECT_NE(key(), first);
    station_.job.secrets["set-wifi-ap.password"] = kPassword;
    station_.job.params["prepare"][1]["args"]["address"] = "10.0.0.1";
    EXPECT_EQ(key(), first) << "the default written out is the same";
    station_.job.params["prepare"][1]["args"]["address"] = "10.0.0.2";
    EXPECT_NE(key(), first);
    station_.job.params["prepare"].erase(0);
    EXPECT_NE(key(), first);
    station_.job.params.erase("prepare");
    EXPECT_EQ(key(), "") << "images of before keep their keys";
}

}  // namespace lineside::image_build
