// SPDX-License-Identifier: Apache-2.0
// The steps against a unit that is a folder with the scripts of the recipe.
#include "provisioning/steps/steps.h"
#include "provisioning/testing/local_shell.h"
#include "workers/proof/testing/fake_station.h"

#include <gtest/gtest.h>

namespace lineside::provisioning {
namespace {

using proof::testing::FakeStation;
using proof::testing::Heard;
using testing::LocalShell;
using testing::slurp;
using testing::TempDir;
namespace fs = std::filesystem;

class StepsTest : public ::testing::Test {
  protected:
    void SetUp() override {
        tool("set-serial.sh", "printf '%s' \"$2\" >serial; printf '%s' \"$4\" >token");
        tool("get-serial.sh",
             "[ -s serial ] || { echo 'no serial number' >&2; exit 1; }; cat serial");
        station_.job.params = {{"sudo", "none"}};
        station_.on_ask = [this](const protocol::Ask& ask) {
            asked_.push_back(ask.what);
            protocol::Answer answer{ask.id, true, protocol::Json(), {}};
            if (ask.what == "identity.issue") {
                answer.value = {{"serial", "RC26-00001"}, {"token", token_}};
            } else if (ask.what == "once.begin") {
                answer.value = {{"state", once_}};
            }
            return answer;
        };
    }
    void tool(const std::string& name, const std::string& body) {
        unit_.write("system-tools/" + name, "#!/bin/sh\n" + body + "\n", true);
    }
    Heard run(const std::string& name) {
        station_.job.step = name;
        LocalShell shell(unit_.path());
        auto heard = station_.run([&](worker::Station& station) -> base::Result<base::Json> {
            Registry registry;
            register_builtin_steps(registry);
            auto context = StepContext::make(station, *find_step(name));
            if (!context) {
                return tl::unexpected(context.error());
            }
            (*context)->use_shell(shell);
            return run_step(*registry.make(name), **context);
        });
        commands_ = shell.commands;
        return heard;
    }
    bool sent(std::string_view text) const {
        return std::any_of(commands_.begin(), commands_.end(), [&](const std::string& command) {
            return command.find(text) != std::string::npos;
        });
    }

    TempDir unit_;
    FakeStation station_;
    std::vector<std::string> asked_;
    std::vector<std::string> commands_;
    std::string token_ = "tok/EN+1=";
    std::string once_ = "new";
};

TEST_F(StepsTest, Set_serial_writes_both_and_keeps_the_token_out_of_the_command) {
    const auto heard = run("set-serial");
    ASSERT_TRUE(heard.outcome.ok) << heard.outcome.error.message;
    EXPECT_EQ(slurp(unit_.path() / "system-tools/serial"), "RC26-00001");
    EXPECT_EQ(slurp(unit_.path() / "system-tools/token"), token_);
    EXPECT_TRUE(sent("RC26-00001"));
    EXPECT_FALSE(sent(token_));
    EXPECT_EQ(heard.text.find(token_), std::string::npos);
    EXPECT_EQ(asked_, std::vector<std::string>{"identity.issue"});
}

TEST_F(StepsTest, Set_serial_works_without_a_token) {
    token_.clear();
    ASSERT_TRUE(run("set-serial").outcome.ok);
    EXPECT_EQ(slurp(unit_.path() / "system-tools/token"), "");
}

TEST_F(StepsTest, Set_serial_again_with_the_same_serial_is_fine_with_another_it_is_not) {
    ASSERT_TRUE(run("set-serial").outcome.ok);
    ASSERT_TRUE(run("set-serial").outcome.ok);
    unit_.write("system-tools/serial", "RC26-00002");
    const auto heard = run("set-serial");
    EXPECT_EQ(heard.outcome.error.code, "serial.mismatch");
    EXPECT_EQ(slurp(unit_.path() / "system-tools/serial"), "RC26-00002");
}

TEST_F(StepsTest, Failing_script_is_step_code_without_the_token) {
    tool("set-serial.sh", "echo \"called with $*\" >&2; exit 4");
    const auto heard = run("set-serial");
    EXPECT_EQ(heard.outcome.error.code, "step.set-serial");
    EXPECT_EQ(heard.outcome.error.kind, base::Kind::unit);
    EXPECT_TRUE(heard.outcome.error.retry);
    EXPECT_NE(heard.outcome.error.message.find("ended with 4: called with -s RC26-00001 -t ***"),
              std::string::npos)
        << heard.outcome.error.message;
    EXPECT_EQ(heard.text.find(token_), std::string::npos);
}

TEST_F(StepsTest, Refused_identity_ends_the_step_before_anything_is_written) {
    station_.on_ask = [](const protocol::Ask& ask) {
        return protocol::Answer{ask.id, false, {}, base::make_error("pool.empty")};
    };
    EXPECT_EQ(run("set-serial").outcome.error.code, "pool.empty");
    EXPECT_FALSE(fs::exists(unit_.path() / "system-tools/serial"));
}

TEST_F(StepsTest, Script_that_loses_the_serial_is_found) {
    tool("set-serial.sh", "exit 0");
    EXPECT_EQ(run("set-serial").outcome.error.code, "step.set-serial");
}

TEST_F(StepsTest, Read_serial_sends_what_the_unit_says) {
    unit_.write("system-tools/serial", "RC26-0000X\n");
    const auto heard = run("read-serial");
    ASSERT_TRUE(heard.outcome.ok) << heard.outcome.error.message;
    ASSERT_EQ(heard.all<protocol::Proof>().size(), 1U);
    EXPECT_EQ(heard.all<protocol::Proof>()[0].value["serial"], "RC26-0000X");
    fs::remove(unit_.path() / "system-tools/serial");
    EXPECT_EQ(run("read-serial").outcome.error.code, "step.read-serial");
    station_.job.params["serial_file"] = (unit_.path() / "s").string();
    EXPECT_EQ(run("read-serial").outcome.error.code, "step.read-serial");
    unit_.write("s", "RC26-1\n");
    EXPECT_EQ(run("read-serial").all<protocol::Proof>()[0].value["serial"], "RC26-1");
}

TEST_F(StepsTest, Once_per_flash_means_once) {
    // A step of ours, so that no fstab of this machine is looked at.
    struct Format final : Step {
        explicit Format(bool already) : already_(already) {}
        base::Result<bool> check(StepContext&) override { return already_; }
        base::Status apply(StepContext& context) override {
            context.station().log("info", "formatted");
            return {};
        }
        bool already_;
    };
    const auto run_it = [&](bool already, const std::string& state) {
        once_ = state;
        asked_.clear();
        station_.job.step = "set-nvme";
        return station_.run([&](worker::Station& station) -> base::Result<base::Json> {
            auto context = StepContext::make(station, *find_step("set-nvme"));
            Format format(already);
            return run_step(format, **context);
        });
    };
    const auto formatted = [](const Heard& heard) {
        return heard.text.find("formatted") != std::string::npos;
    };
    const std::vector<std::string> whole{"once.begin", "once.done"};
    const std::vector<std::string> begin{"once.begin"};

    auto heard = run_it(false, "new");
    EXPECT_TRUE(heard.outcome.ok && formatted(heard));
    EXPECT_EQ(asked_, whole);
    heard = run_it(true, "begun");  // died after the work, before the mark
    EXPECT_TRUE(heard.outcome.ok && !formatted(heard));
    EXPECT_EQ(asked_, whole);
    heard = run_it(true, "done");
    EXPECT_TRUE(heard.outcome.ok && !formatted(heard));
    EXPECT_EQ(asked_, begin);
    for (const auto& [already, state] :
         {std::pair{false, "begun"}, std::pair{false, "done"}, std::pair{true, "new"}}) {
        heard = run_it(already, state);
        EXPECT_FALSE(heard.outcome.ok || formatted(heard)) << state;
        EXPECT_EQ(heard.outcome.error.code, "step.set-nvme");
        EXPECT_FALSE(heard.outcome.error.retry);
        EXPECT_EQ(asked_, begin);
    }
}

TEST_F(StepsTest, Wifi_arguments_arrive_and_stay_secret) {
    tool("set-wifi-ap.sh", "for a; do printf '<%s>' \"$a\"; done >ap");
    station_.job.params = {{"sudo", "none"}, {"ssid", "it's $(a) net"}, {"ap_address", "10.0.0.2"}};
    station_.job.secrets = {{"wifi_ap_password", "pass word'1"}};
    const auto heard = run("set-wifi-ap");
    ASSERT_TRUE(heard.outcome.ok) << heard.outcome.error.message;
    EXPECT_EQ(slurp(unit_.path() / "system-tools/ap"),
              "<-a><10.0.0.2><-s><it's $(a) net><-p><pass word'1>");
    EXPECT_FALSE(sent("pass word"));
    station_.job.secrets = {{"wifi_ap_password", "short"}};
    EXPECT_EQ(run("set-wifi-ap").outcome.error.code, "config.invalid");
    station_.job.secrets = protocol::Json::object();
    EXPECT_EQ(run("set-wifi-ap").outcome.error.code, "config.invalid");
}

TEST_F(StepsTest, Station_network_may_be_open) {
    tool("set-wifi-station.sh", "for a; do printf '<%s>' \"$a\"; done >wifi");
    station_.job.params = {{"sudo", "none"}, {"ssid", "Guest"}};
    ASSERT_TRUE(run("set-wifi-station").outcome.ok);
    EXPECT_EQ(slurp(unit_.path() / "system-tools/wifi"), "<-s><Guest><-p><>");
}

TEST_F(StepsTest, Install_looks_first_and_last) {
    tool("install-camera.sh", "echo run >>runs; printf '%s\\n' \"$1\" >version");
    const auto file = (unit_.path() / "system-tools/version").string();
    station_.job.params = {{"sudo", "none"}, {"version", "2.1.0"}, {"version_file", file}};
    ASSERT_TRUE(run("install-camera").outcome.ok);
    ASSERT_TRUE(run("install-camera").outcome.ok);
    EXPECT_EQ(slurp(unit_.path() / "system-tools/runs"), "run\n");
    tool("install-camera.sh", "exit 0");
    station_.job.params["version"] = "2.2.0";
    const auto heard = run("install-camera");
    EXPECT_EQ(heard.outcome.error.code, "step.install-camera");
    EXPECT_NE(heard.outcome.error.message.find("2.1.0"), std::string::npos);
    station_.job.params["version"] = "2; reboot";
    EXPECT_EQ(run("install-camera").outcome.error.code, "config.invalid");
    EXPECT_TRUE(commands_.empty());
}

TEST_F(StepsTest, Mcutool_is_skipped_when_there) {
    tool("install-mcutool.sh", "echo run >>runs; touch mcutool; chmod 755 mcutool");
    station_.job.params = {{"sudo", "none"},
                           {"tool_path", (unit_.path() / "system-tools/mcutool").string()}};
    ASSERT_TRUE(run("install-mcutool").outcome.ok);
    ASSERT_TRUE(run("install-mcutool").outcome.ok);
    EXPECT_EQ(slurp(unit_.path() / "system-tools/runs"), "run\n");
}

TEST_F(StepsTest, Missing_script_is_named) {
    const auto heard = run("set-service");
    EXPECT_EQ(heard.outcome.error.code, "step.set-service");
    EXPECT_NE(heard.outcome.error.message.find("set-service.sh ended with 12"), std::string::npos);
}

}  // namespace
}  // namespace lineside::provisioning
