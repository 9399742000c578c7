#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A flash by the stand-in's tools, the life that follows it, and each fault that the line acts out itself."""
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import line_bench
from line_bench import FAKE_BOARD_OS, Image, Line, MIB, fake_board_os


def made(line, **options):
    line.image = Image(os.path.join(line.dir, "image"), **options)
    return line


class Flash(unittest.TestCase):
    def test_whole_flash_by_the_tools(self):
        with made(Line(boards=3, speed=600, wire=40), app=64 * MIB) as line:
            board = line.wait(2, "recovery")
            self.assertEqual(line.tool(board, "--uid"), "BR_CID: %s\n" % board["br_cid"])
            start = time.monotonic()
            self.assertEqual(line.tool(board, "--uid", status=8), "Failed to read UID\n")
            self.assertTrue(4.9 < time.monotonic() - start < 6)
            line.to_bootloader(2, eeprom=True)
            with open(os.path.join(line.image.dir, "cvm.bin"), "rb") as file:
                eeprom = file.read()
            self.assertEqual(eeprom[20:42], b"699-13668-0001-100 F.0")
            self.assertEqual(eeprom[74:87].decode(), board["module_serial"])
            start = time.monotonic()
            text = line.tool(board, "dev", "--pt", "flash.xml.bin", "--create")
            took = time.monotonic() - start
            self.assertGreater(took, 1.6)                    # 68 MB at 40 MB/s
            self.assertEqual(text.count("] 100%\n"), 6)
            self.assertIn("Erasing spi: 0 ......... [Done]\n", text)
            self.assertIn("Writing partition APP with APP\n", text)
            line.tool(board, "dev", "--reboot", "coldboot")
            line.wait(2, "up")
            arrived = [e for e in line.journal(board=2, event="arrived")]
            self.assertEqual([e["product"] for e in arrived], ["7e19"] * 3 + ["7020"])
            self.assertEqual([e["stage"] for e in arrived[:3]], ["bootrom", "bootrom", "bootloader"])
            numbers = [e["devnum"] for e in arrived]
            self.assertEqual(numbers, sorted(set(numbers)))
            for entry in arrived:    # noted when all of the device was told, a moment after its first uevent
                self.assertTrue(0 <= entry["t_ms"] - entry["uevent_ns"] // 10**6 < 1000, entry)
            rows = [row for row in line.run("line-usb-client", "list").stdout.splitlines() if row.startswith("1-1.2 ")]
            self.assertEqual(rows, ["1-1.2 0955:7020 %d %s pci-0000:00:14.0-usb-0:1.2" % (numbers[-1], board["module_serial"])])
            with open(line.storage(2), "rb") as file:
                self.assertEqual(file.read(), line.image.disk())
            for other in (1, 3):
                self.assertFalse(os.path.exists(line.storage(other)))

    def test_sparse_image_is_laid_out(self):
        with made(Line(boards=1), sparse=True) as line:
            line.flash(1)
            with open(line.storage(1), "rb") as file:
                self.assertEqual(file.read(), line.image.disk())

    def test_states_are_enforced(self):
        with made(Line(boards=1)) as line:
            board = line.wait(1, "recovery")
            self.assertIn("No device on specified bus-port[1-1.9]", line.tool(dict(board, bus_port="1-1.9"), "--uid", status=8))
            line.tool(board, "--chip", "0x19", "0", "--rcm", "list.xml", "--skipuid")
            line.tool(board, "--isapplet")
            line.tool(board, "--ismb2", status=8)
            self.assertIn("CPU Bootloader is not running on device.", line.tool(board, "dev", "--iscpubl", status=4))
            self.assertFalse(os.path.exists(line.storage(1)))

    def test_a_second_tool_is_refused_while_one_writes(self):
        with made(Line(boards=1, wire=10)) as line:
            board = line.to_bootloader(1)
            writer = line.start("tegradevflash_v2", "--instance", board["bus_port"], "--pt", "flash.xml.bin", "--create", cwd=line.image.dir)
            time.sleep(0.3)
            line.tool(board, "dev", "--iscpubl", status=8)
            self.assertIn("100%", writer.communicate(timeout=10)[0])
            self.assertEqual(writer.returncode, 0)


class Strikes(unittest.TestCase):
    """Faults in the middle of APP."""

    def create(self, line, number=1, ready=None, **more):
        board = ready or line.to_bootloader(number)
        command = ["tegradevflash_v2", "--instance", board["bus_port"], "--pt", "flash.xml.bin", "--create"]
        return line.start(*command, cwd=line.image.dir, **more)

    def quiet(self, line, number=1):
        def contents():
            with open(line.storage(number), "rb") as file:
                return file.read()
        before = contents()
        time.sleep(0.3)
        self.assertEqual(before, contents())
        app = line.image.place["APP"]
        return sum(a == b for a, b in zip(before[app::4096], line.image.data["APP"][::4096])) / (len(line.image.data["APP"]) / 4096)

    def test_unplug_in_app(self):
        with made(Line(boards=1, wire=40, faults="unplug:47=1")) as line:
            text, status = (tool := self.create(line)).communicate(timeout=10)[0], tool.returncode
            self.assertEqual(status, 8, text)
            line.wait(1, "off")
            self.assertTrue(0.40 < self.quiet(line) < 0.5)
            self.assertEqual(line.run("line-usb-client", "list").stdout, "")

    def test_stall_in_app(self):
        with made(Line(boards=1, faults="stall=1")) as line:
            tool = self.create(line)
            time.sleep(1)
            self.assertIsNone(tool.poll())
            self.assertTrue(0.40 < self.quiet(line) < 0.55)
            tool.kill()
            tool.communicate()
            self.assertEqual(line.board(1)["state"], "recovery")

    def test_kill_tool(self):
        with made(Line(boards=2, wire=20, faults="kill-tool@1=1")) as line:
            tool, other = self.create(line), self.create(line, 2)
            tool.communicate(timeout=10)
            self.assertEqual(tool.returncode, -signal.SIGKILL)
            self.assertTrue(0.40 < self.quiet(line) < 0.75)
            other.communicate(timeout=10)
            self.assertEqual(other.returncode, 0)

    def test_kill_tool_in_a_pid_namespace_that_left_its_parent(self):
        with made(Line(boards=1, wire=20, faults="kill-tool=1")) as line:
            board = line.to_bootloader(1)
            tool = subprocess.Popen(
                ["unshare", "--pid", "--fork", "--mount-proc", os.path.join(line_bench.BIN, "tegradevflash_v2"), "--instance", board["bus_port"],
                 "--pt", "flash.xml.bin", "--create"], cwd=line.image.dir, env=line.environment(STAND_IN_DETACH="1"), stdout=subprocess.PIPE)
            tool.communicate(timeout=10)
            self.assertNotEqual(tool.returncode, 0)
            self.assertTrue(line.journal(1, "kill")[0]["killed"])
            self.assertTrue(0.40 < self.quiet(line) < 0.75)

    def test_kill_worker(self):
        with made(Line(boards=1, wire=20, faults="kill-worker=1")) as line:
            board = line.to_bootloader(1)
            worker = os.path.join(line.dir, "jetson-usb")
            shutil.copy("/bin/bash", worker)
            process = subprocess.Popen(
                [worker, "-c", "bash -c '%s/tegradevflash_v2 --instance %s --pt flash.xml.bin --create; true'; true" % (line_bench.BIN, board["bus_port"])],
                cwd=line.image.dir, env=line.environment(), stdout=subprocess.DEVNULL)
            self.assertEqual(process.wait(10), -signal.SIGKILL)
            kill = line.journal(1, "kill")[0]
            self.assertEqual((kill["pid"], kill["what"]), (process.pid, "worker"))

    def test_hub_drop(self):
        with made(Line(boards=5, wire=15, faults="hub-drop:1@2=1")) as line:
            ready = [line.to_bootloader(number) for number in (1, 2, 5)]
            tools = [self.create(line, ready=board) for board in ready]
            for tool in tools:
                tool.communicate(timeout=10)
            self.assertEqual([tool.returncode for tool in tools], [8, 8, 0])
            for number in (1, 2, 3, 4):
                line.wait(number, "off")
            self.assertEqual(len(line.journal(event="hub-drop")), 1)
            self.assertFalse(line.ask("plug", board=1)["ok"])
            line.ask("hub-plug", hub=1)
            self.assertTrue(line.ask("plug", board=1)["ok"])
            line.wait(1, "recovery")


class Spoilt(unittest.TestCase):
    """Faults of which the tools see nothing."""

    def flashed(self, fault, **options):
        with made(Line(boards=1, faults=fault, **options)) as line:
            line.flash(1)
            end = time.monotonic() + 5
            while line.board(1)["stage"] == "bootloader" and time.monotonic() < end:
                time.sleep(0.01)
            time.sleep(0.3)
            with open(line.storage(1), "rb") as file:
                return line.board(1), file.read(), line.image

    def test_one_bit(self):
        _, disk, image = self.flashed("one-bit=1")
        wrong = [i for i, (a, b) in enumerate(zip(disk, image.disk())) if a != b]
        self.assertEqual(len(wrong), 1)
        self.assertEqual(bin(disk[wrong[0]] ^ image.disk()[wrong[0]]).count("1"), 1)
        self.assertLess(wrong[0], image.place["APP"])

    def test_half_app(self):
        _, disk, image = self.flashed("half-app=1")
        half = image.place["APP"] + len(image.data["APP"]) // 2
        self.assertEqual(disk[:half], image.disk()[:half])
        self.assertEqual(disk[half:half + 4 * MIB], bytes(4 * MIB))

    def test_old_image_of_ones_own(self):
        old = os.path.join("/var/tmp", "old-%d.img" % os.getpid())
        image = Image(old + ".d")
        with open(old, "wb") as file:
            file.write(image.disk())
        try:
            board, disk, _ = self.flashed("old-image=1", more=("--image-old", old))
            self.assertEqual(disk, image.disk())
            self.assertEqual(board["state"], "up")
        finally:
            os.remove(old)
            shutil.rmtree(old + ".d")

    def test_old_image_without_one(self):
        board, disk, image = self.flashed("old-image=1")
        self.assertNotEqual(disk, image.disk())
        self.assertEqual(board["state"], "up")

    def test_after_the_cold_boot(self):
        for fault, state, stage in (("no-boot=1", "dark", "os"), ("strap-on=1", "recovery", "bootrom"), ("none", "up", "os")):
            board, disk, image = self.flashed(fault)
            self.assertEqual((board["state"], board["stage"]), (state, stage), fault)
            self.assertEqual(disk, image.disk())

    def test_wrong_model_and_lying_tool(self):
        with made(Line(boards=2, faults="wrong-model@1=1,lying-tool@2=1")) as line:
            self.assertEqual(line.wait(1, "recovery")["sku"], "0000")
            line.to_bootloader(1, eeprom=True)
            with open(os.path.join(line.image.dir, "cvm.bin"), "rb") as file:
                self.assertIn(b"699-13668-0000-100", file.read())
            self.assertEqual(line.tool(line.board(1), "dev", "--standin-fault"), "wrong-model\n")
            self.assertEqual(line.tool(line.board(2), "dev", "--standin-fault"), "lying-tool\n")


class Life(unittest.TestCase):
    def setUp(self):
        self.board_os = fake_board_os()

    def tearDown(self):
        os.remove(self.board_os)

    def test_boot_reboot_unplug(self):
        with made(Line(boards=1, board_os=self.board_os)) as line:
            folder = os.path.join(line.dir, "boards", "1")
            line.flash(1)
            line.wait(1, "up")
            with open(os.path.join(folder, "env.seen")) as file:
                self.assertNotIn("umockdev", file.read())
            devnum = line.board(1)["devnum"]
            for why, state in (("reboot", "up"), ("", "up"), ("recovery", "recovery")):
                with open(os.path.join(folder, "os.json")) as file:
                    pid = json.load(file)["pid"]
                if why:
                    with open(os.path.join(folder, "os-exit"), "w") as file:
                        file.write(why)
                os.kill(pid, signal.SIGKILL)
                line.wait(1, "hop")
                line.wait(1, state)
                self.assertGreater(line.board(1)["devnum"], devnum)
                devnum = line.board(1)["devnum"]
            self.assertEqual(line.board(1)["jobs"], 2)
            line.flash(1)
            line.wait(1, "up")
            line.ask("unplug", board=1)
            line.wait(1, "off")
            line.ask("plug", board=1, boot=True)
            line.wait(1, "up")
            with open(os.path.join(folder, "calls")) as file:
                self.assertEqual(file.read().split(), ["start", "stop", "start", "stop", "start", "stop", "start", "stop", "start"])
        self.assertFalse(os.path.exists(folder))

    def test_an_os_that_does_not_start(self):
        with open(self.board_os, "w") as file:
            file.write(FAKE_BOARD_OS.replace("start) setsid", "start) exit 1; setsid"))
        with made(Line(boards=1, board_os=self.board_os)) as line:
            line.flash(1)
            line.wait(1, "dark")
            line.ask("recovery", board=1)
            line.wait(1, "recovery")


if __name__ == "__main__":
    line_bench.needs_root()
    unittest.main(argv=["flash_test"])
