# SPDX-License-Identifier: Apache-2.0
"""The person at the bench: sees to it that there is always work, whatever was killed."""
import common
from common import station_api

TRIES = 3       # of a unit that does not pass, before another takes its place


class Person:
    def __init__(self, bench, promises, dice):
        self.bench, self.promises, self.dice = bench, promises, dice
        self.tries = {}             # slot -> jobs of this unit that ended badly
        self.asked = {}             # slot -> what was done for this job already
        self.leaving = set()        # boards that are being taken away for good
        self.returning = set()      # (slot, job, life of the service) of units that are powered off and on before they are tried again

    def tick(self, now, life):
        """`now`: tiles by slot. `life`: counts the starts of the service, since each may ask again."""
        boards = None
        for slot, tile in now.items():
            number = int(slot)
            if number in self.leaving:
                boards = boards or {board["board"]: board for board in self.bench.line_api.boards()}
                self.replace(number, boards[number], tile)
            elif tile["state"] == "interrupted":
                if tile["action"] == "Switch off and on" and self.first(slot, (tile["job"], life, "cycle")):
                    self.bench.line_api.ask(do="recovery", board=number)
            elif tile["outcome"] == "PASS":
                self.take_away(number)
            elif tile["outcome"]:
                self.try_again(slot, number, tile, life)

    def first(self, slot, what):
        if self.asked.get(slot) == what:
            return False
        self.asked[slot] = what
        return True

    def take_away(self, number):
        self.leaving.add(number)
        self.bench.line_api.ask(do="unplug", board=number)

    def replace(self, number, board, tile):
        """A unit that is off is looked at from outside, then another takes its place."""
        if tile["ack"] == "ready":
            self.post(tile, "acknowledge")
        if not board["gone"]:
            return
        self.promises.check_storage_of(number, "when board %d was taken away" % number)
        self.bench.line_api.ask(do="replace", board=number)
        self.bench.line_api.ask(do="plug", board=number)
        self.leaving.discard(number)
        self.tries.pop(str(number), None)

    def try_again(self, slot, number, tile, life):
        """A unit that failed gets its power switched off and on; then it is tried again, or taken for the next unit."""
        job = tile["job"]
        if (slot, job, life) not in self.returning:     # a service that was dead meanwhile saw nobody leave
            self.tries[slot] = self.tries.get(slot, 0) + 1
            if self.tries[slot] > TRIES or self.dice.random() < 0.1:
                return self.take_away(number)
            self.returning.add((slot, job, life))
            return self.bench.line_api.ask(do="recovery", board=number)
        if tile["ack"] == "ready":
            self.post(tile, self.dice.choice(("retry", "acknowledge")))
        return None

    def post(self, tile, what):
        try:
            self.bench.station_api.post("/api/v1/slots/%s/%s" % (tile["slot"], what), {"job": tile["job"]})
        except (station_api.Refused, station_api.NoAnswer):
            pass        # it changed, or died, meanwhile

    def plug_all(self):
        for board in self.bench.line_api.boards():
            self.bench.line_api.ask(do="plug", board=board["board"])


def tiles_or_none(bench):
    try:
        return common.tiles(bench.station_api)
    except (station_api.NoAnswer, station_api.Refused):
        return None
