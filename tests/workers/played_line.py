# SPDX-License-Identifier: Apache-2.0
"""A virtual line of one's own, in a folder of its own: its boards, and what the station's udev would tell of them."""
import json
import os
import subprocess
import tempfile
import time


class PlayedLine:
    def __init__(self, binaries, folder, boards, faults="none"):
        self.dir = tempfile.mkdtemp(prefix="line.", dir=folder)
        self.journals = []
        self.process = subprocess.Popen(
            [binaries + "/lineside-line", "--boards", str(boards), "--faults", faults, "--dir", self.dir, "--stagger-ms", "1",
             "--board-os", "none"], stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise AssertionError("the line does not start")
        with open(self.dir + "/env") as file:
            self.environment = dict(line.rstrip("\n").split("=", 1) for line in file)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()
        for file in self.journals:
            file.close()

    def board(self, number):
        with open("%s/boards/%d/board.json" % (self.dir, number)) as file:
            return json.load(file)

    def wait(self, number, state):
        until = time.monotonic() + 30
        while self.board(number)["state"] != state:
            if time.monotonic() > until:
                raise AssertionError("board %d is %s, not %s" % (number, self.board(number)["state"], state))
            time.sleep(0.02)

    def port_events(self, number):
        """What the station's udev would tell of this board's port from now on, as `port` messages."""
        file = open(self.dir + "/journal.jsonl")
        file.seek(0, os.SEEK_END)
        self.journals.append(file)

        half = ""                       # a line that the line is still writing

        def news():
            nonlocal half
            *whole, half = (half + file.read()).split("\n")
            for line in whole:
                entry = json.loads(line)
                if entry["board"] == number and entry["ev"] == "arrived":
                    yield {"ev": "port", "present": True, "id": "0955:" + entry["product"], "net": []}
                elif entry["board"] == number and entry["ev"] == "left":
                    yield {"ev": "port", "present": False, "id": "", "net": []}

        return news
