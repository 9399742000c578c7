# SPDX-License-Identifier: Apache-2.0
"""What the line's own tests share: a running line in a folder of its own, a tiny image, a fake board-os."""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = sys.argv[1] if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]) else os.path.join(HERE, "..", "..", "build", "line", "bin")
BIN = os.path.abspath(BIN)
SECTOR = 512
MIB = 1 << 20


def needs_root():
    if os.geteuid() != 0:
        print("skipped: the line's tests change uid and make namespaces, so they need root")
        sys.exit(77)


class Line:
    """A lineside-line with its folder below /var/tmp: another uid must be able to see it."""

    def __init__(self, boards=2, speed=2000, wire=2000, board_os="none", plug="auto", faults="none", more=()):
        self.dir = tempfile.mkdtemp(prefix="line-", dir="/var/tmp")
        os.chmod(self.dir, 0o755)
        self.log = open(os.path.join(self.dir, "out"), "w+")
        self.process = subprocess.Popen(
            [os.path.join(BIN, "lineside-line"), "--boards", str(boards), "--dir", self.dir, "--speed", str(speed), "--wire-mbps",
             str(wire), "--board-os", board_os, "--plug", plug, "--faults", faults, "--stagger-ms", "5", *more],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        assert self.process.stdout.readline() == "ready\n", open(os.path.join(self.dir, "out")).read()
        with open(os.path.join(self.dir, "env")) as file:
            self.env = dict(line.rstrip("\n").split("=", 1) for line in file)
        self.image = None

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(30)
        finally:
            self.process.kill()
            self.process.stdout.close()
        assert code == 0, (code, open(os.path.join(self.dir, "out")).read())
        assert not os.path.exists(self.env["UMOCKDEV_DIR"])
        self.log.close()
        shutil.rmtree(self.dir)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def environment(self, **more):
        return dict(os.environ, **self.env, **more)

    def run(self, program, *arguments, uid=None, timeout=30, cwd=None, **more):
        """An unmodified program of the host, in the testbed; CompletedProcess with stdout as text."""
        return subprocess.run([os.path.join(BIN, program), *arguments], env=self.environment(**more), user=uid, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, cwd=cwd)

    def start(self, program, *arguments, cwd=None, **more):
        return subprocess.Popen([os.path.join(BIN, program), *arguments], env=self.environment(**more), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd)

    def ask(self, verb, **fields):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(os.path.join(self.dir, "line.sock"))
            control.sendall((json.dumps({"do": verb, **fields}) + "\n").encode())
            with control.makefile() as stream:
                return json.loads(stream.readline())

    def board(self, number):
        return self.ask("show", board=number)["board"]

    def wait(self, number, state, stage=None, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            board = self.board(number)
            if board["state"] == state and stage in (None, board["stage"]):
                return board
            time.sleep(0.005)
        raise AssertionError("board %d is %s, not %s %s" % (number, board, state, stage))

    def wait_all(self, boards, state="recovery"):
        for number in range(1, boards + 1):
            self.wait(number, state)

    def journal(self, board=None, event=None):
        with open(os.path.join(self.dir, "journal.jsonl")) as file:
            entries = [json.loads(text) for text in file if text.endswith("\n")]
        return [e for e in entries if board in (None, e["board"]) and event in (None, e["ev"])]

    def storage(self, number):
        return os.path.join(self.dir, "boards", str(number), "storage.img")

    # --- the tool chain's calls, in order --------------------------------------------------------------------------

    def tool(self, board, *arguments, status=0, **more):
        name = "tegrarcm_v2" if arguments[0] != "dev" else "tegradevflash_v2"
        words = arguments[1:] if arguments[0] == "dev" else arguments
        done = self.run(name, "--instance", board["bus_port"], *words, cwd=self.image.dir, **more)
        assert done.returncode == status, (words, done.returncode, done.stdout[-400:])
        return done.stdout

    def to_bootloader(self, number, eeprom=False):
        """Boot ROM to CPU bootloader, as flash.sh does it; with the EEPROM step when asked."""
        board = self.wait(number, "recovery", "bootrom")
        if eeprom:
            self.tool(board, "--chip", "0x19", "0", "--rcm", "list.xml", "--skipuid")
            self.tool(board, "--download", "mb2", "mb2.bin")
            self.tool(board, "--boot", "recovery")
            self.tool(board, "--oem", "platformdetails", "eeprom", "cvm", "cvm.bin")
            self.tool(board, "--reboot", "recovery")
            self.wait(number, "recovery", "bootrom")
        self.tool(board, "--chip", "0x19", "0", "--rcm", "list.xml")
        self.tool(board, "--download", "blob", "blob.bin")
        self.tool(board, "--boot", "recovery")
        return self.wait(number, "recovery", "bootloader")

    def flash(self, number):
        board = self.to_bootloader(number)
        text = self.tool(board, "dev", "--pt", "flash.xml.bin", "--create")
        self.tool(board, "dev", "--reboot", "coldboot")
        return text


class Image:
    """Partition files, a table, a flash list and RCM messages in a folder."""

    def __init__(self, folder, app=8 * MIB, sparse=False):
        self.dir = folder
        os.makedirs(folder)
        self.parts = [("mb1", 256 << 10, 252387), ("kernel", 1 * MIB, 1 * MIB), ("APP", app, app)]
        self.data, self.place = {}, {}
        entries, lba = bytearray(128 * 128), 40
        for index, (name, room, size) in enumerate(self.parts):
            struct.pack_into("<16s16sQQQ72s", entries, index * 128, b"\1" * 16, os.urandom(16), lba, lba + room // SECTOR - 1, 0,
                             name.encode("utf-16-le"))
            self.place[name] = lba * SECTOR
            self.data[name] = os.urandom(size)
            lba += room // SECTOR
        if sparse:
            self.data["APP"] = os.urandom(MIB) + b"\xab\xcd\xef\x01" * (MIB // 4) + bytes(app - 3 * MIB) + os.urandom(MIB)
        self.size = (lba + 40) * SECTOR
        last = self.size // SECTOR - 1

        def header(own, other, table):
            return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, own, other, 34, last - 33, b"\2" * 16, table, 128, 128,
                               zlib.crc32(entries)) + bytes(SECTOR - 92)

        self.data["mbr"] = bytes(510) + b"\x55\xaa"
        self.data["gpt1"] = header(1, last, 2) + entries
        self.data["gpt2"] = bytes(entries) + header(last, 1, last - 32)
        for name, content in self.data.items():
            self.write(name, content)
        if sparse:
            self.write("APP", self.sparse(app))
        self.write("flash.xml.bin", b"""# erases first
erase spi 0
erase sdmmc_user 3
write sdmmc_user 3 master_boot_record mbr
write sdmmc_user 3 primary_gpt gpt1
write sdmmc_user 3 secondary_gpt gpt2
write spi 0 mb1 mb1
write sdmmc_user 3 APP APP
write sdmmc_user 3 kernel kernel
""")
        for index, size in enumerate((1968, 2224, 252400)):
            self.write("rcm_%d.rcm" % index, struct.pack("<I", size) + bytes(size - 4))
        self.write("list.xml", b"".join(b'<rcm file="rcm_%d.rcm"/>' % i for i in range(3)))
        self.write("blob.bin", os.urandom(200000))
        self.write("mb2.bin", os.urandom(50000))

    def write(self, name, content):
        with open(os.path.join(self.dir, name), "wb") as file:
            file.write(content)

    def sparse(self, app):
        block, data = 4096, self.data["APP"]
        chunks = [(0xCAC1, MIB, data[:MIB]), (0xCAC2, MIB, data[MIB:MIB + 4]), (0xCAC3, app - 3 * MIB, b""), (0xCAC1, MIB, data[-MIB:])]
        text = struct.pack("<IHHHHIIII", 0xED26FF3A, 1, 0, 28, 12, block, app // block, len(chunks), 0)
        for kind, size, body in chunks:
            text += struct.pack("<HHII", kind, 0, size // block, 12 + len(body)) + body
        return text

    def disk(self):
        """What a perfectly flashed storage file holds."""
        disk = bytearray(self.size)
        disk[:SECTOR] = self.data["mbr"]
        disk[SECTOR:SECTOR + len(self.data["gpt1"])] = self.data["gpt1"]
        disk[-len(self.data["gpt2"]):] = self.data["gpt2"]
        for name, at in self.place.items():
            disk[at:at + len(self.data[name])] = self.data[name]
        return bytes(disk)


FAKE_BOARD_OS = """#!/bin/bash
# A unit whose whole OS is one sleeping process.
dir=$3
env > $dir/env.seen
echo $1 >> $dir/calls
case $1 in
start) setsid sleep 1000 > /dev/null 2>&1 & echo "{\\"pid\\": $!, \\"ifname\\": \\"$5\\"}" > $dir/os.json ;;
stop) [ -e $dir/os.json ] && kill $(sed 's/.*pid": \\([0-9]*\\),.*/\\1/' $dir/os.json) 2> /dev/null; rm -f $dir/os.json; true ;;
esac
"""


def fake_board_os():
    handle, path = tempfile.mkstemp(prefix="board-os-", dir="/var/tmp")
    os.write(handle, FAKE_BOARD_OS.encode())
    os.close(handle)
    os.chmod(path, 0o755)
    return path
