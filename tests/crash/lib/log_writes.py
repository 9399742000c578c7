# SPDX-License-Identifier: Apache-2.0
"""Reads what device mapper's log-writes target has recorded (Linux: Documentation/admin-guide/device-mapper/log-writes.rst,
drivers/md/dm-log-writes.c): every write of a disk, in the order in which flushes made them durable."""
import struct

MAGIC = 0x6a736677736872
SUPER = struct.Struct("<QQQI")      # magic, version, number of entries, sector size
ENTRY = struct.Struct("<QQQQ")      # sector, number of sectors, flags, length of what follows the entry in its sector
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8


class Damaged(Exception):
    """The log is not one; says in a sentence why."""


class Entry:
    def __init__(self, number, offset, flags, mark, data):
        self.number, self.offset, self.flags, self.mark, self.data = number, offset, flags, mark, data

    @property
    def durable(self):
        """After it, all that was written before is on the disk, whatever happens."""
        return bool(self.flags & (FLUSH | FUA))


def read(path):
    """Entries, first to last; `offset` is in bytes, `data` None for a discard of `length` bytes."""
    with open(path, "rb") as file:
        magic, version, count, size = SUPER.unpack(file.read(SUPER.size))
        if magic != MAGIC or version != 1:
            raise Damaged("%s is no log of log-writes: magic %x, version %d" % (path, magic, version))
        at = size
        for number in range(count):
            file.seek(at)
            block = file.read(size)
            if len(block) < size:
                raise Damaged("%s ends in entry %d of %d" % (path, number, count))
            sector, sectors, flags, length = ENTRY.unpack(block[:ENTRY.size])
            at += size
            mark = block[ENTRY.size:ENTRY.size + length].rstrip(b"\0").decode("utf-8", "replace") if flags & MARK else None
            data = b""
            if flags & DISCARD:
                data = bytes(sectors * size)
            elif sectors:
                data = file.read(sectors * size)
                at += sectors * size
            yield Entry(number, sector * size, flags, mark, data)
