#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a batch holds for each unit beside serial and token reaches that unit and no log; a batch that lacks it stops the job
before the unit is touched."""
import json
import os
import unittest

import common
from common import settings

RECIPE = """[[recipe.step]]
use = "set-serial"
[[recipe.step]]
use = "set-wifi-ap"
ssid = "{ap_ssid}"
wifi_ap_password = "{ap_password}"
[[recipe.step]]
use = "read-serial"
"""
BOARDS = 3
MARK = "Kw4vPs"     # every password begins with it


class UnitFields(unittest.TestCase):
    def load(self, batch, text, *options):
        file = os.path.join(self.bench.place.run, batch + ".csv")
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
        self.bench.cli("pool", "load", "--pool", settings.POOL, "--batch", batch, *options, file)
        os.unlink(file)

    def access_point(self, board):
        """What stands on a unit that is up: its serial, SSID and password."""
        with open(os.path.join(self.bench.place.data, "line/boards/%d/os.json" % board), encoding="utf-8") as file:
            root = "/proc/%d/root/etc/reeplayer/" % json.load(file)["pid"]
        with open(root + "serial", encoding="utf-8") as serial, open(root + "wifi-ap", encoding="utf-8") as point:
            lines = dict(line.rstrip("\n").split("=", 1) for line in point)
            return serial.read().strip(), lines["ssid"], lines["password"]

    def verdict(self, slot):
        tile = common.tiles(self.bench.station_api)[slot]
        return tile["outcome"] and (tile["outcome"], tile["code"], tile["reason"])

    def test_each_unit_gets_its_own(self):
        more = {"recipe": settings.recipe_begin(8.0) + RECIPE}
        with common.bench.Bench(common.data_folder("unit-fields"), BOARDS, seed=77, more=more) as self.bench:
            self.bench.start()
            self.load("both", "serial,token,ap_ssid,ap_password\nU-1,tok-u-1,Café 1,%s-first\n" % MARK)
            self.load("by-template", "serial,token,ap_password\nU-0002,tok-u-2,%s-second\n" % MARK, "--ap-ssid", "Cam-{serial:-4}")
            self.load("without", "serial,token\nU-3,tok-u-3\n")
            self.bench.open_order(BOARDS)
            self.bench.plug_all(apart=1.0)
            common.wait_for(lambda: all(self.verdict(str(slot)) for slot in (1, 2, 3)), 120, tell=lambda: self.verdict("1"))
            verdicts = [self.verdict(str(slot)) for slot in (1, 2, 3)]
            self.assertEqual(sorted(verdict[0] for verdict in verdicts), ["ERROR", "PASS", "PASS"], verdicts)
            found, refused = {}, None
            for slot, (outcome, code, _) in enumerate(verdicts, 1):
                if outcome == "PASS":
                    serial, ssid, password = self.access_point(slot)
                    found[serial] = (ssid, password)
                else:
                    self.assertEqual(code, "pool.no_field")
                    refused = slot
            self.assertEqual(found, {"U-1": ("Café 1", MARK + "-first"), "U-0002": ("Cam-0002", MARK + "-second")})
            self.assertEqual(common.sql(self.bench.real_data, "SELECT count(*) AS n FROM step s JOIN job j ON j.id = s.job_id"
                                                              " WHERE j.slot = ?", str(refused))[0]["n"], 0, "nothing was begun on it")
            self.assertEqual(common.sql(self.bench.real_data, "SELECT free FROM serial WHERE value = 'U-3'"), [{"free": 1}])
            self.bench.station.stop(30)
        for top in ("station", "log"):
            for folder, _, names in os.walk(os.path.join(self.bench.real_data, top)):
                for name in names:
                    with open(os.path.join(folder, name), "rb") as file:
                        self.assertNotIn(MARK.encode(), file.read(), os.path.join(folder, name))


if __name__ == "__main__":
    common.main()
