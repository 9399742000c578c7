// SPDX-License-Identifier: Apache-2.0
#include "usbfs.h"

#include <linux/usbdevice_fs.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <thread>

namespace line {
namespace {

namespace fs = std::filesystem;

struct Message {
    std::uint64_t what;
    std::uint64_t first;
    std::uint64_t second;
};
constexpr std::uint64_t kIoctl = 1, kDone = 3, kReadMemory = 5, kWriteMemory = 6;
constexpr std::int64_t kNotOurs = -100;  // the preload library then does the real call
constexpr std::size_t kMostBytes = 64U << 20U;
// libusb polls a plain file, which is always ready; without this wait it would spin while a
// transfer is under way.
constexpr std::chrono::milliseconds kReapWait(20);

struct Lost {};

// The client's side of one connection.
class Client {
  public:
    explicit Client(int fd) : fd_(fd) {}

    bool next(Message& message) { return receive(&message, sizeof message, false); }
    void read(std::uint64_t address, void* to, std::size_t size) {
        say({kReadMemory, address, size}, nullptr, 0);
        if (size != 0 && !receive(to, size, true)) {
            throw Lost();
        }
    }
    void write(std::uint64_t address, const void* from, std::size_t size) {
        if (size != 0) {
            say({kWriteMemory, address, size}, from, size);
        }
    }
    template <typename T>
    T read_as(std::uint64_t address) {
        T value;
        read(address, &value, sizeof value);
        return value;
    }
    void done(std::int64_t result, int error) {
        say({kDone, static_cast<std::uint64_t>(result), static_cast<std::uint64_t>(error)}, nullptr,
            0);
    }
    // The usual end of an ioctl: 0, or -1 with errno.
    void end(int error) { done(error == 0 ? 0 : -1, error); }

  private:
    bool receive(void* to, std::size_t size, bool must) {
        auto* at = static_cast<char*>(to);
        while (size != 0) {
            const auto got = ::recv(fd_, at, size, MSG_WAITALL);
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got <= 0) {
                if (must) {
                    throw Lost();
                }
                return false;
            }
            at += got;
            size -= static_cast<std::size_t>(got);
        }
        return true;
    }
    // A header must not be split over two receives of the client: it goes by a call of its own.
    void say(const Message& message, const void* data, std::size_t size) {
        send(&message, sizeof message);
        if (size != 0) {
            send(data, size);
        }
    }
    void send(const void* from, std::size_t size) {
        const auto* at = static_cast<const char*>(from);
        while (size != 0) {
            const auto sent = ::send(fd_, at, size, MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) {
                continue;
            }
            if (sent <= 0) {
                throw Lost();
            }
            at += sent;
            size -= static_cast<std::size_t>(sent);
        }
    }
    int fd_;
};

std::uint64_t address_of(const void* pointer) {
    return reinterpret_cast<std::uint64_t>(pointer);
}

struct Caller {
    Client& client;
    UsbNode& node;
    std::uint64_t id;
    int pid;
    const bool& closed;
};

void control(Caller& c, std::uint64_t argument) {
    const auto request = c.client.read_as<usbdevfs_ctrltransfer>(argument);
    int error = 0;
    const auto answer = c.node.control(request.bRequestType, request.bRequest, request.wValue,
                                       request.wLength, error);
    if (error != 0) {
        c.client.end(-error);
        return;
    }
    c.client.write(address_of(request.data), answer.data(), answer.size());
    const bool to_host = (request.bRequestType & 0x80) != 0;
    c.client.done(to_host ? static_cast<std::int64_t>(answer.size()) : request.wLength, 0);
}

void bulk(Caller& c, std::uint64_t argument) {
    const auto request = c.client.read_as<usbdevfs_bulktransfer>(argument);
    if (request.len > kMostBytes) {
        c.client.end(ENOMEM);
        return;
    }
    auto transfer = std::make_shared<Transfer>();
    transfer->owner = c.id;
    transfer->in = (request.ep & 0x80) != 0;
    transfer->want = request.len;
    if (!transfer->in) {
        transfer->data.resize(request.len);
        c.client.read(address_of(request.data), transfer->data.data(), request.len);
    }
    int error = c.node.submit(transfer, c.pid);
    if (error == 0) {
        error = c.node.wait(transfer, std::chrono::milliseconds(request.timeout), c.closed);
    }
    if (error != 0) {
        c.client.end(error);
        return;
    }
    if (transfer->in) {
        c.client.write(address_of(request.data), transfer->data.data(), transfer->actual);
    }
    c.client.done(static_cast<std::int64_t>(transfer->actual), 0);
}

void submit(Caller& c, std::uint64_t argument) {
    const auto urb = c.client.read_as<usbdevfs_urb>(argument);
    const auto length = static_cast<std::size_t>(std::max(urb.buffer_length, 0));
    if (length > kMostBytes) {
        c.client.end(ENOMEM);
        return;
    }
    if (urb.type != USBDEVFS_URB_TYPE_BULK && urb.type != USBDEVFS_URB_TYPE_CONTROL) {
        c.client.end(EINVAL);
        return;
    }
    auto transfer = std::make_shared<Transfer>();
    transfer->owner = c.id;
    transfer->urb = argument;
    transfer->buffer = address_of(urb.buffer);
    const bool is_control = urb.type == USBDEVFS_URB_TYPE_CONTROL;
    transfer->in = !is_control && (urb.endpoint & 0x80) != 0;
    transfer->want = length;
    if (!transfer->in) {
        transfer->data.resize(length);
        c.client.read(transfer->buffer, transfer->data.data(), length);
    }
    if (!is_control) {
        c.client.end(c.node.submit(transfer, c.pid));
        return;
    }
    if (length < 8) {
        c.client.end(EINVAL);
        return;
    }
    const auto& setup = transfer->data;
    const auto word = [&](std::size_t at) {
        return static_cast<std::uint16_t>(setup[at] | setup[at + 1] << 8);
    };
    int error = 0;
    const bool to_host = (setup[0] & 0x80) != 0;
    auto answer = c.node.control(setup[0], setup[1], word(2), word(6), error);
    if (error == -ENODEV) {
        c.client.end(ENODEV);
        return;
    }
    transfer->in = to_host;
    transfer->buffer += 8;
    transfer->actual = to_host ? answer.size() : length - 8;
    transfer->data = std::move(answer);
    c.node.complete(transfer, error);
    c.client.end(0);
}

void reap(Caller& c, std::uint64_t argument, bool may_wait) {
    const auto [transfer, error] =
        c.node.reap(c.id, may_wait ? std::nullopt : std::optional(kReapWait), c.closed);
    if (!transfer) {
        c.client.end(error);
        return;
    }
    if (transfer->in && transfer->status == 0) {
        c.client.write(transfer->buffer, transfer->data.data(), transfer->actual);
    }
    const int actual = static_cast<int>(transfer->actual);
    c.client.write(transfer->urb + offsetof(usbdevfs_urb, status), &transfer->status,
                   sizeof transfer->status);
    c.client.write(transfer->urb + offsetof(usbdevfs_urb, actual_length), &actual, sizeof actual);
    c.client.write(argument, &transfer->urb, sizeof transfer->urb);
    c.client.end(0);
}

void answer(Caller& c, std::uint64_t request, std::uint64_t argument) {
    switch (request) {
        case USBDEVFS_GET_CAPABILITIES: {
            const std::uint32_t caps = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
                                       USBDEVFS_CAP_BULK_SCATTER_GATHER |
                                       USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
            c.client.write(argument, &caps, sizeof caps);
            c.client.end(0);
            return;
        }
        case USBDEVFS_CLAIMINTERFACE:
            c.client.end(c.node.claim(c.id, c.pid, c.client.read_as<unsigned>(argument)));
            return;
        case USBDEVFS_RELEASEINTERFACE:
            c.client.end(c.node.release(c.id, c.client.read_as<unsigned>(argument)));
            return;
        case USBDEVFS_CONTROL:
            control(c, argument);
            return;
        case USBDEVFS_BULK:
            bulk(c, argument);
            return;
        case USBDEVFS_SUBMITURB:
            submit(c, argument);
            return;
        case USBDEVFS_DISCARDURB:
            c.client.end(c.node.discard(c.id, argument));
            return;
        case USBDEVFS_REAPURB:
            reap(c, argument, true);
            return;
        case USBDEVFS_REAPURBNDELAY:
            reap(c, argument, false);
            return;
        case USBDEVFS_GETDRIVER:
            c.client.end(ENODATA);
            return;
        case USBDEVFS_SETCONFIGURATION:
        case USBDEVFS_SETINTERFACE:
        case USBDEVFS_CLEAR_HALT:
        case USBDEVFS_RESETEP:
        case USBDEVFS_RESET:
            c.client.end(c.node.gone() ? ENODEV : 0);
            return;
        default:
            c.client.end(ENOTTY);
            return;
    }
}

}  // namespace

Usbfs::Usbfs(Loop& loop) : loop_(loop) {}

Usbfs::~Usbfs() {
    while (!listeners_.empty()) {
        close_listener(listeners_.begin()->first);
    }
    std::unique_lock lock(mutex_);
    for (const auto& connection : open_) {
        loop_.forget(connection->fd);
        connection->node->mark_closed(connection->closed);
        ::shutdown(connection->fd, SHUT_RDWR);
    }
    ended_.wait(lock, [this] { return open_.empty(); });
}

void Usbfs::listen(const fs::path& socket, std::shared_ptr<UsbNode> node) {
    fs::create_directories(socket.parent_path());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.native().size() >= sizeof address.sun_path) {
        throw std::runtime_error("the testbed's path is too long: " + socket.string());
    }
    std::memcpy(address.sun_path, socket.c_str(), socket.native().size() + 1);
    close_listener(socket);  // numbers come again after 127
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd, 64) != 0) {
        throw std::runtime_error("cannot listen at " + socket.string());
    }
    ::chmod(socket.c_str(), 0666);
    listeners_[socket] = {fd, next_id_++};
    loop_.watch(fd, EPOLLIN,
                [this, fd, node = std::move(node)](std::uint32_t) { accept(fd, node); });
}

void Usbfs::close_listener(const fs::path& socket) {
    const auto it = listeners_.find(socket);
    if (it != listeners_.end()) {
        ::unlink(socket.c_str());
        loop_.forget(it->second.first);
        ::close(it->second.first);
        listeners_.erase(it);
    }
}

void Usbfs::retire(const fs::path& socket) {
    constexpr Seconds kLateOpeners(20);
    const auto it = listeners_.find(socket);
    if (it == listeners_.end()) {
        return;
    }
    loop_.after(kLateOpeners, [this, socket, id = it->second.second] {
        const auto now = listeners_.find(socket);
        if (now != listeners_.end() && now->second.second == id) {
            close_listener(socket);
        }
    });
}

void Usbfs::accept(int listener, const std::shared_ptr<UsbNode>& node) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    auto connection = std::make_shared<Connection>();
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
        connection->pid = peer.pid;
    }
    connection->fd = fd;
    connection->id = next_id_++;
    connection->node = node;
    {
        const std::lock_guard lock(mutex_);
        open_.insert(connection);
    }
    // A killed client's thread may be waiting for the device: the hang-up wakes it.
    loop_.watch(fd, EPOLLRDHUP, [this, connection](std::uint32_t) {
        loop_.forget(connection->fd);
        connection->node->mark_closed(connection->closed);
    });
    std::thread([this, connection] {
        serve(*connection);
        connection->node->close(connection->id);
        // The number must not be reused while the main loop still watches it.
        loop_.post([this, connection] {
            loop_.forget(connection->fd);
            ::close(connection->fd);
        });
        const std::lock_guard lock(mutex_);
        open_.erase(connection);
        ended_.notify_all();
    }).detach();
}

void Usbfs::serve(Connection& connection) {
    Client client(connection.fd);
    Caller caller{client, *connection.node, connection.id, connection.pid, connection.closed};
    try {
        Message message{};
        while (client.next(message)) {
            if (message.what == kIoctl) {
                answer(caller, message.first, message.second);
            } else {
                client.done(kNotOurs, 0);
            }
        }
    } catch (const Lost&) {
        // The client is gone; so is its part in the device.
    }
}

}  // namespace line
