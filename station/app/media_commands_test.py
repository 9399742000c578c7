#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`lineside check recipe|bmap|udev` and `lineside write` as a person runs them: answers, exit status, bytes on targets.
Argument: the program. Packs images with the host's own tools and skips those that are not there; bmaptool's maps too."""
import bz2
import gzip
import hashlib
import json
import lzma
import os
import random
import shutil
import subprocess
import sys
import time
import unittest
import zipfile

from media_test_case import MediaTestCase

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "lineside"
MIB = 1 << 20
RECIPE = """type: mmc
recipe:
  partition_table: msdos
  partitions:
    - {name: boot, size: 30mb, fs_type: fat32, mount_point: /boot, mount_opts: , flags: lba}
    - {name: rootfs, size: max, fs_type: btrfs, mount_point: /, mount_opts: , flags: }
  load:
    Uboot: {command: "dd if=${file} of=${device} bs=1024 seek=8"}
    Rootfs_Rootfs: {device: 1}
"""


def run(*arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=100)
    return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout, done.stderr


class MediaCommands(MediaTestCase):
    def make_image(self):
        """Noise, a hole, noise, odd bytes at the end."""
        dice = random.Random(5)
        path = self.path("image.raw")
        with open(path, "wb") as file:
            file.write(dice.randbytes(MIB + 5000))
            file.seek(4 * MIB)
            file.write(dice.randbytes(MIB + 321))
        with open(path, "rb") as file:
            return path, file.read()

    def test_recipes(self):
        good = self.path("raspberry-pi_media-center.yml", RECIPE)
        status, answer, _ = run("check", "recipe", good, "--json")
        self.assertEqual((status, answer["verdict"], answer["count"], answer["errors"]), (0, "accept", 1, []))
        for name in ("raspberry_pi_media.yml", "raspberry-pi.yaml"):
            status, answer, _ = run("check", "recipe", self.path(name, RECIPE), "--json")
            self.assertEqual((status, answer["verdict"], answer["errors"][0]["field"]), (1, "reject", "file name"))
        status, answer, _ = run("check", "recipe", self.path("a.yml", RECIPE.replace("30mb", "max")), "--json")
        self.assertEqual((status, answer["errors"][0]["line"], answer["errors"][0]["field"]), (1, 5, "recipe.partitions[0].size"))
        self.assertIn("Only the last partition can state the max flag for size.", answer["errors"][0]["message"])
        self.assertEqual(run("check", "recipe", self.path("none.yml"), "--json")[0], 2)
        self.assertEqual(run("check", "recipe", good)[0], 0)

    def test_udev(self):
        def check(present, events):
            text = json.dumps({"present": present, "events": [{"action": a, "dev": d, "subsystem": "block", "devtype": "disk"} for a, d in events]})
            status, answer, _ = run("check", "udev", self.path("e.json", text), "--json")
            self.assertEqual(status, 0)
            return answer["candidates"], answer["scenario"], answer["ask"]
        system = [{"dev": "sda", "system": True}]
        self.assertEqual(check(system, [("change", "sdd"), ("change", "sda"), ("change", "sdd")]), (["sdd"], 1, False))
        reader = [("add", "sd" + c) for c in "bcdef"] + [("change", "sd" + c) for c in "bcdef"]
        self.assertEqual(check(system, reader + [("change", "sdd")] * 4), (["sdd"], 2, False))
        self.assertEqual(check(system, [e for e in reader if e != ("change", "sdd")]), (["sdd"], 3, False))
        self.assertEqual(check(system, [("add", "mmcblk0")]), (["mmcblk0"], 4, False))
        self.assertEqual(check([], []), ([], 0, False))
        self.assertEqual(run("check", "udev", self.path("bad.json", "{"), "--json")[0], 1)

    @unittest.skipUnless(shutil.which("bmaptool"), "bmaptool is not installed")
    def test_maps_of_bmaptool(self):
        image, content = self.make_image()
        subprocess.run(["bmaptool", "-q", "create", image, "-o", image + ".bmap"], check=True)
        self.assertEqual(run("check", "bmap", image + ".bmap", "--json")[0], 0)
        self.assertEqual(run("check", "bmap", image + ".bmap", image, "--json")[0], 0)
        packed = self.path("image.xz", lzma.compress(content))
        self.assertEqual(run("check", "bmap", image + ".bmap", packed, "--json")[0], 0)
        self.path("image.raw", content[:4000] + b"?" + content[4001:])
        status, answer, _ = run("check", "bmap", image + ".bmap", image, "--json")
        self.assertEqual((status, len(answer["errors"])), (1, 1))
        self.assertEqual(run("check", "bmap", image + ".bmap", self.path("short", content[:-1]), "--json")[0], 1)
        self.assertEqual(run("check", "bmap", image + ".bmap", self.path("none"), "--json")[0], 2)
        # With the map only its ranges are written: what lies between stays.
        self.path("image.raw", content)
        target = self.path("target", b"x" * len(content))
        status, answer, _ = run("write", image, target, "--bmap", image + ".bmap", "--json", "--no-check", "--cache", self.path("cache"))
        self.assertEqual((status, answer["verdict"]), (0, "PASS"))
        with open(target, "rb") as file:
            written = file.read()
        self.assertEqual(written[:MIB], content[:MIB])
        self.assertEqual(written[4 * MIB:], content[4 * MIB:])
        self.assertEqual(written[2 * MIB:3 * MIB], b"x" * MIB)

    def test_each_packing_is_written_and_proven(self):
        image, content = self.make_image()
        packed = {"raw": image, "gz": self.path("i.img.gz", gzip.compress(content, 1)), "xz": self.path("i.img.xz", lzma.compress(content, preset=0)),
                  "bz2": self.path("i.img.bz2", bz2.compress(content, 1)), "zip": self.path("i.zip")}
        with zipfile.ZipFile(packed["zip"], "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("i.img", content)
        if shutil.which("zstd"):
            packed["zst"] = self.path("i.img.zst")
            subprocess.run(["zstd", "-q", "-1", image, "-o", packed["zst"]], check=True)
        for name, file in packed.items():
            targets = [self.path("%s-%d" % (name, i), b"old" * 100) for i in range(2)]
            status, answer, error = run("write", file, *targets, "--json", "--cache", self.path("cache"))
            self.assertEqual((status, answer["verdict"]), (0, "PASS"), (name, error))
            self.assertEqual(answer["image"]["sha256"], hashlib.sha256(content).hexdigest())
            for target in targets:
                with open(target, "rb") as written:
                    self.assertEqual(written.read(), content, name)
        # A second time nothing is unpacked anew.
        before = {entry.name: entry.stat().st_mtime_ns for entry in os.scandir(self.path("cache"))}
        self.assertEqual(run("write", packed["gz"], self.path("again"), "--json", "--cache", self.path("cache"))[0], 0)
        self.assertEqual(before, {entry.name: entry.stat().st_mtime_ns for entry in os.scandir(self.path("cache"))})

    def mapped(self, content):
        """An image with a block map of its own making: the first and the last megabyte, so that nobody can mistake it for the image's holes."""
        ranges = ((0, 255), (len(content) // 4096 - 255, (len(content) - 1) // 4096))
        sums = [hashlib.sha256(content[first * 4096:(last + 1) * 4096]).hexdigest() for first, last in ranges]
        text = """<?xml version="1.0" ?>
<bmap version="2.0"><ImageSize>%d</ImageSize><BlockSize>4096</BlockSize><BlocksCount>%d</BlocksCount><MappedBlocksCount>%d</MappedBlocksCount>
<ChecksumType>sha256</ChecksumType><BmapFileChecksum>%s</BmapFileChecksum><BlockMap>%s</BlockMap></bmap>
""" % (len(content), (len(content) + 4095) // 4096, sum(last - first + 1 for first, last in ranges), "0" * 64,
       "".join('<Range chksum="%s">%d-%d</Range>' % (sums[i], *each) for i, each in enumerate(ranges)))
        return text.replace("0" * 64, hashlib.sha256(text.encode()).hexdigest()), ranges

    def written_by_map(self, *arguments, content, ranges):
        """Writes onto a file of x and says whether only the ranges were written."""
        target = self.path("by-map", b"x" * len(content))
        status, answer, error = run("write", *arguments, target, "--json", "--no-check", "--cache", self.path("cache"))
        self.assertEqual((status, answer["verdict"]), (0, "PASS"), error)
        with open(target, "rb") as file:
            written = file.read()
        if written == content:
            return False
        wanted = bytearray(b"x" * len(content))
        for first, last in ranges:
            wanted[first * 4096:(last + 1) * 4096] = content[first * 4096:(last + 1) * 4096]
        self.assertEqual(written, bytes(wanted))
        return True

    def test_a_map_beside_or_inside_is_used(self):
        image, content = self.make_image()
        text, ranges = self.mapped(content)
        check = lambda *arguments: self.written_by_map(*arguments, content=content, ranges=ranges)
        self.assertFalse(check(image))
        for name in ("image.raw.bmap", "image.bmap"):
            beside = self.path(name, text)
            self.assertTrue(check(image), name)
            self.assertFalse(check(image, "--no-bmap"))
            os.unlink(beside)
        for order in (("i.img", "i.bmap"), ("i.bmap", "i.img")):
            with zipfile.ZipFile(self.path("z.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
                for name in order:
                    archive.writestr(name, text if name == "i.bmap" else content)
            self.assertTrue(check(self.path("z.zip")), order)
            self.assertTrue(check(self.path("z.zip")), "from the cache")
            self.assertFalse(check(self.path("z.zip"), "--no-bmap"))
        with zipfile.ZipFile(self.path("two.zip"), "w") as archive:
            for name in ("a.bmap", "i.img", "b.bmap"):
                archive.writestr(name, text if name.endswith(".bmap") else content)
        self.assertEqual(run("write", self.path("two.zip"), self.path("t"), "--cache", self.path("cache"))[0], 2)
        # One that does not belong to the image is a mistake, not a map.
        self.path("image.raw.bmap", text.replace("<Range", "<Range ", 1))
        self.assertEqual(run("write", image, self.path("t"), "--cache", self.path("cache"))[0], 2)

    def test_an_image_is_hashed_once(self):
        image, content = self.make_image()
        write = lambda: run("write", image, self.path("target"), "--json", "--cache", self.path("cache"))[1]
        os.utime(image, (1_600_000_000, 1_600_000_000))
        self.assertFalse(write()["image"]["known"], "its ctime is of this moment: a later change could look the same")
        self.assertFalse(write()["image"]["known"])
        time.sleep(3.1)         # what the coarsest file system's clock takes; there is no event for it
        self.assertFalse(write()["image"]["known"])
        answer = write()
        self.assertEqual((answer["verdict"], answer["image"]["known"], answer["image"]["sha256"]), ("PASS", True, hashlib.sha256(content).hexdigest()))
        self.assertEqual(run("write", image, self.path("target"), "--json", "--cache", self.path("cache"), "--sha256", "0" * 64)[0], 2)
        with open(image, "r+b") as file:
            file.seek(5000)
            file.write(b"other")
        answer = write()
        self.assertEqual((answer["verdict"], answer["image"]["known"]), ("PASS", False))
        self.assertNotEqual(answer["image"]["sha256"], hashlib.sha256(content).hexdigest())

    @unittest.skipUnless(shutil.which("mkfs.ext4"), "e2fsprogs is not installed")
    def test_free_blocks_of_ext4_are_left_out(self):
        os.mkdir(self.path("tree"))
        self.path("tree/noise", random.Random(9).randbytes(3 * MIB))
        image = self.path("fs.img", b"")
        subprocess.run(["mkfs.ext4", "-q", "-F", "-d", self.path("tree"), image, "24M"], check=True)
        with open(image, "rb") as file:
            fs = file.read()
        # As a file system that was used looks: free blocks are not zeros.
        holes = [at for at in range(0, len(fs), 4096) if not any(fs[at:at + 4096])]
        in_use = self.used_blocks(image)
        free = [at for at in holes if at // 4096 not in in_use]
        self.assertGreater(len(free), 1000)
        used = bytearray(fs)
        for at in free:
            used[at:at + 4096] = b"deleted " * 512
        self.path("fs.img", bytes(used))
        disk = self.path("disk.img", bytes(MIB) + bytes(used) + bytes(2 * MIB))
        subprocess.run(["sfdisk", "-q", disk], input="label: gpt\nstart=2048,size=%d\n" % (len(fs) // 512), text=True, check=True)
        for path, begin in ((image, 0), (disk, MIB)):
            target = self.path("target", b"x" * os.path.getsize(path))
            status, answer, error = run("write", path, target, "--used-blocks", "--json", "--no-check", "--cache", self.path("cache"))
            self.assertEqual((status, answer["verdict"]), (0, "PASS"), error)
            with open(target, "rb") as file:
                file.seek(begin)
                written = file.read(len(fs))
            for at in range(0, len(fs), 4096):
                wanted = used[at:at + 4096] if at // 4096 in in_use else b"x" * 4096
                self.assertEqual(written[at:at + 4096], wanted, at)
        subprocess.run(["e2fsck", "-f", "-n", self.path("written", written)], check=True, capture_output=True)
        # Bitmaps that may be out of date are not believed.
        subprocess.run(["debugfs", "-w", "-R", "set_super_value state 0", image], check=True, capture_output=True)
        target = self.path("target", b"x" * len(fs))
        self.assertEqual(run("write", image, target, "--used-blocks", "--json", "--no-check", "--cache", self.path("cache"))[0], 0)
        with open(target, "rb") as file:
            self.assertNotIn(b"x" * 4096, file.read())

    def used_blocks(self, image):
        """Of a file system with blocks of 4 KiB or 1 KiB, in blocks of 4 KiB: those that a bit is set in."""
        told = subprocess.run(["dumpe2fs", image], check=True, capture_output=True, text=True).stdout
        size = int(next(line.split()[-1] for line in told.splitlines() if line.startswith("Block size:")))
        count = int(next(line.split()[-1] for line in told.splitlines() if line.startswith("Block count:")))
        used = set(range(count))
        for line in told.splitlines():
            if line.strip().startswith("Free blocks:") and line.startswith("  "):
                for word in line.partition(":")[2].replace(",", " ").split():
                    first, _, last = word.partition("-")
                    used -= set(range(int(first), int(last or first) + 1))
        return {block * size // 4096 for block in used}

    @unittest.skipUnless(shutil.which("img2simg"), "img2simg is not installed")
    def test_android_sparse(self):
        _, content = self.make_image()
        content = content[:len(content) // 4096 * 4096]
        raw = self.path("a.raw", content)
        subprocess.run(["img2simg", raw, self.path("a.simg")], check=True, stdout=subprocess.DEVNULL)
        target = self.path("target")
        status, answer, error = run("write", self.path("a.simg"), target, "--json", "--cache", self.path("cache"))
        self.assertEqual((status, answer["verdict"]), (0, "PASS"), error)
        with open(target, "rb") as written:
            self.assertEqual(written.read(), content)

    def test_what_is_damaged_is_refused_before_a_byte(self):
        image, content = self.make_image()
        target = self.path("target", b"precious")
        cut = self.path("cut.gz", gzip.compress(content, 1)[:-100])
        plain = self.path("plain.gz", content)
        for arguments in ((cut, target), (plain, target), (image, target, "--sha256", "0" * 64), (self.path("none"), target), (self.path("empty", b""), target),
                          (image, target, "/dev/lineside-none"), (image, target, "/dev/null")):
            status, answer, _ = run("write", *arguments, "--json", "--cache", self.path("cache"))
            self.assertEqual((status, answer["verdict"]), (2, "ERROR"), arguments)
        with open(target, "rb") as file:
            self.assertEqual(file.read(8), b"precious")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
