// SPDX-License-Identifier: Apache-2.0
#include "vhci_bus.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "processes.h"
#include "sysfs.h"

namespace line {
namespace {

namespace fs = std::filesystem;

const fs::path kPlatform = "/sys/devices/platform";
// Of each controller, the kernel's VHCI_HC_PORTS (a build-time choice; Debian's): so many
// high-speed ports, then as many SuperSpeed ones, in one flat count over all controllers.
constexpr int kPorts = 15;
constexpr Seconds kEnumerated{6};  // real ones, of a slow guest
constexpr int kTries = 3;
constexpr std::uintmax_t kDriversDisk = 1U << 20;  // bytes; what L4T shows besides its networks

Json read_json(const fs::path& file) {
    std::ifstream in(file);
    return Json::parse(std::string{std::istreambuf_iterator<char>(in), {}}, nullptr, false);
}

}  // namespace

VhciBus::VhciBus(Bench& bench) : bench_(bench) {
    const int wanted = (bench.options.boards + kPorts - 1) / kPorts;
    for (int number = 0; number < wanted; number++) {
        const auto folder = kPlatform / ("vhci_hcd." + std::to_string(number));
        if (!fs::exists(folder)) {
            throw std::runtime_error(folder.string() + " is missing: modprobe vhci-hcd");
        }
        for (const auto& entry : fs::directory_iterator(folder)) {
            const auto name = entry.path().filename().string();
            const auto digits = name.starts_with("usb") ? name.substr(3) : "";
            if (!digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos &&
                read_file(entry.path() / "speed") == "480") {
                controllers_.push_back({std::stoi(digits), number});
            }
        }
    }
    if (!fs::exists(kPlatform / "usbip-vudc.0")) {
        throw std::runtime_error("modprobe usbip-vudc num=" + std::to_string(bench.options.boards));
    }
}

VhciBus::~VhciBus() {
    while (!present_.empty()) {
        leave(present_.begin()->first);
    }
}

Place VhciBus::place(int board) const {
    const int port = port_of(board);
    const auto& controller = controllers_.at(static_cast<std::size_t>(port / kPorts));
    Place place;
    place.bus = controller.bus;
    place.controller = "vhci_hcd." + std::to_string(controller.number);
    place.chain = std::to_string(port % kPorts + 1);
    place.on_pci = false;
    return place;
}

int VhciBus::flat_port(int board) const {
    const int port = port_of(board);
    return port / kPorts * 2 * kPorts + port % kPorts;
}

int VhciBus::port_of(int board) const {
    const auto moved = cables_.find(board);
    return (moved == cables_.end() ? board : moved->second) - 1;
}

bool VhciBus::swap(int board, int other) {
    if (present_.contains(board) || present_.contains(other)) {
        return false;
    }
    const int port = port_of(board) + 1;
    cables_[board] = port_of(other) + 1;
    cables_[other] = port;
    return true;
}

int VhciBus::plug(int board) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        throw std::runtime_error("no socket pair");
    }
    constexpr int kHighSpeed = 3;
    try {
        write_file(kPlatform / "vhci_hcd.0/attach",
                   std::to_string(flat_port(board)) + " " + std::to_string(ends[1]) + " " +
                       std::to_string(1 << 16 | (board + 1)) + " " + std::to_string(kHighSpeed));
    } catch (const std::runtime_error&) {
        ::close(ends[0]);
        ::close(ends[1]);
        throw;
    }
    ::close(ends[1]);  // the kernel holds it
    return ends[0];
}

Clock::time_point VhciBus::arrive(int board, const UsbDevice& /*device*/,
                                  std::shared_ptr<UsbNode> node) {
    const auto now = Clock::now();
    present_[board].link = std::make_unique<UsbipLink>(plug(board), std::move(node));
    return now;
}

// The gadget's end of the cable goes to its controller, ours to the port.
void VhciBus::join_gadget(int board) {
    const auto controller = kPlatform / ("usbip-vudc." + std::to_string(board - 1));
    const int ours = plug(board);
    try {
        write_file(controller / "usbip_sockfd", std::to_string(ours));
    } catch (const std::runtime_error&) {
        ::close(ours);
        throw;
    }
    ::close(ours);
}

bool VhciBus::noticed(int board) const {
    return present_.contains(board) ||
           !fs::exists("/sys/bus/usb/devices/" + place(board).bus_port());
}

void VhciBus::keep_gadget(int board, const Gadget* which, int tries) {
    bench_.loop.after(kEnumerated, [this, board, which, tries] {
        const auto found = present_.find(board);
        if (found == present_.end() || found->second.gadget.get() != which ||
            fs::exists("/sys/bus/usb/devices/" + place(board).bus_port())) {
            return;
        }
        bench_.journal.note(board, "lost-by-usbip", {{"tries", tries}});
        try {
            write_file(kPlatform / "vhci_hcd.0/detach", std::to_string(flat_port(board)));
        } catch (const std::runtime_error&) {
            // the kernel took it out already
        }
        try {
            join_gadget(board);
        } catch (const std::runtime_error& error) {
            bench_.journal.note(board, "join-failed", {{"why", error.what()}});
        }
        if (tries > 1) {
            keep_gadget(board, which, tries - 1);
        }
    });
}

void VhciBus::arrive_gadget(int board, const GadgetFacts& facts, Shown done) {
    GadgetShape shape;
    shape.serial = facts.serial;
    shape.functions = {"rndis", "ncm", "acm", "mass_storage"};
    shape.disk = facts.folder / "drivers.img";
    std::ofstream(shape.disk, std::ios::app).close();
    fs::resize_file(shape.disk, kDriversDisk);
    const auto os = read_json(facts.folder / "os.json");
    if (os.is_object() && os.contains("addresses")) {
        shape.addresses = os["addresses"].get<std::vector<std::string>>();
    }
    auto& gadget = present_[board].gadget;
    gadget = std::make_unique<Gadget>("lineside" + std::to_string(board), board - 1, shape);
    std::string names;
    for (const auto& name : gadget->interfaces()) {
        names += (names.empty() ? "" : ",") + name;
    }
    const auto* which = gadget.get();
    const auto plug_in = [this, board, which, done = std::move(done)](int status) {
        // The board may have left, or be another's turn, while its interfaces were moved.
        const auto found = present_.find(board);
        if (found == present_.end() || found->second.gadget.get() != which) {
            return;
        }
        if (status != 0) {
            bench_.journal.note(board, "join-failed", {{"status", status}});
            return;
        }
        const auto now = Clock::now();
        join_gadget(board);
        keep_gadget(board, which, kTries);
        done(0, now);
    };
    if (bench_.options.board_os.empty()) {
        bench_.loop.post([plug_in] { plug_in(0); });
        return;
    }
    run_program(bench_.loop,
                {bench_.options.board_os.string(), "join", "--dir", facts.folder.string(),
                 "--ifname", names},
                facts.folder / "board-os.log", plug_in);
}

bool VhciBus::arrive_initrd(int board, const GadgetFacts& facts) {
    GadgetShape shape;
    shape.product = 0x7035;
    shape.serial = facts.serial;
    shape.functions = {"ncm", "mass_storage"};
    shape.disk = facts.folder / "storage.img";
    present_[board].gadget =
        std::make_unique<Gadget>("lineside" + std::to_string(board), board - 1, shape);
    join_gadget(board);
    return true;
}

std::string VhciBus::insert_card(int board, const CardFacts& facts) {
    if (const auto found = present_.find(board); found != present_.end()) {
        found->second.gadget->insert(facts.file);  // the reader is there, and empty
        return "";
    }
    GadgetShape shape;
    shape.vendor = facts.vendor;
    shape.product = facts.product;
    shape.maker = "Generic";
    shape.name = "USB Storage";
    shape.serial = "00000000" + std::to_string(1000 + board);
    shape.functions = {"mass_storage"};
    shape.disk = facts.file;
    shape.writable = true;
    shape.inquiry = "Generic " + facts.model;
    present_[board].gadget =
        std::make_unique<Gadget>("lineside" + std::to_string(board), board - 1, shape);
    join_gadget(board);
    bench_.journal.note(board, "card");
    return "";
}

void VhciBus::take_card(int board, bool with_reader) {
    if (with_reader) {
        leave(board);
    } else if (const auto found = present_.find(board); found != present_.end()) {
        found->second.gadget->eject();
        bench_.journal.note(board, "card-out");
    }
}

void VhciBus::leave(int board) {
    const auto found = present_.find(board);
    if (found == present_.end()) {
        return;
    }
    auto here = std::move(found->second);
    present_.erase(found);
    try {
        write_file(kPlatform / "vhci_hcd.0/detach", std::to_string(flat_port(board)));
    } catch (const std::runtime_error& error) {
        bench_.journal.note(board, "detach-failed", {{"why", error.what()}});
    }
}

}  // namespace line
