// SPDX-License-Identifier: Apache-2.0
// A Jetson Xavier NX in recovery mode, as NVIDIA's R32 host tools see one: boot ROM, the loader MB1
// that the ROM was sent, the MB2 applet that reads the EEPROM, and the CPU bootloader that writes.
// Knows bytes of the two bulk endpoints only; what carries them is redir.h. What it was asked to do
// goes to journal.jsonl of its folder, and every partition it was sent becomes a file there.
// The device's half of this is ours: a real one may say more.
#pragma once

#include "tests/real-tools/unit/packets.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

namespace lineside::real_tools {

// What kind of unit it is, and what it does wrong. `key value` a line, in the file "orders":
//   chip-id 0x…   sku 0001   serial 1424…   hang PARTITION PERCENT   unplug PARTITION PERCENT
//   rom-status 5 (what the boot ROM says to the second message; then nothing)   eeprom-crc wrong
struct Orders {
    std::string chip_id = "0x88021911645838891c00000019028200";
    std::string sku = "0001";
    std::string serial = "1424021000001";
    std::uint32_t rom_status = 0;  // 0 = it takes what it is sent
    bool eeprom_crc_wrong = false;
    enum class Fault { none, hang, unplug } fault = Fault::none;
    std::string partition;
    unsigned percent = 0;
};

// Errors in the text are told as the text of the exception std::runtime_error.
[[nodiscard]] Orders parse_orders(std::string_view text);

class Module {
  public:
    using Clock = std::chrono::steady_clock;
    struct Absence {
        Clock::time_point from;
        std::optional<Clock::time_point> until;  // none: for good
    };

    Module(Orders orders, std::filesystem::path folder);

    void take(std::string_view bytes);  // bulk OUT
    [[nodiscard]] bool has_answer() const;
    [[nodiscard]] std::string answer(std::size_t most);  // bulk IN
    // Set while the module is about to leave the bus, or away from it.
    [[nodiscard]] const std::optional<Absence>& absence() const { return absence_; }
    void enumerated();  // it is on the bus, again

  private:
    // The numbers are what a loader answers to "which loader are you".
    enum class Loader : std::uint32_t { boot_rom = 0, mb2 = 1, cpu = 2, mb1 = 4 };
    enum class Op : std::uint32_t;

    void take_rom(std::string_view bytes);
    void take_command(std::string_view body);
    void take_data(std::string_view piece);
    void data_packet_ended(std::uint32_t sequence, std::uint32_t length);
    void begin_transfer(std::string_view verb, std::string name, std::uint64_t bytes);
    void send(PacketType type, std::uint32_t sequence, std::string_view body);
    void say(Op op, std::uint64_t value);
    void answer_with(std::string_view data);
    void ack(std::uint32_t sequence);
    bool go_wrong(std::uint32_t length);
    void leave(std::chrono::milliseconds after, std::optional<std::chrono::milliseconds> away,
               Loader next);
    [[nodiscard]] std::string eeprom() const;
    void note(std::string_view event, std::string_view name = {}, std::uint64_t number = 0);

    Orders orders_;
    std::filesystem::path folder_;
    std::ofstream journal_;
    Clock::time_point begun_ = Clock::now();

    Loader loader_ = Loader::boot_rom;
    Loader next_loader_ = Loader::boot_rom;
    std::string answers_;
    bool id_taken_ = false;
    bool silent_ = false;
    std::optional<Absence> absence_;

    std::uint32_t rom_message_ = 0;
    bool rom_refuses_ = false;
    std::string rom_length_;
    std::uint64_t rom_left_ = 0;

    PacketReader packets_;
    std::string command_;
    std::uint32_t sequence_ = 0;
    Op op_{};
    std::uint32_t what_ = 0;
    std::string name_;
    std::uint64_t size_ = 0;
    std::uint64_t left_ = 0;
    bool blob_sent_ = false;
    std::ofstream partition_;
};

}  // namespace lineside::real_tools
