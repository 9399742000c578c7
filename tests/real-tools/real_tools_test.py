#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""NVIDIA's unmodified R32 tools under our workers, in a QEMU guest with an emulated Xavier NX. README.md says what it takes.

    LINESIDE_REAL_BSP=DIR real_tools_test.py BINDIR METHODSDIR CACHEDIR [TEST…]

DIR is a flashable Linux_for_Tegra, which is only read. Exit 77 with a sentence where something is missing. CACHEDIR keeps the
guest's kernel; what happened is left in CACHEDIR/last."""
import os
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../vm/lib"))
import vm  # noqa: E402

LIMIT = 5400
# What a BSP tree must hold to be built from; the last three are left out of public copies.
NEEDED = ["flash.sh", "bootloader/tegraflash.py", "bootloader/tegrarcm_v2", "bootloader/tegradevflash_v2", "bootloader/chkbdinfo",
          "jetson-xavier-nx-devkit-emmc.conf", "rootfs/etc/nv_tegra_release", "bootloader/l4t_initrd.img", "kernel/Image"]


def skip(why):
    print("skipped: " + why)
    return 77


def main():
    if len(sys.argv) < 4:
        print(__doc__, file=sys.stderr)
        return 2
    binaries, methods, cache = (os.path.abspath(path) for path in sys.argv[1:4])
    bsp = os.path.realpath(os.environ.get("LINESIDE_REAL_BSP", ""))
    if not os.environ.get("LINESIDE_REAL_BSP"):
        return skip("LINESIDE_REAL_BSP names no BSP tree; NVIDIA's is not, and must not be, in this repository")
    lacking = [name for name in NEEDED if not os.path.exists(os.path.join(bsp, name))]
    if lacking:
        return skip("%s is not a BSP tree that can be flashed: it lacks %s" % (bsp, ", ".join(lacking)))
    if os.geteuid() != 0:
        return skip("needs root: the guest reads this machine's whole root file system")
    unit = binaries + "/emulated-unit"
    if not os.path.exists(unit):
        return skip("emulated-unit was not built: libusbredirparser-dev was not there when CMake ran")
    lost = [name for name in ("python", "xmllint", "lz4c", "cpio", "strings", "ssh-keygen", "perl") if not shutil.which(name, path=vm.PATH)]
    if lost:
        return skip("NVIDIA's scripts need " + ", ".join(lost))
    out = cache + "/last"
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out + "/unit")
    try:
        guest = vm.Guest(cache, out, {"bsp": bsp})
    except vm.Missing as why:
        return skip(str(why))
    begun = time.monotonic()
    with guest, open(out + "/unit.log", "w", encoding="utf-8") as log:
        emulator = subprocess.Popen([unit, out + "/unit"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            status = guest.run(["/usr/bin/python3", "-B", HERE + "/in_guest.py", binaries, methods, out + "/unit", *sys.argv[4:]], LIMIT)
        except AssertionError as error:
            print(error)
            status = 1
        finally:
            emulator.terminate()
            emulator.wait()
    print("guest ended with %d after %.0f s; logs in %s" % (status, time.monotonic() - begun, out))
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
