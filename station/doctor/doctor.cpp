// SPDX-License-Identifier: Apache-2.0
#include "station/doctor/doctor.h"

#include "station/base/json.h"
#include "station/config/config.h"
#include "station/doctor/leftovers.h"

#include <CLI/CLI.hpp>
#include "station/base/toml.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

namespace lineside::doctor {
namespace {

using base::Json;

// Below the profile's tree; "" where that is an archive.
std::string program_of(const core::Profile& profile) {
    const auto flash =
        std::find_if(profile.steps.begin(), profile.steps.end(),
                     [](const core::StepPlan& step) { return step.name == "flash"; });
    const std::string way =
        flash == profile.steps.end() ? "flash" : flash->params.value("way", std::string("flash"));
    if (way == "flash") {
        return "flash.sh";
    }
    for (const std::string_view ending : {".tbz2", ".tgz", ".tar", ".tar.gz", ".tar.bz2"}) {
        if (profile.bsp.ends_with(ending)) {
            return "";
        }
    }
    return way == "massflash" ? "nvaflash.sh"
           : way == "initrd"  ? "tools/kernel_flash/l4t_initrd_flash_internal.sh"
                              : flash->params.value("tool", std::string("initrd-flash"));
}

void read_power(const config::SlotConfig& slot, bool of_service, Wanted& wanted) {
    const auto add = [&](PowerNeed::What what, const std::string& name) {
        if (!name.empty()) {
            wanted.power.push_back({what, slot.label, name});
        }
    };
    const auto need = [&](const power::SwitchPlan& plan) {
        using enum PowerNeed::What;
        add(chip, plan.chip);
        add(device, plan.device);
        for (const auto* words : {&plan.on_command, &plan.off_command}) {
            add(program, words->empty() ? "" : words->front());
        }
        if (plan.driver == power::Driver::snmp) {
            add(program, std::string(power::kSnmpSet));
        }
        for (const auto& secret : {plan.password_file, plan.settings_file}) {
            if (of_service || !secret.starts_with("/run/credentials/")) {
                add(password, secret);
            }
        }
        if (plan.driver == power::Driver::hub_port) {
            add(hub_port, slot.port);
        }
    };
    if (slot.power) {
        need(slot.power->power);
    }
    if (slot.power && slot.power->recovery) {
        need(*slot.power->recovery);
    }
}

void read_station(const Options& options, Wanted& wanted) {
    const auto reading = config::read_config(options.root + options.config);
    if (!reading.complaints.empty()) {
        return;
    }
    const config::Config& config = reading.config;
    wanted.config = options.config;
    wanted.data = config.data;
    wanted.key_file = config.key_file;
    wanted.signing_key = config.signing_key;
    wanted.helper_socket = config.helper_socket;
    wanted.station_socket = config.unix_socket;
    wanted.port = config.port;
    for (const auto& profile : config.profiles) {
        if (!profile.bsp.empty()) {
            wanted.bsp.push_back({profile.bsp, program_of(profile)});
        }
    }
    for (const auto& slot : config.slots) {
        read_power(slot, options.of_service, wanted);
    }
    // A credential exists only while the service runs; its source is what an administrator can
    // mend.
    if (!options.of_service && wanted.key_file.starts_with("/run/credentials/")) {
        wanted.key_file = Wanted{}.key_file;
    }
}

void read_helper(const Options& options, const Host& host, Wanted& wanted) {
    const auto text = host.read(options.helper_config);
    if (!text) {
        return;
    }
    try {
        const toml::table root = toml::parse(*text);
        wanted.lanes = root["lanes"].value_or(wanted.lanes);
        wanted.cgroup_root = root["cgroup_root"].value_or(wanted.cgroup_root);
        wanted.service_user = root["service_user"].value_or(wanted.service_user);
        wanted.worker_user = root["worker_user"].value_or(wanted.worker_user);
        wanted.helper_read = true;
        if (const toml::array* ports = root["switch_ports"].as_array()) {
            for (const toml::node& port : *ports) {
                wanted.switch_ports.push_back(port.value_or(std::string()));
            }
        }
        if (wanted.config.empty()) {
            wanted.helper_socket = root["socket"].value_or(wanted.helper_socket);
        }
    } catch (const toml::parse_error&) {  // host.helper tells that the helper does not run
    }
}

int tell_leftovers(const Options& options, const Host& host, const Wanted& wanted,
                   std::ostream& out) {
    // Without a configured helper only those that run are asked.
    const bool configured = !options.helper_socket.empty() || !wanted.config.empty() ||
                            host.exists(options.helper_config);
    const Leftovers left =
        find_leftovers(host, configured ? wanted.helper_socket : "", options.helper_config);
    const bool clean = left.found.empty() && left.unseen.empty();
    if (options.json) {
        out << base::dump_json({{"leftovers", left.found},
                                {"count", left.found.size()},
                                {"unseen", left.unseen}})
            << '\n';
    } else {
        for (const Json& item : left.found) {
            const std::string job = item["job"].is_number()
                                        ? fmt::format("job {}", item["job"].get<std::int64_t>())
                                        : "no job";
            out << fmt::format("{} of {}: {}\n", item["kind"].get<std::string>(), job,
                               item["what"].get<std::string>());
        }
        for (const std::string& where : left.unseen) {
            out << "could not look: " << where << '\n';
        }
        if (clean) {
            out << "Nothing is left of dead jobs.\n";
        }
    }
    return clean ? 0 : 1;
}

int tell_findings(const Options& options, const std::vector<Finding>& findings, std::ostream& out) {
    Json problems = Json::array();
    Json fine = Json::array();
    bool unfit = false;
    for (const Finding& finding : findings) {
        if (finding.weight == Weight::fine) {
            fine.push_back(finding.code);
            continue;
        }
        unfit = unfit || finding.weight == Weight::error;
        problems.push_back({{"code", finding.code},
                            {"weight", to_text(finding.weight)},
                            {"cause", finding.cause},
                            {"mend", finding.mend}});
        if (!options.json) {
            out << fmt::format("{:<8} {:<18} {}\n", to_text(finding.weight), finding.code,
                               finding.cause);
            if (!finding.mend.empty()) {
                out << fmt::format("{:28}{}\n", "", finding.mend);
            }
        }
    }
    if (options.json) {
        out << base::dump_json(
                   {{"verdict", unfit ? "unfit" : "fit"}, {"problems", problems}, {"fine", fine}})
            << '\n';
    } else {
        out << fmt::format("{} of {} checks are fine; this host is {}.\n", fine.size(),
                           findings.size(), unfit ? "not fit yet" : "fit");
    }
    return unfit ? 1 : 0;
}

}  // namespace

std::string_view to_text(Weight weight) {
    switch (weight) {
        case Weight::fine:
            return "fine";
        case Weight::warning:
            return "warning";
        case Weight::error:
            return "error";
    }
    return "error";
}

Wanted wanted_by(const Options& options, const Host& host) {
    Wanted wanted;
    read_station(options, wanted);
    read_helper(options, host, wanted);
    if (!options.helper_socket.empty()) {
        wanted.helper_socket = options.helper_socket;
    }
    return wanted;
}

void add_options(CLI::App& command, Options& options) {
    command.add_flag("--json", options.json, "findings as JSON");
    command.add_flag("--leftovers", options.leftovers,
                     "processes, mounts, lanes and cgroups of dead jobs instead");
    command.add_option("--config", options.config, "the station's configuration")
        ->capture_default_str();
    command.add_option("--helper-config", options.helper_config, "the root helper's configuration")
        ->capture_default_str();
    command.add_option("--helper-socket", options.helper_socket, "the root helper's socket");
}

int run_doctor(const Options& options) {
    return run_doctor(options, std::cout);
}

int run_doctor(const Options& options, std::ostream& out) {
    const Host host(options.root);
    const Wanted wanted = wanted_by(options, host);
    if (options.leftovers) {
        return tell_leftovers(options, host, wanted, out);
    }
    return tell_findings(options, check_host(host, wanted), out);
}

}  // namespace lineside::doctor
