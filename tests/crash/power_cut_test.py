#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Short runs of tests/crash/power_cut: a store that waits for the disk loses nothing, one that does not is found out."""
import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../.."))


class PowerCut(unittest.TestCase):
    def power_cut(self, *options):
        done = subprocess.run([os.path.join(HERE, "power_cut"), "--data", os.path.join(ROOT, "build/test-data/power-cut-test"), *options],
                              capture_output=True, text=True, timeout=1500, check=False, stdin=subprocess.DEVNULL)
        print(done.stderr)
        if done.returncode == 77:
            self.skipTest(done.stderr)
        return done.returncode, json.loads(done.stdout.splitlines()[-1])

    def test_three_cuts_and_every_flush(self):
        status, last = self.power_cut("--cuts", "3", "--leases", "10", "--seed", "5")
        self.assertEqual((status, last["cuts"], last["lost"], last["duplicates"], last["damaged"]), (0, 3, 0, 0, 0), last)
        self.assertGreater(last["flushes"], 20, last)

    def test_a_store_that_does_not_wait_for_the_disk_is_found_out(self):
        for part in ("cuts", "replay"):
            status, last = self.power_cut("--cuts", "5", "--leases", "10", "--seed", "5", "--break", "no-fsync", "--only", part)
            self.assertEqual(status, 1, last)
            self.assertGreater(last["lost"] + last["damaged"], 0, last)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("this needs root")
        sys.exit(77)
    unittest.main(verbosity=2)
