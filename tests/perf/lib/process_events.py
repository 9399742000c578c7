# SPDX-License-Identifier: Apache-2.0
"""When this host's processes were executed and ended, told by the kernel itself (the process connector of netlink).

The kernel stamps each event with CLOCK_MONOTONIC, as virtual line and station stamp theirs, so nothing needs to be built
into what is measured. Only root in the first namespaces may listen, and the kernel must have CONFIG_PROC_EVENTS.
"""
import os
import select
import socket
import struct
import threading

CONNECTOR = 11                      # NETLINK_CONNECTOR
PROCESSES = 1                       # CN_IDX_PROC and CN_VAL_PROC
LISTEN, IGNORE = 1, 2
EXEC, EXIT = 0x00000002, 0x80000000
EVENT = struct.Struct("=16x20xIIQII")    # netlink and connector headers, what, cpu, timestamp, pid, thread group
BUFFER = 8 << 20                    # a build on the same host starts thousands of processes


class NoEvents(Exception):
    """Says in a sentence why nobody can listen here."""


class Process:
    """One program that ran for a job: `name` is that of its executable, or of the script."""

    def __init__(self, pid, job, name, began):
        self.pid, self.job, self.name, self.began, self.ended = pid, job, name, began, None


class Watch:
    """Keeps every worker and flash tool of one bench. Use as a context manager."""

    def __init__(self, mark, names):
        """`mark`: what the environment of our workers alone holds; `names`: the programs that are kept."""
        self.mark, self.names = mark, names
        self.kept = []
        self.lost = 0
        self._alive = {}
        self._changed = threading.Condition()
        self._end = os.pipe()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self):
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, CONNECTOR)
            self._socket.setsockopt(socket.SOL_SOCKET, 33, BUFFER)      # SO_RCVBUFFORCE
            self._socket.bind((0, PROCESSES))
            self._tell(LISTEN)
            if not select.select([self._socket], [], [], 2)[0]:
                raise OSError("the kernel does not answer")
        except OSError as error:
            raise NoEvents("no process events on this host (root, outside of a container, and a kernel with CONFIG_PROC_EVENTS"
                           " are needed): %s" % error) from error
        self._thread.start()
        return self

    def __exit__(self, *_):
        os.close(self._end[1])
        self._thread.join()
        self._tell(IGNORE)
        self._socket.close()
        os.close(self._end[0])

    def _tell(self, order):
        body = struct.pack("=IIIIHHI", PROCESSES, PROCESSES, 0, 0, 4, 0, order)
        self._socket.send(struct.pack("=IHHII", 16 + len(body), 3, 0, 0, 0) + body)

    def _listen(self):
        while True:
            if self._end[0] in select.select([self._socket, self._end[0]], [], [])[0]:
                return
            try:
                message = self._socket.recv(4096)
            except OSError:
                self.lost += 1          # events came faster than we read: what is missing is seen by whoever waits for it
                continue
            if len(message) >= EVENT.size:
                what, _, at, pid, group = EVENT.unpack_from(message)
                if pid == group and what == EXEC:
                    self._executed(pid, at)
                elif pid == group and what == EXIT and pid in self._alive:
                    with self._changed:
                        self._alive.pop(pid).ended = at
                        self._changed.notify_all()

    def _executed(self, pid, at):
        try:
            with open("/proc/%d/comm" % pid, encoding="utf-8", errors="replace") as file:
                name = file.read().strip()
            if name not in self.names:
                return
            with open("/proc/%d/environ" % pid, "rb") as file:
                environment = dict(entry.partition(b"=")[::2] for entry in file.read().split(b"\0"))
        except OSError:
            return                      # it is gone already, so it was none of ours
        if self.mark != (environment.get(b"UMOCKDEV_DIR", b"")).decode() or b"LINESIDE_JOB" not in environment:
            return
        process = Process(pid, int(environment[b"LINESIDE_JOB"]), name, at)
        with self._changed:
            self.kept.append(process)
            self._alive[pid] = process
            self._changed.notify_all()

    # -- for who measures -----------------------------------------------------------------------------------------

    def forget(self):
        """What ran up to now; the making of an image runs a flash tool too."""
        with self._changed:
            self.kept.clear()

    def count(self, name):
        with self._changed:
            return sum(process.name == name for process in self.kept)

    def wait_for(self, name, count, seconds):
        """Until so many programs of that name were executed."""
        with self._changed:
            return self._changed.wait_for(lambda: sum(one.name == name for one in self.kept) >= count, seconds)

    def running(self, name):
        with self._changed:
            return [process for process in self._alive.values() if process.name == name]

    def of_job(self, job):
        """In the order of their start."""
        with self._changed:
            return sorted((process for process in self.kept if process.job == job), key=lambda process: process.began)
