// SPDX-License-Identifier: Apache-2.0
// Whose port's power the service may switch. That it does switch is not shown here.
#include "station/helper/test_helper.h"

#include <gtest/gtest.h>

namespace lineside::helper::testing {
namespace {

class PortPower : public ::testing::Test {
  protected:
    void SetUp() override {
        if (const auto reason = skip_reason(); !reason.empty()) {
            GTEST_SKIP() << reason;
        }
        helper.emplace(LINESIDE_HELPER_BINARY);
        helper->more_config = "switch_ports = [\"pci-0000:7f:1f.7-usb-0:1\"]\n";
        ASSERT_TRUE(helper->start());
        client.emplace(helper->connect());
    }
    Json ask(const std::string& port) {
        const Json reply = client->ask({{"do", "port-power"}, {"port", port}, {"on", false}});
        EXPECT_FALSE(reply.value("ok", true)) << reply;
        return reply["error"];
    }
    std::optional<HelperProcess> helper;
    std::optional<Client> client;
};

TEST_F(PortPower, Only_what_helper_toml_names) {
    for (const char* other : {"pci-0000:7f:1f.7-usb-0:11", "pci-0000:7f:1f.7-usb-0:2.1",
                              "pci-0000:7f:1f.6-usb-0:1.1"}) {
        const Json error = ask(other);
        EXPECT_EQ(error["code"], "helper.refused");
        EXPECT_EQ(error["message"],
                  fmt::format("switch_ports of helper.toml does not name {}", other));
    }
}

// No such controller on this host: the child's own sentence comes back.
TEST_F(PortPower, A_port_that_is_not_there_is_told) {
    const Json error = ask("pci-0000:7f:1f.7-usb-0:1.3");
    EXPECT_EQ(error["code"], "power.failed");
    EXPECT_EQ(error["message"], "There is no port pci-0000:7f:1f.7-usb-0:1.3 now");
    EXPECT_TRUE(client->ask({{"do", "hello"}}).value("ok", false));
}

}  // namespace
}  // namespace lineside::helper::testing
