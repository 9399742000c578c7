#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""faults.md and the line agree on the names, their arguments and their form; the dice are fair and repeatable."""
import os
import re
import subprocess
import tempfile
import unittest

import line_bench
from line_bench import Line

VERDICTS = {"PASS", "FAIL", "ERROR"}
LEASES = {"none", "in_doubt", "burned", "step"}


def table():
    """The rows of faults.md as dicts; what other tests may use, too."""
    rows = []
    with open(os.path.join(line_bench.HERE, "faults.md")) as file:
        for text in file:
            cells = [cell.strip() for cell in text.strip().strip("|").split("|")]
            if text.startswith("|") and len(cells) == 7 and cells[0] not in ("name", "---"):
                rows.append(dict(zip(("name", "argument", "where", "what", "verdict", "code", "lease"), cells)))
    return rows


class Table(unittest.TestCase):
    def test_names_are_those_of_the_line(self):
        done = subprocess.run([os.path.join(line_bench.BIN, "lineside-line"), "--help"], capture_output=True, text=True)
        names = re.search("^faults: (.*)$", done.stdout, re.M).group(1).split(", ")
        self.assertEqual(names, [row["name"] + (":" + row["argument"] if row["argument"] else "") for row in table()])

    def test_rows_are_well_formed(self):
        for row in table():
            self.assertIn(row["verdict"], VERDICTS, row)
            self.assertIn(row["lease"], LEASES, row)
            self.assertEqual(row["code"] == "", row["verdict"] == "PASS", row)
            self.assertRegex(row["code"], r"^$|^[a-z]+\.[a-zA-Z_]+$")

    def test_each_is_accepted(self):
        sample = {"": "", "PCT": ":47", "STEP": ":set-serial", "HUB": ":1"}
        spec = ",".join("%s%s@1+2=0.5" % (row["name"], sample[row["argument"]]) for row in table())
        with Line(boards=2, plug="manual", faults=spec):
            pass


    def test_what_would_never_happen_is_refused(self):
        for spec in ("step-always:set-wifi", "step-once:prove-image=1", "step-once:=1", "unplug:100=1", "hub-drop:9=1", "stall:1=1"):
            done = subprocess.run([os.path.join(line_bench.BIN, "lineside-line"), "--boards", "2", "--dir", "/nonexistent",
                                   "--faults", spec if "=" in spec else spec + "=1"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, spec)
            self.assertIn('"%s' % spec, done.stderr)


class Dice(unittest.TestCase):
    def test_probability_and_seed(self):
        thrown = []
        for _ in range(2):
            with Line(boards=32, plug="auto", faults="stall=0.5,slow-boot@3=1,no-boot=0", more=("--seed", "5")) as line:
                line.wait_all(32)
                thrown.append([board["faults"] for board in line.ask("list")["boards"]])
        self.assertEqual(thrown[0], thrown[1])
        self.assertTrue(5 < sum("stall" in faults for faults in thrown[0]) < 27)
        self.assertEqual([i + 1 for i, faults in enumerate(thrown[0]) if "slow-boot" in faults], [3])
        self.assertFalse(any("no-boot" in faults for faults in thrown[0]))


if __name__ == "__main__":
    line_bench.needs_root()
    unittest.main(argv=["faults_test"])
