#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""board-os and check-storage: units booted from storage files written directly, real ssh, kills, nothing left behind."""
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BSP = os.path.join(HERE, "../stand-in-bsp")
BOARD = "jetson-xavier-nx-devkit-emmc"
FOLDER = None  # of the whole file: the built BSP tree, and one flashed storage to copy


def setUpModule():
    global FOLDER
    FOLDER = tempfile.mkdtemp(prefix="board-os.", dir="/var/tmp")
    tree = FOLDER + "/bsp"
    subprocess.run([BSP + "/make-bsp", "--out", tree], check=True)
    with open(tree + "/bootloader/recovery.img", "wb") as file:  # so that this run touches no host-wide name in /tmp
        file.write(b"ANDROID!" + bytes(range(256)) * 1000)
    subprocess.run(["./flash.sh", "--no-flash", BOARD, "mmcblk0p1"], cwd=tree, check=True, capture_output=True,
                   env={"PATH": os.environ["PATH"], "USER": "root", "SKIP_REC_IMG": "1"}, stdin=subprocess.DEVNULL)
    subprocess.run([HERE + "/make-storage", "--bsp", tree, "--out", FOLDER + "/flashed.img"], check=True)
    with open(FOLDER + "/askpass", "w") as file:
        file.write("#!/bin/sh\necho reeplayer\n")
    os.chmod(FOLDER + "/askpass", 0o755)


def tearDownModule():
    subprocess.run([HERE + "/board-os", "sweep", "--dir", FOLDER], check=False)
    shutil.rmtree(FOLDER)


class Unit:
    numbers = 0

    def __init__(self, line, faults=()):
        Unit.numbers += 1
        self.number = Unit.numbers
        self.dir = "%s/boards/%d" % (line, self.number)
        self.ifname = "lt%d-%d" % (os.getpid() % 100000, self.number)
        os.makedirs(self.dir)
        with open(self.dir + "/board.json", "w") as file:
            json.dump({"board": self.number, "module_serial": "14240000%05d" % self.number, "ecid": "0x716636a62b640a08",
                       "faults": list(faults)}, file)

    def flash(self):
        subprocess.run(["cp", "--sparse=always", FOLDER + "/flashed.img", self.dir + "/storage.img"], check=True)
        return self

    def os(self, verb, *more):
        return subprocess.run([HERE + "/board-os", verb, "--dir", self.dir, *more], capture_output=True, text=True, check=False)

    def start(self):
        done = self.os("start", "--ifname", self.ifname)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return self

    def up(self):
        with open(self.dir + "/os.json") as file:
            return json.load(file)

    def ssh(self, command, stdin=None, address="fe80::1%%%s"):
        return subprocess.run(
            ["ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
             "-o", "PubkeyAuthentication=no", "-o", "ConnectTimeout=10", "reeplayer@" + address % self.ifname, command],
            env=dict(os.environ, SSH_ASKPASS=FOLDER + "/askpass", SSH_ASKPASS_REQUIRE="force"), input=stdin or "",
            capture_output=True, text=True, timeout=60, check=False)

    def wait_down(self):
        try:
            watch = os.pidfd_open(self.up()["pid"])
            if not select.select([watch], [], [], 20)[0]:
                raise AssertionError("the unit stays up")
            os.close(watch)
        except ProcessLookupError:
            pass
        try:
            with open(self.dir + "/os-exit") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def left(self):
        """What the host still has of this unit."""
        found = []
        for name in os.listdir("/sys/class/block"):
            try:
                with open("/sys/class/block/%s/loop/backing_file" % name) as file:
                    if self.dir in file.read():
                        found.append(name)
            except OSError:
                pass
        with open("/proc/self/mountinfo") as file:
            found += [line for line in file if self.dir in line]
        if os.path.exists("/sys/class/net/" + self.ifname):
            found.append(self.ifname)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/mountinfo" % pid) as file:
                    found += [pid] if self.dir in file.read() else []
            except OSError:
                pass
        return found


class Boards(unittest.TestCase):
    def setUp(self):
        self.line = tempfile.mkdtemp(prefix="line.", dir=FOLDER)

    def unit(self, *faults):
        unit = Unit(self.line, faults)
        self.addCleanup(unit.os, "stop")
        return unit

    def check(self, *more):
        done = subprocess.run([HERE + "/check-storage", "--dir", self.line, "--bsp", FOLDER + "/bsp", *more],
                              capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout)

    def test_login_serial_reboot_and_read_back(self):
        unit = self.unit().flash().start()
        who = unit.ssh("id -un; cat /sys/devices/platform/efuse-burn/ecid; sudo -n id -u; echo reeplayer | sudo -S -p '' id -u")
        self.assertEqual(who.stdout.split(), ["reeplayer", "0x716636a62b640a08", "0", "0"], who.stderr)
        serial = unit.ssh("od -An -c /sys/firmware/devicetree/base/serial-number").stdout.split()
        self.assertEqual(serial, list("14240000%05d" % unit.number) + ["\\0"])
        done = unit.ssh("system-tools/set-serial.sh -s RC26-00001 -T - && sudo reboot", "a token\n")
        self.assertEqual(unit.wait_down(), "reboot", done)
        unit.start()
        self.assertFalse(os.path.exists(unit.dir + "/os-exit"))
        self.assertEqual(unit.ssh("system-tools/get-serial.sh").stdout, "RC26-00001\n")
        code, answer = self.check()  # while it runs
        self.assertEqual((code, answer["boards"][0]["serial"]), (0, "RC26-00001"), answer)
        self.assertEqual(unit.os("stop").returncode, 0)
        self.assertEqual(unit.left(), [])
        code, answer = self.check()
        self.assertEqual((code, answer["equal"], answer["image_partitions"]), (0, 1, 12), answer)
        self.assertGreaterEqual(answer["image_files"], 500)

    def test_partitions_seen_inside_are_those_of_the_storage(self):
        unit = self.unit().flash().start()
        names = unit.ssh("ls /dev/disk/by-partlabel").stdout.split()
        self.assertEqual(len(names), 12)
        inside = unit.ssh("sudo sh -c 'sync; echo 3 >/proc/sys/vm/drop_caches; sha256sum /dev/disk/by-partlabel/kernel_b'")
        outside = subprocess.run("dd if=%s/storage.img bs=512 skip=13312 count=8192 status=none | sha256sum" % unit.dir,
                                 shell=True, capture_output=True, text=True, check=True).stdout
        self.assertEqual(inside.stdout.split()[:1], outside.split()[:1], inside.stderr)
        self.assertNotEqual(unit.ssh("sudo sysctl -w kernel.hostname=x || sudo sh -c 'echo 1 >/proc/sys/vm/swappiness'").returncode, 0)

    def test_a_unit_writes_back_its_own_disks_only(self):
        unit = self.unit().flash().start()
        disk = self.line + "/neighbour.img"
        with open(disk, "wb") as file:
            file.truncate(16 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", "-E", "lazy_itable_init=0", disk], check=True)
        loop = subprocess.run(["losetup", "--find", "--show", disk], capture_output=True, text=True, check=True).stdout.strip()
        self.addCleanup(subprocess.run, ["losetup", "--detach", loop], check=False)
        folder = self.line + "/neighbour"
        os.makedirs(folder)
        subprocess.run(["mount", "-o", "noinit_itable", loop, folder], check=True)
        self.addCleanup(subprocess.run, ["umount", folder], check=False)

        def written():
            with open("/sys/block/%s/stat" % os.path.basename(loop), encoding="ascii") as stat:
                return int(stat.read().split()[6])

        def sync_neighbour():
            subprocess.run(["sync", "--file-system", folder], check=True)

        def spared():
            """Whether a unit's sync left the neighbour's bytes where they were, in memory."""
            sync_neighbour()
            before = written()
            with open(folder + "/film", "wb") as file:
                file.write(bytes(1 << 20))
            done = unit.ssh("echo film >film; sudo sync")
            self.assertEqual(done.returncode, 0, done.stderr)
            return written() == before

        # Somebody else on the host may sync at that very moment, but hardly each time.
        self.assertTrue(any(spared() for _ in range(10)))
        before = written()
        with open(folder + "/another", "wb") as file:
            file.write(bytes(1 << 20))
        sync_neighbour()
        self.assertGreater(written(), before)       # what is written there is counted here

    def test_two_units_at_the_same_addresses(self):
        units = [self.unit().flash().start() for _ in range(2)]
        for unit in units:
            self.assertEqual(unit.ssh("tr -d '\\0' </sys/firmware/devicetree/base/serial-number").stdout,
                             "14240000%05d" % unit.number)

    def test_nvme_is_formatted_once_per_flash_and_keeps_its_data(self):
        unit = self.unit().flash().start()
        self.assertEqual(unit.ssh("system-tools/set-nvme.sh && echo film >/mnt/data/film").returncode, 0)
        again = unit.ssh("system-tools/set-nvme.sh")
        self.assertEqual(again.returncode, 3, again.stderr)
        unit.os("stop")
        unit.start()
        self.assertEqual(unit.ssh("cat /mnt/data/film").stdout, "film\n")
        unit.os("stop")
        unit.flash().start()
        self.assertEqual(unit.ssh("system-tools/set-nvme.sh").returncode, 0)
        self.assertEqual(unit.ssh("cat /mnt/data/film").returncode, 1)

    def test_other_tools(self):
        unit = self.unit().flash().start()
        done = unit.ssh("cd system-tools && ./set-wifi-ap.sh -a 10.0.0.1 -s 'Reeplayer 1' -p 'se\"cret$1' && "
                        "./set-wifi-station.sh -s Guest -p '' && ./set-service.sh -d true && ./install-mcutool.sh && ./install-mcutool.sh "
                        "&& ./install-camera.sh 1.2.3 && sudo cat /etc/reeplayer/wifi-ap")
        self.assertIn('password=se"cret$1', done.stdout, done.stderr)
        self.assertIn("installed already", done.stdout)
        self.assertNotEqual(unit.ssh("system-tools/install-camera.sh").returncode, 0)
        unit.os("stop")
        self.assertEqual(self.check("--may-lack")[0], 0)

    def test_faults(self):
        unit = self.unit("step-once:set-serial", "step-always:install-camera", "other-serial").flash().start()
        command = "system-tools/set-serial.sh -s RC26-00002 -t t"
        self.assertEqual(unit.ssh(command).returncode, 1)
        unit.ssh("sudo reboot")
        unit.wait_down()
        unit.start()
        self.assertEqual(unit.ssh(command).returncode, 0)
        self.assertNotEqual(unit.ssh("system-tools/get-serial.sh").stdout, "RC26-00002\n")
        for _ in range(2):
            self.assertEqual(unit.ssh("system-tools/install-camera.sh 1").returncode, 1)
        unit.os("stop")
        unit.flash().start()  # a new image: the fault is there again
        self.assertEqual(unit.ssh(command).returncode, 1)

    def test_ssh_refused_is_up_all_the_same(self):
        unit = self.unit("ssh-refused").flash().start()
        self.assertIn("refused", unit.ssh("true").stderr)

    def test_forced_recovery_and_poweroff_say_why(self):
        unit = self.unit().flash()
        for command, why in (("sudo reboot --force forced-recovery", "recovery"), ("sudo poweroff", "poweroff")):
            unit.start()
            unit.ssh(command)
            self.assertEqual(unit.wait_down(), why)
            unit.os("stop")
            self.assertEqual(unit.left(), [])

    def test_kill_of_init_leaves_nothing(self):
        unit = self.unit().flash().start()
        os.kill(unit.up()["pid"], signal.SIGKILL)
        unit.wait_down()
        self.assertEqual(subprocess.run([HERE + "/board-os", "sweep", "--dir", self.line + "/boards"], check=False).returncode, 0)
        self.assertEqual(unit.left(), [])
        self.assertFalse(os.path.exists(unit.dir + "/os.json"))

    def test_kill_of_start_leaves_nothing(self):
        unit = self.unit().flash()
        for wait in (0.02, 0.04, 0.06, 0.08, 0.1):
            run = subprocess.Popen([HERE + "/board-os", "start", "--dir", unit.dir, "--ifname", unit.ifname])
            time.sleep(wait)  # anywhere in the start
            run.kill()
            run.wait()
            subprocess.run([HERE + "/board-os", "sweep", "--dir", self.line + "/boards"], check=True)
            self.assertEqual(unit.left(), [], wait)

    def test_power_cut_during_the_start_wins(self):
        unit = self.unit().flash()
        for wait in (0, 0.01, 0.03):
            run = subprocess.Popen([HERE + "/board-os", "start", "--dir", unit.dir, "--ifname", unit.ifname])
            while not os.path.exists(unit.dir + "/os.lock"):
                time.sleep(0.001)
            time.sleep(wait)
            self.assertEqual(unit.os("stop").returncode, 0)
            run.wait()
            os.remove(unit.dir + "/os.lock")
            self.assertEqual(unit.left(), [])

    def test_storage_that_cannot_boot_is_dark(self):
        unit = self.unit()
        for content in (None, b"", bytes(70 << 20)):
            if content is not None:
                with open(unit.dir + "/storage.img", "wb") as file:
                    file.write(content)
            done = unit.os("start", "--ifname", unit.ifname)
            self.assertEqual(done.returncode, 1)
            self.assertIn("board-os: %d: " % unit.number, done.stderr)
            self.assertEqual(unit.left(), [])
        unit.flash()
        with open(unit.dir + "/storage.img", "r+b") as file:
            file.seek(18874368)
            file.write(bytes(1 << 20))
        self.assertEqual(unit.os("start", "--ifname", unit.ifname).returncode, 1)
        self.assertEqual(unit.left(), [])

    def test_half_written_app_boots_and_is_seen(self):
        unit = self.unit().flash()
        with open(unit.dir + "/storage.img", "r+b") as file:
            file.seek(18874368 + (24 << 20))
            file.write(bytes(24 << 20))
        unit.start()
        self.assertEqual(unit.ssh("true").returncode, 0)
        unit.os("stop")
        self.assertEqual(self.check("--may-lack")[0], 1)

    def test_check_storage_names_one_bit(self):
        unit = self.unit().flash()
        with open(unit.dir + "/storage.img", "r+b") as file:
            file.seek(22528 * 512 + 100)
            byte = file.read(1)[0]
            file.seek(22528 * 512 + 100)
            file.write(bytes([byte ^ 4]))
        code, answer = self.check("--may-lack")
        self.assertEqual((code, answer["boards"][0]["differences"]), (1, ["partition recovery"]))


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("needs root")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
