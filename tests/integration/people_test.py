#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A station gets its first account, and from then on nobody is let in without one, while its boards go on: the walk of an admin, a
technician with a wall screen and an operator in a real Chromium (web/ui/e2e/people.spec.ts). Afterwards no password and no key of a
session is in a log, the records, the journal's export or the database, and the journal says who did what."""
import json
import os
import re
import subprocess
import unittest
import urllib.error
import urllib.request

import common

UI = os.path.join(common.ROOT, "web/ui")
PASSWORD = "correct horse 1"


def status_of(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


class People(unittest.TestCase):
    def test_from_the_first_account_on(self):
        data = common.data_folder("people")
        with common.bench.Bench(data, 2, "none", seed=41) as bench:
            bench.start()
            bench.load_serials(least=4, size=20)
            bench.open_order(quantity=10)
            self.assertEqual(status_of(bench.url + "api/v1/wall"), 200, "open before the first account")
            link = bench.cli("admin", "first-link").stdout.strip()
            self.assertRegex(link, r"^http://127\.0\.0\.1:\d+/first#[A-Za-z0-9_-]{43}$")
            bench.plug_all()
            env = {**os.environ, "LINESIDE_URL": bench.url, "LINESIDE_FIRST_LINK": link}
            done = subprocess.run(["npx", "vitest", "run", "--config", "e2e/vitest.config.ts", "e2e/people.spec.ts"], cwd=UI, env=env,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
            said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
            self.assertEqual(done.returncode, 0, said[-6000:])
            self.assertEqual(status_of(bench.url + "api/v1/wall"), 401)
            common.wait_for(lambda: len(bench.verdicts()) == 2, 120, 0.5)
            self.assertEqual({row["result"] for row in bench.verdicts().values()}, {"PASS"})
            bench.station.stop(30)
            bench.start_station()
            self.assertEqual(status_of(bench.url + "api/v1/wall"), 401, "after a restart too")
            exported = os.path.join(data, "journal.jsonl")
            bench.cli("audit", "export", "-o", exported)
            kinds = self.told(data)
            self.nowhere(data, [PASSWORD, link.split("#")[1]])
        for kind in ("link.made", "account.made", "session.opened", "session.refused", "screen.enrolled", "account.closed", "session.ended"):
            self.assertIn(kind, kinds)

    def told(self, data):
        rows = common.sql(data, "SELECT kind, actor, data FROM event WHERE kind GLOB 'account.*' OR kind GLOB 'session.*' OR kind GLOB"
                                " 'screen.*' OR kind GLOB 'link.*' ORDER BY seq")
        made = [(row["actor"], json.loads(row["data"])["account"]) for row in rows if row["kind"] == "account.made"]
        self.assertEqual(made, [("first link", "Ana Kim"), ("Ana Kim", "Tess"), ("Ana Kim", "Olu")])
        return {row["kind"] for row in rows}

    def nowhere(self, data, secrets):
        """Everything the station has written, but what the virtual units hold."""
        looked_at = 0
        for folder, _, names in os.walk(data):
            if os.path.relpath(folder, data).split(os.sep)[0] in ("line", "helper", "bsp"):
                continue
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.isfile(path):
                    continue
                with open(path, "rb") as file:
                    held = file.read()
                looked_at += 1
                for secret in secrets:
                    self.assertNotIn(secret.encode(), held, path)
        self.assertGreater(looked_at, 5)


if __name__ == "__main__":
    common.need_browser()
    unittest.main()
