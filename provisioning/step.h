// SPDX-License-Identifier: Apache-2.0
// What a step on a booted unit is: look whether it is done, do it, look whether it worked. Running
// a recipe again is always legal because the look comes first. Thread: one.
#pragma once

#include "provisioning/remote_script.h"
#include "provisioning/ssh_session.h"
#include "provisioning/step_table.h"
#include "workers/sdk/station.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lineside::provisioning {

// Everything a step may use. Owns the connection to the unit.
class StepContext {
  public:
    // Errors: config.invalid (a parameter or secret is missing or has not its form).
    [[nodiscard]] static base::Result<std::unique_ptr<StepContext>> make(worker::Station& station,
                                                                         const StepFacts& facts);

    [[nodiscard]] worker::Station& station() { return station_; }
    [[nodiscard]] const StepFacts& facts() const { return facts_; }

    // ---- parameters, already checked; the table's default where the recipe says nothing
    [[nodiscard]] std::string text(std::string_view name) const;
    [[nodiscard]] std::chrono::seconds seconds(std::string_view name) const;
    [[nodiscard]] bool flag(std::string_view name) const;
    [[nodiscard]] base::Secret secret(std::string_view name) const;  // empty when not given
    void add_secret(const base::Secret& secret) { secrets_.push_back(secret); }

    // ---- the unit
    // One try on each of the unit's interfaces.
    [[nodiscard]] tl::expected<void, ConnectError> try_connect(milliseconds connect_within);
    // Tries for connect_s. Errors: ssh.lost, ssh.refused, unit.swapped (host key), what the station
    // said.
    [[nodiscard]] base::Status connect();
    void disconnect() { session_.reset(); }
    [[nodiscard]] bool connected() const { return session_ != nullptr; }
    // For tests: another shell in the place of SSH.
    void use_shell(Shell& shell) { shell_ = &shell; }

    // Runs a POSIX sh program on the unit, as the login user or as root. Connects when needed.
    struct Run {
        std::string program;
        std::vector<std::string> args;
        std::string input;
        bool root = true;
        bool log_output = true;
        std::size_t keep = 64 * 1024;
        std::chrono::seconds least_silence{0};  // a command that is silent for long by its nature
        std::function<base::Status(Stream, std::string_view)> on_output;
    };
    [[nodiscard]] base::Result<ExecEnd> run(const Run& run);
    // Runs one of the unit's scripts. Errors: step.<name> with its last lines unless it ends with 0
    // or one of `also_good`; ssh.lost.
    [[nodiscard]] base::Result<ExecEnd> script(std::string_view script,
                                               const std::vector<ScriptArg>& args,
                                               std::string_view by_stdin = {},
                                               std::span<const int> also_good = {});
    // "step.<name>", kind unit, told without secrets.
    [[nodiscard]] tl::unexpected<base::Error> failed(std::string_view message) const;
    [[nodiscard]] tl::unexpected<base::Error> failed(std::string_view what,
                                                     const ExecEnd& end) const;
    // How a failed connection is told once the unit has been up.
    [[nodiscard]] static base::Error lost(const ConnectError& error);

  private:
    StepContext(worker::Station& station, const StepFacts& facts)
        : station_(station), facts_(facts) {}

    worker::Station& station_;
    const StepFacts& facts_;
    std::vector<base::Secret> secrets_;
    std::unique_ptr<SshSession> session_;
    Shell* shell_ = nullptr;
    std::string host_key_told_;
};

class Step {
  public:
    virtual ~Step() = default;
    // True when there is nothing to do.
    [[nodiscard]] virtual base::Result<bool> check(StepContext& /*context*/) { return false; }
    [[nodiscard]] virtual base::Status apply(StepContext& context) = 0;
    // What the step found out becomes the value of the result.
    [[nodiscard]] virtual base::Result<base::Json> verify(StepContext& /*context*/) {
        return base::Json();
    }
};

// check, apply unless done, verify; and the once-per-flash mark around it where the table wants
// one.
[[nodiscard]] base::Result<base::Json> run_step(Step& step, StepContext& context);

// Named steps, registered one by one in main(): no static constructors.
class Registry {
  public:
    using Make = std::function<std::unique_ptr<Step>()>;
    void add(std::string_view name, Make make);  // REQUIRES: the step table has `name`
    [[nodiscard]] std::unique_ptr<Step> make(
        std::string_view name) const;  // nullptr: not registered
    [[nodiscard]] std::vector<std::string> names() const;

  private:
    std::vector<std::pair<std::string, Make>> steps_;
};

void register_builtin_steps(Registry& registry);

// The worker: job line in, one step done.
[[nodiscard]] base::Result<base::Json> run_job(worker::Station& station, const Registry& registry);

}  // namespace lineside::provisioning
