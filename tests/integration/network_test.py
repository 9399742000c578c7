#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The page beyond this host: nothing before the first account, then TLS alone, on another address than 127.0.0.1. The certificate that
the station makes is for the names it is called by, and is signed anew with the same key; one of the site's own takes its place; what
somebody knocks with that is no TLS is sent on or dropped; a Chromium that was told of the key alone is let in and logs in."""
import base64
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
import unittest

import common

UI = os.path.join(common.ROOT, "web/ui")
PASSWORD = "correct horse 1"
ADDRESS = "127.0.0.2"                   # loopback too, so that no packet leaves; not one that is served in the clear


def free_port():
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return probe.getsockname()[1]


class Network(unittest.TestCase):
    def setUp(self):
        self.data = common.data_folder("network")
        self.port = free_port()
        self.made = os.path.join(self.data, "key/web.pem")

    def web(self, *more):
        return "\n[web]\nlisten = [\"%s\"]\nport = %d\nnames = [\"st3.line2.example\"]\n%s\n" % (ADDRESS, self.port, "\n".join(more))

    def listening(self):
        with socket.socket() as probe:
            return probe.connect_ex((ADDRESS, self.port)) == 0

    def link(self, trusted, name=ADDRESS, least=ssl.TLSVersion.TLSv1_2, most=ssl.TLSVersion.MAXIMUM_SUPPORTED):
        """A connection that takes what `trusted` vouches for, for `name`, and nothing else."""
        context = ssl.create_default_context(cafile=trusted)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = least, most
        context.set_alpn_protocols(["http/1.1"])
        plain = socket.create_connection((ADDRESS, self.port), timeout=10)
        try:
            return context.wrap_socket(plain, server_hostname=name)
        except BaseException:
            plain.close()
            raise

    def ask(self, trusted, path, name=ADDRESS, body=None, cookie=""):
        connection = http.client.HTTPConnection(name, self.port, timeout=10)
        connection.sock = self.link(trusted, name)
        headers = {"Cookie": cookie} if cookie else {}
        if body is not None:
            headers.update({"Content-Type": "application/json", "X-Lineside": "1", "Origin": "https://%s:%d" % (name, self.port)})
        connection.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        return answer

    def cert(self, bench, status=0):
        done = bench.cli("cert", "--json", check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout)

    def first_account(self, bench):
        code = bench.cli("admin", "first-link").stdout.strip().split("#")[1]
        connection = http.client.HTTPConnection("127.0.0.1", bench.port, timeout=20)
        connection.request("POST", "/api/v1/session/first", json.dumps({"code": code, "name": "Ana Kim", "password": PASSWORD}),
                           {"Content-Type": "application/json", "X-Lineside": "1", "Origin": "http://127.0.0.1:%d" % bench.port})
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200, answer.read())
        connection.close()

    def test_tls_from_the_first_account_on(self):
        with common.bench.Bench(self.data, 1, "none", seed=43, more={"web": self.web()}) as bench:
            bench.start()
            self.assertFalse(self.listening(), "nobody has an account")
            self.assertIn("no account yet", self.cert(bench, 1)["problem"])
            self.first_account(bench)
            common.wait_for(self.listening, 10)
            told = self.cert(bench)
            self.assertEqual((told["url"], told["generated"], told["problem"]), ("https://st3.line2.example:%d/" % self.port, True, None))
            self.who_knocks_how(told)
            self.a_day_over_the_network(bench)
            self.a_browser(told)
            self.signed_anew(bench, told)
            self.the_sites_own(bench)

    def who_knocks_how(self, told):
        with self.link(self.made) as link:
            self.assertEqual((link.version(), link.selected_alpn_protocol()), ("TLSv1.3", "http/1.1"))
            shown = base64.b16encode(hashlib.sha256(link.getpeercert(True)).digest()).decode()
            self.assertEqual(told["sha256"].replace(":", ""), shown)
        with self.link(self.made, most=ssl.TLSVersion.TLSv1_2) as link:
            self.assertRegex(link.cipher()[0], r"^ECDHE-ECDSA-(AES\d+-GCM|CHACHA20)")
        with self.assertRaises((ssl.SSLError, OSError)):
            self.link(self.made, least=ssl.TLSVersion.TLSv1, most=ssl.TLSVersion.TLSv1_1).close()
        with self.link(self.made, "st3.line2.example"):
            pass
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.link(self.made, "evil.example").close()
        for said, wanted in ((b"GET /records HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % (ADDRESS.encode(), self.port), b"308 "),
                             (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"421 "), (b"\x16\x03\x01rubbish" + b"x" * 400, b"")):
            with socket.create_connection((ADDRESS, self.port), timeout=20) as plain:
                plain.sendall(said)
                answer = b"".join(iter(lambda: plain.recv(4096), b""))
                self.assertIn(wanted, answer[:20])
                self.assertNotIn(b"Set-Cookie", answer)
        self.assertEqual(self.ask(self.made, "/api/v1/wall", "st3.line2.example").status, 401)

    def a_day_over_the_network(self, bench):
        self.assertEqual(self.ask(self.made, "/api/v1/wall").status, 401)
        self.assertEqual(json.loads(self.ask(self.made, "/healthz").text), {"ok": True})
        self.assertEqual(self.ask(self.made, "/metrics").status, 401)
        opened = self.ask(self.made, "/api/v1/session", body={"name": "Ana Kim", "password": PASSWORD})
        cookie = opened.getheader("Set-Cookie")
        self.assertRegex(cookie, r"^__Host-lineside_%d=[^;]+; Path=/; HttpOnly; SameSite=Strict; Max-Age=\d+; Secure$" % self.port)
        self.assertIsNone(opened.getheader("Strict-Transport-Security"))
        cookie = cookie.split(";")[0]
        self.assertEqual(self.ask(self.made, "/api/v1/wall", cookie=cookie).status, 200)
        self.assertEqual(self.ask(self.made, "/metrics", cookie=cookie).status, 200)
        with self.link(self.made) as link:        # the live link, and what comes on it
            link.sendall(("GET /api/v1/events HTTP/1.1\r\nHost: %s:%d\r\nCookie: %s\r\n\r\n" % (ADDRESS, self.port, cookie)).encode())
            heard = b""
            bench.plug_all()
            until = time.monotonic() + 30
            while b'"present":true' not in heard:
                piece = link.recv(65536)
                self.assertTrue(piece and time.monotonic() < until, heard)
                heard += piece

    def a_browser(self, told):
        env = {**os.environ, "LINESIDE_NETWORK_URL": "https://%s:%d/" % (ADDRESS, self.port), "LINESIDE_PERSON": "Ana Kim",
               "LINESIDE_PASSWORD": PASSWORD, "LINESIDE_KEY": base64.b64encode(bytes.fromhex(told["key_sha256"].replace(":", ""))).decode()}
        done = subprocess.run(["npx", "vitest", "run", "--config", "e2e/vitest.config.ts", "e2e/network.spec.ts"], cwd=UI, env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
        self.assertEqual(done.returncode, 0, said[-6000:])
        self.assertIn("2 passed", said)

    def again(self, bench, web):
        bench.station.stop(30)
        bench.more = {"web": web}
        bench.write_station_config()
        bench.start_station()
        common.wait_for(self.listening, 10)

    def signed_anew(self, bench, told):
        self.again(bench, self.web())
        self.assertEqual(self.cert(bench)["sha256"], told["sha256"], "the same after a restart")
        os.remove(self.made)
        self.again(bench, self.web())
        anew = self.cert(bench)
        self.assertNotEqual(anew["sha256"], told["sha256"])
        self.assertEqual(anew["key_sha256"], told["key_sha256"])

    def the_sites_own(self, bench):
        """A certificate by a root of the site; one that has run out leaves loopback at work and is told."""
        folder = os.path.join(self.data, "key/site")
        os.makedirs(folder)
        seen = os.path.join(bench.place.key, "site")        # by the station, whoever may enter the folders above

        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "root.key", "-out", "root.pem",
                "-subj", "/CN=Site root", "-days", "30", "-addext", "keyUsage=critical,keyCertSign")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "site.key", "-out", "site.csr", "-subj", "/CN=st3.line2.example",
                "-addext", "subjectAltName=DNS:st3.line2.example,IP:" + ADDRESS)
        for name, days in (("site.pem", "30"), ("old.pem", "-1")):
            openssl("x509", "-req", "-in", "site.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-copy_extensions",
                    "copyall", "-days", days, "-out", name)
        for name in ("site.pem", "site.key", "old.pem"):
            shutil.chown(os.path.join(folder, name), "lineside", "lineside")
        own = ['certificate = "%s/site.pem"' % seen, 'key = "%s/site.key"' % seen]
        self.again(bench, self.web(*own))
        root = os.path.join(folder, "root.pem")
        answer = self.ask(root, "/healthz", "st3.line2.example")
        self.assertEqual(answer.getheader("Strict-Transport-Security"), "max-age=31536000")
        self.assertFalse(self.cert(bench)["generated"])
        bench.station.stop(30)
        bench.more = {"web": self.web(own[0].replace("site.pem", "old.pem"), own[1])}
        bench.write_station_config()
        bench.start_station()
        self.assertIn("has run out", self.cert(bench, 1)["problem"])
        self.assertEqual(bench.cli("status", "--json").returncode, 0)


if __name__ == "__main__":
    common.need_browser()
    unittest.main()
