// SPDX-License-Identifier: Apache-2.0
#include "module_link.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <numeric>

#include "tool.h"

namespace standin {
namespace {

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
constexpr unsigned kBootRomLimit = 5000;  // milliseconds
constexpr int kLooks = 20;
constexpr unsigned kBetweenLooks = 50'000;  // microseconds
constexpr std::size_t kReadSize = 96;       // what the real tools ask for
constexpr std::size_t kPacket = 1U << 20U;
constexpr std::size_t kPiece = 128 * 1024;  // the real ones: 16 KiB
constexpr const char* kNoDevice = "USB communication failed.Check if device is in recovery\n";

std::string attribute(const std::string& device, const std::string& name) {
    std::ifstream in("/sys/bus/usb/devices/" + device + "/" + name);
    std::string text;
    std::getline(in, text);
    return text;
}

std::string find_device(const std::string& instance) {
    if (!instance.empty()) {
        return attribute(instance, "idVendor") == "0955" &&
                       attribute(instance, "idProduct") != "7020"
                   ? instance
                   : "";
    }
    std::string first;
    if (DIR* folder = ::opendir("/sys/bus/usb/devices")) {
        while (const dirent* entry = ::readdir(folder)) {
            const std::string name = entry->d_name;
            if (name.find(':') == std::string::npos && attribute(name, "idVendor") == "0955" &&
                attribute(name, "idProduct") != "7020" && (first.empty() || name < first)) {
                first = name;
            }
        }
        ::closedir(folder);
    }
    return first;
}

void put32(Bytes& to, std::uint64_t value) {
    for (unsigned i = 0; i < 4; i++) {
        to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
}
std::uint32_t get32(const Bytes& from, std::size_t at) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4 && at + i < from.size(); i++) {
        value |= static_cast<std::uint32_t>(from[at + i]) << (8 * i);
    }
    return value;
}
std::uint64_t get64(const Bytes& from, std::size_t at) {
    return get32(from, at) | static_cast<std::uint64_t>(get32(from, at + 4)) << 32;
}
void put_name(Bytes& to, const std::string& name) {
    char field[40] = {};
    name.copy(field, sizeof field - 1);
    to.insert(to.end(), field, field + sizeof field);
}
template <typename Range>
std::uint32_t sum_of(const Range& bytes) {
    return std::accumulate(bytes.begin(), bytes.end(), 0U);
}

}  // namespace

// The real scripts do minutes of work between two contacts, the stand-in's a fraction of a second:
// on a busy host the module may still be on its way back.
ModuleLink::ModuleLink(const std::string& instance) {
    for (int tries = 0; !open(instance); tries++) {
        if (tries == kLooks) {
            const bool named = !instance.empty() && find_device(instance).empty();
            throw Stop{kUsbGone, (named ? "No device on specified bus-port[" + instance + "]\n"
                                        : std::string()) +
                                     kNoDevice};
        }
        ::usleep(kBetweenLooks);
    }
}

bool ModuleLink::open(const std::string& instance) {
    const auto device = find_device(instance);
    if (device.empty()) {
        return false;
    }
    char path[64];
    std::snprintf(path, sizeof path, "/dev/bus/usb/%03d/%03d",
                  std::atoi(attribute(device, "busnum").c_str()),
                  std::atoi(attribute(device, "devnum").c_str()));
    fd_ = ::open(path, O_RDWR | O_CLOEXEC);
    unsigned interface = 0;
    if (fd_ >= 0 && ::ioctl(fd_, USBDEVFS_CLAIMINTERFACE, &interface) == 0) {
        return true;
    }
    const bool taken = fd_ >= 0 && errno == EBUSY;  // another tool has it: no reason to wait
    if (fd_ >= 0) {
        ::close(fd_);
        fd_ = -1;
    }
    if (taken) {
        throw Stop{kUsbGone, kNoDevice};
    }
    return false;
}

ModuleLink::~ModuleLink() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

// --- transfers
// -----------------------------------------------------------------------------------------------

void ModuleLink::out(const void* bytes, std::size_t size) {
    const auto* at = static_cast<const std::uint8_t*>(bytes);
    while (size != 0) {
        usbdevfs_bulktransfer transfer{};
        transfer.ep = 0x01;
        transfer.len = static_cast<unsigned>(std::min(size, kPiece));
        transfer.timeout = timeout_ms_;
        transfer.data = const_cast<std::uint8_t*>(at);
        const int done = ::ioctl(fd_, USBDEVFS_BULK, &transfer);
        if (done <= 0) {
            throw Stop{kUsbGone, ""};
        }
        at += done;
        size -= static_cast<std::size_t>(done);
    }
}

void ModuleLink::in(std::size_t need, unsigned timeout_ms) {
    while (surplus_.size() < need) {
        Bytes buffer(std::max(kReadSize, need - surplus_.size()));
        usbdevfs_bulktransfer transfer{};
        transfer.ep = 0x81;
        transfer.len = static_cast<unsigned>(buffer.size());
        transfer.timeout = timeout_ms;
        transfer.data = buffer.data();
        const int done = ::ioctl(fd_, USBDEVFS_BULK, &transfer);
        if (done < 0) {
            throw Stop{kUsbGone, ""};
        }
        surplus_.insert(surplus_.end(), buffer.begin(), buffer.begin() + done);
    }
}

Bytes ModuleLink::take(std::size_t size) {
    in(size, timeout_ms_);
    const auto end = surplus_.begin() + static_cast<std::ptrdiff_t>(size);
    Bytes bytes(surplus_.begin(), end);
    surplus_.erase(surplus_.begin(), end);
    return bytes;
}

// --- boot ROM
// ------------------------------------------------------------------------------------------------

std::string ModuleLink::read_uid() {
    try {
        in(16, kBootRomLimit);
    } catch (const Stop&) {
        throw Stop{kUsbGone, "Failed to read UID\n"};
    }
    const Bytes uid(surplus_.begin(), surplus_.begin() + 16);
    surplus_.clear();
    std::string text = "0x";
    for (auto it = uid.rbegin(); it != uid.rend(); ++it) {
        char digits[4];
        std::snprintf(digits, sizeof digits, "%02x", *it);
        text += digits;
    }
    return text;
}

void ModuleLink::send_rcm_message(const Bytes& message) {
    // A message begins with its own length; a file that does not gets it put in front.
    Bytes whole;
    if (get32(message, 0) != message.size()) {
        put32(whole, message.size() + 4);
    }
    whole.insert(whole.end(), message.begin(), message.end());
    timeout_ms_ = kBootRomLimit;
    out(whole.data(), whole.size());
    timeout_ms_ = 0;
}

std::uint32_t ModuleLink::read_rcm_word() {
    in(4, kBootRomLimit);
    timeout_ms_ = kBootRomLimit;
    const auto word = take(4);
    timeout_ms_ = 0;
    return get32(word, 0);
}

// --- packets
// -------------------------------------------------------------------------------------------------

void ModuleLink::send(std::uint32_t type, const void* body, std::size_t size) {
    const auto* at = static_cast<const std::uint8_t*>(body);
    Bytes head;
    for (const auto word : {3U, type, sequence_++, 0U}) {
        put32(head, word);
    }
    std::uint32_t sum = sum_of(head);
    sum = std::accumulate(at, at + size, sum);
    put32(head, size);
    out(head.data(), head.size());
    out(at, size);
    Bytes tail;
    put32(tail, 0U - sum);
    out(tail.data(), tail.size());
}

void ModuleLink::acknowledge(std::uint32_t sequence) {
    Bytes packet;
    for (const auto word : {3U, std::uint32_t{kAck}, sequence, 0U}) {
        put32(packet, word);
    }
    put32(packet, 0U - sum_of(packet));
    out(packet.data(), packet.size());
}

ModuleLink::Packet ModuleLink::receive() {
    const auto head = take(16);
    Packet packet;
    packet.type = get32(head, 4);
    packet.sequence = get32(head, 8);
    if (packet.type == kCommand || packet.type == kData) {
        packet.body = take(get32(take(4), 0));
        take(4);
        try {
            acknowledge(packet.sequence);
        } catch (const Stop&) {
            if (!leaving_) {
                throw;
            }
        }
    } else if (packet.type == kNack) {
        take(8);
        throw Stop{kRefused, ""};
    } else {
        take(4);
    }
    return packet;
}

void ModuleLink::expect_ack() {
    if (receive().type != kAck) {
        throw Stop{kRefused, ""};
    }
}

std::uint64_t ModuleLink::ask(const Bytes& body) {
    send(kCommand, body.data(), body.size());
    expect_ack();
    const auto answer = receive();
    if (get32(answer.body, 0) != kResponse) {
        throw Stop{kRefused, ""};
    }
    return get64(answer.body, 4);
}

// Reads the status; a device that refuses says why in a text of its own.
void ModuleLink::end() {
    const auto status = receive();
    const auto code = get64(status.body, 4);
    if (code != 0) {
        char number[24];
        std::snprintf(number, sizeof number, "%016llx: ", static_cast<unsigned long long>(code));
        std::string text;
        for (std::size_t i = 12; i < status.body.size() && status.body[i] != 0; i++) {
            text += static_cast<char>(status.body[i]);
        }
        throw Stop{kRefused, number + text + "\n"};
    }
    Bytes done;
    for (const auto word : {std::uint32_t{kResponse}, 0U, 0U}) {
        put32(done, word);
    }
    send(kCommand, done.data(), done.size());
    expect_ack();
}

ModuleLink::Version ModuleLink::version(bool patient) {
    Bytes body;
    put32(body, kVersion);
    timeout_ms_ = patient ? 0 : kBootRomLimit;
    const auto size = ask(body);
    if (size < 16) {
        throw Stop{kRefused, ""};
    }
    const auto data = receive().body;
    end();
    timeout_ms_ = 0;
    char text[48];
    std::snprintf(text, sizeof text, "%02u.%02u.%04u", get32(data, 4), get32(data, 8),
                  get32(data, 12));
    return {static_cast<Loader>(get32(data, 0)), text};
}

void ModuleLink::send_file(const std::string& file, std::uint64_t size, const Shown& shown) {
    std::ifstream in(file, std::ios::binary);
    Bytes packet(kPacket);
    std::uint64_t done = 0;
    shown(0, size);
    while (done < size) {
        const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(kPacket, size - done));
        if (!in.read(reinterpret_cast<char*>(packet.data()), static_cast<std::streamsize>(part))) {
            throw Stop{kRefused, "Error: cannot read " + file + "\n"};
        }
        send(kData, packet.data(), part);
        expect_ack();
        done += part;
        shown(done, size);
    }
}

namespace {
std::uint64_t size_of(const std::string& file) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) {
        throw Stop{kRefused, "Error: cannot open " + file + "\n"};
    }
    return static_cast<std::uint64_t>(info.st_size);
}
}  // namespace

void ModuleLink::download(const std::string& name, const std::string& file, const Shown& shown) {
    const auto size = size_of(file);
    Bytes body;
    for (const auto word : {std::uint64_t{kDownload}, size & 0xffffffff, size >> 32,
                            std::uint64_t{0}, std::uint64_t{0}}) {
        put32(body, word);
    }
    put_name(body, name);
    ask(body);
    send_file(file, size, shown);
    end();
}

void ModuleLink::write(std::uint32_t kind, std::uint32_t instance, const std::string& name,
                       const std::string& file, const Shown& shown) {
    const auto size = size_of(file);
    Bytes body;
    for (const auto word : {std::uint64_t{kWrite}, std::uint64_t{kind}, std::uint64_t{instance},
                            std::uint64_t{0}, std::uint64_t{0}, size & 0xffffffff, size >> 32}) {
        put32(body, word);
    }
    put_name(body, name);
    ask(body);
    send_file(file, size, shown);
    end();
}

void ModuleLink::erase(std::uint32_t kind, std::uint32_t instance) {
    Bytes body;
    for (const auto word : {std::uint32_t{kErase}, kind, instance}) {
        put32(body, word);
    }
    body.resize(68);
    ask(body);
    end();
}

Bytes ModuleLink::platform(std::uint32_t what, const std::string& which) {
    Bytes body;
    const auto argument = which.empty() ? 0 : which.size() + 1;
    for (const auto word : {std::uint64_t{kPlatform}, std::uint64_t{1}, std::uint64_t{what},
                            std::uint64_t{argument}, std::uint64_t{0}}) {
        put32(body, word);
    }
    ask(body);
    if (!which.empty()) {
        send(kData, which.c_str(), which.size() + 1);
        expect_ack();
    }
    const auto data = receive().body;
    end();
    return data;
}

void ModuleLink::boot() {
    Bytes body;
    put32(body, kBoot);
    put32(body, 0);
    leaving_ = true;
    ask(body);
}

void ModuleLink::reboot(std::uint32_t where) {
    Bytes body;
    put32(body, kReboot);
    put32(body, where);
    leaving_ = true;
    ask(body);
}

std::string ModuleLink::standin_fault() {
    char text[256] = {};
    usbdevfs_ctrltransfer request{};
    request.bRequestType = 0xc0;
    request.bRequest = 0x55;
    request.wLength = sizeof text - 1;
    request.timeout = kBootRomLimit;
    request.data = text;
    return ::ioctl(fd_, USBDEVFS_CONTROL, &request) >= 0 ? text : "";
}

}  // namespace standin
