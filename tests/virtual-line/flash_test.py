#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The line, the stand-in tools, the stand-in flash.sh and the booted unit together; the station is not here.

    flash_test.py BINDIR
"""
import json
import os
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
BIN = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
FOLDER = None


def setUpModule():
    global FOLDER
    FOLDER = tempfile.mkdtemp(prefix="flash-test.", dir="/var/tmp")
    for name, seed in (("bsp", "1"), ("old", "2")):
        tree = os.path.join(FOLDER, name)
        subprocess.run([BSP + "/make-bsp", "--out", tree, "--tools", BIN, "--content-seed", seed], check=True)
        with open(tree + "/bootloader/recovery.img", "wb") as file:  # so that this run touches no host-wide name in /tmp
            file.write(b"ANDROID!" + bytes(range(256)) * 1000)
        subprocess.run(["./flash.sh", "--no-flash", BOARD, "mmcblk0p1"], cwd=tree, check=True, capture_output=True,
                       env={"PATH": os.environ["PATH"], "USER": "root", "SKIP_REC_IMG": "1"}, stdin=subprocess.DEVNULL)
    subprocess.run([HERE + "/make-storage", "--bsp", FOLDER + "/old", "--out", FOLDER + "/old.img"], check=True)


def tearDownModule():
    shutil.rmtree(FOLDER)


class Line:
    def __init__(self, boards, faults="none"):
        self.dir = tempfile.mkdtemp(prefix="line.", dir=FOLDER)
        self.process = subprocess.Popen(
            [BIN + "/lineside-line", "--boards", str(boards), "--faults", faults, "--dir", self.dir, "--stagger-ms", "1",
             "--board-os", HERE + "/board-os", "--image-old", FOLDER + "/old.img"], stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise AssertionError("the line does not start")
        with open(self.dir + "/env") as file:
            self.environment = dict(line.rstrip("\n").split("=", 1) for line in file)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()

    def board(self, number):
        with open("%s/boards/%d/board.json" % (self.dir, number)) as file:
            return json.load(file)

    def wait(self, number, state, seconds=60):
        until = time.monotonic() + seconds
        while self.board(number)["state"] != state:
            if time.monotonic() > until:
                raise AssertionError("board %d is %s, not %s" % (number, self.board(number)["state"], state))
            time.sleep(0.02)

    def start(self, number, *more, lane=None, **variables):
        """flash.sh -r in a lane of its own, begun."""
        lane = lane or "%s/lane%d" % (self.dir, number)
        if not os.path.exists(lane):
            subprocess.run(["cp", "-a", "--reflink=auto", FOLDER + "/bsp", lane], check=True)
        self.wait(number, "recovery")
        return subprocess.Popen(
            ["./flash.sh", "-r", "--usb-instance", self.board(number)["bus_port"], *more, BOARD, "mmcblk0p1"], cwd=lane,
            env={"PATH": os.environ["PATH"], "USER": "root", "SKIP_REC_IMG": "1", **self.environment, **variables},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")

    def flash(self, number, **variables):
        run = self.start(number, **variables)
        out, error = run.communicate(timeout=100)
        return run.returncode, out, error

    def check(self, *more):
        done = subprocess.run([HERE + "/check-storage", "--dir", self.dir, "--bsp", FOLDER + "/bsp", "--may-lack", *more],
                              capture_output=True, text=True, check=False)
        return {board["board"]: board for board in json.loads(done.stdout)["boards"]}


class Flash(unittest.TestCase):
    def line(self, *arguments):
        line = Line(*arguments)
        self.addCleanup(line.stop)
        return line

    def test_four_boards_at_once_in_four_lanes(self):
        line = self.line(4)
        runs = {number: line.start(number) for number in (1, 2, 3, 4)}
        for number, run in runs.items():
            out, error = run.communicate(timeout=100)
            self.assertEqual(run.returncode, 0, out + error)
            self.assertIn("*** The target t186ref has been flashed successfully. ***", out)
            self.assertIn("BR_CID: " + line.board(number)["br_cid"], out)
            self.assertNotIn("Error: Return value", out)
        for number in runs:
            line.wait(number, "up")
            self.assertTrue(os.path.exists("/sys/class/net/lsb%d" % number))
        for board in line.check().values():
            self.assertTrue(board["equal"], board)
        line.stop()
        self.assertFalse(any(os.path.exists("/sys/class/net/lsb%d" % number) for number in runs))

    def test_the_uid_is_told_once(self):
        line = self.line(1)
        line.wait(1, "recovery")
        tool = [FOLDER + "/bsp/bootloader/tegrarcm_v2", "--instance", line.board(1)["bus_port"], "--uid"]
        first = subprocess.run(tool, env={**os.environ, **line.environment}, capture_output=True, text=True, check=False)
        self.assertIn("BR_CID: " + line.board(1)["br_cid"], first.stdout)
        before = time.monotonic()
        code, _, error = line.flash(1)
        self.assertEqual((code, error.splitlines()[0]), (14, "Error: probing the target board failed."))
        self.assertGreater(time.monotonic() - before, 4)  # the read's own limit: tells it from a missing board

    def test_wrong_instance_is_14_at_once(self):
        line = self.line(1)
        line.wait(1, "recovery")
        before = time.monotonic()
        done = subprocess.run(["./flash.sh", "-r", "--usb-instance", "1-7.7", BOARD, "mmcblk0p1"], cwd=FOLDER + "/bsp", check=False,
                              env={"PATH": os.environ["PATH"], "USER": "root", **line.environment}, capture_output=True)
        self.assertEqual(done.returncode, 14)
        self.assertLess(time.monotonic() - before, 2)

    def test_killed_flash_sh_leaves_the_tool_writing(self):
        line = self.line(1, "stall=1")
        run = line.start(1)
        seen = ""
        while "Writing partition APP" not in seen:
            seen = run.stdout.readline()
            self.assertTrue(seen, "flash.sh ended")
        run.kill()
        run.wait()
        python = [entry for entry in os.listdir(line.dir + "/lane1/bootloader") if entry.isdigit()]
        self.assertEqual(len(python), 1)
        self.addCleanup(shutil.rmtree, line.dir + "/lane1", True)
        again = line.start(1, lane=line.dir + "/other")
        self.assertIn("probing the target board failed", again.communicate(timeout=60)[1])
        self.assertEqual(again.returncode, 14)
        with open("/proc/%s/task/%s/children" % (python[0], python[0])) as file:
            tool = int(file.read().split()[0])
        os.kill(tool, signal.SIGKILL)
        until = time.monotonic() + 20
        while os.path.exists("%s/lane1/bootloader/%s" % (line.dir, python[0])):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)
        run.stdout.close()
        run.stderr.close()

    def test_faults_of_the_image(self):
        line = self.line(6, "lying-tool@1=1,old-image@2=1,one-bit@3=1,half-app@4=1,wrong-model@5=1,unplug:40@6=1")
        runs = {number: line.start(number) for number in range(1, 7)}
        seen = {}
        for number, run in runs.items():
            out, error = run.communicate(timeout=100)
            seen[number] = (run.returncode, "flashed successfully" in out, out, error)
        self.assertEqual(seen[1][:2], (0, False))
        for number in (2, 3, 4, 5):
            self.assertEqual(seen[number][:2], (0, True), seen[number])
            line.wait(number, "up")
        self.assertIn("sku(0000)", seen[5][2])
        self.assertEqual(seen[6][:2], (1, False))
        self.assertIn("Error: Return value 8\nCommand tegradevflash_v2", seen[6][2])
        boards = line.check()
        self.assertTrue(boards[5]["equal"])
        for number in (2, 3, 4):
            self.assertFalse(boards[number]["equal"], boards[number])
        self.assertEqual(len(boards[3]["differences"]), 1)


if __name__ == "__main__":
    if os.geteuid() != 0 or not os.access(BIN + "/lineside-line", os.X_OK):
        print("needs root, and the folder of lineside-line as argument")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
