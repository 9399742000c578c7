// SPDX-License-Identifier: Apache-2.0
// net-snmp's own agent as a socket strip: the object that APC's strips have for outlet 3 is a
// script.
#include "station/base/spawn_plan.h"
#include "station/base/unique_fd.h"
#include "station/power/ways.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>

namespace lineside::power {
namespace {

using namespace std::chrono_literals;

constexpr const char* kAgent = "/usr/sbin/snmpd";
constexpr const char* kOutlet = "1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.3";
constexpr const char* kCommunity = "h1dden-word";

int free_port() {
    const base::UniqueFd probe(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(probe.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    return ntohs(address.sin_port);
}

class SnmpStrip : public ::testing::Test {
  protected:
    void SetUp() override {
        if (::access(kAgent, X_OK) != 0 || ::access("/usr/bin/snmpset", X_OK) != 0) {
            GTEST_SKIP() << "needs the packages snmp and snmpd";
        }
        std::string name = ::testing::TempDir() + "snmp-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
        put("state", "1");
        put("settings/snmp.conf", fmt::format("defVersion 2c\ndefCommunity {}\n", kCommunity));
        // Asked: "-g OID"; told: "-s OID integer 2". Takes orders it does not follow where it is
        // stuck.
        put("outlet",
            fmt::format("#!/bin/sh\n"
                        "cd {}\n"
                        "case $1 in\n"
                        "-g) printf '%s\\ninteger\\n%s\\n' \"$2\" \"$(cat state)\" ;;\n"
                        "-s) echo \"$4\" >>orders; [ -e stuck ] || echo \"$4\" >state ;;\n"
                        "esac\n",
                        folder.string()));
        ::chmod((folder / "outlet").c_str(), 0755);
        put("snmpd.conf", fmt::format("rwcommunity {} 127.0.0.1\nrocommunity looks 127.0.0.1\n"
                                      "pass .{} {}\n",
                                      kCommunity, kOutlet, (folder / "outlet").string()));
        plan.driver = Driver::snmp;
        plan.address = fmt::format("127.0.0.1:{}", free_port());
        plan.oid = kOutlet;
        plan.settings_file = folder / "settings/snmp.conf";
        ASSERT_NO_FATAL_FAILURE(start_agent());
    }
    void TearDown() override {
        if (agent > 0) {
            ::kill(agent, SIGKILL);
            ::waitpid(agent, nullptr, 0);
        }
        std::filesystem::remove_all(folder);
    }

    void put(const std::string& name, const std::string& text) {
        std::filesystem::create_directories((folder / name).parent_path());
        std::ofstream(folder / name) << text;
    }
    std::string content(const std::string& name) {
        std::ifstream in(folder / name);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    // It says its version once it listens.
    void start_agent() {
        std::array<int, 2> ends{};
        ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        const base::UniqueFd from(ends[0]);
        base::UniqueFd to(ends[1]);
        base::SpawnPlan spawn(POSIX_SPAWN_SETPGROUP);
        ::posix_spawn_file_actions_adddup2(spawn.actions(), to.get(), 1);
        ::posix_spawn_file_actions_adddup2(spawn.actions(), to.get(), 2);
        const std::vector<std::string> words{
            kAgent, "-f", "-Lo", "-r", "-C", "-c", folder / "snmpd.conf", "udp:" + plan.address};
        auto environment = base::plain_environment();
        environment.push_back("SNMP_PERSISTENT_DIR=" + (folder / "kept").string());
        environment.emplace_back("MIBS=");
        ASSERT_EQ(::posix_spawn(&agent, kAgent, spawn.actions(), spawn.attributes(),
                                base::exec_list(words).data(), base::exec_list(environment).data()),
                  0);
        to.reset();
        std::string said;
        while (said.find("NET-SNMP version") == std::string::npos) {
            pollfd wanted{from.get(), POLLIN, 0};
            ASSERT_EQ(::poll(&wanted, 1, 20'000), 1) << said;
            std::array<char, 512> bytes{};
            const ssize_t count = ::read(from.get(), bytes.data(), bytes.size());
            ASSERT_GT(count, 0) << said;
            said.append(bytes.data(), static_cast<std::size_t>(count));
        }
    }
    base::Status set(bool on, std::chrono::milliseconds within = 10s) {
        return snmp_way(plan)->set(on, std::chrono::steady_clock::now() + within);
    }
    static std::string why(const base::Status& told) {
        EXPECT_FALSE(told);
        if (told) {
            return "";
        }
        EXPECT_EQ(told.error().code, "power.failed");
        EXPECT_EQ(told.error().message.find(kCommunity), std::string::npos);
        return told.error().message;
    }

    std::filesystem::path folder;
    SwitchPlan plan;
    pid_t agent = 0;
};

TEST_F(SnmpStrip, Is_told_off_and_on) {
    auto told = set(false);
    ASSERT_TRUE(told) << told.error().message;
    EXPECT_EQ(content("state"), "2\n");
    plan.on_value = 5;  // "on, later" of some strips
    told = set(true);
    ASSERT_TRUE(told) << told.error().message;
    EXPECT_EQ(content("orders"), "2\n5\n");
}

TEST_F(SnmpStrip, One_that_takes_the_order_and_does_nothing_is_found_out) {
    plan.state_oid = kOutlet;
    auto told = set(false);
    ASSERT_TRUE(told) << told.error().message;
    put("stuck", "");
    const std::string text = why(set(true, 2s));
    EXPECT_NE(text.find("took the order and still tells 2, not 1"), std::string::npos) << text;
    EXPECT_EQ(content("orders"), "2\n1\n");
}

TEST_F(SnmpStrip, A_login_that_may_not_is_told_without_the_community) {
    put("settings/snmp.conf", "defVersion 2c\ndefCommunity looks\n");
    const std::string text = why(set(false));
    EXPECT_NE(text.find("snmpset ended with status 2"), std::string::npos) << text;
    EXPECT_EQ(text.find("looks"), std::string::npos) << text;
    EXPECT_EQ(content("orders"), "");
}

TEST_F(SnmpStrip, One_that_is_away_is_given_up_in_time) {
    ::kill(agent, SIGSTOP);
    const auto began = std::chrono::steady_clock::now();
    EXPECT_NE(why(set(false, 300ms)).find("did not end in time"), std::string::npos);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

}  // namespace
}  // namespace lineside::power
