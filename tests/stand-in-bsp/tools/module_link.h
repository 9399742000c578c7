// SPDX-License-Identifier: Apache-2.0
// The host's side of a module in recovery mode, over raw usbfs as NVIDIA's tools were seen to do
// it: look the bus-port up in sysfs, open the node, claim interface 0, then only synchronous bulk
// transfers; a time-out in the boot ROM only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace standin {

using Bytes = std::vector<std::uint8_t>;

class ModuleLink {
  public:
    // Opens the device at `instance` (empty: the first of NVIDIA's), waiting a second for it.
    // Errors: Stop with 8.
    explicit ModuleLink(const std::string& instance);
    ~ModuleLink();
    ModuleLink(const ModuleLink&) = delete;
    ModuleLink& operator=(const ModuleLink&) = delete;

    // Boot ROM. The chip id as text, printed last byte first.
    std::string read_uid();
    void send_rcm_message(const Bytes& message);
    std::uint32_t read_rcm_word();

    // The loaders' packet protocol.
    enum class Loader : std::uint32_t { Applet = 1, Bootloader = 2, Mb1 = 4, Unknown = 99 };
    struct Version {
        Loader loader;
        std::string text;
    };
    // `patient`: wait for ever, as the real tools do; else give up after the boot ROM's limit.
    Version version(bool patient);
    using Shown = std::function<void(std::uint64_t done, std::uint64_t total)>;
    void download(const std::string& name, const std::string& file, const Shown& shown);
    void write(std::uint32_t kind, std::uint32_t instance, const std::string& name,
               const std::string& file, const Shown& shown);
    void erase(std::uint32_t kind, std::uint32_t instance);
    Bytes platform(std::uint32_t what, const std::string& which);
    void boot();
    void reboot(std::uint32_t where);

    // Ours alone: the fault that the tool chain must act out.
    std::string standin_fault();

  private:
    struct Packet {
        std::uint32_t type = 0;
        std::uint32_t sequence = 0;
        Bytes body;
    };
    void out(const void* bytes, std::size_t size);
    void in(std::size_t need, unsigned timeout_ms);
    Bytes take(std::size_t size);
    void send(std::uint32_t type, const void* body, std::size_t size);
    void acknowledge(std::uint32_t sequence);
    Packet receive();
    void expect_ack();
    // Sends a command and returns the size of the data the device announces.
    std::uint64_t ask(const Bytes& body);
    void end();
    void send_file(const std::string& file, std::uint64_t size, const Shown& shown);

    bool open(const std::string& instance);

    int fd_ = -1;
    unsigned timeout_ms_ = 0;
    bool leaving_ = false;  // the device is gone as soon as it has answered
    std::uint32_t sequence_ = 0;
    Bytes surplus_;
};

}  // namespace standin
