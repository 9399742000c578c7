// SPDX-License-Identifier: Apache-2.0
// Restarts the unit and waits until it lets us log in again, after a start that is really a new
// one.
#include "provisioning/steps/steps.h"
#include "station/base/text.h"

namespace lineside::provisioning {
namespace {

using Clock = std::chrono::steady_clock;

constexpr milliseconds kTryWithin{2'000};
constexpr milliseconds kBetween{250};

class RebootAndWait final : public Step {
  public:
    base::Status apply(StepContext& context) override {
        auto before = boot_mark(context);
        if (!before) {
            return tl::unexpected(before.error());
        }
        worker::Station& station = context.station();
        const auto within = context.seconds("boot_s") + context.seconds("down_s");
        // Not the recovery ids: a unit that comes back there has not restarted, and the station
        // says so.
        station.expect({"0955:7020"}, within);
        const unsigned changes = station.port_changes();
        if (auto gone = go_down(context, changes); !gone) {
            return gone;
        }
        if (auto back = come_back(context, *before); !back) {
            return back;
        }
        station.expect_over();
        return {};
    }

  private:
    // Differs from start to start: the kernel's boot id, and when process 1 began, which also tells
    // units apart that share a kernel.
    static base::Result<std::string> boot_mark(StepContext& context) {
        StepContext::Run run;
        run.program =
            R"(cat /proc/sys/kernel/random/boot_id && sed 's/.*) //' /proc/1/stat | cut -d ' ' -f 20)";
        auto end = context.run(run);
        if (!end) {
            return tl::unexpected(end.error());
        }
        if (!end->ok() || end->out.size() < 10) {
            return context.failed("reading the boot id", *end);
        }
        return end->out;
    }

    static base::Status go_down(StepContext& context, unsigned changes) {
        StepContext::Run run;
        // In the background, so that the answer of this command is not what gets cut off.
        run.program = "sync; (sleep 0.2; exec reboot) >/dev/null 2>&1 </dev/null & exit 0";
        auto end = context.run(run);
        if (!end && end.error().code != "ssh.lost") {
            return tl::unexpected(end.error());
        }
        if (end && !end->ok()) {
            return context.failed("asking for a restart", *end);
        }
        // Down is when the port says so or nobody answers any more.
        const auto until = Clock::now() + context.seconds("down_s");
        worker::Station& station = context.station();
        while (Clock::now() < until) {
            if (station.port_changes() != changes || !still_answers(context)) {
                context.disconnect();
                return {};
            }
            if (auto paused = station.pause(kBetween); !paused) {
                return paused;
            }
        }
        return context.failed("the unit did not go down");
    }

    static bool still_answers(StepContext& context) {
        StepContext::Run run;
        run.program = ":";
        run.root = false;
        return context.connected() && context.run(run).has_value();
    }

    static base::Status come_back(StepContext& context, const std::string& before) {
        const auto until = Clock::now() + context.seconds("boot_s");
        worker::Station& station = context.station();
        bool refused = false;
        std::string last = "nothing answered";
        while (Clock::now() < until) {
            auto tried = context.try_connect(kTryWithin);
            if (tried) {
                auto now = boot_mark(context);
                if (now && *now != before) {
                    return context.connect();
                }
                last = "it is still the old start";
                context.disconnect();
            } else if (tried.error().why == ConnectError::Why::stopped) {
                return tl::unexpected(tried.error().stop);
            } else {
                refused = tried.error().why == ConnectError::Why::refused ||
                          tried.error().why == ConnectError::Why::denied;
                last = tried.error().message;
            }
            station.keep_alive();
            if (auto paused = station.pause(kBetween); !paused) {
                return paused;
            }
        }
        return base::fail(refused ? "ssh.refused" : "boot.none",
                          fmt::format("Unit did not come back within {} s of the restart: {}",
                                      context.seconds("boot_s").count(), last));
    }
};

}  // namespace

std::unique_ptr<Step> make_reboot_and_wait() {
    return std::make_unique<RebootAndWait>();
}

}  // namespace lineside::provisioning
