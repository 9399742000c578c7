// SPDX-License-Identifier: Apache-2.0
#include "provisioning/session/arguments.h"

#include "station/base/text.h"

#include <algorithm>

namespace lineside::provisioning::session {
namespace {

const ArgFact* find_arg(const StepFacts& step, std::string_view name) {
    for (const ArgFact& fact : step.args) {
        if (fact.name == name) {
            return &fact;
        }
    }
    return nullptr;
}

// The argument that `given` means by `name`: an alias counts only where the name itself is not
// there.
const ArgFact* meant_by(const StepFacts& step, std::string_view name, const base::Json& given) {
    for (const ArgFact& fact : step.args) {
        if (fact.name == name ||
            (!fact.alias.empty() && fact.alias == name && !given.contains(fact.name))) {
            return &fact;
        }
    }
    return nullptr;
}

std::string field_of(std::string_view arg) {
    return fmt::format("args.{}", arg);
}

// "ssid as 1 to 32 bytes without control characters (IEEE 802.11, 9.4.2.2)"
std::string legal_form(const ArgFact& fact, std::string_view wanted) {
    const std::string_view source = form_source(fact.form);
    return source.empty() ? fmt::format("{} as {}", fact.name, wanted)
                          : fmt::format("{} as {} ({})", fact.name, wanted, source);
}

void check_form(const StepFacts& step, const ArgFact& fact, const std::string& wanted,
                std::size_t bytes, std::vector<Refusal>& refusals) {
    if (wanted.empty()) {
        return;
    }
    // How long a secret is stays unsaid, too.
    const std::string long_ =
        bytes > 0 && !fact.secret ? fmt::format("; it has {} bytes", bytes) : "";
    refusals.push_back({"session.argument_form", field_of(fact.name),
                        fmt::format("{}: {} must be {}{}", step.name, fact.name, wanted, long_),
                        fmt::format("Give {}", legal_form(fact, wanted))});
}

void check_there(const StepFacts& step, const ArgFact& fact, bool there, bool pre, bool test_only,
                 std::vector<Refusal>& refusals) {
    const bool needed = fact.need == Need::always ||
                        (fact.need == Need::unless_test && !test_only) ||
                        (fact.need == Need::post_flash && !pre);
    if (needed && !there) {
        refusals.push_back(
            {"session.argument_missing", field_of(fact.name),
             fmt::format("{}: {} is missing", step.name, fact.name),
             fact.need == Need::unless_test
                 ? fmt::format("Give {}, or mark the session test_only", fact.name)
                 : fmt::format("Give {}",
                               legal_form(fact, form_problem(fact.form, std::string_view("\n"))))});
    } else if (there && pre && fact.need == Need::post_flash) {
        refusals.push_back(
            {"session.argument_phase", field_of(fact.name),
             fmt::format("{} cannot install a {} before the flash: that is not supported yet; "
                         "without one it copies the installer into the image",
                         step.name, fact.name),
             fmt::format("Leave {} out here, and run {} with it on the booted unit", fact.name,
                         step.name)});
    } else if (there && !pre && fact.need == Need::pre_flash) {
        refusals.push_back({"session.argument_phase", field_of(fact.name),
                            fmt::format("{}: {} says what the image holds, so it may be given "
                                        "only before the flash",
                                        step.name, fact.name),
                            fmt::format("Leave {} out", fact.name)});
    }
}

}  // namespace

Args make_args(const StepFacts& step, const base::Json& given) {
    Args args;
    if (!given.is_object()) {
        return args;
    }
    for (const auto& [key, value] : given.items()) {
        const ArgFact* fact = meant_by(step, key, given);
        if (fact == nullptr) {
            args.plain[key] = value;
        } else if (fact->secret && value.is_string()) {
            args.secrets[std::string(fact->name)] = base::Secret(value.get<std::string>());
        } else {
            args.plain[std::string(fact->name)] = value;
        }
    }
    return args;
}

void check_args(const StepFacts& step, const Args& args, bool pre, bool test_only,
                std::vector<Refusal>& refusals) {
    for (const auto& [name, value] : args.plain.items()) {
        const ArgFact* fact = find_arg(step, name);
        if (fact == nullptr) {
            std::vector<std::string_view> known;
            for (const ArgFact& arg : step.args) {
                known.push_back(arg.name);
            }
            refusals.push_back(unknown_name("session.unknown_argument", "args",
                                            fmt::format("no argument of {}", step.name), name,
                                            known));
            continue;
        }
        check_form(step, *fact, form_problem(fact->form, value),
                   value.is_string() ? value.get_ref<const std::string&>().size() : 0, refusals);
    }
    for (const auto& [name, value] : args.secrets) {
        if (const ArgFact* fact = find_arg(step, name); fact != nullptr) {
            check_form(step, *fact, form_problem(fact->form, value.reveal()), 0, refusals);
        }
    }
    for (const ArgFact& fact : step.args) {
        const std::string name(fact.name);
        check_there(step, fact, args.plain.contains(name) || args.secrets.contains(name), pre,
                    test_only, refusals);
    }
}

Args completed(const StepFacts& step, Args args) {
    for (const ArgFact& fact : step.args) {
        const std::string name(fact.name);
        if (fact.secret) {
            args.secrets.try_emplace(name);
            continue;
        }
        if (fact.form == Form::develop && args.plain.contains(name)) {
            const base::Json& given = args.plain[name];
            args.plain[name] = !given.is_boolean() || given.get<bool>();
        } else if (!fact.otherwise.empty() && !args.plain.contains(name)) {
            const bool is_flag = fact.form == Form::flag || fact.form == Form::develop;
            args.plain[name] =
                is_flag ? base::Json(fact.otherwise == "true") : base::Json(fact.otherwise);
        }
    }
    return args;
}

bool same(const Args& a, const Args& b) {
    return a.plain == b.plain &&
           std::equal(a.secrets.begin(), a.secrets.end(), b.secrets.begin(), b.secrets.end(),
                      [](const auto& one, const auto& other) {
                          return one.first == other.first &&
                                 one.second.reveal() == other.second.reveal();
                      });
}

bool same(const std::map<std::string, Args>& a, const std::map<std::string, Args>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& one, const auto& other) {
                          return one.first == other.first && same(one.second, other.second);
                      });
}

base::Json shown(const std::map<std::string, Args>& steps) {
    base::Json all = base::Json::object();
    for (const auto& [name, args] : steps) {
        base::Json step = args.plain;
        for (const auto& [arg, secret] : args.secrets) {
            step[arg] = secret.empty() ? "none" : "set";
        }
        all[name] = std::move(step);
    }
    return all;
}

Refusal unknown_name(std::string_view code, std::string_view field, std::string_view what,
                     std::string_view text, const std::vector<std::string_view>& known) {
    const std::string near = text.size() <= 64 ? base::nearest(text, known) : std::string();
    const bool plain =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
    Refusal refusal{std::string(code), std::string(field), "", ""};
    if (!near.empty() && plain) {
        refusal.what = fmt::format("{} is called \"{}\"", what, text);
        refusal.remedy = fmt::format("Did you mean \"{}\"?", near);
    } else if (known.empty()) {
        refusal.what = fmt::format("{}: it has none", what);
        refusal.remedy = "Leave it out";
    } else {
        refusal.what = fmt::format("{} is called so", what);
        refusal.remedy = fmt::format("Known: {}", fmt::join(known, ", "));
    }
    return refusal;
}

}  // namespace lineside::provisioning::session
