// SPDX-License-Identifier: Apache-2.0
// The part of a board's life in which its own system runs: started by board-os, seen as a gadget,
// ended by itself or by us.
#include "board.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>

#include "processes.h"

namespace line {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string hardware_address(const std::string& name) {
    ifreq request{};
    name.copy(request.ifr_name, sizeof request.ifr_name - 1);
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const bool known = fd >= 0 && ::ioctl(fd, SIOCGIFHWADDR, &request) == 0;
    ::close(fd);
    std::string text = "00:00:00:00:00:00";
    if (known) {
        const auto* at = reinterpret_cast<const unsigned char*>(request.ifr_hwaddr.sa_data);
        std::snprintf(text.data(), text.size() + 1, "%02x:%02x:%02x:%02x:%02x:%02x", at[0], at[1],
                      at[2], at[3], at[4], at[5]);
    }
    return text;
}

}  // namespace

void Board::start_os() {
    if (bench_.options.board_os.empty()) {
        os_up_ = true;
        show_gadget();
        return;
    }
    if (os_stopping_ > 0) {
        bench_.loop.after(Seconds(0.05), [this, life = life_] {
            if (life == life_) {
                start_os();
            }
        });
        return;
    }
    std::error_code ignored;
    fs::remove(folder_ / "os-exit", ignored);
    os_running_ = true;
    os_starting_ = run_program(
        bench_.loop,
        {bench_.options.board_os.string(), "start", "--dir", folder_.string(), "--ifname", ifname_},
        folder_ / "board-os.log", [this, life = life_](int status) {
            os_starting_ = 0;
            if (life == life_) {
                os_started(status);
            }
        });
}

void Board::os_started(int status) {
    const auto os = Json::parse(read_text(folder_ / "os.json"), nullptr, false);
    if (status != 0 || !os.is_object() || !os.contains("pid")) {
        bench_.journal.note(number_, "os-failed", {{"status", status}});
        set_state("dark");
        stop_os({});
        return;
    }
    os_up_ = true;
    os_watch_ = watch_process(bench_.loop, os["pid"].get<pid_t>(), [this, life = life_] {
        os_watch_ = -1;
        if (life == life_) {
            os_ended();
        }
    });
    show_gadget();
}

void Board::show_gadget() {
    if (!os_up_ || !boot_time_over_ || state_ != "booting") {
        return;
    }
    devnum_ = bench_.next_devnum(place_.bus);
    arrive(gadget_device(place_, devnum_, module_serial_), nullptr);
    const unsigned index = ::if_nametoindex(ifname_.c_str());
    if (index != 0) {
        net_ = net_device(place_, ifname_, index, hardware_address(ifname_));
        bench_.testbed.add(*net_);
    }
    bench_.journal.note(number_, "arrived",
                        {{"product", "7020"},
                         {"devnum", devnum_},
                         {"ifindex", index},
                         {"uevent_ns", announced_.time_since_epoch().count()}});
    set_state("up");
}

void Board::os_ended() {
    auto why = read_text(folder_ / "os-exit");
    why.erase(std::find_if(why.begin(), why.end(), [](char c) { return c < 'a' || c > 'z'; }),
              why.end());
    bench_.journal.note(number_, "os-ended", {{"why", why}});
    life_++;
    leave_bus();
    set_state("hop");
    stop_os([this, life = life_, why] {
        if (life == life_) {
            go_on_after(why);
        }
    });
}

void Board::stop_os(std::function<void()> then) {
    if (os_watch_ >= 0) {
        bench_.loop.forget(os_watch_);
        ::close(os_watch_);
        os_watch_ = -1;
    }
    os_up_ = false;
    if (!os_running_) {
        if (then) {
            bench_.loop.post(std::move(then));
        }
        return;
    }
    if (os_starting_ > 0) {
        ::kill(-os_starting_, SIGKILL);
    }
    os_stopping_++;
    run_program(bench_.loop, {bench_.options.board_os.string(), "stop", "--dir", folder_.string()},
                folder_ / "board-os.log", [this, then = std::move(then)](int status) {
                    if (status != 0) {
                        bench_.journal.note(number_, "os-stop-failed", {{"status", status}});
                    }
                    if (--os_stopping_ == 0) {
                        os_running_ = false;
                    }
                    if (then) {
                        then();
                    }
                });
}

}  // namespace line
