#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A technician maps the eight ports of the line in a browser, the other way round than station.toml has them: nothing is made while that
goes on, nor of the units that were used for it; from then on, also after a restart, a unit is where the page says."""
import os
import re
import subprocess
import unittest

import common

UI = os.path.join(common.ROOT, "web/ui")


class Ports(unittest.TestCase):
    def test_eight_ports_are_mapped_in_a_browser(self):
        with common.bench.Bench(common.data_folder("ports"), 8, "none", seed=31) as bench:
            bench.start()
            bench.load_serials()
            bench.open_order(8)
            port_of = dict(bench.slots())
            control = "%s --socket %s" % (os.path.join(common.ROOT, "tests/virtual-line/lineside-line-ctl"), bench.place.line_socket)
            done = subprocess.run(["npx", "vitest", "run", "--config", "e2e/vitest.config.ts", "e2e/ports.spec.ts"], cwd=UI,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
                                  env={**os.environ, "LINESIDE_URL": bench.url, "LINESIDE_LINE_CTL": control})
            said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
            self.assertEqual(done.returncode, 0, said[-6000:])
            self.assertEqual(common.sql(bench.place.data, "SELECT id FROM job"), [], "nothing is made of them")
            bench.station.stop(30)
            bench.start_station()
            now = {tile["slot"]: tile["port"] for tile in bench.station_api.get("/api/v1/wall")["tiles"]}
            self.assertEqual(now, {str(9 - int(board)): port for board, port in port_of.items()})
            bench.line_api.ask(do="unplug", board=8)
            bench.line_api.ask(do="plug", board=8)
            common.wait_for(lambda: common.tiles(bench.station_api)["1"]["outcome"] == "PASS", 120)


if __name__ == "__main__":
    common.need_root()
    common.need_browser()
    unittest.main()
