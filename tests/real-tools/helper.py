# SPDX-License-Identifier: Apache-2.0
"""The root helper as a process, with its caller played, and workers that it starts: played_station.Worker, but in the helper's
namespaces, with its private /tmp and its overlay lane."""
import array
import json
import os
import shutil
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../workers"))
from played_station import Worker  # noqa: E402


class Helper:
    def __init__(self, program, methods, folder, bsp, environment=None):
        """bsp: profile -> BSP tree. environment: what its workers have beside the usual."""
        self.folder, self.number = folder, 0
        for name in ("lanes", "images"):
            os.makedirs(os.path.join(folder, name))
        # The helper takes methods only from a folder that root alone could have written.
        shutil.copytree(methods, folder + "/methods", symlinks=False)
        for path, _, files in os.walk(folder + "/methods"):
            for name in ["."] + files:
                os.chown(os.path.join(path, name), 0, 0)
                os.chmod(os.path.join(path, name), 0o755)
        config = folder + "/helper.toml"
        with open(config, "w", encoding="utf-8") as file:
            file.write('socket = "%(f)s/socket"\nservice_user = "#54321"\nworker_user = "nobody"\nmethods = "%(f)s/methods"\n'
                       'lanes = "%(f)s/lanes"\nimages = "%(f)s/images"\nlane_mode = "overlay"\n' % {"f": folder})
            if environment:
                file.write("[environment]\n" + "".join('%s = "%s"\n' % item for item in environment.items()))
            file.write("".join('[profile.%s]\nbsp = "%s"\n' % item for item in bsp.items()))
        self.process = subprocess.Popen([program, "--config", config], stdin=subprocess.DEVNULL)
        until = time.monotonic() + 60
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        while True:
            try:
                self.socket.connect(folder + "/socket")
                break
            except (FileNotFoundError, ConnectionRefusedError):     # its name is there a moment before it listens
                if self.process.poll() is not None or time.monotonic() > until:
                    raise AssertionError("the helper does not start")
                time.sleep(0.05)
        self.socket.settimeout(120)
        self.exits = []
        self.lane = self.ask("hello")["lane"]

    def ask(self, verb, fds=(), **members):
        self.number += 1
        packet = json.dumps({"id": self.number, "do": verb, **members}).encode()
        more = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.socket.sendmsg([packet], more)
        while True:
            reply = json.loads(self.socket.recv(65536))
            if "ev" in reply:
                self.exits.append(reply)
            elif reply["id"] == self.number:
                if not reply["ok"]:
                    raise AssertionError("%s: %s" % (verb, reply["error"]))
                return reply

    def exit_of(self, job):
        while True:
            for event in self.exits:
                if event["job"] == job:
                    self.exits.remove(event)
                    return event
            self.exits.append(json.loads(self.socket.recv(65536)))

    def stop(self):
        self.socket.close()
        self.process.terminate()
        self.process.wait(60)


class _Process:
    """What Worker wants of a child process."""

    def __init__(self, helper, job, output):
        self.helper, self.job, self.stdout, self.returncode = helper, job, os.fdopen(output, "rb"), None

    def wait(self, _seconds=None):
        event = self.helper.exit_of(self.job)
        self.returncode = event.get("status", -event.get("signal", 0))
        return self.returncode


class HelperWorker(Worker):
    def __init__(self, helper, method, job, answers=None, port_events=None, profile=None, image=None, lane=False):
        # As Worker's, but for who starts the process.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        reader, writer = os.pipe()
        self.channel, self.answers, self.port_events = ours, answers or {}, port_events or (lambda: [])
        self.lines, self.log, self.buffer = [], b"", b""
        self.started = time.monotonic()
        more = {key: value for key, value in (("profile", profile), ("image", image)) if value}
        if lane:
            more["lane"] = True
        helper.ask("spawn", [theirs.fileno(), writer], job=job["job"], step=1, attempt=1, method=method, **more)
        theirs.close()
        os.close(writer)
        self.process = _Process(helper, job["job"], reader)
        self.say(job)
