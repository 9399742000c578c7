#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fails on an include that goes upward, by the tables of station/README.md. Exit 0 clean, 1 with one line per breach."""
import fnmatch
import os
import re
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def read_tables():
    rank, fences = {}, []
    with open(os.path.join(ROOT, "station/README.md"), encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not line.startswith("|") or len(cells) < 2:
                continue
            if cells[0].isdigit():
                rank.update((folder, int(cells[0])) for folder in re.findall(r"`([^`]+)`", cells[1]))
            elif cells[0].startswith("`"):
                fences.append((re.findall(r"`([^`]+)`", cells[0]), re.findall(r"`([^`]+)`", cells[1])))
    return rank, fences


def folder_of(path, rank):
    """The longest listed folder that `path` lies in."""
    parts = path.split("/")
    for length in range(len(parts) - 1, 0, -1):
        if "/".join(parts[:length]) in rank:
            return "/".join(parts[:length])
    return None


def breach(own, other, rank, fences):
    if own == other:
        return None
    for folders, never in fences:
        if any(fnmatch.fnmatch(own, pattern) for pattern in folders) and other in never:
            return "%s never includes %s" % (own, other)
    return "%s is not below %s" % (other, own) if rank[other] >= rank[own] else None


def main():
    rank, fences = read_tables()
    found, files = [], 0
    for top in ("station", "serial-pool", "provisioning", "workers", "web"):
        for folder, folders, names in os.walk(os.path.join(ROOT, top)):
            folders[:] = [name for name in folders if name not in ("node_modules", "dist", "ui")]
            for name in sorted(names):
                if not name.endswith((".h", ".cpp", ".in")):
                    continue
                path = os.path.relpath(os.path.join(folder, name), ROOT)
                own = folder_of(path, rank)
                files += 1
                if own is None:
                    found.append("%s: its folder is in no row of station/README.md" % path)
                    continue
                with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                    text = file.read()
                for match in INCLUDE.finditer(text):
                    other = folder_of(match.group(1), rank)
                    if other:
                        why = breach(own, other, rank, fences)
                    else:
                        ours = os.path.exists(os.path.join(ROOT, match.group(1))) and "/" in match.group(1)
                        why = "it is in no row of station/README.md" if ours else None
                    if why:
                        found.append('%s:%d: "%s": %s' % (path, text.count("\n", 0, match.start()) + 1, match.group(1), why))
    for line in found:
        print(line)
    print("layers: %d files, %d breaches" % (files, len(found)), file=sys.stderr)
    return 1 if found or not rank else 0


if __name__ == "__main__":
    sys.exit(main())
