// SPDX-License-Identifier: Apache-2.0
#include "usbip_link.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace line {
namespace {

constexpr std::uint32_t kSubmit = 1, kUnlink = 2, kSubmitDone = 3, kUnlinkDone = 4;
constexpr std::size_t kMost = 16U << 20;  // bytes of one transfer; libusb's users stay far below

// The head of every message; numbers are big endian. In an unlink `flags_or_status` is the number
// of the transfer that is meant.
struct Head {
    std::uint32_t command, number, device, direction, endpoint;
    std::uint32_t flags_or_status, length, start_frame, packets, errors;
    std::uint8_t setup[8];
};
static_assert(sizeof(Head) == 48);

bool read_all(int fd, void* into, std::size_t size) {
    auto* at = static_cast<std::uint8_t*>(into);
    while (size > 0) {
        const auto got = ::recv(fd, at, size, 0);
        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            return false;
        }
        at += std::max<ssize_t>(got, 0);
        size -= static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    }
    return true;
}

void write_all(int fd, const Bytes& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
        const auto sent = ::send(fd, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return;  // the port was emptied meanwhile
        }
        at += static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
    }
}

}  // namespace

UsbipLink::UsbipLink(int fd, std::shared_ptr<UsbNode> node) : UrbLink(std::move(node)), fd_(fd) {
    begin();
    reader_ = std::thread([this] { serve(); });
}

UsbipLink::~UsbipLink() {
    ::shutdown(fd_, SHUT_RDWR);
    reader_.join();
    end();
    ::close(fd_);
}

void UsbipLink::serve() {
    Bytes out;
    while (take_one(out)) {
    }
}

bool UsbipLink::take_one(Bytes& out) {
    Head head{};
    if (!read_all(fd_, &head, sizeof head)) {
        return false;
    }
    const auto command = ntohl(head.command);
    const auto number = ntohl(head.number);
    if (command == kUnlink) {
        // Known: the answer comes when the transfer ends.
        if (!cancel(ntohl(head.flags_or_status), number)) {
            answer(kUnlinkDone, number, 0, {}, 0);
        }
        return true;
    }
    const bool in = ntohl(head.direction) != 0;
    const std::size_t length = ntohl(head.length);
    if (command != kSubmit || length > kMost) {
        return false;
    }
    out.resize(in ? 0 : length);
    if (!in && !read_all(fd_, out.data(), length)) {
        return false;
    }
    if (ntohl(head.endpoint) != 0) {
        submit(number, in, std::move(out), length);
        out = {};
        return true;
    }
    int status = 0;
    const auto* setup = head.setup;
    const auto told =
        node().control(setup[0], setup[1], static_cast<std::uint16_t>(setup[2] | setup[3] << 8),
                       static_cast<std::uint16_t>(std::min<std::size_t>(length, 0xffff)), status);
    answer(kSubmitDone, number, status, in ? told : Bytes{}, in ? told.size() : length);
    return true;
}

void UsbipLink::answer(std::uint32_t command, std::uint32_t number, int status, const Bytes& in,
                       std::size_t actual) {
    Head head{};
    head.command = htonl(command);
    head.number = htonl(number);
    head.flags_or_status = htonl(static_cast<std::uint32_t>(status));
    head.length = htonl(static_cast<std::uint32_t>(status == 0 ? actual : 0));
    Bytes message(sizeof head);
    std::memcpy(message.data(), &head, sizeof head);
    if (status == 0) {
        message.insert(message.end(), in.begin(), in.end());
    }
    const std::lock_guard lock(writing_);
    write_all(fd_, message);
}

void UsbipLink::give_back(const Transfer& transfer, std::uint64_t tag) {
    const auto number = static_cast<std::uint32_t>(transfer.urb);
    if (tag != 0 && transfer.status == -ENOENT) {
        answer(kUnlinkDone, static_cast<std::uint32_t>(tag), -ECONNRESET, {}, 0);
        return;
    }
    Bytes in;
    if (transfer.in && transfer.status == 0) {
        in.assign(transfer.data.begin(),
                  transfer.data.begin() + static_cast<std::ptrdiff_t>(transfer.actual));
    }
    answer(kSubmitDone, number, transfer.status, in, transfer.actual);
    if (tag != 0) {
        answer(kUnlinkDone, static_cast<std::uint32_t>(tag), 0, {}, 0);
    }
}

}  // namespace line
