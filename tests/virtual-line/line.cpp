// SPDX-License-Identifier: Apache-2.0
#include "line.h"

#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "identity.h"
#include "redir.h"
#include "testbed_bus.h"
#include "vhci_bus.h"

namespace line {

namespace fs = std::filesystem;

int hub_count(int boards) {
    return (boards + kBoardsPerHub - 1) / kBoardsPerHub;
}

Line::Line(Options options, fs::path testbed_root)
    : bench_(std::make_unique<Bench>(std::move(options))),
      hubs_(hub_count(bench_->options.boards)) {
    const auto& chosen = bench_->options;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
    bench_->loop.watch(signals_, EPOLLIN, [this](std::uint32_t) {
        signalfd_siginfo info{};
        [[maybe_unused]] const auto got = ::read(signals_, &info, sizeof info);
        shut_down();
    });
    bench_->drop_hub = [this](int hub) { drop_hub(hub); };
    make_bus(std::move(testbed_root));
    for (int number = 1; number <= chosen.boards; number++) {
        boards_.push_back(std::make_unique<Board>(*bench_, number));
    }
    control_ = std::make_unique<Control>(bench_->loop, bench_->journal, chosen.control,
                                         [this](const Json& request) { return ask(request); });
    if (chosen.mount_cgroup) {
        mount_cgroup();
    }
    write_env();
}

void Line::make_bus(fs::path testbed_root) {
    const auto& kind = bench_->options.bus;
    if (kind == "testbed") {
        bench_->bus = std::make_unique<TestbedBus>(*bench_, std::move(testbed_root));
    } else if (kind == "vhci") {
        bench_->bus = std::make_unique<VhciBus>(*bench_);
    } else {
        bench_->bus = make_redir_bus(*bench_, [this](int board, bool plugged) {
            auto& one = *boards_.at(static_cast<std::size_t>(board - 1));
            if (plugged) {
                one.plug(true);
            } else {
                one.unplug("cable");
            }
        });
    }
}

Line::~Line() {
    control_.reset();
    boards_.clear();
    retired_.clear();
    bench_->bus.reset();
    if (bench_->options.mount_cgroup) {
        ::umount2((bench_->options.dir / "cgroup").c_str(), MNT_DETACH);
    }
    ::close(signals_);
}

void Line::mount_cgroup() {
    const auto folder = bench_->options.dir / "cgroup";
    fs::create_directories(folder);
    if (::mount("none", folder.c_str(), "cgroup2", 0, nullptr) != 0) {
        throw std::runtime_error("cannot mount cgroup2 at " + folder.string());
    }
}

void Line::write_env() {
    const auto& chosen = bench_->options;
    std::ofstream out(chosen.dir / "env.new", std::ios::trunc);
    for (const auto& [name, value] : bench_->bus->environment()) {
        out << name << "=" << value << "\n";
    }
    out << "STAND_IN_SPEED=" << chosen.speed << "\n"
        << "LINESIDE_LINE_DIR=" << chosen.dir.string() << "\n"
        << "LINESIDE_LINE_CONTROL=" << chosen.control.string() << "\n";
    if (chosen.mount_cgroup) {
        out << "LINESIDE_LINE_CGROUP=" << (chosen.dir / "cgroup").string() << "\n";
    }
    out.close();
    fs::rename(chosen.dir / "env.new", chosen.dir / "env");
}

void Line::drop_hub(int number) {
    if (!bench_->bus->has_hub(number)) {
        return;
    }
    bench_->journal.note(0, "hub-drop", {{"hub", number}});
    for (const auto& board : boards_) {
        if (hub_of_board(board->number()) == number && board->plugged()) {
            board->unplug("hub-drop");
        }
        if (hub_of_board(board->number()) == number) {
            bench_->bus->take_card(board->number(), true);
        }
    }
    bench_->bus->unplug_hub(number);
}

void Line::auto_plug() {
    auto roll = dice(bench_->options.seed, 0, "plug");
    double at = 0;
    for (const auto& board : boards_) {
        bench_->loop.after(Seconds(at / 1000), [one = board.get()] { one->plug(true); });
        at += std::uniform_real_distribution<double>(0, 2 * bench_->options.stagger_ms)(roll);
    }
}

void Line::run() {
    if (bench_->options.auto_plug) {
        auto_plug();
    }
    std::cout << "ready" << std::endl;
    bench_->loop.run();
}

void Line::shut_down() {
    if (ending_) {
        return;
    }
    ending_ = true;
    left_to_stop_ = static_cast<int>(boards_.size());
    bench_->loop.after(Seconds(20), [this] { bench_->loop.stop(); });
    for (const auto& board : boards_) {
        board->unplug("the line ends", [this] {
            if (--left_to_stop_ == 0) {
                bench_->loop.stop();
            }
        });
    }
}

Board* Line::board_of(const Json& request) {
    const auto found = request.find("board");
    const int number = found != request.end() && found->is_number_integer() ? found->get<int>() : 0;
    return number >= 1 && number <= static_cast<int>(boards_.size())
               ? boards_[static_cast<std::size_t>(number - 1)].get()
               : nullptr;
}

// Another unit, with another identity and an empty storage, lies at the board's place.
Json Line::replace(Board& board) {
    if (!board.gone()) {
        return {{"ok", false}, {"error", "only a board that is off can be replaced: unplug it"}};
    }
    const int number = board.number();
    const auto unit = board.unit() + 1;
    board.remove_storage();
    auto& place = boards_[static_cast<std::size_t>(number - 1)];
    retired_.push_back(std::move(place));
    place = std::make_unique<Board>(*bench_, number, unit);
    bench_->journal.note(number, "replaced", {{"unit", unit}});
    return {{"ok", true}, {"board", place->describe()}};
}

// A card reader is plugged in where the board would be.
Json Line::card(const Board& board, const std::string& verb, const Json& request) {
    if (!board.gone()) {
        return {{"ok", false}, {"error", "a board is plugged in there: unplug it"}};
    }
    if (verb != "card") {
        bench_->bus->take_card(board.number(), verb == "reader-out");
        return {{"ok", true}};
    }
    CardFacts facts;
    try {
        facts.file = request.value("file", "");
        facts.model = request.value("model", facts.model);
        const auto ids = request.value("usb", std::string("05e3:0749"));
        if (std::sscanf(ids.c_str(), "%4x:%4x", &facts.vendor, &facts.product) != 2) {
            throw std::runtime_error("\"usb\" is not like 05e3:0749");
        }
        return {{"ok", true}, {"disk", bench_->bus->insert_card(board.number(), facts)}};
    } catch (const std::exception& error) {
        return {{"ok", false}, {"error", error.what()}};
    }
}

Json Line::ask(const Json& request) {
    const auto verb =
        request.contains("do") && request["do"].is_string() ? request["do"].get<std::string>() : "";
    const auto refuse = [](const std::string& why) { return Json{{"ok", false}, {"error", why}}; };
    if (verb == "list") {
        Json boards = Json::array();
        for (const auto& board : boards_) {
            boards.push_back(board->describe());
        }
        return {{"ok", true}, {"boards", boards}};
    }
    if (verb == "stop") {
        bench_->loop.post([this] { shut_down(); });
        return {{"ok", true}};
    }
    if (verb == "faults") {
        auto parsed = parse_faults(request.value("spec", "none"), bench_->options.boards, hubs_);
        if (const auto* wrong = std::get_if<BadSpec>(&parsed)) {
            return refuse(wrong->sentence);
        }
        bench_->options.faults = std::get<std::vector<FaultRule>>(std::move(parsed));
        return {{"ok", true}};
    }
    if (verb == "hub-drop" || verb == "hub-plug") {
        const int hub = request.value("hub", 0);
        if (hub < 1 || hub > hubs_) {
            return refuse("hub must be 1 to " + std::to_string(hubs_));
        }
        if (bench_->options.bus != "testbed") {
            return refuse("only the testbed has hubs of the line");
        }
        if (verb == "hub-drop") {
            drop_hub(hub);
        } else if (!bench_->bus->has_hub(hub)) {
            bench_->bus->plug_hub(hub);
        }
        return {{"ok", true}};
    }
    auto* board = board_of(request);
    if (board == nullptr) {
        return refuse(
            "no such board, or no such request: list, plug, unplug, recovery, power-cycle, swap, "
            "over-current, "
            "replace, storage, card, card-out, reader-out, hub-drop, hub-plug, faults, subscribe, "
            "stop");
    }
    if (verb == "storage" || verb == "show") {
        return {{"ok", true}, {"board", board->describe()}};
    }
    if (verb == "replace") {
        return replace(*board);
    }
    if (verb == "over-current") {
        return bench_->bus->over_current(board->number()) ? Json{{"ok", true}}
                                                          : refuse("its hub is not there");
    }
    if (verb == "swap") {
        auto* other = board_of({{"board", request.value("with", 0)}});
        if (other == nullptr || other == board ||
            !bench_->bus->swap(board->number(), other->number())) {
            return refuse("only two boards that are not on the bus now, and only on vhci");
        }
        board->moved();
        other->moved();
        return {{"ok", true}};
    }
    if (!bench_->bus->has_hub(hub_of_board(board->number()))) {
        return refuse("the board's hub is gone");
    }
    if (verb == "card" || verb == "card-out" || verb == "reader-out") {
        return card(*board, verb, request);
    }
    if (verb == "plug") {
        board->plug(!request.value("boot", false));
    } else if (verb == "unplug") {
        board->unplug("asked");
    } else if (verb == "recovery") {
        board->power_cycle(true);
    } else if (verb == "power-cycle") {
        board->power_cycle(false);
    } else {
        return refuse("unknown request " + verb);
    }
    return {{"ok", true}};
}

}  // namespace line
