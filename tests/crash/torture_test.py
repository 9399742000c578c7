#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Short runs of tests/crash/torture: a sound store keeps its promises, and one that is wrong on purpose is found out."""
import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../.."))
KEYS = ["cycles", "kills_station", "kills_worker", "kills_both", "points", "units_checked", "passed", "duplicates", "lost", "false_pass",
        "in_doubt"]


class Torture(unittest.TestCase):
    def torture(self, *options):
        done = subprocess.run([os.path.join(HERE, "torture"), "--data", os.path.join(ROOT, "build/test-data/torture-test"), *options],
                              capture_output=True, text=True, timeout=280, check=False, stdin=subprocess.DEVNULL)
        print(done.stderr)
        last = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual(list(last), KEYS, last)
        return done.returncode, last

    def test_ten_deaths_of_a_sound_store(self):
        status, last = self.torture("--cycles", "10", "--seed", "3")
        self.assertEqual((status, last["duplicates"], last["lost"], last["false_pass"]), (0, 0, 0, 0), last)
        self.assertEqual((last["cycles"], last["kills_station"] + last["kills_worker"] + last["kills_both"]), (10, 10))
        self.assertGreater(last["units_checked"], 0)

    def test_a_store_without_its_index_is_found_out(self):
        status, last = self.torture("--cycles", "60", "--seed", "3", "--break", "no-index")
        self.assertEqual(status, 1, last)
        self.assertGreater(last["duplicates"], 0, last)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("this needs root")
        sys.exit(77)
    unittest.main(verbosity=2)
