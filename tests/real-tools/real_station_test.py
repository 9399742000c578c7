#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""NVIDIA's unmodified R32 tools under the unmodified station, in a QEMU guest with emulated Xavier NX: two units at once by flash.sh -r, two by
nvaflash.sh, and faults. README.md says what it takes and shows.

    real_station_test.py BSP [--bin DIR] [--cache DIR] [--only CHECK,…]

BSP is a Linux_for_Tegra, which is only read; what public copies of it leave out is made up and laid over it. A line for each check, then `N passed,
N failed`. Exit 0 none failed, 1 one did, 77 with a sentence where something is missing. CACHE (build/vm) keeps the guest's kernel, and the disk with
what was built; what happened is left in CACHE/station."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../.."))
sys.path[:0] = [os.path.join(HERE, "../vm/lib"), os.path.join(ROOT, "deploy/lib")]
import build  # noqa: E402
import public_tree  # noqa: E402
import vm  # noqa: E402
from units import UNITS  # noqa: E402

LIMIT = 5400                # seconds for all; without KVM it is slow, and a hang must end
DISK = 8 << 30              # bytes, sparse
NEEDED = ["flash.sh", "nvmassflashgen.sh", "bootloader/tegraflash.py", "bootloader/tegrarcm_v2", "bootloader/tegradevflash_v2", "bootloader/chkbdinfo",
          "jetson-xavier-nx-devkit-emmc.conf"]
PROGRAMS = ["python", "xmllint", "lz4c", "cpio", "strings", "ssh-keygen", "perl", "bzip2", "mkfs.ext4"]


def skip(why):
    print("skipped: " + why)
    return 77


def why_not(options):
    if os.geteuid() != 0:
        return "needs root: the guest reads this machine's whole root file system"
    lacking = [name for name in NEEDED if not os.path.exists(os.path.join(options.bsp, name))]
    if lacking:
        return "%s is no L4T R32 tree for Xavier NX: it lacks %s" % (options.bsp, ", ".join(lacking))
    lacking = [name for name in ("emulated-unit", "lineside-stationd", "lineside-helper", "lineside") if not os.path.exists(os.path.join(options.bin, name))]
    if lacking:
        return "not built: " + ", ".join(lacking)
    lacking = [name for name in PROGRAMS if not shutil.which(name, path=vm.PATH)]
    return "NVIDIA's scripts need " + ", ".join(lacking) if lacking else None


def make_disk(disk, stamp_of):
    """A new one, or the last run's, for what was built on it: in the guest that takes many minutes. The rest of it is swept there."""
    stamp = disk + ".stamp"
    if os.path.exists(disk) and build.read_text(stamp) == stamp_of:
        return
    with open(disk, "wb") as file:
        file.truncate(DISK)
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1", disk], check=True)
    build.write_text(stamp, stamp_of)


def start_units(program, out):
    """One process a unit: a unit is one power-on, so none is used twice."""
    units = []
    for unit in UNITS:
        folder = os.path.join(out, "unit", unit.name)
        os.makedirs(folder)
        with open(folder + "/orders", "w", encoding="ascii") as file:
            file.write("".join("%s %s\n" % item for item in unit.orders.items()))
        with open(folder + "/log", "w", encoding="utf-8") as log:
            units.append(subprocess.Popen([program, folder], stdin=subprocess.DEVNULL, stdout=log, stderr=log))
    return units


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bsp")
    parser.add_argument("--bin", default=os.path.join(build.BUILD, "bin"))
    parser.add_argument("--cache", default=os.path.join(ROOT, "build/vm"))
    parser.add_argument("--only", default="", help="these checks alone")
    options = parser.parse_args()
    options.bsp, options.bin, cache = os.path.realpath(options.bsp), os.path.abspath(options.bin), os.path.abspath(options.cache)
    why = why_not(options)
    if why:
        return skip(why)
    out = os.path.join(cache, "station")
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out + "/unit")
    layer = os.path.join(cache, "public-tree")
    public_tree.clear(layer)
    made = public_tree.lay_over(options.bsp, layer)
    if made:
        print("       made up, for the tree lacks it: " + ", ".join(made), flush=True)
    before = build.digest_of([options.bsp])
    disk = os.path.join(cache, "station.img")
    make_disk(disk, before + build.digest_of([layer, os.path.join(os.path.dirname(options.bin), "methods/image-build/image-build")]))
    begun, units = time.monotonic(), []
    try:
        units = start_units(os.path.join(options.bin, "emulated-unit"), out)
        with vm.Guest(cache, out, {"bsp": options.bsp, "layer": layer}, memory=4096, processors=2, disk=disk) as guest:
            status = guest.run(["/usr/bin/python3", "-B", HERE + "/station_in_guest.py", out, "--only", options.only], LIMIT)
    except vm.Missing as missing:
        return skip(str(missing))
    except AssertionError as error:
        print("FAILED " + str(error))
        status = 1
    finally:
        for unit in units:
            unit.terminate()
            unit.wait()
    told = []
    if os.path.exists(out + "/results.jsonl"):
        with open(out + "/results.jsonl", encoding="utf-8") as file:
            told = [json.loads(line) for line in file]
    passed, failed = sum(entry["good"] for entry in told), sum(not entry["good"] for entry in told)
    same = build.digest_of([options.bsp]) == before
    print("%-6s tree: sha256 %s before and after" % ("ok" if same else "FAILED", before[:16]))
    passed, failed = passed + same, failed + (not same) + (status != 0)
    print("       %.0f s; logs in %s" % (time.monotonic() - begun, out))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
