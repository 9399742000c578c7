# SPDX-License-Identifier: Apache-2.0
"""`lineside doctor` on a real host: each thing is broken, found, and mended."""
import json
import os
import subprocess
import sys

import guest_bench

MEDDLERS = ("udisksd", "ModemManager", "NetworkManager")
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


def care(ctx, singly):
    """usbfs memory, autosuspend, our rules, those who meddle: fine now, found when wrong and only then, fine again. `singly`: each by itself."""
    memory, sleep = read(PARAMETERS + "usbfs_memory_mb"), read(PARAMETERS + "autosuspend")
    meddlers = {}
    no_rules, rules = guest_bench.remove_rules, guest_bench.install_rules

    def meddle(names):
        meddlers.update((name, Meddler(name)) for name in names)

    def unmeddle():
        while meddlers:
            meddlers.popitem()[1].end()
    # What is wrong, how it becomes so, how it is mended. Without our rules nobody keeps the others away.
    cases = (
        ({"host.usbfs_memory"}, lambda: write(PARAMETERS + "usbfs_memory_mb", "16"), lambda: write(PARAMETERS + "usbfs_memory_mb", "1000")),
        ({"host.tlp"}, lambda: (write("/usr/sbin/tlp", "#!/bin/sh\n"), os.chmod("/usr/sbin/tlp", 0o755)), lambda: os.unlink("/usr/sbin/tlp")),
        ({"host.udev"}, no_rules, rules),
        ({"host.udev", "host.autosuspend"}, lambda: (write(PARAMETERS + "autosuspend", "2"), no_rules()), lambda: (write(PARAMETERS + "autosuspend", "-1"), rules())),
        *(({"host.udev", "host.meddlers"}, lambda names=names: (meddle(names), no_rules()), lambda: (unmeddle(), rules()))
          for names in ([[name] for name in MEDDLERS] if singly else [MEDDLERS])),
    )
    write(PARAMETERS + "autosuspend", "-1")
    write(PARAMETERS + "usbfs_memory_mb", "1000")   # what deploy/tmpfiles.d does on a host with systemd
    ours = set().union(*(codes for codes, _, _ in cases))
    told = lambda: ours & set(doctor(ctx))
    try:
        assert not told(), "%s before anything is wrong" % sorted(told())
        # Two at a time where they have nothing in common.
        groups = [[case] for case in cases] if singly else [[cases[0], cases[3]], [cases[1], cases[4]]]
        for group in groups:
            wanted = set().union(*(codes for codes, _, _ in group))
            for _, break_it, _ in group:
                break_it()
            try:
                problems = doctor(ctx)
                found = ours & set(problems)
                assert found == wanted, "doctor finds %s, wrong is %s" % (sorted(found), sorted(wanted))
                named = [name for name in MEDDLERS if name in problems.get("host.meddlers", {}).get("cause", "")]
                assert set(named) == set(meddlers), "doctor names %s, there are %s" % (named, sorted(meddlers))
            finally:
                for _, _, mend_it in group:
                    mend_it()
        assert not told(), "%s is still told when all is mended" % sorted(told())
    finally:
        write(PARAMETERS + "usbfs_memory_mb", memory)
        write(PARAMETERS + "autosuspend", sleep)
    ctx.say("doctor found %s; %s" % (", ".join(sorted(ours)), ", ".join(MEDDLERS)))
