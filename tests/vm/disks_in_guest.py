#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs as root in the guest of tests/vm/disks.   disks_in_guest.py OUT [--seed S] [--only NAME,…]"""
import argparse
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "lib")]
import guest_bench  # noqa: E402
import results  # noqa: E402
from scenarios import bad_disks, own_storage  # noqa: E402

DATA = "/data"


class Context:
    """What the scenarios share. `out` is the folder that the host has too."""

    def __init__(self, options):
        self.out, self.seed, self.data = options.out, options.seed, DATA
        self.binaries = os.path.join(guest_bench.ROOT, "build/release/bin")
        self.details = []

    def say(self, text):
        self.details.append(text)


SCENARIOS = [
    ("units' own storage", own_storage.four_at_once),
    ("bad in each way", bad_disks.each_way),
    ("bad by dice", bad_disks.by_dice),
    ("bad by scsi_debug", bad_disks.of_scsi),
    ("taken away", bad_disks.gone),
    ("never the wrong disk", bad_disks.never_the_wrong),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    os.makedirs(DATA, exist_ok=True)
    subprocess.run(["mount", "-t", "ext4", "/dev/vda", DATA], check=True)
    ctx = Context(options)
    for name, what in SCENARIOS:
        if not options.only or name in options.only.split(","):
            results.run_one(ctx, name, what)
    return 0


if __name__ == "__main__":
    sys.exit(main())
