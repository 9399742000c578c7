# SPDX-License-Identifier: Apache-2.0
"""The disk of a virtual board: its GPT, and loop devices on it with partitions made by hand.

Not every kernel reads partition tables, and nobody may rely on udev's nodes: everything here is ioctl and /sys.
"""
import ctypes
import fcntl
import os
import stat
import struct
import time

SECTOR = 512
LOOP_CLR_FD, LOOP_CTL_GET_FREE, LOOP_CONFIGURE, BLKPG = 0x4C01, 0x4C82, 0x4C0A, 0x1269
LO_AUTOCLEAR, LO_PARTSCAN = 4, 8


class Dark(Exception):
    """The unit does not come up; the text says why."""


def read_gpt(path):
    """(number, name, first byte, bytes) of each partition; an empty or torn table is a dark unit."""
    try:
        with open(path, "rb") as disk:
            disk.seek(SECTOR)
            header = disk.read(92)
            if header[:8] != b"EFI PART":
                raise Dark("no partition table on the storage")
            table, count, size = struct.unpack_from("<QII", header, 72)
            disk.seek(table * SECTOR)
            entries = disk.read(min(count, 256) * size)
    except OSError as error:
        raise Dark("storage: %s" % error) from error
    found = []
    for number in range(len(entries) // size):
        entry = entries[number * size:(number + 1) * size]
        first, last = struct.unpack_from("<QQ", entry, 32)
        if any(entry[:16]) and last >= first:
            name = entry[56:128].decode("utf-16-le", "replace").split("\0")[0]
            found.append((number + 1, name, first * SECTOR, (last - first + 1) * SECTOR))
    return found


def attach(path):
    """An autoclear loop device on path: (open file, name). It is gone when the last user of it is."""
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    backing = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        for _ in range(200):  # others take free devices too
            number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
            node = "/dev/loop%d" % number
            if not os.path.exists(node):
                try:
                    os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(7, number))
                except FileExistsError:
                    pass
            device = os.open(node, os.O_RDWR | os.O_CLOEXEC)
            info = struct.pack("<5Q4I64s64s32s2Q", 0, 0, 0, 0, 0, number, 0, 0, LO_AUTOCLEAR | LO_PARTSCAN,
                               os.path.basename(path).encode()[:63], b"", b"", 0, 0)
            try:
                fcntl.ioctl(device, LOOP_CONFIGURE, struct.pack("<II", backing, 0) + info + bytes(64))
                return device, "loop%d" % number
            except OSError:
                os.close(device)
                time.sleep(0.005)
        raise Dark("no free loop device")
    finally:
        os.close(backing)
        os.close(control)


def number_of(name):
    with open("/sys/class/block/%s/dev" % name) as file:
        return os.makedev(*map(int, file.read().split(":")))


def add_partition(device, loop, number, start, length):
    """The device number of partition `number`, made here unless the kernel read the table itself."""
    name = "%sp%d" % (loop, number)
    if not os.path.exists("/sys/class/block/" + name):
        what = ctypes.create_string_buffer(struct.pack("<qqi64s64s4x", start, length, number, b"", b""))
        fcntl.ioctl(device, BLKPG, struct.pack("<iiiiQ", 1, 0, len(what) - 1, 0, ctypes.addressof(what)))
    return number_of(name)


def loops_on(folder):
    """Loop devices whose file lies below folder: (device name, file)."""
    found = []
    for name in os.listdir("/sys/class/block"):
        if name.startswith("loop") and "p" not in name[4:]:
            try:
                with open("/sys/class/block/%s/loop/backing_file" % name) as file:
                    backing = file.read().rstrip("\n").removesuffix(" (deleted)")
            except OSError:
                continue
            if backing.startswith(os.path.join(os.path.realpath(folder), "")):
                found.append((name, backing))
    return found


def detach(name):
    """Frees a loop device that autoclear did not."""
    try:
        device = os.open("/dev/" + name, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(device, LOOP_CLR_FD)
        finally:
            os.close(device)
    except OSError:
        pass
