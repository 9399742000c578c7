#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`lineside setup` and `check-mmc` as a person runs them: a recipe with FAT, ext4 and btrfs onto loop devices and files, looked at
afterwards with other tools than those that made it. Argument: the program. What needs loop devices is skipped where there are none."""
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import tempfile
import unittest

from media_test_case import MediaTestCase

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "lineside"
MIB = 1 << 20
RECIPE = """type: mmc
recipe:
  partition_table: %s
  partitions:
    - {name: boot, size: 40mb, fs_type: fat32, mount_point: /boot, mount_opts: "ro,noatime", flags: "boot,lba"}
    - {name: rootfs, size: 64mb, fs_type: ext4, mount_point: /, mount_opts: , flags: }
    - {name: data, size: max, fs_type: btrfs, mount_point: /srv/my data, mount_opts: compress, flags: }
  load:
    Uboot: {command: "dd if=${file} of=${device} bs=1024 seek=%d conv=notrunc status=none"}
    Linux_Boot: {device: 0}
    Rootfs_Rootfs: {device: 1}
    Misc_Root: {device: 2}
"""
SHADOW = "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n"


def run(*arguments, **options):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=250, stdin=subprocess.DEVNULL, **options)
    return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout, done.stderr


def tell(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError("%s: %d: %s%s" % (command, done.returncode, done.stdout, done.stderr))
    return done.stdout


def loops_to_be_had():
    if os.geteuid() != 0:
        return False
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(MIB)
        done = subprocess.run(["losetup", "-f", "--show", file.name], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            subprocess.run(["losetup", "-d", done.stdout.strip()], check=False)
        return done.returncode == 0


LOOPS = loops_to_be_had()
needs_loops = unittest.skipUnless(LOOPS, "no loop devices here")


class SetupCommand(MediaTestCase):
    PREFIX, PARENT = "lineside-setup-test-", "/var/tmp"

    def setUp(self):
        super().setUp()
        self.own = []  # loop devices that the test itself made

    def attach(self, disk, *more):
        self.own.append(tell("losetup", "-f", "--show", *more, disk).strip())
        return self.own[-1]

    def loops(self):
        """Devices on a file of this test, or on one of its own devices."""
        if not LOOPS:
            return set()
        places = ["(%s/" % self.folder] + ["(%s)" % loop for loop in self.own]
        return {line for line in tell("losetup", "-a").splitlines() if any(place in line for place in places)}

    def lineside(self, *arguments, **options):
        """Runs the program; whatever it says, it leaves no loop device and nothing mounted."""
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            before, mounts = self.loops(), file.read().count(self.folder)
        answer = run(*arguments, **options)
        self.assertEqual(self.loops() - before, set())
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            self.assertEqual(file.read().count(self.folder), mounts)
        return answer

    def disk(self, name="disk.img", mib=300):
        path = self.path(name, b"")
        os.truncate(path, mib * MIB)
        return path

    def tar(self, name, members):
        """`members`: (path, content or None for a folder, {attributes of TarInfo, "xattrs"})."""
        path = self.path(name)
        with tarfile.open(path, "w:" + ("gz" if name.endswith("gz") else ""), format=tarfile.PAX_FORMAT) as archive:
            for member, content, more in members:
                info = tarfile.TarInfo(member)
                info.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
                info.mode, info.mtime = (0o755 if content is None else 0o644), 1700000000
                for key, value in more.items():
                    if key == "xattrs":
                        info.pax_headers = {"SCHILY.xattr." + k: v for k, v in value.items()}
                    else:
                        setattr(info, key, value)
                content = content if info.isreg() else None
                info.size = len(content or b"")
                archive.addfile(info, io.BytesIO(content) if content is not None else None)
        return path

    def rootfs(self):
        return self.tar("rootfs.tar.gz", [
            ("./", None, {}), ("./etc", None, {}), ("./etc/shadow", SHADOW.encode(), {"mode": 0o640, "gid": 42}), ("./etc/passwd", b"root:x:0:0::/:/bin/sh\n", {}),
            ("./bin", None, {}), ("./bin/su", b"#!su\n" * 1000, {"mode": 0o4755}), ("./bin/ping", b"ping" * 5000, {"xattrs": {"user.note": "gr\u00fcn", "user.empty": "x"}}),
            ("./bin/sh", b"", {"type": tarfile.SYMTYPE, "linkname": "/bin/busybox"}), ("./bin/hard", b"", {"type": tarfile.LNKTYPE, "linkname": "./bin/su"}),
            ("./home", None, {}), ("./home/user", None, {"uid": 1000, "gid": 1001, "mode": 0o700}), ("./home/user/\u00e4 b", b"name", {"uid": 1000, "gid": 1001}),
            ("./dev", None, {}), ("./dev/console", b"", {"type": tarfile.CHRTYPE, "devmajor": 5, "devminor": 1, "mode": 0o600}),
            ("./run", None, {}), ("./run/pipe", b"", {"type": tarfile.FIFOTYPE}), ("./big", os.urandom(3 * MIB + 17), {})])

    def products(self):
        self.uboot = os.urandom(300 * 1024 + 5)
        return ["--product", "Uboot=" + self.path("u-boot.bin", self.uboot), "--product", "Rootfs_Rootfs=" + self.rootfs(),
                "--product", "Linux_Boot=" + self.tar("boot.tar", [("Image", os.urandom(2 * MIB + 1), {}), ("overlays", None, {}), ("overlays/A Long name.dtbo", b"dt", {})]),
                "--product", "Misc_Root=" + self.path("song.wav", b"RIFF" * 1000)]

    def look(self, disk, table, answer):
        """With sfdisk, fsck, dumpe2fs and mount, not with what wrote it."""
        target = answer["targets"][0]
        layout = json.loads(tell("sfdisk", "--json", disk))["partitiontable"]
        self.assertEqual(layout["label"], "dos" if table == "msdos" else "gpt")
        self.assertEqual([(p["start"] * 512, p["size"] * 512) for p in layout["partitions"]], [(p["begin"], p["bytes"]) for p in target["partitions"]])
        self.assertEqual(layout["partitions"][0]["type"].lower(), "c" if table == "msdos" else "c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
        self.assertEqual([p["begin"] % MIB for p in target["partitions"]], [0, 0, 0])
        if table == "msdos":
            self.assertTrue(layout["partitions"][0].get("bootable"))
        for part, check in zip(target["partitions"], (["fsck.fat", "-n"], ["e2fsck", "-fn"], ["btrfs", "check", "--readonly"])):
            loop = self.attach(disk, "-r", "-o", str(part["begin"]), "--sizelimit", str(part["bytes"]))
            try:
                tell(*check, loop)
                self.assertEqual(tell("blkid", "-p", "-o", "value", "-s", "UUID", loop).strip(), part["uuid"])
                self.assertEqual(tell("blkid", "-p", "-o", "value", "-s", "LABEL", loop).strip(), part["label"])
                if part["fs_type"] == "fat32":
                    self.assertEqual(tell("blkid", "-p", "-o", "value", "-s", "VERSION", loop).strip(), "FAT32")
                    self.look_at_boot(loop)
                elif part["fs_type"] == "ext4":
                    self.mounted(loop, "ext4", lambda folder: self.look_at_root(folder, target["partitions"]))
                else:
                    self.mounted(loop, "btrfs", self.look_at_data)
            finally:
                tell("losetup", "-d", loop)

    def mounted(self, device, kind, look):
        folder = tempfile.mkdtemp(dir=self.folder)
        tell("mount", "-t", kind, "-o", "ro", device, folder)
        try:
            look(folder)
        finally:
            tell("umount", folder)

    def look_at_boot(self, loop):
        folder = tempfile.mkdtemp(dir=self.folder)
        tell("mcopy", "-s", "-i", loop, "::/", folder)
        with tarfile.open(self.path("boot.tar")) as archive:
            for member in archive:
                if member.isreg():
                    with open(os.path.join(folder, member.name), "rb") as file:
                        self.assertEqual(file.read(), archive.extractfile(member).read(), member.name)

    def look_at_data(self, folder):
        with open(folder + "/song.wav", "rb") as file:
            self.assertEqual(file.read(), b"RIFF" * 1000)

    def look_at_root(self, folder, partitions):
        with tarfile.open(self.path("rootfs.tar.gz")) as archive:
            for member in archive:
                path = os.path.join(folder, member.name)
                found = os.lstat(path)
                name = member.name
                self.assertEqual((found.st_uid, found.st_gid), (member.uid, member.gid), name)
                if member.issym():
                    self.assertEqual(os.readlink(path), member.linkname)
                    continue
                if member.islnk():
                    self.assertEqual(found.st_ino, os.lstat(os.path.join(folder, member.linkname)).st_ino)
                    continue
                self.assertEqual(stat.S_IMODE(found.st_mode), member.mode, name)
                if member.isreg() and name != "./etc/shadow":
                    with open(path, "rb") as file:
                        self.assertEqual(file.read(), archive.extractfile(member).read(), name)
                    self.assertEqual(int(found.st_mtime), member.mtime)
                self.assertEqual(stat.S_ISCHR(found.st_mode) and (os.major(found.st_rdev), os.minor(found.st_rdev)), member.ischr() and (5, 1))
                self.assertEqual(stat.S_ISFIFO(found.st_mode), member.isfifo())
                for key, value in member.pax_headers.items():
                    if key.startswith("SCHILY.xattr."):
                        self.assertEqual(os.getxattr(path, key[13:]), value.encode(), name)
        with open(folder + "/etc/fstab", encoding="utf-8") as file:
            uuid = {p["name"]: p["uuid"] for p in partitions}
            self.assertEqual(file.read(), "UUID=%s\t/\text4\tdefaults\t0\t0\nUUID=%s\t/boot\tvfat\tro,noatime\t0\t0\n"
                             "UUID=%s\t/srv/my\\040data\tbtrfs\tcompress\t0\t0\n" % (uuid["ROOTFS"], uuid["BOOT"], uuid["DATA"]))
        with open(folder + "/etc/shadow", encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertEqual(lines[1:], SHADOW.splitlines()[1:])
        fields = lines[0].split(":")
        salt = fields[1].rsplit("$", 1)[0]
        made = tell("perl", "-e", "print crypt($ARGV[0], $ARGV[1])", "geheim: 1", salt + "$")
        self.assertTrue(fields[1].startswith("$6$"))
        self.assertEqual(made, fields[1])
        self.assertEqual(fields[3:], ["0", "99999", "7", "", "", ""])

    @needs_loops
    def test_fat_ext4_and_btrfs_with_each_table(self):
        password = self.path("password", "geheim: 1\n")
        # In front of the first partition, and behind the entries of a GUID table.
        for table, seek in (("msdos", 8), ("gpt", 64)):
            disk = self.disk()
            recipe = self.path("board.yml", RECIPE % (table, seek))
            status, answer, error = self.lineside("setup", recipe, disk, *self.products(), "--root-password-file", password, "--yes", "--json", "--work", self.folder)
            self.assertEqual((status, answer["verdict"]), (0, "PASS"), (answer, error))
            self.assertEqual({p["name"]: p["proof"] for p in answer["targets"][0]["products"]},
                             {"Uboot": "kept", "Linux_Boot": "files", "Rootfs_Rootfs": "files", "Misc_Root": "files"})
            with open(self.path("rootfs.tar.gz"), "rb") as file:
                self.assertEqual(answer["targets"][0]["products"][0]["sha256"], hashlib.sha256(file.read()).hexdigest())
            self.look(disk, table, answer)
            with open(disk, "rb") as file:
                file.seek(seek * 1024)
                self.assertEqual(file.read(len(self.uboot)), self.uboot)
            status, answer, error = self.lineside("check-mmc", disk, "--json")
            self.assertEqual((status, [p["verdict"] for p in answer["partitions"]]), (0, ["clean"] * 3), error)
            status, answer, _ = self.lineside("check-mmc", disk, "ext4", "--json")
            self.assertEqual([p["verdict"] for p in answer["partitions"]], ["skipped", "clean", "skipped"])

    @needs_loops
    def test_a_real_block_device(self):
        disk = self.disk("device.img")
        loop = self.attach(disk)
        try:
            recipe = self.path("board_small.yml", RECIPE % ("gpt", 64))
            relative = [word.replace(self.folder + "/", "") for word in self.products()]  # unpacking changes folders
            status, answer, error = self.lineside("setup", recipe, loop, *relative, "--keep-root-password", "--yes", "--json", "--work", ".", cwd=self.folder)
            self.assertEqual((status, answer["verdict"]), (0, "PASS"), (answer, error))
            self.assertEqual(self.lineside("check-mmc", loop)[0], 0)
        finally:
            tell("losetup", "-d", loop)

    @needs_loops
    def test_what_fails_half_way_leaves_no_table(self):
        recipe = self.path("board.yml", (RECIPE % ("msdos", 8)).replace("dd if", "false if"))
        disk = self.disk()
        status, answer, _ = self.lineside("setup", recipe, disk, *self.products(), "--keep-root-password", "--yes", "--json", "--work", self.folder)
        self.assertEqual((status, answer["targets"][0]["verdict"], answer["targets"][0]["error"]["code"]), (1, "ERROR", "tool.failed"))
        with open(disk, "rb") as file:
            self.assertEqual(file.read(MIB), bytes(MIB))
        # A command that overwrites the table it stands in is found.
        recipe = self.path("board.yml", RECIPE % ("gpt", 0))
        status, answer, _ = self.lineside("setup", recipe, disk, *self.products(), "--keep-root-password", "--yes", "--json", "--work", self.folder)
        self.assertEqual((status, answer["targets"][0]["error"]["code"]), (1, "image.mismatch"))
        # And one that writes into a file system.
        recipe = self.path("board.yml", RECIPE % ("msdos", 1024 * 41 + 5))
        status, answer, _ = self.lineside("setup", recipe, disk, *self.products(), "--keep-root-password", "--yes", "--json", "--work", self.folder)
        self.assertEqual((status, answer["targets"][0]["error"]["code"]), (1, "image.mismatch"))
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("lineside-setup-") and os.path.isdir(self.path(name))], [])

    @needs_loops
    def test_four_partitions_in_percent_and_each_file_system(self):
        recipe = self.path("p.yml", """type: mmc
recipe:
  partition_table: msdos
  partitions:
    - {name: a, size: 25%, fs_type: ext2, mount_point: , mount_opts: , flags: }
    - {name: b, size: 25 %, fs_type: ext3, mount_point: , mount_opts: , flags: }
    - {name: c, size: 25%, fs_type: vfat, mount_point: , mount_opts: , flags: }
    - {name: d, size: 25%, fs_type: ext4, mount_point: , mount_opts: , flags: }
  load: {}
""")
        disk = self.disk(mib=101)
        status, answer, error = self.lineside("setup", recipe, disk, "--yes", "--json")
        self.assertEqual((status, answer["verdict"]), (0, "PASS"), (answer, error))
        self.assertEqual([p["bytes"] // MIB for p in answer["targets"][0]["partitions"]], [25, 25, 25, 25])
        status, answer, _ = self.lineside("check-mmc", disk, "--json")
        self.assertEqual([(p["fs_type"], p["verdict"]) for p in answer["partitions"]], [("ext2", "clean"), ("ext3", "clean"), ("vfat", "clean"), ("ext4", "clean")])

    @needs_loops
    def test_check_mmc_finds_damage(self):
        recipe = self.path("one.yml", "type: mmc\nrecipe:\n  partition_table: gpt\n  partitions:\n    - {name: a, size: max, fs_type: ext4, mount_point: , mount_opts: , flags: }\n  load: {}\n")
        disk = self.disk(mib=40)
        self.assertEqual(self.lineside("setup", recipe, disk, "--yes", "--json")[0], 0)
        with open(disk, "r+b") as file:
            file.seek(MIB + 4096 * 5)  # group descriptors and bitmaps
            file.write(b"\xff" * 65536)
        status, answer, _ = self.lineside("check-mmc", disk, "--json")
        self.assertEqual((status, answer["partitions"][0]["verdict"]), (1, "faulty"))
        self.assertEqual(self.lineside("check-mmc", self.disk("empty.img", 8), "--json")[0], 2)

    def refused(self, recipe, disk, *arguments):
        with open(disk, "rb") as file:
            before = file.read(64)
        status, answer, error = self.lineside("setup", recipe, disk, "--json", "--yes", *arguments)
        self.assertEqual((status, answer["verdict"]), (2, "ERROR"), (answer, error))
        with open(disk, "rb") as file:
            self.assertEqual(file.read(64), before)
        return answer["error"]

    def test_tars_that_leave_their_folder_are_refused_before_a_byte(self):
        recipe = self.path("t.yml", "type: mmc\nrecipe:\n  partition_table: msdos\n  partitions:\n"
                           "    - {name: r, size: max, fs_type: ext4, mount_point: /, mount_opts: , flags: }\n  load:\n    Rootfs_Rootfs: {device: 0}\n")
        disk = self.path("d.img", b"precious" * 8)
        os.truncate(disk, 40 * MIB)
        link = {"type": tarfile.SYMTYPE}
        for number, members in enumerate([
                [("/etc/passwd", b"x", {})], [("../x", b"x", {})], [("a/../../x", b"x", {})], [("..", None, {})],
                [("a", b"", {**link, "linkname": "/etc"}), ("a/passwd", b"x", {})], [("a", b"", {**link, "linkname": ".."}), ("a/b/c", b"x", {})],
                [("a", b"", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"})], [("a", b"", {"type": tarfile.LNKTYPE, "linkname": "../../x"})],
                [("a", b"", {"type": tarfile.LNKTYPE, "linkname": "later"}), ("later", b"x", {})],
                [("d", None, {}), ("d/f", b"x", {}), ("d", b"", {**link, "linkname": "/etc"})]]):
            tar = self.tar("bad%d.tar" % number, members)
            error = self.refused(recipe, disk, "--product", "Rootfs_Rootfs=" + tar)
            self.assertEqual(error["code"], "media.source", members)
            self.assertIn("is refused", error["message"])
        with open(self.rootfs(), "rb") as file:
            cut = self.path("cut.tar.gz", file.read()[:-20000])
        self.assertEqual(self.refused(recipe, disk, "--product", "Rootfs_Rootfs=" + cut)["code"], "media.source")
        self.assertFalse(os.path.exists("/var/tmp/x"))

    def test_what_cannot_work_is_told_before_a_byte(self):
        recipe = self.path("board.yml", RECIPE % ("msdos", 8))
        disk = self.path("d.img", b"precious" * 8)
        os.truncate(disk, 300 * MIB)
        products = self.products()
        keep = ("--keep-root-password", "--work", self.folder)
        self.assertIn("passwords", self.refused(recipe, disk, *products)["message"])
        self.assertIn("Uboot", self.refused(recipe, disk, *products[2:], *keep)["message"])
        self.assertIn("Linux_Root", self.refused(recipe, disk, *products, "--product", "Linux_Root=" + disk, *keep)["message"])
        self.assertEqual(self.refused(recipe, disk, "--product", "Nothing=x", *keep)["code"], "request.invalid")
        self.assertEqual(self.refused(self.path("bad_x_y.yml", RECIPE % ("msdos", 8)), disk, *products, *keep)["code"], "config.invalid")
        self.assertEqual(self.refused(recipe, self.path("no.img", b"x" * 4096), *products, *keep)["code"], "media.too_small")
        self.assertEqual(self.refused(self.path("b.yml", (RECIPE % ("msdos", 8)).replace("40mb", "400gb")), disk, *products, *keep)["code"], "media.too_small")
        self.assertEqual(self.refused(self.path("b.yml", (RECIPE % ("msdos", 8)).replace("dd if", "no-such-program if")), disk, *products, *keep)["code"], "tool.missing")
        self.assertEqual(self.refused(self.path("b.yml", (RECIPE % ("msdos", 8)).replace("name: boot", "name: 'bo*t'")), disk, *products, *keep)["code"], "config.invalid")
        # FAT holds no links; a tar for a command holds one file.
        fat = self.tar("fat.tar", [("a", b"", {"type": tarfile.SYMTYPE, "linkname": "b"})])
        self.assertEqual(self.refused(recipe, disk, *[p.replace(self.path("boot.tar"), fat) for p in products], *keep)["code"], "media.source")
        two = self.tar("two.tar", [("a", b"1", {}), ("b", b"2", {})])
        self.assertEqual(self.refused(recipe, disk, *[p.replace(self.path("u-boot.bin"), two) for p in products], *keep)["code"], "media.source")
        status, answer, _ = self.lineside("setup", recipe, disk, *products, *keep, "--json")  # nobody says yes
        self.assertEqual((status, answer["error"]["code"]), (2, "request.invalid"))
        self.assertEqual(self.lineside("setup", recipe, "/dev/null", *products, *keep, "--yes", "--json")[1]["error"]["code"], "media.forbidden")
        self.assertEqual(self.lineside("setup", recipe, disk, self.path("./d.img"), *products, *keep, "--yes", "--json")[1]["error"]["code"], "request.invalid")

    @needs_loops
    def test_a_disk_in_use_is_never_written(self):
        disk = self.disk("used.img", 60)
        tell("mkfs.ext4", "-q", "-F", disk)
        folder = tempfile.mkdtemp(dir=self.folder)
        loop = self.attach(disk)
        tell("mount", loop, folder)
        try:
            recipe = self.path("board.yml", RECIPE % ("msdos", 8))
            status, answer, _ = self.lineside("setup", recipe, loop, *self.products(), "--keep-root-password", "--yes", "--json", "--work", self.folder)
            self.assertEqual((status, answer["error"]["code"]), (2, "media.forbidden"))
            self.assertEqual(self.lineside("check-mmc", loop, "--json")[0], 2)
        finally:
            tell("umount", folder)
            tell("losetup", "-d", loop)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
