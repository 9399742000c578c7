// SPDX-License-Identifier: Apache-2.0
// emulated-unit DIR: one emulated Xavier NX for QEMU's usb-redir, at the socket DIR/usb. Each
// connection is a unit's power-on into recovery mode: what it is and does wrong is read from
// DIR/orders, and what happened to it goes to the folder DIR/<n>, n = 1, 2, …
#include "tests/real-tools/unit/redir.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>

namespace {

using namespace lineside::real_tools;

int listen_at(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || path.size() >= sizeof address.sun_path) {
        return -1;
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    ::unlink(path.c_str());
    const bool good =
        ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::listen(fd, 1) == 0;
    return good ? fd : -1;
}

std::string orders_in(const std::filesystem::path& folder) {
    std::ifstream file(folder / "orders");
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: emulated-unit DIR\n";
        return 2;
    }
    const std::filesystem::path folder(argv[1]);
    const int listener = listen_at((folder / "usb").string());
    if (listener < 0) {
        std::cerr << "emulated-unit: cannot listen in " << folder << ": " << std::strerror(errno)
                  << "\n";
        return 1;
    }
    for (int number = 1;; ++number) {
        const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) {
            return 1;
        }
        try {
            Module module(parse_orders(orders_in(folder)), folder / std::to_string(number));
            Redir(fd, module).serve();
        } catch (const std::exception& error) {
            std::cerr << "emulated-unit: " << error.what() << "\n";
            return 1;
        }
        ::close(fd);
    }
}
