#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A hub switches a port off, because what is plugged in draws too much: the station tells which slot it was, in the kernel's own words."""
import unittest

import common


class OverCurrent(unittest.TestCase):
    def test_the_slot_is_told(self):
        with common.bench.Bench(common.data_folder("over-current"), 6, "none", seed=5) as bench:
            bench.start()
            told = lambda: [alarm for alarm in bench.station_api.get("/api/v1/wall")["station"]["alarms"] if alarm["code"] == "usb.over_current"]
            self.assertEqual(told(), [])
            for board in (6, 2, 6):     # behind two hubs
                bench.line_api.ask(do="over-current", board=board)
            common.wait_for(lambda: len(told()) == 2, 20, tell=told)
            self.assertEqual(sorted(alarm["slots"] for alarm in told()), [["2"], ["6"]])


if __name__ == "__main__":
    common.need_root()
    unittest.main()
