// SPDX-License-Identifier: Apache-2.0
#include "station/core/wall.h"

#include "station/base/codes.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace lineside::core {
namespace {

using base::Json;

// One row of the table: everything of a tile that depends on the state alone.
struct Look {
    std::string_view state;
    std::string_view word;
    std::string_view short_word;
    std::string_view icon;
    std::string_view tone;
    int step;                 // dot under way, 0 = no dots
    std::string_view action;  // "" = none
    std::string_view action_icon;
    std::string_view time_form;  // "" = no time shown
};

// clang-format off
constexpr std::array kLooks{
    //    state            word               short         icon         tone                  dot action                 icon        time
    Look{"empty",          "Empty",           "Empty",      "plug",      "sunken",             0,  "",                    "",         ""},
    Look{"skipped",        "Skipped",         "Skipped",    "slash",     "sunken",             0,  "",                    "",         ""},
    Look{"unmapped",       "No slot",         "No slot",    "question",  "sunken",             0,  "Call technician",     "phone",    ""},
    Look{"found",          "Found",           "Found",      "dot",       "work",               1,  "",                    "",         ""},
    Look{"waiting",        "Waiting",         "Waiting",    "clock",     "work",               1,  "",                    "",         "in"},
    Look{"preparing",      "Starting flasher","Start",      "power",     "work",               1,  "",                    "",         "left"},
    Look{"flashing",       "Flashing",        "Flash",      "flash",     "work",               2,  "",                    "",         "left"},
    Look{"restarting",     "Restarting",      "Restarting", "restart",   "frame-amber-dashed", 2,  "Leave plugged in",    "hand-off", "within"},
    Look{"verifying",      "Checking image",  "Check",      "check",     "work",               3,  "",                    "",         "left"},
    Look{"personalising",  "Writing serial",  "Serial",     "tag",       "work",               4,  "",                    "",         "left"},
    Look{"setting_up",     "Setting up",      "Set up",     "tag",       "work",               4,  "",                    "",         "left"},
    Look{"testing",        "Testing",         "Test",       "list",      "work",               5,  "",                    "",         "left"},
    Look{"stopping",       "Stopping",        "Stopping",   "square",    "work",               0,  "",                    "",         ""},
    Look{"needs_operator", "Your turn",       "Your turn",  "hand",      "fill-amber",         0,  "",                    "arrow",    ""},
    Look{"pass",           "PASS",            "PASS",       "pass",      "fill-green",         0,  "Take out",            "arrow",    ""},
    Look{"fail",           "FAIL",            "FAIL",       "fail",      "fill-red",           0,  "Put in repair bin",   "arrow",    ""},
    Look{"error",          "STATION PROBLEM", "STATION",    "spanner",   "frame-red",          0,  "Press Try again",     "retry",    ""},
    Look{"timeout",        "TIMED OUT",       "TIMED OUT",  "hourglass", "frame-red-double",   0,  "Press Try again",     "retry",    ""},
    Look{"stopped",        "Stopped",         "Stopped",    "square",    "frame-amber",        0,  "Press Try again",     "retry",    ""},
    Look{"interrupted",    "Interrupted",     "Stopped",    "bolt",      "frame-amber",        0,  "Check unit",          "arrow",    ""},
    Look{"closed",         "Slot closed",     "Closed",     "lock",      "stripe",             0,  "Call technician",     "phone",    ""},
};
// clang-format on

const Look& look(std::string_view state) {
    for (const Look& row : kLooks) {
        if (row.state == state) {
            return row;
        }
    }
    return kLooks.front();
}

bool is_time_out(std::string_view code) {
    return code == "tool.silence" || code == "worker.silence" || code == "worker.timeout";
}

// What the tile says of a label that keeps it from clearing; the verdict stays what it is.
struct LabelLook {
    LabelWait wait;
    std::string_view reason;
    std::string_view action;
    std::string_view code;
};
constexpr std::array kLabelLooks{
    LabelLook{LabelWait::printing, "Label is being printed", "", ""},
    LabelLook{LabelWait::failed, "Label is not printed", "Look at the printer", "label.failed"},
    LabelLook{LabelWait::scan, "Label is printed", "Stick on and scan", ""},
    LabelLook{LabelWait::wrong, "Label of another unit", "Take right label", "label.wrong"},
};

const LabelLook* label_look(const SlotFacts& f) {
    for (const LabelLook& look : kLabelLooks) {
        if (f.label == look.wait && f.outcome == Outcome::pass && !f.acknowledged) {
            return &look;
        }
    }
    return nullptr;
}

// What a person who switches the unit is told.
const base::CodeEntry& by_hand() {
    return base::code_entry("usb.cycle");
}

std::string_view verdict_state(const SlotFacts& f) {
    if (label_look(f) != nullptr) {
        return "needs_operator";
    }
    switch (*f.outcome) {
        case Outcome::pass:
            return "pass";
        case Outcome::fail:
            return "fail";
        case Outcome::aborted:
            return "stopped";
        case Outcome::error:
            return is_time_out(f.code) ? "timeout" : "error";
    }
    return "error";
}

std::string_view working_state(const SlotFacts& f) {
    switch (f.state) {
        case JobState::queued:
            return "waiting";
        case JobState::preparing:
            return "preparing";
        case JobState::flashing:
            return f.switch_by_hand ? "needs_operator" : f.power_cycle ? "restarting" : "flashing";
        case JobState::awaiting_boot:
            return "restarting";
        case JobState::verifying:
            return "testing";
        case JobState::stopping:
            return "stopping";
        case JobState::interrupted:
            return "interrupted";
        case JobState::provisioning:
        case JobState::closed:
            break;
    }
    if (f.away || f.step_name == "reboot-and-wait" || f.step_name == "wait-unit") {
        return "restarting";
    }
    switch (f.dot) {
        case Dot::check:
            return "verifying";
        case Dot::serial:
            return f.step_name == "set-serial" ? "personalising" : "setting_up";
        case Dot::start:
        case Dot::flash:
        case Dot::test:
            return "testing";
    }
    return "testing";
}

std::string_view state_of(const SlotFacts& f) {
    if (f.has_job) {
        return f.outcome ? verdict_state(f) : working_state(f);
    }
    if (f.closed && f.mapped) {
        return "closed";
    }
    if (!f.present) {
        return f.mapped ? "empty" : "unmapped";
    }
    if (!f.mapped) {
        return "unmapped";
    }
    if (f.hold == Hold::never_a_target) {
        return "skipped";
    }
    return f.hold == Hold::none ? "found" : "waiting";
}

Json text_or_null(std::string_view text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

std::string ordinal(int n) {
    const int last = n % 10;
    const bool teen = n % 100 >= 11 && n % 100 <= 13;
    const char* suffix = teen || last == 0 || last > 3 ? "th"
                                                       : (last == 1   ? "st"
                                                          : last == 2 ? "nd"
                                                                      : "rd");
    return fmt::format("{}{} in line", n, suffix);
}

std::string room_of(const Full& full) {
    if (full.soon) {
        return "Starts in a moment";
    }
    if (full.what == Full::What::station) {
        return fmt::format("Station takes {} at once", full.units);
    }
    if (full.what == Full::What::controller) {
        return fmt::format("USB controller carries {} best", full.units);
    }
    return full.learned ? fmt::format("USB port carries {} best", full.units)
                        : fmt::format("USB port takes {} at once", full.units);
}

std::string fact_of(const SlotFacts& f, std::string_view state) {
    if (state == "waiting" && f.position_in_line) {
        return ordinal(*f.position_in_line);
    }
    if (state == "testing" || state == "setting_up") {
        return fmt::format("{} of {}", f.step_index + 1, f.step_count);
    }
    if (state == "personalising") {
        return f.serial;
    }
    return {};
}

std::string reason_of(const SlotFacts& f, std::string_view state) {
    if (const LabelLook* label = label_look(f)) {
        return std::string(label->reason);
    }
    if (state == "empty") {
        return "Plug in a unit";
    }
    if (state == "closed") {
        return f.closed_why;
    }
    if (state == "unmapped") {
        return f.present ? "A unit is at a port without a slot" : "Port without a slot";
    }
    if (state == "skipped" || (state == "waiting" && !f.has_job)) {
        return f.hold_reason;
    }
    if (state == "waiting" && f.waits_for) {
        return room_of(*f.waits_for);
    }
    if (state == "found") {
        return f.model.empty() ? "Checking" : f.model + ", checking";
    }
    if (state == "fail" || state == "error" || state == "timeout") {
        return std::string(base::code_entry(f.code).sentence);
    }
    if (state == "stopped") {
        return f.stopped_by.empty() ? std::string(base::code_entry(f.code).sentence)
                                    : "by " + f.stopped_by;
    }
    if (state == "interrupted") {
        return "Station restarted";
    }
    if (f.switch_by_hand && !f.outcome) {
        return std::string(by_hand().sentence);
    }
    return {};
}

std::string action_of(const SlotFacts& f, const Look& row) {
    if (const LabelLook* label = label_look(f)) {
        return std::string(label->action);
    }
    if (f.outcome == Outcome::pass) {
        return f.present ? "Take out" : "Press OK";
    }
    if (f.outcome) {
        const std::string_view action = base::code_entry(f.code).action;
        // Here it would not get on; and where the slot is to blame the unit is not.
        const bool elsewhere = f.closed && (f.closed_by_rule || action == "Press Try again");
        return std::string(elsewhere ? "Use another slot" : action);
    }
    if (row.state == "closed" && f.present) {
        return "Use another slot";
    }
    if (f.switch_by_hand) {
        return std::string(by_hand().action);
    }
    if (row.state == "interrupted" && !f.interrupted_action.empty()) {
        return f.interrupted_action;
    }
    return std::string(row.action);
}

}  // namespace

Json tile(const SlotFacts& f) {
    const std::string_view state = state_of(f);
    const Look& row = look(state);
    const bool shows_verdict = f.has_job && f.outcome.has_value();
    // What is plugged in is the next unit already: the judged one is out.
    const bool next_waits = f.hold == Hold::acknowledge_first;
    const bool can_retry = shows_verdict && f.outcome != Outcome::pass &&
                           base::code_entry(f.code).retry && f.presence == Presence::recovery &&
                           !next_waits && !f.closed;
    std::string_view ack = "none";
    const LabelLook* label = label_look(f);
    const std::string_view code = label != nullptr ? label->code : std::string_view(f.code);
    if (label != nullptr) {
        ack = "label";  // the right label, scanned, is what acknowledges it
    } else if (shows_verdict && !f.acknowledged) {
        ack = f.present && !next_waits ? "when_unplugged" : "ready";
    } else if (f.switch_by_hand && !f.outcome) {
        ack = f.power_left ? "ready" : "when_unplugged";  // until it was seen to be off
    }
    std::string_view press;
    std::string_view button;
    if (f.label == LabelWait::scan || f.label == LabelWait::wrong) {
        press = label != nullptr ? "label" : "";
        button = label != nullptr ? "Scan label" : "";
    } else if (ack == "ready") {
        press = "acknowledge";
        button = f.outcome == Outcome::pass ? "OK, taken out" : "Done";
    } else if (can_retry) {
        press = "retry";
        button = "Try again";
    }
    std::string action = action_of(f, row);
    std::string_view action_icon = action == "Use another slot" ? "arrow" : row.action_icon;
    if (shows_verdict && !action.empty() && f.outcome != Outcome::pass) {
        action_icon = action == "Press Try again"
                          ? "retry"
                          : (action == "Call technician" ? "phone" : "arrow");
    }
    // An acknowledged verdict stays readable until the unit is out; what is left to do is to take
    // it out.
    if (shows_verdict && f.acknowledged && f.present) {
        action = "Take out";
        action_icon = "arrow";
    }
    std::string note;
    if (next_waits) {
        note = f.hold_reason;
        if (label == nullptr) {
            action = "Press Done";
            action_icon = "arrow";
        }
    }
    const std::string fact = fact_of(f, state);
    const bool with_progress = !shows_verdict && row.step > 0 && state != "restarting";
    return Json{
        {"slot", f.slot},
        {"port", f.port},
        {"mapped", f.mapped},
        {"present", f.present},
        {"state", state == "setting_up" ? std::string_view("personalising") : state},
        {"word", row.word},
        {"short", row.short_word},
        {"icon", row.icon},
        {"tone", row.tone},
        {"outcome", shows_verdict ? Json(to_text(*f.outcome)) : Json(nullptr)},
        {"code", shows_verdict ? text_or_null(code) : Json(nullptr)},
        {"display_code",
         shows_verdict && !code.empty() ? Json(base::code_entry(code).display) : Json(nullptr)},
        {"fact", text_or_null(fact)},
        {"reason", text_or_null(reason_of(f, state))},
        {"note", text_or_null(note)},
        {"action", text_or_null(action)},
        {"action_icon", action.empty() ? Json(nullptr) : text_or_null(action_icon)},
        {"button", text_or_null(button)},
        {"press", text_or_null(press)},
        {"percent", with_progress && f.percent ? Json(*f.percent) : Json(nullptr)},
        {"stage", f.stage},
        {"time_left_s", !shows_verdict && f.time_left_s ? Json(*f.time_left_s) : Json(nullptr)},
        {"time_form",
         !shows_verdict && f.time_left_s ? text_or_null(row.time_form) : Json(nullptr)},
        {"step", f.has_job && !f.outcome ? row.step : 0},
        {"serial", text_or_null(f.serial)},
        {"unit", f.unit != 0 ? Json(f.unit) : Json(nullptr)},
        {"job", f.job != 0 ? Json(f.job) : Json(nullptr)},
        {"attempt", f.attempt != 0 ? Json(f.attempt) : Json(nullptr)},
        {"model", text_or_null(f.model)},
        {"since", f.since_ms},
        {"ack", ack},
        {"retry", can_retry},
        {"ticks", {{"image", f.image_tick}, {"serial", f.serial_tick}, {"saved", f.saved_tick}}},
        {"chip_check", f.has_job ? text_or_null(f.chip_check) : Json(nullptr)},
        {"power_switch", f.power_switch},
        {"position_in_line", f.position_in_line ? Json(*f.position_in_line) : Json(nullptr)},
    };
}

}  // namespace lineside::core
