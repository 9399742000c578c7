#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Labels over a printer on loopback: acknowledging a PASS prints its label; a printer that is away changes no verdict, the list
shows the label and "Try again" prints it; one that hangs leaves a doubt and nothing is printed twice; where labels are checked,
another unit's stops the tile and the right one clears it. No token is on a label."""
import os
import socket
import subprocess
import threading
import unittest

import common
from common import station_api

BOARDS = 3


class Printer:
    """Closes behind each label, as print servers do; `hangs`: takes all and says nothing more."""

    def __init__(self, port=0):
        self.labels, self.held, self.hangs = [], [], False
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(8)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            with link:
                link.settimeout(30)
                parts = []
                while piece := link.recv(65536):
                    parts.append(piece)
                if self.hangs:
                    self.held.append(link.dup())
                else:
                    self.labels.append(b"".join(parts).decode("ascii"))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)
        for link in self.held:
            link.close()


class Labels(unittest.TestCase):
    def config(self, more=""):
        return {"web": '[printer]\naddress = "127.0.0.1:%d"\nsilence_s = 2\n%s\n' % (self.printer.port, more)}

    def tile(self, slot):
        return common.tiles(self.bench.station_api)[slot]

    def out(self, slot):
        """The board of the slot passed; it is taken out."""
        common.wait_for(lambda: self.tile(slot)["outcome"] == "PASS", 120, tell=lambda: self.tile(slot))
        self.bench.line_api.ask(do="unplug", board=int(slot))
        common.wait_for(lambda: not self.tile(slot)["present"], 20)

    def acknowledge(self, slot):
        return self.bench.station_api.post("/api/v1/slots/%s/acknowledge" % slot, {"job": self.tile(slot)["job"]})

    def refused(self, code, target, body):
        with self.assertRaises(station_api.Refused) as refusal:
            self.bench.station_api.post(target, body)
        self.assertEqual(refusal.exception.problem["code"], code)

    def waiting(self):
        return self.bench.station_api.get("/api/v1/labels")["labels"]

    def test_from_pass_to_label(self):
        self.printer = Printer()
        with common.bench.Bench(common.data_folder("labels"), BOARDS, seed=59, more=self.config()) as self.bench:
            self.bench.start()
            self.pairs = self.bench.load_serials(least=BOARDS, size=10)
            self.bench.open_order(BOARDS + 2)
            self.bench.plug_all()
            self.printed()
            self.away()
            self.hanging()
            self.checked()
            self.no_token()
            self.bench.station.stop(30)
        self.printer.close()

    def printed(self):
        self.out("1")
        serial = self.tile("1")["serial"]
        job = self.tile("1")["job"]
        self.first = job
        self.acknowledge("1")
        common.wait_for(lambda: self.printer.labels, 20)
        self.assertIn(serial.replace("_", "_5F"), self.printer.labels[0])
        self.assertTrue(self.printer.labels[0].startswith("^XA"))
        self.assertEqual(self.tile("1")["state"], "empty")
        status, picture = self.bench.station_api.raw("GET", "/api/v1/jobs/%d/label" % job)
        self.assertEqual(status, 200)
        self.assertIn((">%s</text>" % serial).encode(), picture)
        status, paper = self.bench.station_api.raw("GET", "/api/v1/jobs/%d/label?format=pdf" % job)
        self.assertEqual(status, 200)
        self.assertEqual(self.read_paper(paper), (serial, serial), "letters and code, read by others' programs")
        self.refused("request.invalid", "/api/v1/jobs/%d/label/copy" % job, {"reason": ""})
        self.bench.station_api.post("/api/v1/jobs/%d/label/copy" % job, {"reason": "torn"})
        common.wait_for(lambda: len(self.printer.labels) == 2, 20)

    def read_paper(self, paper):
        """What a PDF reader finds as the serial, and what a barcode reader reads off the page at 300 dpi."""
        folder = common.data_folder("labels-paper")
        os.makedirs(folder, exist_ok=True)
        file = os.path.join(folder, "label.pdf")
        with open(file, "wb") as out:
            out.write(paper)
        words = subprocess.run(["pdftotext", file, "-"], check=True, capture_output=True, text=True).stdout.split()
        subprocess.run(["pdftoppm", "-r", "300", "-png", "-singlefile", file, file], check=True)
        code = subprocess.run(["zbarimg", "--quiet", "--raw", file + ".png"], check=True, capture_output=True, text=True).stdout.strip()
        return next((word for word in words if word == code), None), code

    def away(self):
        port = self.printer.port
        self.printer.close()
        self.out("2")
        serial = self.tile("2")["serial"]
        self.acknowledge("2")
        self.assertEqual(self.tile("2")["state"], "empty", "no tile waits for a printer")
        common.wait_for(lambda: [one["state"] for one in self.waiting()] == ["failed"], 90, 0.5, self.waiting)
        self.assertIn("does not answer", self.waiting()[0]["message"])
        self.assertEqual([alarm["code"] for alarm in self.bench.station_api.status()["station"]["alarms"]], ["label.failed"])
        self.printer = Printer(port)
        self.bench.station_api.post("/api/v1/labels/%d/retry" % self.waiting()[0]["label"], {})
        common.wait_for(lambda: self.printer.labels, 20)
        self.assertIn(serial, self.printer.labels[0])
        common.wait_for(lambda: not self.waiting(), 20)

    def hanging(self):
        self.printer.hangs = True
        self.bench.station_api.post("/api/v1/jobs/%d/label/copy" % self.first, {"reason": "smeared"})
        common.wait_for(lambda: [one["doubt"] for one in self.waiting()] == [True], 30, tell=self.waiting)
        label = self.waiting()[0]["label"]
        self.refused("request.conflict", "/api/v1/labels/%d/retry" % label, {})
        self.assertEqual(len(self.printer.held), 1, "not sent a second time")
        self.bench.station_api.post("/api/v1/labels/%d/found" % label, {})
        self.assertEqual(self.waiting(), [])
        self.printer.hangs = False

    def checked(self):
        """Another life of the service, where labels are scanned; the verdict of slot 3 still stands."""
        before = len(self.printer.labels)
        common.wait_for(lambda: self.tile("3")["outcome"] == "PASS", 120)
        self.bench.station.stop(30)
        self.bench.more = self.config("verify_label = true")
        self.bench.write_station_config()
        self.bench.start_station()
        self.out("3")
        self.assertEqual(len(self.printer.labels), before, "a restart prints nothing anew")
        job, serial = self.tile("3")["job"], self.tile("3")["serial"]
        self.acknowledge("3")
        common.wait_for(lambda: self.tile("3")["reason"] == "Label is printed", 20, tell=lambda: self.tile("3"))
        self.assertIn(serial, self.printer.labels[-1])
        self.refused("slot.ack_not_ready", "/api/v1/slots/3/acknowledge", {"job": job})
        self.refused("label.wrong", "/api/v1/slots/3/label", {"job": job, "code": "RC26-99999"})
        self.assertEqual((self.tile("3")["outcome"], self.tile("3")["code"]), ("PASS", "label.wrong"))
        self.bench.station_api.post("/api/v1/slots/3/label", {"job": job, "code": serial})
        self.assertEqual(self.tile("3")["state"], "empty")

    def no_token(self):
        texts = "".join(self.printer.labels)
        self.assertGreater(len(self.pairs), 2)
        for _, token in self.pairs:
            self.assertNotIn(token, texts)
        rows = common.sql(self.bench.real_data, "SELECT outcome, count(*) AS n FROM job GROUP BY outcome")
        self.assertEqual(rows, [{"outcome": "PASS", "n": BOARDS}])


if __name__ == "__main__":
    common.main()
