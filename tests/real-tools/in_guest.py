#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs as root in the guest of real_tools_test.py: NVIDIA's unmodified flash.sh under our workers and our root helper, against the
emulated unit.

    in_guest.py BINDIR METHODSDIR UNITDIR [TEST…]
"""
import json
import os
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../vm/lib"))
from helper import Helper, HelperWorker  # noqa: E402
from monitor import Monitor  # noqa: E402
from sparse import content  # noqa: E402
from usb import Unit  # noqa: E402

BIN, METHODS, UNIT = sys.argv[1:4] if len(sys.argv) > 3 else ("", "", "")
FOLDER = "/run/real-tools"
BOARD = "lineside-small-nx"
CHIP, SERIAL = "0x88021911645838891c00000019028200", "1424021000001"
# A board file of our own, as a product has one: NVIDIA's board with a root partition that is written within a minute.
BOARD_FILE = 'source "${LDK_DIR}/jetson-xavier-nx-devkit-emmc.conf";\nROOTFSSIZE=64MiB;\n'
IMAGE_PARAMS = {
    "profile": "nx", "board": BOARD, "rootdev": "mmcblk0p1", "release": "real-tools test",
    "env": {"BOARDID": "3668", "FAB": "100", "BOARDSKU": "0001", "FUSELEVEL": "fuselevel_production"},
    "mutable": ["/dev/", "/proc/", "/sys/", "/run/", "/tmp/", "/mnt/", "/lost+found/", "/var/"]}
FLASH_PARAMS = {"board": BOARD, "rootdev": "mmcblk0p1", "expect_board": {"id": "3668", "sku": ["0001"]}}
# Without KVM all is ten times slower here, and others may use the machine.
SILENCE, TOTAL = 240, 1500


class Bench:
    def __init__(self):
        self.job = 0
        self.tree = FOLDER + "/tree"
        for name in ("bsp", "upper", "work", "tree", "helper"):
            os.makedirs("%s/%s" % (FOLDER, name))
        mount = lambda *words: subprocess.run(["mount", "-t", *words], check=True)
        mount("9p", "-o", "ro,cache=loose,trans=virtio,version=9p2000.L,msize=512000", "bsp", FOLDER + "/bsp")
        with open("%s/upper/%s.conf" % (FOLDER, BOARD), "w", encoding="ascii") as file:
            file.write(BOARD_FILE)
        mount("overlay", "-o", "lowerdir=%s/bsp,upperdir=%s/upper,workdir=%s/work" % ((FOLDER,) * 3), "bsp", self.tree)
        self.helper = Helper(BIN + "/lineside-helper", METHODS, FOLDER + "/helper", {"nx": self.tree})
        self.unit = Unit(Monitor(), UNIT)
        self.image = None

    def line(self, step, params, silence=SILENCE, **more):
        self.job += 1
        return {"ev": "job", "v": 1, "job": self.job, "step": {"name": step, "index": 1, "attempt": 1}, "slot": "1", "port": "p",
                "bus_port": self.unit.bus_port, "model": "xavier-nx", "net": [], "params": params, "secrets": {},
                "unit": {"chip_id": None, "module_serial": None}, "limits": {"silence_s": silence, "total_s": TOTAL}, **more}

    def build(self):
        line = self.line("build", {"mode": "build", **IMAGE_PARAMS}, lane=self.helper.lane)
        worker = HelperWorker(self.helper, "image-build", line, profile="nx", lane=True)
        result = worker.run(TOTAL)
        keep_log("image-build", worker)
        if result and result["ok"]:
            self.helper.ask("image-publish", job=line["job"], image=result["value"]["id"])
            with open("%s/helper/images/%s/image.json" % (FOLDER, result["value"]["id"]), encoding="utf-8") as file:
                self.image = json.load(file)
        self.helper.ask("kill", job=line["job"])
        return result


BENCH = None


def keep_log(name, worker):
    with open("%s/%s.log" % (os.path.dirname(UNIT), name), "wb") as file:
        file.write(worker.log)
    with open("%s/%s.events.jsonl" % (os.path.dirname(UNIT), name), "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in worker.lines)


def tool_processes():
    """Every process of the vendor's tool chain in this guest."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % number, "rb") as file:
                words = file.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "flash.sh" in words or "tegra" in words:
            found.append(words)
    return found


def setUpModule():
    global BENCH
    BENCH = Bench()
    result = BENCH.build()
    if not result or not result["ok"]:
        raise AssertionError("the image was not built: %s" % result)


def tearDownModule():
    BENCH.unit.unplug()
    BENCH.helper.stop()


class RealTools(unittest.TestCase):
    def setUp(self):
        print("-- %s" % self.id().split(".")[-1], flush=True)
        self.begun = time.monotonic()

    def tearDown(self):
        print("   %.0f s" % (time.monotonic() - self.begun), flush=True)

    def flash(self, params=None, admit=None, silence=SILENCE, **orders):
        """One run of the worker with a unit that was just powered on; its result line, the worker at self.worker."""
        BENCH.unit.power_on(**orders)
        self.unannounced, self.before_admit = [], None
        news = BENCH.unit.port_events()

        def events():
            out = news()
            for event in out:
                windows = self.worker.of("expect")
                if not event["present"] and not (windows and windows[-1]["within_s"] > 0):
                    self.unannounced.append("left after %.1f s" % (time.monotonic() - self.worker.started))
            return out

        def asked(ask):
            self.before_admit = BENCH.unit.journal()
            return admit(ask) if admit else {"ok": True}

        image = BENCH.image["id"]
        line = BENCH.line("flash", {**FLASH_PARAMS, **(params or {})}, silence, lane=BENCH.helper.lane,
                          image={"id": image, "dir": "%s/helper/images/%s" % (FOLDER, image)})
        self.worker = HelperWorker(BENCH.helper, "jetson-usb", line, {"unit.admit": asked}, events, image=image, lane=True)
        try:
            result = self.worker.run(TOTAL)
            self.left = tool_processes()
        finally:
            keep_log(self.id().split(".")[-1], self.worker)
            BENCH.helper.ask("kill", job=line["job"])
        self.assertIsNotNone(result, self.worker.log[-3000:].decode(errors="replace"))
        self.orderly()
        return result

    def orderly(self):
        """Phases rise, progress never falls within one."""
        index, done = 0, 0
        for line in self.worker.lines:
            if line["ev"] == "phase":
                self.assertEqual(line["index"], index + 1)
                index, done = line["index"], 0
            elif line["ev"] == "progress":
                self.assertGreaterEqual(line["done"], done)
                self.assertLessEqual(line["done"], line["total"])
                done = line["done"]
        self.assertEqual(self.left, [])
        self.assertEqual([line["msg"] for line in self.worker.of("log") if "left" in line["msg"] and "processes" in line["msg"]], [])

    def happened(self, *events):
        return [entry for entry in BENCH.unit.journal() if entry["ev"] in events]

    def bad(self, result, code):
        self.assertFalse(result["ok"])
        self.assertEqual(result["error"]["code"], code, (result, self.worker.log[-2000:].decode(errors="replace")))
        self.assertNotEqual(self.worker.process.returncode, 0)
        return result["error"]

    def test_1_whole_flash(self):
        def slowly(_ask):  # the tools are stopped meanwhile, for longer than their own 5 s in the boot ROM
            time.sleep(8)
            return {"ok": True}

        result = self.flash(admit=slowly, chip_id=CHIP, serial=SERIAL)
        self.assertTrue(result["ok"], (result, self.worker.log[-3000:].decode(errors="replace")))
        facts = self.worker.facts()
        self.assertEqual(facts["chip_id"], CHIP)
        self.assertEqual({key: facts[key] for key in ("board.id", "board.sku", "board.fab", "board.rev", "module_serial")},
                         {"board.id": "3668", "board.sku": "0001", "board.fab": "100", "board.rev": "F.0", "module_serial": SERIAL})
        self.assertEqual(self.worker.of("phase")[-1]["name"], "finish")
        # The station was asked when the board was known and nothing was written yet.
        self.assertEqual([ask["args"]["chip_id"] for ask in self.worker.of("ask")], [CHIP])
        self.assertEqual(self.worker.of("ask")[0]["args"]["board"], {"id": "3668", "sku": "0001", "fab": "100", "rev": "F.0"})
        self.assertTrue(self.before_admit)
        self.assertEqual([e for e in self.before_admit if e["ev"] in ("erase", "write")], [])
        self.assertEqual(self.unannounced, [])
        # It ended by a cold boot, and all that the image is, is there.
        self.assertEqual(self.happened("reboot")[-1]["n"], 1)
        self.assertEqual(self.happened("checksum wrong", "host refused our packet", "unknown command"), [])
        written = BENCH.unit.written()
        image = {p["name"]: p for p in BENCH.image["partitions"]}
        got = {name: content(written[name]) if name in written else None for name in image}
        differ = sorted(name for name, p in image.items() if got[name] != (p["bytes"], p["sha256"]))
        print("   %d partitions of the image, %d names written, differing: %s" % (len(image), len(written), differ), flush=True)
        # VER holds the time of the run; the station's proof leaves it out, and APP only because a booted unit changes it.
        self.assertEqual(differ, ["VER", "VER_b"])
        self.assertEqual(sorted(name for name, p in image.items() if not p["proven"]), ["APP", "VER", "VER_b"])

    def test_2_wrong_module_is_refused_before_the_first_write(self):
        error = self.bad(self.flash(sku="0000"), "order.wrong_model")
        self.assertIn("0000", error["message"])
        self.assertEqual(self.worker.facts()["board.sku"], "0000")
        self.assertEqual(self.happened("erase", "write"), [])
        self.assertEqual(self.worker.of("ask"), [])

    def test_3_known_unit_is_refused_before_the_first_write(self):
        no = {"ok": False, "error": {"code": "unit.known", "kind": "unit", "message": "was made before", "hint": "", "retry": False}}
        self.bad(self.flash(admit=lambda ask: no), "unit.known")
        self.assertEqual(self.happened("erase", "write"), [])
        self.assertEqual(self.worker.facts()["chip_id"], CHIP)

    def test_4_stall_is_ended_by_the_silence_limit(self):
        error = self.bad(self.flash({"silence_s": {"rootfs": 20, "firmware": 20}}, hang="APP 50"), "tool.silence")
        self.assertIn("APP", error["message"])
        hung = self.happened("hang")
        self.assertEqual([entry["name"] for entry in hung], ["APP"])
        self.assertEqual(self.unannounced, [])

    def test_5_unit_that_leaves_while_it_is_written(self):
        self.bad(self.flash(unplug="APP 50"), "usb.left")
        self.assertNotIn("APP", BENCH.unit.written())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=0)
