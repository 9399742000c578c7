#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The worker jetson-usb against boards of the virtual line, with the station played: every fault that the worker itself has to
find. Neither the helper nor the service is here.

    jetson_usb_test.py BINDIR METHODSDIR
"""
import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from played_line import PlayedLine
from played_station import Worker

HERE = os.path.dirname(os.path.abspath(__file__))
LINE = os.path.join(HERE, "../virtual-line")
BSP = os.path.join(HERE, "../stand-in-bsp")
BOARD = "jetson-xavier-nx-devkit-emmc"
BIN, METHODS = (os.path.abspath(path) for path in sys.argv[1:3]) if len(sys.argv) > 2 else ("", "")
FOLDER = None


def setUpModule():
    global FOLDER
    FOLDER = tempfile.mkdtemp(prefix="jetson-usb-test.", dir="/var/tmp")
    tree = FOLDER + "/bsp"
    subprocess.run([BSP + "/make-bsp", "--out", tree, "--tools", BIN], check=True, stdout=subprocess.DEVNULL)
    with open(tree + "/bootloader/recovery.img", "wb") as file:
        file.write(b"ANDROID!" + bytes(range(256)) * 1000)
    subprocess.run(["./flash.sh", "--no-flash", BOARD, "mmcblk0p1"], cwd=tree, check=True, capture_output=True,
                   env={"PATH": os.environ["PATH"], "USER": "root", "SKIP_REC_IMG": "1"}, stdin=subprocess.DEVNULL)


def tearDownModule():
    shutil.rmtree(FOLDER)


class Line(PlayedLine):
    def __init__(self, boards, faults="none"):
        super().__init__(BIN, FOLDER, boards, faults)

    def job(self, number, lane, silence=5, **params):
        board = self.board(number)
        return {"ev": "job", "v": 1, "job": number, "step": {"name": "flash", "index": 1, "attempt": 1}, "slot": str(number),
                "port": board["port"], "bus_port": board["bus_port"], "model": "xavier-nx", "net": [],
                "unit": {"chip_id": None, "module_serial": None}, "image": {"id": "a" * 64, "dir": "/nowhere"}, "lane": lane,
                "params": {"board": BOARD, "rootdev": "mmcblk0p1", "expect_board": {"id": "3668", "sku": ["0001"]}, **params},
                "secrets": {}, "limits": {"silence_s": silence, "total_s": 60}}

    def start(self, number, answers=None, silence=5, params=None, tool=None):
        lane = "%s/lane%d" % (self.dir, number)
        if not os.path.exists(lane):
            subprocess.run(["cp", "-a", "--reflink=auto", FOLDER + "/bsp", lane], check=True)
        self.wait(number, "recovery")
        if tool:
            with open(lane + "/flash.sh", "w") as file:
                file.write(tool)
        job = self.job(number, lane, silence, **(params or {}))
        environment = {"PATH": os.environ["PATH"], "HOME": "/tmp", "LANG": "C.UTF-8", **self.environment}
        return Worker(METHODS + "/jetson-usb/jetson-usb", job, environment, answers, self.port_events(number))


class Checks(unittest.TestCase):
    def bad(self, worker, code, **more):
        result = worker.run(**more)
        self.assertIsNotNone(result, worker.log[-2000:])
        self.assertFalse(result["ok"], worker.log[-2000:])
        self.assertEqual(result["error"]["code"], code, (result, worker.log[-2000:].decode(errors="replace")))
        self.assertNotEqual(worker.process.returncode, 0)
        return result

    def writes_after(self, line, number, seconds=0.6):
        """Does the board's storage still change after 5 s? What a board was sent already, it may write yet."""
        path = "%s/boards/%d/storage.img" % (line.dir, number)

        def look():
            return os.stat(path).st_mtime_ns if os.path.exists(path) else None

        until = time.monotonic() + 5
        while True:
            before = look()
            time.sleep(seconds)
            if look() == before:
                return False
            if time.monotonic() > until:
                return True


class JetsonUsb(Checks):
    def line(self, *arguments):
        line = Line(*arguments)
        self.addCleanup(line.stop)
        return line

    def test_good_run(self):
        line = self.line(1)
        worker = line.start(1)
        result = worker.run()
        self.assertTrue(result["ok"], (result, worker.log[-2000:]))
        self.assertEqual(worker.process.returncode, 0)
        board, facts = line.board(1), worker.facts()
        self.assertEqual(facts["chip_id"], board["br_cid"])
        self.assertEqual(facts["module_serial"], board["module_serial"])
        self.assertEqual((facts["board.id"], facts["board.sku"]), ("3668", "0001"))
        ask, = worker.of("ask")
        self.assertEqual((ask["what"], ask["args"]["chip_id"]), ("unit.admit", board["br_cid"]))
        self.assertEqual([phase["name"] for phase in worker.of("phase")], ["prepare", "recovery", "erase", "write", "finish"])
        expects = [(line["replug"], line["within_s"]) for line in worker.of("expect")]
        self.assertEqual(expects, [(["0955:7e19"], 120), ([], 0), (["0955:7e19"], 120), ([], 0), (["0955:7020"], 300)])
        self.assertIn(b"*** The target t186ref has been flashed successfully. ***", worker.log)
        self.assertIn(b"%\r", worker.log, "the log is the tool's output byte for byte")
        last = {}
        for entry in worker.lines:
            if entry["ev"] == "phase":
                last = {"done": 0}
            elif entry["ev"] == "progress":
                self.assertGreaterEqual(entry["done"], last["done"])
                last = entry

    def test_eight_at_once(self):
        line = self.line(8)
        workers = [line.start(number) for number in range(1, 9)]
        with concurrent.futures.ThreadPoolExecutor(8) as stations:     # an answer has to come in time
            results = list(stations.map(lambda worker: worker.run(240), workers))
        for worker, result in zip(workers, results):
            self.assertTrue(result["ok"], (result, worker.log[-1500:]))

    def test_lying_tool(self):
        self.bad(self.line(1, "lying-tool=1").start(1), "tool.no_proof")

    def test_wrong_model_before_a_byte_is_written(self):
        line = self.line(1, "wrong-model=1")
        worker = line.start(1)
        result = self.bad(worker, "order.wrong_model")
        self.assertIn("0000", result["error"]["message"])
        self.assertFalse(os.path.exists(line.dir + "/boards/1/storage.img"))
        self.assertNotIn(b"Erasing", worker.log)

    def test_refused_unit_is_not_written(self):
        line = self.line(1)
        refusal = {"ok": False, "error": {"code": "unit.duplicate_chip", "kind": "station", "message": "twice", "hint": "", "retry": False}}
        worker = line.start(1, {"unit.admit": refusal})
        self.bad(worker, "unit.duplicate_chip")
        self.assertFalse(os.path.exists(line.dir + "/boards/1/storage.img"))

    def test_tool_stands_still_while_the_station_thinks(self):
        line = self.line(1)

        def slowly(_ask):
            time.sleep(1.5)
            self.assertFalse(os.path.exists(line.dir + "/boards/1/storage.img"))
            return {"ok": True}

        worker = line.start(1, {"unit.admit": slowly}, silence=1, params={"silence_s": {"host": 10, "sign": 10}})
        self.assertTrue(worker.run()["ok"], worker.log[-1000:])

    def test_unplugged_in_the_middle_of_app(self):
        worker = self.line(1, "unplug:47=1").start(1)
        result = self.bad(worker, "usb.left")
        self.assertIn("APP", result["error"]["message"])

    def test_stalled_unit(self):
        line = self.line(1, "stall=1")
        worker = line.start(1, silence=2)
        self.bad(worker, "tool.silence")
        self.assertFalse(self.writes_after(line, 1))

    def test_killed_tool(self):
        self.bad(self.line(1, "kill-tool=1").start(1), "tool.died")

    def small_lane(self, line):
        """Lane 1 on a file system with 24 MiB of room."""
        lane = line.dir + "/lane1"
        os.mkdir(lane)
        bsp = int(subprocess.run(["du", "-sk", "--apparent-size", FOLDER + "/bsp"], check=True, capture_output=True).stdout.split()[0])
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dk" % (bsp + 24 * 1024), "lane", lane], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", lane], check=True)
        subprocess.run(["cp", "-a", FOLDER + "/bsp/.", lane], check=True)
        return lane

    def test_tool_dies_on_a_full_disk(self):
        line = self.line(1)
        lane = self.small_lane(line)
        result = self.bad(line.start(1, tool="#!/bin/sh\ncat /dev/zero >fill 2>/dev/null\nkill -9 $$\n"), "disk.full")
        self.assertIn(lane, result["error"]["message"])

    def test_full_disk_is_found_before_the_unit_is_touched(self):
        line = self.line(1)
        lane = self.small_lane(line)
        subprocess.run("cat /dev/zero >%s/fill" % lane, shell=True, stderr=subprocess.DEVNULL)
        worker = line.start(1)
        self.bad(worker, "disk.full")
        self.assertEqual(worker.log, b"")

    def test_hub_drop(self):
        line = self.line(2, "hub-drop:1=1")
        for worker in [line.start(1), line.start(2)]:
            self.bad(worker, "usb.left")

    def test_uid_already_taken(self):
        line = self.line(1)
        line.wait(1, "recovery")
        subprocess.run([FOLDER + "/bsp/bootloader/tegrarcm_v2", "--instance", line.board(1)["bus_port"], "--uid"], check=True,
                       env={**os.environ, **line.environment}, stdout=subprocess.DEVNULL)
        self.bad(line.start(1, silence=10), "usb.cycle")

    def test_operator_stops(self):
        line = self.line(1)
        worker = line.start(1)
        worker.run(until=lambda w: b"Writing partition APP" in w.log)
        worker.say({"ev": "stop", "reason": "operator", "grace_s": 5})
        self.bad(worker, "operator.stopped")
        self.assertFalse(self.writes_after(line, 1))

    def test_station_dies(self):
        line = self.line(1)
        worker = line.start(1)
        worker.run(until=lambda w: b"Writing partition APP" in w.log)
        worker.channel.close()
        worker.process.stdout.close()
        self.assertNotEqual(worker.process.wait(10), 0)
        self.assertFalse(self.writes_after(line, 1))

    def test_missing_system_img_is_found_before_the_unit_is_touched(self):
        line = self.line(1)
        subprocess.run(["cp", "-a", FOLDER + "/bsp", line.dir + "/lane1"], check=True)
        os.remove(line.dir + "/lane1/bootloader/system.img")
        worker = line.start(1)
        self.bad(worker, "image.broken")
        self.assertEqual(worker.log, b"")

    def test_model_of_another_id_is_found_before_the_unit_is_touched(self):
        worker = self.line(1).start(1, params={"usb_ids": ["0955:7019"]})
        self.bad(worker, "order.wrong_model")
        self.assertEqual(worker.log, b"")

    def test_preflight_leaves_the_chip_id_unread(self):
        line = self.line(1)
        self.bad(line.start(1, tool="#!/bin/sh\nexit 3\n"), "tool.failed")
        line.wait(1, "recovery")
        done = subprocess.run([FOLDER + "/bsp/bootloader/tegrarcm_v2", "--instance", line.board(1)["bus_port"], "--uid"],
                              env={**os.environ, **line.environment}, capture_output=True, check=False)
        self.assertIn(b"BR_CID", done.stdout)

    def test_nothing_is_left_of_a_double_forked_tool(self):
        line = self.line(1)
        mark = line.dir + "/alive"
        worker = line.start(1, tool="#!/bin/bash\n(setsid bash -c 'while :; do date +%%s.%%N > %s; sleep 0.05; done' &)\nsleep 0.3\nexit 0\n" % mark)
        self.bad(worker, "tool.no_proof")
        before = open(mark).read()
        time.sleep(0.3)
        self.assertEqual(open(mark).read(), before)


if __name__ == "__main__":
    if os.geteuid() != 0 or not os.access(BIN + "/lineside-line", os.X_OK) or not os.access(METHODS + "/jetson-usb/jetson-usb", os.X_OK):
        print("needs root, the folder of lineside-line and the methods folder as arguments")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
