// SPDX-License-Identifier: Apache-2.0
// What a transcript answers about the lines that were read; reading them is transcript.cpp's.
#include "workers/jetson-usb/transcript.h"

#include "station/base/text.h"
#include "workers/jetson-usb/line.h"

namespace lineside::jetson_usb {
namespace {

constexpr double kPollSeconds = 30;  // the fact sheet, row 10
constexpr int kPolls = 30;           // one a second, where a log has no stamps
constexpr int kPollLines = 4;        // of one poll, the bootloader's aside

}  // namespace

const Failure* Transcript::failure() const {
    return poll_ != nullptr && (failure_ == nullptr || poll_ < failure_) ? poll_ : failure_;
}

const Failure* Transcript::failure_at_end(const ExitCode* known) const {
    if (const Failure* row = failure()) {
        return row;
    }
    if (known != nullptr) {
        return known->failure.empty() ? nullptr : &failure_named(known->failure);
    }
    if (wait_ != Wait::none) {
        return &failure_named(wait_ == Wait::boot ? "no-boot" : "no-ssh");
    }
    return stage() == "wait-usb" ? &failure_named("no-jetson") : nullptr;
}

const std::string& Transcript::failure_line() const {
    return failure() == poll_ && poll_ != nullptr ? poll_line_ : failure_line_;
}

bool Transcript::still_waiting() const {
    const bool whole_log = way_ != Way::flash || part_ == Part::flash;
    return whole_log && poll_ != nullptr && !failed_ && stage_ != nullptr &&
           stage_->name == "bootloader" && poll_to_ - poll_from_ < kPollSeconds &&
           polls_ < kPolls && poll_lines_ < kPolls * kPollLines;
}

std::vector<std::string> Transcript::last_lines() const {
    std::vector<std::string> out;
    for (std::size_t i = tail_at_ < kTail ? 0 : tail_at_ - kTail; i < tail_at_; ++i) {
        out.push_back(printable(tail_[i % kTail]));
    }
    return out;
}

std::vector<std::string> Transcript::unfinished() const {
    auto out = unfinished_;
    if (!open_write_.empty()) {
        out.push_back(open_write_);
    }
    if (open_disks_ > 0) {
        out.emplace_back("the unit's disk");
    }
    return out;
}

bool Transcript::wrote(std::string_view partition) const {
    return finished_.contains(base::to_lower_ascii(partition));
}

}  // namespace lineside::jetson_usb
