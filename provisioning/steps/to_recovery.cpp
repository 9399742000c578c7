// SPDX-License-Identifier: Apache-2.0
// Sends a booted unit to recovery mode by its own software, and believes it only when the port
// shows a recovery id.
#include "provisioning/steps/steps.h"

#include <array>

namespace lineside::provisioning {
namespace {

using Clock = std::chrono::steady_clock;

constexpr milliseconds kBetween{250};

// NVIDIA's ids of modules in recovery mode ("APX"), in two families since a message names at most
// 8: TX2, AGX Xavier, Xavier NX, Nano; AGX Orin, Orin NX, Orin Nano, Thor. Source: the
// configuration files of the boards in R32, R35 and R38.
constexpr std::array<std::string_view, 8> kUntilXavier{"0955:7c18", "0955:7418", "0955:7018",
                                                       "0955:7019", "0955:7819", "0955:7919",
                                                       "0955:7e19", "0955:7f21"};
constexpr std::array<std::string_view, 8> kFromOrin{"0955:7023", "0955:7223", "0955:7323",
                                                    "0955:7423", "0955:7523", "0955:7623",
                                                    "0955:7026", "0955:7326"};

// Known of the camera: its power controller may hold the module, and the restart ends in the
// ordinary system or nowhere.
constexpr std::string_view kHint = "Unplug the button cable, then try again";

std::vector<std::string> recovery_ids(const worker::Station& station) {
    const std::string& model = station.job().model;
    const bool from_orin = model.find("orin") != model.npos || model.find("thor") != model.npos;
    const auto& ids = from_orin ? kFromOrin : kUntilXavier;
    return {ids.begin(), ids.end()};
}

bool in_recovery(const worker::Station& station) {
    const auto& port = station.port();
    const auto ids = recovery_ids(station);
    return port && port->present && std::find(ids.begin(), ids.end(), port->id) != ids.end();
}

class ToRecovery final : public Step {
  public:
    base::Result<bool> check(StepContext& context) override {
        return in_recovery(context.station());
    }

    base::Status apply(StepContext& context) override {
        if (auto connected = context.connect(); !connected) {
            return connected;
        }
        worker::Station& station = context.station();
        const auto within = context.seconds("down_s") + context.seconds("recovery_s");
        const unsigned changes = station.port_changes();
        station.expect(recovery_ids(station), within);
        if (auto asked = ask(context); !asked) {
            return asked;
        }
        auto there = come_back(context, changes);
        if (there) {
            context.disconnect();
            station.expect_over();
        }
        return there;
    }

  private:
    static base::Status ask(StepContext& context) {
        StepContext::Run run;
        // In the background, so that the answer of this command is not what gets cut off.
        run.program =
            "command -v reboot >/dev/null || exit 127\n"
            "sync; (sleep 0.2; exec reboot --force forced-recovery) >/dev/null 2>&1 </dev/null & "
            "exit 0";
        auto end = context.run(run);
        if (!end && end.error().code != "ssh.lost") {
            return tl::unexpected(end.error());
        }
        if (end && !end->ok()) {
            return context.failed("asking for recovery mode", *end);
        }
        return {};
    }

    static base::Status come_back(StepContext& context, unsigned changes) {
        worker::Station& station = context.station();
        const auto start = Clock::now();
        std::optional<Clock::time_point> left;
        for (;;) {
            const auto& port = station.port();
            const unsigned news = station.port_changes() - changes;
            if (in_recovery(station)) {
                return {};
            }
            // Back so soon that both were told at once: only the last state is kept.
            if (!left && (news >= 2 || (news > 0 && port && !port->present))) {
                left = Clock::now();
            }
            if (left && port && port->present) {
                return failed(context, fmt::format("the unit restarted and came back as {}, not in "
                                                   "recovery mode",
                                                   port->id));
            }
            if (!left && Clock::now() - start >= context.seconds("down_s")) {
                return failed(context, "the unit did not leave its port");
            }
            if (left && Clock::now() - *left >= context.seconds("recovery_s")) {
                return failed(context, "the unit left its port and did not come back");
            }
            station.keep_alive();
            if (auto paused = station.pause(kBetween); !paused) {
                return paused;
            }
        }
    }

    static base::Status failed(StepContext& context, std::string_view message) {
        auto failure = context.failed(message);
        failure.value().hint = kHint;
        return failure;
    }
};

}  // namespace

std::unique_ptr<Step> make_to_recovery() {
    return std::make_unique<ToRecovery>();
}

}  // namespace lineside::provisioning
