# SPDX-License-Identifier: Apache-2.0
"""In the guest: what udev told and what the station's event stream told, each with the guest's clock (CLOCK_MONOTONIC, ns)."""
import json
import os
import socket
import threading
import time

NETLINK_KOBJECT_UEVENT, UDEV_GROUP = 15, 2
HEADER = 40     # of udev's own messages: "libudev", a magic number, offsets and filters


class _Watcher(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.events, self.changed, self.ended = [], threading.Condition(), False

    def note(self, event):
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def wait(self, wanted, seconds, since=0):
        """The first event from index `since` on for which `wanted` holds, or None when the time is over."""
        until = time.monotonic() + seconds
        with self.changed:
            at = since
            while True:
                for at in range(at, len(self.events)):
                    if wanted(self.events[at]):
                        return self.events[at]
                at = len(self.events)
                left = until - time.monotonic()
                if left <= 0:
                    return None
                self.changed.wait(left)

    def mark(self):
        with self.changed:
            return len(self.events)


class Uevents(_Watcher):
    """(ns, action, sysfs name, properties) of each usb_device, as udev passed it on after its rules."""

    def __init__(self):
        super().__init__()
        self.link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT)
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.link.bind((0, UDEV_GROUP))
        self.start()

    def run(self):
        while True:
            message = self.link.recv(65536)
            at = time.monotonic_ns()
            words = dict(word.split("=", 1) for word in message[HEADER:].decode("utf-8", "replace").split("\0") if "=" in word)
            if words.get("DEVTYPE") == "usb_device":
                self.note((at, words.get("ACTION"), os.path.basename(words.get("DEVPATH", "")), words))


class Stream(_Watcher):
    """(ns, kind, data) of the station's /api/v1/events."""

    def __init__(self, path):
        super().__init__()
        self.link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.link.connect(path)
        self.link.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        self.start()
        if not self.wait(lambda event: event[1] == "beat", 60):
            raise AssertionError("the event stream does not begin")

    def run(self):
        text = b""
        while True:
            piece = self.link.recv(1 << 16)
            if not piece:
                self.ended = True
                return
            at = time.monotonic_ns()
            text += piece
            while b"\n\n" in text:
                block, text = text.split(b"\n\n", 1)
                kind, data = "", ""
                for line in block.decode("utf-8", "replace").splitlines():
                    if line.startswith("event: "):
                        kind = line[7:]
                    elif line.startswith("data: "):
                        data = line[6:]
                if kind:
                    try:
                        self.note((at, kind, json.loads(data)))
                    except ValueError:
                        pass

    def wait_tile(self, slot, wanted, seconds, since=0):
        """The event with which the slot's tile became as `wanted`."""
        return self.wait(lambda event: event[1] == "tile" and event[2]["tile"]["slot"] == slot and wanted(event[2]["tile"]), seconds, since)


class HeldUp(threading.Thread):
    """When this guest's processors were not there for somebody who was due: what no program in it can be blamed for."""
    STEP, LATE = 0.02, 0.05     # seconds

    def __init__(self):
        super().__init__(daemon=True)
        self.times, self.over = [], threading.Event()

    def run(self):
        while not self.over.is_set():
            due = time.monotonic() + self.STEP
            time.sleep(self.STEP)
            now = time.monotonic()
            if now - due > self.LATE:
                self.times.append((due * 1e9, now * 1e9))

    def during(self, begin_ns, end_ns):
        return any(begin <= end_ns and end >= begin_ns for begin, end in self.times)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def quantile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def figures(nanoseconds):
    """"median 12 ms, p99 40 ms of 18" """
    return "median %.0f ms, p99 %.0f ms of %d" % (quantile(nanoseconds, 0.5) / 1e6, quantile(nanoseconds, 0.99) / 1e6, len(nanoseconds))
