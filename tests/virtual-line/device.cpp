// SPDX-License-Identifier: Apache-2.0
#include "device.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "identity.h"

namespace line {
namespace {

// The packet protocol ("3p").  Source: observed traffic of the R32.7.4 tools.
enum : std::uint32_t { kCommand = 1, kData = 2, kAck = 3, kNack = 4 };
enum : std::uint32_t {
    kVersion = 1,
    kDownload = 2,
    kWrite = 3,
    kErase = 5,
    kPlatform = 6,
    kReboot = 7,
    kStatus = 8,
    kResponse = 9,
    kBoot = 10
};
constexpr std::uint32_t kRomRefusal = 5;  // as real ones were seen to say
enum : std::uint32_t { kStorageInfo = 1, kEepromInfo = 2, kChipInfo = 3 };
constexpr std::uint32_t kSpi = 3;
constexpr std::size_t kMostCommand = 512;

// Times at speed 1, in seconds.  Source: fact sheet of the flash tools, section 8 (estimates where
// it says so).
constexpr double kEraseSpi = 20, kEraseEmmc = 2;
constexpr double kSpiBytesPerSecond = 250e3;
constexpr double kTrainMemory = 1.0;

std::uint32_t le32(const std::uint8_t* at) {
    return static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8 |
           static_cast<std::uint32_t>(at[2]) << 16 | static_cast<std::uint32_t>(at[3]) << 24;
}
std::uint64_t le64(const std::uint8_t* at) {
    return le32(at) | static_cast<std::uint64_t>(le32(at + 4)) << 32;
}
void put32(Bytes& to, std::uint64_t value) {
    for (unsigned i = 0; i < 4; i++) {
        to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
}
void set32(Bytes& to, std::size_t at, std::uint32_t value) {
    for (unsigned i = 0; i < 4; i++) {
        to[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
}
template <typename Range>
std::uint32_t sum_of(const Range& bytes) {
    return std::accumulate(bytes.begin(), bytes.end(), 0U);
}
std::string name_at(const Bytes& body, std::size_t at) {
    std::string name;
    for (; at < body.size() && body[at] != 0 && name.size() < 40; at++) {
        name += static_cast<char>(body[at]);
    }
    return name;
}
std::uint8_t crc8(std::span<const std::uint8_t> bytes) {  // Dallas/Maxim
    unsigned crc = 0;
    for (const auto byte : bytes) {
        crc ^= byte;
        for (int i = 0; i < 8; i++) {
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0x8c : crc >> 1;
        }
    }
    return static_cast<std::uint8_t>(crc);
}

}  // namespace

Module::Module(Stage stage, ModuleFacts facts, ModuleEvents events,
               std::shared_ptr<Storage> storage)
    : stage_(stage),
      facts_(std::move(facts)),
      events_(std::move(events)),
      storage_(std::move(storage)) {}

std::optional<Bytes> Module::control(std::uint8_t request) {
    // Ours, not NVIDIA's: lets the stand-in tool chain ask what it has to act out.
    if (request != 0x55) {
        return std::nullopt;
    }
    return Bytes(facts_.tool_fault.begin(), facts_.tool_fault.end());
}

void Module::take_time(double seconds) {
    ready_at_ = std::max(ready_at_, Clock::now()) +
                std::chrono::duration_cast<Clock::duration>(Seconds(seconds / facts_.speed));
}

void Module::out(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty() && !silent_) {
        if (stage_ == Stage::BootRom) {
            boot_rom(bytes);
        } else {
            packets(bytes);
        }
    }
}

std::size_t Module::in(std::span<std::uint8_t> room) {
    if (stage_ == Stage::BootRom && !uid_told_ && to_host_.empty()) {
        uid_told_ = true;
        const auto uid = br_cid_bytes(facts_.br_cid);
        say(uid.data(), uid.size());
        events_.note("uid", facts_.br_cid);
    }
    const auto size = std::min(room.size(), to_host_.size());
    std::copy_n(to_host_.begin(), size, room.begin());
    to_host_.erase(to_host_.begin(), to_host_.begin() + static_cast<std::ptrdiff_t>(size));
    if (hop_ && to_host_.empty() && size != 0) {
        events_.hop(*hop_, true);
        hop_.reset();
        silent_ = true;  // until it is gone
    }
    return size;
}

void Module::hop(Hop where) {
    hop_ = where;
    events_.hop(where, false);
}

// Messages whose first word is their length; the first asks for the version, the third is MB1.
void Module::boot_rom(std::span<const std::uint8_t>& bytes) {
    uid_told_ = true;  // to be had only before the first message
    if (rcm_left_ == 0) {
        while (rcm_head_.size() < 4 && !bytes.empty()) {
            rcm_head_.push_back(bytes.front());
            bytes = bytes.subspan(1);
        }
        if (rcm_head_.size() < 4) {
            return;
        }
        rcm_left_ = std::max<std::uint64_t>(le32(rcm_head_.data()), 4) - 4;
        rcm_head_.clear();
    }
    const auto take = std::min<std::uint64_t>(rcm_left_, bytes.size());
    bytes = bytes.subspan(take);
    rcm_left_ -= take;
    if (rcm_left_ != 0) {
        return;
    }
    Bytes word;
    const bool refused = facts_.fused && rcm_count_ > 0;
    put32(word, rcm_count_ == 0 ? 0x190001 : refused ? kRomRefusal : 0);
    say(word.data(), word.size());
    if (refused) {
        events_.note("rom-refused", std::to_string(kRomRefusal));
        return;
    }
    events_.note("rcm", std::to_string(rcm_count_));
    if (++rcm_count_ == 3) {
        stage_ = Stage::Mb1;
    }
}

void Module::say(const void* bytes, std::size_t size) {
    const auto* at = static_cast<const std::uint8_t*>(bytes);
    to_host_.insert(to_host_.end(), at, at + size);
}

void Module::say_packet(std::uint32_t type, std::uint32_t sequence, const Bytes& body) {
    Bytes packet;
    for (const auto word : {3U, type, sequence, 0U}) {
        put32(packet, word);
    }
    const auto sum = sum_of(packet) + sum_of(body);
    if (type == kCommand || type == kData) {
        put32(packet, body.size());
    }
    packet.insert(packet.end(), body.begin(), body.end());
    put32(packet, 0U - sum);
    say(packet.data(), packet.size());
}

void Module::say_response(std::uint64_t size) {
    Bytes body;
    for (const auto word : {std::uint64_t{kResponse}, size & 0xffffffff, size >> 32}) {
        put32(body, word);
    }
    say_packet(kCommand, sequence_++, body);
}

void Module::say_status(std::uint64_t code, const std::string& text) {
    Bytes body;
    for (const auto word : {std::uint64_t{kStatus}, code & 0xffffffff, code >> 32}) {
        put32(body, word);
    }
    if (!text.empty()) {
        body.insert(body.end(), text.begin(), text.end());
        body.push_back(0);
    }
    say_packet(kCommand, sequence_++, body);
}

void Module::say_answer(const Bytes& body) {
    say_response(body.size());
    say_packet(kData, sequence_++, body);
    say_status(0);
}

Bytes Module::chip_info() const {  // sku, minor revision, boot ROM revision, RAM code, sample
    Bytes info(64);
    set32(info, 0, 0xde);
    set32(info, 44, 2);
    set32(info, 48, 1);
    std::memcpy(info.data() + 56, "prod", 5);
    return info;
}

Bytes Module::eeprom() const {
    Bytes info(256);
    set32(info, 0, 0x01000001);
    set32(info, 4, 3668 | 1U << 16);
    info[8] = 100;
    info[9] = 'F';
    const auto part = "699-13668-" + facts_.sku + "-100 F.0";
    std::memcpy(info.data() + 20, part.data(), part.size());
    std::memcpy(info.data() + 74, facts_.module_serial.data(), facts_.module_serial.size());
    const auto crc = crc8(std::span(info).first(255));
    info[255] = static_cast<std::uint8_t>(facts_.bad_eeprom ? crc ^ 0xffU : crc);
    return info;
}

// Header {3, type, sequence, 0}, then a length (command, data) or a reason (nack), the body, and
// the two's complement of the sum of header and body. True once the header is complete.
bool Module::packet_head(std::span<const std::uint8_t>& bytes) {
    const auto need = [&]() -> std::size_t {
        return head_.size() < 16 || le32(head_.data() + 4) != kAck ? 20 : 16;
    };
    while (head_.size() < need() && !bytes.empty()) {
        head_.push_back(bytes.front());
        bytes = bytes.subspan(1);
        if (head_.size() == need()) {
            const auto type = le32(head_.data() + 4);
            body_left_ = type == kCommand || type == kData ? le32(head_.data() + 16) : 0;
            sum_ = sum_of(std::span(head_).first(16));
            if (type == kNack) {
                sum_ += sum_of(std::span(head_).subspan(16));
            }
            body_.clear();
            tail_.clear();
        }
    }
    return head_.size() >= 16 && head_.size() == need();
}

void Module::packets(std::span<const std::uint8_t>& bytes) {
    if (!packet_head(bytes)) {
        return;
    }
    if (body_left_ != 0) {
        const auto part = bytes.first(std::min<std::uint64_t>(body_left_, bytes.size()));
        bytes = bytes.subspan(part.size());
        body_left_ -= part.size();
        sum_ += sum_of(part);
        if (le32(head_.data() + 4) == kData) {
            data_body(part);
        } else if (body_.size() + part.size() <= kMostCommand) {
            body_.insert(body_.end(), part.begin(), part.end());
        }
        if (body_left_ != 0) {
            return;
        }
    }
    while (tail_.size() < 4 && !bytes.empty()) {
        tail_.push_back(bytes.front());
        bytes = bytes.subspan(1);
    }
    if (tail_.size() == 4) {
        packet_end();
    }
}

void Module::packet_end() {
    const auto type = le32(head_.data() + 4);
    const auto number = le32(head_.data() + 8);
    const bool good = le32(tail_.data()) + sum_ == 0 && le32(head_.data()) == 3;
    head_.clear();
    if (type != kCommand && type != kData) {
        return;
    }
    if (!good) {
        Bytes packet;
        for (const auto word : {3U, std::uint32_t{kNack}, number, 0U, 2U}) {
            put32(packet, word);
        }
        put32(packet, 0U - sum_of(packet));
        say(packet.data(), packet.size());
        events_.note("nack", "bad checksum");
        return;
    }
    say_packet(kAck, number, {});
    if (type == kCommand) {
        command();
    } else if (left_ == 0 && op_ != 0) {
        data_end();
    }
}

void Module::start_data(std::uint64_t size) {
    size_ = left_ = size;
    bad_ = false;
    percent_ = -1;
    say_response(0);
    if (size == 0) {
        data_end();
    }
}

void Module::command() {
    body_.resize(std::max<std::size_t>(body_.size(), 72));
    const auto* at = body_.data();
    const auto op = le32(at);
    if (op == kResponse) {
        return;  // how the host ends every exchange
    }
    op_ = op;
    left_ = 0;
    name_.clear();
    const bool bootloader = stage_ == Stage::Bootloader;
    switch (op) {
        case kVersion: {
            Bytes version;
            put32(version, stage_ == Stage::Mb1 ? 4 : stage_ == Stage::Applet ? 1 : 2);
            for (const auto word : {1U, 0U, 0U}) {
                put32(version, word);
            }
            say_answer(version);
            return;
        }
        case kDownload:
            name_ = name_at(body_, 20);
            have_mb2_ = have_mb2_ || name_ == "mb2";
            have_blob_ = have_blob_ || name_ == "blob";
            events_.note("download", name_);
            if (bootloader) {
                say_response(0);
                say_status(5, "E> not in this loader");
                return;
            }
            start_data(le64(at + 4));
            return;
        case kWrite: {
            kind_ = le32(at + 4);
            name_ = name_at(body_, 28);
            const auto size = le64(at + 20);
            events_.note("write", name_);
            if (!bootloader || !storage_->begin(kind_, name_, size)) {
                say_response(0);
                say_status(5, "E> cannot write " + name_);
                op_ = 0;
                return;
            }
            start_data(size);
            return;
        }
        case kErase:
            erase(le32(at + 4));
            return;
        case kPlatform:
            platform(le32(at + 8), le32(at + 12));
            return;
        case kReboot:
            reboot(le32(at + 4));
            return;
        case kBoot:
            boot();
            return;
        default:
            say_response(0);
            say_status(1, "E> unknown command");
            return;
    }
}

void Module::erase(std::uint32_t kind) {
    events_.note("erase", kind == kSpi ? "spi" : "sdmmc_user");
    if (stage_ != Stage::Bootloader) {
        say_response(0);
        say_status(5, "E> not in this loader");
        return;
    }
    if (kind != kSpi) {
        storage_->erase_emmc();
    }
    // Not a sign of life until it is done.
    take_time(kind == kSpi ? kEraseSpi : kEraseEmmc);
    say_response(0);
    say_status(0);
}

void Module::platform(std::uint32_t what, std::uint32_t argument) {
    what_ = what;
    if (argument != 0) {  // the name of the wanted EEPROM follows as data
        size_ = left_ = argument;
        say_response(what == kEepromInfo ? 256 : 0);
        return;
    }
    say_answer(what == kChipInfo ? chip_info() : what == kEepromInfo ? eeprom() : Bytes(64));
}

void Module::boot() {
    if (have_blob_) {
        hop(Hop::ToBootloader);
    } else if (have_mb2_) {
        take_time(kTrainMemory);
        stage_ = Stage::Applet;
        events_.note("stage", "applet");
    }
    say_response(0);
}

void Module::reboot(std::uint32_t where) {
    say_response(0);
    hop(where == 0 ? Hop::ToRecovery : Hop::ColdBoot);
}

void Module::data_body(std::span<const std::uint8_t> bytes) {
    const auto take = std::min<std::uint64_t>(left_, bytes.size());
    left_ -= take;
    if (op_ != kWrite || bad_) {
        return;
    }
    if (name_ == "APP") {
        const int percent = static_cast<int>((size_ - left_) * 100 / size_);
        if (percent != percent_) {
            percent_ = percent;
            if (events_.app_progress(percent)) {
                silent_ = true;
                return;
            }
        }
    }
    if (!storage_->data(bytes.first(take))) {
        bad_ = true;
    }
    if (kind_ == kSpi) {
        take_time(static_cast<double>(take) / kSpiBytesPerSecond);
    }
}

void Module::data_end() {
    if (op_ == kPlatform && what_ == kEepromInfo) {
        say_packet(kData, sequence_++, eeprom());
    }
    if (op_ == kWrite && !storage_->end()) {
        bad_ = true;
    }
    op_ = 0;
    if (bad_) {
        say_status(5, "E> cannot write " + name_);
    } else {
        say_status(0);
    }
}

}  // namespace line
