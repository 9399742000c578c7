// SPDX-License-Identifier: Apache-2.0
// Reads a flash tool's output line by line: where the run stands, what is learnt about the unit,
// what looks like a failure, and whether every write was seen to end. Lines come without their
// ends, cut at \r and \n. Pure: no clock, no I/O. Thread: as any value.
#pragma once

#include "workers/jetson-usb/failures.h"
#include "workers/jetson-usb/language.h"
#include "workers/jetson-usb/stages.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lineside::jetson_usb {

// "Board ID(3668) version(100) sku(0001) revision(F.0)"
struct Board {
    std::string id;
    std::string fab;  // "version" in the tool's line
    std::string sku;
    std::string rev;
};

// What one line changed.
struct Change {
    const Stage* stage = nullptr;  // of this line; may lie behind the furthest one
    std::optional<Board> board;
    std::optional<std::string> chip_id;  // "0x88…", where the unit may be admitted by it
    std::vector<std::pair<std::string, std::string>> facts;
};

class Transcript {
  public:
    // How many partitions are written before and after APP, for the progress between.
    // Source: complete runs on Xavier NX eMMC.
    static constexpr int kFirmwareWrites = 45;
    static constexpr int kKernelWrites = 9;

    explicit Transcript(Way way = Way::flash) : way_(way), language_(&Language::of(way)) {}

    // The answer is good until the next line.
    const Change& take(std::string_view line);

    [[nodiscard]] Way way() const { return way_; }
    [[nodiscard]] double percent() const { return percent_; }  // of the whole step, never falls
    [[nodiscard]] std::string_view stage() const {
        return stage_ == nullptr ? "start" : stage_->name;
    }
    [[nodiscard]] int stage_row() const { return stage_ == nullptr ? 0 : stage_->row; }
    [[nodiscard]] bool any_stage() const { return stage_ != nullptr; }
    // What the tool was last seen writing, "" before the first write.
    [[nodiscard]] const std::string& writing() const { return writing_; }
    // The file it writes there, and how far that is by the tool's bar; writes() says which write.
    [[nodiscard]] const std::string& writing_file() const { return writing_file_; }
    [[nodiscard]] int write_percent() const { return write_percent_; }
    [[nodiscard]] bool error_line() const { return error_line_; }  // "Error: Return value N"
    // The tool's own word that it failed, or a line that no good run has.
    [[nodiscard]] bool failed() const { return failed_; }
    [[nodiscard]] bool write_begun() const { return write_begun_; }
    [[nodiscard]] bool probe_failed() const { return probe_failed_; }
    [[nodiscard]] const std::optional<Board>& board() const { return board_; }
    [[nodiscard]] const std::string& chip_id() const { return chip_id_; }  // "" = never said

    // The row that names the cause best, if any line looked like a failure; and that line. A
    // waiting tool's complaints count when nothing came after them.
    [[nodiscard]] const Failure* failure() const;
    [[nodiscard]] const std::string& failure_line() const;
    // The same for a run that is known to have failed: then what its exit status stands for is the
    // cause (`known`, nothing: it says nothing), or else what it waited for. Null where a known
    // status has no row.
    [[nodiscard]] const Failure* failure_at_end(const ExitCode* known) const;
    [[nodiscard]] const Failure* harmless() const { return harmless_; }
    [[nodiscard]] bool eeprom_stage_failed() const { return eeprom_stage_; }
    // The tool was last seen looking for its unit, and had not looked for 30 s yet.
    [[nodiscard]] bool still_waiting() const;
    // The last line that looks like a complaint, for messages where no row fits.
    [[nodiscard]] const std::string& last_complaint() const { return last_complaint_; }
    // The last few lines but bars, oldest first.
    [[nodiscard]] std::vector<std::string> last_lines() const;

    // Partitions that were begun and not seen to reach 100 %, and a disk of the unit's likewise.
    [[nodiscard]] std::vector<std::string> unfinished() const;
    [[nodiscard]] bool wrote(std::string_view partition) const;  // begun and ended
    [[nodiscard]] int writes() const { return writes_; }

    // The tool's own words of success; none of them proves anything alone (proof.h).
    [[nodiscard]] bool success_line() const { return success_; }
    struct Said {
        std::string success_line;  // the line with which it said it
        bool flashing = false;     // b: "*** Flashing the device succeeded."
        bool written = false;      // c: "Flash is successful"
        bool rebooted = false;     // c: "Reboot device"
        bool plain = false;        // c: "Success" after it
        bool completed = false;    // d, doflash.sh: "Flashing completed"
        bool coldboot = false;     // d, doflash.sh
        bool session = false;      // d: initrd-flash, not doflash.sh
        std::string status;        // d: of "Final status: …", "" = not said
    };
    [[nodiscard]] const Said& said() const { return said_; }

  private:
    static constexpr std::size_t kTail = 6;
    static constexpr std::size_t kKept = 200;  // bytes of a line that are kept

    void take_clean(std::string_view raw);
    void take_hits(std::string_view line, const Hits& hits);
    void take_sign(Sign sign, std::string_view line);
    void take_progress(int percent);
    void take_write(std::string_view line);
    void take_board(std::string_view line);
    void take_chip(std::string_view line);
    void take_value(std::string_view line);
    void raise_silent(std::string_view line);
    void take_stage(const Stage& stage, std::string_view line);
    void take_share(double share);
    [[nodiscard]] bool fits(const Stage& stage) const;
    void raise(const Failure& row, std::string_view line);
    void advance(double percent) { percent_ = std::max(percent_, percent); }

    Way way_;
    const Language* language_;
    Change change_;
    bool changed_ = false;
    Part part_ = Part::any;  // until a line says which
    const Stage* stage_ = nullptr;
    double percent_ = 0;
    bool success_ = false;
    bool error_line_ = false;
    bool failed_ = false;
    bool write_begun_ = false;
    bool probe_failed_ = false;
    bool after_app_ = false;
    std::optional<Board> board_;
    std::string chip_id_;
    Said said_;

    const Failure* failure_ = nullptr;
    std::string failure_line_;
    const Failure* poll_ = nullptr;
    std::string poll_line_;
    double poll_from_ = -1;  // stamps of the first and the last complaint in a row
    double poll_to_ = -1;
    int polls_ =
        0;  // complaints in a row: the bootloader's, which is asked once a second, and others
    int poll_lines_ = 0;
    const Failure* harmless_ = nullptr;
    bool eeprom_stage_ = false;
    std::string last_complaint_;
    std::array<std::string, kTail> tail_;
    std::size_t tail_at_ = 0;

    bool in_rom_ = false;  // the boot ROM is being spoken with
    bool lost_ = false;    // the last word was "Return value 8"
    bool rom_failed_ = false;
    enum class Wait : std::uint8_t { none, boot, ssh } wait_ = Wait::none;
    int waits_ = 0;
    bool memory_fault_ = false;
    std::optional<double> erase_began_;
    bool quick_erase_ = false;
    std::optional<double> stamp_;  // of the line that is being read

    std::string writing_;
    std::string writing_file_;
    int write_percent_ = 0;
    std::string open_write_;  // begun, 100 % not seen
    std::vector<std::string> unfinished_;
    std::set<std::string, std::less<>> finished_;  // in lower case
    int writes_ = 0;
    int writes_of_stage_ = 0;
    int open_disks_ = 0;
    int items_ = 0;  // of initrd flash
};

}  // namespace lineside::jetson_usb
