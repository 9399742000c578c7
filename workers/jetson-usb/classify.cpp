// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/classify.h"

#include "workers/jetson-usb/line.h"
#include "workers/jetson-usb/params.h"
#include "workers/jetson-usb/proof.h"

#include <array>
#include <cstring>

namespace lineside::jetson_usb {
namespace {

constexpr int kFirstSignal = 128;  // a shell's status of a program that a signal ended
// Longer lines are taken in pieces, as the worker's tool runner gives them.
constexpr std::size_t kLongestLine = std::size_t{16} * 1024;

Outcome outcome_of(const Transcript& seen, std::optional<int> exit_status) {
    const bool killed = exit_status && (*exit_status >= kFirstSignal || *exit_status < 0);
    const bool by_text = text_rules(seen) && !killed;
    const bool says_no = by_text ? !seen.success_line() : exit_status && *exit_status != 0;
    if (says_no || seen.failed()) {
        return Outcome::failed;
    }
    const auto missing = missing_proof(seen, usual_must_write(seen.way()));
    if (!missing) {
        return Outcome::flashed;
    }
    if (!missing->empty() && !seen.unfinished().empty()) {
        return Outcome::failed;  // it says it succeeded, and left a write in the middle
    }
    const bool cut = !exit_status && seen.still_waiting();
    return missing->empty() && seen.failure() != nullptr && !cut ? Outcome::failed
                                                                 : Outcome::unknown;
}

void take_row(const Failure& row, Classified& out) {
    out.row = row.row;
    out.what = row.what;
    out.code = row.code;
    out.action = row.action;
    out.retry = row.retry;
}

void explain(const Transcript& seen, std::optional<int> exit_status, Classified& out) {
    const ExitCode* known = exit_status ? exit_code(seen.way(), *exit_status) : nullptr;
    const Failure* row = seen.failure_at_end(known);
    if (row != nullptr) {
        take_row(*row, out);
        out.line = printable(seen.failure_line());
    } else if (known != nullptr) {
        out.what = known->what;
        out.code = known->code;
        out.action = known->message;
    } else {
        out.code = exit_status && *exit_status >= kFirstSignal ? "tool.died" : "tool.failed";
        out.action = "No known failure: read the last lines";
        out.line = printable(seen.last_complaint());
    }
    if (out.row == 0 && seen.eeprom_stage_failed()) {
        out.row = failure_named("eeprom-stage").row;
    }
    if (row == nullptr || row->row == 0) {
        out.last_lines = seen.last_lines();
    }
    if (out.line.empty() && !seen.last_lines().empty()) {
        out.line = seen.last_lines().back();
    }
}

}  // namespace

std::string_view outcome_name(Outcome outcome) {
    static constexpr std::array<std::string_view, 3> kNames{"flashed", "failed", "unknown"};
    return kNames[static_cast<std::size_t>(outcome)];
}

Classified classify(const Transcript& seen, std::optional<int> exit_status) {
    Classified out;
    out.outcome = outcome_of(seen, exit_status);
    if (seen.any_stage()) {
        out.stage = out.outcome == Outcome::flashed ? "done" : seen.stage();
        out.stage_row = seen.stage_row();
    }
    out.chip_id = seen.chip_id();
    out.board = seen.board();
    switch (out.outcome) {
        case Outcome::flashed:
            out.line = printable(seen.said().success_line);
            break;
        case Outcome::failed:
            explain(seen, exit_status, out);
            break;
        case Outcome::unknown:
            if (seen.harmless() != nullptr) {
                out.row = seen.harmless()->row;
                out.action = seen.harmless()->action;
            }
            out.last_lines = seen.last_lines();
            if (!out.last_lines.empty()) {
                out.line = out.last_lines.back();
            }
            break;
    }
    return out;
}

void read_log(std::string_view bytes, Transcript& into) {
    while (!bytes.empty()) {
        const auto window = bytes.substr(0, kLongestLine);
        const void* end = std::memchr(window.data(), '\n', window.size());
        std::size_t length =
            end == nullptr
                ? window.size()
                : static_cast<std::size_t>(static_cast<const char*>(end) - window.data());
        auto line = window.substr(0, length);
        bytes.remove_prefix(std::min(bytes.size(), end == nullptr ? length : length + 1));
        // A redrawn bar ends its lines with \r alone.
        while (const void* bar = std::memchr(line.data(), '\r', line.size())) {
            const auto part = static_cast<std::size_t>(static_cast<const char*>(bar) - line.data());
            into.take(line.substr(0, part));
            line.remove_prefix(part + 1);
            if (line.empty()) {
                break;
            }
        }
        into.take(line);
    }
}

}  // namespace lineside::jetson_usb
