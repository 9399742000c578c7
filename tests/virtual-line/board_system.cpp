// SPDX-License-Identifier: Apache-2.0
// The part of a board's life in which its own system runs: started by board-os, seen as a gadget,
// ended by itself or by us.
#include "board.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "processes.h"

namespace line {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
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
    std::vector<std::string> command{bench_.options.board_os.string(), "start", "--dir",
                                     folder_.string()};
    if (bench_.bus->brings_network()) {
        command.emplace_back("--gadget");
    } else {
        command.insert(command.end(), {"--ifname", ifname_});
    }
    os_starting_ = run_program(bench_.loop, command, folder_ / "board-os.log",
                               [this, life = life_](int status) {
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

GadgetFacts Board::gadget_facts() const {
    return {here_, devnum_, module_serial(), ifname_, folder_};
}

void Board::show_gadget() {
    if (!os_up_ || !boot_time_over_ || state_ != "booting" || present_ ||
        too_soon([this] { show_gadget(); })) {
        return;
    }
    here_ = has("superspeed") ? bench_.bus->twin(number_).value_or(place_) : place_;
    devnum_ = bench_.next_devnum(here_.bus);
    present_ = true;
    bench_.bus->arrive_gadget(
        number_, gadget_facts(), [this, life = life_](unsigned index, Clock::time_point announced) {
            if (life != life_) {
                return;
            }
            bench_.journal.note(number_, "arrived",
                                {{"product", "7020"},
                                 {"bus_port", here_.bus_port()},
                                 {"devnum", devnum_},
                                 {"ifindex", index},
                                 {"uevent_ns", announced.time_since_epoch().count()}});
            set_state("up");
        });
}

// Between bootloader and system, where the bus can play it: the disk and the network of the
// flashing initrd, for so long as the options say.
void Board::initrd_then(std::function<void()> next) {
    if (too_soon([this, next] { initrd_then(next); })) {
        return;
    }
    const auto seconds = bench_.options.initrd_seconds;
    here_ = place_;
    devnum_ = bench_.next_devnum(here_.bus);
    if (seconds <= 0 || !bench_.bus->arrive_initrd(number_, gadget_facts())) {
        bench_.free_devnum(here_.bus, devnum_);
        next();
        return;
    }
    present_ = true;
    stage_ = "initrd";
    bench_.journal.note(number_, "arrived", {{"product", "7035"}, {"devnum", devnum_}});
    set_state("initrd");
    bench_.loop.after(Seconds(seconds), [this, life = life_, next = std::move(next)] {
        if (life == life_) {
            leave_bus();
            next();
        }
    });
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
