# SPDX-License-Identifier: Apache-2.0
"""`lineside write` onto disks that the kernel's own dm-error, dm-flakey and scsi_debug make bad, two good ones beside each: what is said of each, and
that the good ones hold the image and nothing else was touched."""
import contextlib
import glob
import hashlib
import json
import os
import random
import subprocess
import threading
import time

from line_up import wait

MIB = 1 << 20
SECTOR = 512
IMAGE, DISK = 24 * MIB, 32 * MIB
HOLES = ((4 * MIB, 9 * MIB), (15 * MIB, 21 * MIB))
OLD = b"\xa5"
NAME = "lineside-bad"
PLACE = 10 * MIB        # where something is wrong: inside of the image's data, behind the first megabyte
SCSI_DISKS = "/sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*/block/*"
# A command of scsi_debug takes so long that a disk can be taken away in the middle.
SLOW = ("dev_size_mb=%d" % (DISK // MIB), "ndelay=20000000", "max_queue=1")


def run(*command, text=None, check=True):
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, "%s: %d: %s%s" % (" ".join(command), done.returncode, done.stdout, done.stderr)
    return done.stdout.strip()


class Stuck(threading.Thread):
    """One byte below a disk is always another than the image's. (dm-flakey of Linux 6.1 would change the pages that it is given, which are the
    image's own, and nothing that is read.)"""

    def __init__(self, path, content):
        super().__init__(daemon=True)
        self.path, self.held, self.over = path, bytes([content[PLACE + 32] ^ 1]), threading.Event()

    def __enter__(self):
        self.start()

    def __exit__(self, *_):
        self.over.set()
        self.join()

    def run(self):
        with open(self.path, "r+b", buffering=0) as file:
            while not self.over.wait(0.001):
                os.pwrite(file.fileno(), self.held, PLACE + 32)


class Disks:
    """Files of old bytes on a tmpfs, as loop devices; the last one may have something on top of it."""

    def __init__(self, ctx):
        self.folder = os.path.join("/dev/shm", "bad-disks")
        os.makedirs(self.folder, exist_ok=True)
        dice = random.Random(ctx.seed)
        content = bytearray(dice.randbytes(IMAGE))
        for begin, end in HOLES:
            content[begin:end] = bytes(end - begin)
        self.content = bytes(content)
        self.image = os.path.join(self.folder, "image.raw")
        with open(self.image, "wb") as file:
            file.write(self.content)
        for begin, end in HOLES:
            run("fallocate", "--punch-hole", "--offset", str(begin), "--length", str(end - begin), self.image)
        run("modprobe", "-a", "loop", "dm-mod", "dm-flakey")
        self.files = [os.path.join(self.folder, "disk%d" % number) for number in range(3)]
        for path in self.files:
            self.renew(path)
        self.loops = [run("losetup", "-f", "--show", path) for path in self.files]

    @staticmethod
    def renew(path):
        with open(path, "wb") as file:
            file.write(OLD * DISK)

    def close(self):
        self.remove()
        run("modprobe", "-r", "scsi_debug", check=False)
        for loop in self.loops:
            run("losetup", "-d", loop)

    def remove(self):
        run("dmsetup", "remove", "--retry", NAME, check=False)

    def on_top(self, *middle, begin=PLACE, size=MIB):
        """A disk on the third loop device: linear, with `middle` (the target and what stands behind its place) from `begin` on."""
        base, first, count = self.loops[2], begin // SECTOR, size // SECTOR
        kind, *rest = middle
        place = " %s %d" % (base, first) if kind != "error" else ""
        lines = ["0 %d linear %s 0" % (first, base)] if first else []
        lines.append(" ".join(["%d %d %s%s" % (first, count, kind, place), *rest]))
        if first + count < DISK // SECTOR:
            lines.append("%d %d linear %s %d" % (first + count, DISK // SECTOR - first - count, base, first + count))
        run("dmsetup", "create", NAME, "--noudevsync", text="\n".join(lines) + "\n")
        return "/dev/dm-" + run("dmsetup", "info", "-c", "--noheadings", "-o", "minor", NAME)

    def scsi(self, *parameters):
        run("modprobe", "-r", "scsi_debug", check=False)
        run("modprobe", "scsi_debug", *parameters)
        wait(lambda: glob.glob(SCSI_DISKS), 60, "scsi_debug shows no disk", 0.05)
        disk = os.path.basename(glob.glob(SCSI_DISKS)[0])
        run("udevadm", "settle", "-t", "60")
        return disk

    def holds(self, path):
        with open(path, "rb") as file:
            found = file.read()
        return found[:IMAGE] == self.content and found[IMAGE:] == OLD * (DISK - IMAGE)


def command(ctx, disks, bad, *more):
    return [os.path.join(ctx.binaries, "lineside"), "write", disks.image, *disks.loops[:2], bad, "--json", "--cache", os.path.join(disks.folder, "cache"), *more]


def answer_of(disks, text):
    """What is said of the bad one; the good ones are right, whatever it was."""
    answer = json.loads(text)
    first, second, bad = answer["targets"]
    for each, path in zip((first, second), disks.files):
        assert each["verdict"] == "PASS", "a neighbour: %s" % each
        assert disks.holds(path), "a neighbour does not hold the image: %s" % path
        disks.renew(path)
    for loop in disks.loops[:2]:
        run("blockdev", "--flushbufs", loop)
    return bad


def judge(ctx, disks, bad, *more):
    done = subprocess.run(command(ctx, disks, bad, *more), capture_output=True, text=True, check=False, timeout=600)
    return answer_of(disks, done.stdout)


def expect(told, name, code):
    assert told["verdict"] != "PASS" and told.get("error", {}).get("code") == code, "%s: %s, wanted %s" % (name, told, code)


def each_way(ctx):
    """Errors and lies of a disk at one place."""
    disks = Disks(ctx)
    always = ("0", "1")     # flakey: up for no second, down for one
    cases = [
        ("nothing wrong", ("linear",), {}, None),
        ("refuses to be written", ("error",), {"size": 4096}, "unit.storage"),
        ("refuses writes alone", ("flakey", *always, "1", "error_writes"), {}, "unit.storage"),
        ("forgets what is written", ("flakey", *always, "1", "drop_writes"), {}, "image.mismatch"),
        ("forgets its first megabyte", ("flakey", *always, "1", "drop_writes"), {"begin": 0}, "unit.storage"),
        ("keeps another byte", ("linear",), {}, "image.mismatch"),
        ("refuses everything", ("error",), {"begin": 0, "size": DISK}, "unit.storage"),
        ("refuses zeros", ("error",), {"begin": HOLES[0][0], "size": MIB}, "unit.storage"),
    ]
    try:
        for name, middle, place, code in cases:
            for more in ((), ("--threads",)):
                stuck = Stuck(disks.files[2], disks.content) if name == "keeps another byte" else contextlib.nullcontext()
                with stuck:
                    told = judge(ctx, disks, disks.on_top(*middle, **place), *more)
                disks.remove()
                if code is None:
                    assert told["verdict"] == "PASS", told
                else:
                    expect(told, name, code)
                if code == "image.mismatch":
                    at = told["differs"][0]["begin"]
                    assert PLACE <= at < PLACE + MIB, "%s: said to differ at %d" % (name, at)
                disks.renew(disks.files[2])
                run("blockdev", "--flushbufs", disks.loops[2])
        ctx.say("%d kinds, by io_uring and by threads" % len(cases))
    finally:
        disks.close()


def by_dice(ctx):
    """Disks that come and go by dm-flakey at random places: PASS is said of exactly those that hold the image."""
    disks, dice = Disks(ctx), random.Random(ctx.seed + 1)
    words = {"PASS": 0, "FAIL": 0}
    features = [(), ("1", "drop_writes"), ("1", "error_writes")]
    try:
        for turn in range(12):
            begin = dice.randrange(DISK // MIB) * MIB
            middle = ("flakey", str(dice.randrange(3)), "1", *dice.choice(features))
            size = dice.randrange(1, (DISK - begin) // MIB + 1) * MIB
            told = judge(ctx, disks, disks.on_top(*middle, begin=begin, size=size))
            disks.remove()
            run("blockdev", "--flushbufs", disks.loops[2])
            holds = disks.holds(disks.files[2])
            assert told["verdict"] in ("PASS", "FAIL"), told
            assert told["verdict"] != "PASS" or holds, "turn %d: PASS, and it holds something else: %s" % (turn, middle)
            words[told["verdict"]] += 1
            disks.renew(disks.files[2])
        ctx.say("PASS %(PASS)d, FAIL %(FAIL)d" % words)
    finally:
        disks.close()


def of_scsi(ctx):
    """A disk whose one place cannot be read, and one that holds less than it says."""
    disks = Disks(ctx)
    try:
        disk = disks.scsi("dev_size_mb=%d" % (DISK // MIB), "opts=2", "medium_error_start=%d" % (PLACE // SECTOR), "medium_error_count=8")
        told = judge(ctx, disks, "/dev/" + disk)
        expect(told, "cannot be read back", "unit.storage")
        assert "read back" in told["error"]["message"], told
        disk = disks.scsi("dev_size_mb=16", "virtual_gb=1")
        expect(judge(ctx, disks, "/dev/" + disk, "--probe"), "holds less than it says", "media.capacity")
        expect(judge(ctx, disks, "/dev/" + disk), "holds less than it says, unasked", "image.mismatch")
        ctx.say("medium error on read-back, 16 MiB that say 1 GiB")
    finally:
        disks.close()


def counted(disk):
    """Bytes read and written since the disk came."""
    with open("/sys/block/%s/stat" % disk, encoding="ascii") as file:
        words = file.read().split()
    return int(words[2]) * SECTOR, int(words[6]) * SECTOR


def gone(ctx):
    """Taken away in the middle of writing, and of reading back."""
    disks, dice = Disks(ctx), random.Random(ctx.seed + 2)
    data = IMAGE - sum(end - begin for begin, end in HOLES)
    where = []
    try:
        for reading in (False, False, True, True):
            disk = disks.scsi(*SLOW)
            most = dice.randrange(2 * MIB, data - 2 * MIB)
            before = counted(disk)
            with subprocess.Popen(command(ctx, disks, "/dev/" + disk), stdout=subprocess.PIPE, text=True) as process:
                until = time.monotonic() + 300
                # What was read and written before the image itself is the check of the first megabyte.
                while process.poll() is None and counted(disk)[0 if reading else 1] - before[0 if reading else 1] < most + 2 * MIB:
                    assert time.monotonic() < until, "the disk is not worked on"
                    time.sleep(0.005)
                assert process.poll() is None, "it was over before"
                with open("/sys/block/%s/device/delete" % disk, "w", encoding="ascii") as file:
                    file.write("1")
                told = answer_of(disks, process.communicate(timeout=300)[0])
            expect(told, "gone", "usb.left")
            where.append("%s %d KiB" % ("read" if reading else "written", most >> 10))
        ctx.say("after %s: usb.left, each" % ", ".join(where))
    finally:
        disks.close()


def never_the_wrong(ctx):
    """Mounted, swap, below a volume: not a byte of them is touched."""
    disks = Disks(ctx)
    point = os.path.join(disks.folder, "point")
    os.makedirs(point, exist_ok=True)

    def refused(what):
        with open(disks.files[2], "rb") as file:
            before = hashlib.sha256(file.read()).hexdigest()
        done = subprocess.run(command(ctx, disks, disks.loops[2]), capture_output=True, text=True, check=False, timeout=300)
        answer = json.loads(done.stdout)
        assert (done.returncode, answer["error"]["code"]) == (2, "media.forbidden"), "%s: %s" % (what, answer)
        with open(disks.files[2], "rb") as file:
            assert hashlib.sha256(file.read()).hexdigest() == before, what + ": it was touched"
    try:
        run("mkfs.ext4", "-q", "-F", disks.loops[2])
        run("mount", "-o", "ro,noload", disks.loops[2], point)
        refused("mounted")
        run("umount", point)
        run("mkswap", disks.loops[2])
        run("swapon", disks.loops[2])
        refused("swap")
        run("swapoff", disks.loops[2])
        disks.on_top("linear")
        refused("below a volume")
        disks.remove()
        ctx.say("mounted, swap, held by device-mapper: refused, untouched")
    finally:
        run("umount", point, check=False)
        run("swapoff", disks.loops[2], check=False)
        disks.close()
