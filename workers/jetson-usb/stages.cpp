// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/stages.h"

#include <array>

namespace lineside::jetson_usb {
namespace {

// Latin-1: a device's error text may be anything but UTF-8.
struct Pattern : RE2 {
    explicit Pattern(const char* text) : RE2(text, RE2::Latin1) {}
};

using enum Part;
using enum Meaning;

}  // namespace

std::span<const Stage> stages() {
    // clang-format off
    static const Pattern start{"^# L4T BSP Information"};
    static const Pattern uid{"^# Target Board Information"};
    static const Pattern eeprom{"dump eeprom boardinfo"};
    static const Pattern eeprom_read{"Retrieving EEPROM data"};
    static const Pattern eeprom_reboot{"Rebooting to recovery mode"};
    static const Pattern board{R"(^Board ID\()"};
    static const Pattern host{"Making Boot image|Reusing existing system\\.img"};
    static const Pattern sign{"Flashing target device started"};
    static const Pattern rcm{"BR_CID: 0x"};
    static const Pattern rcm_done{"Boot Rom communication completed"};
    static const Pattern bct{R"(Sending bct_\w+)"};
    static const Pattern blob{"Sending blob"};
    static const Pattern bootloader{"--boot recovery"};
    static const Pattern storage{"Retrieving storage info"};
    static const Pattern erase{"^Erasing (spi|sdmmc_user|sdmmc_boot|nvme)"};
    static const Pattern rootfs{"^Writing partition APP with "};
    static const Pattern write{"^Writing partition "};
    static const Pattern bct_write{"--write (BCT|MB1_BCT|MEM_BCT)"};
    static const Pattern reboot{"Flashing completed|Coldbooting the device"};
    static const Pattern done{"has been flashed successfully"};
    static const std::array rows{
        //     name           part     line            from   to     silence  meaning
        Stage{"start",        any,     &start,         0,     1,     1,       none},
        Stage{"uid",          any,     &uid,           1,     2,     1,       none},
        Stage{"eeprom",       any,     &eeprom,        2,     3,     1,       none},
        Stage{"eeprom-read",  Part::eeprom, &eeprom_read, 3,     3.5,   1,       will_replug},
        Stage{"eeprom-done",  Part::eeprom, &eeprom_reboot, 3.5,   4,     1,       none},
        Stage{"board",        any,     &board,         4,     5,     2,       none},
        Stage{"host",         any,     &host,          5,     7,     3,       none},
        Stage{"sign",         any,     &sign,          8,     10,    2,       none},
        Stage{"rcm",          flash,   &rcm,           10,    11,    1,       is_back},
        Stage{"rcm-done",     flash,   &rcm_done,      11,    12,    1,       none},
        Stage{"bct",          flash,   &bct,           12,    13,    1,       none},
        Stage{"blob",         flash,   &blob,          13,    14,    1,       will_replug},
        Stage{"bootloader",   flash,   &bootloader,    14,    16,    1,       none},
        Stage{"storage",      flash,   &storage,       16,    17,    1,       is_back},
        Stage{"erase",        flash,   &erase,         17,    25,    3,       begins_write},
        Stage{"firmware",     flash,   &write,         25,    40,    3,       begins_write},
        Stage{"rootfs",       flash,   &rootfs,        40,    93,    1,       begins_write},
        Stage{"kernel",       flash,   &write,         93,    97,    1,       begins_write},
        Stage{"bct-write",    flash,   &bct_write,     97,    98,    1,       begins_write},
        Stage{"reboot",       flash,   &reboot,        99,    99.5,  1,       will_boot},
        Stage{"done",         any,     &done,          100,   100,   1,       success},
    };
    // clang-format on
    return rows;
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
    static const Pattern release{R"(^# (R\d+ , REVISION: \S+))"};
    static const Pattern ram_code{R"(^Ram code: (0x[0-9a-f]+))"};
    static const Pattern chip_sku{R"(^Chip sku: (0x[0-9a-f]+))"};
    static const Pattern chip_minor{R"(^Chip minor revision: (\d+))"};
    static const std::array rows{
        FactRow{"bsp.release", &release}, FactRow{"chip.ram_code", &ram_code},
        FactRow{"chip.sku", &chip_sku}, FactRow{"chip.minor", &chip_minor}};
    return rows;
}

}  // namespace lineside::jetson_usb
