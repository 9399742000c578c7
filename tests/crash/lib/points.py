# SPDX-License-Identifier: Apache-2.0
"""The named points of death (station/base/crash_point.h), found in the sources: a new one is tortured without a word here."""
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../../.."))
POINT = re.compile(r'\bcrash_point\("([a-z_]+)"\)')
SERVICE = ("station", "serial-pool", "web")
WORKERS = ("workers", "provisioning")
# Met only while a database without a station in it is opened, or when a batch is loaded, or when a service starts.
NEW_STORE, LOAD, START = "migrate_", "load_", "start_"
# Met once an hour, on request or without a service: the unit tests of station/care and serial-pool kill at each of them.
CARE = ("backup_", "key_", "logs_", "reseal_", "restore_")


def _in(tops):
    found = set()
    for top in tops:
        for folder, _, files in os.walk(os.path.join(ROOT, top)):
            for name in files:
                if name.endswith(".cpp"):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        found |= set(POINT.findall(file.read()))
    return found


class Points:
    def __init__(self):
        self.workers = sorted(_in(WORKERS))
        every = {name for name in _in(SERVICE) if not name.startswith(CARE)}
        self.new_store = sorted(name for name in every if name.startswith(NEW_STORE))
        self.load = sorted(name for name in every if name.startswith(LOAD))
        self.start = sorted(name for name in every if name.startswith(START))
        self.service = sorted(every - set(self.new_store) - set(self.load) - set(self.start))
        self.hits = {name: 0 for name in sorted(every) + self.workers}

    def choose(self, dice, names):
        """The one that was met least, more often than the others."""
        return dice.choices(names, weights=[1 / (1 + self.hits[name]) ** 2 for name in names])[0]

    def hit(self, name):
        self.hits[name] += 1
