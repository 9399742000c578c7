// SPDX-License-Identifier: Apache-2.0
#include "web/api/words.h"

#include "station/base/codes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lineside::api {
namespace {

using base::Json;

struct StepRow {
    std::string_view name;
    std::string_view word;
    std::string_view kind;
};
// clang-format off
constexpr std::array kSteps{
    StepRow{"flash",           "Flashing",                   "work"},
    StepRow{"wait-unit",       "Waiting for the unit",       "wait"},
    StepRow{"prove-image",     "Checking image",             "work"},
    StepRow{"set-nvme",        "Setting up storage",         "work"},
    StepRow{"set-serial",      "Writing serial",             "work"},
    StepRow{"set-wifi-ap",     "Setting up Wi-Fi access point", "work"},
    StepRow{"set-wifi-station","Setting up Wi-Fi",           "work"},
    StepRow{"install-mcutool", "Installing controller tool", "work"},
    StepRow{"install-camera",  "Installing camera",          "work"},
    StepRow{"reboot-and-wait", "Restarting",                 "restart"},
    StepRow{"to-recovery",     "Sending to recovery mode",   "restart"},
    StepRow{"read-serial",     "Reading serial back",        "work"},
};
// clang-format on

// What is told of an event by its kind alone; {name} is that member of its data.
// tests/lint/history_words.py holds it and the kinds of history_sentence() against what the sources
// write.
struct HistoryRow {
    std::string_view kind;
    std::string_view sentence;
};
// clang-format off
constexpr std::array kHistory{
    HistoryRow{"job.acknowledged",   "acknowledged"},
    HistoryRow{"job.prepared",       "in the image before the flash: {steps}"},
    HistoryRow{"job.log_retired",    "log removed after its time; the record stays"},
    HistoryRow{"unit.recovery_asked", "asked to enter recovery mode"},
    HistoryRow{"unit.power_asked",   "switched off and on: {driver}"},
    HistoryRow{"unit.power_cycled",  "off and on again: {result}"},
    HistoryRow{"unit.to_recovery",   "sent to recovery mode: {result}"},
    HistoryRow{"job.rework_allowed", "may be made again: {reason}"},
    HistoryRow{"unit.chip_id",       "chip id read"},
    HistoryRow{"lease.reserved",     "serial {serial} reserved"},
    HistoryRow{"lease.issued",       "serial {serial} issued"},
    HistoryRow{"lease.burned",       "serial {serial} burned: it is on the unit"},
    HistoryRow{"lease.released",     "serial {serial} released: it never left the station"},
    HistoryRow{"lease.in_doubt",     "serial {serial} in doubt: it may be on the unit"},
    HistoryRow{"lease.voided",       "serial {serial} voided: {reason}"},
    HistoryRow{"serial.given_again", "serial {serial} given to this unit again"},
    HistoryRow{"token.rotated",      "new token for serial {serial}"},
    HistoryRow{"token.kept",         "token of serial {serial} kept: there is no other"},
    HistoryRow{"certificate.signed", "birth certificate signed"},
    HistoryRow{"slot.closed",        "slot closed: {reason}"},
    HistoryRow{"label.asked",        "label asked for"},
    HistoryRow{"label.reprint",      "another copy of the label: {reason}"},
    HistoryRow{"label.printed",      "label printed"},
    HistoryRow{"label.failed",       "label not printed"},
    HistoryRow{"label.again",        "label to be printed again"},
    HistoryRow{"label.checked",      "label scanned: the right one"},
    HistoryRow{"label.wrong",        "label of another unit scanned"},
    HistoryRow{"label.skipped",      "label not scanned: {reason}"},
    HistoryRow{"step.started",       ""},
    HistoryRow{"unit.fact",          ""},
};
// clang-format on

const StepRow* find_step(std::string_view name) {
    const auto* row = std::find_if(kSteps.begin(), kSteps.end(),
                                   [&](const StepRow& s) { return s.name == name; });
    return row == kSteps.end() ? nullptr : row;
}

std::string text_of(const Json& data, std::string_view name) {
    return base::field_or<std::string>(data, name, "").value_or("");
}

std::string plain(std::string_view name) {
    std::string word(name);
    std::replace_if(
        word.begin(), word.end(), [](char c) { return c == '-' || c == '.' || c == '_'; }, ' ');
    if (!word.empty() && word.front() >= 'a' && word.front() <= 'z') {
        word.front() = static_cast<char>(word.front() - 'a' + 'A');
    }
    return word;
}

std::string filled(std::string_view sentence, const Json& data) {
    std::string text;
    while (true) {
        const auto open = sentence.find('{');
        text += sentence.substr(0, open);
        if (open == std::string_view::npos) {
            return text;
        }
        const auto close = sentence.find('}', open);
        text += text_of(data, sentence.substr(open + 1, close - open - 1));
        sentence.remove_prefix(close + 1);
    }
}

std::string code_sentence(const Json& data) {
    const auto code = text_of(data, "code");
    if (code.empty()) {
        return {};
    }
    const auto message = text_of(data, "message");
    const auto& entry = base::code_entry(code);
    return fmt::format("{} ({})", message.empty() ? std::string(entry.sentence) : message,
                       entry.display);
}

}  // namespace

std::string step_word(std::string_view name) {
    const StepRow* row = find_step(name);
    return row != nullptr ? std::string(row->word) : plain(name);
}

std::string_view step_kind(std::string_view name) {
    const StepRow* row = find_step(name);
    return row != nullptr ? row->kind : std::string_view("work");
}

std::string image_name(std::string_view profile, const std::optional<std::string>& version) {
    std::string name(profile);
    if (version && !version->empty()) {
        name += (name.empty() ? "" : " ") + *version;
    }
    return name.empty() ? "image" : name;
}

void add_verdict_words(Json& to, const std::optional<std::string>& outcome,
                       const std::optional<std::string>& code,
                       const std::optional<std::string>& message) {
    to["outcome"] = or_null(outcome);
    to["code"] = or_null(code);
    to["display_code"] = to["sentence"] = to["action"] = to["retry"] = nullptr;
    if (code) {
        const auto& entry = base::code_entry(*code);
        to["display_code"] = entry.display;
        to["sentence"] = message && !message->empty() ? *message : std::string(entry.sentence);
        if (!entry.action.empty()) {
            to["action"] = entry.action;
        }
        to["retry"] = entry.retry;
    }
}

std::string history_sentence(std::string_view kind, const Json& data, std::string_view slot) {
    if (auto own = text_of(data, "sentence"); !own.empty()) {
        return own;
    }
    const bool ok = base::field_or<bool>(data, "ok", false).value_or(false);
    if (kind == "job.queued") {
        const auto attempt = base::field_or<std::int64_t>(data, "attempt", 1).value_or(1);
        return attempt == 1 ? fmt::format("unit found in slot {}", slot)
                            : fmt::format("attempt {} began in slot {}", attempt, slot);
    }
    if (kind == "proof.image") {
        return ok ? "image read back and equal" : "image read back and not equal";
    }
    if (kind == "proof.serial") {
        return ok ? "serial read back and equal" : "serial read back and not equal";
    }
    if (kind == "step.ended") {
        const auto why = code_sentence(data);
        return why.empty() ? std::string() : "step failed: " + why;
    }
    if (kind == "job.verdict") {
        const auto why = code_sentence(data);
        return text_of(data, "outcome") + (why.empty() ? "" : ": " + why);
    }
    if (kind == "job.state") {
        return text_of(data, "state") == "interrupted" ? "station restarted, work interrupted" : "";
    }
    const auto* const row = std::find_if(kHistory.begin(), kHistory.end(),
                                         [&](const HistoryRow& r) { return r.kind == kind; });
    if (row != kHistory.end()) {
        return filled(row->sentence, data);
    }
    auto sentence = plain(kind);
    if (!sentence.empty() && sentence.front() >= 'A' && sentence.front() <= 'Z') {
        sentence.front() = static_cast<char>(sentence.front() - 'A' + 'a');
    }
    return sentence;
}

Json actor_word(const std::optional<std::string>& actor) {
    if (!actor || actor->empty() || *actor == "plug-in" || *actor == "station") {
        return nullptr;
    }
    return *actor == "page" ? Json("screen") : Json(*actor);
}

}  // namespace lineside::api
