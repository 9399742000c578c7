// SPDX-License-Identifier: Apache-2.0
// What may be done in a prepared session, in which order: the build area is opened once, steps
// before the flash change what all following flashes write, a flash takes the image that is
// prepared or builds it anew, steps on the booted unit follow. `lineside check session` asks these
// rules about a file, the station about what it is going to do. The rules stand numbered in
// README.md. No I/O, no clock.   Thread: one at a time (plain state).
#pragma once

#include "provisioning/step_table.h"
#include "station/base/secret.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lineside::provisioning::session {

struct Settings {
    bool test_only = false;         // units may go without a token
    bool hold_before_flash = true;  // stop between preparing and flashing
    bool install_mcutool = true;    // the default preparation installs it
};

// Arguments of a step. The text of an argument that is declared a secret is in `secrets` and never
// shown; everything else, of whatever type, is in `plain`.
struct Args {
    base::Json plain = base::Json::object();
    std::map<std::string, base::Secret> secrets;
};
// Puts what was given under its declared names and secrets apart. What is not declared stays as it
// is: the rules refuse it by name.
[[nodiscard]] Args make_args(const StepFacts& step, const base::Json& given);

enum class Do { open, pre, build, flash, post, close };
[[nodiscard]] std::string_view to_text(Do what);

struct Action {
    Do what = Do::open;
    std::string unit;                 // flash, post
    const StepFacts* step = nullptr;  // pre, post: REQUIRED there
    Args args;                        // pre, post
    bool reuse = false;  // flash: write the image that is prepared; else build it anew and write
    std::optional<bool> hold_before_flash;  // open: for this opening, instead of the settings
    std::optional<bool> install_mcutool;
};

// Why an action is not allowed. No text holds a secret.
struct Refusal {
    std::string code;    // "session.not_open": one of refusal_codes()
    std::string field;   // of the action: "do", "step", "unit", "reuse", "args.ssid"
    std::string what;    // one sentence, what is so
    std::string remedy;  // what to do, imperative
};
[[nodiscard]] std::span<const std::string_view> refusal_codes();

// Steps in force with their arguments, a secret as "set" (or "none" where it is empty).
[[nodiscard]] base::Json shown(const std::map<std::string, Args>& steps);

struct Unit {
    bool flashed = false;
    // The last flash was refused: what follows it is not told as wrong once more.
    bool flash_refused = false;
    bool in_recovery = false;  // sent there by a step: a flash must follow
    std::string serial;
    std::vector<std::string> ran;          // on the booted unit, since its last flash
    std::vector<std::string> skipped;      // there was nothing to do, or it would have done harm
    std::map<std::string, Args> in_force;  // in the image it got, and set on it since

    // What is missing before it can pass: "flash", or steps in the table's order.
    [[nodiscard]] std::vector<std::string> missing() const;
};

class Session {
  public:
    explicit Session(Settings settings) : settings_(settings) {}

    // Does the action, or says why not: then nothing has changed.
    [[nodiscard]] std::vector<Refusal> act(const Action& action);
    // A flash of `unit` was meant that says too little to be done.
    void refuse_flash(const std::string& unit) { units_[unit].flash_refused = true; }

    [[nodiscard]] bool is_open() const { return open_; }
    [[nodiscard]] int builds() const { return builds_; }
    // Steps in force for the next flash; nothing while the session is not open.
    [[nodiscard]] const std::map<std::string, Args>& in_force() const { return in_force_; }
    // The prepared image holds what is in force.
    [[nodiscard]] bool is_prepared() const;
    // The image that would be written holds something of one unit alone.
    [[nodiscard]] bool is_of_one_unit() const;
    [[nodiscard]] const std::map<std::string, Unit>& units() const { return units_; }

  private:
    struct Owner {
        std::string serial;  // as it was first given
        std::string token_digest;
        std::string unit;  // "" while it is on none
    };
    using Refusals = std::vector<Refusal>;

    [[nodiscard]] Refusals open(const Action& action);
    [[nodiscard]] Refusals pre(const Action& action);
    [[nodiscard]] Refusals build();
    [[nodiscard]] Refusals flash(const Action& action);
    [[nodiscard]] Refusals post(const Action& action);
    [[nodiscard]] Refusals close();
    [[nodiscard]] Refusals when_not_open() const;
    // A serial and its token are one pair, and of one unit.
    void check_pair(const Args& args, Refusals& refusals) const;
    void check_owner(const std::string& serial, const std::string& unit, std::string_view field,
                     Refusals& refusals) const;
    void note_pair(const Args& args);
    void run_on_unit(const Action& action, Unit& unit);

    Settings settings_;
    bool open_ = false;
    bool was_open_ = false;
    bool hold_ = true;
    int builds_ = 0;
    std::map<std::string, Args> in_force_;
    std::optional<std::map<std::string, Args>> prepared_;  // what the prepared image holds
    std::map<std::string, Unit> units_;
    std::map<std::string, Owner> owners_;        // by the serial in small letters
    std::map<std::string, std::string> tokens_;  // digest -> serial in small letters
};

}  // namespace lineside::provisioning::session
