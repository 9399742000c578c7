#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`lineside write http://…`: an image is fetched once, gone on with where it broke off, fetched anew when the server has another. Argument: the program."""
import hashlib
import json
import lzma
import os
import random
import subprocess
import sys
import unittest

from media_test_case import MediaTestCase
from shelf_commands_test import BuildBot

PROGRAM = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "lineside"
MIB = 1 << 20


class Fetched(MediaTestCase):
    PREFIX = "lineside-fetch-"

    def setUp(self):
        super().setUp()
        self.bot = BuildBot()
        self.addCleanup(self.bot.stop)
        self.content = random.Random(3).randbytes(3 * MIB + 77)

    def url(self, name):
        return "http://127.0.0.1:%d%s" % (self.bot.server_port, name)

    def serve(self, path, body, tag, breaks=None):
        """`body` at `path`, by ranges too; the first answer breaks off after `breaks` bytes."""
        state = {"breaks": breaks}

        def page(request):
            begin = 0
            asked = request.headers.get("Range")
            if asked and request.headers.get("If-Range") == tag:
                begin = int(asked.removeprefix("bytes=").rstrip("-"))
            request.send_response(206 if begin else 200)
            request.send_header("ETag", tag)
            request.send_header("Content-Length", str(len(body) - begin))
            if begin:
                request.send_header("Content-Range", "bytes %d-%d/%d" % (begin, len(body) - 1, len(body)))
            request.end_headers()
            if request.command == "HEAD":
                return
            most, state["breaks"] = state["breaks"], None
            request.wfile.write(body[begin:begin + most] if most else body[begin:])
            if most:
                request.close_connection = True
        self.bot.pages[path] = page

    def write(self, name, *more):
        target = self.path("target", b"old")
        done = subprocess.run([PROGRAM, "write", self.url(name), target, "--json", "--cache", self.path("cache"), *more], capture_output=True, text=True,
                              check=False, timeout=100, env={**os.environ, "no_proxy": "*"})
        with open(target, "rb") as file:
            return done.returncode, json.loads(done.stdout), file.read(), done.stderr

    def asked(self, command, path):
        return [ranges for verb, where, ranges in self.bot.asked if (verb, where) == (command, path)]

    def test_fetched_once_and_anew_when_it_is_another(self):
        self.serve("/images/card.img.xz", lzma.compress(self.content, preset=0), '"one"')
        for _ in range(2):
            status, answer, written, error = self.write("/images/card.img.xz")
            self.assertEqual((status, answer["verdict"]), (0, "PASS"), error)
            self.assertEqual(written, self.content)
        self.assertEqual(answer["image"]["sha256"], hashlib.sha256(self.content).hexdigest())
        self.assertEqual(len(self.asked("GET", "/images/card.img.xz")), 1)
        other = self.content[::-1]
        self.serve("/images/card.img.xz", lzma.compress(other, preset=0), '"two"')
        status, answer, written, error = self.write("/images/card.img.xz")
        self.assertEqual((status, written == other), (0, True), error)
        fetched = [name for name in os.listdir(self.path("cache")) if name.endswith("card.img.xz")]
        self.assertEqual(len(fetched), 1, "the older one is forgotten")

    def test_a_broken_download_goes_on(self):
        self.serve("/card.img", self.content, '"a"', breaks=MIB + 5)
        status, _, written, error = self.write("/card.img")
        self.assertEqual((status, written == self.content), (0, True), error)
        ranges = self.asked("GET", "/card.img")
        self.assertEqual((len(ranges), ranges[0]), (2, None))
        self.assertRegex(ranges[1], "^bytes=[1-9][0-9]*-$")

    def test_the_map_beside_it(self):
        self.serve("/i/card.wic", self.content, '"a"')
        wrong = b"<bmap/>"
        self.serve("/i/card.bmap", wrong, '"m"')
        status, answer, written, _ = self.write("/i/card.wic")
        self.assertEqual((status, answer["error"]["code"], written), (2, "config.invalid", b"old"))
        self.assertEqual(self.write("/i/card.wic", "--no-bmap")[0], 0)

    def test_what_is_not_to_be_had_writes_nothing(self):
        self.bot.pages["/down"] = 503
        for name, code in (("/none.img", "config.missing"), ("/down", "media.source"), ("/#x", "request.invalid")):
            status, answer, written, _ = self.write(name)
            self.assertEqual((status, answer["error"]["code"], written), (2, code, b"old"), name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
