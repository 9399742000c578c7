#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The day of each person at one station, in a real Chromium, from the first link to QA's export (web/ui/e2e/day.spec.ts): sixteen boards, two of
them bad. LINESIDE_SHOTS: a folder for pictures of each page in three sizes, light and dark."""
import os
import re
import subprocess
import unittest

import common
import everything_said

UI = os.path.join(common.ROOT, "web/ui")


class Day(unittest.TestCase):
    def test_each_person_has_a_good_day(self):
        with common.bench.Bench(common.data_folder("day"), 16, "no-boot@3+9=1", seed=61) as bench:
            bench.start()
            # The bench's own pool and order stand aside: the manager loads and opens.
            link = bench.cli("admin", "first-link").stdout.strip()
            control = "%s --socket %s" % (os.path.join(common.LINE, "lineside-line-ctl"), bench.place.line_socket)
            events = os.path.join(bench.place.data, "events.txt")      # what every open page is told, all the while
            told = subprocess.Popen(["curl", "-sN", "--max-filesize", "500M", "--unix-socket", bench.place.station_socket, "-o", events,
                                     "http://localhost/api/v1/events"])
            self.addCleanup(told.kill)
            env = {**os.environ, "LINESIDE_URL": bench.url, "LINESIDE_FIRST_LINK": link, "LINESIDE_LINE_CTL": control,
                   "LINESIDE_SECRETS": link.split("#")[1], "LINESIDE_WAIT_S": "240"}
            done = subprocess.run(["npx", "vitest", "run", "--config", "e2e/vitest.config.ts", "--testTimeout", "800000", "e2e/day.spec.ts"], cwd=UI,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1200, check=False, env=env)
            said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
            self.assertEqual(done.returncode, 0, said[-6000:])
            told.terminate()
            told.wait(10)
            with open(events, encoding="utf-8") as file:
                text = file.read()
            self.assertGreater(text.count("event: tile\n"), 100)
            secrets = ["correct horse", "token-of-the-day", link.split("#")[1]]
            searched, wrong = everything_said.search([("the events", 200, text.encode()), *everything_said.all_answers(bench.station_api)], secrets)
            self.assertEqual(wrong, [])
            self.assertEqual(sum("zip!logs/" in where for where in searched), 16)
            self.assertEqual(sum("/certificate" in where for where in searched), 14)
            self.assertRegex(said, r"Tests +8 passed")
            made = common.sql(bench.place.data, "SELECT result, count(*) FROM record_v1 GROUP BY 1 ORDER BY 1")
            self.assertEqual([tuple(row.values()) for row in made], [("FAIL", 2), ("PASS", 14)])
            by = dict(tuple(row.values()) for row in common.sql(bench.place.data, "SELECT kind, actor FROM event WHERE kind IN ('batch.loaded', 'order.opened', "
                                                       "'screen.enrolled', 'account.made')"))
            self.assertEqual((by.get("batch.loaded"), by.get("order.opened"), by.get("screen.enrolled"), by.get("account.made")),
                             ("Mia", "Mia", "Tess", "Ada Admin"))


if __name__ == "__main__":
    common.need_root()
    common.need_browser()
    unittest.main()
