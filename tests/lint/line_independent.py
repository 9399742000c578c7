#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The virtual line and the stand-in BSP share nothing with the station.

    line_independent.py [ROOT]

Fails (exit 1, one line each) on an include that is neither a file of its own folder nor a system or library header, on a
CMake link to a target of the station, and on a word that only a caller of the station's API or socket would need.
"""
import os
import re
import sys

FOLDERS = ("tests/virtual-line", "tests/stand-in-bsp")
STATION = ("station/", "workers/", "web/", "serial-pool/", "provisioning/", "deploy/", "tests/sim")
OWN_TARGETS = re.compile(r"lineside[-_](line|fdshim|stand_in)")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TARGETS = re.compile(r"\blineside[-_:]\w+")
API = re.compile(r"/api/v1|station\.sock|lineside-stationd|lineside-helper|station\.db")
CODE = (".cpp", ".h", ".c", ".py", ".sh", "")


def problems_of(root):
    for folder in FOLDERS:
        for place, names, files in os.walk(os.path.join(root, folder)):
            names[:] = [n for n in names if not n.startswith((".", "__"))]
            for name in sorted(files):
                path = os.path.join(place, name)
                short = os.path.relpath(path, root)
                if os.path.islink(path) or os.path.splitext(name)[1] not in CODE + (".txt",):
                    continue
                with open(path, errors="replace") as file:
                    lines = file.read().splitlines()
                for number, line in enumerate(lines, 1):
                    include = INCLUDE.match(line)
                    if include:
                        kind, header = include.groups()
                        beside = os.path.exists(os.path.join(place, header))
                        if kind == '"' and not beside:
                            yield short, number, "includes %s, which is not beside it" % header
                        if header.startswith(STATION) or ".." in header.split("/"):
                            yield short, number, "includes %s of the station" % header
                    if name == "CMakeLists.txt" and "target_link_libraries" in line:
                        for target in TARGETS.findall(line):
                            if not OWN_TARGETS.match(target):
                                yield short, number, "links %s" % target
                    if name != "CMakeLists.txt" and not line.lstrip().startswith(("#", "//")) and API.search(line):
                        yield short, number, "speaks to the station: " + line.strip()[:80]
                    if re.match(r"\s*(import|from)\s+lineside", line):
                        yield short, number, "imports from the station"


def main():
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", ".."))
    found = list(problems_of(root))
    for short, number, text in found:
        print("%s:%d: %s" % (short, number, text))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
