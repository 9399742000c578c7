#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What of the dashboard needs no station but states that a station seldom shows: every failure on a tile of each size in each language,
accessibility by axe of every page, light and dark, batches, log-ins, labels and badges. In a real Chromium over the dashboard's stand-in station."""
import os
import re
import subprocess
import unittest

import common

UI = os.path.join(common.ROOT, "web/ui")
SPECS = ["log", "texts", "axe", "batches", "people", "ports", "orders", "turns", "labels", "technician", "tabs"]


class Pages(unittest.TestCase):
    def test_over_the_stand_in_station(self):
        done = subprocess.run(["npx", "vitest", "run", "--config", "e2e/vitest.config.ts", *["e2e/%s.spec.ts" % name for name in SPECS]],
                              cwd=UI, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False,
                              env={name: value for name, value in os.environ.items() if not name.startswith("LINESIDE_")})
        said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
        print("\n".join(line for line in said.splitlines() if " Tests " in line))
        self.assertEqual(done.returncode, 0, said[-6000:])
        self.assertRegex(said, r"Test Files +%d passed" % len(SPECS))


if __name__ == "__main__":
    common.need_browser()
    unittest.main()
