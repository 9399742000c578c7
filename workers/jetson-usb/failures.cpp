// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/failures.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace lineside::jetson_usb {
namespace {

using enum Class;
using enum Retry;

constexpr std::string_view kAgain = "Switch the unit off and on into recovery mode";
constexpr std::string_view kCable = "Change cable or port";
constexpr std::string_view kHost = "Call the technician: the host lacks something";
constexpr std::string_view kReject = "Put the module in the repair bin";

// clang-format off
constexpr std::array kFailures{
    // Of the host and the order: whatever else was said follows from these.
    Failure{"killed", 0, "return value -|return value 13|return value 14|killed|terminated|segmentation fault|aborted|bus error", R"(return value (-\d+|13[0-9]|14[0-3])\b|line \d+:\s+\d+ (Killed|Terminated|Segmentation fault|Aborted|Bus error))",
            host, "tool.died", "", "Try again", never, false},
    Failure{"disk-full", 0, "no space left on device", nullptr, host, "disk.full", "", "Call the technician: the disk is full", never, false},
    Failure{"soc", 13, "actual soc id", R"(Actual SoC ID\s*\(.*\).*mismatch)", wrong, "order.wrong_model", "The chip is of another family than the order's model", "Take the module of the order, or choose its profile", never, false},
    Failure{"family", 14, "actual board family", R"(Actual board family.*mismatch)", wrong, "config.invalid", "The profile names a board of another family than the tool's", "Call the technician: mend the profile", never, false},
    Failure{"keys", 15, "rsa key file|sbk and pkc protected|pkc protected target", R"((RSA|SBK) key file.*protected|SBK and PKC protected|PKC protected target)", keys, "unit.fused", "", "Put the unit aside: its fuses and the keys of the profile do not agree", never, false},
    Failure{"rom-refused", 4, "bootrom returned error", nullptr, keys, "unit.fused", "The chip's boot ROM refused the tool's messages", "Put the unit aside: it may be fused for other keys", new_enumeration, false},
    Failure{"eeprom-crc", 12, "calculated crc8|parsing board information failed", R"(calculated CRC8.*!=\s*stored|Parsing board information failed)", eeprom, "unit.eeprom", "", "Put the module in the repair bin: its EEPROM is damaged or empty", never, false},
    Failure{"dram", 33, "task 50 failed|aliaschecker", nullptr, hw, "unit.bootloader", "The module's memory is faulty", kReject, never, false},
    Failure{"dram-reset", 33, "", nullptr, hw, "unit.bootloader", "The module's memory is faulty", kReject, never, false},
    Failure{"bootloader", 9, "none of the bootloaders are running", nullptr, hw, "unit.bootloader", "", "Try again once, then another module or carrier", new_enumeration, false},
    Failure{"layout", 16, "end sector for", R"(End sector for .*expected at)", stor, "unit.storage", "The unit's storage is smaller than the image's layout", "Check the module's model: its storage is too small", never, false},
    Failure{"too-large", 17, "exceeds partition size", R"(File .*exceeds partition size)", host, "image.broken", "A file of the image is larger than its partition", "Call the technician: build the image anew", never, false},
    Failure{"nv3p", 18, "nv3p_server: could not|return value 14", R"(NV3P_SERVER: Could not|Return value 14\b)", stor, "unit.storage", "", "Try again once, then put the module in the repair bin", once, false},
    Failure{"no-image", 19, "file does not exist.|system.img does not exist", nullptr, host, "image.broken", "The lane has no system.img", "Call the technician: build the image first", never, false},
    Failure{"not-root", 20, "requires root privilege", nullptr, host, "host.unfit", "The flash tool was not started as root", kHost, never, false},
    Failure{"host", 34, "xmllint not found|sshpass not found|abootimg not found|xmllint: not found|sshpass: not found|abootimg: not found|command not found|/dev/fd/|cpio: command not found",
            R"((xmllint|sshpass|abootimg):? not found|: command not found|/dev/fd/\d+: No such file)", host, "host.unfit", "The host lacks a program the flash tool needs", kHost, never, false},
    Failure{"env", 34, "/usr/bin/env: ", nullptr, host, "host.unfit", "The host lacks python, which the flash tool needs", kHost, never, false},
    Failure{"too-many", 22, "too many devices in rcm mode", nullptr, host, "config.invalid", "More units than the package was made for", "Call the technician: make the package for more units", never, false},
    Failure{"no-devices", 21, "no devices to flash", nullptr, nodev, "usb.no_device", "", "Check the recovery strap and the cable", never, true},
    // Between host and unit, once its flash system runs.
    Failure{"nfs-down", 26, "nfs server is not running|rpc: program not registered", nullptr, net, "host.unfit", "The host's NFS server does not run", "Call the technician: start nfs-kernel-server", never, false},
    Failure{"nfs-mount", 27, "mount.nfs:", R"(mount\.nfs:.*(timed out|No such file|access denied|refused|failed))", net, "usb.link", "The unit could not mount the host's folder", "Call the technician: exports and firewall", never, false},
    Failure{"ssh", 25, "ssh is not ready", nullptr, net, "usb.link", "The unit's flash system lets nobody log in", "Call the technician: VPN or firewall", never, true},
    Failure{"no-ssh", 24, "", nullptr, net, "usb.link", "The unit's flash system did not answer on the network", "Call the technician: NetworkManager, firewall or automount", never, true},
    Failure{"no-boot", 23, "failed to boot to the initrd flash kernel", nullptr, link, "usb.link", "The unit's flash system did not come up", "Plug the cable out and in with the power left on; then change cable or port", never, true},
    Failure{"no-boot-dmesg", 23, "maybe the usb cable is bad", nullptr, link, "usb.link", "The unit's flash system did not come up", kCable, never, true, Weight::poll},
    Failure{"part", 29, "error flashing", R"(Error flashing (the )?(qspi|emmc|external|non-qspi|nvme|internal|ufs|spi|sd))", stor, "unit.storage", "", "Read the unit's log; try again once, then put it in the repair bin", never, true},
    Failure{"automount", 32, "partprobe failed|err: unmount", R"(partprobe failed|ERR: unmount.*failed)", host, "host.unfit", "Something on the host holds the unit's exported disk", "Call the technician: stop automounting", never, false},
    Failure{"udisks", 31, "error looking up object for device", nullptr, host, "host.unfit", "The host's udisks was slower than the tool", "Try again", once, false},
    Failure{"qspi-locked", 30, "", nullptr, hw, "unit.storage", "The unit's QSPI flash is write protected", "Call the technician: flash this unit by initrd flash", never, false},
    // meta-tegra's initrd-flash.
    Failure{"no-jetson", 0, "err: device not found", nullptr, nodev, "usb.no_device", "", "Check the recovery strap and the cable", never, true},
    Failure{"rcm-boot", 0, "err: rcm boot failed", nullptr, link, "usb.link", "The unit did not take its flash system", kAgain, new_enumeration, true},
    Failure{"no-disk", 0, "err: could not locate usb storage|err: could not find |err: failed to retrieve device status|err: could not get final status", nullptr, link, "usb.link", "The unit's flash system did not come up", kCable, never, true},
    Failure{"no-mount", 0, "err: could not mount usb", nullptr, host, "host.unfit", "The unit's disk could not be mounted", "Call the technician: stop automounting", never, false},
    Failure{"signing", 0, "err: signing failed", nullptr, host, "image.broken", "The package could not be signed", "Call the technician: read the tool's log", never, false},
    Failure{"unit-said", 0, "final status: failed|final status: pending|err: write failure|got flashpkg when expecting", nullptr, stor, "unit.storage", "The unit reported that it was not written", "Read the unit's log; try again once, then put it in the repair bin", once, true},
    // Of the boot ROM and the steps behind it.
    Failure{"uid-taken", 2, "failed to read uid", nullptr, cycle, "usb.cycle", "", kAgain, new_enumeration, true},
    Failure{"past-rom", 3, "bootrom is not running", nullptr, cycle, "usb.cycle", "", kAgain, new_enumeration, true},
    Failure{"no-spec", 8, "no target connected", R"(No Board Spec.*no target connected)", cycle, "usb.cycle", "", kAgain, new_enumeration, true},
    Failure{"rom-garbage", 6, "", nullptr, cycle, "usb.cycle", "", kAgain, new_enumeration, true},
    Failure{"usb-write", 7, "timeout in usb write", nullptr, link, "usb.link", "", "Switch the unit off and on; then change the cable; then compare the SKU", new_enumeration, true},
    Failure{"rom-silent", 5, "", nullptr, cycle, "usb.link", "The chip's boot ROM did not answer", "Switch the unit off and on, at a port without a hub", new_enumeration, true},
    Failure{"rom-gone", 5, "", nullptr, link, "usb.link", "The chip's boot ROM did not answer", "Switch the unit off and on, at a port without a hub", new_enumeration, true},
    Failure{"rom-failed", 4, "boot rom communication failed", nullptr, link, "usb.link", "The chip's boot ROM did not answer", "Change cable or port; check whether the module is fused", new_enumeration, true},
    Failure{"probe", 1, "probing the target board failed|ecid read failed", nullptr, nodev, "usb.no_device", "", "Check the port, then switch the unit off and on into recovery mode", new_enumeration, true},
    Failure{"no-sku", 35, "unrecognized module sku|board id()", R"(Unrecognized module SKU|Board ID\(\s*\) version\(\s*\) sku\(\s*\))", eeprom, "unit.eeprom", "The module's EEPROM gave nothing", "Connect the unit without hubs; then put the module in the repair bin", never, true},
    // Consequences.
    Failure{"on-unit", 27, "flash failure", nullptr, net, "unit.storage", "The unit's flash system reported a failure", "Read the unit's log; check exports and firewall", never, true},
    Failure{"usb-lost", 10, "cannot open usb|usb communication failed|no device on specified bus-port", nullptr, link, "usb.link", "", "Check hub and cable", new_enumeration, true, Weight::poll},
    Failure{"device-error", 0, "0000000", R"((^|\s)[0-9a-f]{16}: )", stor, "unit.storage", "", "Try again once, then put the module in the repair bin", once, false},
    Failure{"value-3", 0, "return value 3", R"(Return value 3\b)", link, "usb.link", "", kCable, new_enumeration, true},
    Failure{"value-8", 0, "return value 8|failure to recognize usb device", R"(Return value 8\b|Failure to recognize USB device)", link, "usb.link", "", kCable, new_enumeration, true},
    Failure{"no-cpubl", 0, "return value 4|cpu bootloader is not running", R"(Return value 4\b|CPU Bootloader is not running on device)", hw, "unit.bootloader", "", "Try again once, then another module or carrier", new_enumeration, true},
    Failure{"refused", 0, "return value 1", R"(Return value 1\b)", stor, "unit.storage", "The unit refused what the tool wrote", "Try again once, then put the module in the repair bin", once, true},
    Failure{"eeprom-stage", 11, "reading board information failed", nullptr, none, "tool.failed", "", "Look at the line above", never, true},
    Failure{"rpcbind", 28, "another rpcbind is already running", nullptr, none, "tool.failed", "", "Nothing: this is harmless", never, false, Weight::harmless},
};

// Source: flash.sh of R32.7.4, nvmflash.sh, the initrd scripts of R36 and R39.
constexpr std::array kExitCodes{
    ExitCode{Way::flash, 11, "", "image.broken", "The flash tool could not build the root file system", host},
    ExitCode{Way::flash, 12, "", "tool.missing", "The BSP tree lacks tegrarcm_v2", host},
    ExitCode{Way::flash, 14, "probe", "", "", nodev},
    ExitCode{Way::flash, 15, "no-image", "", "", host},
    ExitCode{Way::flash, 17, "host", "host.unfit", "The host lacks xmllint", host},
    ExitCode{Way::flash, 21, "not-root", "", "", host},
    ExitCode{Way::flash, 32, "", "config.invalid", "The board's specification is too long", host},
    ExitCode{Way::flash, 33, "", "config.invalid", "The tool does not know the board's chip", host},
    ExitCode{Way::massflash, 6, "no-devices", "", "", nodev},
    ExitCode{Way::initrd, 3, "", "config.invalid", "This way of flashing is no longer supported by the package", host},
    ExitCode{Way::initrd, 4, "no-boot", "", "", link},
    ExitCode{Way::initrd, 5, "no-ssh", "", "", net},
    ExitCode{Way::initrd, 11, "probe", "", "", nodev},
    ExitCode{Way::initrd, 102, "ssh", "", "", net},
    ExitCode{Way::initrd, 103, "on-unit", "", "", net},
    ExitCode{Way::initrd, 104, "", "unit.bootloader", "The unit did not start anew after it was written", net},
    ExitCode{Way::initrd, 105, "ssh", "", "", net},
    ExitCode{Way::initrd, 110, "", "host.unfit", "The host lacks exportfs", host},
    ExitCode{Way::initrd, 111, "", "host.unfit", "The host does not export the image's folder", host},
    ExitCode{Way::initrd, 112, "", "host.unfit", "The host does not export the image's folder", host},
    ExitCode{Way::initrd, 113, "", "host.unfit", "IPv6 is switched off on the host", host},
    ExitCode{Way::initrd, 114, "nfs-down", "", "", net},
};
constexpr ExitCode kNotExecutable{Way::flash, 126, "", "tool.missing", "The flash tool is not executable", host};
constexpr ExitCode kNotThere{Way::flash, 127, "host", "", "", host};
// clang-format on

}  // namespace

std::string_view class_name(Class what) {
    static constexpr std::array<std::string_view, 12> kNames{"",      "NODEV", "CYCLE",  "LINK",
                                                             "WRONG", "KEYS",  "EEPROM", "HOST",
                                                             "HW",    "STOR",  "NET",    "BUSY"};
    return kNames[static_cast<std::size_t>(what)];
}

std::string_view retry_name(Retry retry) {
    static constexpr std::array<std::string_view, 3> kNames{"no", "once", "new_enumeration"};
    return kNames[static_cast<std::size_t>(retry)];
}

std::span<const Failure> failures() {
    return kFailures;
}

const Failure& failure_named(std::string_view name) {
    const auto* row = std::find_if(kFailures.begin(), kFailures.end(),
                                   [&](const Failure& entry) { return entry.name == name; });
    assert(row != kFailures.end());
    return *row;
}

const ExitCode* exit_code(Way way, int status) {
    const auto* row = std::find_if(
        kExitCodes.begin(), kExitCodes.end(),
        [&](const ExitCode& entry) { return entry.way == way && entry.status == status; });
    if (row != kExitCodes.end()) {
        return row;
    }
    return status == 126 ? &kNotExecutable : status == 127 ? &kNotThere : nullptr;
}

}  // namespace lineside::jetson_usb
