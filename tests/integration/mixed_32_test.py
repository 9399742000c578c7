#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Thirty-two boards of four models at once, each model by another way: flash.sh, a mass-flash package, initrd flash, a meta-tegra package; one
board in four goes wrong. Each verdict is right, the trees are as they were, and the host is as it was found."""
import os
import re
import subprocess
import unittest

import common
import settings

BOARDS = 32
WAYS = ["flash", "massflash", "initrd", "tegraflash"]       # board n goes by way (n - 1) % 4
MODELS = {"flash": ("xavier-nx", "7e19"), "massflash": ("agx-xavier", "7019"), "initrd": ("agx-orin", "7023"), "tegraflash": ("orin-nx-16gb", "7323")}
# fault -> boards, one of each way: verdict and codes
FAULTS = {"lying-tool": ((5, 6, 7, 8), "ERROR", {"tool.no_proof"}),
          "one-bit": ((13, 14, 15, 16), "FAIL", {"image.mismatch"}),
          "strap-on": ((21, 22, 23, 24), "ERROR", {"boot.back_in_recovery"})}
STEPS = """
[[recipe.step]]
use = "set-serial"
[[recipe.step]]
use = "read-serial"
"""


def way_of(board):
    return WAYS[(board - 1) % len(WAYS)]


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return sorted(file.read().splitlines())


def host_state():
    """What a bench must not change: mounts, loop devices, exports, rules, settings of the kernel, temporary folders."""
    state = {"mounts": sorted(line.split()[4] for line in lines_of("/proc/self/mountinfo")),
             "loops": subprocess.run(["losetup", "--noheadings", "--output", "NAME,BACK-FILE"], capture_output=True, text=True, check=False).stdout,
             "exports": [], "settings": {}}
    for folder in ("/etc/exports.d", "/etc/udev/rules.d", "/run/udev/rules.d", "/etc/NetworkManager/conf.d"):
        if os.path.isdir(folder):
            state[folder] = sorted(os.listdir(folder))
    if os.path.exists("/etc/exports"):
        state["exports"] = lines_of("/etc/exports")
    for name in ("/sys/module/usbcore/parameters/usbfs_memory_mb", "/sys/module/usbcore/parameters/autosuspend", "/proc/sys/net/ipv4/ip_forward",
                 "/proc/sys/net/ipv6/conf/all/disable_ipv6", "/proc/sys/net/ipv4/conf/all/rp_filter", "/proc/sys/kernel/core_pattern"):
        if os.path.exists(name):
            state["settings"][name] = lines_of(name)
    # Of flash tools, whose names these are (mktemp, NVIDIA's own); others of the host come and go.
    state["temporary"] = sorted(name for name in os.listdir("/tmp") if re.match(r"tmp\.|ci-|binlist|initrd|lineside", name))
    return state


class Mixed(unittest.TestCase):
    def make_packages(self, bench):
        """Trees for the other ways, out of the one whose image is built."""
        built = os.path.join(bench.real_data, "built")
        subprocess.run(["cp", "-a", "--reflink=auto", bench.place.bsp, built], check=True)
        subprocess.run(["./flash.sh", "--no-flash", settings.BOARD, "mmcblk0p1"], cwd=built, stdin=subprocess.DEVNULL, capture_output=True,
                       check=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "USER": "root", "STAND_IN_SPEED": "60"})
        trees = {"flash": bench.place.bsp}
        for way in WAYS[1:]:
            trees[way] = os.path.join(bench.real_data, way)
            subprocess.run([os.path.join(common.bench.BSP_SOURCE, "make-package"), "--bsp", built, "--kind", way, "--out", trees[way]], check=True)
        self.built = built
        return trees

    def start(self, bench):
        bench.make_bsp()
        self.trees = self.make_packages(bench)
        # Where they are without the bench's own view of the file system.
        self.on_disk = {**self.trees, "flash": os.path.join(bench.real_data, "bsp")}
        self.before = {way: common.bench.build.digest_of([tree]) for way, tree in self.on_disk.items()}
        speed = bench.speed
        recipe = settings.recipe_begin(speed) + STEPS
        bench.more = {"recipe": recipe, "also": "".join(settings.package_profile(way, MODELS[way][0], self.trees[way], speed, STEPS) for way in WAYS[1:])}
        bench.start_line()
        bench.start_helper({settings.PROFILE if way == "flash" else way: tree for way, tree in self.trees.items()})
        bench.write_station_config()
        bench.start_station()
        bench.load_serials()
        bench.started = common.time.time()
        for way in WAYS:
            bench.cli("order", "open", "--name", "mixed-" + way, "--profile", settings.PROFILE if way == "flash" else way, "--pool", settings.POOL,
                      "--quantity", str(BOARDS))

    def verdicts(self, bench):
        first = {}
        for row in sorted(bench.station_api.records(since=str(int(bench.started * 1000) - 1000)), key=lambda row: row["job"]):
            first.setdefault(int(row["slot"]), row)
        return first

    def wanted(self, board):
        for boards, verdict, codes in FAULTS.values():
            if board in boards:
                return verdict, codes
        return "PASS", {None, ""}

    def test_each_by_its_way(self):
        data = common.data_folder("mixed-32")
        found = host_state()
        spec = ",".join("%s@%s=1" % (fault, "+".join(map(str, boards))) for fault, (boards, _, _) in FAULTS.items())
        wrong = []
        with common.bench.Bench(data, BOARDS, spec, seed=32, line_options=["--products", ",".join(MODELS[way][1] for way in WAYS)]) as bench:
            self.start(bench)
            bench.plug_all(apart=0.05)
            common.wait_for(lambda: len(self.verdicts(bench)) == BOARDS, 420, 1, lambda: "no verdict: %s" % [
                (slot, tile["state"], tile["note"]) for slot, tile in common.tiles(bench.station_api).items() if not tile["outcome"]])
            rows = self.verdicts(bench)
            for board in range(1, BOARDS + 1):
                verdict, codes = self.wanted(board)
                row = rows[board]
                if row["result"] != verdict or row["code"] not in codes:
                    wrong.append("board %d by %s: %s %s instead of %s %s (%s)" % (board, way_of(board), row["result"], row["code"], verdict, codes, row["message"]))
                order = row.get("order_name", row.get("order"))
                if order != "mixed-" + way_of(board):
                    wrong.append("board %d was made for %s" % (board, order))
            wrong += ["left over: " + line for line in common.leftovers(bench)]
            lanes = os.listdir(bench.place.lanes)
            wrong += ["a lane is left: " + name for name in lanes]
        serials = {board["serial"] for number, board in common.storages(data, "--may-lack", bsp=self.built).items() if self.wanted(number)[0] == "PASS"}
        passed = sum(self.wanted(board)[0] == "PASS" for board in range(1, BOARDS + 1))
        if len(serials) != passed:
            wrong.append("%d serials on %d units" % (len(serials), passed))
        for way, tree in self.on_disk.items():
            if common.bench.build.digest_of([tree]) != self.before[way]:
                wrong.append("the tree of %s was changed" % way)
        now = host_state()
        for what in found:
            if found[what] != now[what]:
                both = [set(each) if isinstance(each, list) else each for each in (found[what], now[what])]
                wrong.append("%s: %s" % (what, sorted(both[0] ^ both[1]) if isinstance(both[0], set) else "were %s, are %s" % tuple(both)))
        self.assertFalse(wrong, "\n" + "\n".join(wrong))
        common.bench.trees.remove(data)


if __name__ == "__main__":
    common.main()
