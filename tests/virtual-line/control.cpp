// SPDX-License-Identifier: Apache-2.0
#include "control.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace line {
namespace {

constexpr std::size_t kMostInput = 64 * 1024;

void send_all(int fd, const std::string& text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const auto sent =
            ::send(fd, text.data() + at, text.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0) {
            return;  // a reader that does not read loses the rest
        }
        at += static_cast<std::size_t>(sent);
    }
}

}  // namespace

Control::Control(Loop& loop, Journal& journal, std::filesystem::path socket, Ask ask)
    : loop_(loop), journal_(journal), socket_(std::move(socket)), ask_(std::move(ask)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_.native().size() >= sizeof address.sun_path) {
        throw std::runtime_error("--control: the path is longer than 107 bytes");
    }
    std::memcpy(address.sun_path, socket_.c_str(), socket_.native().size() + 1);
    ::unlink(socket_.c_str());
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener_ < 0 ||
        ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 16) != 0) {
        throw std::runtime_error("cannot listen at " + socket_.string());
    }
    ::chmod(socket_.c_str(), 0600);
    loop_.watch(listener_, EPOLLIN, [this](std::uint32_t) { accept(); });
}

Control::~Control() {
    std::vector<int> open;
    for (const auto& [fd, caller] : callers_) {
        open.push_back(fd);
    }
    for (const int fd : open) {
        close(fd);
    }
    loop_.forget(listener_);
    ::close(listener_);
    ::unlink(socket_.c_str());
}

void Control::accept() {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        callers_[fd] = {};
        loop_.watch(fd, EPOLLIN, [this, fd](std::uint32_t) { receive(fd); });
    }
}

void Control::close(int fd) {
    journal_.unsubscribe(callers_[fd].subscription);
    callers_.erase(fd);
    loop_.forget(fd);
    ::close(fd);
}

void Control::receive(int fd) {
    char buffer[4096];
    const auto got = ::recv(fd, buffer, sizeof buffer, 0);
    auto& caller = callers_[fd];
    if (got <= 0 || caller.input.size() > kMostInput) {
        close(fd);
        return;
    }
    caller.input.append(buffer, static_cast<std::size_t>(got));
    for (auto end = caller.input.find('\n'); end != std::string::npos;
         end = caller.input.find('\n')) {
        const auto request = Json::parse(caller.input.substr(0, end), nullptr, false);
        caller.input.erase(0, end + 1);
        if (request.is_object() && request.value("do", "") == "subscribe") {
            send_all(fd, "{\"ok\":true}\n");
            caller.subscription =
                journal_.subscribe([fd](const std::string& text) { send_all(fd, text); });
            continue;
        }
        const auto answer = request.is_object()
                                ? ask_(request)
                                : Json{{"ok", false}, {"error", "not a JSON object"}};
        send_all(fd, answer.dump() + "\n");
    }
}

}  // namespace line
