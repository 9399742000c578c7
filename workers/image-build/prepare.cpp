// SPDX-License-Identifier: Apache-2.0
#include "workers/image-build/prepare.h"

#include "station/base/files.h"
#include "station/trust/canonical_json.h"
#include "station/trust/secret_digest.h"
#include "workers/image-build/image_tool.h"
#include "workers/proof/escape.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>

namespace lineside::image_build {
namespace {

namespace fs = std::filesystem;
namespace session = provisioning::session;
using base::Json;
using provisioning::StepFacts;
using worker::Station;

constexpr std::string_view kTools = "system-tools";
constexpr std::string_view kPurpose = "lineside image secret 1";
constexpr std::size_t kMostSteps = 16;
constexpr std::size_t kMaxScript = 4UL * 1024 * 1024;

// The options of the originals (system-tools/*.sh), a secret last.
struct Option {
    std::string_view flag;
    std::string_view arg;
};
struct Script {
    std::string_view step;
    std::array<Option, 3> options;
};
constexpr std::array kScripts{
    Script{"install-mcutool", {}},
    Script{"set-wifi-ap", {{{"-a", "address"}, {"-s", "ssid"}, {"-p", "password"}}}},
    Script{"set-wifi-station", {{{"-s", "ssid"}, {"-p", "password"}, {}}}},
    Script{"set-service", {{{"-d", "develop"}, {"-u", "url"}, {}}}},
    Script{"install-camera", {}},  // without a version it copies the installer
};

const Script* script_of(std::string_view step) {
    const auto* found = std::find_if(kScripts.begin(), kScripts.end(),
                                     [&](const Script& each) { return each.step == step; });
    return found == kScripts.end() ? nullptr : found;
}

std::string text_of(const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

base::Result<session::RecipeStep> read_step(const Json& given, const Json& secrets) {
    auto name = base::field<std::string>(given, "step");
    if (!name) {
        return tl::unexpected<base::Error>(name.error());
    }
    const StepFacts* facts = provisioning::find_step(*name);
    if (facts == nullptr || script_of(facts->name) == nullptr) {
        return base::fail("config.invalid", "prepare: no step before the flash is called " +
                                                proof::escape_name(*name));
    }
    session::RecipeStep step;
    step.step = facts;
    step.args = session::make_args(*facts, given.value("args", Json::object()));
    for (const provisioning::ArgFact& arg : facts->args) {
        const auto secret = secrets.find(fmt::format("{}.{}", facts->name, arg.name));
        if (arg.secret && secret != secrets.end() && secret->is_string()) {
            step.args.secrets[std::string(arg.name)] = base::Secret(secret->get<std::string>());
        }
    }
    return step;
}

// ---- running one

class Run {
  public:
    Run(Station& station, container::Runner& runner, const fs::path& lane,
        const session::RecipeStep& step)
        : station_(station), runner_(runner), lane_(lane), step_(step) {}

    base::Status operator()() {
        const Script& script = *script_of(step_.step->name);
        file_ = fmt::format("./{}/{}.sh", kTools, script.step);
        std::error_code error;
        if (!fs::is_regular_file(lane_ / file_, error)) {
            return base::fail(
                "image.build",
                fmt::format("{} before the flash: the BSP tree has no {}/{}.sh; put it there, or "
                            "take the step out of the recipe",
                            script.step, kTools, script.step));
        }
        container::Call command;
        command.set_env = {"USER=root"};
        std::vector<std::string> words;
        for (const Option& option : script.options) {
            if (option.flag.empty()) {
                break;
            }
            words.emplace_back(option.flag);
            const std::string arg(option.arg);
            if (const auto secret = step_.args.secrets.find(arg);
                secret != step_.args.secrets.end()) {
                command.input = base::Secret(std::string(secret->second.reveal()) + "\n");
            } else {
                words.push_back(text_of(step_.args.plain.value(arg, Json(""))));
            }
        }
        if (command.input.empty()) {
            command.argv = {file_};
        } else if (auto shell = shell_for_secret(); shell) {
            command.argv = std::move(*shell);
        } else {
            return tl::unexpected<base::Error>(shell.error());
        }
        command.argv.insert(command.argv.end(), words.begin(), words.end());
        return run(command);
    }

  private:
    // The script takes its secret as an argument, which every process of the host could read. So it
    // is run by a shell that reads the secret from its standard input and then becomes the script:
    // $0 is the script, its arguments are the shell's own and were never a command line.
    [[nodiscard]] base::Result<std::vector<std::string>> shell_for_secret() const {
        constexpr std::string_view kBecome =
            "IFS= read -r lineside_secret || exit 125; set -- \"$@\" \"$lineside_secret\"; "
            "unset lineside_secret; exec </dev/null; . \"$0\"";
        auto text = base::read_file(lane_ / file_, kMaxScript);
        if (!text) {
            return base::fail("image.build", text.error().message);
        }
        const std::string first = text->substr(0, text->find('\n'));
        const bool is_bash = first.starts_with("#!") && first.find("bash") != std::string::npos;
        const bool is_sh = first == "#!/bin/sh" || first.starts_with("#!/bin/sh ") ||
                           first == "#!/bin/dash" || first == "#!/usr/bin/env sh";
        if (!is_bash && !is_sh) {
            return base::fail("image.build",
                              fmt::format("{} before the flash: {} is no script of sh or bash, so "
                                          "its password cannot be given to it unseen",
                                          step_.step->name, file_));
        }
        std::vector<std::string> argv{is_bash ? "bash" : "sh"};
        if (first.ends_with(" -e")) {
            argv.emplace_back("-e");
        }
        argv.emplace_back("-c");
        argv.emplace_back(kBecome);
        argv.push_back(file_);
        return argv;
    }

    base::Status run(const container::Call& command) {
        station_.log("info", fmt::format("before the flash: {}", step_.step->name));
        auto done = run_image_tool(station_, runner_, command,
                                   fmt::format("{} before the flash", step_.step->name));
        if (!done) {
            base::Error error = done.error();
            error.message = without_secrets(std::move(error.message));
            return tl::unexpected<base::Error>(std::move(error));
        }
        return done;
    }

    // The station takes secrets out of everything a worker says; this text is shorter than its log.
    [[nodiscard]] std::string without_secrets(std::string text) const {
        for (const auto& [name, secret] : step_.args.secrets) {
            const std::string_view what = secret.reveal();
            for (auto at = what.empty() ? std::string::npos : text.find(what);
                 at != std::string::npos; at = text.find(what, at + 3)) {
                text.replace(at, what.size(), "***");
            }
        }
        return text;
    }

    Station& station_;
    container::Runner& runner_;
    const fs::path& lane_;
    const session::RecipeStep& step_;
    std::string file_;
};

}  // namespace

base::Result<Preparation> read_preparation(const protocol::JobLine& job) {
    Preparation preparation;
    const auto list = job.params.find("prepare");
    if (list == job.params.end() || list->is_null()) {
        return preparation;
    }
    if (!list->is_array() || list->size() > kMostSteps) {
        return base::fail(
            "config.invalid",
            fmt::format("\"prepare\" must be a list of at most {} steps", kMostSteps));
    }
    for (const Json& item : *list) {
        auto step = read_step(item, job.secrets);
        if (!step) {
            return tl::unexpected<base::Error>(step.error());
        }
        preparation.steps.push_back(std::move(*step));
    }
    const auto prepared = session::prepare(false, preparation.steps);
    if (!prepared.refusals.empty()) {
        const auto& refusal = prepared.refusals.front().refusal;
        return base::fail("config.invalid",
                          fmt::format("prepare: {}. {}", refusal.what, refusal.remedy));
    }
    for (session::RecipeStep& step : preparation.steps) {
        step.args = session::with_defaults(*step.step, std::move(step.args));
    }
    preparation.in_force = session::shown(prepared.session.in_force());
    return preparation;
}

base::Result<std::string> key_lines(const Preparation& preparation) {
    std::string lines;
    for (const session::RecipeStep& each : preparation.steps) {
        auto args = trust::canonical_json(each.args.plain);
        if (!args) {
            return tl::unexpected<base::Error>(args.error());
        }
        lines += fmt::format("before-flash {} {}\n", each.step->name, *args);
        for (const auto& [name, secret] : each.args.secrets) {
            auto digest = trust::secret_digest(kPurpose, name, secret);
            if (!digest) {
                return tl::unexpected<base::Error>(digest.error());
            }
            lines += fmt::format("before-flash-secret {} {}\n", name, *digest);
        }
    }
    return lines;
}

base::Status run_preparation(Station& station, container::Runner& runner, const fs::path& lane,
                             const Preparation& preparation) {
    for (const session::RecipeStep& step : preparation.steps) {
        if (auto done = Run(station, runner, lane, step)(); !done) {
            return done;
        }
    }
    return {};
}

}  // namespace lineside::image_build
