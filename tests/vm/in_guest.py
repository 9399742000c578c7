#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs as root in the guest of tests/vm/run: puts the station up and goes through the scenarios.

    in_guest.py OUT first|after-cut|retries|no-ipv6 [--nightly] [--seed S] [--only NAME,…] [--list]

Each scenario is told in a line; OUT/results.jsonl has them for the host."""
import argparse
import glob
import json
import os
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "lib")]
import guest_bench  # noqa: E402
import line_up  # noqa: E402
import observer  # noqa: E402
import results  # noqa: E402
from guest_bench import settings  # noqa: E402
from scenarios import arrivals, churn, host, life, ports, power, switches  # noqa: E402

DISK = "/data"
# What is said about time in a recipes.toml for real units, for a guest that is ten times slower than they are.
SLOWER = {"silence_s": 240, "total_s": 1500, "boot_s": 400, "refused_s": 200, "down_s": 200}
CONNECT_S = 180     # for a login, which is all computing


class Context:
    """What the scenarios share. `out` is the folder that the host has too."""
    full_hub = "2"

    def __init__(self, options):
        self.out, self.phase, self.seed, self.nightly = options.out, options.phase, options.seed, options.nightly
        self.boards = line_up.Boards({number: chain for number, chain in enumerate(line_up.CHAINS, 1)}, os.path.join(options.out, "line"),
                                     {line_up.SWITCHING})
        self.bench = self.uevents = self.stream = None
        self.details, self.done_once, self.shown, self.begun = [], set(), {}, {}

    def say(self, text):
        self.details.append(text)

    def once(self, name, what):
        if name not in self.done_once:
            what()
            self.done_once.add(name)

    def label(self, board):
        return str(board)

    def board_at(self, chain):
        return next(board for board, place in self.boards.chains.items() if place == chain)

    def some(self, count):
        """Boards of all kinds of places, the same each time."""
        step = max(1, len(self.boards.chains) // count)
        return sorted(self.boards.plugged)[::step][:count]

    def card(self, board):
        """What a board on vhci says of itself."""
        with open(os.path.join(self.bench.place.line, "boards/%d/board.json" % board), encoding="utf-8") as file:
            return json.load(file)


def mount_disk():
    os.makedirs(DISK, exist_ok=True)
    subprocess.run(["mount", "-t", "ext4", "/dev/vda", DISK], check=True)


def sweep_disk():
    """Of an earlier run only the BSP tree and the image stay."""
    for name in ("station", "key", "line", "log"):
        shutil.rmtree(os.path.join(DISK, "bench", name), ignore_errors=True)


# Of the steps on a booted unit those that the kernel's USB has a part in; all of them where one unit is alone in its guest. And two behind the proof of the serial, for a power cut to fall into.
FEW_STEPS = """[[recipe.step]]
use = "set-serial"
[[recipe.step]]
use = "reboot-and-wait"
boot_s = 400
down_s = 200
[[recipe.step]]
use = "read-serial"
"""
WIFI_STEP = """[[recipe.step]]
use = "set-wifi-station"
ssid = "Guest"
"""
BEHIND_PROOF = WIFI_STEP + """[[recipe.step]]
use = "set-service"
"""


class SlowBench(guest_bench.GuestBench):
    def write_recipes(self, text):
        lines = text.splitlines()
        for at, line in enumerate(lines):
            name = line.partition(" = ")[0]
            if name in SLOWER:
                lines[at] = "%s = %d" % (name, SLOWER[name])
            elif name == "use" and line != 'use = "flash"':
                lines[at] += "\nconnect_s = %d\nsilence_s = %d" % (CONNECT_S, SLOWER["silence_s"])
        super().write_recipes("\n".join(lines) + "\n")


def scenarios(options):
    """(name, what it does, which run it is part of)."""
    orders = []

    def ordered(what):
        def run(ctx):
            if not orders:
                ctx.bench.load_serials(200, 400)
                ctx.bench.open_order(400)
                orders.append(True)
            what(ctx)
        return run

    def cleared(what):
        def run(ctx):
            try:
                what(ctx)
            finally:
                arrivals.clear(ctx)
        return run

    def reopened(what):
        """Boards that come and go that fast close their slots, as they should."""
        def run(ctx):
            what(ctx)
            ports.reopen(ctx, ports.closed(ctx))
        return run

    # Of the boards on vhci: whole lives, two whose cables are swapped, one that is at work when the power goes, nightly one on a host without IPv6.
    count, rounds = (200, 10) if options.nightly else (24, 1)
    lives = list(range(1, 17)) if options.nightly else [1]
    pair, cut, alone = [lives[-1] + 1, lives[-1] + 2], [lives[-1] + 3], lives[-1] + 4
    meant = lambda name: not options.only or name in options.only.split(",")

    def early(ctx):
        """What takes long begins before it is looked at."""
        life.begin(ctx, lives[:1] * meant("same-port life") + pair * meant("swapped cables"))

    def late(ctx):
        """Of one life what is left is shorter than the whole of another; of sixteen it is not."""
        life.begin(ctx, cut * (meant("power cut") and len(lives) == 1))
    named = [("behind five hubs", ports.deep), ("other bus numbers", cleared(ports.renumbered))] if options.nightly else []
    without = [("IPv6 off", ordered(lambda ctx: life.without_ipv6(ctx, alone)))] if options.nightly else []
    crowd = [("120 boards", lambda ctx: life.crowd(ctx, list(range(1, on_vhci(options) + 1))))] if options.nightly else []
    return [
        ("arrival", reopened(lambda ctx: arrivals.arrival(ctx, rounds))),
        ("identity", arrivals.identity),
        ("flapping port", cleared(lambda ctx: ports.flapping(ctx, options.nightly))),
        ("hub with eight boards", cleared(arrivals.hub_with_eight)),
        *named,
        ("host care", lambda ctx: host.care(ctx, options.nightly)),
        ("power switches", cleared(switches.switches)),
        *crowd,
        ("random events", ordered(lambda ctx: churn.random_events(ctx, count))),
        ("re-enumerations", ordered(lambda ctx: churn.reenumerations(ctx, lambda: early(ctx)))),
        ("swapped cables", ordered(lambda ctx: life.swapped(ctx, pair, lambda: late(ctx)))),
        ("same-port life", ordered(lambda ctx: life.same_port(ctx, lives))),
        *without,
        ("power cut", ordered(lambda ctx: power.before(ctx, cut))),
    ]


def gadgets_of(options):
    """How many boards on vhci boot: one whole life (16), two swapped, one for the power cut, one without IPv6."""
    return 16 + 4 if options.nightly else 1 + 3


def on_vhci(options):
    """How many there are: as many as Debian's kernel has ports for, or those that boot."""
    return 120 if options.nightly else gadgets_of(options)


def after_the_cut(_options):
    return [("power cut", power.after)]


def with_retries(_options):
    def ordered(ctx):
        ctx.bench.load_serials(50, 60)
        ctx.bench.open_order(50)
        switches.in_a_retry(ctx)
    return [("power in a retry", ordered)]


def without_ipv6(_options):
    """Its kernel has none; the units are spoken to by IPv4."""
    def ordered(ctx):
        assert not os.path.exists("/proc/net/if_inet6"), "this kernel has IPv6"
        for name in ("all", "default"):
            host.write("/proc/sys/net/ipv4/conf/%s/rp_filter" % name, "1")      # as strict as a host may be
        ctx.bench.load_serials(50, 60)
        ctx.bench.open_order(50)
        life.same_port(ctx, [1, 2])
    return [("no IPv6 at all", ordered)]


PHASES = {"first": scenarios, "after-cut": after_the_cut, "retries": with_retries, "no-ipv6": without_ipv6}


def keep_logs(ctx):
    """To the host, over a slow way: where something failed, and at the end."""
    folder = os.path.join(ctx.out, "log-" + ctx.phase)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    subprocess.run(["cp", "-r", ctx.bench.place.log + "/.", folder], check=False)
    subprocess.run(["cp", "-r", os.path.join(ctx.bench.place.station, "logs"), folder], check=False)
    subprocess.run("cp %s/station.db* %s" % (ctx.bench.place.station, folder), shell=True, check=False)
    with open(folder + "/kernel.log", "wb") as file:    # console.log has its errors alone
        subprocess.run(["dmesg"], stdout=file, check=False)
    for path in glob.glob(os.path.join(ctx.bench.place.line, "boards/*/board-os.log")):
        shutil.copy(path, os.path.join(folder, "board-os.%s.log" % os.path.basename(os.path.dirname(path))))
    if os.path.exists(os.path.join(ctx.bench.place.line, "journal.jsonl")):
        shutil.copy(os.path.join(ctx.bench.place.line, "journal.jsonl"), folder + "/line.journal.jsonl")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("phase", choices=sorted(PHASES))
    parser.add_argument("--nightly", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    begun = time.monotonic()
    mount_disk()
    if options.phase != "after-cut":
        sweep_disk()
    guest_bench.install_rules()
    ctx = Context(options)
    chosen = PHASES[options.phase](options)
    if options.only:
        chosen = [entry for entry in chosen if entry[0] in options.only.split(",")]
    slots = [(ctx.label(board), ctx.boards.slot_port(board)) for board in ctx.boards.chains]
    deep = len(ctx.boards.chains) + 1
    slots.append((ctx.label(deep), ctx.boards.key + line_up.DEEP))
    slots += [(life.label(board), guest_bench.gadget_port(board)) for board in range(1, on_vhci(options) + 1)]
    more = switches.config({chain: (ctx.label(board), ctx.boards.slot_port(board)) for board, chain in ctx.boards.chains.items()})
    whole = settings.recipe(guest_bench.SPEED).replace(WIFI_STEP, "") if options.phase == "no-ipv6" else settings.recipe_begin(guest_bench.SPEED) + FEW_STEPS
    more["recipe"] = whole + BEHIND_PROOF
    if options.phase == "retries":
        more["recipe"] = more["recipe"].replace('use = "flash"\n', 'use = "flash"\nretries = 1\n', 1)
    # What is looked at after the cut and with retries needs none on vhci.
    boards, booting = {"first": (on_vhci(options), gadgets_of(options)), "no-ipv6": (2, 2)}.get(options.phase, (0, 0))
    with SlowBench(os.path.join(DISK, "bench"), slots, gadgets=boards, boot=booting, more=more) as bench:
        ctx.bench = bench
        try:
            bench.start()
            ctx.uevents, ctx.stream = observer.Uevents(), observer.Stream(bench.place.station_socket)
            print("       station up                %4.0f s after boot" % time.clock_gettime(time.CLOCK_BOOTTIME), flush=True)
            for name, what in chosen:
                if not results.run_one(ctx, name, what):
                    keep_logs(ctx)
        finally:
            keep_logs(ctx)
    print("       guest: %.0f s" % (time.monotonic() - begun), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
