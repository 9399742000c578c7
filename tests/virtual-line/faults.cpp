// SPDX-License-Identifier: Apache-2.0
#include "faults.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iterator>

#include "identity.h"

namespace line {
namespace {

enum class Takes { Nothing, Percent, Step, Hub };
struct Known {
    const char* name;
    Takes takes;
};
// As in faults.md.
constexpr Known kKnown[] = {
    {"unplug", Takes::Percent},      {"stall", Takes::Nothing},
    {"lying-tool", Takes::Nothing},  {"old-image", Takes::Nothing},
    {"one-bit", Takes::Nothing},     {"half-app", Takes::Nothing},
    {"wrong-model", Takes::Nothing}, {"fused", Takes::Nothing},
    {"eeprom-crc", Takes::Nothing},  {"no-loader", Takes::Nothing},
    {"no-serial", Takes::Nothing},   {"twin-serial", Takes::Nothing},
    {"superspeed", Takes::Nothing},  {"slow-boot", Takes::Nothing},
    {"no-boot", Takes::Nothing},     {"strap-on", Takes::Nothing},
    {"ssh-refused", Takes::Nothing}, {"step-once", Takes::Step},
    {"step-always", Takes::Step},    {"other-serial", Takes::Nothing},
    {"hub-drop", Takes::Hub},        {"kill-worker", Takes::Nothing},
    {"kill-tool", Takes::Nothing},
};

// The steps whose tool on the unit looks whether it shall fail (board-os puts the files there).
constexpr const char* kSteps[] = {"set-nvme",         "set-serial",  "set-wifi-ap",
                                  "set-wifi-station", "set-service", "install-mcutool",
                                  "install-camera",   "read-serial", "reboot-and-wait"};

const char* argument_name(Takes takes) {
    switch (takes) {
        case Takes::Nothing:
            return "";
        case Takes::Percent:
            return ":PCT";
        case Takes::Step:
            return ":STEP";
        case Takes::Hub:
            return ":HUB";
    }
    return "";
}

std::optional<int> whole_number(const std::string& text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::size_t from = 0;
    for (;;) {
        const auto to = text.find(separator, from);
        parts.push_back(text.substr(from, to - from));
        if (to == std::string::npos) {
            return parts;
        }
        from = to + 1;
    }
}

bool is_step(const std::string& text) {
    return std::find(std::begin(kSteps), std::end(kSteps), text) != std::end(kSteps);
}

std::string step_names() {
    std::string text;
    for (const char* step : kSteps) {
        text += (text.empty() ? "" : ", ") + std::string(step);
    }
    return text;
}

BadSpec bad(const std::string& item, const std::string& why) {
    return {"--faults: \"" + item + "\" " + why +
            ". An item is NAME[:ARG][@BOARD[+BOARD...]]=P with P"
            " from 0 to 1; the names are " +
            fault_names() + "."};
}

}  // namespace

std::string Fault::text() const {
    return argument.empty() ? name : name + ":" + argument;
}

int Fault::number() const {
    return whole_number(argument).value_or(0);
}

std::string fault_names() {
    std::string text;
    for (const auto& one : kKnown) {
        text += (text.empty() ? "" : ", ") + std::string(one.name) + argument_name(one.takes);
    }
    return text;
}

std::variant<std::vector<FaultRule>, BadSpec> parse_faults(const std::string& spec, int boards,
                                                           int hubs) {
    std::vector<FaultRule> rules;
    if (spec == "none" || spec.empty()) {
        return rules;
    }
    for (const auto& item : split(spec, ',')) {
        FaultRule rule;
        const auto equals = item.rfind('=');
        if (equals == std::string::npos) {
            return bad(item, "has no =P");
        }
        const auto chance = item.substr(equals + 1);
        char* end = nullptr;
        rule.probability = std::strtod(chance.c_str(), &end);
        if (chance.empty() || *end != 0 || !(rule.probability >= 0 && rule.probability <= 1)) {
            return bad(item, "has a probability that is not a number from 0 to 1");
        }
        auto left = item.substr(0, equals);
        if (const auto at = left.find('@'); at != std::string::npos) {
            for (const auto& text : split(left.substr(at + 1), '+')) {
                const auto board = whole_number(text);
                if (!board || *board < 1 || *board > boards) {
                    return bad(item,
                               "names a board that is not one of 1 to " + std::to_string(boards));
                }
                rule.boards.insert(*board);
            }
            left.resize(at);
        }
        const auto colon = left.find(':');
        rule.fault.name = left.substr(0, colon);
        rule.fault.argument = colon == std::string::npos ? "" : left.substr(colon + 1);
        const Known* known = nullptr;
        for (const auto& one : kKnown) {
            if (rule.fault.name == one.name) {
                known = &one;
            }
        }
        if (known == nullptr) {
            return bad(item, "names no fault that is known here");
        }
        const auto number = whole_number(rule.fault.argument);
        if (known->takes == Takes::Nothing && colon != std::string::npos) {
            return bad(item, "has an argument, but this fault takes none");
        }
        if (known->takes == Takes::Percent && !(number && *number >= 0 && *number <= 99)) {
            return bad(item, "needs a percentage from 0 to 99");
        }
        if (known->takes == Takes::Hub && !(number && *number >= 1 && *number <= hubs)) {
            return bad(item, "needs a hub from 1 to " + std::to_string(hubs));
        }
        if (known->takes == Takes::Step && !is_step(rule.fault.argument)) {
            return bad(item, "needs the name of a step that can fail (" + step_names() + ")");
        }
        rules.push_back(std::move(rule));
    }
    return rules;
}

std::vector<Fault> roll_faults(const std::vector<FaultRule>& rules, std::uint64_t seed, int board,
                               int job) {
    std::vector<Fault> faults;
    int index = 0;
    for (const auto& rule : rules) {
        auto roll =
            dice(seed, board, "fault " + std::to_string(job) + " " + std::to_string(index++));
        const double value = std::uniform_real_distribution<double>(0, 1)(roll);
        if ((rule.boards.empty() || rule.boards.contains(board)) && value < rule.probability) {
            faults.push_back(rule.fault);
        }
    }
    return faults;
}

}  // namespace line
