#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The workers image-build and provision-ssh as processes, with the station played: an image built from the stand-in BSP, units
booted from storage files written from it, and the whole recipe over ssh, as an ordinary user without capabilities.

    provisioning_test.py BINDIR METHODSDIR
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
from played_station import Worker  # noqa: E402
from stand_in_engine import ID, Engine  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
LINE = os.path.join(HERE, "../virtual-line")
BSP = os.path.join(HERE, "../stand-in-bsp")
BOARD = "jetson-xavier-nx-devkit-emmc"
METHODS = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else ""
MUTABLE = ["/dev/", "/proc/", "/sys/", "/run/", "/tmp/", "/mnt/", "/lost+found/",
           "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ed25519_key.pub"]
CHIP, ECID = "0x88021911645838891c00000019028200", "0x716636a62b640a08"
TOKEN = "tok/EN+secret=77"
FOLDER = None
STATION = None


class Places:
    """What the root helper gives a build job."""

    def __init__(self, name):
        self.root = os.path.join(FOLDER, name)
        self.bsp, self.images, self.lane = (os.path.join(self.root, n) for n in ("bsp", "images", "lane"))
        self.jobs = 0
        self.engine = None      # of containers
        for folder in (self.images, self.lane):
            os.makedirs(folder)
        subprocess.run([BSP + "/make-bsp", "--out", self.bsp], check=True, stdout=subprocess.DEVNULL)

    def run(self, mode, image=None, secrets=None, **params):
        self.jobs += 1
        out = "%s/out-%d" % (self.root, self.jobs)
        os.makedirs(out)
        job = {"ev": "job", "v": 1, "job": self.jobs, "step": {"name": mode}, "slot": "-", "params": {
            "mode": mode, "profile": "crc-nx", "board": BOARD, "rootdev": "mmcblk0p1", "mutable": MUTABLE, "release": "test", **params}, "secrets": secrets or {}}
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "USER": "root",
                       "LINESIDE_BSP": self.bsp, "LINESIDE_OUT": out, "LINESIDE_IMAGES": self.images}
        mounted = mode == "build"
        folder = "%s/folder-%d" % (self.root, self.jobs)
        if self.engine:
            environment.update({"PATH": self.engine.folder + ":" + environment["PATH"], "LINESIDE_LANE_TREE": self.bsp,
                                "LINESIDE_LANE_FOLDER": folder, "LINESIDE_CONTAINERS": "reeplayer/camera-sw,a/b"})
        if mounted:
            upper, work = (folder + "/" + n for n in ("upper", "work"))
            os.makedirs(upper)
            os.makedirs(work)
            subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                            "lowerdir=%s,upperdir=%s,workdir=%s" % (self.bsp, upper, work), self.lane], check=True)
            job["lane"] = self.lane
        if image:
            job["image"] = {"id": image, "dir": os.path.join(self.images, image)}
        try:
            self.worker = Worker(METHODS + "/image-build/image-build", job, environment)
            result = self.worker.run(120)
        finally:
            if mounted:
                subprocess.run(["umount", self.lane], check=True)
        if result and result["ok"] and mode == "build":
            os.rename(out, os.path.join(self.images, result["value"]["id"]))  # as image-publish does
        return result


class Bench:
    """One image, and its storage file."""

    def __init__(self):
        self.places = Places("bench")
        key = self.places.run("key")["value"]["key"]
        self.built = self.places.run("build", key=key)
        assert self.built["ok"], self.built
        self.image = key
        self.dir = os.path.join(self.places.images, key)
        with open(self.dir + "/image.json") as file:
            self.record = json.load(file)
        subprocess.run([LINE + "/make-storage", "--bsp", self.dir, "--out", FOLDER + "/flashed.img"], check=True)
        # The worker as the helper starts it: another user, no capabilities, no new privileges.
        self.program = FOLDER + "/provision-ssh"
        with open(self.program, "w") as file:
            file.write("#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --no-new-privs %s\n"
                       % (METHODS + "/provision-ssh/provision-ssh"))
        os.chmod(self.program, 0o755)


class Unit:
    numbers = 0

    def __init__(self, *faults):
        Unit.numbers += 1
        self.serial = "14240000%05d" % Unit.numbers
        self.dir = "%s/boards/%d" % (FOLDER, Unit.numbers)
        self.ifname = "pt%d-%d" % (os.getpid() % 100000, Unit.numbers)
        os.makedirs(self.dir)
        with open(self.dir + "/board.json", "w") as file:
            json.dump({"board": Unit.numbers, "module_serial": self.serial, "ecid": ECID, "faults": list(faults)}, file)
        subprocess.run(["cp", "--sparse=always", FOLDER + "/flashed.img", self.dir + "/storage.img"], check=True)
        self.log = b""

    def partition(self, name):
        sys.path.insert(0, LINE)
        import bsp_image
        return next(p for p in bsp_image.partitions(bsp_image.tree_of(STATION.dir)) if p["name"] == name)

    def flip(self, at):
        with open(self.dir + "/storage.img", "r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1]))

    def os(self, verb, *more):
        return subprocess.run([LINE + "/board-os", verb, "--dir", self.dir, *more], capture_output=True, text=True, check=False)

    def start(self):
        done = self.os("start", "--ifname", self.ifname)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return self

    def stop(self):
        self.os("stop")

    def step(self, name, answers=None, secrets=None, events=None, seconds=90, **params):
        """Runs one step on this unit; its result line, with the worker's other lines at self.worker."""
        unit = {"chip_id": CHIP, "module_serial": self.serial}
        unit.update(params.pop("unit", {}))
        job = {"ev": "job", "v": 1, "job": 1, "step": {"name": name, "index": 1, "attempt": 1}, "slot": "1",
               "port": "p", "bus_port": "1-1", "model": "xavier-nx", "net": [self.ifname], "unit": unit,
               "image": {"id": STATION.image, "dir": STATION.dir}, "lane": None, "params": {"step": name, **params},
               "secrets": {"ssh_password": "reeplayer", **(secrets or {})}, "limits": {"silence_s": 60, "total_s": 120}}
        told = {"identity.issue": {"ok": True, "value": {"serial": "RC26-00001", "token": TOKEN}},
                "once.begin": {"ok": True, "value": {"state": "new"}}, **(answers or {})}
        self.worker = Worker(STATION.program, job, {"PATH": "/usr/bin:/bin", "HOME": "/tmp"}, told)
        self.worker.port_events = events or self.worker.port_events
        result = self.worker.run(seconds)
        self.log += self.worker.log
        return result


def setUpModule():
    global FOLDER, STATION
    FOLDER = tempfile.mkdtemp(prefix="provisioning-test.", dir="/var/tmp")
    os.chmod(FOLDER, 0o755)
    STATION = Bench()


def tearDownModule():
    if os.path.isdir(FOLDER + "/boards"):
        subprocess.run([LINE + "/board-os", "sweep", "--dir", FOLDER + "/boards"], check=False)
    shutil.rmtree(FOLDER)


class Images(unittest.TestCase):
    def test_same_tree_same_key_and_one_byte_another(self):
        places = Places("keys")
        first = places.run("key")["value"]
        self.assertEqual(first["key"], STATION.image)  # another folder, the same content
        with open(places.bsp + "/rootfs/etc/hostname", "a") as file:
            file.write("x")
        self.assertNotEqual(places.run("key")["value"]["key"], first["key"])

    def test_image_is_complete(self):
        record = STATION.record
        self.assertEqual(len(record["partitions"]), 12)
        self.assertEqual([p["name"] for p in record["partitions"] if not p["proven"]], ["APP"])
        self.assertGreater(record["files"], 500)
        with open(STATION.dir + "/manifest.jsonl") as file:
            lines = [json.loads(line) for line in file]
        self.assertGreater(sum("xattrs" in line for line in lines), 60)
        self.assertEqual(os.stat(STATION.dir + "/image.json").st_mode & 0o777, 0o644)
        self.assertEqual(os.stat(STATION.dir + "/manifest.jsonl").st_mode & 0o777, 0o644)

    def test_verify_finds_a_flipped_byte(self):
        self.assertTrue(STATION.places.run("verify", STATION.image)["ok"])
        path = STATION.dir + "/tree/bootloader/cboot_t194.bin"
        with open(path, "r+b") as file:
            file.seek(1000)
            byte = file.read(1)
            file.seek(1000)
            file.write(bytes([byte[0] ^ 1]))
            file.flush()
            try:
                result = STATION.places.run("verify", STATION.image)
                self.assertEqual(result["error"]["code"], "image.broken")
                self.assertIn("/bootloader/cboot_t194.bin", result["error"]["message"])
            finally:
                file.seek(1000)
                file.write(byte)
        self.assertTrue(STATION.places.run("verify", STATION.image, full=True)["ok"])


class InContainer(unittest.TestCase):
    def setUp(self):
        self.places = Places(self.id().rpartition(".")[2])
        self.places.engine = self.engine = Engine({})
        self.addCleanup(self.engine.close)

    def test_image_is_built_in_a_container(self):
        container = {"image": "reeplayer/camera-sw:l4t-system-crc-nx-32.7.2-5"}
        more = {"container": container, "prepare": [{"step": "set-wifi-station", "args": {"ssid": "Guest"}}],
                "secrets": {"set-wifi-station.password": "pass $word'1"}}
        key = self.places.run("key", **more)["value"]["key"]
        self.assertEqual([call[0] for call in self.engine.calls], ["--version", "version", "image", "pull", "image"])
        self.assertEqual(self.places.worker.of("phase")[0]["name"], "container", "fetching is told while it is done")
        self.assertNotEqual(key, self.places.run("key", **{**more, "container": None})["value"]["key"], "other tools are another image")
        built = self.places.run("build", key=key, **more)
        self.assertTrue(built["ok"], (built, self.places.worker.log[-2000:]))
        self.assertEqual(len(self.engine.of("pull")), 1)
        runs = self.engine.of("run")
        self.assertEqual([run[run.index("--name") + 1] for run in runs], ["lineside-image-crc-nx"] * 3)
        self.assertEqual(["-i" in run for run in runs], [True, False, False], "the password goes by standard input")
        self.assertEqual([run[run.index("--no-flash"):] for run in runs[1:]],
                         [["--no-flash", BOARD, "mmcblk0p1"], ["--no-flash", "-r", "--sign", BOARD, "mmcblk0p1"]])
        self.assertTrue(all(ID in run for run in runs))
        self.assertNotIn("pass $word", json.dumps(self.engine.calls))
        with open(os.path.join(self.places.images, key, "image.json")) as file:
            record = json.load(file)
        self.assertEqual(record["container"], {"image": container["image"], "digest": "sha256:" + "d" * 64})
        self.assertEqual(built["value"]["container"], record["container"])
        self.assertEqual(len(record["partitions"]), 12)
        with open(os.path.join(self.places.images, key, "manifest.jsonl")) as file:
            self.assertIn('"/etc/reeplayer/wifi-station"', file.read())
        self.assertFalse(os.path.exists(self.places.bsp + "/rootfs/etc/reeplayer/wifi-station"), "the tree is read-only")
        self.assertEqual(self.engine.containers, {})

    def test_container_that_dies_leaves_no_image(self):
        self.engine._run = lambda argv, fds: 137
        result = self.places.run("build", container={"image": "a/b:1"})
        self.assertEqual((result["ok"], result["error"]["code"]), (False, "container.died"))
        self.assertEqual(os.listdir(self.places.root + "/out-1"), [])

    def test_nothing_is_built_without_an_engine(self):
        os.remove(self.engine.folder + "/docker")
        result = self.places.run("key", container={"image": "a/b:1", "engine": "podman"})
        self.assertEqual((result["ok"], result["error"]["code"]), (False, "container.missing"))


class Units(unittest.TestCase):
    def unit(self, *faults):
        unit = Unit(*faults)
        self.addCleanup(unit.stop)
        return unit

    def good(self, result):
        self.assertTrue(result and result["ok"], result)

    def bad(self, result, code, text=""):
        self.assertFalse(result["ok"])
        self.assertEqual(result["error"]["code"], code, result)
        self.assertIn(text, result["error"]["message"])
        return result["error"]

    def test_whole_recipe(self):
        unit = self.unit().start()
        self.good(unit.step("wait-unit", boot_s=20))
        facts = unit.worker.facts()
        self.assertEqual(facts["module_serial"], unit.serial)
        self.assertEqual(facts["ecid"], ECID)
        self.assertTrue(facts["host_key"].startswith("SHA256:"))
        self.assertIn("R32", facts["l4t_release"])
        self.good(unit.step("prove-image"))
        proof = unit.worker.of("proof")[0]["value"]
        self.assertEqual(proof, {"image": STATION.image, "partitions": 11, "files": STATION.record["files"],
                                 "digest": STATION.record["digest"]})
        self.good(unit.step("set-nvme"))
        self.assertEqual([ask["what"] for ask in unit.worker.of("ask")], ["once.begin", "once.done"])
        self.good(unit.step("set-serial"))
        wifi = {"wifi_ap_password": "pass word'1"}
        self.good(unit.step("set-wifi-ap", secrets=wifi, ssid="it's $(a) net"))
        self.good(unit.step("set-wifi-station", ssid="Guest"))
        self.good(unit.step("set-service", develop=True))
        self.good(unit.step("install-mcutool", tool_path="/opt/mcutool/mcutool"))
        self.good(unit.step("install-camera", version="2.11.0", version_file="/opt/camera/version"))
        self.good(unit.step("read-serial"))
        self.assertEqual(unit.worker.of("proof")[0]["value"], {"serial": "RC26-00001"})
        # A second format after one flash: the station says so, and what is there stays.
        self.good(unit.step("set-nvme", {"once.begin": {"ok": True, "value": {"state": "done"}}}))
        self.bad(unit.step("prove-image"), "image.mismatch", "/etc/fstab")  # the recipe has changed it by now
        self.assertNotIn(TOKEN.encode(), unit.log)
        self.assertNotIn(b"pass word", unit.log)

    def test_reboot(self):
        unit = self.unit().start()
        events = []

        def line():  # what the virtual line does when a unit goes down
            while not os.path.exists(unit.dir + "/os-exit"):
                time.sleep(0.02)
            unit.os("stop")
            events.append({"ev": "port", "present": False, "id": "", "net": []})
            time.sleep(0.5)
            unit.start()
            events.append({"ev": "port", "present": True, "id": "0955:7020", "serial": unit.serial, "net": [unit.ifname]})

        thread = threading.Thread(target=line)
        thread.start()
        self.good(unit.step("reboot-and-wait", events=lambda: [events.pop(0)] if events else [], boot_s=30, down_s=20))
        thread.join()
        self.assertEqual([(e["replug"], e["within_s"] > 0) for e in unit.worker.of("expect")], [(["0955:7020"], True), ([], False)])

    def test_one_bit_anywhere_is_named(self):
        unit = self.unit()
        kernel = unit.partition("kernel_b")
        unit.flip(kernel["start"] + 3_000_000)
        unit.start()
        error = self.bad(unit.step("prove-image"), "image.mismatch", "partition kernel_b")
        self.assertEqual(error["kind"], "unit")
        unit.stop()
        unit.flip(kernel["start"] + 3_000_000)
        with open(unit.dir + "/storage.img", "rb") as file, open(STATION.dir + "/tree/rootfs/usr/share/zz-firmware/sensor-07.bin", "rb") as want:
            at = file.read().find(want.read()[:4096])
        self.assertGreater(at, 0)
        unit.flip(at + 100)
        unit.start()
        self.bad(unit.step("prove-image"), "image.mismatch", "file /usr/share/zz-firmware/sensor-07.bin has other content")

    def test_another_unit_is_found(self):
        unit = self.unit().start()
        self.bad(unit.step("wait-unit", unit={"module_serial": "1424000099999"}), "unit.swapped", unit.serial)
        self.bad(unit.step("wait-unit", unit={"chip_id": CHIP[:-5] + "10200"}), "unit.swapped", ECID)
        self.good(unit.step("wait-unit", unit={"chip_id": None, "module_serial": None}))

    def test_no_module_serial(self):
        unit = self.unit()
        with open(unit.dir + "/board.json") as file:
            board = json.load(file)
        board["module_serial"] = "no-serial"
        with open(unit.dir + "/board.json", "w") as file:
            json.dump(board, file)
        unit.start()
        self.bad(unit.step("wait-unit"), "unit.no_serial")

    def test_not_there_refusing_and_denied_are_told_apart(self):
        unit = self.unit("ssh-refused")
        self.bad(unit.step("wait-unit", boot_s=2), "boot.none")
        unit.start()
        self.bad(unit.step("wait-unit", boot_s=30, refused_s=2), "ssh.refused", "2 s")
        other = self.unit().start()
        self.bad(other.step("wait-unit", secrets={"ssh_password": "wrong"}), "ssh.refused", "refuses the login")
        self.bad(other.step("set-service", secrets={"ssh_password": "wrong"}), "ssh.refused")
        self.bad(unit.step("set-service", connect_s=1), "ssh.refused")
        unit.stop()
        self.bad(unit.step("set-service", connect_s=1), "ssh.lost")

    def test_step_faults(self):
        unit = self.unit("step-once:set-serial", "step-always:install-camera", "step-chatty:set-wifi-ap", "other-serial").start()
        error = self.bad(unit.step("set-serial"), "step.set-serial", "try again")
        self.assertTrue(error["retry"])
        self.good(unit.step("set-serial"))
        self.good(unit.step("read-serial"))
        self.assertEqual(unit.worker.of("proof")[0]["value"]["serial"], "RC26-0000X")
        self.bad(unit.step("install-camera", version="1.0"), "step.install-camera", "input/output error")
        self.good(unit.step("set-wifi-ap", secrets={"wifi_ap_password": "12345678"}, ssid="a"))

    def test_chatty_script_that_fails_gives_no_secret_away(self):
        unit = self.unit("step-chatty:set-serial", "step-always:set-serial").start()
        error = self.bad(unit.step("set-serial"), "step.set-serial", "-t ***" if b"-T" not in unit.log else "")
        said = json.dumps(unit.worker.lines)
        self.assertNotIn(TOKEN, said)
        self.assertNotIn(TOKEN, error["message"])

    def test_begun_format_is_not_begun_again(self):
        unit = self.unit("step-always:set-nvme").start()
        self.assertFalse(self.bad(unit.step("set-nvme"), "step.set-nvme", "input/output error")["retry"])
        error = self.bad(unit.step("set-nvme", {"once.begin": {"ok": True, "value": {"state": "begun"}}}), "step.set-nvme", "begun before")
        self.assertEqual(error["hint"], "Flash the unit again")

    def test_power_cut_in_the_middle(self):
        unit = self.unit().start()
        cut = []

        def events():  # as soon as the worker is on the unit
            if not cut and "host_key" in unit.worker.facts():
                cut.append(subprocess.run(["ip", "link", "del", unit.ifname], check=False))
            return []

        begun = time.monotonic()
        result = unit.step("prove-image", connect_s=2, seconds=60, events=events)
        self.assertTrue(cut)
        self.bad(result, "ssh.lost")
        self.assertLess(time.monotonic() - begun, 45)

    def test_stop_is_obeyed(self):
        unit = self.unit()  # dark
        stop = [{"ev": "stop", "reason": "operator", "grace_s": 5}]
        begun = time.monotonic()

        def events():
            return [stop.pop()] if stop and time.monotonic() - begun > 1 else []

        self.bad(unit.step("wait-unit", boot_s=60, events=events), "operator.stopped")
        self.assertLess(time.monotonic() - begun, 6)


if __name__ == "__main__":
    if os.geteuid() != 0 or not METHODS:
        print("needs root and the folder of the methods", file=sys.stderr)
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
