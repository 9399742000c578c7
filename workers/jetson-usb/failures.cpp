// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/failures.h"

#include <algorithm>
#include <array>

namespace lineside::jetson_usb {
namespace {

struct Pattern : RE2 {
    explicit Pattern(const char* text) : RE2(text, RE2::Latin1) {}
};

}  // namespace

std::span<const Failure> failures() {
    // clang-format off
    // A part of the tool chain was killed: Python gives -N, a shell 128+N or a line of its own.
    static const Pattern killed{R"(^Error: Return value (-\d+|13[0-9]|14[0-3])$|line \d+:\s+\d+ (Killed|Terminated|Segmentation fault|Aborted|Bus error))"};
    static const Pattern no_space{"No space left on device"};
    static const Pattern soc{R"(Actual SoC ID\(.*\) mismatches)"};
    static const Pattern family{"Actual board family .* mismatches"};
    static const Pattern keys{"RSA key file .* PKC protected|SBK and PKC protected"};
    static const Pattern rom_refused{R"(Bootrom returned error \d+)"};
    static const Pattern crc{R"(calculated CRC8 .* != stored|Parsing board information failed)"};
    static const Pattern bootloader{"None of the bootloaders are running on device"};
    static const Pattern layout{"End sector for .*, expected at"};
    static const Pattern nv3p{R"(NV3P_SERVER: Could not|^Error: Return value 14$|^[0-9a-f]{16}: )"};
    static const Pattern too_large{"File .* exceeds partition size"};
    static const Pattern no_image{R"(^file does not exist\.)"};
    static const Pattern not_root{"requires root privilege"};
    static const Pattern host{R"(xmllint not found|/dev/fd/\d+: No such file|cpio: command not found)"};
    static const Pattern no_python{R"(^/usr/bin/env: )"};
    static const Pattern uid{"Failed to read UID|BootRom is not running|No Board Spec\\. and no target connected|RCM version 0X(8|13)\\b"};
    static const Pattern rcm{"Boot Rom communication failed|might be timeout in USB write"};
    static const Pattern usb{R"(^Error: Return value (3|8)$|Failure to recognize USB device)"};
    static const Pattern no_cpubl{R"(^Error: Return value 4$)"};
    static const Pattern refused{R"(^Error: Return value 1$)"};
    static const std::array rows{
        Failure{"killed",       &killed,      "tool.died",         "", false},
        Failure{"disk-full",    &no_space,    "disk.full",         "", false},
        Failure{"soc",          &soc,         "order.wrong_model", "The chip is of another family than the order's model", false},
        Failure{"family",       &family,      "config.invalid",    "The profile names a board of another family than the tool's", false},
        Failure{"keys",         &keys,        "unit.fused",        "", false},
        Failure{"rom-refused",  &rom_refused, "unit.fused",        "The chip's boot ROM refused the tool's messages", false},
        Failure{"eeprom-crc",   &crc,         "unit.eeprom",       "", false},
        Failure{"bootloader",   &bootloader,  "unit.bootloader",   "", false},
        Failure{"layout",       &layout,      "unit.storage",      "The unit's storage is smaller than the image's layout", false},
        Failure{"nv3p",         &nv3p,        "unit.storage",      "", false},
        Failure{"too-large",    &too_large,   "image.broken",      "A file of the image is larger than its partition", false},
        Failure{"no-image",     &no_image,    "image.broken",      "The lane has no system.img", false},
        Failure{"not-root",     &not_root,    "host.unfit",        "The flash tool was not started as root", false},
        Failure{"host",         &host,        "host.unfit",        "The host lacks a program the flash tool needs", false},
        Failure{"env",          &no_python,   "host.unfit",        "The host lacks python, which the flash tool needs", false},
        Failure{"uid",          &uid,         "usb.cycle",         "", true},
        Failure{"rcm",          &rcm,         "usb.link",          "The chip's boot ROM did not answer", true},
        Failure{"usb",          &usb,         "usb.link",          "", true},
        Failure{"no-cpubl",     &no_cpubl,    "unit.bootloader",   "", true},
        Failure{"refused",      &refused,     "unit.storage",      "The unit refused what the tool wrote", true},
    };
    // clang-format on
    return rows;
}

std::optional<ExitCode> exit_code(int status) {
    static constexpr std::array<ExitCode, 9> kCodes{{
        {11, "image.broken", "The flash tool could not build the root file system"},
        {12, "tool.missing", "The BSP tree lacks tegrarcm_v2"},
        {15, "image.broken", "The lane has no system.img"},
        {17, "host.unfit", "The host lacks xmllint"},
        {21, "host.unfit", "The flash tool was not started as root"},
        {32, "config.invalid", "The board's specification is too long"},
        {33, "config.invalid", "The tool does not know the board's chip"},
        {126, "tool.missing", "The flash tool is not executable"},
        {127, "host.unfit", "The host lacks a program the flash tool needs"},
    }};
    const auto* row = std::find_if(kCodes.begin(), kCodes.end(),
                                   [&](const ExitCode& entry) { return entry.status == status; });
    return row == kCodes.end() ? std::nullopt : std::optional(*row);
}

}  // namespace lineside::jetson_usb
