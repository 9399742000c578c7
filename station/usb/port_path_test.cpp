// SPDX-License-Identifier: Apache-2.0
#include "station/usb/port_path.h"
#include "station/usb/port_peer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace lineside::usb {

TEST(PortPath, Key_has_controller_and_chain_but_no_bus_number) {
    const auto a = port_of_syspath("/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.3");
    const auto b = port_of_syspath("/sys/devices/pci0000:00/0000:00:14.0/usb7/7-1/7-1.3");
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->key, "pci-0000:00:14.0-usb-0:1.3");
    EXPECT_EQ(a->key, b->key);
    EXPECT_EQ(b->bus_port, "7-1.3");
    EXPECT_EQ(a->root_port, "pci-0000:00:14.0-usb-0:1");
}

TEST(PortPath, Root_hubs_and_interfaces_are_no_ports) {
    EXPECT_FALSE(port_of_syspath("/sys/devices/pci0000:00/0000:00:14.0/usb1"));
    EXPECT_FALSE(port_of_syspath("/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0"));
    EXPECT_FALSE(port_of_syspath("/sys/class/net/eth0"));
    EXPECT_FALSE(port_of_syspath(""));
}

TEST(PortPath, Net_interface_leads_to_its_port) {
    EXPECT_EQ(
        usb_device_above("/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.3/1-1.3:1.0/net/usb0"),
        "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.3");
}

TEST(PortPath, One_dot_one_is_not_eleven) {
    EXPECT_TRUE(is_behind("x-usb-0:1.1", "x-usb-0:1"));
    EXPECT_FALSE(is_behind("x-usb-0:11", "x-usb-0:1"));
    EXPECT_FALSE(is_behind("x-usb-0:1", "x-usb-0:1"));
}

TEST(PortPath, Form_is_checked) {
    EXPECT_TRUE(is_port_key("pci-0000:00:14.0-usb-0:4.2"));
    EXPECT_FALSE(is_port_key("1-4.2"));
    EXPECT_FALSE(is_port_key("pci-0000:00:14.0-usb-0:4..2"));
}

TEST(PortPeer, Follows_the_kernels_links_behind_hubs_and_at_the_root) {
    namespace fs = std::filesystem;
    std::string name = ::testing::TempDir() + "peer-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    const fs::path host = fs::path(name) / "devices/pci0000:00/0000:00:14.0";
    const auto pair = [&](const fs::path& device, const fs::path& port, const fs::path& peer) {
        fs::create_directories(host / device);
        fs::create_directories(host / port);
        fs::create_directories(host / peer);
        fs::create_symlink(host / peer, host / port / "peer");
        fs::create_symlink(host / port, host / peer / "peer");
    };
    const auto runs_at = [&](const fs::path& device, const char* speed) {
        fs::create_directories(host / device);
        std::ofstream(host / device / "speed") << speed << "\n";
        return socket_of(host / device).value();
    };
    pair("usb1/1-5/1-5.1", "usb1/1-5/1-5:1.0/1-5-port1", "usb2/2-9/2-9:1.0/2-9-port1");
    pair("usb1/1-3", "usb1/1-0:1.0/usb1-port3", "usb2/2-0:1.0/usb2-port7");
    EXPECT_EQ(peer_of(host / "usb1/1-5/1-5.1"), "pci-0000:00:14.0-usb-0:9.1");
    EXPECT_EQ(peer_of(host / "usb1/1-3"), "pci-0000:00:14.0-usb-0:7");
    EXPECT_FALSE(peer_of(host / "usb1/1-5"));
    // A unit at SuperSpeed is in the socket of its USB 2 half; its own path is that half's alone.
    const auto fast = runs_at("usb2/2-9/2-9.1", "5000");
    EXPECT_EQ(fast.key, "pci-0000:00:14.0-usb-0:5.1");
    EXPECT_EQ(fast.half, "pci-0000:00:14.0-usb-0:9.1");
    EXPECT_EQ(fast.bus_port, "2-9.1");
    EXPECT_EQ(runs_at("usb2/2-7", "10000").key, "pci-0000:00:14.0-usb-0:3");
    EXPECT_EQ(runs_at("usb1/1-5/1-5.1", "480").key, "pci-0000:00:14.0-usb-0:5.1");
    EXPECT_EQ(runs_at("usb1/1-5/1-5.1", "480").half, "");
    const auto alone = runs_at("usb2/2-8", "5000");  // nothing tells its other half
    EXPECT_EQ(alone.key, alone.half);
    EXPECT_FALSE(socket_of(host / "usb2"));
    // Of a port itself, whoever is plugged in: its hub tells which half it is.
    std::ofstream(host / "usb2/2-9/speed") << "5000\n";
    const auto port = socket_of_port_folder(host / "usb2/2-9/2-9:1.0/2-9-port1");
    ASSERT_TRUE(port);
    EXPECT_EQ(port->key, "pci-0000:00:14.0-usb-0:5.1");
    EXPECT_EQ(port->half, "pci-0000:00:14.0-usb-0:9.1");
    EXPECT_EQ(socket_of_port_folder(host / "usb1/1-0:1.0/usb1-port3")->key,
              "pci-0000:00:14.0-usb-0:3");
    for (const char* no : {"", "/", "/a", "/a/b", "/a/b-port", "/a/b-port3/c", "x-port1"}) {
        EXPECT_FALSE(key_of_port_folder(no)) << no;
    }
    fs::remove_all(name);
}

// Where the kernel made no link, the firmware's places of the root ports pair them.
TEST(PortPeer, Location_pairs_where_there_is_no_link) {
    namespace fs = std::filesystem;
    std::string name = ::testing::TempDir() + "place-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    const fs::path host = fs::canonical(name) / "devices/pci0000:00/0000:00:14.0";
    const auto port = [&](int bus, int number, const std::string& location) {
        const auto usb = "usb" + std::to_string(bus);
        const auto folder = host / usb / (std::to_string(bus) + "-0:1.0") /
                            (usb + "-port" + std::to_string(number));
        fs::create_directories(folder);
        std::ofstream(folder / "location") << location << "\n";
    };
    port(1, 3, "0x80010003");
    port(1, 4, "0x80010004");
    port(1, 5, "0x80010005");
    port(1, 6, "0x00000000");
    port(1, 11, "0x80010011");
    port(2, 1, "0x80010004");
    port(2, 2, "0x80010005");
    port(2, 3, "0x80010005");
    port(2, 4, "0x00000000");
    port(2, 7, "0x80010011");
    // Another controller may say the same: its places are its own.
    const auto other = host.parent_path() / "0000:00:15.0/usb3/3-0:1.0/usb3-port9";
    fs::create_directories(other);
    std::ofstream(other / "location") << "0x80010003\n";
    EXPECT_EQ(peer_of(host / "usb1/1-4"), "pci-0000:00:14.0-usb-0:1");
    EXPECT_EQ(peer_of(host / "usb2/2-1"), "pci-0000:00:14.0-usb-0:4");
    EXPECT_EQ(peer_of(host / "usb1/1-4/1-4.2/1-4.2.1"), "pci-0000:00:14.0-usb-0:1.2.1");
    EXPECT_EQ(peer_of(host / "usb2/2-7/2-7.1"), "pci-0000:00:14.0-usb-0:11.1");
    EXPECT_FALSE(peer_of(host / "usb1/1-3"));  // nobody else is there
    EXPECT_FALSE(peer_of(host / "usb1/1-5"));  // two say they are
    EXPECT_FALSE(peer_of(host / "usb1/1-6"));  // the firmware does not know
    EXPECT_FALSE(peer_of(host / "usb1/1-1"));  // no such port
    EXPECT_FALSE(peer_of(host / "usb1"));
    fs::remove_all(name);
}

}  // namespace lineside::usb
