// SPDX-License-Identifier: Apache-2.0
// All that may be said in one way of flashing, ready to be found in a line: the tables' words in
// one automaton, and the few signs that only mean something together, which have names here.
// Thread: any, once built.
#pragma once

#include "workers/jetson-usb/failures.h"
#include "workers/jetson-usb/stages.h"
#include "workers/jetson-usb/words.h"

#include <re2/re2.h>

#include <array>
#include <memory>

namespace lineside::jetson_usb {

// Signs whose meaning depends on what else was said. transcript.cpp says what each does.
enum class Sign : std::uint8_t {
    unclean,      // an escape sequence or a NUL: the line must be cleaned first
    write,        // "Writing partition X with Y"
    board,        // "Board ID(..) version(..) sku(..) revision(..)"
    chip,         // "BR_CID: 0x.." and "ECID is 0x.."
    error_value,  // "Error: Return value N"
    failed,       // the tool's own word that it failed
    probe,        // "probing the target board failed"
    complaint,    // looks like one
    noise,        // does too, but stands in good runs
    life,         // the unit answered
    command,      // a tool's command line
    rom,          // the boot ROM is spoken with
    rom_version,  // "RCM version 0X190001"
    wait_boot,    // of initrd flash
    wait_ssh,
    timeout,
    memory_fault,  // MB1 on the unit's UART
    back_to_recovery,
    erase_spi,
    seen_in_recovery,  // a unit in recovery mode, as the kernel or lsusb names it
    banner_good,       // of nvaflash.sh: "*** .. succeeded."
    status_line,       // of meta-tegra
    session,           // of meta-tegra's initrd-flash
    disk_begun,        // one of the unit's disks, by its make-sdcard
    disk_done,
    written,  // of initrd flash
    reboot,
    plain_success,
    flash_completed,  // of tegraflash
    coldboot,
    whole_success,  // of nvmflash.sh
    item,           // of initrd flash
    checkpoint,
    percent,  // a bar with something before it
};

// One pass over a line: which rows and signs are in it.
struct Hits {
    static constexpr std::size_t kMost = 64;  // a line has few, also many that were glued together
    std::array<std::uint16_t, kMost> marks;   // `count` of them are set: one is made for each line
    std::size_t count = 0;
};

class Language {
  public:
    enum class Kind : std::uint8_t { failure, stage, fact, sign };
    struct Mark {
        Kind kind;
        std::uint16_t index;    // in the table of its kind; of a sign: the sign
        const RE2* expression;  // nullptr: the words say it all
    };

    [[nodiscard]] static const Language& of(Way way);
    explicit Language(Way way);

    void scan(std::string_view line, Hits& hits) const {
        words_->scan(line, [&](std::uint16_t word) {
            const std::uint16_t mark = mark_of_[word];
            for (std::size_t i = 0; i < hits.count; ++i) {
                if (hits.marks[i] == mark) {
                    return;
                }
            }
            if (hits.count < Hits::kMost) {
                hits.marks[hits.count++] = mark;
            }
        });
    }
    [[nodiscard]] const Mark& mark(std::size_t number) const { return marks_[number]; }
    [[nodiscard]] std::size_t size() const { return marks_.size(); }

  private:
    void add(Kind kind, std::size_t index, std::string_view words, const char* expression);

    std::vector<Mark> marks_;
    std::vector<std::string_view> texts_;
    std::vector<std::uint16_t> mark_of_;  // by the word's number
    std::vector<std::unique_ptr<RE2>> expressions_;
    std::unique_ptr<Words> words_;
};

// As the tables of the languages are matched: in either case, bytes as Latin-1.
[[nodiscard]] RE2::Options expression_options();

}  // namespace lineside::jetson_usb
