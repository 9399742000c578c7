#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Eight boards from plug-in to PASS by deploy/run, twice; what is on their storages; how often the image was built; whether
`lineside export` says of all that what the database says."""
import csv
import hashlib
import io
import json
import os
import unittest
import zipfile

import common


class Run(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = common.data_folder("run-8")

    def run_8(self):
        status, out, seconds, error = common.deploy_run(self.data, "--boards", "8")
        self.assertEqual(status, 0, error)
        self.assertEqual(out.count("\n"), 1, "stdout holds one line and nothing else: %r" % out)
        counts = json.loads(out)
        self.assertEqual({**counts, "seconds": 0}, {"boards": 8, "pass": 8, "fail": 0, "error": 0, "aborted": 0, "seconds": 0})
        boards = common.storages(self.data)
        self.assertEqual(sorted(boards), list(range(1, 9)))
        for board in boards.values():
            self.assertTrue(board["equal"], board)
        serials = [board["serial"] for board in boards.values()]
        self.assertEqual(len(set(serials)), 8, serials)
        for row in common.sql(self.data, "SELECT s.value, l.state, u.chip_id FROM lease l JOIN serial s ON s.id = l.serial_id"
                                         " JOIN unit u ON u.id = l.unit_id WHERE l.state <> 'released'"):
            self.assertEqual(row["state"], "burned", row)
        return seconds, set(serials)

    def test_1_two_runs(self):
        first, serials = self.run_8()
        second, others = self.run_8()
        print("first run %.1f s, second %.1f s" % (first, second))
        self.assertFalse(serials & others, "a serial on two units")
        self.assertEqual(common.sql(self.data, "SELECT builds FROM image"), [{"builds": 1}])

    def exported(self, bench, kind, *filters):
        path = os.path.join(self.data, "records." + kind)
        bench.cli("export", "--format", kind, *filters, "-o", path)
        with open(path, "rb") as file:
            return file.read()

    def check_exports(self, bench):
        rows = common.sql(self.data, "SELECT * FROM record_v1 ORDER BY job")
        self.assertEqual(len(rows), 16)
        as_json = self.exported(bench, "json")
        self.assertEqual(json.loads(as_json), rows)
        last = rows[-1]["serial"]
        self.assertEqual(json.loads(self.exported(bench, "json", "--serial", last + ".." + last)), rows[-1:])
        self.assertEqual(json.loads(self.exported(bench, "json", "--result", "FAIL")), [])

        def cell(value):  # only a text can be a formula
            formula = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") and value != ""
            return "" if value is None else ("'" if formula else "") + str(value)

        as_csv = self.exported(bench, "csv")
        table = list(csv.reader(io.StringIO(as_csv.decode(), newline="")))
        self.assertEqual(table, [list(rows[0])] + [[cell(value) for value in row.values()] for row in rows])

        with zipfile.ZipFile(io.BytesIO(self.exported(bench, "zip"))) as archive:
            self.assertEqual(archive.read("records.json"), as_json)
            self.assertEqual(archive.read("records.csv"), as_csv)
            anchor = os.path.join(self.data, "anchor.json")
            with open(anchor, "wb") as file:
                file.write(archive.read("anchor.json"))
        station = os.path.join(self.data, "station")
        verified = bench.cli("audit", "verify", "--db", os.path.join(station, "station.db"), "--anchor", anchor, "--key",
                             os.path.join(station, "public-keys"))
        self.assertTrue(json.loads(verified.stdout)["ok"], verified.stdout)

        with zipfile.ZipFile(io.BytesIO(self.exported(bench, "zip"))) as archive:
            index = list(csv.DictReader(io.StringIO(archive.read("index.csv").decode(), newline="")))
            # Of each unit that passed its certificate, then its log.
            self.assertEqual([line["path"] for line in index],
                             [path % (row["serial"], row["attempt"]) for row in rows
                              for path in ("certificates/%s/%d.json", "logs/%s/%d.log")])
            self.assertEqual(sorted(archive.namelist()),
                             sorted(["anchor.json", "records.json", "records.csv", "index.csv"] + [line["path"] for line in index]))
            for line in index:
                self.assertEqual(hashlib.sha256(archive.read(line["path"])).hexdigest(), line["sha256"], line)
            for certificate, row in zip(index[::2], rows):
                self.assertEqual(json.loads(archive.read(certificate["path"]))["serial"], row["serial"])
            for line, row in zip(index[1::2], rows):
                log = archive.read(line["path"])
                with open(os.path.join(self.data, "station/logs/%d/01-flash.1.log" % row["job"]), "rb") as file:
                    self.assertTrue(log.startswith(b"==> 01-flash.1.log <==\n" + file.read()), line)

    def test_2_exports_and_builds(self):
        def builds(api):
            return max(image["builds"] for image in api.status()["images"] if image["profile"] == common.settings.PROFILE)

        with common.bench.Bench(self.data, 1, seed=4711) as bench:
            bench.start()
            self.assertEqual(builds(bench.station_api), 1, "after a restart")
            self.assertEqual(json.loads(bench.cli("status", "--json").stdout)["images"][0]["builds"], 1)
            self.check_exports(bench)
        with open(os.path.join(self.data, "bsp/rootfs/etc/hostname"), "r+b") as file:
            byte = file.read(1)
            file.seek(0)
            file.write(bytes([byte[0] ^ 1]))
        with common.bench.Bench(self.data, 1, seed=4712) as bench:
            bench.start()
            bench.load_serials()
            bench.open_order()
            bench.plug_all()
            found = common.wait_for(bench.verdicts, 120)
            self.assertEqual(found["1"]["result"], "PASS", found)
            self.assertEqual(builds(bench.station_api), 2, "after one byte of the tree changed")
            common.wait_for(lambda: not os.listdir(bench.place.lanes), 20,
                            tell=lambda: "lanes are left, of the unit or of the image's build: %s" % os.listdir(bench.place.lanes))
        board = common.storages(self.data)[1]
        self.assertTrue(board["equal"], board)


if __name__ == "__main__":
    common.main()
