#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What becomes of a PASS on the wall: it stays until the unit is out and acknowledged, or the next unit arrives, whether
or not that one may start; behind a failed unit the next one waits for the acknowledgement; a unit that passes twice is one
unit of its order; a page that was away learns of all of it."""
import json
import socket
import unittest

import common
import station_api


class Events:
    """The live stream, over the Unix socket."""

    def __init__(self, path, last=None):
        self.link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.link.settimeout(10)
        self.link.connect(path)
        self.link.sendall(("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n%s\r\n" %
                           ("Last-Event-ID: %s\r\n" % last if last else "")).encode())
        self.text = self.link.makefile("r", encoding="utf-8", newline="\n")

    def until_beat(self):
        """Events up to the first beat: a snapshot, or what was missed."""
        found, event = [], {}
        for line in self.text:
            name, _, value = line.rstrip("\r\n").partition(": ")
            if name:
                event[name] = value
            elif "event" in event:
                found.append((event["event"], event.get("id"), json.loads(event["data"])))
                if event["event"] == "beat":
                    self.text.close()
                    self.link.close()
                    return found
                event = {}
        raise AssertionError("the stream ended: %s" % found)


class Wall(unittest.TestCase):
    def test_a_pass_and_what_takes_its_place(self):
        with common.bench.Bench(common.data_folder("wall"), 3, "wrong-model@3=1", seed=31) as bench:
            bench.start()
            bench.load_serials()
            bench.open_order(2)
            bench.plug_all()
            self.bench = bench
            self.reach("1", outcome="PASS")
            self.reach("2", outcome="PASS")
            self.stays_until_out_and_acknowledged()
            self.gives_way_to_a_unit_that_may_not_start()
            self.a_problem_is_acknowledged_before_the_next_unit()
            self.counts_a_unit_once()

    def tile(self, slot):
        return common.tiles(self.bench.station_api)[slot]

    def reach(self, slot, seconds=120, **wanted):
        def there():
            tile = self.tile(slot)
            return all(tile[name] == value for name, value in wanted.items()) and tile
        return common.wait_for(there, seconds, tell=lambda: "slot %s: %s, wanted %s" % (slot, self.tile(slot), wanted))

    def line(self, what, board):
        self.bench.line_api.ask(do=what, board=board)

    def stays_until_out_and_acknowledged(self):
        api, path = self.bench.station_api, self.bench.place.station_socket
        tile = self.reach("2", ack="when_unplugged")
        with self.assertRaises(station_api.Refused) as refused:
            api.post("/api/v1/slots/2/acknowledge", {"job": tile["job"]})
        self.assertEqual(refused.exception.problem["code"], "slot.ack_not_ready")
        seen = Events(path).until_beat()
        self.assertEqual(seen[0][0], "reset")
        self.line("unplug", 2)
        self.reach("2", state="pass", present=False, ack="ready")
        missed = Events(path, seen[0][1]).until_beat()
        self.assertNotIn("reset", [kind for kind, _, _ in missed])
        told = [data["tile"]["present"] for kind, _, data in missed if kind == "tile" and data["tile"]["slot"] == "2"]
        self.assertEqual(told[-1:], [False], "a unit that was taken out while the page was away: %s" % missed)
        api.post("/api/v1/slots/2/acknowledge", {"job": tile["job"]})
        self.reach("2", state="empty", job=None)

    def gives_way_to_a_unit_that_may_not_start(self):
        job = self.tile("1")["job"]
        self.line("unplug", 1)
        self.reach("1", state="pass", present=False)
        self.line("plug", 1)      # the order is complete: nobody may take this one out as a finished unit
        tile = self.reach("1", 30, present=True, state="waiting", outcome=None)
        self.assertEqual(tile["reason"], "Order %s is complete" % self.bench.order)
        rows = common.sql(self.bench.real_data, "SELECT acknowledged_by FROM job WHERE id = ?", job)
        self.assertEqual(rows, [{"acknowledged_by": "next unit"}])

    def a_problem_is_acknowledged_before_the_next_unit(self):
        tile = self.reach("3", outcome="ERROR", ack="when_unplugged")
        self.bench.line_api.ask(do="faults", spec="none")
        self.bench.open_order(3)
        self.line("unplug", 3)
        self.reach("3", present=False)
        self.line("plug", 3)
        told = self.reach("3", 30, present=True, job=tile["job"], ack="ready", press="acknowledge")
        self.assertEqual(told["note"], "Slot 3: acknowledge the failed unit first")
        self.bench.station_api.post("/api/v1/slots/3/acknowledge", {"job": tile["job"]})
        common.wait_for(lambda: self.tile("3")["job"] not in (None, tile["job"]), 30, tell="the next unit starts")

    def counts_a_unit_once(self):
        """Unit 1 passed under another order: it needs a reason, once for each time it is made again."""
        for time in ("once", "twice"):
            known = self.reach("1", outcome="ERROR", code="unit.known")["job"]
            self.bench.cli("slot", "rework", "1", "--reason", "a test makes it %s more" % time)
            self.line("unplug", 1)
            self.reach("1", present=False)
            self.line("plug", 1)
            common.wait_for(lambda: self.tile("1")["job"] not in (None, known), 30, tell="the unit starts again")
            passed = self.reach("1", outcome="PASS")["job"]
            if time == "once":
                self.line("unplug", 1)
                self.reach("1", present=False)
                self.line("plug", 1)
                common.wait_for(lambda: self.tile("1")["job"] not in (None, passed), 30, tell="the unit starts without a reason")
        self.reach("3", outcome="PASS")
        order = next(order for order in self.bench.station_api.status()["orders"] if order["name"] == self.bench.order)
        self.assertEqual((order["made"], order["quantity"]), (2, 3), "the same unit twice is one unit made")


if __name__ == "__main__":
    common.main()
