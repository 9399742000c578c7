// SPDX-License-Identifier: Apache-2.0
#include "provisioning/step.h"

#include <algorithm>
#include <charconv>

namespace lineside::provisioning {
namespace {

constexpr milliseconds kConnectWithin{3'000};
constexpr milliseconds kOpenWithin{15'000};
constexpr milliseconds kBetweenTries{300};
constexpr std::size_t kErrorBytes = 1'500;

bool is_ifname(std::string_view name) {
    return !name.empty() && name.size() <= 15 &&
           name.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               std::string_view::npos;
}

}  // namespace

base::Result<std::unique_ptr<StepContext>> StepContext::make(worker::Station& station,
                                                             const StepFacts& facts) {
    if (auto good = check_params(facts, station.job().params); !good) {
        return tl::unexpected(good.error());
    }
    std::unique_ptr<StepContext> context(new StepContext(station, facts));
    const auto take = [&](std::span<const ParamFact> list) -> base::Status {
        for (const ParamFact& fact : list) {
            if (!fact.secret) {
                continue;
            }
            const auto value = base::field_or<std::string>(station.job().secrets, fact.name, "");
            if (!value) {
                return base::fail("config.invalid",
                                  fmt::format("secret \"{}\" is no text", fact.name));
            }
            if (value->empty() && !fact.required) {
                continue;
            }
            // A key is several lines; everything else has its form.
            const std::string wanted =
                fact.name == "ssh_key" ? "" : form_problem(fact.form, std::string_view(*value));
            if (!wanted.empty()) {
                return base::fail("config.invalid", fmt::format("{}: secret \"{}\" must be {}",
                                                                facts.name, fact.name, wanted));
            }
            context->secrets_.emplace_back(*value);
        }
        return {};
    };
    for (const auto list : {facts.params, common_params()}) {
        if (auto good = take(list); !good) {
            return tl::unexpected(good.error());
        }
    }
    return context;
}

std::string StepContext::text(std::string_view name) const {
    const base::Json& params = station_.job().params;
    if (const auto it = params.find(name); it != params.end() && it->is_string()) {
        return it->get<std::string>();
    }
    const auto fact = find_param(facts_, name);
    return fact ? std::string(fact->otherwise) : "";
}

std::chrono::seconds StepContext::seconds(std::string_view name) const {
    const base::Json& params = station_.job().params;
    if (const auto it = params.find(name); it != params.end() && it->is_number_integer()) {
        return std::chrono::seconds(it->get<std::int64_t>());
    }
    const auto fact = find_param(facts_, name);
    std::int64_t value = 0;
    if (fact) {
        std::from_chars(fact->otherwise.data(), fact->otherwise.data() + fact->otherwise.size(),
                        value);
    }
    return std::chrono::seconds(value);
}

bool StepContext::flag(std::string_view name) const {
    const base::Json& params = station_.job().params;
    if (const auto it = params.find(name); it != params.end() && it->is_boolean()) {
        return it->get<bool>();
    }
    const auto fact = find_param(facts_, name);
    return fact && fact->otherwise == "true";
}

base::Secret StepContext::secret(std::string_view name) const {
    return base::Secret(base::field_or<std::string>(station_.job().secrets, name, "").value_or(""));
}

// ---- the unit

tl::expected<void, ConnectError> StepContext::try_connect(milliseconds connect_within) {
    session_.reset();
    SshTarget target;
    target.address = text("address");
    target.user = text("user");
    target.password = secret("ssh_password");
    target.private_key = secret("ssh_key");
    target.port = static_cast<std::uint16_t>(seconds("port").count());
    ConnectError last{ConnectError::Why::unreachable, "the unit has no network interface", {}};
    const std::vector<std::string> interfaces = station_.net();
    for (const std::string& ifname : interfaces) {
        if (!is_ifname(ifname)) {
            continue;
        }
        target.ifname = ifname;
        auto opened = SshSession::open(target, connect_within,
                                       std::max<milliseconds>(kOpenWithin, seconds("connect_s")),
                                       [this](pollfd& ready, milliseconds most) {
                                           station_.wait({&ready, 1}, most);
                                           station_.keep_alive();
                                           return station_.check();
                                       });
        if (opened) {
            session_ = std::move(*opened);
            if (session_->host_key() != host_key_told_) {
                host_key_told_ = session_->host_key();
                station_.fact("host_key", host_key_told_);
            }
            return {};
        }
        last = opened.error();
        // Whoever answers is the unit; another interface of it will not say anything else.
        if (last.why != ConnectError::Why::unreachable) {
            break;
        }
    }
    return tl::unexpected(std::move(last));
}

base::Error StepContext::lost(const ConnectError& error) {
    switch (error.why) {
        case ConnectError::Why::stopped:
            return error.stop;
        case ConnectError::Why::denied:
        case ConnectError::Why::refused:
            return base::make_error("ssh.refused", error.message);
        case ConnectError::Why::unreachable:
        case ConnectError::Why::handshake:
            break;
    }
    return base::make_error("ssh.lost", "No connection to the unit: " + error.message);
}

base::Status StepContext::connect() {
    if (shell_ != nullptr || session_) {
        return {};
    }
    const auto end = std::chrono::steady_clock::now() + seconds("connect_s");
    for (;;) {
        auto tried = try_connect(kConnectWithin);
        if (tried) {
            break;
        }
        const bool final = tried.error().why == ConnectError::Why::denied ||
                           tried.error().why == ConnectError::Why::stopped;
        if (final || std::chrono::steady_clock::now() >= end) {
            return tl::unexpected(lost(tried.error()));
        }
        station_.keep_alive();
        if (auto paused = station_.pause(kBetweenTries); !paused) {
            return paused;
        }
    }
    return {};
}

base::Result<ExecEnd> StepContext::run(const Run& run) {
    if (auto connected = connect(); !connected) {
        return tl::unexpected(connected.error());
    }
    const RemoteCommand command = as_root(run.root ? text("sudo") : "none", secret("ssh_password"),
                                          run.program, run.args, run.input);
    ExecRequest request;
    request.command = command.command;
    request.input = command.input;
    const auto silence = seconds("silence_s");
    request.silence = std::max(
        silence.count() > 0 ? silence : std::chrono::seconds(std::max(station_.job().silence_s, 1)),
        run.least_silence);
    request.total = std::chrono::seconds(station_.job().total_s);
    request.log_output = run.log_output;
    request.keep = run.keep;
    request.on_output = run.on_output;
    return shell_ != nullptr ? shell_->exec(request) : session_->exec(request);
}

base::Result<ExecEnd> StepContext::script(std::string_view script,
                                          const std::vector<ScriptArg>& args,
                                          std::string_view by_stdin,
                                          std::span<const int> also_good) {
    const ScriptProgram program = script_program(text("tools_dir"), script, args, by_stdin);
    Run run;
    run.program = program.program;
    run.input = program.lines;
    auto end = this->run(run);
    if (!end) {
        return end;
    }
    const bool good = end->ok() || (end->how == ExecEnd::How::exited &&
                                    std::find(also_good.begin(), also_good.end(), end->status) !=
                                        also_good.end());
    if (!good) {
        return failed(script, *end);
    }
    return end;
}

tl::unexpected<base::Error> StepContext::failed(std::string_view message) const {
    base::Error error = base::make_error(fmt::format("step.{}", facts_.name),
                                         without_secrets(std::string(message), secrets_));
    error.retry = facts_.retries > 0;
    return tl::unexpected(std::move(error));
}

tl::unexpected<base::Error> StepContext::failed(std::string_view what, const ExecEnd& end) const {
    // Secrets go before anything is cut, so that no half of one is left at an edge.
    const std::string said = without_secrets(end.err.empty() ? end.out : end.err, secrets_);
    return failed(fmt::format("{} {}{}{}", what, end.how_text(), said.empty() ? "" : ": ",
                              last_lines(said, kErrorBytes)));
}

}  // namespace lineside::provisioning
