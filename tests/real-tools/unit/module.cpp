// SPDX-License-Identifier: Apache-2.0
#include "tests/real-tools/unit/module.h"

#include "tests/real-tools/unit/words.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>

namespace lineside::real_tools {

using namespace std::chrono_literals;

enum class Module::Op : std::uint32_t {
    which = 1,
    download = 2,
    write = 3,
    erase = 5,
    platform = 6,
    reboot = 7,
    status = 8,
    response = 9,
    boot = 10,
};

namespace {

enum Platform : std::uint32_t { kStorage = 1, kEeprom = 2, kChip = 3 };
constexpr std::size_t kMostCommand = 512;
constexpr std::uint32_t kRomMessages = 3;  // version, soft fuses, MB1
constexpr std::uint32_t kRomVersion = 0x00190001;
constexpr std::size_t kEepromBytes = 256;
constexpr auto kAway = 1500ms;

std::string text_at(std::string_view bytes, std::size_t at, std::size_t most) {
    const auto field = bytes.substr(std::min(at, bytes.size()), most);
    return std::string(field.substr(0, field.find('\0')));
}

// The tools name partitions; a name becomes a file.
std::string file_name(std::string_view name) {
    std::string out(name);
    std::replace(out.begin(), out.end(), '/', '_');
    return out.empty() || out.front() == '.' ? "_" + out : out;
}

std::string chip_info() {
    std::string out(64, '\0');
    const auto put = [&out](std::size_t at, std::string_view what) {
        out.replace(at, what.size(), what);
    };
    put(0, word(0xde));  // SKU
    put(44, word(2));    // minor revision
    put(48, word(1));    // boot ROM's revision
    put(52, word(0));    // RAM code
    put(56, "prod");
    return out;
}

unsigned char crc8(std::string_view bytes) {
    unsigned crc = 0;
    for (const char byte : bytes) {
        crc ^= static_cast<unsigned char>(byte);
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc & 1U) != 0 ? crc >> 1U ^ 0x8cU : crc >> 1U;
        }
    }
    return static_cast<unsigned char>(crc);
}

}  // namespace

Orders parse_orders(std::string_view text) {
    Orders out;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string key;
        words >> key;
        if (key == "chip-id") {
            words >> out.chip_id;
        } else if (key == "sku") {
            words >> out.sku;
        } else if (key == "serial") {
            words >> out.serial;
        } else if (key == "rom-status") {
            words >> out.rom_status;
        } else if (key == "eeprom-crc") {
            std::string how;
            words >> how;
            out.eeprom_crc_wrong = how == "wrong";
        } else if (key == "hang" || key == "unplug") {
            out.fault = key == "hang" ? Orders::Fault::hang : Orders::Fault::unplug;
            words >> out.partition >> out.percent;
        } else if (!key.empty()) {
            throw std::runtime_error("unknown order: " + line);
        }
        if (!key.empty() && !words) {
            throw std::runtime_error("incomplete order: " + line);
        }
    }
    if (out.chip_id.size() != 34 || !out.chip_id.starts_with("0x") ||
        out.chip_id.find_first_not_of("0123456789abcdef", 2) != std::string::npos) {
        throw std::runtime_error("chip-id is not 0x and 32 hex digits");
    }
    return out;
}

Module::Module(Orders orders, std::filesystem::path folder)
    : orders_(std::move(orders)), folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    journal_.open(folder_ / "journal.jsonl");
    note("power");
}

void Module::note(std::string_view event, std::string_view name, std::uint64_t number) {
    const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun_);
    nlohmann::json line{{"at_ms", at.count()}, {"ev", event}};
    if (!name.empty()) {
        line["name"] = name;
        line["n"] = number;
    }
    journal_ << line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) << std::endl;
}

void Module::enumerated() {
    if (absence_) {
        loader_ = next_loader_;
        id_taken_ = false;
        rom_message_ = 0;
    }
    absence_.reset();
    silent_ = false;
    answers_.clear();
    rom_length_.clear();
    rom_left_ = 0;
    packets_.reset();
    sequence_ = 0;
    left_ = 0;
    blob_sent_ = false;
    note("enumerated", "loader", static_cast<std::uint64_t>(loader_));
}

void Module::leave(std::chrono::milliseconds after, std::optional<std::chrono::milliseconds> away,
                   Loader next) {
    const auto from = Clock::now() + after;
    absence_ = Absence{from, away ? std::optional(from + *away) : std::nullopt};
    next_loader_ = next;
    note("leaves", "away_ms", away ? static_cast<std::uint64_t>(away->count()) : 0);
}

bool Module::has_answer() const {
    return !silent_ && (!answers_.empty() || (loader_ == Loader::boot_rom && !id_taken_));
}

std::string Module::answer(std::size_t most) {
    if (loader_ == Loader::boot_rom && !id_taken_) {  // given once, and before anything else
        id_taken_ = true;
        for (std::size_t i = 16; i > 0; --i) {
            const auto byte = std::stoul(orders_.chip_id.substr(2 * i, 2), nullptr, 16);
            answers_ += static_cast<char>(byte);
        }
        note("chip id read");
    }
    std::string out = answers_.substr(0, most);
    answers_.erase(0, out.size());
    return out;
}

void Module::take(std::string_view bytes) {
    if (loader_ == Loader::boot_rom) {
        take_rom(bytes);
        return;
    }
    packets_.push(bytes, {[this](const PacketHeader& header, std::string_view piece) {
                              if (header.type == PacketType::command) {
                                  command_ += piece.substr(0, kMostCommand - command_.size());
                              } else if (header.type == PacketType::data) {
                                  take_data(piece);
                              }
                          },
                          [this](const PacketHeader& header, bool checksum_fits) {
                              if (!checksum_fits) {
                                  note("checksum wrong");
                              }
                              if (header.type == PacketType::command) {
                                  ack(header.sequence);
                                  take_command(std::exchange(command_, {}));
                              } else if (header.type == PacketType::data) {
                                  data_packet_ended(header.sequence, header.length);
                              } else if (header.type == PacketType::nack) {
                                  note("host refused our packet");
                              }
                          }});
}

// Messages that begin with their own length; the first is answered with the ROM's version, the
// others with a status.
void Module::take_rom(std::string_view bytes) {
    id_taken_ = true;
    if (rom_refuses_) {
        return;  // until it is powered on anew
    }
    while (!bytes.empty()) {
        if (rom_left_ == 0) {
            const auto piece = bytes.substr(0, 4 - rom_length_.size());
            rom_length_ += piece;
            bytes.remove_prefix(piece.size());
            if (rom_length_.size() < 4) {
                return;
            }
            rom_left_ = word_at(rom_length_, 0);
            rom_left_ -= std::min<std::uint64_t>(rom_left_, 4);
        }
        const auto piece = bytes.substr(
            0, static_cast<std::size_t>(std::min<std::uint64_t>(rom_left_, bytes.size())));
        bytes.remove_prefix(piece.size());
        rom_left_ -= piece.size();
        if (rom_left_ > 0) {
            return;
        }
        note("rom message", "bytes", word_at(rom_length_, 0));
        rom_length_.clear();
        if (rom_message_ == 1 && orders_.rom_status != 0) {
            append_word(answers_, orders_.rom_status);
            rom_refuses_ = true;
            note("rom refuses", "status", orders_.rom_status);
            return;
        }
        append_word(answers_, rom_message_ == 0 ? kRomVersion : 0);
        if (++rom_message_ == kRomMessages) {
            loader_ = Loader::mb1;  // the third was MB1: it runs, on the same connection
            return;
        }
    }
}

void Module::send(PacketType type, std::uint32_t sequence, std::string_view body) {
    answers_ += make_packet(type, sequence, body);
}

void Module::ack(std::uint32_t sequence) {
    send(PacketType::ack, sequence, {});
}

void Module::say(Op op, std::uint64_t value) {
    std::string body = word(static_cast<std::uint32_t>(op));
    append_number(body, value, 8);
    send(PacketType::command, sequence_++, body);
}

void Module::answer_with(std::string_view data) {
    say(Op::response, data.size());
    send(PacketType::data, sequence_++, data);
    say(Op::status, 0);
}

std::string Module::eeprom() const {
    std::string out(kEepromBytes, '\0');
    const auto put = [&out](std::size_t at, std::string_view what) {
        out.replace(at, what.size(), what);
    };
    put(20, fmt::format("699-13668-{}-100 F.0", orders_.sku));
    put(74, orders_.serial);
    const unsigned char crc = crc8(std::string_view(out).substr(0, kEepromBytes - 1));
    out.back() = static_cast<char>(orders_.eeprom_crc_wrong ? crc ^ 0xffU : crc);
    return out;
}

void Module::begin_transfer(std::string_view verb, std::string name, std::uint64_t bytes) {
    name_ = std::move(name);
    size_ = left_ = bytes;
    note(verb, name_, size_);
    say(Op::response, 0);
}

void Module::take_command(std::string_view body) {
    op_ = static_cast<Op>(word_at(body, 0));
    if (op_ == Op::response) {
        return;  // the host ends an exchange
    }
    name_.clear();
    left_ = 0;
    what_ = word_at(body, 8);
    switch (op_) {
        case Op::which: {
            std::string who = word(static_cast<std::uint32_t>(loader_));
            for (const std::uint32_t value : {1U, 0U, 0U}) {  // prints 01.00.0000
                append_word(who, value);
            }
            answer_with(who);
            return;
        }
        case Op::download:
            begin_transfer("download", text_at(body, 20, 40), number_at(body, 4, 8));
            blob_sent_ = blob_sent_ || name_ == "blob";
            return;
        case Op::write:
            begin_transfer("write", text_at(body, 28, 40), number_at(body, 20, 8));
            partition_.open(folder_ / file_name(name_), std::ios::binary | std::ios::trunc);
            return;
        case Op::erase:
            note("erase", "kind", word_at(body, 4));
            say(Op::response, 0);
            say(Op::status, 0);
            return;
        case Op::platform:
            note("platform", "what", what_);
            if (const auto argument = number_at(body, 12, 8); argument > 0) {
                left_ = size_ = argument;  // comes as data
                say(Op::response, what_ == kEeprom ? kEepromBytes : 0);
            } else {
                answer_with(what_ == kChip ? chip_info() : std::string(64, '\0'));
            }
            return;
        case Op::reboot:
            note("reboot", "where", word_at(body, 4));
            say(Op::response, 0);
            if (word_at(body, 4) == 0) {
                leave(300ms, kAway, Loader::boot_rom);
            } else {
                leave(300ms, std::nullopt, Loader::boot_rom);  // it boots: nobody of ours comes
            }
            return;
        case Op::boot:
            say(Op::response, 0);
            if (blob_sent_) {
                leave(50ms, kAway, Loader::cpu);
            } else {
                loader_ = Loader::mb2;
                note("loader", "mb2", 1);
            }
            return;
        default:
            note("unknown command", "op", word_at(body, 0));
            say(Op::response, 0);
    }
}

void Module::take_data(std::string_view piece) {
    if (op_ == Op::write && partition_.is_open()) {
        partition_.write(piece.data(), static_cast<std::streamsize>(piece.size()));
    }
}

// True: the packet that has just come is the one after which nothing is right any more.
bool Module::go_wrong(std::uint32_t length) {
    using enum Orders::Fault;
    if (orders_.fault == none || op_ != Op::write || name_ != orders_.partition ||
        (size_ - left_ + length) * 100 < size_ * orders_.percent) {
        return false;
    }
    silent_ = true;
    if (orders_.fault == unplug) {
        leave(0ms, std::nullopt, Loader::boot_rom);
    } else {
        note("hang", name_, size_ - left_ + length);
    }
    orders_.fault = none;
    return true;
}

void Module::data_packet_ended(std::uint32_t sequence, std::uint32_t length) {
    if (go_wrong(length)) {
        return;
    }
    ack(sequence);
    left_ -= std::min<std::uint64_t>(left_, length);
    if (left_ > 0) {
        return;
    }
    if (partition_.is_open()) {
        partition_.close();
        note("written", name_, size_);
    }
    if (op_ == Op::platform && what_ == kEeprom) {
        send(PacketType::data, sequence_++, eeprom());
    }
    say(Op::status, 0);
}

}  // namespace lineside::real_tools
