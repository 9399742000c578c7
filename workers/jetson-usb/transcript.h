// SPDX-License-Identifier: Apache-2.0
// Reads flash.sh's output line by line: where the run stands, what is learnt about the unit, what
// looks like a failure, and whether every write was seen to end. Lines come without their ends, cut
// at \r and \n; the tool's "[   12.3456 ] " stamps are removed here, may be stale, doubled or
// missing. Pure: no clock, no I/O. Thread: as any value.
#pragma once

#include "workers/jetson-usb/failures.h"
#include "workers/jetson-usb/stages.h"

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
    std::optional<std::string> chip_id;  // "0x88…"
    std::vector<std::pair<std::string, std::string>> facts;
};

class Transcript {
  public:
    // How many partitions are written before and after APP, for the progress between.
    // Source: complete runs on Xavier NX eMMC.
    static constexpr int kFirmwareWrites = 45;
    static constexpr int kKernelWrites = 9;

    Change take(std::string_view line);

    [[nodiscard]] double percent() const { return percent_; }  // of the whole step, never falls
    [[nodiscard]] std::string_view stage() const {
        return stage_ == nullptr ? "start" : stage_->name;
    }
    // What the tool was last seen writing, "" before the first write.
    [[nodiscard]] const std::string& writing() const { return writing_; }
    [[nodiscard]] bool success_line() const { return success_; }
    [[nodiscard]] bool error_line() const { return error_line_; }  // "Error: Return value N"
    [[nodiscard]] bool write_begun() const { return write_begun_; }
    [[nodiscard]] bool probe_failed() const { return probe_failed_; }
    // The row that names the cause best, if any line looked like a failure; and that line.
    [[nodiscard]] const Failure* failure() const { return failure_; }
    [[nodiscard]] const std::string& failure_line() const { return failure_line_; }
    // The last line that looks like a complaint, for messages where no row fits.
    [[nodiscard]] const std::string& last_complaint() const { return last_complaint_; }
    // Partitions that were begun and not seen to reach 100 %.
    [[nodiscard]] std::vector<std::string> unfinished() const;
    [[nodiscard]] bool wrote(std::string_view partition) const;  // begun and ended
    [[nodiscard]] int writes() const { return writes_; }

  private:
    void take_progress(int percent);
    void take_write(const std::string& partition);
    void take_failure(std::string_view line);
    void advance(double percent);

    Part part_ = Part::eeprom;
    const Stage* stage_ = nullptr;
    double percent_ = 0;
    bool success_ = false;
    bool error_line_ = false;
    bool write_begun_ = false;
    bool probe_failed_ = false;
    bool after_app_ = false;
    const Failure* failure_ = nullptr;
    std::string failure_line_;
    std::string last_complaint_;
    std::string writing_;
    std::string open_write_;  // begun, 100 % not seen
    std::vector<std::string> unfinished_;
    std::set<std::string, std::less<>> finished_;
    int writes_ = 0;
    int writes_of_stage_ = 0;
};

// The line without its time stamps and the blanks around it.
[[nodiscard]] std::string_view without_stamps(std::string_view line);

}  // namespace lineside::jetson_usb
