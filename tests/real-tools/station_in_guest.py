#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs as root in the guest of real_station_test.py: the station as deploy/run puts it up, NVIDIA's tree as its profiles' BSP, units that are plugged in.

    station_in_guest.py OUT [--only CHECK,…]

Each check is told in a line; OUT/results.jsonl has them for the host."""
import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../vm/lib"), HERE]
import guest_bench  # noqa: E402
import line_up  # noqa: E402
import observer  # noqa: E402
import settings  # noqa: E402
from monitor import Monitor  # noqa: E402
from sparse import content  # noqa: E402
from units import UNITS  # noqa: E402

DISK = "/data"
TREE, MFI = DISK + "/tree", DISK + "/mfi"
BOARD = "lineside-small-nx"
# A board file of our own, as a product has one: NVIDIA's board with a root partition that is written within a minute.
BOARD_FILE = 'source "${LDK_DIR}/jetson-xavier-nx-devkit-emmc.conf";\nROOTFSSIZE=64MiB;\n'
# Twenty thousand files that no flash reads, and that a guest without KVM takes many minutes to hash: not to be seen in there.
UNREAD = ["kernel/kernel_headers", "kernel/kernel_supplements", "nv_tegra/graphics_demos", "nv_tegra/l4t_deb_packages", "nv_tegra/nvidia_drivers",
          "nv_tegra/weston"]
MODULE = {"BOARDID": "3668", "FAB": "100", "BOARDSKU": "0001", "FUSELEVEL": "fuselevel_production"}
WAYS = {"a": ("flash", "nx", TREE), "b": ("massflash", "nx-mass", MFI)}
# Without KVM all is ten times slower here, and others may use the machine.
SILENCE, TOTAL, BOOT = 150, 1500, 15
SLACK = 60      # seconds between the limit of a silent tool and the verdict
MAY_DIFFER = {"VER", "VER_b"}      # hold the time of the run


def recipe(way, name):
    """That of deploy/run, with the times of a slow guest and a unit that does not boot."""
    text = settings.recipe_begin(guest_bench.SPEED, SILENCE).replace('id = "camera"', 'id = "%s"' % name)
    text = text.replace('use = "flash"', 'use = "flash"\nway = "%s"' % way, 1)
    for key, value in (("total_s", TOTAL), ("boot_s", BOOT), ("refused_s", 10)):
        text = re.sub(r"(?m)^%s = \d+$" % key, "%s = %d" % (key, value), text)
    return text + "".join('[[recipe.step]]\nuse = "%s"\n' % step for step in ("set-serial", "read-serial"))


def profile(way, name, tree):
    env = "env = { %s }\n" % ", ".join('%s = "%s"' % item for item in MODULE.items()) if way == "flash" else ""
    return """
[[profile]]
id = "%s"
name = "NVIDIA's tools, %s"
model = "xavier-nx"
board = "%s"
rootdev = "mmcblk0p1"
bsp = "%s"
recipe = "%s"
boot_s = %d
[profile.image]
release = "R32.7.4"
mutable = %s
%s[profile.expect]
id = "3668"
sku = ["0001"]
[profile.ssh]
user = "nobody"
password = "nobody"
""" % (name, way, BOARD, tree, name, BOOT, json.dumps(settings.MUTABLE + ["/var/"]), env)


class Bench(guest_bench.GuestBench):
    """The bench of deploy/run with NVIDIA's tree instead of the stand-in's, and no played board."""

    def make_bsp(self):
        pass

    def start_helper(self, bsp=None):
        super().start_helper({name: tree for _, name, tree in WAYS.values()})

    def write_recipes(self, _text):
        super().write_recipes("".join(recipe(way, name) + profile(way, name, tree) for way, name, tree in WAYS.values()))

    def open_order(self, quantity=None):
        raise NotImplementedError("orders are of a way: open_way()")

    def open_way(self, way):
        self.cli("order", "open", "--name", "real-" + way, "--profile", WAYS[way][1], "--pool", settings.POOL, "--quantity", "40", "--close-others")

    def images_there(self):
        return {name for name in os.listdir(self.place.images) if os.path.exists(os.path.join(self.place.images, name, "image.json"))}


def state_of(folder):
    """Of each file and folder what changes with it, also when somebody sets its times back. The host compares the contents."""
    total = hashlib.sha256()
    for path, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files) + [""]:
            status = os.lstat(os.path.join(path, name))
            total.update(repr((os.path.relpath(path, folder), name, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)).encode())
    return total.hexdigest()


class Context:
    def __init__(self, out, bench):
        self.out, self.bench = out, bench
        self.monitor, self.stream = Monitor(), None
        self.key = line_up.controller_key()
        self.began = {}
        self.rows, self.details, self.passed = {}, [], 0

    def say(self, text):
        self.details.append(text)

    def check(self, name, what):
        begun, self.details = time.monotonic(), []
        try:
            what()
            good, why = True, ""
        except Exception as error:      # whatever went wrong is this check's failure, and the next one goes on
            good, why = False, "%s: %s" % (type(error).__name__, error)
            traceback.print_exc()
        print("%-6s %s: %s (%.0f s)" % ("ok" if good else "FAILED", name, "; ".join(self.details + [why] * (not good)), time.monotonic() - begun), flush=True)
        with open(self.out + "/results.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps({"name": name, "good": good}) + "\n")
        keep_logs(self)

    # -- units ----------------------------------------------------------------------------------------------------

    def journal(self, unit):
        with open("%s/unit/%s/1/journal.jsonl" % (self.out, unit.name), encoding="ascii") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def plug(self, units):
        for unit in units:
            self.began[unit.name] = time.monotonic()
            self.monitor.add_redirected(unit.name, str(unit.port), "%s/unit/%s/usb" % (self.out, unit.name))

    def run(self, units):
        """Plugged in at once; until each has a verdict."""
        self.plug(units)
        ended = {}

        def over():
            tiles = self.bench.tiles()
            for unit in units:
                if tiles[unit.name]["outcome"] and unit.name not in ended:
                    ended[unit.name] = time.monotonic() - self.began[unit.name]
            return len(ended) == len(units)
        line_up.wait(over, TOTAL + 300, lambda: "no verdict: %s" % {name: tile["word"] for name, tile in self.bench.tiles().items()}, every=0.5)
        for unit in units:
            rows = self.bench.sql("SELECT * FROM record_v1 WHERE slot = ?", unit.name)
            assert len(rows) == 1, "slot %s: %d jobs ended" % (unit.name, len(rows))
            self.rows[unit.name] = {**rows[0], "took": ended[unit.name]}

    def log_of(self, unit):
        return os.path.join(self.bench.place.station, "logs", str(self.rows[unit.name]["job"]), "01-flash.1.log")

    def classified(self, unit):
        done = subprocess.run([self.bench.place.binaries + "/lineside", "classify", "--method", "jetson-usb", "--way", unit.way, self.log_of(unit), "--json"],
                              capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    # -- what must hold -------------------------------------------------------------------------------------------

    def flash_ended(self, unit):
        """When and how the first step ended, in the station's own journal."""
        return self.bench.sql("SELECT kind, data, mono_ns FROM event WHERE job_id = ? AND kind IN ('step.ended', 'step.failed') ORDER BY seq LIMIT 1",
                              self.rows[unit.name]["job"])

    def monotone(self, unit):
        """Stage and percent of the tile never fell. Returns how many steps were seen."""
        last, seen, job = (-1, -1), set(), self.rows[unit.name]["job"]
        for _, kind, data in self.stream.events:
            each = data.get("tile") if kind == "tile" else data if kind == "progress" else None
            if not each or each.get("slot") != unit.name or each.get("job") != job or each.get("percent") is None:
                continue
            now = (each["stage"], each["percent"])
            assert now >= last, "%s: progress fell from %s to %s" % (unit.name, last, now)
            last = now
            seen.add(now)
        assert len(seen) > 20, "%s: only %d steps of progress" % (unit.name, len(seen))
        return len(seen)

    def good(self, units):
        self.run(units)
        for unit in units:
            row, said = self.rows[unit.name], self.classified(unit)
            ended = self.flash_ended(unit)
            assert ended and ended[0]["kind"] == "step.ended", "%s: the flash did not end well: %s" % (unit.name, row)
            assert said["outcome"] == "flashed", "%s: the log is called %s: %s" % (unit.name, said["outcome"], said["line"])
            assert row["chip_id"] == unit.orders["chip-id"], "%s: %s is not its ECID" % (unit.name, row["chip_id"])
            # A unit of ours does not boot what it was sent, so it goes no further.
            assert (row["result"], row["code"]) == ("FAIL", "boot.none"), "%s: %s %s: %s" % (unit.name, row["result"], row["code"], row["message"])
            board = row["board"] or ""
            if unit.way == "a":
                assert "3668" in board and "0001" in board, "%s: board %s" % (unit.name, board)
                assert row["module_serial"] == unit.orders["serial"], "%s: module %s" % (unit.name, row["module_serial"])
            steps = self.monotone(unit)
            differ = self.differing(unit, row["image"])
            assert set(differ) <= MAY_DIFFER, "%s: what arrived differs from the image: %s" % (unit.name, differ)
            self.say("%s flashed, ECID %s, board %s, %d steps of progress, all partitions arrived" % (unit.name, row["chip_id"], board or "of the package", steps))
        together = max(self.began[unit.name] for unit in units) - min(self.began[unit.name] for unit in units)
        assert together < 30, "the units were not flashed at once"

    def differing(self, unit, image):
        with open("%s/%s/image.json" % (self.bench.place.images, image), encoding="utf-8") as file:
            partitions = {each["name"]: each for each in json.load(file)["partitions"]}
        written = {entry["name"] for entry in self.journal(unit) if entry["ev"] == "written"}
        assert "APP" in written and len(written) > 40, "%s: only %d partitions were written" % (unit.name, len(written))
        folder = "%s/unit/%s/1/" % (self.out, unit.name)
        return sorted(name for name, each in partitions.items() if name in written and content(folder + name) != (each["bytes"], each["sha256"]))

    def fault(self, unit):
        row = self.rows[unit.name]
        assert row["result"] in ("ERROR", "FAIL") and row["code"] == unit.code, "%s: %s %s: %s" % (unit.name, row["result"], row["code"], row["message"])
        touched = [entry for entry in self.journal(unit) if entry["ev"] in ("erase", "write")]
        assert bool(touched) == unit.written, "%s: %d erases and writes" % (unit.name, len(touched))
        said = self.classified(unit)
        assert said["outcome"] != "flashed"
        if unit.classes:
            assert said["class"] in unit.classes, "%s: class %s by %s" % (unit.name, said["class"], said["line"])
        if "hang" in unit.orders:
            hung = [entry for entry in self.journal(unit) if entry["ev"] == "hang"]
            assert len(hung) == 1 and hung[0]["name"] == "APP"
        self.say("%s (class %s) after %.0f s; %s; the tool: %s" % (row["code"], said["class"] or "none", row["took"],
                                                                    "written" if unit.written else "nothing written", said["line"]))


def keep_logs(ctx):
    folder = os.path.join(ctx.out, "log")
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["cp", "-r", ctx.bench.place.log + "/.", folder], check=False)
    subprocess.run(["cp", "-r", ctx.bench.place.station, folder], check=False)


def mount(*words):
    subprocess.run(["mount", "-t", *words], check=True)


def make_tree():
    """NVIDIA's tree, what it lacks, and our board file, as one folder."""
    for name in ("bsp", "layer", "own", "upper", "work"):
        os.makedirs("%s/%s" % (DISK, name), exist_ok=True)
    os.makedirs(TREE, exist_ok=True)
    for tag in ("bsp", "layer"):
        mount("9p", "-o", "ro,cache=loose,trans=virtio,version=9p2000.L,msize=512000", tag, "%s/%s" % (DISK, tag))
    with open("%s/own/%s.conf" % (DISK, BOARD), "w", encoding="ascii") as file:
        file.write(BOARD_FILE)
    os.utime("%s/own/%s.conf" % (DISK, BOARD), (0, 0))
    for name in UNREAD:
        os.makedirs("%s/own/%s" % (DISK, name), exist_ok=True)
        os.setxattr("%s/own/%s" % (DISK, name), "trusted.overlay.opaque", b"y")
    mount("overlay", "-o", "ro,lowerdir=%s/own:%s/layer:%s/bsp" % ((DISK,) * 3), "tree", TREE)


def make_package(out):
    """NVIDIA's own mass-flash package, made by nvmassflashgen.sh; once for a disk."""
    if os.path.exists(MFI + "/nvaflash.sh"):
        return
    half = DISK + "/half"
    shutil.rmtree(half, ignore_errors=True)
    for name in ("upper", "work", "tree"):
        os.makedirs(half + "/" + name)
    mount("overlay", "-o", "lowerdir=%s,upperdir=%s/upper,workdir=%s/work" % (TREE, half, half), "half", half + "/tree")
    try:
        with open(out + "/nvmassflashgen.log", "wb") as log:
            subprocess.run(["./nvmassflashgen.sh", BOARD, "mmcblk0p1"], cwd=half + "/tree", check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                           env={"PATH": os.environ["PATH"], "USER": "root", "HOME": "/root", "SKIP_REC_IMG": "1", **MODULE})
        # The package as a customer has it: out of the archive.
        subprocess.run(["tar", "-xjf", "%s/tree/mfi_%s.tbz2" % (half, BOARD), "-C", half], check=True)
        os.rename("%s/mfi_%s" % (half, BOARD), MFI)
    finally:
        subprocess.run(["umount", half + "/tree"], check=False)
        shutil.rmtree(half, ignore_errors=True)


def built(ctx, way):
    """The order's image is there. Its build is the station's own."""
    before = ctx.bench.images_there()
    ctx.bench.open_way(way)
    wanted = lambda: [order for order in ctx.bench.station_api.get("/api/v1/orders")["orders"] if order["name"] == "real-" + way and order["image_id"]]
    order, = line_up.wait(wanted, 2400, "the image of real-%s is not built" % way, every=1)
    ctx.say("image %s, %s" % (order["image_id"][:12], "built before" if order["image_id"] in before else "built by the station"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    os.makedirs(DISK, exist_ok=True)
    mount("ext4", "/dev/vda", DISK)
    for name in ("station", "key", "line", "log"):     # of an earlier run only the images and the package stay
        shutil.rmtree(os.path.join(DISK, "bench", name), ignore_errors=True)
    make_tree()
    subprocess.run(["udevadm", "control", "--reload"], check=True)
    guest_bench.install_rules()
    key = line_up.controller_key()
    slots = [(unit.name, key + str(unit.port)) for unit in UNITS]
    ways = [way for way in WAYS if not options.only or way in options.only.split(",")]
    if "b" in ways:
        begun = time.monotonic()
        make_package(options.out)
        print("       mass-flash package     %4.0f s" % (time.monotonic() - begun), flush=True)
    else:
        os.makedirs(MFI, exist_ok=True)
    before = {way: state_of(WAYS[way][2]) for way in ways}
    with Bench(os.path.join(DISK, "bench"), slots, jobs=8) as bench:
        ctx = Context(options.out, bench)
        bench.start()
        bench.load_serials(60, 100)
        ctx.stream = observer.Stream(bench.place.station_socket)
        print("       station up             %4.0f s after boot" % time.clock_gettime(time.CLOCK_BOOTTIME), flush=True)
        for way in ways:
            good = [unit for unit in UNITS if unit.way == way and not unit.code]
            bad = [unit for unit in UNITS if unit.way == way and unit.code]
            ctx.check("image, way %s" % way, lambda way=way: built(ctx, way))
            ctx.check("two at once, way %s" % way, lambda good=good: ctx.good(good))
            ctx.check("faults at once, way %s" % way, lambda bad=bad: ctx.run(bad))
            for unit in bad:
                ctx.check(unit.name, lambda unit=unit: ctx.fault(unit))

        def unchanged():
            for way in ways:
                assert state_of(WAYS[way][2]) == before[way], "the tree of way %s was changed" % way
            lanes = os.listdir(bench.place.lanes)
            assert not lanes, "lanes are left: %s" % lanes
            assert not bench.workers(), "processes are left: %s" % bench.workers()
        ctx.check("trees unchanged, nothing left", unchanged)
    return 0


if __name__ == "__main__":
    sys.exit(main())
