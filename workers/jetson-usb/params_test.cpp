// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/params.h"

#include <gtest/gtest.h>

namespace lineside::jetson_usb {
namespace {

protocol::JobLine a_job() {
    protocol::JobLine job;
    job.job = 1;
    job.step = "flash";
    job.model = "xavier-nx";
    job.bus_port = "1-2.3";
    job.lane = "/lane";
    job.silence_s = 5;
    job.params = {{"board", "jetson-xavier-nx-devkit-emmc"},
                  {"rootdev", "mmcblk0p1"},
                  {"expect_board", {{"id", "3668"}, {"sku", {"0001"}}}}};
    return job;
}

}  // namespace

TEST(Params, Takes_what_a_profile_says_and_fills_in_the_rest) {
    auto job = a_job();
    job.params["silence_s"] = {{"erase", 180}};
    const auto params = read_params(job);
    ASSERT_TRUE(params) << params.error().message;
    EXPECT_EQ(params->usb_ids, std::vector<std::string>{"0955:7e19"});
    EXPECT_EQ(params->expect_board.sku, std::vector<std::string>{"0001"});
    EXPECT_EQ(params->silence, std::chrono::seconds(5));
    EXPECT_EQ(params->stage_silence.at("erase"), std::chrono::seconds(180));
    EXPECT_EQ(params->must_write.back(), "kernel-bootctrl_b");
}

TEST(Params, Refuses_what_could_be_an_option_or_a_path) {
    for (const char* bad : {"", "-u", "../x", "a b", "a;b", "$(x)"}) {
        auto job = a_job();
        job.params["board"] = bad;
        EXPECT_EQ(read_params(job).error().code, "config.invalid") << bad;
        job = a_job();
        job.params["rootdev"] = bad;
        EXPECT_FALSE(read_params(job)) << bad;
    }
    for (const char* bad : {"", "1", "-1", "1-2;3", "/dev/bus/usb/001/002"}) {
        auto job = a_job();
        job.bus_port = bad;
        EXPECT_FALSE(read_params(job)) << bad;
    }
}

TEST(Params, Refuses_a_step_that_does_not_say_which_module_it_wants) {
    auto job = a_job();
    job.params.erase("expect_board");
    EXPECT_NE(read_params(job).error().message.find("expect_board"), std::string::npos);
}

TEST(Params, Takes_the_container_of_the_profile) {
    auto job = a_job();
    EXPECT_FALSE(read_params(job)->container);
    job.params["container"] = {{"image", "a/b:1"}};
    EXPECT_EQ(read_params(job)->container->image, "a/b:1");
    job.params["way"] = "initrd";
    EXPECT_NE(read_params(job).error().message.find("on the host alone"), std::string::npos);
    job.params["container"] = {{"image", "--privileged"}};
    EXPECT_EQ(read_params(job).error().code, "config.invalid");
}

TEST(Params, Names_the_likely_spelling) {
    auto job = a_job();
    job.params["root_dev"] = "mmcblk0p1";
    EXPECT_NE(read_params(job).error().message.find("'rootdev'"), std::string::npos);
    job = a_job();
    job.params["silence_s"] = {{"erasing", 9}};
    EXPECT_FALSE(read_params(job));
}

TEST(Params, Needs_a_lane_and_a_model_with_ids) {
    auto job = a_job();
    job.lane.reset();
    EXPECT_FALSE(read_params(job));
    job = a_job();
    job.model = "toaster";
    EXPECT_FALSE(read_params(job));
    job.params["usb_ids"] = "0955:7e19";
    EXPECT_TRUE(read_params(job));
}

}  // namespace lineside::jetson_usb
