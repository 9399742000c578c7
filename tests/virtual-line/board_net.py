# SPDX-License-Identifier: Apache-2.0
"""The network between a booted unit and the host: a pair of virtual interfaces, or what a USB gadget brings."""
import hashlib
import os
import subprocess

from board_disk import Dark


def mac_addresses(serial):
    """As l4t-usb-device-mode makes them from the serial-number file (its NUL included): host's end and unit's end of the
    RNDIS function, then of the other one."""
    digest = bytearray(hashlib.md5(serial.encode() + b"\0").digest()[:6])
    digest[0] = digest[0] & 0xFE | 2
    return [":".join("%02x" % b for b in digest[:5] + bytes([digest[5] & 0xFC | n])) for n in (2, 3, 0, 1)]


def remove_interface(ifname):
    """The kernel does it too when the unit's namespace ends, but in its own time."""
    if os.path.exists("/sys/class/net/" + ifname):
        subprocess.run(["ip", "link", "del", ifname], stderr=subprocess.DEVNULL, check=False)


def connect(ifname, pid, serial):
    host, unit = mac_addresses(serial)[:2]
    remove_interface(ifname)
    octets = [int(x, 16) for x in host.split(":")]
    link_local = "fe80::%02x%02x:%02xff:fe%02x:%02x%02x" % (octets[0] ^ 2, *octets[1:])
    done = subprocess.run(["ip", "-batch", "-"], text=True, stderr=subprocess.PIPE, input="""
        link add %(i)s address %(h)s type veth peer name l4tbr0 address %(u)s netns %(p)d
        link set %(i)s addrgenmode none
        addr add %(l)s/64 dev %(i)s nodad
        link set %(i)s up
        """ % {"i": ifname, "h": host, "u": unit, "p": pid, "l": link_local}, check=False)
    if done.returncode != 0:
        raise Dark("network: " + done.stderr.strip())
    with open("/sys/class/net/%s/ifindex" % ifname) as file:
        return int(file.read())


def move_into(pid, names):
    """Interfaces of the host become the unit's, behind its bridge."""
    for name in names:
        for command in (["ip", "link", "set", name, "netns", str(pid)],
                        ["nsenter", "--net=/proc/%d/ns/net" % pid, "ip", "link", "set", name, "master", "l4tbr0", "up"]):
            done = subprocess.run(command, text=True, stderr=subprocess.PIPE, check=False)
            if done.returncode != 0:
                raise Dark("network: " + done.stderr.strip())
