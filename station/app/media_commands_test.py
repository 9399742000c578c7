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
        status, answer, _ = run("write", image, target, "--bmap", image + ".bmap", "--json", "--no-check")
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
