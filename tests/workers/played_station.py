# SPDX-License-Identifier: Apache-2.0
"""A station reduced to its end of the worker protocol, for tests of whole workers: starts a worker with the channel on
fd 3, sends the job line, answers asks, passes on what happens on the unit's port, and keeps every line."""
import json
import os
import select
import socket
import subprocess
import time


class Worker:
    def __init__(self, program, job, environment=None, answers=None, port_events=None):
        """answers: what -> answer members, or a function of the ask; port_events: returns new `port` messages."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.channel = ours
        self.answers = answers or {}
        self.port_events = port_events or (lambda: [])
        self.lines = []
        self.started = time.monotonic()
        self.log = b""
        self.buffer = b""
        end = theirs.fileno()

        def put_on_3():
            os.dup2(end, 3, inheritable=True)

        self.process = subprocess.Popen([program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env=environment, pass_fds=(3, end), preexec_fn=put_on_3, start_new_session=True)
        theirs.close()
        self.say(job)

    def say(self, message):
        self.channel.sendall(json.dumps(message).encode() + b"\n")

    def of(self, event):
        return [line for line in self.lines if line["ev"] == event]

    def facts(self):
        return {line["key"]: line["value"] for line in self.of("fact")}

    def run(self, seconds=60, until=None):
        """Serves the worker until it ended (or `until(self)` holds); returns its result line or None."""
        deadline = self.started + seconds
        output = self.process.stdout.fileno()
        open_ends = {self.channel.fileno(), output}
        while open_ends:
            if time.monotonic() > deadline:
                raise AssertionError("worker does not end; last lines %r" % self.lines[-3:])
            for message in self.port_events():
                try:
                    self.say(message)
                except OSError:
                    pass
            for end in select.select(list(open_ends), [], [], 0.01)[0]:
                try:
                    data = os.read(end, 65536)
                except ConnectionResetError:    # it ended and had not read all we said
                    data = b""
                if not data:
                    open_ends.discard(end)
                elif end == output:
                    self.log += data
                else:
                    self._take(data)
            if until and until(self):
                return None
        self.process.wait(10)
        self.process.stdout.close()
        self.channel.close()
        results = self.of("result")
        return results[0] if results else None

    def _take(self, data):
        self.buffer += data
        *whole, self.buffer = self.buffer.split(b"\n")
        for text in whole:
            line = json.loads(text)
            line["at"] = time.monotonic() - self.started
            self.lines.append(line)
            if line["ev"] == "ask":
                answer = self.answers.get(line["what"], {"ok": True})
                answer = answer(line) if callable(answer) else answer
                if answer is not None:
                    try:
                        self.say({"ev": "answer", "id": line["id"], **answer})
                    except BrokenPipeError:
                        pass  # the worker has ended meanwhile; its result says why
