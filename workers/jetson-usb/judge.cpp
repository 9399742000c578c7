// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/judge.h"

#include "station/base/codes.h"
#include "workers/jetson-usb/line.h"
#include "workers/jetson-usb/proof.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace lineside::jetson_usb {
namespace {

// flash.sh says the same for four causes; the time tells a read that timed out (the id was already
// taken) from a device that could not be opened.
constexpr milliseconds kUidTimeout{4'000};

// A full disk explains an end that has no cause of its own. A cause that the tool named, or a unit
// that is gone, is another matter.
bool lacked_room(const RunEnd& end, const Transcript& seen) {
    const Failure* row = seen.failure();
    return !end.without_room.empty() && !end.unit_gone &&
           (row == nullptr || row->link || row->code == "tool.died");
}

tl::unexpected<base::Error> fail_at(std::string_view code, std::string_view message,
                                    const Transcript& seen) {
    const auto text = message.empty() ? base::code_entry(code).sentence : message;
    return base::fail(code, fmt::format("{} ({})", text, where(seen)));
}

// flash.sh says the same of a unit that is not there and of an id that was taken before.
tl::unexpected<base::Error> no_answer(const RunEnd& end) {
    return end.took >= kUidTimeout
               ? base::fail("usb.cycle", "The chip's id was already read in this recovery session")
               : base::fail("usb.no_device");
}

Status judge_failed_run(const RunEnd& end, const Transcript& seen) {
    const ExitCode* known = exit_code(seen.way(), end.status);
    const Failure* row = seen.failure_at_end(known);
    // A bootloader that says nothing is the unit's fault, unless its hub has left with it.
    const bool left_with_hub = end.hub_gone && row != nullptr && row->name == "bootloader";
    if (row != nullptr && !row->link && !left_with_hub) {
        return fail_at(row->code, row->message, seen);
    }
    if (end.unit_gone || left_with_hub) {
        return fail_at("usb.left", "", seen);
    }
    if (row != nullptr && row->name == "probe") {
        return no_answer(end);
    }
    if (row != nullptr && row->code != "tool.failed") {
        return fail_at(row->code, row->message, seen);
    }
    if (known != nullptr && known->failure.empty()) {
        return base::fail(known->code, std::string(known->message));
    }
    // Unknown: what the tool said last is all there is.
    const auto& complaint = seen.last_complaint();
    return fail_at("tool.failed",
                   complaint.empty() ? fmt::format("Flash tool ended with status {}", end.status)
                                     : fmt::format("Flash tool failed: {}", printable(complaint)),
                   seen);
}

// Exit 0: is the tool's own story whole?
Status judge_story(const Transcript& seen, const Params& params) {
    if (const auto missing = missing_proof(seen, params.must_write)) {
        return fail_at("tool.no_proof", *missing, seen);
    }
    return {};
}

bool takes(const std::vector<std::string>& accepted, const std::string& value) {
    return accepted.empty() || std::find(accepted.begin(), accepted.end(), value) != accepted.end();
}

}  // namespace

std::string where(const Transcript& seen) {
    return seen.write_begun() && !seen.writing().empty()
               ? fmt::format("{}, partition {}, {:.0f} %", seen.stage(), seen.writing(),
                             seen.percent())
               : fmt::format("{}, {:.0f} %", seen.stage(), seen.percent());
}

Status judge(const RunEnd& end, const Transcript& seen, const Params& params) {
    using enum RunEnd::How;
    if ((end.how != exited || end.status != 0) && lacked_room(end, seen)) {
        return fail_at("disk.full", fmt::format("There is no room left in {}", end.without_room),
                       seen);
    }
    switch (end.how) {
        case signalled:
            return fail_at("tool.died",
                           fmt::format("Flash tool was killed by signal {}", end.signal), seen);
        case silent:
            if (end.unit_gone) {
                return fail_at("usb.left", "", seen);
            }
            return fail_at("tool.silence",
                           fmt::format("Flash tool said nothing for {:.1f} s",
                                       static_cast<double>(end.silence.count()) / 1000.0),
                           seen);
        case overdue:
            return fail_at("worker.timeout", "Flash tool took too long", seen);
        case exited:
            break;
    }
    // The unit's own word may be that all is well although the host wrote half of its disk.
    const bool by_text = text_rules(seen);
    if (by_text ? !seen.success_line() || seen.failed() : end.status != 0) {
        return judge_failed_run(end, seen);
    }
    if (seen.failed()) {
        return end.unit_gone
                   ? fail_at("usb.left", "", seen)
                   : fail_at("tool.no_proof",
                             "Flash tool reported an error and ended as if all were well", seen);
    }
    return judge_story(seen, params);
}

Status check_board(const Board& board, const ExpectedBoard& expected) {
    if (board.id.empty() || (board.sku.empty() && !expected.sku.empty())) {
        return base::fail("unit.eeprom", "The module's board id could not be read");
    }
    if (board.id == expected.id && takes(expected.sku, board.sku) &&
        takes(expected.fab, board.fab)) {
        return {};
    }
    const auto wanted = expected.sku.empty()
                            ? expected.id
                            : fmt::format("{}-{}", expected.id, fmt::join(expected.sku, "/"));
    return base::fail("order.wrong_model",
                      fmt::format("Module {}-{} (fab {}) is plugged in, the order wants {}",
                                  board.id, board.sku, board.fab, wanted));
}

}  // namespace lineside::jetson_usb
