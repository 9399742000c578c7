#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A short run of tests/crash/station: six kills of the service among eight boards."""
import json
import os
import subprocess
import unittest

import common


class Crash(unittest.TestCase):
    def test_six_kills(self):
        done = subprocess.run([os.path.join(common.ROOT, "tests/crash/station"), "--cycles", "6", "--boards", "8", "--seed", "3",
                               "--per-line", "6", "--data", os.path.join(common.ROOT, "build/test-data/crash-test")],
                              capture_output=True, text=True, timeout=550, check=False)
        print(done.stderr)
        last = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual(done.returncode, 0, last)
        self.assertEqual((last["cycles"], last["wrong"]), (6, 0), last)


if __name__ == "__main__":
    common.main()
