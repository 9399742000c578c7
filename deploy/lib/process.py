# SPDX-License-Identifier: Apache-2.0
"""A process of a run: its output goes to a log file, it dies with us, and it can be told to stop."""
import ctypes
import os
import select
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class Died(Exception):
    """A process ended before it was ready."""

    def __init__(self, name, status, tail):
        super().__init__("%s ended with %s before it was ready%s" % (name, _status_text(status), "\n" + tail if tail else ""))
        self.status = status


def _status_text(status):
    return "status %d" % status if status >= 0 else "signal %d" % -status


class Process:
    """Everything it prints goes to `log`; with `ready` its first line on stdout is waited for."""

    def __init__(self, name, command, log, ready=None, env=None, cwd="/"):
        self.name = name
        self.log = log
        self.first_line = ""
        with open(log, "ab") as file:
            self.log_start = file.tell()
            self.process = subprocess.Popen(
                command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stderr=file, start_new_session=True,
                stdout=subprocess.PIPE if ready else file, preexec_fn=_die_with_parent)
        if ready:
            self._wait_ready(ready)

    def _wait_ready(self, seconds):
        until = time.monotonic() + seconds
        text = b""
        out = self.process.stdout
        while b"\n" not in text:
            left = until - time.monotonic()
            if left <= 0:
                self.stop(5)
                raise Died(self.name, self.process.returncode or 0, "it was not ready after %d s\n%s" % (seconds, self.tail()))
            if select.select([out], [], [], left)[0]:
                piece = os.read(out.fileno(), 4096)
                if not piece:
                    self.process.wait()
                    raise Died(self.name, self.process.returncode, self.tail())
                text += piece
        self.first_line = text.split(b"\n")[0].decode("utf-8", "replace")

    @property
    def pid(self):
        return self.process.pid

    def status(self):
        """None while it runs; below 0 is a signal."""
        return self.process.poll()

    def tail(self, lines=12):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            file.seek(self.log_start)
            return "\n".join(file.read().splitlines()[-lines:])

    def stop(self, within):
        """SIGTERM, then SIGKILL. Returns the status."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(within)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        return self.process.returncode

    def kill(self):
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
