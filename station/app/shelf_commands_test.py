#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`lineside init|config|recipes|platforms|builds` and the choice of products of `lineside setup`, as a person runs them: over a real git
repository and a real HTTP server, which also answers badly. Argument: the program."""
import http.server
import json
import os
import pty
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from media_test_case import MediaTestCase

PROGRAM = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "lineside"
RECIPE = """type: mmc
recipe:
  partition_table: msdos
  partitions:
    - {name: boot, size: 30mb, fs_type: fat32, mount_point: /boot, mount_opts: , flags: lba}
    - {name: rootfs, size: max, fs_type: ext4, mount_point: , mount_opts: , flags: }
  load:
    Uboot: {command: "dd if=${file} of=${device} bs=1024 seek=8"}
    Rootfs_Rootfs: {device: 1}
"""
UBOOT = b"boot" * 40000


class BuildBot(http.server.ThreadingHTTPServer):
    """Answers what `pages` say: bytes, a value for JSON, a number for a status, or a function that gets the request."""
    daemon_threads = True

    def __init__(self):
        self.pages, self.asked = {}, []
        super().__init__(("127.0.0.1", 0), Pages)
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def build(self, builder, number, product, platform, files, text=("build", "successful")):
        properties = [["product", product, "B"], ["platform", platform, "B"], ["urls", "/%s/%s" % (product, platform), "B"], ["upload_files", files, "B"]]
        page = {"number": number, "text": list(text), "properties": properties}
        self.pages["/json/builders/%s/builds/%d" % (builder, number)] = page
        self.pages["/json/builders/%s/builds/-1" % builder] = page

    def stop(self):
        self.shutdown()
        self.server_close()
        self.thread.join()


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.command, self.path, self.headers.get("Range")))
        page = self.server.pages.get(self.path, 404)
        if callable(page):
            page(self)
            return
        if isinstance(page, int):
            self.answer(page, b"")
        else:
            self.answer(200, page if isinstance(page, bytes) else json.dumps(page).encode())

    do_HEAD = do_GET

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def run(*arguments, **more):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=100, stdin=subprocess.DEVNULL, **more)
    return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout, done.stderr


class ShelfCommands(MediaTestCase):
    PREFIX = "lineside-shelf-"

    def setUp(self):
        super().setUp()
        while "_" in self.folder:  # which a folder of recipes must not hold
            self.folder = tempfile.mkdtemp(prefix=self.PREFIX)
            self.addCleanup(shutil.rmtree, self.folder)
        self.bot = BuildBot()
        self.addCleanup(self.bot.stop)
        self.bot.pages["/json"] = {"builders": {
            "armv6j": {"basedir": "armv6j", "schedulers": ["default / arch: armv6j / branch-filter: 'raspberry-pi.*'"]},
            "rootfs_armv6j": {"basedir": "rootfs_armv6j", "schedulers": ["rootfs / arch: armv6j / branch-filter: 'armv6j.*'"]}}}
        self.work = os.path.join(self.folder, "work")

    def git(self, *arguments):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", "-C", self.path("repository"), *arguments], check=True, capture_output=True)

    def repository(self, **files):
        os.mkdir(self.path("repository"))
        self.git("init", "-q")
        self.commit(**files)

    def commit(self, **files):
        for name, text in files.items():
            self.path("repository/%s.yml" % name.replace("PI", "raspberry-pi"), text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "recipes")

    def init(self, **more):
        settings = {"recipes.server": self.path("repository"), "recipes.user": self.path("own"), "buildbot.server": "http://127.0.0.1", "buildbot.port": str(self.bot.server_port)}
        settings.update({key.replace("_", "."): value for key, value in more.items()})
        status, answer, error = run("init", "-w", self.work, "--json", *["%s=%s" % pair for pair in settings.items()])
        self.assertEqual(status, 0, error)
        return answer

    def shelf(self, *arguments):
        return run(*arguments[:1], "-w", self.work, "--json", *arguments[1:])

    def test_init_and_config(self):
        answer = self.init()
        self.assertEqual(answer["settings"]["buildbot.port"], str(self.bot.server_port))
        self.assertEqual(answer["settings"]["local.products"], self.work + "/products")
        self.assertTrue(os.path.isdir(self.path("own")))
        with open(answer["file"], encoding="utf-8") as file:
            before = file.read()
        self.assertIn("port = %d" % self.bot.server_port, before)
        # What is wrong changes nothing.
        for word, status in (("buildbot.port=0", 1), ("recipes.user=/a_b", 1), ("recipes.server=ext::id", 1), ("recipe.server=/x", 2), ("Nonsense", 2), ("buildbot.server=http://u:p@h", 1)):
            got, answer, error = self.shelf("config", word)
            self.assertEqual(got, status, word)
            self.assertIn("code", answer["error"])
            self.assertNotIn("u:p", error)
        with open(self.work + "/flashtool.toml", encoding="utf-8") as file:
            self.assertEqual(file.read(), before)
        status, answer, _ = self.shelf("config", "Buildbot.Port=", "local.products=" + self.path("products"))
        self.assertEqual((status, answer["settings"]["buildbot.port"], answer["settings"]["local.products"]), (0, "", self.path("products")))
        # Again init: what is set stays.
        status, answer, _ = self.shelf("init", "recipes.server=/elsewhere")
        self.assertEqual((answer["settings"]["recipes.server"], answer["settings"]["local.products"]), ("/elsewhere", self.path("products")))
        self.path("work/flashtool.toml", "[recipes]\nserver = 3\n[bildbot]\nserver = \"x\"\n")
        status, answer, error = self.shelf("config")
        self.assertEqual(status, 1)
        self.assertIn("flashtool.toml:2:", error)
        self.assertIn("buildbot.server meant", error)
        self.assertEqual(run("config", "-w", self.path("nowhere"), "--json")[0], 1)

    def test_where_the_working_folder_is(self):
        home = {"HOME": self.folder, "PATH": os.environ["PATH"]}
        os.mkdir(self.path("here"))
        status, answer, _ = run("init", "--yes", "--json", env=home, cwd=self.path("here"))
        self.assertEqual((status, answer["folder"]), (0, self.path(".flashtool")))
        os.mkdir(self.path("here/.flashtool"))
        status, answer, _ = run("init", "--yes", "--json", env=home, cwd=self.path("here"))
        self.assertEqual((status, answer["folder"]), (0, self.path("here/.flashtool")))
        self.assertEqual(answer["settings"]["recipes.server"], "https://github.com/embEDUx/flashtool-recipes")

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_recipes_of_a_repository(self):
        self.repository(PI=RECIPE, template="type: mmc\n", PI_a_b=RECIPE, broken="type: nonsense\n")
        os.symlink("/etc/passwd", self.path("repository/link.yml"))
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "link")
        self.init()
        self.assertEqual(self.shelf("recipes", "update")[0], 1)  # nothing there to update
        status, answer, error = self.shelf("recipes", "init")
        self.assertEqual(status, 0, error)
        self.assertEqual(len(answer["commit"]), 40)
        self.assertEqual(self.shelf("recipes", "init")[0], 1)  # there already
        self.path("own/raspberry-pi_lamp.yml", RECIPE)
        os.mkdir(self.path("own/folder.yml"))
        status, answer, _ = self.shelf("recipes")
        by_name = {each["name"]: each for each in answer["recipes"]}
        self.assertEqual(by_name["raspberry-pi.yml"]["verdict"], "accept")
        self.assertEqual((by_name["raspberry-pi_lamp.yml"]["identifier"], by_name["raspberry-pi_lamp.yml"]["source"]), ("lamp", "user"))
        self.assertIn("underscores", by_name["raspberry-pi_a_b.yml"]["errors"][0]["message"])
        self.assertEqual(by_name["broken.yml"]["verdict"], "reject")
        self.assertNotIn("template.yml", by_name)
        self.assertNotIn("folder.yml", by_name)
        # What a link points at is never read: in the working folder it is the link's own text.
        self.assertNotIn("root:", json.dumps(by_name.get("link.yml", "")))
        self.commit(bone=RECIPE)
        os.remove(self.path("repository/broken.yml"))
        self.git("commit", "-aqm", "gone")
        self.assertEqual(self.shelf("recipes", "update")[0], 0)
        names = [each["name"] for each in self.shelf("recipes")[1]["recipes"]]
        self.assertIn("bone.yml", names)
        self.assertNotIn("broken.yml", names)
        # An update that fails leaves what was there.
        self.shelf("config", "recipes.server=" + self.path("gone"))
        status, answer, error = self.shelf("recipes", "update")
        self.assertEqual(status, 1)
        self.assertEqual([each["name"] for each in self.shelf("recipes")[1]["recipes"]], names)
        self.assertEqual(sorted(os.listdir(self.work)), ["flashtool.toml", "platforms"])

    def test_recipes_of_a_plain_folder(self):
        os.mkdir(self.path("repository"))
        self.path("repository/bone.yml", RECIPE)
        self.path("repository/readme.md", "x")
        self.init()
        status, answer, error = self.shelf("recipes", "init")
        self.assertEqual((status, answer["commit"], answer["files"]), (0, "", 1), error)
        self.assertEqual(os.listdir(self.work + "/platforms"), ["bone.yml"])

    def test_platforms(self):
        os.mkdir(self.path("repository"))
        self.path("repository/raspberry-pi.yml", RECIPE)
        self.path("repository/raspberry-pi-two.yml", RECIPE)  # a name in a name is another platform
        self.init()
        self.shelf("recipes", "init")
        status, answer, error = self.shelf("platforms")
        self.assertEqual(status, 0, error)
        self.assertEqual([(each["platform"], each["available"], each["architecture"]) for each in answer["platforms"]],
                         [("raspberry-pi", True, "armv6j"), ("raspberry-pi-two", False, None)])
        self.assertEqual([each["available"] for each in self.shelf("platforms", "--offline")[1]["platforms"]], [None, None])
        self.bot.pages["/json"] = 500
        status, answer, _ = self.shelf("platforms")
        self.assertEqual((status, [each["available"] for each in answer["platforms"]]), (0, [None, None]))
        self.assertIn("answers 500", answer["warnings"][-1])

    def fill(self):
        self.bot.build("armv6j", 0, "uboot", "raspberry-pi", ["2014_x_uboot.img"])
        self.bot.build("armv6j", 1, "uboot", "raspberry-pi", ["2013_broken_uboot.img"], ("failed", "build"))
        self.bot.pages["/json/builders/armv6j/builds/2"] = 404
        self.bot.build("armv6j", 3, "uboot", "raspberry-pi", ["2015_x_uboot.img"])
        self.bot.build("rootfs_armv6j", 0, "rootfs", "factory-x", ["a_factory_20150306055251_c_rootfs.tar"])
        for name in ("2014_x_uboot.img", "2015_x_uboot.img"):
            self.bot.pages["/uboot/raspberry-pi/" + name] = UBOOT
        self.bot.pages["/rootfs/factory-x/a_factory_20150306055251_c_rootfs.tar"] = b"root"

    def test_builds(self):
        self.fill()
        self.init()
        status, answer, error = self.shelf("builds")
        self.assertEqual(status, 0, error)
        platform = answer["platforms"][0]
        self.assertEqual([(of["product"], of["name"], [each["version"] for each in of["versions"]]) for of in platform["products"]],
                         [("rootfs", "factory-x", ["a_factory_20150306055251_c"]), ("uboot", "raspberry-pi", ["2014_x", "2015_x"])])
        self.assertEqual(platform["products"][1]["versions"][1]["files"][0]["url"], "http://127.0.0.1:%d/uboot/raspberry-pi/2015_x_uboot.img" % self.bot.server_port)
        status, answer, _ = self.shelf("builds", "raspberry-pi", "-u", "--limit", "1")
        self.assertEqual([[each["version"] for each in of["versions"]] for of in answer["platforms"][0]["products"]], [["2015_x"]])
        status, text, _ = run("builds", "-w", self.work, "-u")
        self.assertIn("| raspberry-pi |", text)
        self.assertIn("2015_x (file types: _uboot.img)", text)
        self.assertEqual(self.shelf("builds", "nothing")[0], 1)
        self.assertEqual(self.shelf("builds", "--limit", "0")[0], 2)

    def test_a_server_that_answers_badly(self):
        self.fill()
        self.init()

        def endless(request):
            request.send_response(200)
            request.end_headers()
            try:
                while True:
                    request.wfile.write(b"[" * 65536)
            except OSError:
                request.close_connection = True

        def large(request):
            request.send_response(200)
            request.send_header("Content-Length", str(1 << 40))
            request.end_headers()
            request.close_connection = True

        def slow(request):
            request.send_response(200)
            request.send_header("Content-Length", "1000")
            request.end_headers()
            try:
                for _ in range(300):  # each byte in time, the whole never
                    request.wfile.write(b" ")
                    time.sleep(0.1)
            except OSError:
                pass
            request.close_connection = True

        def silent(request):
            self.released.wait(30)
            request.close_connection = True

        def around(request):
            request.answer(302, b"", Location="/json")

        def elsewhere(request):
            request.answer(302, b"", Location="file:///etc/passwd")

        def cut(request):
            request.send_response(200)
            request.send_header("Content-Length", "1000")
            request.end_headers()
            request.wfile.write(b'{"builders":')
            request.close_connection = True

        self.released = threading.Event()
        self.addCleanup(self.released.set)
        for page in (b"", b"{", b"nonsense", b"\xff\xfe", b"[" * 100000, b'{"builders": {"a": 1', 500, 403, 404, [], {"builders": None}, endless, large, slow, silent, around, elsewhere, cut):
            self.bot.pages["/json"] = page
            began = time.monotonic()
            status, answer, error = self.shelf("builds", "--deadline", "2")
            self.assertEqual(status, 1, (page, answer, error))
            self.assertIn("code", answer["error"], page)
            self.assertLess(time.monotonic() - began, 8, page)
        self.assertEqual(self.shelf("config", "buildbot.port=1")[0], 0)
        self.assertEqual(self.shelf("builds")[0], 1)  # nobody listens

    def test_names_that_would_leave_their_folder(self):
        self.init()
        hostile = ["../../../../tmp/x_uboot.img", "/etc/x_uboot", "a\nb_uboot.img", "\x1b[31m_uboot.img", "-o_uboot.img", "x\u202ey_uboot.img", "..", ""]
        self.bot.build("armv6j", 0, "uboot", "raspberry-pi", hostile + ["good_uboot.img"])
        status, answer, error = self.shelf("builds")
        self.assertEqual(status, 0, error)
        self.assertEqual([each["version"] for each in answer["platforms"][0]["products"][0]["versions"]], ["good"])
        self.assertEqual(len(answer["warnings"]), len(hostile))
        _, text, error = run("builds", "-w", self.work)
        self.assertNotIn("\x1b", text + error)

    def setup_platform(self, *arguments):
        """Chooses and fetches; /dev/null is no disk, so nothing is written."""
        return run("setup", "raspberry-pi", "/dev/null", "-w", self.work, "--yes", "--json", *arguments)

    def ready(self):
        self.fill()
        os.mkdir(self.path("repository"))
        self.path("repository/raspberry-pi.yml", RECIPE)
        self.init()
        self.assertEqual(self.shelf("recipes", "init")[0], 0)

    def fetched(self):
        return sorted(name for _, _, names in os.walk(self.work + "/downloads") for name in names)

    def test_products_are_chosen_and_fetched_once(self):
        self.ready()
        status, answer, error = self.setup_platform()
        self.assertEqual(status, 2)
        self.assertIn("2 versions of uboot fit", answer["error"]["message"])
        self.assertIn("| product:    rootfs |", error)
        self.assertIn("Found one version for product rootfs with regex .*.*", error)
        self.assertIn("-> Selected version: a_factory_20150306055251_c:", error)
        self.assertEqual(self.fetched(), [])  # all is chosen before anything is fetched
        _, answer, error = self.setup_platform("-u", "2014")
        self.assertNotIn("versions of", answer["error"]["message"])
        self.assertEqual(self.fetched(), ["2014_x_uboot.img", "a_factory_20150306055251_c_rootfs.tar"])
        _, _, error = self.setup_platform("--auto")
        self.assertIn("-> Selected version: 2015_x:", error)
        self.assertIn("was here already", error)
        self.assertEqual(sum(command == "GET" and path.endswith("_rootfs.tar") for command, path, _ in self.bot.asked), 1)
        with open(self.work + "/downloads/uboot/raspberry-pi/2015_x_uboot.img", "rb") as file:
            self.assertEqual(file.read(), UBOOT)
        # Another size is another file.
        self.bot.pages["/rootfs/factory-x/a_factory_20150306055251_c_rootfs.tar"] = b"another root"
        self.setup_platform("-a")
        with open(self.work + "/downloads/rootfs/factory-x/a_factory_20150306055251_c_rootfs.tar", "rb") as file:
            self.assertEqual(file.read(), b"another root")
        self.setup_platform("-a", "--local")
        self.assertTrue(os.path.exists(self.work + "/products/uboot/raspberry-pi/2015_x_uboot.img"))
        status, answer, _ = self.setup_platform("-a", "-u", "(")
        self.assertEqual(status, 2)
        self.assertIn("no regular expression", answer["error"]["message"])
        self.bot.pages["/uboot/raspberry-pi/2015_x_uboot.img"] = 404
        status, answer, _ = self.setup_platform("-a")
        self.assertIn("not there any more", answer["error"]["message"])

    def test_somebody_at_the_terminal_chooses(self):
        self.ready()
        here, there = pty.openpty()
        self.addCleanup(os.close, here)
        os.write(here, b"7\nx\n1\n")  # the first two are no answers
        done = subprocess.run([PROGRAM, "setup", "raspberry-pi", "/dev/null", "-w", self.work, "--yes"], stdin=there, capture_output=True, text=True, check=False, timeout=100)
        os.close(there)
        self.assertIn("Found multiple versions for product uboot with regex .*.*\n  [0]: 2014_x\n  [1]: 2015_x\n", done.stderr)
        self.assertEqual(done.stderr.count("[MANUAL-MODE] Please select a file: [0-1]:"), 3)
        self.assertIn("-> Selected version: 2015_x:", done.stderr)

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_over_tls_a_certificate_must_be_good_and_the_hosts(self):
        self.fill()
        pair = self.path("pair.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=build", "-addext",
                        "subjectAltName=DNS:localhost", "-keyout", self.path("key.pem"), "-out", pair], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair, self.path("key.pem"))
        self.bot.socket = context.wrap_socket(self.bot.socket, server_side=True)
        self.init(buildbot_server="https://localhost")
        good = dict(os.environ, SSL_CERT_FILE=pair)
        self.assertEqual(run("builds", "-w", self.work, "--json", env=good)[0], 0)
        status, answer, _ = self.shelf("builds")
        self.assertEqual(status, 1)
        self.assertIn("certificate", answer["error"]["message"])
        self.shelf("config", "buildbot.server=https://127.0.0.1")
        status, answer, _ = run("builds", "-w", self.work, "--json", env=good)
        self.assertEqual(status, 1, answer)
        self.assertIn("certificate", answer["error"]["message"])

    def test_a_download_goes_on_where_it_broke_off(self):
        self.ready()
        path = "/uboot/raspberry-pi/2015_x_uboot.img"

        def breaks_off(request):
            begin = int((request.headers.get("Range") or "bytes=0-")[6:-1])
            self.assertIn(request.headers.get("If-Range"), (None, '"one"'))
            rest = UBOOT[begin:]
            request.send_response(206 if begin else 200)
            request.send_header("ETag", '"one"')
            if begin:
                request.send_header("Content-Range", "bytes %d-%d/%d" % (begin, len(UBOOT) - 1, len(UBOOT)))
            request.send_header("Content-Length", str(len(rest)))
            request.end_headers()
            if request.command != "HEAD":
                request.wfile.write(rest[:70000])
                request.close_connection = True

        self.bot.pages[path] = breaks_off
        _, _, error = self.setup_platform("-a")
        with open(self.work + "/downloads" + path, "rb") as file:
            self.assertEqual(file.read(), UBOOT, error)
        ranges = [each for command, at, each in self.bot.asked if at == path and command == "GET"]
        self.assertEqual(ranges, [None, "bytes=70000-", "bytes=140000-"])
        self.assertEqual(os.listdir(self.work + "/downloads/uboot/raspberry-pi"), ["2015_x_uboot.img"])

        # A server that sends another part, or never more than a little, is not believed.
        def wrong_part(request):
            if request.command == "HEAD":
                request.answer(200, UBOOT)
            elif request.headers.get("Range"):
                request.answer(206, UBOOT[5:], Content_Range="bytes 5-%d/%d" % (len(UBOOT) - 1, len(UBOOT)))
            else:
                breaks_off(request)

        os.remove(self.work + "/downloads" + path)
        self.bot.pages[path] = wrong_part
        _, answer, _ = self.setup_platform("-a")
        self.assertIn("another part", answer["error"]["message"])
        self.assertFalse(os.path.exists(self.work + "/downloads" + path))

    def test_several_recipes_for_a_platform(self):
        self.ready()
        self.path("own/raspberry-pi_lamp.yml", RECIPE)
        _, answer, _ = self.setup_platform("-a")
        self.assertIn("2 recipe files fit", answer["error"]["message"])
        _, answer, _ = self.setup_platform("-a", "--identifier", "lamp")
        self.assertNotIn("recipe files fit", answer["error"]["message"])
        _, answer, _ = self.setup_platform("-a", "--identifier", "none")
        self.assertIn("lineside platforms", answer["error"]["message"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
