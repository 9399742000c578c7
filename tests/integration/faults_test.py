#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every row of tests/virtual-line/faults.md in one run: a board each. Verdict, code and lease must be those of the table."""
import json
import os
import re
import unittest

import common

STEPS = ["set-nvme", "set-serial", "set-wifi-ap", "set-wifi-station", "install-mcutool", "install-camera", "reboot-and-wait", "read-serial"]
ONCE = {"set-nvme": False}     # steps that may not be tried again
HUB = 4                        # boards of one hub


def table():
    """name -> (argument, verdict, code, lease)"""
    rows = {}
    with open(os.path.join(common.LINE, "faults.md"), encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if len(cells) == 7 and re.fullmatch(r"[a-z-]+", cells[0]) and cells[0] != "name":
                rows[cells[0]] = (cells[1], *cells[4:])
    return rows


class Case:
    def __init__(self, fault, verdict, code, lease):
        self.fault, self.verdict, self.code, self.lease = fault, verdict, code, lease


def cases():
    rows, found = table(), []

    def add(name, argument="", row=None):
        _, verdict, code, lease = rows[row or name]
        if lease == "step":
            lease = "none" if STEPS.index(argument) < STEPS.index("set-serial") else "in_doubt"
        found.append(Case(name + (":" + argument if argument else ""), verdict, code.replace("STEP", argument), lease))

    for name, (argument, *_) in rows.items():
        if not argument:
            add(name)
    add("twin-serial")  # it takes two
    for percent in ("5", "47", "93"):
        add("unplug", percent)
    for step in ("set-nvme", "set-serial", "install-camera", "read-serial"):
        add("step-once", step, "step-once" if ONCE.get(step, True) else "step-always")
    for step in STEPS:
        add("step-always", step)
    # The board hub-drop is thrown for, then its neighbours, on a hub of their own.
    while len(found) % HUB:
        found.append(Case("", "PASS", "", "burned"))
    hub = len(found) // HUB + 1
    add("hub-drop", str(hub))
    for _ in range(HUB - 1):
        found.append(Case("", *rows["hub-drop"][1:]))
    return found, hub


class Faults(unittest.TestCase):
    def test_each_fault_gets_its_verdict_code_and_lease(self):
        data = common.data_folder("faults")
        wanted, hub = cases()
        spec = ",".join("%s@%d=1" % (case.fault, number) for number, case in enumerate(wanted, 1) if case.fault)
        wrong = []
        with common.bench.Bench(data, len(wanted), spec, seed=20) as bench:
            bench.start()
            bench.load_serials()
            bench.open_order()
            bench.plug_all(apart=0.3)
            common.wait_for(lambda: len(bench.verdicts()) == len(wanted), 420, 0.5, lambda: "no verdict at slots %s" % [
                (tile["slot"], tile["state"], wanted[int(tile["slot"]) - 1].fault)
                for tile in common.tiles(bench.station_api).values() if not tile["outcome"]])
            verdicts = bench.verdicts()
            for number, case in enumerate(wanted, 1):
                row = verdicts[str(number)]
                lease = row["lease"] if row.get("lease") and row["lease"] != "released" else "none"
                if (row["result"], row["code"] or "", lease) != (case.verdict, case.code, case.lease):
                    wrong.append("board %d %s: %s %s %s instead of %s %s %s (%s)" % (
                        number, case.fault or "no fault", row["result"], row["code"], lease, case.verdict, case.code, case.lease, row["message"]))
            alarms = bench.station_api.status()["station"]["alarms"]
            on_hub = {str(number) for number in range((hub - 1) * HUB + 1, hub * HUB + 1)}
            matching = [alarm for alarm in alarms if set(alarm["slots"]) & on_hub]
            if len(matching) != 1 or set(matching[0]["slots"]) != on_hub:
                wrong.append("one alarm for slots %s, not %s" % (sorted(on_hub), alarms))
            for number, case in enumerate(wanted, 1):
                if case.fault == "wrong-model" and os.path.exists(os.path.join(data, "line/boards/%d/storage.img" % number)):
                    wrong.append("board %d wrong-model: something was written" % number)
            wrong += ["left over: " + line for line in common.leftovers(bench)]
            self.check_acknowledge(bench, wanted, wrong)
            # The one that was made again has left the list.
            self.check_doubt(bench, data, sum(case.lease == "in_doubt" for case in wanted) - 1, wrong)
        boards = common.storages(data, "--may-lack")
        for number, case in enumerate(wanted, 1):
            if case.verdict == "PASS" and not boards[number]["equal"]:
                wrong.append("board %d %s passed with another image: %s" % (number, case.fault, boards[number]))
        serials = [board["serial"] for board in boards.values() if board.get("serial")]
        if len(serials) != len(set(serials)):
            wrong.append("a serial on two units: %s" % sorted(serials))
        self.assertFalse(wrong, "\n" + "\n".join(wrong))

    def check_acknowledge(self, bench, wanted, wrong):
        """A failed unit's slot starts nothing before somebody acknowledged; then it does, and passes without the fault."""
        number = next(number for number, case in enumerate(wanted, 1) if case.fault == "step-always:set-wifi-ap")
        slot = str(number)

        def tile():
            return common.tiles(bench.station_api)[slot]

        failed = tile()["job"]
        bench.line_api.ask(do="faults", spec="none")
        bench.line_api.ask(do="unplug", board=number)
        common.wait_for(lambda: tile()["ack"] == "ready", 30, tell=lambda: "ack ready: %s" % tile())
        bench.line_api.ask(do="plug", board=number)
        note = common.wait_for(lambda: tile()["present"] and tile(), 30, tell="plugged in again")
        common.time.sleep(2)
        note = tile()
        if note["job"] != failed or "cknowledge" not in (note["note"] or ""):
            wrong.append("slot %s started before it was acknowledged: %s" % (slot, note))
        bench.line_api.ask(do="unplug", board=number)
        common.wait_for(lambda: tile()["ack"] == "ready", 30)
        bench.cli("slot", "acknowledge", slot)
        bench.line_api.ask(do="plug", board=number)
        try:
            common.wait_for(lambda: tile()["job"] != failed and tile()["outcome"], 120)
        except AssertionError:
            pass
        if tile()["outcome"] != "PASS":
            wrong.append("slot %s did not pass after the acknowledgement: %s" % (slot, tile()))

    def check_doubt(self, bench, data, expected, wrong):
        """Serials in doubt are listed; one is given up by name and with a reason, for ever, the others stay."""
        def listed():
            return {row["serial"]: row for row in json.loads(bench.cli("pool", "doubt", "--json").stdout)["in_doubt"]}

        before = listed()
        if len(before) != expected or not all(row["certain"] for row in before.values()):
            wrong.append("%d serials in doubt instead of %d: %s" % (len(before), expected, before))
        serial = min(before)
        if bench.cli("pool", "void", serial, "--reason", " ", check=False).returncode != 1:
            wrong.append("%s was given up without a reason" % serial)
        bench.cli("pool", "void", serial, "--reason", "unit scrapped")
        rows = common.sql(data, "SELECT l.state, l.reason, l.by_user FROM lease l JOIN serial s ON s.id = l.serial_id"
                          " WHERE s.value = ? AND l.state <> 'released'", serial)
        told = [(row["state"], row["reason"], bool(row["by_user"])) for row in rows]
        if told != [("voided", "unit scrapped", True)] or set(listed()) != set(before) - {serial}:
            wrong.append("%s was given up, but: %s, %s" % (serial, told, sorted(listed())))
        if bench.cli("pool", "void", serial, "--reason", "again", check=False).returncode != 1:
            wrong.append("%s was given up twice" % serial)


if __name__ == "__main__":
    common.main()
