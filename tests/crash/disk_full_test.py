#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that takes nothing more, at any write: the data folder is a small file system of its own, filled up so that this many
bytes are left. The station says so in a sentence, nothing is half, and it goes on by itself once there is room. Then the same for
a file system that the kernel has made read-only."""
import os
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "lib"))
import hammer_bench  # noqa: E402  (first: it makes the others' folders known)
import common  # noqa: E402
import kills  # noqa: E402
import person  # noqa: E402
import promises  # noqa: E402
from common import bench as bench_module  # noqa: E402

MIB, BLOCK = 1 << 20, 4096
DISK = 24 * MIB
BOARDS = 6
# Blocks that are left: few, so that the first writes of a start or a plug-in fail; more, so that later ones do.
LEFT = [0, 1, 2, 3, 5, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64, 80, 96, 128, 192, 256]
WITHIN = 20         # seconds in which something must have been said, or all be done; and to go on afterwards


class SmallDiskBench(hammer_bench.HammerBench):
    def open(self):
        super().open()
        self.image = os.path.join(self.place.data, "small.img")
        with open(self.image, "wb") as file:
            file.truncate(DISK)
        subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", "-m", "0", "-b", str(BLOCK), self.image], check=True)
        owner = os.stat(self.place.station)
        self.mount()
        os.chown(self.place.station, owner.st_uid, owner.st_gid)
        os.chmod(self.place.station, 0o750)
        self.filler = os.path.join(self.place.station, "filler")

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.place.station], check=True)

    def unmount(self):
        subprocess.run(["umount", self.place.station], check=True)

    def fill(self, left):
        """So that `left` blocks are free, whoever asks."""
        subprocess.run(["sync", "--file-system", self.place.station], check=True)
        room = lambda: os.statvfs(self.place.station).f_bavail - left
        with open(self.filler, "wb") as file:
            size = 0
            while room() != 0:
                if room() < 0:      # the file's own map took a block
                    size += room() * BLOCK
                    os.truncate(file.fileno(), size)
                else:
                    more = max(room() * 7 // 8, 1) * BLOCK
                    os.posix_fallocate(file.fileno(), size, more)
                    size += more

    def free(self):
        os.unlink(self.filler)


class DiskFull(unittest.TestCase):
    def setUp(self):
        self.data = common.data_folder("disk-full")

    def work(self, what, seconds):
        """Plays the operator until `what(wall)` holds; False when the time is over."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            now = person.tiles_or_none(self.bench)
            if now is None:
                self.assertIsNone(self.bench.station.status(), "the station ended: " + self.bench.station.tail())
            else:
                self.operator.tick(now)
                for tile in now.values():
                    self.assertNotEqual(tile["outcome"], "FAIL", "a disk is no fault of the unit: %s" % tile)
            alarms = self.bench.station_api.status()["station"]["alarms"]
            if what(alarms):
                return True
            time.sleep(0.05)
        return False

    def start(self):
        """A service that has just started cannot know that a unit left since its verdict: the operator does it again."""
        self.bench.start_station()
        self.operator.done.clear()
        self.operator.cycled.clear()

    def passed(self):
        return self.kept.sql("SELECT count(*) AS n FROM job WHERE outcome = 'PASS'")[0]["n"]

    def sentence(self, alarms):
        return [alarm["sentence"] for alarm in alarms]

    def goes_on(self, when):
        before = self.passed()
        self.assertTrue(self.work(lambda alarms: not alarms and self.passed() >= before + BOARDS, WITHIN + 40),
                        "%s: it does not go on: alarms %s, %d passed before, %d now, %s" % (
                            when, self.bench.station_api.status()["station"]["alarms"], before, self.passed(),
                            [(tile["state"], tile["code"], tile["reason"]) for tile in common.tiles(self.bench.station_api).values()]))
        self.kept.check_database(when, thorough=True)
        self.kept.compare(list(self.bench.memories()), when)
        self.assertTrue(self.kept.kept, self.kept.broken)

    def one_amount(self, left):
        """Filled while nothing runs, so that start, plug-in, lease, proof or verdict is the first that finds no room."""
        bench = self.bench
        self.assertEqual(bench.station.stop(30), 0)
        bench.fill(left)
        try:
            self.start()
        except bench_module.Died as error:
            self.assertEqual(error.status, 3, error)
            self.assertRegex(str(error), "(?i)full", "a start that fails says why")
            bench.free()
            self.start()
            return "start"
        # The log of writes grows with every job: in the end there is no room, wherever the first failure is.
        told = []
        self.assertTrue(self.work(lambda alarms: told.extend(self.sentence(alarms)) or told, 3 * WITHIN),
                        "%d blocks left: no alarm; %s" % (left, bench.station.tail()))
        self.assertRegex(told[0], "(?i)full", "the alarm says what is wrong")
        bench.free()
        return "work"

    def test_at_any_write(self):
        with SmallDiskBench(self.data, BOARDS, 1, 1000.0) as self.bench:
            self.kept = promises.Promises(self.bench.place.data)   # where the small disk is mounted, whatever the mounts propagate
            self.operator = hammer_bench.Operator(self.bench)
            self.operator.begin(kills.Torture(self.bench, self.kept, None).load)
            self.goes_on("at the beginning")
            met = []
            for left in LEFT:
                met.append(self.one_amount(left))
                print("%d blocks left: met at %s" % (left, met[-1]), flush=True)
                self.goes_on("after %d blocks were left" % left)
            self.assertIn("start", met)
            self.assertIn("work", met)
            self.bench.station.stop(30)
            self.bench.unmount()

    def test_a_file_system_that_became_read_only(self):
        with SmallDiskBench(self.data, BOARDS, 2, 1000.0) as self.bench:
            bench = self.bench
            self.kept = promises.Promises(bench.place.data)
            self.operator = hammer_bench.Operator(bench)
            self.operator.begin(kills.Torture(bench, self.kept, None).load)
            self.goes_on("at the beginning")
            # What the kernel does when a disk no longer takes its journal.
            subprocess.run(["mount", "-o", "remount,abort", bench.place.station], check=False, capture_output=True)
            told = []
            self.assertTrue(self.work(lambda alarms: told.extend(self.sentence(alarms)) or told, WITHIN), "no alarm: " + bench.station.tail())
            self.assertRegex(told[0], "(?i)read-only|I/O error")
            passed = self.passed()
            bench.station.stop(30)
            with self.assertRaises(bench_module.Died) as raised:
                self.start()
            self.assertEqual(raised.exception.status, 3)
            self.assertRegex(str(raised.exception), "(?i)read-only")
            self.assertEqual(self.passed(), passed)
            bench.helper.stop(15)       # its workers-to-be have mount namespaces of their own
            bench.unmount()
            subprocess.run(["/usr/sbin/e2fsck", "-p", bench.image], check=False, stdout=subprocess.DEVNULL)
            bench.mount()
            bench.start_helper()
            self.start()
            self.goes_on("after the disk was mended")
            bench.station.stop(30)
            bench.unmount()


if __name__ == "__main__":
    common.main()
