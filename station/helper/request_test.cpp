// SPDX-License-Identifier: Apache-2.0
#include "station/helper/request.h"

#include "station/helper/config.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace lineside::helper {

TEST(HelperRequest, Spawn_with_all_its_ids) {
    const auto request = parse_request(fmt::format(
        R"({{"id":1,"do":"spawn","job":812,"step":1,"attempt":2,"method":"jetson-usb","profile":"nx","image":"{}","lane":true}})",
        std::string(64, 'a')));
    ASSERT_TRUE(request) << request.error().message;
    const auto& spawn = std::get<SpawnRequest>(request->what);
    EXPECT_EQ(spawn.job, 812);
    EXPECT_EQ(spawn.attempt, 2);
    EXPECT_EQ(spawn.profile, "nx");
    EXPECT_TRUE(spawn.lane);
}

TEST(HelperRequest, The_power_of_a_port) {
    auto request = parse_request(
        R"({"id":4,"do":"port-power","port":"pci-0000:00:14.0-usb-0:1.3","on":false})");
    ASSERT_TRUE(request) << request.error().message;
    const auto& off = std::get<PortPowerRequest>(request->what);
    EXPECT_EQ(off.port, "pci-0000:00:14.0-usb-0:1.3");
    EXPECT_EQ(off.on, false);
    request = parse_request(R"({"id":4,"do":"port-power","port":"pci-0000:00:14.0-usb-0:1.3"})");
    ASSERT_TRUE(request);
    EXPECT_FALSE(std::get<PortPowerRequest>(request->what).on.has_value());
}

TEST(HelperRequest, What_is_not_an_id_is_refused) {
    const std::string key(64, 'a');
    for (
        const std::string& packet :
        {std::string("{"),
         std::string("[]"),
         std::string("7"),
         std::string(R"({"id":1})"),
         std::string(R"({"id":1,"do":"exec"})"),
         std::string(R"({"do":"hello"})"),
         std::string(R"({"id":1,"do":"hello","command":"/bin/sh"})"),
         std::string(R"({"id":-1,"do":"hello"})"),
         std::string(R"({"id":"1","do":"hello"})"),
         std::string(R"({"id":1,"do":"kill"})"),
         std::string(R"({"id":1,"do":"kill","job":0})"),
         std::string(R"({"id":1,"do":"kill","job":-5})"),
         std::string(R"({"id":1,"do":"kill","job":1.5})"),
         std::string(R"({"id":1,"do":"kill","job":"1"})"),
         std::string(R"({"id":1,"do":"kill","job":99999999999999999999})"),
         std::string(
             R"({"id":1,"do":"spawn","job":1,"step":1,"attempt":1,"method":"../../bin/sh"})"),
         std::string(R"({"id":1,"do":"spawn","job":1,"step":1,"attempt":1,"method":"/bin/sh"})"),
         std::string(R"({"id":1,"do":"spawn","job":1,"step":1,"attempt":1,"method":""})"),
         std::string(R"({"id":1,"do":"spawn","job":1,"step":1,"attempt":1,"method":"Sim"})"),
         std::string(
             R"({"id":1,"do":"spawn","job":1,"step":1,"attempt":1,"method":"sim","image":"abc"})"),
         std::string(
             R"({"id":1,"do":"spawn","job":1,"step":1,"attempt":1,"method":"sim","lane":"yes"})"),
         std::string(
             R"({"id":1,"do":"spawn","job":1,"step":1,"attempt":1,"method":"sim","env":{"LD_PRELOAD":"/x"}})"),
         std::string(
             R"({"id":1,"do":"spawn","job":1,"step":1,"attempt":1,"method":"sim","args":["-c"]})"),
         std::string(R"({"id":1,"do":"image-remove","image":"../x"})"),
         std::string(R"({"id":1,"do":"port-power","on":true})"),
         std::string(R"({"id":1,"do":"port-power","port":"1-1.3","on":true})"),
         std::string(R"({"id":1,"do":"port-power","port":"x-usb-0:1.3","on":1})"),
         std::string(R"({"id":1,"do":"port-power","port":"x-usb-0:1.3","path":"/sys"})"),
         fmt::format(R"({{"id":1,"do":"port-power","port":"{}-usb-0:1"}})", key + key),
         fmt::format(R"({{"id":1,"do":"image-remove","image":"{}","path":"/"}})", key),
         std::string("\x00\xff", 2),
         std::string(20000, ' ')}) {
        const auto request = parse_request(packet);
        EXPECT_FALSE(request) << packet.substr(0, 200);
        if (!request) {
            EXPECT_EQ(request.error().code, "helper.refused");
        }
    }
}

TEST(HelperConfig, Complains_about_everything_at_once_with_lines) {
    const auto config = parse_config(
        "socket = 7\nlane = \"x\"\nhide = [\"relative\"]\nmethods = \"/a/../b\"\n", "helper.toml");
    ASSERT_FALSE(config);
    const std::string& text = config.error().message;
    EXPECT_NE(text.find("helper.toml:1:"), std::string::npos) << text;
    EXPECT_NE(text.find("unknown key 'lane'; did you mean 'lanes'?"), std::string::npos) << text;
    EXPECT_NE(text.find("helper.toml:3:"), std::string::npos) << text;
    EXPECT_NE(text.find("'service_user' is missing"), std::string::npos) << text;
    EXPECT_NE(text.find("'methods' must be an absolute path"), std::string::npos) << text;
}

TEST(HelperConfig, Reads_a_whole_one) {
    const auto config = parse_config(R"(
socket = "/run/x.sock"
service_user = "#1000"
worker_user = "#1001"
methods = "/m"
lanes = "/l"
images = "/i"
hide = ["/var/lib/lineside"]
switch_ports = ["pci-0000:00:14.0-usb-0:1"]
[environment]
UMOCKDEV_DIR = "/run/u"
[profile.reeplayer-nx]
bsp = "/opt/bsp"
)",
                                     "helper.toml");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->service.uid, 1000U);
    EXPECT_EQ(config->bsp.at("reeplayer-nx"), "/opt/bsp");
    ASSERT_EQ(config->environment.size(), 1U);
    EXPECT_EQ(config->switch_ports, std::vector<std::string>{"pci-0000:00:14.0-usb-0:1"});
    EXPECT_EQ(config->digest.size(), 64U);
}

TEST(HelperConfig, Workers_may_not_be_root) {
    EXPECT_FALSE(
        parse_config("socket=\"/s\"\nservice_user=\"#1\"\nworker_user=\"root\"\nmethods=\"/"
                     "m\"\nlanes=\"/l\"\nimages=\"/i\"\n",
                     "f"));
}

}  // namespace lineside::helper
