// SPDX-License-Identifier: Apache-2.0
// What the tools say when they fail, as data: words of a line -> what it means and what to do.
// Tools name the cause first and its consequences after, so of several rows that were seen the one
// that stands highest counts. Rows with a number are those of the fact sheet on L4T, section 4,
// whose rows are numbered; those without one were seen with the real tools.
// Thread: any (constant data).
#pragma once

#include "workers/jetson-usb/way.h"

#include <optional>
#include <span>
#include <string_view>

namespace lineside::jetson_usb {

// Who or what is to blame. Source: the fact sheet, section 4, "Classes".
enum class Class { none, nodev, cycle, link, wrong, keys, eeprom, host, hw, stor, net, busy };
[[nodiscard]] std::string_view class_name(Class what);  // "NODEV"; "" for none

enum class Retry {
    never,            // before somebody has done what `action` says
    once,             // once by itself
    new_enumeration,  // once by itself, but only when the unit has entered recovery mode anew
};
[[nodiscard]] std::string_view retry_name(Retry retry);  // "no", "once", "new_enumeration"

// How a row is taken.
enum class Weight {
    failure,  // no good run says this
    poll,     // good runs say it while they wait: counts when nothing follows it
    harmless  // named, but no failure
};

struct Failure {
    std::string_view name;  // for logs and tests
    int row;                // of the fact sheet's section 4; 0 = none
    std::string_view
        words;          // in lower case, any of them, '|' between; "" = seen from several lines
    const char* regex;  // must match the line too; nullptr = the words say it all
    Class what;
    std::string_view code;     // of station/base/codes.cpp
    std::string_view message;  // "" = the sentence of the code
    std::string_view action;   // for who looks at the unit
    Retry retry;
    bool link;  // also what an unplugged unit looks like: usb.left if it is gone
    Weight weight = Weight::failure;
};
[[nodiscard]] std::span<const Failure> failures();
// REQUIRES: the table has a row of this name.
[[nodiscard]] const Failure& failure_named(std::string_view name);

// Exit codes that say more than the text: each way's own.
struct ExitCode {
    Way way;
    int status;
    std::string_view failure;  // name of a row; "" = code and message below
    std::string_view code;
    std::string_view message;
    Class what;
};
[[nodiscard]] const ExitCode* exit_code(Way way, int status);  // nullptr: says nothing

}  // namespace lineside::jetson_usb
