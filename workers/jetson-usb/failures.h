// SPDX-License-Identifier: Apache-2.0
// What the tools say when they fail, as data: line -> code of station/base/codes.cpp. Successful
// runs print some of these too (polling, noise), so a row counts only once the run has failed; then
// the row that stands highest wins, for tools name the cause first and its consequences after.
// Source: the tools' own texts and logs of real failures.
// Thread: any (constant data).
#pragma once

#include <re2/re2.h>

#include <optional>
#include <span>
#include <string_view>

namespace lineside::jetson_usb {

struct Failure {
    std::string_view name;  // for logs and tests
    const RE2* line;
    std::string_view code;
    std::string_view message;  // "" = the sentence of the code
    bool link = false;         // also what an unplugged unit looks like: usb.left if it is gone
};
[[nodiscard]] std::span<const Failure> failures();

// Exit codes of flash.sh that say more than its text.
struct ExitCode {
    int status;
    std::string_view code;
    std::string_view message;
};
[[nodiscard]] std::optional<ExitCode> exit_code(int status);

}  // namespace lineside::jetson_usb
