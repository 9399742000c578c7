// SPDX-License-Identifier: Apache-2.0
#include "redir_bus.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "redir.h"
#include "redir_link.h"

namespace line {

RedirBus::RedirBus(Bench& bench, Cable cable) : bench_(bench), cable_(std::move(cable)) {
    for (int board = 1; board <= bench.options.boards; board++) {
        const auto path = (bench.options.dir / ("usb." + std::to_string(board))).string();
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path) {
            throw std::runtime_error(path + ": too long for a socket; give a shorter --dir");
        }
        path.copy(static_cast<char*>(address.sun_path), path.size());
        ::unlink(path.c_str());
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 ||
            ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(fd, 4) != 0) {
            throw std::runtime_error(path + ": " + std::strerror(errno));
        }
        listeners_[board] = fd;
        bench_.loop.watch(fd, EPOLLIN, [this, board, fd](std::uint32_t) { accept(board, fd); });
    }
}

RedirBus::~RedirBus() {
    for (const auto& entry : listeners_) {
        ::close(entry.second);
    }
}

// A place of its own in the line's books; the guest's kernel has the true name.
Place RedirBus::place(int board) const {
    Place place;
    place.controller = "redir";
    place.chain = std::to_string(board);
    return place;
}

void RedirBus::accept(int board, int listener) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (links_.contains(board)) {
        hang_up(board);
    }
    links_[board] = std::make_unique<RedirLink>(bench_.loop, fd);
    bench_.loop.watch(fd, EPOLLIN, [this, board](std::uint32_t) {
        if (!links_.at(board)->read()) {
            hang_up(board);
        }
    });
    cable_(board, true);
}

void RedirBus::hang_up(int board) {
    bench_.loop.forget(links_.at(board)->fd());
    cable_(board, false);
    links_.erase(board);
}

Clock::time_point RedirBus::arrive(int board, const UsbDevice& device,
                                   std::shared_ptr<UsbNode> node) {
    const auto found = links_.find(board);
    if (found != links_.end()) {
        found->second->arrive(device, std::move(node));
    }
    return Clock::now();
}

// No system runs here: the guest has no way to it.
void RedirBus::arrive_gadget(int board, const GadgetFacts& /*facts*/, Shown /*done*/) {
    bench_.journal.note(board, "no-gadget", Json::object());
}

void RedirBus::leave(int board) {
    const auto found = links_.find(board);
    if (found != links_.end()) {
        found->second->leave();
    }
}

std::unique_ptr<Bus> make_redir_bus(Bench& bench,
                                    std::function<void(int board, bool plugged)> cable) {
    return std::make_unique<RedirBus>(bench, std::move(cable));
}

}  // namespace line
