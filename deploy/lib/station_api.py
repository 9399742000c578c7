# SPDX-License-Identifier: Apache-2.0
"""Asks a running station over its Unix socket (web/api/openapi.yaml) and the virtual line over its control socket."""
import http.client
import json
import socket
import urllib.parse


class NoAnswer(Exception):
    """Nobody is there, or what came is no answer."""


class Refused(Exception):
    """The station said no; `.status` and `.problem` say why."""

    def __init__(self, status, problem):
        super().__init__("%d %s" % (status, problem.get("detail") or problem.get("title") or problem))
        self.status = status
        self.problem = problem


class _Unix(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Station:
    def __init__(self, path, timeout=20):
        self.path = path
        self.timeout = timeout

    def raw(self, method, target, body=None, kind="application/json"):
        connection = _Unix(self.path, self.timeout)
        try:
            headers = {"X-Lineside": "1", "Content-Type": kind} if method != "GET" else {}
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer("%s: %s" % (self.path, error)) from error
        finally:
            connection.close()

    def ask(self, method, target, body=None, kind="application/json"):
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        status, text = self.raw(method, target, body, kind)
        try:
            value = json.loads(text) if text else {}
        except ValueError as error:
            raise NoAnswer("%s %s: %d and no JSON: %r" % (method, target, status, text[:200])) from error
        if status >= 400:
            raise Refused(status, value)
        return value

    def get(self, target, **query):
        if query:
            target += "?" + urllib.parse.urlencode(query)
        return self.ask("GET", target)

    def post(self, target, body):
        return self.ask("POST", target, body)

    def status(self):
        return self.get("/api/v1/status")

    def records(self, **query):
        """Every row that fits, newest first."""
        rows, cursor = [], None
        while True:
            page = self.get("/api/v1/records", limit=500, **query, **({"cursor": cursor} if cursor else {}))
            rows += page["rows"]
            cursor = page["next_cursor"]
            if not cursor:
                return rows


class Line:
    """The control socket of lineside-line."""

    def __init__(self, path):
        self.path = path

    def ask(self, **request):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(20)
            try:
                link.connect(self.path)
                link.sendall(json.dumps(request).encode() + b"\n")
                text = b""
                while not text.endswith(b"\n"):
                    piece = link.recv(65536)
                    if not piece:
                        break
                    text += piece
                answer = json.loads(text)
            except (OSError, ValueError) as error:
                raise NoAnswer("virtual line: %s" % error) from error
        if not answer.get("ok"):
            raise NoAnswer("virtual line: %s" % answer.get("error"))
        return answer

    def boards(self):
        return self.ask(do="list")["boards"]


def read_env(path):
    """NAME=VALUE lines without quoting."""
    values = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, equals, value = line.rstrip("\n").partition("=")
            if equals:
                values[name] = value
    return values


