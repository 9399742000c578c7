# SPDX-License-Identifier: Apache-2.0
"""Removing folders, but never what is mounted in them: below a run folder a whole checkout may stand."""
import os
import re
import shutil


class StillMounted(OSError):
    """The folder holds a mount; nothing of it was removed."""


def mounts_below(folder):
    """Mount points of this process at or below `folder`, deepest first. Bind mounts too, which os.path.ismount overlooks
    where both sides are on one file system."""
    folder = os.path.realpath(folder)
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        points = [re.sub(r"\\([0-7]{3})", lambda code: chr(int(code.group(1), 8)), line.split()[4]) for line in file]
    return [point for point in reversed(points) if point == folder or point.startswith(os.path.join(folder, ""))]


def remove(folder):
    """All of `folder`, as far as it is there and may be removed. StillMounted when something is mounted in it."""
    mounted = mounts_below(folder)
    if mounted:
        raise StillMounted("%s is not removed: %s is mounted there" % (folder, mounted[0]))
    shutil.rmtree(folder, ignore_errors=True)
