#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A crowd that means it ill, from processes of its own: 10,000 idle connections, requests that never end, rubbish. An open page stays live, others
are answered, and when the crowd is gone nothing of it is left. How fast others were answered is printed, not judged."""
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
import unittest

import common

CROWD = os.path.join(common.HERE, "crowd.py")
IDLE = 10_000
RUBBISH = int(os.environ.get("LINESIDE_RUBBISH", "3000"))
SEED = int(os.environ.get("LINESIDE_SEED", "1"))
PATIENCE_S = 5.0          # a page that is not answered by then is not served


class Crowd:
    def __init__(self, kind, port, count, seconds):
        self.process = subprocess.Popen([sys.executable, "-B", CROWD, kind, str(port), str(count), str(seconds), str(SEED)],
                                        stdout=subprocess.PIPE, text=True)
        self.ready = self.process.stdout.readline().strip()

    def end(self, timeout=120):
        said = self.process.stdout.read()
        self.process.wait(timeout)
        self.process.stdout.close()
        return json.loads(said)

    def leave(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class OpenPage(threading.Thread):
    """A page as a browser has it open: its events, beats above all."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.beats, self.longest, self.breaks, self.going = port, 0, 0.0, 0, True

    def run(self):
        while self.going:
            link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
            try:
                link.request("GET", "/api/v1/events")
                answer = link.getresponse()
                last = time.monotonic()
                while self.going:
                    line = answer.readline()
                    if not line:
                        raise OSError("ended")
                    if line.startswith(b"event: beat"):
                        now = time.monotonic()
                        self.longest, last, self.beats = max(self.longest, now - last), now, self.beats + 1
            except OSError:
                self.breaks += self.going
            finally:
                link.close()


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bench = common.bench.Bench(common.data_folder("hostile"), 1, "none", seed=51)
        cls.bench.__enter__()
        cls.addClassCleanup(cls.bench.close)
        cls.bench.start()

    def setUp(self):
        self.page = OpenPage(self.bench.port)
        self.page.start()
        common.wait_for(lambda: self.page.beats > 0, 20)
        common.wait_for(lambda: self.held() <= 3, 20, tell="connections of the test before")
        self.before = self.rss_kib(), self.files()

    def tearDown(self):
        self.page.going = False

    def proc(self, name):
        return os.path.join("/proc", str(self.pid()), name)

    def pid(self):
        return self.bench.station.process.pid

    def rss_kib(self):
        with open(self.proc("status"), encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def files(self):
        return len(os.listdir(self.proc("fd")))

    def metric(self, name):
        return int(re.search(r"^%s (\d+)" % name, self.get("/metrics")[1].decode(), re.M).group(1))

    def held(self):
        return self.metric(r"lineside_web_open_connections\{kind=\"tcp\"\}")

    def get(self, path):
        """Status, body, seconds; on a connection of its own."""
        begin = time.monotonic()
        link = http.client.HTTPConnection("127.0.0.1", self.bench.port, timeout=PATIENCE_S)
        link.request("GET", path)
        answer = link.getresponse()
        body = answer.read()
        link.close()
        return answer.status, body, time.monotonic() - begin

    def others(self, what, seconds):
        """Somebody else looks at the wall all the while."""
        took = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            status, body, s = self.get("/api/v1/wall")
            self.assertEqual(status, 200, body[:200])
            took.append(s)
            time.sleep(0.05)
        took.sort()
        print("%s: %d others, median %.0f ms, p99 %.0f ms, most %.0f ms" % (what, len(took), took[len(took) // 2] * 1000,
                                                                            took[int(0.99 * (len(took) - 1))] * 1000, took[-1] * 1000))

    def afterwards(self):
        self.assertIsNone(self.bench.station.status(), self.bench.station.tail())
        common.wait_for(lambda: self.held() <= 3, 100, every=0.5, tell="connections are left")
        common.wait_for(lambda: self.files() <= self.before[1] + 3, 20, tell="files are left")
        self.assertLess(self.rss_kib(), self.before[0] + 32 * 1024, "memory of the crowd is left")
        self.assertEqual(self.page.breaks, 0, "the open page was ended")
        self.assertLess(self.page.longest, 3.0, "the open page was not live")

    def test_ten_thousand_idle_connections(self):
        crowd = Crowd("idle", self.bench.port, IDLE, 60)
        self.assertEqual(crowd.ready, "ready", "they were kept waiting")
        self.others("idle", 5)
        crowd.leave()
        self.afterwards()

    def test_requests_that_never_end(self):
        crowd = Crowd("slow", self.bench.port, 3000, 20)
        self.others("slow", 10)
        said = crowd.end()
        self.assertGreater(said["ended_by_station"], 2000, said)
        self.afterwards()

    def test_rubbish(self):
        crowd = Crowd("rubbish", self.bench.port, RUBBISH, 60)
        self.others("rubbish", 5)
        said = crowd.end()
        print(said)
        self.assertGreater(said["sent"], min(RUBBISH, 200), said)
        self.assertGreater(said["answered"], said["sent"] // 4, said)
        self.assertEqual(said["odd"], 0, said)
        self.afterwards()


if __name__ == "__main__":
    common.need_root()
    unittest.main()
