// SPDX-License-Identifier: Apache-2.0
// A module's USB side from recovery mode to the end of flashing: boot ROM (chip id once, three
// signed messages), then the packet protocol that MB1, the MB2 applet and the CPU bootloader speak.
// Written after what NVIDIA's tools were seen to send; README.md names the states. One object per
// enumeration. Thread: the node's thread, except control().
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "storage.h"
#include "usb_node.h"

namespace line {

enum class Stage { BootRom, Mb1, Applet, Bootloader };
enum class Hop { ToRecovery, ToBootloader, ColdBoot };

// What of a board concerns its recovery mode.
struct ModuleFacts {
    std::string br_cid;
    std::string module_serial;
    std::string sku;         // four digits in the EEPROM's part number
    std::string tool_fault;  // told to the tools that ask (lying-tool, wrong-model)
    bool fused = false;      // for keys of somebody: the boot ROM refuses what is not signed
    bool bad_eeprom = false;
    double speed = 1;  // divides every time
};

// What the device tells its board, from the node's thread.
struct ModuleEvents {
    std::function<void(const std::string& what, const std::string& detail)> note;
    // Leaves the bus and comes back, or boots: told when the command came, and again when the host
    // has the answer.
    std::function<void(Hop, bool answered)> hop;
    // Percent of APP that has arrived, at each new percent; true = fall silent for ever.
    std::function<bool(int percent)> app_progress;
};

class Module : public UsbFunction {
  public:
    Module(Stage stage, ModuleFacts facts, ModuleEvents events, std::shared_ptr<Storage> storage);
    void out(std::span<const std::uint8_t> bytes) override;
    std::size_t in(std::span<std::uint8_t> room) override;
    Clock::time_point ready_at() const override { return ready_at_; }
    bool silent() const override { return silent_; }
    std::optional<Bytes> control(std::uint8_t request) override;

  private:
    void boot_rom(std::span<const std::uint8_t>& bytes);
    void packets(std::span<const std::uint8_t>& bytes);
    bool packet_head(std::span<const std::uint8_t>& bytes);
    void packet_end();
    void command();
    void start_data(std::uint64_t size);
    void data_body(std::span<const std::uint8_t> bytes);
    void data_end();
    void boot();
    void reboot(std::uint32_t where);
    void hop(Hop where);
    void erase(std::uint32_t kind);
    void platform(std::uint32_t what, std::uint32_t argument);
    void take_time(double seconds);

    void say(const void* bytes, std::size_t size);
    void say_packet(std::uint32_t type, std::uint32_t sequence, const Bytes& body);
    void say_response(std::uint64_t size);
    void say_status(std::uint64_t code, const std::string& text = {});
    void say_answer(const Bytes& body);
    Bytes chip_info() const;
    Bytes eeprom() const;

    Stage stage_;
    const ModuleFacts facts_;
    const ModuleEvents events_;
    const std::shared_ptr<Storage> storage_;
    bool silent_ = false;
    Clock::time_point ready_at_{};
    Bytes to_host_;
    std::optional<Hop> hop_;

    bool uid_told_ = false;
    Bytes rcm_head_;
    std::uint64_t rcm_left_ = 0;
    int rcm_count_ = 0;

    // The packet coming in.
    Bytes head_;
    Bytes body_;  // of a command
    std::uint64_t body_left_ = 0;
    std::uint32_t sum_ = 0;
    Bytes tail_;
    std::uint32_t sequence_ = 0;
    // The command whose data is coming.
    std::uint32_t op_ = 0;
    std::uint32_t what_ = 0;
    std::uint32_t kind_ = 0;
    std::string name_;
    std::uint64_t size_ = 0;
    std::uint64_t left_ = 0;
    bool bad_ = false;
    bool have_mb2_ = false;
    bool have_blob_ = false;
    int percent_ = -1;
};

}  // namespace line
