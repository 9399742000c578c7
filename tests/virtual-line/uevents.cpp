// SPDX-License-Identifier: Apache-2.0
#include "uevents.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace line {
namespace {

// The header of udev's monitor messages (systemd, sd-device monitor; all hashes in network order).
struct MonitorHeader {
    char prefix[8] = {'l', 'i', 'b', 'u', 'd', 'e', 'v', 0};
    std::uint32_t magic = htonl(0xfeedcafe);
    std::uint32_t header_size = sizeof(MonitorHeader);
    std::uint32_t properties_off = sizeof(MonitorHeader);
    std::uint32_t properties_len = 0;
    std::uint32_t filter_subsystem_hash = 0;
    std::uint32_t filter_devtype_hash = 0;
    std::uint32_t filter_tag_bloom_hi = 0;
    std::uint32_t filter_tag_bloom_lo = 0;
};

// MurmurHash2 with seed 0: what the monitors' socket filters compare with.
std::uint32_t murmur2(const std::string& text) {
    constexpr std::uint32_t m = 0x5bd1e995;
    auto length = static_cast<std::uint32_t>(text.size());
    std::uint32_t hash = length;
    const char* at = text.data();
    for (; length >= 4; length -= 4, at += 4) {
        std::uint32_t word = 0;
        std::memcpy(&word, at, 4);
        word *= m;
        word ^= word >> 24;
        word *= m;
        hash = hash * m ^ word;
    }
    if (length > 0) {
        for (std::uint32_t i = 0; i < length; i++) {
            hash ^= static_cast<std::uint32_t>(static_cast<unsigned char>(at[i])) << (8 * i);
        }
        hash *= m;
    }
    hash ^= hash >> 13;
    hash *= m;
    return hash ^ hash >> 15;
}

std::vector<std::string> monitors(const std::filesystem::path& root) {
    std::vector<std::string> found;
    DIR* dir = ::opendir(root.c_str());
    if (dir == nullptr) {
        return found;
    }
    while (const dirent* entry = ::readdir(dir)) {
        if (std::strncmp(entry->d_name, "event", 5) == 0) {
            found.push_back((root / entry->d_name).string());
        }
    }
    ::closedir(dir);
    return found;
}

constexpr std::size_t kMostWaiting = 4096;

}  // namespace

Uevents::Uevents(Loop& loop, std::filesystem::path root) : loop_(loop), root_(std::move(root)) {}

// True when the message is dealt with: delivered, or nobody is there any more.
bool Uevents::deliver(const std::string& socket, const std::vector<char>& message) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.size() >= sizeof address.sun_path) {
        return true;
    }
    std::memcpy(address.sun_path, socket.c_str(), socket.size() + 1);
    const int fd = ::socket(AF_UNIX, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return false;
    }
    const auto sent = ::sendto(fd, message.data(), message.size(), MSG_NOSIGNAL,
                               reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    ::close(fd);
    if (sent >= 0) {
        return true;
    }
    if (error == ECONNREFUSED) {
        ::unlink(socket.c_str());
        return true;
    }
    return error != EAGAIN && error != ENOBUFS;
}

void Uevents::send(const std::string& action, const std::string& devpath,
                   const std::string& subsystem, const std::string& devtype,
                   const Properties& properties) {
    std::string text;
    const auto put = [&text](const std::string& name, const std::string& value) {
        text += name + "=" + value;
        text += '\0';
    };
    put("ACTION", action);
    put("DEVPATH", devpath);
    put("SUBSYSTEM", subsystem);
    put("SEQNUM", std::to_string(sequence_++));
    for (const auto& [name, value] : properties) {
        put(name, value);
    }
    MonitorHeader header;
    header.properties_len = static_cast<std::uint32_t>(text.size());
    header.filter_subsystem_hash = htonl(murmur2(subsystem));
    header.filter_devtype_hash = devtype.empty() ? 0 : htonl(murmur2(devtype));
    std::vector<char> message(sizeof header + text.size());
    std::memcpy(message.data(), &header, sizeof header);
    std::memcpy(message.data() + sizeof header, text.data(), text.size());
    for (const auto& socket : monitors(root_)) {
        auto& queue = waiting_[socket];
        if (!queue.empty() || !deliver(socket, message)) {
            if (queue.size() < kMostWaiting) {
                queue.push_back(message);
            }
        }
        if (queue.empty()) {
            waiting_.erase(socket);
        }
    }
    if (!waiting_.empty() && !retrying_) {
        retrying_ = true;
        loop_.after(Seconds(0.005), [this] { retry(); });
    }
}

void Uevents::retry() {
    retrying_ = false;
    for (auto it = waiting_.begin(); it != waiting_.end();) {
        auto& queue = it->second;
        while (!queue.empty() && deliver(it->first, queue.front())) {
            queue.pop_front();
        }
        it = queue.empty() ? waiting_.erase(it) : std::next(it);
    }
    if (!waiting_.empty()) {
        retrying_ = true;
        loop_.after(Seconds(0.005), [this] { retry(); });
    }
}

}  // namespace line
