# SPDX-License-Identifier: Apache-2.0
"""The bench of deploy/run, with a flash tool of a fixed time, the line's CPU time counted apart, and clean moments to
begin and end a measurement at."""
import os
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../../.."))
sys.path.insert(0, os.path.join(ROOT, "deploy/lib"))
import bench  # noqa: E402
import process_events  # noqa: E402

FIXED_TOOL = os.path.join(HERE, "../fixed-tool")
FAST = 1000.0       # speed of boards whose own times do not matter
TOOL, FLASH_WORKER, UNIT_WORKER, IMAGE_WORKER = "flash.sh", "jetson-usb", "provision-ssh", "image-build"


class Failed(Exception):
    """A measurement that cannot be finished; says in a sentence why."""


def until(what, seconds, sentence, every=0.05):
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failed("not within %d s: %s" % (seconds, sentence))
        time.sleep(every)


class PerfBench(bench.Bench):
    """`slots`: how many of the boards' ports the station has in its configuration (all)."""

    def __init__(self, data, boards, seed, speed, tool_seconds=0.0, slots=None):
        super().__init__(data, boards, seed=seed, speed=speed)
        self.tool_seconds, self.slot_count = tool_seconds, slots
        self.line_group = self.watch = None

    def run_make_bsp(self, tree, content_seed):
        super().run_make_bsp(tree, content_seed)
        for name, real in (("flash.sh", "flash.stand-in.sh"), ("bootloader/tegradevflash_v2", "bootloader/tegradevflash_v2.stand-in")):
            os.rename(os.path.join(tree, name), os.path.join(tree, real))
            shutil.copy(os.path.join(FIXED_TOOL, os.path.basename(name)), os.path.join(tree, name))
        shutil.copy(os.path.join(FIXED_TOOL, "hold"), os.path.join(tree, "bootloader/hold"))

    def start_line(self):
        super().start_line()
        self.environment["LINESIDE_PERF_TOOL_S"] = str(self.tool_seconds)

    def slots(self):
        return super().slots()[:self.slot_count]

    def start(self):
        super().start()
        self.count_line_apart()
        self.watch = process_events.Watch(self.environment["UMOCKDEV_DIR"], (TOOL, FLASH_WORKER, UNIT_WORKER, IMAGE_WORKER))
        self.watch.__enter__()

    def point_to_us(self):
        """Not while we measure: a person's `lineside status` would be a part of it."""

    def count_line_apart(self):
        """The line and, from now on, all units get a control group: units die and are born while we measure."""
        if self.group:
            group = os.path.join(self.group, "line")
            os.mkdir(group)
            with open(os.path.join(group, "cgroup.procs"), "w", encoding="utf-8") as file:
                file.write(str(self.line.pid))
            self.line_group = group

    def close(self):
        if self.watch:
            self.watch.__exit__()
            self.watch = None
        super().close()

    # -- the station's database, read beside the station so that asking costs it nothing ----------------------------

    def sql(self, query, *arguments):
        return bench.read_database(os.path.join(self.place.station, "station.db"), query, *arguments)

    def order_jobs(self):
        return self.sql("SELECT j.id, j.slot, j.outcome, j.code, j.message FROM job j JOIN orders o ON o.id = j.order_id"
                        " WHERE o.name = ? ORDER BY j.id", self.order)

    # -- clean moments --------------------------------------------------------------------------------------------

    def make_ready(self, quantity):
        """Serials, an order, the image at hand, and nobody at work any more."""
        self.load_serials(least=quantity)
        self.open_order(quantity)
        until(lambda: any(order["name"] == self.order and order["image_ready"] for order in self.station_api.status()["orders"]),
              120, "the image is ready")
        self.wait_quiet()
        self.watch.forget()

    def wait_quiet(self):
        """No worker runs, and every lane has been removed."""
        def quiet():
            return not os.listdir(self.place.lanes) and not any(self.watch.running(name) for name in self.watch.names)
        until(quiet, 60, "the last worker has ended and its lane is gone")

    def plug_in(self, boards):
        for board in boards:
            self.line_api.ask(do="plug", board=board)
