// SPDX-License-Identifier: Apache-2.0
#include "provisioning/step_table.h"

#include "station/base/text.h"

#include <algorithm>
#include <array>

namespace lineside::provisioning {
namespace {

// clang-format off
constexpr std::array kCommon{
    ParamFact{"user",         Form::user,         false, "reeplayer"},
    ParamFact{"address",      Form::host_address, false, "fe80::1"},
    ParamFact{"port",         Form::port,         false, "22"},
    ParamFact{"sudo",         Form::sudo_rule,    false, "sudo -n"},
    ParamFact{"tools_dir",    Form::tools_dir,    false, "system-tools"},
    ParamFact{"connect_s",    Form::seconds,      false, "20"},
    ParamFact{"silence_s",    Form::seconds,      false, ""},  // else the job's own
    ParamFact{"ssh_password", Form::secret_text,  false, "", true},
    ParamFact{"ssh_key",      Form::secret_text,  false, "", true},
};
constexpr std::array kWaitUnit{
    ParamFact{"boot_s",       Form::seconds,      false, "300"},
    ParamFact{"refused_s",    Form::seconds,      false, "60"},
};
constexpr std::array kProveImage{
    ParamFact{"device_dir",   Form::device_dir,   false, "/dev/disk/by-partlabel"},
};
constexpr std::array kSetNvme{
    ParamFact{"mount_point",  Form::unit_path,    false, "/mnt/data"},
};
constexpr std::array kSetSerial{
    ParamFact{"serial_script", Form::script,      false, "get-serial.sh"},
    ParamFact{"serial_file",  Form::unit_path,    false, ""},
};
constexpr std::array kSetWifiAp{
    ParamFact{"ap_address",   Form::ipv4,         false, "10.0.0.1"},
    ParamFact{"ssid",         Form::ssid,         true,  "", false, "ap_ssid"},
    ParamFact{"wifi_ap_password", Form::wpa_password, true, "", true, "ap_password"},
};
constexpr std::array kSetWifiStation{
    ParamFact{"ssid",         Form::ssid,         true,  ""},
    ParamFact{"wifi_station_password", Form::wpa_password_or_none, false, "", true},
};
constexpr std::array kInstallMcutool{
    ParamFact{"tool_path",    Form::unit_path,    false, ""},
};
constexpr std::array kInstallCamera{
    ParamFact{"version",      Form::version,      true,  ""},
    ParamFact{"version_file", Form::unit_path,    false, ""},
};
constexpr std::array kSetService{
    ParamFact{"develop",      Form::flag,         false, "true"},
    ParamFact{"url",          Form::url,          false, "https://api.dev.reeplayer.com"},
};
constexpr std::array kReboot{
    ParamFact{"boot_s",       Form::seconds,      false, "300"},
    ParamFact{"down_s",       Form::seconds,      false, "60"},
};
constexpr std::array kToRecovery{
    ParamFact{"down_s",       Form::seconds,      false, "60"},
    ParamFact{"recovery_s",   Form::seconds,      false, "60"},
};
constexpr std::array kHttpCheck{
    ParamFact{"http_port",    Form::port,         false, "80"},
    ParamFact{"path",         Form::unit_path,    false, "/"},
    ParamFact{"within_s",     Form::seconds,      false, "60"},
    ParamFact{"status",       Form::http_status,  false, "200"},
    ParamFact{"text",         Form::phrase,       false, ""},
};

// Arguments in a prepared session: the options of the original's scripts (system-tools/*.sh).
constexpr std::array kArgsSetSerial{
    ArgFact{"serial",   Form::serial,       Need::always,      false},
    ArgFact{"token",    Form::token,        Need::unless_test, true},
};
constexpr std::array kArgsSetWifiAp{
    ArgFact{"address",  Form::ipv4,         Need::optional,    false, "ap_address", "10.0.0.1"},
    ArgFact{"ssid",     Form::ssid},
    ArgFact{"password", Form::wpa_password, Need::always,      true,  "wifi_ap_password"},
};
constexpr std::array kArgsSetWifiStation{
    ArgFact{"ssid",     Form::ssid},
    ArgFact{"password", Form::wpa_password_or_none, Need::optional, true, "wifi_station_password"},
};
constexpr std::array kArgsSetService{
    ArgFact{"develop",  Form::develop,      Need::optional,    false, "d", "true"},
    ArgFact{"url",      Form::url,          Need::optional,    false, "",  "https://api.dev.reeplayer.com"},
};
constexpr std::array kArgsInstallMcutool{
    ArgFact{"enabled",  Form::flag,         Need::pre_flash,   false, "",  "true"},
};
constexpr std::array kArgsInstallCamera{
    ArgFact{"version",  Form::version,      Need::post_flash},
};

using enum OnInterrupt;
//        name              pre    post  retries  interrupt once   ident  required changes params
//        and for a prepared session: args, of_one_unit, session_needs, alias, to_recovery
constexpr std::array kSteps{
    StepFacts{"wait-unit",        false, true, 1, rerun,  false, false, true,  false, kWaitUnit},
    StepFacts{"prove-image",      false, true, 1, rerun,  false, false, true,  false, kProveImage},
    StepFacts{"set-nvme",         false, true, 0, verify, true,  false, false, true,  kSetNvme, {}, false, true, "install-nvme"},
    StepFacts{"set-serial",       true,  true, 2, verify, false, true,  true,  true,  kSetSerial, kArgsSetSerial, true, true},
    StepFacts{"set-wifi-ap",      true,  true, 2, rerun,  false, false, false, true,  kSetWifiAp, kArgsSetWifiAp},
    StepFacts{"set-wifi-station", true,  true, 2, rerun,  false, false, false, true,  kSetWifiStation, kArgsSetWifiStation},
    StepFacts{"set-service",      true,  true, 2, rerun,  false, false, false, true,  kSetService, kArgsSetService},
    StepFacts{"install-mcutool",  true,  true, 2, rerun,  false, false, false, true,  kInstallMcutool, kArgsInstallMcutool},
    StepFacts{"install-camera",   true,  true, 2, rerun,  false, false, false, true,  kInstallCamera, kArgsInstallCamera, false, true},
    StepFacts{"reboot-and-wait",  false, true, 1, rerun,  false, false, false, true,  kReboot},
    StepFacts{"to-recovery",      false, true, 1, verify, false, false, false, true,  kToRecovery, {}, false, false, "", true},
    StepFacts{"http-check",       false, true, 2, rerun,  false, false, false, false, kHttpCheck},
    StepFacts{"read-serial",      false, true, 2, rerun,  false, false, true,  false, kSetSerial},
};
// clang-format on

}  // namespace

std::span<const StepFacts> step_table() {
    return kSteps;
}

const StepFacts* find_step(std::string_view name) {
    const auto* found = std::find_if(kSteps.begin(), kSteps.end(),
                                     [&](const StepFacts& step) { return step.name == name; });
    return found == kSteps.end() ? nullptr : found;
}

const StepFacts* find_step_or_alias(std::string_view name) {
    const auto* found = std::find_if(kSteps.begin(), kSteps.end(), [&](const StepFacts& step) {
        return !step.alias.empty() && step.alias == name;
    });
    return found == kSteps.end() ? find_step(name) : found;
}

std::span<const ParamFact> common_params() {
    return kCommon;
}

std::optional<ParamFact> find_param(const StepFacts& step, std::string_view param) {
    for (const auto list : {step.params, std::span<const ParamFact>(kCommon)}) {
        const auto found = std::find_if(list.begin(), list.end(),
                                        [&](const ParamFact& fact) { return fact.name == param; });
        if (found != list.end()) {
            return *found;
        }
    }
    return std::nullopt;
}

base::Status check_params(const StepFacts& step, const base::Json& params) {
    if (!params.is_object()) {
        return base::fail("config.invalid",
                          fmt::format("{}: parameters must be a table", step.name));
    }
    for (const auto& [name, value] : params.items()) {
        if (name == "step") {
            continue;
        }
        const auto fact = find_param(step, name);
        if (!fact) {
            std::vector<std::string_view> known;
            for (const auto list : {step.params, std::span<const ParamFact>(kCommon)}) {
                for (const ParamFact& one : list) {
                    known.push_back(one.name);
                }
            }
            const std::string near = base::nearest(name, known);
            return base::fail(
                "config.invalid",
                fmt::format("{}: no parameter \"{}\"{}", step.name, name,
                            near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
        }
        if (fact->secret) {
            return base::fail(
                "config.invalid",
                fmt::format("{}: \"{}\" is a secret and belongs into secrets", step.name, name));
        }
        if (const std::string wanted = form_problem(fact->form, value); !wanted.empty()) {
            return base::fail("config.invalid",
                              fmt::format("{}: \"{}\" must be {}", step.name, name, wanted));
        }
    }
    for (const ParamFact& fact : step.params) {
        if (fact.required && !fact.secret && !params.contains(fact.name)) {
            return base::fail("config.invalid",
                              fmt::format("{}: \"{}\" is missing", step.name, fact.name));
        }
    }
    return {};
}

}  // namespace lineside::provisioning
