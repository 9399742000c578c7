// SPDX-License-Identifier: Apache-2.0
// Waits until the unit lets us log in, and makes sure it is the unit that was flashed on this port.
#include "provisioning/steps/steps.h"
#include "provisioning/unit_uid.h"
#include "station/base/text.h"

namespace lineside::provisioning {
namespace {

using Clock = std::chrono::steady_clock;

constexpr milliseconds kTryWithin{2'000};
constexpr milliseconds kBetween{250};
// sshd may answer before the login it needs is ready (first boot); wrong credentials stay wrong.
constexpr int kDenialsUntilSure = 4;
constexpr milliseconds kAfterDenial{1'500};

// Prints what names the unit. Every line is there in every case, so that a cut answer is noticed.
constexpr std::string_view kWhoAreYou = R"(LC_ALL=C
export LC_ALL
say() { printf '%s=' "$1"; if [ -r "$2" ]; then tr -d '\0\n' <"$2"; fi; echo; }
say serial /sys/firmware/devicetree/base/serial-number
say ecid /sys/devices/platform/efuse-burn/ecid
say uid /sys/module/tegra_fuse/parameters/tegra_chip_uid
say release /etc/nv_tegra_release
echo end=
)";

class WaitUnit final : public Step {
  public:
    base::Status apply(StepContext& context) override {
        if (auto up = wait_for_login(context); !up) {
            return up;
        }
        return check_identity(context);
    }

  private:
    static base::Status wait_for_login(StepContext& context) {
        const auto boot = context.seconds("boot_s");
        const auto patience = context.seconds("refused_s");
        const auto end = Clock::now() + boot;
        bool refusing = false;
        Clock::time_point refused_since{};
        int denials = 0;
        ConnectError last{ConnectError::Why::unreachable, "nothing answered", {}};
        while (Clock::now() < end) {
            auto tried = context.try_connect(kTryWithin);
            if (tried) {
                return context.connect();
            }
            last = tried.error();
            using Why = ConnectError::Why;
            if (last.why == Why::stopped) {
                return tl::unexpected(last.stop);
            }
            if (last.why == Why::denied && ++denials >= kDenialsUntilSure) {
                return base::fail("ssh.refused",
                                  "Unit started but refuses the login: " + last.message);
            }
            // The unit is up and says no: that is another thing than not being up.
            if (last.why == Why::refused) {
                if (!refusing) {
                    refused_since = Clock::now();
                }
                refusing = true;
                if (Clock::now() - refused_since >= patience) {
                    return base::fail(
                        "ssh.refused",
                        fmt::format("Unit started but lets nobody log in for {} s: {}",
                                    patience.count(), last.message));
                }
            } else {
                refusing = false;
            }
            context.station().keep_alive();  // an interface that is down refuses at once
            if (auto paused =
                    context.station().pause(last.why == Why::denied ? kAfterDenial : kBetween);
                !paused) {
                return paused;
            }
        }
        if (context.station().net().empty()) {
            return base::fail("boot.no_network");
        }
        const bool answers = refusing || denials > 0;
        return base::fail(
            answers ? "ssh.refused" : "boot.none",
            fmt::format("{} within {} s: {}",
                        answers ? "Unit started but let nobody log in" : "Did not start",
                        boot.count(), last.message));
    }

    static base::Status check_identity(StepContext& context) {
        StepContext::Run run;
        run.program = kWhoAreYou;
        auto end = context.run(run);
        if (!end) {
            return tl::unexpected(end.error());
        }
        std::map<std::string, std::string, std::less<>> said;
        for (const std::string_view line : base::split(end->out, '\n')) {
            const auto equals = line.find('=');
            if (equals != std::string_view::npos) {
                said.emplace(line.substr(0, equals), base::trim_blanks(line.substr(equals + 1)));
            }
        }
        if (!end->ok() || !said.contains("end")) {
            return context.failed("asking the unit who it is", *end);
        }
        if (!said["release"].empty()) {
            context.station().fact("l4t_release", said["release"].substr(0, 200));
        }
        if (auto same = check_serial(context, said["serial"]); !same) {
            return same;
        }
        return check_chip(context, said["ecid"].empty() ? said["uid"] : said["ecid"]);
    }

    // The gadget's iSerial is the module serial of the device tree; the port told us the former.
    static base::Status check_serial(StepContext& context, const std::string& said) {
        if (said.empty() || said == "no-serial") {
            return base::fail("unit.no_serial");
        }
        context.station().fact("module_serial", said.substr(0, 64));
        const auto& known = context.station().job().module_serial;
        if (known && !known->empty() && *known != "no-serial" && *known != said) {
            return base::fail(
                "unit.swapped",
                fmt::format("Unit on this port has module serial {}, the one that answers says {}",
                            *known, said.substr(0, 64)));
        }
        return {};
    }

    static base::Status check_chip(StepContext& context, const std::string& said) {
        const auto uid = parse_uid(said);
        if (uid) {
            context.station().fact("ecid", fmt::format("{:#018x}", *uid));
        }
        const auto& chip = context.station().job().chip_id;
        const auto expected = chip ? linux_uids(*chip) : std::vector<std::uint64_t>{};
        if (!uid || expected.empty()) {
            context.station().log(
                "info", "chip id of recovery mode and of the booted unit cannot be compared");
            return {};
        }
        if (std::find(expected.begin(), expected.end(), *uid) == expected.end()) {
            return base::fail(
                "unit.swapped",
                fmt::format(
                    "Unit that was flashed has chip uid {:#018x}, the one that answers {:#018x}",
                    expected.front(), *uid));
        }
        return {};
    }
};

}  // namespace

std::unique_ptr<Step> make_wait_unit() {
    return std::make_unique<WaitUnit>();
}

}  // namespace lineside::provisioning
