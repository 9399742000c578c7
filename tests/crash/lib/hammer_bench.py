# SPDX-License-Identifier: Apache-2.0
"""A bench whose units do nothing but remember what they were given (stub-os), with workers that do nothing but talk
(hammer_worker.cpp): many leases in little time."""
import os
import secrets
import shutil
import subprocess

import torture_bench
import common
from common import station_api


class HammerBench(torture_bench.TortureBench):
    """Units that boot at once and methods that do nothing but talk."""

    def open(self):
        super().open()
        self.place.board_os = os.path.join(self.place.source, "tests/crash/lib/stub-os")
        self.units = os.path.join(self.place.data, "units")
        for number in range(1, self.boards + 1):
            folder = os.path.join(self.units, str(number))
            os.makedirs(folder)
            os.chmod(folder, 0o777)
            self.new_unit(number)
        worker = os.path.join(self.place.binaries, "lineside-hammer-worker")
        for method in ("jetson-usb", "provision-ssh"):
            path = os.path.join(self.place.methods, method, method)
            os.unlink(path)
            shutil.copyfile(worker, path)
            os.chmod(path, 0o755)

    def new_unit(self, number):
        folder = os.path.join(self.units, str(number))
        with open(os.path.join(folder, "chip.new"), "w", encoding="ascii") as file:
            file.write("0x88%s\n" % secrets.token_hex(15))
        os.rename(os.path.join(folder, "chip.new"), os.path.join(folder, "chip"))

    def start_line(self):
        super().start_line()
        self.environment["LINESIDE_HAMMER_UNITS"] = self.units

    def flashed_storages(self):
        """What a unit boots from: the line looks no further than its partition table."""
        image = os.path.join(self.place.data, "flashed.img")
        subprocess.run([os.path.join(common.LINE, "make-storage"), "--bsp", common.image_of(self.real_data), "--out", image],
                       check=True, stdout=subprocess.DEVNULL)
        for number in range(1, self.boards + 1):
            subprocess.run(["cp", "--sparse=always", image, os.path.join(self.place.line, "boards/%d/storage.img" % number)], check=True)

    def memories(self):
        """(chip, serial, slot) of all that a unit was ever given."""
        for number in range(1, self.boards + 1):
            folder = os.path.join(self.units, str(number))
            for name in os.listdir(folder):
                if name.endswith(".serial"):
                    with open(os.path.join(folder, name), encoding="ascii") as file:
                        yield from ((name[:-len(".serial")], serial, number) for serial in set(file.read().split()))


class Operator:
    """Sends units to boot and away again, one after the other."""

    def __init__(self, bench):
        self.bench = bench
        self.booted = {}        # slot -> job whose unit was sent to boot
        self.done = {}          # slot -> job whose unit left
        self.cycled = {}        # slot -> job that a restart interrupted, whose unit was switched off and on

    def begin(self, load):
        """Everything stands, every slot has a unit. `load` puts serials in."""
        bench = self.bench
        bench.start()
        load()
        bench.open_order(1_000_000)
        common.wait_for(lambda: any(order["image_ready"] for order in bench.station_api.status()["orders"]), 120, 0.1, "the image")
        bench.flashed_storages()
        bench.plug_all(apart=0)

    def tick(self, now):
        for slot, tile in now.items():
            number, job = int(slot), tile["job"]
            if tile["state"] == "restarting" and self.booted.get(slot) != job:
                self.booted[slot] = job
                self.bench.line_api.ask(do="power-cycle", board=number)
            elif tile["state"] == "interrupted" and tile["action"] == "Switch off and on" and self.cycled.get(slot) != job:
                self.cycled[slot] = job
                self.bench.line_api.ask(do="recovery", board=number)
            elif tile["outcome"] and self.done.get(slot) != job:
                self.done[slot] = job
                if tile["outcome"] == "PASS":
                    self.bench.new_unit(number)
                self.bench.line_api.ask(do="recovery", board=number)
            elif tile["outcome"] and tile["ack"] == "ready":
                try:
                    self.bench.station_api.post("/api/v1/slots/%s/acknowledge" % slot, {"job": job})
                except station_api.Refused:
                    pass        # the next unit did it
