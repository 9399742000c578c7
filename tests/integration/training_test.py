#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A training station beside the real one: the real wall shows the way there, the training one says what it is on page, record, export
and serial, and the real database holds the same before and after."""
import hashlib
import os
import sqlite3
import subprocess
import unittest
import urllib.request

import common
import station_api


def dump(file):
    """What a database holds, whatever its pages look like."""
    held = hashlib.sha256()
    with sqlite3.connect("file:%s?mode=ro" % file, uri=True) as database:
        for line in database.iterdump():
            held.update(line.encode())
    return held.hexdigest()


class Training(unittest.TestCase):
    def lineside(self, bench, *arguments, status=0):
        done = subprocess.run([os.path.join(bench.place.binaries, "lineside"), "training", *arguments, "--data", self.data], text=True,
                              env={**os.environ, "LINESIDE_SOCKET": bench.place.station_socket}, capture_output=True, check=False,
                              timeout=400)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def test_beside_a_real_station(self):
        self.data = common.data_folder("training-beside")
        with common.bench.Bench(common.data_folder("training-real"), 2, "none", seed=31) as bench:
            bench.start()
            bench.load_serials()
            database = os.path.join(bench.place.station, "station.db")
            # The backup that follows a batch is told in the journal: after it the real station has nothing more to write.
            common.wait_for(lambda: common.sql(bench.place.data, "SELECT 1 FROM event WHERE kind = 'backup.made'"), 30)
            before = dump(database)
            self.lineside(bench, "status", status=1)
            told = self.lineside(bench, "start", "--boards", "2", "--speed", "60", "--faults", "none")
            try:
                url = told.split("Training runs: ")[1].split()[0]
                self.assertIn(url, self.lineside(bench, "start"))
                common.wait_for(lambda: bench.station_api.get("/api/v1/wall")["station"]["training"] == url, 10)
                self.says_what_it_is(url)
            finally:
                self.lineside(bench, "stop")
            self.lineside(bench, "status", status=1)
            self.assertIsNone(bench.station_api.get("/api/v1/wall")["station"]["training"])
            self.assertEqual(dump(database), before)

    def says_what_it_is(self, url):
        with open(os.path.join(self.data, "training.json"), encoding="utf-8") as file:
            socket = file.read().split('"socket": "')[1].split('"')[0]
        api = station_api.Station(socket)
        self.assertEqual(api.get("/api/v1/session")["use"], "training")
        self.assertEqual(api.get("/api/v1/wall")["station"]["name"], "TRAINING Training")
        common.wait_for(lambda: any(tile["outcome"] == "PASS" for tile in common.tiles(api).values()), 180)
        for kind in ("csv", "json", "zip"):
            with urllib.request.urlopen("%s/api/v1/records/export?format=%s" % (url.rstrip("/"), kind), timeout=30) as answer:
                self.assertIn('filename="TRAINING-records-', answer.headers["Content-Disposition"])
                text = answer.read()
            if kind == "csv":
                row = text.decode().splitlines()[1]
                self.assertIn("TRAIN-0", row)
                self.assertIn("TRAINING Training", row)


if __name__ == "__main__":
    common.need_root()
    unittest.main()
