#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with units and their cables, by each of the four ways of flashing, half of it at once: a board for each pair. Verdict and code are those
of the table, what the bench is told to do is what the code wants, it ends within its time, and nothing passes but what is only slow."""
import unittest

import common
import mixed_32_test as mixed

WAYS = mixed.WAYS
# fault of the virtual line -> code, or the code by each way. Only flash.sh reads the module's EEPROM and the fuses before it writes; what the
# other ways' tools do not see is seen when the unit has booted, or not at all by the tool and by the boot ROM instead.
LATE = "unit.no_serial"
FAULTS = {
    "unplug:3": "usb.left",
    "unplug:50": "usb.left",
    "unplug:97": "usb.left",
    "stall": "tool.silence",
    "wrong-model": ("order.wrong_model", "usb.link", "usb.link", "usb.link"),
    "fused": "unit.fused",
    "eeprom-crc": ("unit.eeprom", LATE, LATE, LATE),
    # Only flash.sh waits until it says so itself; of the others' units what is known is that they did not come back.
    "no-loader": ("unit.bootloader", "usb.left", "usb.left", "usb.left"),
    "strap-on": "boot.back_in_recovery",
    "no-serial": LATE,
    "twin-serial": "unit.duplicate_module",
    "slow-boot": "",            # no fault: it takes its time, and passes
    "superspeed": "",           # booted it is at the socket's other half, whose path is that of a unit that boots slowly
}
# At once on one host; a twin takes two. Each fault has a hub of its own, and two hubs share a controller.
HALVES = (list(FAULTS)[:7], [*list(FAULTS)[7:], "twin-serial"])
FAIL = {"unit.fused", "unit.eeprom", "unit.bootloader", LATE}      # of the unit; the others are the bench's
ACTIONS = {"usb.left": "Check the cable", "usb.link": "Change the cable", "tool.silence": "Press Try again", "order.wrong_model": "Return to stores",
           "unit.fused": "Put in repair bin", "unit.eeprom": "Put in repair bin", "unit.bootloader": "Put in repair bin",
           "boot.back_in_recovery": "Remove the strap", LATE: "Put in repair bin", "unit.duplicate_module": "Call technician", "": "Take out"}
SILENCE_S = 12                  # of the flash; a stage has up to fifteen times of it, in which a host of 2 cores serves 28 boards
LIMIT_S = 15 * SILENCE_S + 120


class EachWay(mixed.Mixed):
    test_each_by_its_way = None     # the other module's

    def wanted(self, board):
        fault = self.cases[(board - 1) // len(WAYS)]
        codes = FAULTS[fault]
        return fault, codes if isinstance(codes, str) else codes[(board - 1) % len(WAYS)]

    def test_faults_while_it_is_flashed(self):
        self.each_by_each_way(HALVES[0])

    def test_faults_that_show_later(self):
        self.each_by_each_way(HALVES[1])

    def each_by_each_way(self, cases):
        self.cases = cases
        boards = len(cases) * len(WAYS)
        spec = ",".join("%s@%s=1" % (fault, "+".join(str(len(WAYS) * number + way + 1) for way in range(len(WAYS)))) for number, fault in enumerate(cases))
        data = common.data_folder("ways-faults")
        wrong = []
        with common.bench.Bench(data, boards, spec, seed=9, line_options=["--products", ",".join(mixed.MODELS[way][1] for way in WAYS)]) as bench:
            self.start(bench)
            bench.plug_all(apart=0.3)
            common.wait_for(lambda: len(self.verdicts(bench)) == boards, 900, 1, lambda: "no verdict: %s" % [
                (slot, self.wanted(int(slot))[0], tile["state"], tile["note"]) for slot, tile in common.tiles(bench.station_api).items() if not tile["outcome"]])
            rows, tiles, units = self.verdicts(bench), common.tiles(bench.station_api), bench.line_api.boards()
            for board in range(1, boards + 1):
                fault, code = self.wanted(board)
                row, took = rows[board], (rows[board]["ended_ms"] - rows[board]["started_ms"]) / 1000
                verdict = "FAIL" if code in FAIL else "ERROR" if code else "PASS"
                said = "%s by %s: %s %s (%s) after %.0f s, to do: %s" % (fault, mixed.way_of(board), row["result"], row["code"], row["message"], took,
                                                                       tiles[str(board)]["action"])
                print(said, flush=True)
                if (row["result"], row["code"] or "") != (verdict, code):
                    wrong.append("%s instead of %s %s" % (said, verdict, code))
                elif took > LIMIT_S:
                    wrong.append("%s: too long" % said)
                elif (units[board - 1]["seen_at"] != units[board - 1]["bus_port"]) != (fault == "superspeed"):
                    wrong.append("%s: seen at %s" % (said, units[board - 1]["seen_at"]))
                elif tiles[str(board)]["action"] != ACTIONS[code]:
                    wrong.append("%s instead of: %s" % (said, ACTIONS[code]))
            wrong += ["left over: " + line for line in common.leftovers(bench)]
        for way, tree in self.on_disk.items():
            if common.bench.build.digest_of([tree]) != self.before[way]:
                wrong.append("the tree of %s was changed" % way)
        self.assertFalse(wrong, "\n" + "\n".join(wrong))
        common.bench.trees.remove(data)

    def start(self, bench):
        plain = mixed.settings.recipe_begin
        mixed.settings.recipe_begin = lambda speed, silence_s=None: plain(speed, SILENCE_S)
        try:
            super().start(bench)
        finally:
            mixed.settings.recipe_begin = plain


if __name__ == "__main__":
    common.main()
