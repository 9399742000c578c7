#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The boards as other processes see them: enumeration, claims, hot-plug, unplug, several processes, other uids."""
import os
import signal
import subprocess
import time
import unittest

import line_bench
from line_bench import Image, Line, MIB


class Seen(unittest.TestCase):
    def test_boards_are_seen_by_another_user(self):
        with Line(boards=10) as line:
            line.wait_all(10)
            for uid in (0, 65534) if in_reach(line_bench.BIN) else (0,):
                text = line.run("line-usb-client", "list", uid=uid).stdout
                rows = {words[0]: words[1:] for words in map(str.split, text.splitlines())}
                self.assertEqual(set(rows), {"1-1.%d" % i for i in range(1, 5)} | {"1-2.%d" % i for i in range(1, 5)} | {"2-1.1", "2-1.2"})
                self.assertEqual(rows["1-2.3"][0], "0955:7e19")
                self.assertEqual(rows["1-2.3"][2:], ["-", "pci-0000:00:14.0-usb-0:2.3"])
                self.assertEqual(rows["2-1.2"][3], "pci-0000:00:15.0-usb-0:1.2")

    def test_identities_differ_and_come_back_with_the_seed(self):
        seen = []
        for _ in range(2):
            with Line(boards=32, plug="manual", more=("--seed", "7")) as line:
                boards = line.ask("list")["boards"]
                for key in ("br_cid", "ecid", "module_serial", "port"):
                    self.assertEqual(len({b[key] for b in boards}), 32, key)
                seen.append([b["br_cid"] for b in boards])
        self.assertEqual(seen[0], seen[1])
        for br_cid, ecid in ((b["br_cid"], b["ecid"]) for b in boards):
            self.assertEqual(br_cid[2:8], "880219")
            self.assertEqual(int(ecid, 16), chip_uid(br_cid))
        self.assertEqual(chip_uid("0x88021911645838891c00000019028200"), 0x716636A62B640A08)

    def test_all_watchers_hear_everything(self):
        # Without the fd shim the second watcher would take the first one's events away.
        with Line(boards=8, plug="manual") as line:
            watchers = [line.start("line-usb-client", "watch", "60") for _ in range(4)]
            for watcher in watchers:
                self.assertEqual(watcher.stdout.readline(), "watching\n")
            for number in range(1, 9):
                line.ask("plug", board=number)
            line.wait_all(8)
            line.run("line-usb-client", "list")
            line.ask("hub-drop", hub=1)
            for number in (5, 6, 7, 8):
                line.ask("unplug", board=number)
            wanted = {"libusb arrived": 8, "libusb left": 8, "udev add usb": 8, "udev remove usb": 10}    # both halves of the hub, too
            for watcher in watchers:
                text = heard(watcher, wanted)
                self.assertEqual({what: text.count(what) for what in wanted}, wanted, text)

    def test_a_stopped_watcher_holds_up_nobody_and_misses_nothing(self):
        with Line(boards=8, plug="manual") as line:
            watcher = line.start("line-usb-client", "watch", "60")
            watcher.stdout.readline()
            watcher.send_signal(signal.SIGSTOP)
            for number in range(1, 9):
                line.ask("plug", board=number)
            line.wait_all(8)
            self.assertIsNone(line.process.poll())
            watcher.send_signal(signal.SIGCONT)
            text = heard(watcher, {"libusb arrived": 8, "udev add usb": 8})
            order = [row.split()[3] for row in text.splitlines() if "udev add usb" in row]
            self.assertEqual(len(order), 8, text)
            self.assertEqual(text.count("libusb arrived"), 8)


def in_reach(folder):
    """Of every user: a checkout in somebody's private folder is not."""
    while os.stat(folder).st_mode & 0o001:
        if folder == "/":
            return True
        folder = os.path.dirname(folder)
    return False


def heard(watcher, wanted):
    """What a watcher printed, until everything that is wanted was there or its own time was over; then it is ended."""
    text = ""
    for row in watcher.stdout:
        text += row
        if all(text.count(what) >= count for what, count in wanted.items()):
            break
    watcher.terminate()
    return text + watcher.communicate()[0]


def chip_uid(br_cid):
    """The formula of README.md, once more."""
    w3, w2, w1, w0 = (int(br_cid[2 + 8 * i:10 + 8 * i], 16) for i in range(4))
    chip = {"21": 5, "18": 6, "19": 7, "23": 8}[br_cid[6:8]]
    lot0, lot = (w2 & 0x3FFFFFF) << 6 | w1 >> 26, 0
    for shift in (24, 18, 12, 6, 0):
        lot = lot * 36 + (lot0 >> shift & 0x3F)
    return (chip << 60 | (w3 & 15) << 56 | (w2 >> 26) << 50 | (lot & 0x3FFFFFF) << 24 | (w0 >> 24 & 0x3F) << 18
            | (w0 >> 15 & 0x1FF) << 9 | w0 >> 6 & 0x1FF)


class Claims(unittest.TestCase):
    def test_one_claim_at_a_time_and_none_of_the_dead(self):
        with Line(boards=1) as line:
            line.wait_all(1)
            holder = line.start("line-usb-client", "claim", "1-1.1", "30")
            self.assertEqual(holder.stdout.readline(), "claimed\n")
            self.assertIn("LIBUSB_ERROR_BUSY", line.run("line-usb-client", "claim", "1-1.1").stdout)
            holder.kill()
            holder.communicate()
            self.assertIn("claimed", line.run("line-usb-client", "claim", "1-1.1", "0").stdout)

    def test_a_read_that_nothing_answers_times_out(self):
        with Line(boards=1) as line:
            line.wait_all(1)
            start = time.monotonic()
            text = line.run("line-usb-client", "time-out", "1-1.1").stdout
            self.assertEqual(text, "first LIBUSB_SUCCESS / LIBUSB_TRANSFER_COMPLETED 16\nsecond LIBUSB_ERROR_TIMEOUT 0\n")
            self.assertLess(time.monotonic() - start, 2)

    def test_unplug_ends_what_is_under_way(self):
        with Line(boards=1, wire=5) as line:
            line.wait_all(1)
            sender = line.start("line-usb-client", "send", "1-1.1", "100")
            time.sleep(0.5)
            line.ask("unplug", board=1)
            start = time.monotonic()
            text = sender.communicate(timeout=5)[0]
            self.assertLess(time.monotonic() - start, 1)
            self.assertIn("LIBUSB_ERROR_NO_DEVICE", text)


class Speed(unittest.TestCase):
    def test_wire_rate_is_kept_and_shared(self):
        with Line(boards=9, wire=40) as line:
            line.wait_all(9)
            start = time.monotonic()
            ports = ["1-1.1", "1-1.2", "1-2.1", "1-2.2", "2-1.1"]
            senders = [line.start("line-usb-client", "send", port, "15") for port in ports]
            rates = {}
            for port, sender in zip(ports, senders):
                words = sender.communicate(timeout=20)[0].split()
                rates[port] = float(words[5])
            took = time.monotonic() - start
            self.assertGreater(took, 1.4)                   # 60 MB over the first port
            for port in ports[:4]:
                self.assertTrue(8 < rates[port] < 13, rates)
            self.assertTrue(30 < rates["2-1.1"] < 45, rates)

    def test_handler_is_faster_than_the_wire(self):
        with Line(boards=8, wire=100000) as line:
            line.wait_all(8)
            start = time.monotonic()
            senders = [line.start("line-usb-client", "send", "1-%d.%d" % (h, p), "64") for h in (1, 2) for p in (1, 2, 3, 4)]
            for sender in senders:
                self.assertIn("LIBUSB_SUCCESS", sender.communicate(timeout=30)[0])
            rate = 8 * 64 / (time.monotonic() - start)
            print("handler: %.0f MB/s over 8 boards" % rate)
            self.assertGreater(rate, 100)


class Hygiene(unittest.TestCase):
    def test_bad_options_name_the_wrong_item(self):
        for arguments, sentence in ((["--boards", "0"], "--boards"), (["--speed", "x"], "--speed"), (["--bogus", "1"], "--bogus"),
                                    (["--faults", "stal=1"], "stal=1"), (["--faults", "stall=1,unplug:147=1"], "unplug:147=1"),
                                    (["--faults", "stall@9=1"], "stall@9=1"), (["--faults", "stall=1.5"], "stall=1.5"),
                                    (["--faults", "stall"], "\"stall\""), (["--faults", "hub-drop:3=1"], "hub-drop:3=1")):
            done = subprocess.run([os.path.join(line_bench.BIN, "lineside-line"), "--dir", "/nonexistent/x", *arguments],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(sentence, done.stderr)
            if arguments[0] == "--faults":
                self.assertIn("kill-worker", done.stderr)

    def test_a_killed_line_is_swept_by_the_next(self):
        line = Line(boards=1)
        folder = line.env["UMOCKDEV_DIR"]
        line.process.kill()
        line.process.wait()
        self.assertTrue(os.path.exists(folder))
        with Line(boards=1):
            self.assertFalse(os.path.exists(folder))
        line.process.stdout.close()
        line.log.close()
        line_bench.shutil.rmtree(line.dir)

    def test_opens_of_real_devices_leave_no_descriptor(self):
        with Line(boards=1) as line:
            code = ("import os, time\nbefore = len(os.listdir('/proc/self/fd'))\n"
                    "for _ in range(200):\n    os.close(os.open('/dev/null', os.O_RDONLY))\n"
                    "for _ in range(200):\n    os.path.exists('/dev/none')\n    \n"
                    "print(len(os.listdir('/proc/self/fd')) - before)\n")
            done = subprocess.run(["/usr/bin/python3", "-c", code], env=line.environment(), text=True, capture_output=True)
            self.assertEqual(done.stdout, "0\n", done.stderr)


if __name__ == "__main__":
    line_bench.needs_root()
    unittest.main(argv=["usb_test"])
