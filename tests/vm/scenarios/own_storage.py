# SPDX-License-Identifier: Apache-2.0
"""Units that show their storage as USB mass storage at their own ports, as a flashing initrd does: gadgets of the kernel, through the station to PASS;
one of them keeps another byte, one leaves in the middle."""
import json
import os
import subprocess
import time

import guest_bench
import settings
from guest_bench import gadget_port
from line_up import wait
from scenarios import bad_disks

GOOD = (1, 2, 3, 4)
LIAR, PULLED = 5, 6
UNITS = len(GOOD) + 2
INITRD = "0955:7035"
PROFILE = "storage"
RECIPE = """
[[recipe]]
id = "%s"
[[recipe.step]]
use = "flash"
method = "media-writer"
silence_s = 240
total_s = 1500
""" % PROFILE


def label(unit):
    return "v%d" % unit


class StorageBench(guest_bench.GuestBench):
    """A station for nothing but this: no BSP is made, since none is used."""

    def start(self, images):
        os.makedirs(self.place.bsp, exist_ok=True)
        self.more = {"pass_stays_s": 3600, "also": RECIPE + """
[[profile]]
id = "%s"
name = "A unit's own storage"
model = "jetson-storage"
bsp = %s
recipe = "%s"
[profile.image]
file = "image.raw"
""" % (PROFILE, settings.quoted(images), PROFILE)}
        self.start_line()
        self.start_helper({settings.PROFILE: self.place.bsp, PROFILE: images})
        self.write_station_config()
        self.start_station()

    def tile(self, unit):
        return self.tiles()[label(unit)]

    def for_order(self, what=None):
        if what:
            self.station_api.post("/api/v1/orders/%s/%s" % (PROFILE, what), {})
        else:
            self.station_api.post("/api/v1/orders", {"name": PROFILE, "profile": PROFILE, "quantity": 50, "close_others": True})


def whole_disks(port):
    """Disks that the kernel has below a slot's port."""
    controller, _, chain = port.removeprefix("platform-").partition("-usb-0:")
    return [name for name in os.listdir("/sys/block")
            if "/%s/" % controller in os.path.realpath("/sys/block/" + name) and "-%s:1.0/" % chain in os.path.realpath("/sys/block/" + name)]


def four_at_once(ctx):
    disks = bad_disks.Disks(ctx)
    folder = os.path.join(ctx.data, "bench")
    images = os.path.join(folder, "storage-images")
    os.makedirs(images)
    for path in (ctx.data, folder, images):
        os.chmod(path, 0o755)
    subprocess.run(["cp", "--sparse=always", disks.image, os.path.join(images, "image.raw")], check=True)
    files = {}
    for unit in (*GOOD, LIAR, PULLED):
        files[unit] = os.path.join(disks.folder, "unit%d" % unit)
        disks.renew(files[unit])
    guest_bench.install_rules()
    slots = [(label(unit), gadget_port(unit)) for unit in range(1, UNITS + 1)]
    try:
        with StorageBench(folder, slots, gadgets=UNITS, boot=UNITS, jobs=UNITS) as bench:
            try:
                bench.start(os.path.join(bench.place.data, "storage-images"))
                with bad_disks.Stuck(files[LIAR], disks.content):
                    play(ctx, bench, disks, files)
            finally:
                keep_logs(ctx, bench)
    finally:
        disks.close()


def play(ctx, bench, disks, files):
    bench.for_order()
    wait(lambda: any(each["name"] == PROFILE and each["image_ready"] for each in bench.station_api.status()["orders"]), 300,
         lambda: json.dumps(bench.station_api.status()["orders"]), 0.5)
    bench.for_order("pause")
    for unit, path in files.items():
        bench.line_api.ask(do="card", board=unit, file=path, usb=INITRD, model="eMMC")
    told = lambda: [(unit, bench.tile(unit)["state"], bench.tile(unit)["reason"]) for unit in files]
    wait(lambda: all(bench.tile(unit)["state"] == "waiting" for unit in files), 240, told, 0.2)
    names = {unit: whole_disks(gadget_port(unit)) for unit in files}
    assert all(len(found) == 1 for found in names.values()), "one disk at each port: %s" % names
    begun = time.monotonic()
    bench.for_order("resume")
    wait(lambda: bench.tile(PULLED)["state"] == "flashing" and (bench.tile(PULLED)["percent"] or 0) >= 10, 400, told, 0.05)
    bench.line_api.ask(do="reader-out", board=PULLED)
    wait(lambda: all(bench.tile(unit)["outcome"] for unit in files), 900, told, 0.5)
    seconds = time.monotonic() - begun
    rows = {unit: bench.sql("SELECT * FROM record_v1 WHERE slot = ?", label(unit)) for unit in files}
    assert all(len(found) == 1 for found in rows.values()), {unit: len(found) for unit, found in rows.items()}
    rows = {unit: found[0] for unit, found in rows.items()}
    results = {unit: (row["result"], row["code"]) for unit, row in rows.items()}
    wanted = {unit: ("PASS", None) for unit in GOOD} | {LIAR: ("FAIL", "image.mismatch"), PULLED: ("ERROR", "usb.left")}
    assert results == wanted, {unit: (row["result"], row["code"], row["message"]) for unit, row in rows.items()}
    for unit in GOOD:
        assert disks.holds(files[unit]), "unit %d passed and does not hold the image" % unit
        assert rows[unit]["port"] == gadget_port(unit) and rows[unit]["image_proven"] == 1, rows[unit]
    with open(files[PULLED], "rb") as file:
        assert file.read(bad_disks.IMAGE) != disks.content
    for unit in (*GOOD, LIAR):
        bench.line_api.ask(do="reader-out", board=unit)
        wait(lambda unit=unit: not bench.tile(unit)["present"], 120, "slot %s still shows a unit" % label(unit), 0.2)
    ctx.say("%d PASS at their own ports in %.0f s; one of another byte: image.mismatch; one pulled: usb.left" % (len(GOOD), seconds))


def keep_logs(ctx, bench):
    folder = os.path.join(ctx.out, "log")
    os.makedirs(folder, exist_ok=True)
    for path in (bench.place.log + "/.", bench.place.station, os.path.join(bench.place.line, "journal.jsonl")):
        subprocess.run(["cp", "-r", path, folder], check=False)
