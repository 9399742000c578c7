#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fails where a source file makes an error whose code is not a row of station/base/codes.cpp, or where the table of HTTP
statuses names one. Exit 0 clean, 1 with one line per breach."""
import os
import re
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
LIST = "station/base/codes.cpp"
MADE = re.compile(r'\b(?:fail|fail_errno|make_error|refused)\(\s*"([a-z_]+\.[a-z_.*-]+)"')
STATUS = re.compile(r'\bRow\{"([a-z_]+\.[a-z_]+)",\s*\d{3}\}')


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def sources():
    for top in ("station", "serial-pool", "provisioning", "workers", "web"):
        for folder, folders, names in os.walk(os.path.join(ROOT, top)):
            folders[:] = [name for name in folders if name not in ("node_modules", "dist", "ui")]
            for name in sorted(names):
                if name.endswith((".h", ".cpp")) and not name.endswith("_test.cpp"):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def main():
    known = re.findall(r'CodeEntry\{"([^"]+)"', read(LIST))
    breaches = []
    seen = 0
    for path in sources():
        text = read(path)
        for found in [*MADE.finditer(text), *STATUS.finditer(text)]:
            seen += 1
            code = found.group(1)
            if code not in known and not code.startswith("step."):
                breaches.append(f"{path}:{text.count(chr(10), 0, found.start()) + 1}: code {code} is not in {LIST}")
    if len(known) < 50 or seen < 100:
        breaches.append(f"the list or the sources were not found ({len(known)} rows, {seen} places)")
    print("\n".join(breaches) or f"codes: {len(known)} rows, {seen} places")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
