# SPDX-License-Identifier: Apache-2.0
"""On the host: the guest's disk, with the BSP tree and the station's image of it in place. Made by the station itself, here, where that takes
seconds; in the guest it would take minutes."""
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../../.."))
sys.path.insert(0, os.path.join(ROOT, "deploy/lib"))
import bench  # noqa: E402
import build  # noqa: E402

DISK = 8 << 30              # bytes, sparse
KEPT = ("bsp", "bsp.stamp", "helper/images", "helper/cache")     # of the bench's data folder
IMAGE_WITHIN = 300          # seconds


class Failed(Exception):
    pass


def programs(binaries, names):
    """They are there, or are built as everything is; False where that failed, and has said why."""
    there = lambda: all(os.path.exists(os.path.join(binaries, name)) for name in names)
    if there():
        return True
    print("       not built yet: deploy/test --only build", flush=True)
    subprocess.run([os.path.join(ROOT, "deploy/test"), "--only", "build"], stdin=subprocess.DEVNULL, check=False)
    return there()


class SmallBench(bench.Bench):
    BSP_OPTIONS = ("--small",)      # what a guest writes and hashes says nothing by its size


def make_image(folder):
    with SmallBench(folder, boards=1, choose_port=True) as place:
        place.start()
        place.load_serials(2)
        place.open_order(1)
        until = time.monotonic() + IMAGE_WITHIN
        while not any(order["image_ready"] for order in place.station_api.status()["orders"]):
            if time.monotonic() > until:
                raise Failed("the station's image is not made within %d s" % IMAGE_WITHIN)
            time.sleep(0.2)


def make_disk(disk, cache, sources):
    """A new one, or the one that is there where `sources` are what they were; the guest sweeps the rest of it."""
    stamp, now = disk + ".stamp", build.digest_of(sources)
    if os.path.exists(disk) and build.read_text(stamp) == now:
        return
    folder, root = os.path.join(cache, "prepared"), os.path.join(cache, "root")
    for each in (folder, root):
        bench.trees.remove(each)
    make_image(folder)
    os.makedirs(root + "/bench/helper")
    for name in KEPT:
        shutil.move(os.path.join(folder, name), os.path.join(root, "bench", name))
    bench.trees.remove(folder)
    if os.path.exists(disk):
        os.unlink(disk)
    with open(disk, "wb") as file:
        file.truncate(DISK)
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1", "-d", root, disk], check=True)
    bench.trees.remove(root)
    build.write_text(stamp, now)
