// SPDX-License-Identifier: Apache-2.0
#include "station/usb/port_path.h"

#include <gtest/gtest.h>

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

}  // namespace lineside::usb
