// SPDX-License-Identifier: Apache-2.0
#include "testbed_bus.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

namespace line {
namespace {

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

TestbedBus::TestbedBus(Bench& bench, std::filesystem::path root)
    : bench_(bench), testbed_(bench.loop, std::move(root)), usbfs_(bench.loop) {
    for (int number = 0; number * kBoardsPerRoot < bench.options.boards; number++) {
        const auto place = root_place(number);
        testbed_.add(controller_device(place));
        for (const auto& half : {place, twin_place(place)}) {
            const int devnum = bench_.next_devnum(half.bus);
            add_hub(root_hub(half), half, kRootPorts);
            bench_.journal.note(0, "root", {{"bus", half.bus}, {"devnum", devnum}});
        }
    }
    for (int hub = 1; hub <= hub_of_board(bench.options.boards); hub++) {
        plug_hub(hub);
    }
}

void TestbedBus::add_hub(const UsbDevice& device, const Place& where, int ports) {
    usbfs_.listen(testbed_.ioctl_socket(device.node),
                  std::make_shared<UsbNode>(device.descriptors, nullptr, nullptr));
    for (const auto& part : device.parts) {
        testbed_.add(part);
    }
    for (const auto& port : hub_ports(where, ports)) {
        testbed_.add(port);  // gone with the hub's interface
    }
}

Clock::time_point TestbedBus::arrive(int board, const UsbDevice& device,
                                     std::shared_ptr<UsbNode> node) {
    // The answering side first: whoever hears of the device may open it at once.
    usbfs_.listen(testbed_.ioctl_socket(device.node), node);
    auto& here = present_[board] = Present{device, std::move(node), {}};
    const auto announced = testbed_.add(here.device.parts.front());
    for (std::size_t part = 1; part < here.device.parts.size(); part++) {
        testbed_.add(here.device.parts[part]);
    }
    testbed_.announce(here.device.parts.front(), "bind");
    return announced;
}

void TestbedBus::arrive_gadget(int board, const GadgetFacts& facts, Shown done) {
    const auto& where = facts.where;
    const auto device = gadget_device(where, facts.devnum, facts.serial);
    const auto announced =
        arrive(board, device,
               std::make_shared<UsbNode>(device.descriptors, nullptr, bench_.wire(where.bus)));
    const unsigned index = ::if_nametoindex(facts.ifname.c_str());
    if (index != 0) {
        auto& net = present_[board].net;
        net = net_device(where, facts.ifname, index, hardware_address(facts.ifname));
        testbed_.add(*net);
    }
    done(index, announced);
}

void TestbedBus::leave(int board) {
    const auto found = present_.find(board);
    if (found == present_.end()) {
        return;
    }
    const auto here = std::move(found->second);
    present_.erase(found);
    here.node->leave();
    if (here.net) {
        testbed_.remove(*here.net);
    }
    for (auto it = here.device.parts.rbegin(); it != here.device.parts.rend(); ++it) {
        testbed_.remove(*it);
    }
    usbfs_.retire(testbed_.ioctl_socket(here.device.node));
}

std::string TestbedBus::insert_card(int board, const CardFacts& facts) {
    auto card = std::make_unique<LoopDisk>(facts.file);
    const auto where = place(board);
    if (!readers_.contains(board)) {
        const int devnum = bench_.next_devnum(where.bus);
        const auto device = card_reader(where, devnum, facts.vendor, facts.product);
        arrive(board, device,
               std::make_shared<UsbNode>(device.descriptors, nullptr, bench_.wire(where.bus)));
        auto& reader = readers_[board];
        reader.devnum = devnum;
        reader.scsi = scsi_device(where, board, facts.model);
        testbed_.add(reader.scsi);
        bench_.journal.note(board, "reader", {{"devnum", devnum}});
    }
    auto& reader = readers_[board];
    remove_disk(reader);
    reader.card = std::move(card);
    reader.disk = disk_device(where, board,
                              {reader.card->name(), reader.card->number(), reader.card->sequence(),
                               reader.card->bytes()});
    testbed_.add(*reader.disk);
    bench_.journal.note(board, "card", {{"disk", reader.card->name()}});
    return reader.card->name();
}

void TestbedBus::remove_disk(Reader& reader) {
    if (reader.disk) {
        testbed_.remove(*reader.disk);
        reader.disk.reset();
    }
    reader.card.reset();
}

void TestbedBus::take_card(int board, bool with_reader) {
    const auto found = readers_.find(board);
    if (found == readers_.end()) {
        return;
    }
    auto& reader = found->second;
    if (reader.card) {
        reader.card->pull();
    }
    if (!with_reader) {
        if (reader.disk) {  // as the kernel tells it: the disk stays, and holds nothing
            testbed_.set_attribute(*reader.disk, "size", "0");
            testbed_.announce(*reader.disk, "change");
        }
        bench_.journal.note(board, "card-out");
        return;
    }
    remove_disk(reader);
    testbed_.remove(reader.scsi);
    bench_.free_devnum(place(board).bus, reader.devnum);
    readers_.erase(found);
    leave(board);
    bench_.journal.note(board, "reader-out");
}

bool TestbedBus::has_hub(int number) const {
    const auto found = hubs_.find(number);
    return found != hubs_.end() && !found->second.empty();
}

bool TestbedBus::plug_hub(int number) {
    const auto place = hub_place(number);
    for (const auto& half : {place, twin_place(place)}) {
        const int devnum = bench_.next_devnum(half.bus);
        hubs_[number].push_back({half, port_hub(half, devnum), devnum});
        add_hub(hubs_[number].back().device, half, kHubPorts);
        bench_.journal.note(0, "hub",
                            {{"hub", number}, {"bus_port", half.bus_port()}, {"devnum", devnum}});
    }
    return true;
}

bool TestbedBus::unplug_hub(int number) {
    for (const auto& half : hubs_[number]) {
        for (auto it = half.device.parts.rbegin(); it != half.device.parts.rend(); ++it) {
            testbed_.remove(*it);
        }
        usbfs_.retire(testbed_.ioctl_socket(half.device.node));
        bench_.free_devnum(half.where.bus, half.devnum);
    }
    hubs_[number].clear();
    return true;
}

bool TestbedBus::over_current(int board) {
    const auto found = hubs_.find(hub_of_board(board));
    if (found == hubs_.end() || found->second.empty()) {
        return false;
    }
    const auto& hub = found->second.front().device.parts.at(1);  // its interface, at USB 2
    const std::string name = hub_place(found->first).bus_port();
    const std::string chain = board_place(board).chain;
    testbed_.announce(hub, "change",
                      {{"OVER_CURRENT_PORT",
                        hub.path + "/" + name + "-port" + chain.substr(chain.rfind('.') + 1)},
                       {"OVER_CURRENT_COUNT", "1"}});
    return true;
}

std::vector<std::pair<std::string, std::string>> TestbedBus::environment() const {
    // A colon, not a blank, between the libraries: so a shell can use the file as it is.
    return {{"LD_PRELOAD", bench_.options.shim.string() + ":libumockdev-preload.so.0"},
            {"UMOCKDEV_DIR", testbed_.root().string()}};
}

}  // namespace line
