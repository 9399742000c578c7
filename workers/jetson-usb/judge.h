// SPDX-License-Identifier: Apache-2.0
// What the end of a flash.sh run means, decided in one place from what was seen. The tool's exit
// status alone is never believed: it ends with 0 after failures, and with 1 for everything else.
// Pure. Thread: any.
#pragma once

#include "workers/jetson-usb/params.h"
#include "workers/jetson-usb/transcript.h"

#include <optional>
#include <string>

namespace lineside::jetson_usb {

// How the tool ended, without the sdk's types so that a log file can be judged too.
struct RunEnd {
    enum class How { exited, signalled, silent, overdue };
    How how = How::exited;
    int status = 0;
    int signal = 0;
    milliseconds took{0};
    milliseconds silence{0};   // the limit that was in force
    bool unit_gone = false;    // the unit is not on its port, and was not expected to leave
    bool hub_gone = false;     // nor is the hub above it
    std::string without_room;  // the folder of the tool's with a full disk; "": there is room
};

// Errors: tool.*, usb.*, unit.*, image.broken, host.unfit, worker.timeout: see README.md, Errors.
[[nodiscard]] Status judge(const RunEnd& end, const Transcript& seen, const Params& params);

// The module against the order. Errors: order.wrong_model, unit.eeprom (nothing could be read).
[[nodiscard]] Status check_board(const Board& board, const ExpectedBoard& expected);

// "APP is written, 47 %": where the run stands, for messages.
[[nodiscard]] std::string where(const Transcript& seen);

}  // namespace lineside::jetson_usb
