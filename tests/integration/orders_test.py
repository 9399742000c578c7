#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who says what may be made: under policy `two` a unit waits until two people released its image, and the wall says so; a withdrawal
stops new units, an emergency release by one shows on record and certificate; a paused order starts nothing; a closed one is accounted for."""
import http.client
import json
import unittest
import urllib.parse

import common

PASSWORD = "correct horse 1"


class Browser:
    """One person at the page: the cookie of a log-in."""

    def __init__(self, url):
        self.host = urllib.parse.urlsplit(url).netloc
        self.cookie = ""

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.host, timeout=20)
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if body is not None:
            headers.update({"Content-Type": "application/json", "X-Lineside": "1", "Origin": "http://" + self.host})
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.getheader("Set-Cookie"):
            self.cookie = answer.getheader("Set-Cookie").split(";")[0]
        connection.close()
        return answer.status, json.loads(text) if text else {}

    def log_in(self, name):
        status, said = self.ask("POST", "/api/v1/session", {"name": name, "password": PASSWORD})
        assert status == 200, said
        return self


class Orders(unittest.TestCase):
    def test_from_the_first_release_to_the_account(self):
        data = common.data_folder("orders")
        with common.bench.Bench(data, 4, "none", seed=47, more={"release": "two"}) as self.bench:
            bench = self.bench
            bench.start()
            bench.load_serials(least=8, size=20)
            self.people()
            bench.open_order(quantity=10)
            image = common.wait_for(self.image, 300, 0.5)
            self.assertEqual((image["release"]["may_start"], image["release"]["missing"]), (False, 2))
            self.two_people(data, image["id"])
            self.withdrawn_and_emergency(data, image["id"])
            self.paused()
            self.closed(data)
            self.records_say_so(data)

    def people(self):
        code = self.bench.cli("admin", "first-link").stdout.strip().split("#")[1]
        admin = Browser(self.bench.url)
        status, said = admin.ask("POST", "/api/v1/session/first", {"code": code, "name": "Ana Kim", "password": PASSWORD})
        self.assertEqual(status, 200, said)
        for name, role in (("Mia", "manager"), ("Olu", "operator")):
            status, said = admin.ask("POST", "/api/v1/accounts", {"name": name, "role": role, "password": PASSWORD})
            self.assertIn(status, (200, 201), said)
        self.ana, self.mia, self.olu = admin, Browser(self.bench.url).log_in("Mia"), Browser(self.bench.url).log_in("Olu")

    def image(self):
        images = self.ana.ask("GET", "/api/v1/images")[1]["images"]
        return images[0] if images and images[0]["state"] == "ready" else None

    def plug(self, board):
        self.bench.line_api.ask(do="plug", board=board)

    def waits(self, board, reason):
        tile = common.wait_for(lambda: [one for one in common.tiles(self.bench.station_api).values()
                                        if one["slot"] == str(board) and one["reason"] and reason in one["reason"]], 30, 0.2,
                               tell=lambda: str(common.tiles(self.bench.station_api).get(str(board))))[0]
        self.assertEqual((tile["state"], tile["job"]), ("waiting", None))

    def judged(self, count):
        common.wait_for(lambda: len(self.bench.verdicts()) >= count, 180, 0.5)
        rows = self.bench.verdicts().values()
        self.assertEqual({(row["result"], row["code"], row["reason"]) for row in rows}, {("PASS", None, None)})

    def two_people(self, data, image):
        path = "/api/v1/images/%s/release" % image
        self.plug(1)
        self.waits(1, "is not released")
        self.assertEqual(self.olu.ask("POST", path, {})[0], 403)
        self.assertEqual(self.mia.ask("POST", path, {})[0], 200)
        self.waits(1, "waits for a second release")
        station = self.bench.station_api.status()["station"]
        self.assertEqual(station["state"], "blocked")
        self.assertIn("waits for a second release", station["reason"])
        status, said = self.mia.ask("POST", path, {})
        self.assertEqual((status, said["code"]), (409, "request.conflict"))
        self.assertIn("another person", said["detail"])
        self.assertEqual(common.sql(data, "SELECT count(*) AS n FROM job")[0]["n"], 0)
        self.assertEqual(self.ana.ask("POST", path, {})[1]["release"]["how"], "two")
        self.judged(1)

    def withdrawn_and_emergency(self, data, image):
        status, said = self.mia.ask("POST", "/api/v1/images/%s/withdraw" % image, {"reason": "wrong firmware"})
        self.assertEqual(status, 200, said)
        self.plug(2)
        self.waits(2, "was withdrawn")
        self.bench.station.stop(30)
        self.bench.start_station()
        self.waits(2, "was withdrawn")
        self.ana, self.mia = Browser(self.bench.url).log_in("Ana Kim"), Browser(self.bench.url).log_in("Mia")
        path = "/api/v1/images/%s/emergency" % image
        self.assertEqual(self.mia.ask("POST", path, {"reason": " "})[0], 400)
        self.assertEqual(self.mia.ask("POST", path, {"reason": "line stands still"})[1]["release"]["how"], "emergency")
        self.judged(2)

    def paused(self):
        order = "/api/v1/orders/" + self.bench.order
        self.assertEqual(self.olu.ask("POST", order + "/pause", {})[0] in (401, 403), True)
        self.assertEqual(self.mia.ask("POST", order + "/pause", {})[1]["state"], "paused")
        self.plug(3)
        self.waits(3, "Order %s is paused" % self.bench.order)
        self.assertEqual(self.mia.ask("POST", order + "/resume", {})[1]["state"], "open")
        self.judged(3)

    def closed(self, data):
        order = "/api/v1/orders/" + self.bench.order
        self.assertEqual(self.mia.ask("POST", order + "/close", {})[0], 400)
        status, said = self.mia.ask("POST", order + "/close", {"reason": "customer took less"})
        self.assertEqual((status, said["account"]), (200, {"quantity": 10, "units": 3, "passed": 3, "failed": 0, "in_work": 0}))
        self.plug(4)
        self.waits(4, "No order is open")
        row = self.mia.ask("GET", "/api/v1/orders")[1]["orders"][0]
        self.assertEqual((row["state"], row["ended_by"], row["end_reason"]), ("closed", "Mia", "customer took less"))
        recipe = common.sql(data, "SELECT recipe FROM orders")[0]["recipe"]
        steps = json.loads(recipe)
        self.assertIn("set-serial", [step["name"] for step in steps])
        for step in steps:                  # a digest for each secret, and no secret
            self.assertFalse({"ssh_password", "wifi_ap_password"} & set(step["params"]), step)
            for kept in step["secrets"].values():
                self.assertRegex(kept, "^[0-9a-f]{64}$")

    def records_say_so(self, data):
        rows = common.sql(data, "SELECT job, image_release, image_released_by, image_release_reason FROM record_v1 ORDER BY job")
        self.assertEqual([(row["image_release"], row["image_released_by"], row["image_release_reason"]) for row in rows],
                         [("two", "Mia, Ana Kim", None)] + [("emergency", "Mia", "line stands still")] * 2)
        for row, wanted in ((rows[0], {"how": "two", "by": "Mia, Ana Kim", "reason": None}),
                            (rows[1], {"how": "emergency", "by": "Mia", "reason": "line stands still"})):
            told = self.mia.ask("GET", "/api/v1/jobs/%d/certificate" % row["job"])[1]
            self.assertEqual((told["type"], told["image_release"]), ("lineside-certificate-2", wanted))
        kinds = [row["kind"] for row in common.sql(data, "SELECT kind FROM event WHERE kind GLOB 'order.*' OR kind = 'image.release' ORDER BY seq")]
        self.assertEqual(kinds, ["order.opened"] + ["image.release"] * 4 + ["order.paused", "order.resumed", "order.closed"])
        verified = self.bench.cli("audit", "verify", "--db", data + "/station/station.db", "--key", data + "/station/public-keys", check=False)
        self.assertEqual(verified.returncode, 0, verified.stdout + verified.stderr)


if __name__ == "__main__":
    common.need_root()
    unittest.main()
