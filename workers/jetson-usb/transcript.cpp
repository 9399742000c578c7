// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/transcript.h"

#include <algorithm>

namespace lineside::jetson_usb {
namespace {

struct Pattern : RE2 {
    explicit Pattern(const char* text) : RE2(text, RE2::Latin1) {}
};

// RE2's own string piece; in this version it is not std::string_view.
re2::StringPiece piece(std::string_view text) {
    return {text.data(), text.size()};
}

}  // namespace

std::string_view without_stamps(std::string_view line) {
    static const Pattern stamps{R"(^(?:\[ *\d+\.\d+ ?\]\s*)*\s*)"};
    auto rest = piece(line);
    RE2::Consume(&rest, stamps);
    std::string_view out(rest.data(), rest.size());
    while (!out.empty() && (out.back() == ' ' || out.back() == '\t')) {
        out.remove_suffix(1);
    }
    return out;
}

Change Transcript::take(std::string_view raw) {
    static const Pattern bar{R"((\d{3})%$)"};
    static const Pattern write{R"(^Writing partition (\S+) with )"};
    static const Pattern board{
        R"(^Board ID\((\w*)\) version\((\w*)\) sku\((\w*)\) revision\(([^)]*)\))"};
    static const Pattern chip{"BR_CID: (0x[0-9a-fA-F]{32})"};

    Change change;
    const auto line = without_stamps(raw);
    if (line.empty()) {
        return change;
    }
    int percent = 0;
    if (RE2::PartialMatch(piece(line), bar, &percent)) {
        take_progress(percent);
        return change;
    }
    std::string partition;
    if (RE2::PartialMatch(piece(line), write, &partition)) {
        take_write(partition);
    }
    Board seen;
    if (RE2::PartialMatch(piece(line), board, &seen.id, &seen.fab, &seen.sku, &seen.rev)) {
        change.board = seen;
    }
    std::string chip_id;
    if (part_ == Part::flash && RE2::PartialMatch(piece(line), chip, &chip_id)) {
        change.chip_id = chip_id;
    }
    for (const FactRow& row : fact_rows()) {
        std::string value;
        if (RE2::PartialMatch(piece(line), *row.line, &value)) {
            change.facts.emplace_back(row.key, value);
        }
    }
    for (const Stage& stage : stages()) {
        const bool here = stage.part == Part::any || stage.part == part_;
        const bool reached = stage.name != "kernel" || after_app_;
        const bool passed = stage.name == "firmware" && after_app_;
        const bool other = stage.name == "firmware" && partition == "APP";
        // Said in the same words, but of another stage: after `--write BCT` and its kin.
        const bool table = partition.find("BCT") != std::string::npos;
        if (here && reached && !passed && !other && !table &&
            RE2::PartialMatch(piece(line), *stage.line)) {
            change.stage = &stage;
            break;
        }
    }
    if (change.stage != nullptr) {
        if (change.stage->name == "sign") {
            part_ = Part::flash;
        }
        if (change.stage->name == "rootfs") {
            after_app_ = true;
        }
        stage_ = change.stage;
        success_ = success_ || stage_->meaning == Meaning::success;
        write_begun_ = write_begun_ || stage_->meaning == Meaning::begins_write;
        if (stage_->name == "firmware" || stage_->name == "kernel") {
            const int expected = stage_->name == "firmware" ? kFirmwareWrites : kKernelWrites;
            const double share = std::min(1.0, static_cast<double>(writes_of_stage_) / expected);
            advance(stage_->from_pct + share * (stage_->to_pct - stage_->from_pct));
        } else {
            advance(stage_->from_pct);
        }
    }
    take_failure(line);
    return change;
}

void Transcript::take_progress(int percent) {
    if (percent >= 100 && !open_write_.empty()) {
        finished_.insert(std::exchange(open_write_, {}));
    }
    if (stage_ != nullptr && stage_->name == "rootfs") {
        advance(stage_->from_pct +
                std::min(percent, 100) / 100.0 * (stage_->to_pct - stage_->from_pct));
    }
}

void Transcript::take_write(const std::string& partition) {
    if (!open_write_.empty()) {
        unfinished_.push_back(open_write_);
    }
    open_write_ = writing_ = partition;
    ++writes_;
    writes_of_stage_ = partition == "APP" ? 0 : writes_of_stage_ + 1;
}

void Transcript::take_failure(std::string_view line) {
    static const Pattern error{R"(^Error: Return value -?\d+)"};
    static const Pattern probe{"probing the target board failed"};
    static const Pattern complaint{"(?i)error|fail|refused|cannot|traceback|exception|not found"};
    error_line_ = error_line_ || RE2::PartialMatch(piece(line), error);
    probe_failed_ = probe_failed_ || RE2::PartialMatch(piece(line), probe);
    if (RE2::PartialMatch(piece(line), complaint)) {
        last_complaint_ = std::string(line.substr(0, 200));
    }
    for (const Failure& row : failures()) {
        if (failure_ != nullptr && &row >= failure_) {
            return;
        }
        if (RE2::PartialMatch(piece(line), *row.line)) {
            failure_ = &row;
            failure_line_ = std::string(line.substr(0, 200));
            return;
        }
    }
}

void Transcript::advance(double percent) {
    percent_ = std::max(percent_, percent);
}

std::vector<std::string> Transcript::unfinished() const {
    auto out = unfinished_;
    if (!open_write_.empty()) {
        out.push_back(open_write_);
    }
    return out;
}

bool Transcript::wrote(std::string_view partition) const {
    return finished_.contains(partition);
}

}  // namespace lineside::jetson_usb
