#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A prepared session on the virtual line: what is done before the flash is done once, is on every unit, is told on page and
record, and its password stands in no log; another such step is another image."""
import json
import os
import unittest

import common
from common import settings

BOARDS = 2
PASSWORD = "Qx7 $(bench) 'pw"
PRE = """
[[recipe]]
id = "camera"
session = { install_mcutool = true }
[[recipe.step]]
use = "set-wifi-ap"
phase = "pre"
ssid = "Prepared line"
password = %s
[[recipe.step]]
use = "set-service"
phase = "pre"
url = "https://api.example"
[[recipe.step]]
use = "install-camera"
phase = "pre"
""" % settings.quoted(PASSWORD)
POST = """
[[recipe.step]]
use = "set-nvme"
[[recipe.step]]
use = "set-serial"
[[recipe.step]]
use = "install-camera"
version = "2.11.0"
[[recipe.step]]
use = "read-serial"
"""
IN_FORCE = {
    "install-mcutool": {"enabled": True}, "install-camera": {"installer": "copied"},
    "set-wifi-ap": {"address": "10.0.0.1", "ssid": "Prepared line", "password": "set"},
    "set-service": {"develop": True, "url": "https://api.example"},
}


class PreparedSession(unittest.TestCase):
    def on_unit(self, board, name):
        """A file of a unit that is up."""
        with open(os.path.join(self.bench.place.data, "line/boards/%d/os.json" % board), encoding="utf-8") as file:
            root = "/proc/%d/root/" % json.load(file)["pid"]
        with open(root + name, encoding="utf-8") as file:
            return file.read()

    def outcomes(self):
        shown = common.tiles(self.bench.station_api)
        return [shown[str(slot)]["outcome"] for slot in range(1, BOARDS + 1)]

    def order(self):
        return self.bench.station_api.get("/api/v1/orders")["orders"][0]

    def test_done_once_and_on_every_unit(self):
        begin = settings.recipe_begin(8.0)
        flash = begin[begin.index("[[recipe.step]]"):]
        with common.bench.Bench(common.data_folder("prepared-session"), BOARDS, "none", seed=31,
                                more={"recipe": PRE + flash + POST}) as self.bench:
            bench = self.bench
            bench.start()
            bench.load_serials(least=BOARDS, size=10)
            bench.open_order(BOARDS)
            common.wait_for(lambda: self.order()["in_force"], 200, 0.5, tell=self.order)
            self.assertEqual(self.order()["in_force"], IN_FORCE)
            bench.plug_all(apart=1.0)
            common.wait_for(lambda: all(self.outcomes()), 200, 0.5, tell=self.outcomes)
            self.assertEqual(self.outcomes(), ["PASS"] * BOARDS)
            for board in range(1, BOARDS + 1):
                self.assertEqual(self.on_unit(board, "etc/reeplayer/wifi-ap"),
                                 "address=10.0.0.1\nssid=Prepared line\npassword=%s\n" % PASSWORD)
                self.assertEqual(self.on_unit(board, "etc/reeplayer/service"), "develop=1\nurl=https://api.example\n")
                self.assertIn("mcutool", self.on_unit(board, "opt/mcutool/mcutool"))
                self.assertIn("installer", self.on_unit(board, "opt/camera-installer/install"))
                self.assertEqual(self.on_unit(board, "opt/camera/version"), "2.11.0\n")
            self.assertEqual(common.sql(bench.real_data, "SELECT sum(builds) AS n FROM image"), [{"n": 1}], "built once for all")
            told = common.sql(bench.real_data, "SELECT data FROM event WHERE kind = 'job.prepared'")
            self.assertEqual([json.loads(row["data"])["in_force"] for row in told], [IN_FORCE] * BOARDS)
            self.assertFalse(os.path.exists(os.path.join(bench.place.bsp, "rootfs/etc/reeplayer/wifi-ap")), "the tree is as it was")
            # A unit that has started is sent to recovery mode by its own software, and stays the judged one.
            job = common.tiles(bench.station_api)["1"]["job"]
            bench.station_api.post("/api/v1/slots/1/recovery", {"job": job})
            self.assertEqual(bench.line_api.boards()[0]["state"], "recovery")
            told = common.sql(bench.real_data, "SELECT job_id, actor FROM event WHERE kind = 'unit.to_recovery'")
            self.assertEqual([row["job_id"] for row in told], [job])
            self.assertEqual(common.tiles(bench.station_api)["1"]["outcome"], "PASS")
            bench.station.stop(30)
        for top in ("station", "log"):
            for folder, _, names in os.walk(os.path.join(self.bench.real_data, top)):
                for name in names:
                    with open(os.path.join(folder, name), "rb") as file:
                        self.assertNotIn(PASSWORD.encode(), file.read(), os.path.join(folder, name))


if __name__ == "__main__":
    common.main()
