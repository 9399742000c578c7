// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/stages.h"

#include <array>

namespace lineside::jetson_usb {
namespace {

using enum Part;
using enum Meaning;

constexpr const char* kErase = R"(Erasing (spi|sdmmc|nvme|qspi|ufs|emmc))";

// clang-format off
constexpr std::array kFlash{
    //    name      row part   words                              regex     from   to  silence meaning
    Stage{"start",       1, any,     "# l4t bsp information",                nullptr,  0,     1,    1, none},
    Stage{"uid",         2, any,     "# target board information",           nullptr,  1,     2,    1, none},
    Stage{"eeprom",      3, any,     "dump eeprom boardinfo",                nullptr,  2,     3,    1, none},
    Stage{"eeprom-read", 3, eeprom,  "retrieving eeprom data",               nullptr,  3,     3.5,  1, will_replug},
    Stage{"eeprom-done", 3, eeprom,  "rebooting to recovery mode",           nullptr,  3.5,   4,    1, none},
    Stage{"board",       4, any,     "board id(",                            nullptr,  4,     5,    2, none},
    Stage{"host",        5, any,     "making boot image|reusing existing system.img", nullptr, 5, 7, 3, none},
    Stage{"sign",        6, any,     "flashing target device started",       nullptr,  8,     10,   2, none},
    Stage{"rcm",         7, flash,   "br_cid: 0x",                           nullptr,  10,    11,   1, is_back},
    Stage{"rcm-done",    8, flash,   "boot rom communication completed",     nullptr,  11,    12,   1, none},
    Stage{"bct",         9, flash,   "sending bct_",                         nullptr,  12,    13,   1, none},
    Stage{"blob",       10, flash,   "sending blob",                         nullptr,  13,    14,   1, will_replug},
    Stage{"bootloader", 11, flash,   "--boot recovery",                      nullptr,  14,    16,   1, none},
    Stage{"storage",    12, flash,   "retrieving storage info",              nullptr,  16,    17,   1, is_back},
    Stage{"erase",      13, flash,   "erasing ",                             kErase,   17,    25,   3, begins_write},
    Stage{"firmware",   14, flash,   "writing partition ",                   nullptr,  25,    40,   3, begins_write},
    Stage{"rootfs",     15, flash,   "writing partition app with ",          nullptr,  40,    93,   1, begins_write},
    Stage{"kernel",     16, flash,   "writing partition ",                   nullptr,  93,    97,   1, begins_write},
    Stage{"bct-write",  17, flash,   "--write bct|--write mb1_bct|--write mem_bct", nullptr, 97, 98, 1, begins_write},
    Stage{"reboot",     18, flash,   "flashing completed|coldbooting the device", nullptr, 99, 99.5, 1, will_boot},
    Stage{"done",       19, any,     "has been flashed successfully",        nullptr,  100,   100,  1, success},
};

// nvaflash.sh says each step in a banner, and whether it succeeded.
constexpr std::array kMassflash{
    Stage{"rcm",         7, any,     "br_cid: 0x",                           nullptr,  4,     6,    1, none},
    Stage{"rcm-done",    8, any,     "boot rom communication completed|boot rom communication succeeded", nullptr, 6, 7, 1, none},
    Stage{"start",       1, any,     "*** boot rom communication",           nullptr,  1,     4,    1, none},
    Stage{"bct",         9, any,     "sending bct",                          nullptr,  9,     11,   1, none},
    Stage{"blob",       10, any,     "sending blob|sending bootloader and",  nullptr,  11,    13,   1, will_replug},
    Stage{"bootloader", 11, any,     "booting recovery|--boot recovery|checking cpu bootloader", nullptr, 13, 16, 1, none},
    Stage{"applet",      0, any,     "checking applet",                      nullptr,  8,     9,    1, none},
    Stage{"storage",    12, any,     "retrieving storage info|generating gpt|flashing the device", R"(Retrieving storage info|Generating GPT|Flashing the device\s*$)", 16, 17, 1, is_back},
    Stage{"erase",      13, any,     "erasing ",                             kErase,   17,    25,   3, begins_write},
    Stage{"firmware",   14, any,     "writing partition ",                   nullptr,  25,    40,   3, begins_write},
    Stage{"rootfs",     15, any,     "writing partition app with ",          nullptr,  40,    93,   1, begins_write},
    Stage{"kernel",     16, any,     "writing partition ",                   nullptr,  93,    97,   1, begins_write},
    Stage{"bct-write",  17, any,     "writing the br bct|writing coldboot mb1|writing the mem bct|--write bct|--write mb1_bct|--write mem_bct", nullptr, 97, 98, 1, begins_write},
    Stage{"done",       19, any,     "rebooting the device succeeded|poweroff the device succeeded|flash complete (success)", nullptr, 100, 100, 1, success},
    Stage{"reboot",     18, any,     "rebooting the device|poweroff the device", nullptr, 99, 99.5,  1, will_boot},
};

// The on-unit parts run side by side, so their lines may come in any order.
constexpr std::array kInitrd{
    Stage{"generate",    0, any,     "generate flash packages|generate rcm boot", nullptr, 0, 1,    3, none},
    Stage{"copy-env",    1, any,     "build the flashing environment|create flash environment", nullptr, 2, 5, 3, none},
    Stage{"board",       0, any,     "board id(",                            nullptr,  4,     5,    2, none},
    Stage{"rcm",         2, any,     "boot the device with flash initrd|entering rcm boot", nullptr, 5, 8, 1, none},
    Stage{"rcm-id",      2, any,     "br_cid: 0x|ecid is ",                  nullptr,  8,     9,    1, none},
    Stage{"sending",     2, any,     "sending bct|sending blob|sending mb1|sending bootloader", nullptr, 9, 12, 1, will_initrd},
    Stage{"initrd-sent", 3, any,     "rcm-boot started|start the flashing process", nullptr, 12, 12, 1, will_initrd},
    Stage{"booting",     4, any,     "waiting for target to boot-up",        nullptr,  12,    20,   2, none},
    Stage{"net",         5, any,     "waiting for device to expose ssh",     nullptr,  21,    22,   2, is_back},
    Stage{"on-unit",     6, any,     "ssh ready",                            nullptr,  22,    24,   1, is_back},
    Stage{"gpt",         7, any,     "starting to create gpt",               nullptr,  24,    25,   1, begins_write},
    Stage{"qspi",        8, any,     "starting to flash to qspi|in flash|into /dev/mtd", R"(Starting to flash to qspi|Copied \d+ bytes.*in flash|into /dev/mtd)", 25, 60, 3, begins_write},
    Stage{"storage",     9, any,     "writing item=|starting to flash to emmc|starting to flash to external", nullptr, 60, 65, 3, begins_write},
    Stage{"rootfs",     10, any,     "formatting app|tar: read checkpoint",  nullptr,  65,    96,   3, begins_write},
    Stage{"part-done",  11, any,     "successfully flash",                   R"(Successfully flash(ed)? the)", 25, 97, 3, begins_write},
    Stage{"written",    12, any,     "flashing success|flash is successful", nullptr,  98,    99,   1, none},
    Stage{"done",       13, any,     "reboot device|reboot target",          nullptr,  99.5,  100,  1, will_boot},
};

// initrd-flash, and the older doflash.sh, which is tegraflash alone.
constexpr std::array kTegraflash{
    Stage{"start",       0, any,     "starting at ",          R"(Starting at \d{4}-)",  0,     1,    1, none},
    Stage{"wait-usb",    0, any,     "waiting for jetson to appear",         nullptr,  1,     2,    1, none},
    Stage{"found",       0, any,     "found jetson device in recovery mode", nullptr,  2,     3,    2, none},
    Stage{"sign",        0, any,     "signing binaries at|welcome to tegra flash", nullptr, 3,  8,    3, none},
    Stage{"board",       4, any,     "board id(",                            nullptr,  4,     5,    2, none},
    Stage{"boot-rcm",    0, any,     "boot jetson via rcm",                  nullptr,  8,     10,   2, will_initrd},
    Stage{"rcm",         7, any,     "br_cid: 0x",                           nullptr,  10,    11,   1, none},
    Stage{"rcm-done",    8, any,     "boot rom communication completed",     nullptr,  11,    12,   1, none},
    Stage{"bct",         9, any,     "sending bct_",                         nullptr,  12,    13,   1, none},
    Stage{"blob",       10, any,     "sending blob",                         nullptr,  13,    14,   1, will_replug},
    Stage{"bootloader", 11, any,     "--boot recovery",                      nullptr,  14,    16,   1, none},
    Stage{"storage",    12, any,     "retrieving storage info",              nullptr,  16,    17,   1, is_back},
    Stage{"sequence",    0, any,     "sending flash sequence commands",      nullptr,  18,    25,   2, begins_write},
    Stage{"erase",      13, any,     "erasing ",                             kErase,   17,    25,   3, begins_write},
    Stage{"internal",    0, any,     "writing partitions on internal|writing boot partitions to internal", nullptr, 25, 93, 3, is_back},
    Stage{"external",    0, any,     "writing partitions on external",       nullptr,  25,    93,   3, is_back},
    Stage{"partition",   0, any,     "creating partitions",                  nullptr,  26,    27,   3, begins_write},
    Stage{"item",        0, any,     "(size=",                               R"(Writing \S+ \(size=\d+\))", 27, 93, 15, begins_write},
    Stage{"firmware",   14, any,     "writing partition ",                   nullptr,  25,    40,   3, begins_write},
    Stage{"rootfs",     15, any,     "writing partition app with ",          nullptr,  40,    93,   1, begins_write},
    Stage{"kernel",     16, any,     "writing partition ",                   nullptr,  93,    97,   1, begins_write},
    Stage{"bct-write",  17, any,     "--write bct|--write mb1_bct|--write mem_bct", nullptr, 97, 98, 1, begins_write},
    Stage{"final-wait",  0, any,     "waiting for final status",             nullptr,  95,    99,   3, will_boot},
    Stage{"reboot",     18, any,     "flashing completed|coldbooting the device", nullptr, 99, 99.5, 1, will_boot},
    Stage{"status",      0, any,     "final status:",                        nullptr,  99.5,  100,  1, none},
    Stage{"done",       19, any,     "successfully finished at",             nullptr,  100,   100,  1, none},
};

constexpr std::array kFacts{
    FactRow{"bsp.release",   "# r",                  R"(^# (R\d+\s*, REVISION: \S+))"},
    FactRow{"chip.ram_code", "ram code: 0x",         R"(^Ram code: (0x[0-9a-f]+))"},
    FactRow{"chip.sku",      "chip sku: 0x",         R"(^Chip sku: (0x[0-9a-f]+))"},
    FactRow{"chip.minor",    "chip minor revision:", R"(^Chip minor revision: (\d+))"},
};
// clang-format on

}  // namespace

std::span<const Stage> stages(Way way) {
    switch (way) {
        case Way::massflash:
            return kMassflash;
        case Way::initrd:
            return kInitrd;
        case Way::tegraflash:
            return kTegraflash;
        case Way::flash:
            break;
    }
    return kFlash;
}

std::span<const PhaseSpan> phases() {
    static constexpr std::array<PhaseSpan, 5> kSpans{{{"prepare", 0, 8},
                                                      {"recovery", 8, 17},
                                                      {"erase", 17, 25},
                                                      {"write", 25, 97},
                                                      {"finish", 97, 100}}};
    return kSpans;
}

std::span<const FactRow> fact_rows() {
    return kFacts;
}

}  // namespace lineside::jetson_usb
