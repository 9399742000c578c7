# SPDX-License-Identifier: Apache-2.0
"""What a truth store promises, checked from outside: plain SQL, the boards' storage files, and what a booted unit says in its
own file system. Nothing of the station is asked."""
import importlib.machinery
import importlib.util
import json
import os

import common

DUPLICATES = (
    ("serial with two live leases",
     "SELECT serial_id FROM lease WHERE state <> 'released' GROUP BY serial_id HAVING count(*) > 1"),
    ("unit with two live leases",
     "SELECT unit_id FROM lease WHERE state IN ('reserved','issued','burned','in_doubt') GROUP BY unit_id HAVING count(*) > 1"),
    ("serial leased again while another unit had it",  # seen also when the second one gave it back before anybody looked
     "SELECT a.serial_id, a.unit_id, b.unit_id AS other FROM lease a JOIN lease b ON b.serial_id = a.serial_id AND b.id > a.id"
     " WHERE a.state <> 'released' AND b.unit_id <> a.unit_id"))
LOST = (
    ("serial neither free nor leased",
     "SELECT id FROM serial s WHERE free = 0 AND NOT EXISTS (SELECT 1 FROM lease WHERE serial_id = s.id AND state <> 'released')"),
    ("serial free and leased",
     "SELECT id FROM serial s WHERE free = 1 AND EXISTS (SELECT 1 FROM lease WHERE serial_id = s.id AND state <> 'released')"),
    ("batch that was loaded in part",
     "SELECT id, count FROM batch b WHERE state <> 'loading' AND count <> (SELECT count(*) FROM serial WHERE batch_id = b.id)"))
FALSE_PASS = (
    ("PASS without its rows of proof",
     "SELECT id FROM job j WHERE outcome = 'PASS' AND NOT ("
     " EXISTS (SELECT 1 FROM proof WHERE job_id = j.id AND kind = 'image' AND ok = 1 AND expected = heard) AND"
     " EXISTS (SELECT 1 FROM proof WHERE job_id = j.id AND kind = 'serial' AND ok = 1 AND expected = heard) AND"
     " EXISTS (SELECT 1 FROM lease WHERE unit_id = j.unit_id AND state = 'burned' AND state <> 'released' AND state <> 'voided'))"),)
LEASES = ("SELECT u.chip_id, s.value, l.state FROM lease l JOIN unit u ON u.id = l.unit_id JOIN serial s ON s.id = l.serial_id"
          " WHERE l.state <> 'released' AND u.chip_id IS NOT NULL")
PASSED = ("SELECT u.chip_id FROM job j JOIN unit u ON u.id = j.unit_id WHERE j.outcome = 'PASS' AND j.id ="
          " (SELECT max(id) FROM job WHERE unit_id = u.id)")
LIVE = "SELECT count(*) AS live FROM job WHERE outcome IS NULL AND state NOT IN ('interrupted', 'stopping')"


def load_check_storage():
    path = os.path.join(common.LINE, "check-storage")
    loader = importlib.machinery.SourceFileLoader("check_storage", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_storage", loader))
    loader.exec_module(module)
    return module


class Promises:
    def __init__(self, data):
        self.data = data
        self.broken = {"duplicates": {}, "lost": {}, "false_pass": {}}  # what is wrong -> when it was seen first
        self.carried = {}           # serial -> chip ids it was ever seen on
        self.loaded = set()         # serials a batch was accepted with
        self.units_checked = 0
        self.check_storage = load_check_storage()
        self.image = None

    def sql(self, query, *arguments):
        return common.sql(self.data, query, *arguments)

    def wrong(self, kind, text, when):
        """Each thing once: it stays wrong in every later look."""
        if text not in self.broken[kind]:
            self.broken[kind][text] = when
            return True
        return False

    @property
    def kept(self):
        return not any(self.broken.values())

    def live(self):
        return self.sql(LIVE)[0]["live"]

    # -- the database ---------------------------------------------------------------------------------------------

    def check_database(self, when, thorough=False):
        for kind, queries in (("duplicates", DUPLICATES), ("lost", LOST), ("false_pass", FALSE_PASS)):
            for what, query in queries:
                for row in self.sql(query):
                    self.wrong(kind, "%s: %s" % (what, dict(row)), when)
        there = {row["value"] for row in self.sql("SELECT value FROM serial")}
        for serial in self.loaded - there:
            self.wrong("lost", "serial %s of a loaded batch is not in the database" % serial, when)
        if thorough:
            answer = [list(row.values())[0] for row in self.sql("PRAGMA integrity_check")]
            if answer != ["ok"]:
                self.wrong("lost", "database: %s" % answer[:3], when)

    def check_chain(self, bench, when):
        """The journal's own proof; a store that is wrong on purpose has other rules and would be found for that alone."""
        if bench.broken:
            return
        station = os.path.join(self.data, "station")
        done = bench.cli("audit", "verify", "--db", os.path.join(station, "station.db"), "--key", os.path.join(station, "public-keys"),
                         check=False)
        if done.returncode != 0:
            self.wrong("lost", "journal: " + (done.stdout + done.stderr).strip()[:300], when)

    # -- the units ------------------------------------------------------------------------------------------------

    def card(self, board):
        with open(os.path.join(self.data, "line/boards/%d/board.json" % board), encoding="utf-8") as file:
            return json.load(file)

    def running_serial(self, board):
        """What stands in the file system of a unit that is up now; None when it is not, or holds none."""
        try:
            with open(os.path.join(self.data, "line/boards/%d/os.json" % board), encoding="utf-8") as file:
                pid = json.load(file)["pid"]
            with open("/proc/%d/root/etc/reeplayer/serial" % pid, encoding="utf-8") as file:
                return file.read().strip() or None
        except (OSError, ValueError, KeyError):
            return None

    def seen_on(self, serial, chip, when):
        chips = self.carried.setdefault(serial, set())
        chips.add(chip)
        if len(chips) > 1:
            self.wrong("duplicates", "serial %s was on %s" % (serial, " and ".join(sorted(chips))), when)

    def check_running(self, boards, when):
        """First the units, then the database: whatever a unit holds was written down before."""
        found = []
        for board in boards:
            chip = self.card(board)["br_cid"]
            serial = self.running_serial(board)
            if serial and self.card(board)["br_cid"] == chip:
                found.append((chip, serial, board))
        self.compare(found, when)

    def compare(self, found, when):
        if not found:
            return
        leases = {}
        for row in self.sql(LEASES):
            leases.setdefault(row["chip_id"], set()).add(row["value"])
        for chip, serial, board in found:
            self.seen_on(serial, chip, when)
            if serial not in leases.get(chip, ()):
                self.wrong("lost", "board %d (%s) carries %s, its lease says %s" % (
                    board, chip, serial, sorted(leases.get(chip, [])) or "nothing"), when)

    def check_storage_of(self, board, when):
        """The whole storage of a unit that is off, against the image and the database."""
        storage = os.path.join(self.data, "line/boards/%d/storage.img" % board)
        if not os.path.exists(storage):
            return
        if self.image is None:
            self.image = self.check_storage.Image(common.image_of(self.data))
        found = self.check_storage.compare(self.image, storage, self.check_storage.CHANGED)
        chip = self.card(board)["br_cid"]
        self.units_checked += 1
        if found["serial"]:
            self.compare([(chip, found["serial"], board)], when)
        if chip not in {row["chip_id"] for row in self.sql(PASSED)}:
            return
        burned = {row["value"] for row in self.sql(LEASES) if row["chip_id"] == chip and row["state"] == "burned"}
        if found["differences"] or found["serial"] not in burned:
            self.wrong("false_pass", "board %d (%s) passed; serial %s, burned %s, differs in %s" % (
                board, chip, found["serial"], sorted(burned), found["differences"][:3]), when)

    def figures(self):
        counts = {row["outcome"]: row["n"] for row in self.sql("SELECT outcome, count(*) AS n FROM job GROUP BY outcome")}
        doubt = self.sql("SELECT count(*) AS n FROM lease WHERE state = 'in_doubt'")[0]["n"]
        return counts.get("PASS", 0), doubt


def stop_units(bench):
    """Every unit's power off, so that its storage is as it is."""
    for board in bench.line_api.boards():
        if board["state"] != "off":
            bench.line_api.ask(do="unplug", board=board["board"])
    common.wait_for(lambda: all(board["gone"] for board in bench.line_api.boards()), 30)



