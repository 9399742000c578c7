#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The worker jetson-usb in its other ways, against stand-in packages and boards of the virtual line: each with a good run and with the
faults it has to find. Never a result that is ok, always the right code, in bounded time.

    ways_test.py BINDIR METHODSDIR
"""
import os
import shutil
import subprocess
import sys
import time
import unittest

import jetson_usb_test as flash
from played_station import Worker

HERE = os.path.dirname(os.path.abspath(__file__))
WAYS = ("massflash", "initrd", "tegraflash")
GOOD = {"massflash": b"*** Rebooting the device succeeded.", "initrd": b"Flash is successful", "tegraflash": b"Final status: SUCCESS"}


def setUpModule():
    flash.setUpModule()
    for way in WAYS:
        subprocess.run([flash.BSP + "/make-package", "--bsp", flash.FOLDER + "/bsp", "--kind", way, "--out", flash.FOLDER + "/" + way], check=True)


def tearDownModule():
    flash.tearDownModule()


class Line(flash.Line):
    def start_way(self, number, way, fault="", silence=5, params=None, total=60):
        lane = "%s/lane%d" % (self.dir, number)
        if not os.path.exists(lane):
            subprocess.run(["cp", "-a", "--reflink=auto", flash.FOLDER + "/" + way, lane], check=True)
        if fault:
            with open(lane + "/stand-in-fault", "w") as file:
                file.write(fault)
        # Where the package's scripts look for it.
        if fault and way == "initrd":
            shutil.copy(lane + "/stand-in-fault", lane + "/bootloader/stand-in-fault")
        self.wait(number, "recovery")
        job = self.job(number, lane, silence, way=way, **(params or {}))
        for of_a_tree in ("board", "rootdev"):
            del job["params"][of_a_tree]
        job["limits"]["total_s"] = total
        environment = {"PATH": os.environ["PATH"], "HOME": "/tmp", "LANG": "C.UTF-8", **self.environment}
        return Worker(flash.METHODS + "/jetson-usb/jetson-usb", job, environment, None, self.port_events(number))


class Ways(unittest.TestCase):
    def line(self, *arguments):
        line = Line(*arguments)
        self.addCleanup(line.stop)
        return line

    def check_good(self, line, number, worker, way):
        result = worker.run()
        self.assertTrue(result and result["ok"], (way, result, worker.log[-3000:].decode(errors="replace")))
        self.assertEqual(worker.facts()["chip_id"], line.board(number)["br_cid"])
        ask, = worker.of("ask")
        self.assertEqual((ask["what"], ask["args"]["chip_id"]), ("unit.admit", line.board(number)["br_cid"]))
        self.assertIn(GOOD[way] if not worker.doflash else b"Coldbooting the device", worker.log)
        self.assertTrue(os.path.exists("%s/boards/%d/storage.img" % (line.dir, number)))
        done = 0
        for entry in worker.lines:
            if entry["ev"] == "phase":
                done = 0
            elif entry["ev"] == "progress":
                self.assertGreaterEqual(entry["done"], done)
                done = entry["done"]

    def test_good_run_of_each_way(self):
        line = self.line(4)
        for number, way in enumerate(WAYS, 1):
            with self.subTest(way=way):
                worker = line.start_way(number, way)
                worker.doflash = False
                self.check_good(line, number, worker, way)
        worker = line.start_way(4, "tegraflash", params={"tool": "doflash.sh"})
        worker.doflash = True
        self.check_good(line, 4, worker, "tegraflash")

    def test_refused_unit_is_not_written_in_any_way(self):
        line = self.line(3)
        refusal = {"ok": False, "error": {"code": "unit.duplicate_chip", "kind": "station", "message": "twice", "hint": "", "retry": False}}
        for number, way in enumerate(WAYS, 1):
            with self.subTest(way=way):
                worker = line.start_way(number, way)
                worker.answers = {"unit.admit": refusal}
                result = worker.run()
                self.assertEqual((result["ok"], result["error"]["code"]), (False, "unit.duplicate_chip"))
                self.assertFalse(os.path.exists("%s/boards/%d/storage.img" % (line.dir, number)))

    # way, fault of the package, fault of the board, code, seconds at most
    FAULTS = [
        ("massflash", "slow-bootloader", "none", ("usb.link",), 20),
        ("massflash", "gpt", "none", ("unit.storage",), 20),
        ("massflash", "hang", "none", ("tool.silence",), 25),
        ("massflash", "", "unplug:47=1", ("usb.left",), 25),
        ("massflash", "", "stall=1", ("tool.silence",), 40),
        ("massflash", "", "lying-tool=1", ("tool.no_proof",), 25),
        ("massflash", "", "kill-tool=1", ("tool.died", "tool.failed"), 25),
        ("tegraflash", "failed", "none", ("unit.storage",), 25),
        ("tegraflash", "pending", "none", ("unit.storage",), 25),
        ("tegraflash", "no-usb", "none", ("usb.no_device",), 25),
        ("tegraflash", "no-disk", "none", ("tool.silence", "usb.link"), 30),
        ("tegraflash", "no-id", "none", ("tool.failed",), 25),
        ("tegraflash", "", "unplug:47=1", ("usb.left",), 30),
        ("tegraflash", "", "stall=1", ("tool.silence",), 60),
        ("tegraflash", "", "lying-tool=1", ("tool.no_proof",), 30),
        ("initrd", "no-boot", "none", ("usb.link",), 30),
        ("initrd", "no-ssh", "none", ("usb.link",), 30),
        ("initrd", "ssh", "none", ("usb.link",), 25),
        ("initrd", "nfs", "none", ("host.unfit",), 25),
        ("initrd", "mount", "none", ("usb.link",), 25),
        ("initrd", "qspi", "none", ("unit.storage",), 25),
        ("initrd", "emmc", "none", ("unit.storage",), 25),
        ("initrd", "silent", "none", ("tool.silence",), 40),
        ("initrd", "", "unplug:47=1", ("usb.left",), 30),
        ("initrd", "", "stall=1", ("tool.silence",), 60),
        ("initrd", "", "lying-tool=1", ("tool.no_proof",), 30),
    ]

    def test_faults_by_table(self):
        for way, fault, board, codes, seconds in self.FAULTS:
            with self.subTest(way=way, fault=fault, board=board):
                line = Line(1, board)
                try:
                    params = {"silence_s": {"item": 6}} if way == "tegraflash" else {}
                    worker = line.start_way(1, way, fault, silence=6, params=params)
                    began = time.monotonic()
                    result = worker.run(120)
                    self.assertIsNotNone(result, worker.log[-2000:])
                    self.assertFalse(result["ok"], worker.log[-2000:])
                    self.assertIn(result["error"]["code"], codes, (result, worker.log[-1500:].decode(errors="replace")))
                    self.assertLess(time.monotonic() - began, seconds)
                finally:
                    line.stop()

    def test_late_word_of_a_unit_that_is_back_is_waited_for(self):
        """The tool fails while the last the station said is that the unit is away, as it was to be."""
        line = self.line(1)
        worker = line.start_way(1, "initrd", "ssh")
        events, told, held = worker.port_events, [], []

        def late():
            for message in events():
                if held or message["present"]:
                    held.append(message)
                else:
                    told.append(message)
                    yield message
            if held and b"Cleaning up" in worker.log:
                told.append("the tool has failed")
                yield from held
                held.clear()

        worker.port_events = late
        result = worker.run()
        self.assertEqual((result["ok"], result["error"]["code"]), (False, "usb.link"), result)
        self.assertEqual([bool(message == "the tool has failed") for message in told], [False, True], "away, the failure, and only then back")

    def test_wrong_usb_id_is_found_before_the_unit_is_touched(self):
        line = self.line(3)
        for number, way in enumerate(WAYS, 1):
            with self.subTest(way=way):
                worker = line.start_way(number, way, params={"usb_ids": ["0955:7019"]})
                result = worker.run()
                self.assertEqual((result["ok"], result["error"]["code"]), (False, "order.wrong_model"))
                self.assertEqual(worker.log, b"")

    def test_each_run_of_initrd_has_an_instance_of_its_own(self):
        line = self.line(3)
        workers = [line.start_way(number, "initrd", silence=20) for number in (1, 2, 3)]
        for worker in workers[1:]:
            worker.run(until=lambda w: b"Create flash environment" in w.log)
        workers[0].run(until=lambda w: b"Create flash environment" in w.log)
        names = {worker.log.split(b"Create flash environment ")[1].split(b"\n")[0] for worker in workers}
        self.assertEqual(len(names), 3, names)
        # A killed worker gives its instance back.
        for worker in workers:
            worker.process.kill()
            worker.process.wait()

    def test_gpt_of_another_unit_is_not_taken(self):
        line = self.line(1)
        worker = line.start_way(1, "massflash")
        lane = line.dir + "/lane1"
        for name in ("mbr_1_3.bin", "gpt_primary_1_3.bin", "gpt_secondary_1_3.bin", "gpt_secondary_3_0.bin"):
            with open(os.path.join(lane, name), "w") as file:
                file.write("of a smaller unit")
        self.assertTrue(worker.run()["ok"], worker.log[-2000:])
        self.assertIn(b"*** Generating GPT succeeded.", worker.log)


if __name__ == "__main__":
    if os.geteuid() != 0 or not os.access(flash.BIN + "/lineside-line", os.X_OK) or not os.access(flash.METHODS + "/jetson-usb/jetson-usb", os.X_OK):
        print("needs root, the folder of lineside-line and the methods folder as arguments")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
