#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tests/perf/line runs to its end with small numbers and prints figures that fit together. How large they are is not judged."""
import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "../../build/test-data/perf-line")
SMALL = ["--boards", "2", "--tool-seconds", "5", "--rounds", "1", "--plugs", "2", "--latency-boards", "2", "--slots", "1,2",
         "--speed", "1000", "--data", DATA]


class PerfLine(unittest.TestCase):
    def test_prints_figures_that_fit_together(self):
        done = subprocess.run([os.path.join(HERE, "line"), *SMALL], capture_output=True, text=True, timeout=280, check=False,
                              stdin=subprocess.DEVNULL)
        if done.returncode == 77:
            self.skipTest(done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("\n"), 1, "stdout holds one line and nothing else")
        told = json.loads(done.stdout)
        self.assertEqual(set(told["met"]), {"exec_within_100_ms", "many_within_5_percent", "flashed_within_3_percent"})

        way = told["uevent_to_exec_ms"]
        self.assertEqual((way["n"], way["slots"]), (2, 2))
        # Of two samples the median is the mean, so the stages' medians add up to the whole's.
        self.assertAlmostEqual(sum(stage["median"] for stage in way["stages"].values()), way["median"], delta=0.5)
        self.assertTrue(all(stage["median"] >= 0 for stage in way["stages"].values()), way)

        for runs in (told["many"]["one"], told["many"]["many"]):
            self.assertGreaterEqual(runs["tool_s"][0], 4.9)     # five by its own clock; told in hundredths, seen from outside
            self.assertLess(runs["tool_s"][0], runs["wall_s"][0])
            cpu = runs["cpu_per_unit_s"]
            self.assertGreater(cpu["workers"], 0)
            self.assertGreater(cpu["tool"], cpu["helper"])
            self.assertAlmostEqual(cpu["station"], cpu["service"] + cpu["helper"] + cpu["workers"], delta=0.002)
        one = told["many"]["one"]
        self.assertAlmostEqual(sum(one["parts_s"].values()), one["wall_s"][0], delta=0.05)
        self.assertAlmostEqual(told["many"]["ratio"], told["many"]["many"]["wall_s"][0] / one["wall_s"][0], delta=0.01)

        self.assertGreater(told["many"]["memory_flashing_kib"]["per_job"]["worker"], 100)
        self.assertGreater(told["memory_idle_kib"]["slots"]["1"]["service"], 1000)

    def test_says_what_is_wrong_with_its_options(self):
        for wrong in (["--boards", "1"], ["--tool-seconds", "301"], ["--only", "speed"], ["--slots", "4"]):
            done = subprocess.run([os.path.join(HERE, "line"), *wrong], capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual(done.returncode, 2, (wrong, done.stderr))
            self.assertIn(wrong[0], done.stderr)
            self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("this needs root")
        sys.exit(77)
    unittest.main(verbosity=2)
