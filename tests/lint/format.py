#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every C++ file is as clang-format of Debian 12 (14) writes it with .clang-format. Mend with: clang-format -i FILE."""
import os
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))


FOLDERS = ("station", "web", "workers", "provisioning", "serial-pool", "tests")


def sources():
    for folder in FOLDERS:
        for top, folders, names in os.walk(os.path.join(ROOT, folder)):
            folders[:] = [name for name in folders if name != "node_modules"]
            for name in names:
                if name.endswith((".cpp", ".h")):
                    yield os.path.relpath(os.path.join(top, name), ROOT)


def main():
    version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=True).stdout
    if " version 14." not in version:       # each version lays out a little differently
        print("format: not checked, this is " + version.strip())
        return 0
    files = sorted(sources())
    done = subprocess.run(["clang-format", "--dry-run", *files], cwd=ROOT, capture_output=True, text=True, check=False)
    places = [line for line in done.stderr.splitlines() if re.match(r"\S+:\d+:\d+: ", line)]
    print("\n".join(places + ["format: %d files, %d places" % (len(files), len(places))]))
    return 1 if places or done.returncode != 0 or not files else 0


if __name__ == "__main__":
    sys.exit(main())
