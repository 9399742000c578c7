// SPDX-License-Identifier: Apache-2.0
// to-recovery over a real sshd whose logins find another `reboot`: one that writes down how it was
// called.
#include "provisioning/steps/steps.h"
#include "provisioning/testing/private_sshd.h"
#include "workers/proof/testing/fake_station.h"

#include <gtest/gtest.h>

namespace lineside::provisioning {
namespace {

using proof::testing::FakeStation;
using proof::testing::Heard;
using protocol::PortState;

class ToRecoveryTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(sshd_.up()) << sshd_.log();
        sshd_.dir().write(
            "bin/reboot",
            fmt::format("#!/bin/sh\necho \"$*\" >{}/called\n", sshd_.dir().path().string()), true);
        // This host must never be the one that restarts.
        const auto session =
            SshSession::open(sshd_.target(), milliseconds(2'000), milliseconds(5'000), patient());
        ASSERT_TRUE(session.has_value());
        ExecRequest request;
        request.command = "command -v reboot";
        ASSERT_EQ((*session)->exec(request).value().out,
                  (sshd_.dir().path() / "bin/reboot").string() + "\n");
        const SshTarget target = sshd_.target();
        station_.job.net = {"lo"};
        station_.job.params = {{"address", target.address},
                               {"port", target.port},
                               {"user", target.user},
                               {"sudo", "none"},
                               {"down_s", 60},
                               {"recovery_s", 60}};
        station_.job.secrets["ssh_key"] = std::string(target.private_key.reveal());
        station_.job.step = "to-recovery";
    }
    static Waiter patient() {
        return [](pollfd& ready, milliseconds most) -> base::Status {
            poll(&ready, 1, static_cast<int>(most.count()));
            return {};
        };
    }
    // The port tells these, one after the other, once the absence was announced.
    Heard run(const std::vector<PortState>& port) {
        station_.on_message = [port](const protocol::FromWorker& message) {
            std::vector<protocol::FromStation> replies;
            if (const auto* expect = std::get_if<protocol::Expect>(&message);
                expect != nullptr && !expect->replug.empty()) {
                replies.assign(port.begin(), port.end());
            }
            return replies;
        };
        Registry registry;
        register_builtin_steps(registry);
        return station_.run([&](worker::Station& station) { return run_job(station, registry); });
    }
    std::string called() const {
        for (int i = 0; i < 500; ++i) {
            if (std::string said = testing::slurp(sshd_.dir().path() / "called"); !said.empty()) {
                return said;
            }
            std::this_thread::sleep_for(milliseconds(10));
        }
        return "";
    }

    testing::PrivateSshd sshd_{"SetEnv PATH={}/bin:/usr/bin:/bin\n"};
    FakeStation station_;
};

TEST_F(ToRecoveryTest, Unit_is_asked_and_believed_when_its_port_shows_recovery) {
    const Heard heard = run({PortState{false, "", {}, {}}, PortState{true, "0955:7e19", {}, {}}});
    EXPECT_TRUE(heard.outcome.ok) << heard.outcome.error.message;
    EXPECT_EQ(called(), "--force forced-recovery\n");
    const auto expects = heard.all<protocol::Expect>();
    ASSERT_GE(expects.size(), 2U);  // announced, and over
    EXPECT_NE(std::find(expects[0].replug.begin(), expects[0].replug.end(), "0955:7e19"),
              expects[0].replug.end());
}

struct Fault {
    std::vector<PortState> port;
    int down_s;
    int recovery_s;
    const char* told;
};

TEST_F(ToRecoveryTest, Known_fault_of_the_power_controller_is_told_with_what_to_do) {
    const std::vector<Fault> table{
        {{}, 1, 60, "did not leave its port"},
        {{PortState{false, "", {}, {}}, PortState{true, "0955:7020", {}, {}}},
         60,
         60,
         "came back as 0955:7020, not in recovery mode"},
        {{PortState{false, "", {}, {}}}, 60, 1, "left its port and did not come back"},
    };
    for (const Fault& fault : table) {
        SCOPED_TRACE(fault.told);
        station_.job.params["down_s"] = fault.down_s;
        station_.job.params["recovery_s"] = fault.recovery_s;
        const Heard heard = run(fault.port);
        EXPECT_EQ(heard.outcome.error.code, "step.to-recovery");
        EXPECT_NE(heard.outcome.error.message.find(fault.told), std::string::npos)
            << heard.outcome.error.message;
        EXPECT_EQ(heard.outcome.error.hint, "Unplug the button cable, then try again");
        EXPECT_TRUE(heard.outcome.error.retry);
    }
}

TEST_F(ToRecoveryTest, Unit_that_refuses_the_login_is_not_asked) {
    station_.job.params["user"] = "nobody-of-this-host";
    EXPECT_EQ(run({}).outcome.error.code, "ssh.refused");
    EXPECT_EQ(testing::slurp(sshd_.dir().path() / "called"), "");
}

}  // namespace
}  // namespace lineside::provisioning
