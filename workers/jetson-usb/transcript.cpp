// SPDX-License-Identifier: Apache-2.0
#include "workers/jetson-usb/transcript.h"

#include "station/base/text.h"
#include "workers/jetson-usb/line.h"

#include <algorithm>

namespace lineside::jetson_usb {
namespace {

struct Expression : RE2 {
    explicit Expression(const char* text) : RE2(text, expression_options()) {}
};

// RE2's own string piece; in this version it is not std::string_view.
re2::StringPiece piece(std::string_view text) {
    return {text.data(), text.size()};
}

bool holds(const RE2* expression, std::string_view line) {
    return expression == nullptr || RE2::PartialMatch(piece(line), *expression);
}

// Second part of a boot ROM's version, by chip: T186, T194, T210, T234, T264. Anything else is what
// a session that is out of step reads. Source: the fact sheet, row 6; R35 logs for T234.
constexpr std::array<std::string_view, 5> kRomVersions{"180001", "190001", "210001", "230001",
                                                       "260001"};

// Is `word`, in lower case, in the line, in whatever case?
bool has(std::string_view line, std::string_view word) {
    return std::search(line.begin(), line.end(), word.begin(), word.end(), [](char a, char b) {
               return std::tolower(static_cast<unsigned char>(a)) == b;
           }) != line.end();
}

constexpr int kRowOfSigning = 6;     // of the fact sheet's section 8: the second tegraflash begins
constexpr double kQuickErase = 1.5;  // row 30: "done in 1 s"
constexpr int kCopiesOfQspi = 60;    // lines of one QSPI write, about
constexpr double kCheckpoints =
    650'000;                      // of the sample root file system: the fact sheet, section 8
constexpr int kItemsOfDisk = 20;  // of meta-tegra's layouts, about

}  // namespace

const Change& Transcript::take(std::string_view raw) {
    if (changed_) {
        change_ = {};
        changed_ = false;
    }
    take_clean(raw);
    return change_;
}

void Transcript::take_clean(std::string_view raw) {
    const auto line = without_stamps(raw);
    if (line.empty()) {
        return;
    }
    if (const auto percent = bar_percent(line)) {
        take_progress(*percent);
        return;
    }
    Hits hits;
    language_->scan(line, hits);
    for (std::size_t i = 0; i < hits.count; ++i) {
        const auto& mark = language_->mark(hits.marks[i]);
        if (mark.kind == Language::Kind::sign && static_cast<Sign>(mark.index) == Sign::unclean) {
            take_clean(cleaned(raw));  // has none of these any more
            return;
        }
    }
    auto& kept = tail_[tail_at_++ % kTail];
    kept.assign(line.substr(0, kKept));
    if (erase_began_) {
        if (const auto now = stamp_of(raw)) {
            quick_erase_ = *now - *erase_began_ <= kQuickErase;
            erase_began_.reset();
        }
    }
    if (hits.count > 0) {
        stamp_ = stamp_of(raw);
        take_hits(line, hits);
    }
}

void Transcript::take_hits(std::string_view line, const Hits& hits) {
    const Stage* stage = nullptr;
    const auto is_sign = [&](std::uint16_t number, Sign sign) {
        const auto& mark = language_->mark(number);
        return mark.kind == Language::Kind::sign && static_cast<Sign>(mark.index) == sign;
    };
    const auto is_noise = [&] {
        return std::any_of(hits.marks.begin(), hits.marks.begin() + hits.count,
                           [&](auto number) { return is_sign(number, Sign::noise); });
    };
    for (std::size_t i = 0; i < hits.count; ++i) {
        if (is_sign(hits.marks[i], Sign::complaint) && is_noise()) {
            continue;
        }
        const auto& mark = language_->mark(hits.marks[i]);
        if (!holds(mark.kind == Language::Kind::fact ? nullptr : mark.expression, line)) {
            continue;
        }
        switch (mark.kind) {
            case Language::Kind::failure:
                raise(failures()[mark.index], line);
                break;
            case Language::Kind::stage: {
                const Stage& row = stages(way_)[mark.index];
                if (fits(row) && (stage == nullptr || &row < stage)) {
                    stage = &row;
                }
                break;
            }
            case Language::Kind::fact: {
                const FactRow& row = fact_rows()[mark.index];
                std::string value;
                if (RE2::PartialMatch(piece(line), *mark.expression, &value)) {
                    change_.facts.emplace_back(row.key, std::move(value));
                    changed_ = true;
                }
                break;
            }
            case Language::Kind::sign:
                take_sign(static_cast<Sign>(mark.index), line);
                break;
        }
    }
    if (stage != nullptr) {
        take_stage(*stage, line);
    }
}

bool Transcript::fits(const Stage& stage) const {
    // A piece of a log does not say which of the two runs of tegraflash it is of.
    if (stage.part != Part::any && part_ != Part::any && stage.part != part_ &&
        way_ == Way::flash) {
        return false;
    }
    return stage.name == "kernel" ? after_app_ : stage.name != "firmware" || !after_app_;
}

void Transcript::take_stage(const Stage& stage, std::string_view line) {
    const bool write = stage.name == "firmware" || stage.name == "kernel" || stage.name == "rootfs";
    if (write) {
        const std::string partition = base::to_lower_ascii(writing_);
        // In a piece of a log what is behind APP is told by its name.
        const bool behind_app = part_ == Part::any && (partition.starts_with("kernel") ||
                                                       partition.starts_with("recovery"));
        if (stage.name == "firmware" && (partition == "app" || behind_app)) {
            for (const Stage& row : stages(way_)) {
                if (row.name == (behind_app ? "kernel" : "rootfs")) {
                    take_stage(row, line);
                    return;
                }
            }
        }
        // Said in the same words, but of another stage: after `--write BCT` and its kin.
        if (has(writing_, "bct")) {
            return;
        }
    }
    stage_ = change_.stage = &stage;
    changed_ = true;
    if (stage.name != "booting" && stage.name != "net") {
        wait_ = Wait::none;
    }
    if (way_ == Way::flash && stage.row <= kRowOfSigning && part_ != Part::flash) {
        part_ = stage.row == kRowOfSigning ? Part::flash : Part::eeprom;
    }
    after_app_ = after_app_ || stage.name == "rootfs";
    if (stage.meaning == Meaning::success) {
        success_ = true;
        said_.success_line = line.substr(0, kKept);
    }
    write_begun_ = write_begun_ || stage.meaning == Meaning::begins_write;
    advance(stage.from_pct);
    if (stage.name == "firmware" || stage.name == "kernel") {
        const int expected = stage.name == "firmware" ? kFirmwareWrites : kKernelWrites;
        take_share(static_cast<double>(writes_of_stage_) / expected);
    } else if (stage.name == "booting") {
        take_share(static_cast<double>(waits_) / (10 * (stage.to_pct - stage.from_pct)));
    } else if (stage.name == "qspi") {
        take_share(static_cast<double>(++writes_of_stage_) / kCopiesOfQspi);
    } else if (stage.name == "item") {
        take_share(static_cast<double>(++items_) / kItemsOfDisk);
    }
}

// How far the present stage is, 0 to 1.
void Transcript::take_share(double share) {
    advance(stage_->from_pct + std::min(1.0, share) * (stage_->to_pct - stage_->from_pct));
}

void Transcript::take_progress(int percent) {
    if (!open_write_.empty()) {
        write_percent_ = std::clamp(percent, write_percent_, 100);
    }
    if (percent >= 100 && !open_write_.empty()) {
        finished_.insert(base::to_lower_ascii(std::exchange(open_write_, {})));
    }
    if (stage_ != nullptr && stage_->name == "rootfs") {
        take_share(std::min(percent, 100) / 100.0);
    }
}

void Transcript::take_write(std::string_view line) {
    static const Expression form{R"(Writing\s+partition\s+(\S+)\s+with\s+(\S*))"};
    std::string partition;
    std::string file;
    if (!RE2::PartialMatch(piece(line), form, &partition, &file)) {
        return;
    }
    if (!open_write_.empty()) {
        unfinished_.push_back(open_write_);
    }
    open_write_ = writing_ = partition;
    writing_file_ = std::move(file);
    write_percent_ = 0;
    ++writes_;
    writes_of_stage_ = base::to_lower_ascii(partition) == "app" ? 0 : writes_of_stage_ + 1;
}

void Transcript::take_board(std::string_view line) {
    static const Expression form{
        R"(Board\s+ID\(\s*([^)]*?)\s*\)\s*version\(\s*([^)]*?)\s*\)\s*sku\(\s*([^)]*?)\s*\)(?:\s*revision\(\s*([^)]*?)\s*\))?)"};
    Board seen;
    if (RE2::PartialMatch(piece(line), form, &seen.id, &seen.fab, &seen.sku, &seen.rev)) {
        board_ = change_.board = std::move(seen);
        changed_ = true;
    }
}

void Transcript::take_chip(std::string_view line) {
    static const Expression form{R"((?:BR_CID:\s*|ECID\s+is\s+)(0x[0-9a-f]{16,64})\b)"};
    std::string chip_id;
    if (!RE2::PartialMatch(piece(line), form, &chip_id)) {
        return;
    }
    if (chip_id_.empty()) {
        chip_id_ = chip_id;
    }
    if (part_ == Part::flash || way_ != Way::flash) {
        change_.chip_id = std::move(chip_id);
        changed_ = true;
    }
}

void Transcript::take_value(std::string_view line) {
    static const Expression form{R"(Return\s+value\s+(-?\d{1,9}))"};
    int value = 0;
    if (!RE2::PartialMatch(piece(line), form, &value) || value == 0) {
        return;
    }
    error_line_ = failed_ = true;
    if (value == 3 && rom_failed_) {
        return;  // the row of the line before says it
    }
    lost_ = value == 8;
    if (value == 8 && in_rom_) {
        raise_silent(line);
    }
}

// That it says so, and no word of refusal, tells silence from a session that is out of step.
// Source: l4t-observed, the boot ROM's refusals.
void Transcript::raise_silent(std::string_view line) {
    raise(failure_named(rom_failed_ ? "rom-gone" : "rom-silent"), line);
}

void Transcript::take_sign(Sign sign, std::string_view line) {
    static const Expression rom_version{R"(RCM\s+version\s+0X([0-9A-F]*))"};
    static const Expression percent{R"(\]\s*(\d{1,3})%)"};
    static const Expression number{R"(checkpoint\s*(\d{1,9}))"};
    static const Expression status{R"(Final\s+status:\s*(\w*))"};
    int value = 0;
    switch (sign) {
        case Sign::unclean:
            break;
        case Sign::write:
            take_write(line);
            break;
        case Sign::board:
            take_board(line);
            break;
        case Sign::chip:
            take_chip(line);
            break;
        case Sign::error_value:
            take_value(line);
            break;
        case Sign::failed:
            failed_ = true;
            break;
        case Sign::probe:
            probe_failed_ = true;
            break;
        case Sign::complaint:
            last_complaint_.assign(line.substr(0, kKept));
            break;
        case Sign::noise:
            break;
        case Sign::life:
            poll_ = nullptr;
            poll_from_ = poll_to_ = -1;
            polls_ = poll_lines_ = 0;
            break;
        case Sign::command:
            // "--rcm LIST", not "--rcm-boot". The command comes again after "Return value".
            in_rom_ = has(line, "--rcm ");
            if (lost_ && in_rom_) {
                raise_silent(line);
            }
            lost_ = false;
            break;
        case Sign::rom:
            in_rom_ = !has(line, "completed") && !has(line, "succeeded");
            rom_failed_ = rom_failed_ || has(line, "failed");
            break;
        case Sign::rom_version: {
            std::string version;
            if (RE2::PartialMatch(piece(line), rom_version, &version) &&
                std::find(kRomVersions.begin(), kRomVersions.end(), version) ==
                    kRomVersions.end()) {
                raise(failure_named("rom-garbage"), line);
            }
            break;
        }
        case Sign::wait_boot:
            wait_ = Wait::boot;
            ++waits_;
            break;
        case Sign::wait_ssh:
            wait_ = Wait::ssh;
            break;
        case Sign::timeout:
            if (wait_ != Wait::none) {
                raise(failure_named(wait_ == Wait::boot ? "no-boot" : "no-ssh"), line);
            }
            failed_ = failed_ || way_ == Way::initrd;
            break;
        case Sign::memory_fault:
            memory_fault_ = true;
            break;
        case Sign::back_to_recovery:
            if (memory_fault_) {
                raise(failure_named("dram-reset"), line);
            }
            break;
        case Sign::erase_spi:
            erase_began_ = stamp_;
            break;
        case Sign::seen_in_recovery:
            if (quick_erase_ && (success_ || said_.coldboot || said_.rebooted)) {
                raise(failure_named("qspi-locked"), line);
            }
            break;
        case Sign::banner_good:
            said_.flashing = said_.flashing || has(line, "flashing the device");
            break;
        case Sign::status_line: {
            std::string text;
            if (RE2::PartialMatch(piece(line), status, &text)) {
                std::transform(text.begin(), text.end(), text.begin(),
                               [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
                said_.status = text;
                success_ = text == "SUCCESS";
                said_.success_line = line.substr(0, kKept);
            }
            break;
        }
        case Sign::session:
            said_.session = true;
            break;
        case Sign::disk_begun:
            open_disks_ += way_ == Way::tegraflash ? 1 : 0;
            break;
        case Sign::disk_done:
            open_disks_ = std::max(0, open_disks_ - 1);
            break;
        case Sign::written:
            said_.written = true;
            said_.success_line = line.substr(0, kKept);
            break;
        case Sign::reboot:
            said_.rebooted = true;
            break;
        case Sign::plain_success:
            said_.plain = said_.plain || said_.rebooted;
            if (said_.success_line.empty()) {
                said_.success_line = line.substr(0, kKept);
            }
            break;
        case Sign::flash_completed:
            said_.completed = true;
            break;
        case Sign::coldboot:
            said_.coldboot = true;
            if (way_ == Way::tegraflash && said_.success_line.empty()) {
                said_.success_line = line.substr(0, kKept);
            }
            break;
        case Sign::whole_success:
            success_ = true;
            break;
        case Sign::item:
            break;
        case Sign::checkpoint:
            if (stage_ != nullptr && stage_->name == "rootfs" &&
                RE2::PartialMatch(piece(line), number, &value)) {
                take_share(value / kCheckpoints);
            }
            break;
        case Sign::percent:
            if (RE2::PartialMatch(piece(line), percent, &value)) {
                take_progress(value);
            }
            break;
    }
}

void Transcript::raise(const Failure& row, std::string_view line) {
    if (row.weight == Weight::harmless) {
        harmless_ = &row;
        return;
    }
    if (row.weight == Weight::poll) {
        if (poll_ == nullptr) {
            poll_from_ = stamp_.value_or(-1);
        }
        poll_to_ = stamp_.value_or(-1);
        ++(has(line, "cannot open usb") ? polls_ : poll_lines_);
        poll_ = &row;
        poll_line_.assign(line.substr(0, kKept));
        return;
    }
    if (row.name == "eeprom-stage") {
        eeprom_stage_ = true;
    }
    failed_ = true;
    // Before the first write it is only the last word of another trouble.
    if (row.name == "refused" && !write_begun_) {
        return;
    }
    if (failure_ == nullptr || &row < failure_) {
        failure_ = &row;
        failure_line_.assign(line.substr(0, kKept));
    }
}

}  // namespace lineside::jetson_usb
