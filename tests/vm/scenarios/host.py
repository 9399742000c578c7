# SPDX-License-Identifier: Apache-2.0
"""`lineside doctor` on a real host: each thing is broken, found, and mended."""
import json
import os
import subprocess
import sys

import guest_bench

PARAMETERS = "/sys/module/usbcore/parameters/"


def doctor(ctx):
    """{code: problem} of all that is not fine."""
    done = subprocess.run([os.path.join(ctx.bench.place.binaries, "lineside"), "--socket", ctx.bench.place.station_socket, "doctor", "--json"],
                          capture_output=True, text=True, check=False)
    try:
        told = json.loads(done.stdout)
    except ValueError as error:
        raise AssertionError("doctor: %s%s" % (done.stdout, done.stderr)) from error
    return {problem["code"]: problem for problem in told["problems"]}


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


class Meddler:
    """A process of a given name, as udisks or ModemManager would be there."""

    def __init__(self, name):
        self.process = subprocess.Popen([sys.executable, "-c", "import ctypes, time\nctypes.CDLL(None).prctl(15, %r)\nprint(flush=True)\ntime.sleep(600)" % name.encode()],
                                        stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def end(self):
        self.process.kill()
        self.process.wait()


def care(ctx):
    """usbfs memory, autosuspend, our rules, those who meddle: fine now, found when wrong, fine again."""
    memory, sleep = read(PARAMETERS + "usbfs_memory_mb"), read(PARAMETERS + "autosuspend")
    meddlers = []
    cases = (
        ("host.usbfs_memory", lambda: write(PARAMETERS + "usbfs_memory_mb", "16"), lambda: write(PARAMETERS + "usbfs_memory_mb", "1000")),
        ("host.udev", guest_bench.remove_rules, guest_bench.install_rules),
        ("host.autosuspend", lambda: (write(PARAMETERS + "autosuspend", "2"), guest_bench.remove_rules()),
         lambda: (write(PARAMETERS + "autosuspend", sleep), guest_bench.install_rules())),
        ("host.meddlers", lambda: (meddlers.append(Meddler("udisksd")), guest_bench.remove_rules()),
         lambda: (meddlers.pop().end(), guest_bench.install_rules())),
        ("host.tlp", lambda: (write("/usr/sbin/tlp", "#!/bin/sh\n"), os.chmod("/usr/sbin/tlp", 0o755)), lambda: os.unlink("/usr/sbin/tlp")),
    )
    write(PARAMETERS + "usbfs_memory_mb", "1000")   # what deploy/tmpfiles.d does on a host with systemd
    try:
        for code, break_it, mend_it in cases:
            assert code not in doctor(ctx), "%s before anything is wrong" % code
            break_it()
            try:
                found = doctor(ctx)
                assert code in found, "doctor does not find %s: %s" % (code, sorted(found))
            finally:
                mend_it()
            assert code not in doctor(ctx), "%s is still told when it is mended" % code
    finally:
        write(PARAMETERS + "usbfs_memory_mb", memory)
    ctx.say("doctor found " + ", ".join(case[0] for case in cases))
