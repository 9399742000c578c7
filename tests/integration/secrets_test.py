#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""While eight boards flash: who listens, and where a token can be read.

No process with a listening TCP socket has uid 0 or a capability. No token is in an argument list, environment, core dump,
log, page, recording, certificate, label or export (its ZIP unpacked) of the host, though a unit's script, an error text and a crash are each made to print it.
What happens inside a virtual unit is the unit's business, and its storage is the unit.
"""
import base64
import os
import secrets
import signal
import subprocess
import threading
import time
import unittest

import common
import everything_said

BOARDS = 8
# Nobody acknowledges, so nothing is printed; but labels are drawn, for their previews.
PRINTER = '[printer]\naddress = "127.0.0.1:9"\n'
MARK = "Qz7tKn"     # every token begins with it, so one search finds all of them
# set-serial.sh in the units: the last digit of the module serial picks what this one does with its token.
LEAK = r'''
leak=$(tr -d '\0' </sys/firmware/devicetree/base/serial-number); leak=${leak#"${leak%?}"}
case $leak in
    1|5) echo "got token $token"; echo "again $token" >&2 ;;
    2|6) printf 'split '; printf '%s' "${token%"${token#?????????}"}"; sleep 0.3; printf '%s\n' "${token#?????????}"; printf %s "$token" | base64 -w0; echo ;;
    3) [ -e /run/leaked ] || { : >/run/leaked; die "cannot take token $token"; } ;;
    4) sleep 4 ;;
    7|8) exec 3>/dev/null; sh -c 'echo "argument $1"' sh "$token" ;;
esac
'''


class Secrets(unittest.TestCase):
    def setUp(self):
        self.found = set()
        self.done = threading.Event()

    def tokens_of_host(self):
        """Looks at every process of the host, but those of a virtual unit, until told to stop."""
        mark = MARK.encode()
        while not self.done.is_set():
            for pid in os.listdir("/proc"):
                if not pid.isdigit() or int(pid) == os.getpid():
                    continue
                try:
                    if self.is_unit(pid):
                        continue
                    for name in ("cmdline", "environ"):
                        with open("/proc/%s/%s" % (pid, name), "rb") as file:
                            if mark in file.read():
                                with open("/proc/%s/comm" % pid, encoding="utf-8") as comm:
                                    self.found.add("%s of a process %s" % (name, comm.read().strip()))
                except OSError:
                    pass
            time.sleep(0.02)

    @staticmethod
    def is_unit(pid):
        if os.readlink("/proc/%s/ns/pid" % pid) == os.readlink("/proc/self/ns/pid"):
            return False
        return not os.readlink("/proc/%s/ns/net" % pid) == os.readlink("/proc/self/ns/net")

    @staticmethod
    def listeners():
        """pid -> (uid, capabilities) of processes that listen for TCP in our network namespace."""
        inodes = set()
        for name in ("tcp", "tcp6"):
            with open("/proc/net/" + name, encoding="ascii") as file:
                inodes |= {line.split()[9] for line in list(file)[1:] if line.split()[3] == "0A"}
        found = {}
        for pid in os.listdir("/proc"):
            if not pid.isdigit():
                continue
            try:
                for fd in os.listdir("/proc/%s/fd" % pid):
                    link = os.readlink("/proc/%s/fd/%s" % (pid, fd))
                    if link.startswith("socket:[") and link[8:-1] in inodes:
                        with open("/proc/%s/status" % pid, encoding="utf-8") as file:
                            status = dict(line.split(":", 1) for line in file.read().splitlines())
                        capabilities = [status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
                        found[int(pid)] = (status["Uid"].split(), capabilities, status["NoNewPrivs"].strip(), status["Name"].strip())
                        break
            except OSError:
                pass
        return found

    def search_files(self, wrong, *folders):
        forms = [MARK]
        for shift in range(3):      # base64 of anything that holds the mark, at each alignment; the ends depend on neighbours
            text = base64.b64encode(b"\0" * shift + MARK.encode()).decode()
            forms.append(text[[0, 2, 3][shift]:[8, 9, 10][shift]])
        for folder in folders:
            done = subprocess.run(["grep", "-rlaF", *[word for form in forms for word in ("-e", form)], folder],
                                  capture_output=True, text=True, check=False)
            wrong += ["a token in " + line for line in done.stdout.splitlines()]

    @staticmethod
    def pages(bench, wrong):
        searched, found = everything_said.search(everything_said.all_answers(bench.station_api, labels=True), [MARK])
        wrong += found
        for part in ("csv", "json", "zip", "zip!records.csv", "zip!records.json", "zip!index.csv", "zip!anchor.json"):
            if "/api/v1/records/export?format=" + part not in searched:
                wrong.append("no export " + part)
        for part, least in (("zip!logs/", BOARDS), ("/certificate", BOARDS // 2), ("/label", BOARDS // 2)):
            if sum(part in where for where in searched) < least:
                wrong.append("%d answers with %s" % (sum(part in where for where in searched), part))

    def crash_a_worker(self, bench, wrong):
        """SIGSEGV to the SSH worker while its unit holds the token back; then its core file must not be there."""
        def worker():
            job = common.tiles(bench.station_api)["4"]["job"]
            names = common.sql(self.data, "SELECT name FROM step WHERE job_id = ? AND outcome IS NULL", job) if job else []
            if names and names[0]["name"] == "set-serial":
                time.sleep(1.5)
                return [pid for pid, command in common.job_processes(job, bench) if "provision-ssh" in command.split()[0]]
            return []
        try:
            pids = common.wait_for(worker, 150, 0.05)
        except AssertionError:
            wrong.append("no worker of set-serial to crash at slot 4")
            return
        for pid in pids:
            os.kill(pid, signal.SIGSEGV)

    def test_no_token_and_no_power(self):
        self.data = common.data_folder("secrets")
        cores = os.path.join(self.data, "cores")
        os.makedirs(cores)
        os.chmod(cores, 0o1777)
        with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as file:
            pattern = file.read()
        wrong = []
        before = set(self.listeners())
        try:
            with open("/proc/sys/kernel/core_pattern", "w", encoding="utf-8") as file:
                file.write(cores + "/core.%e.%p")
            with common.bench.Bench(self.data, BOARDS, seed=5, more={"web": PRINTER}) as bench:
                self.run_bench(bench, before, wrong)
                bench.station.process.send_signal(signal.SIGSEGV)
                bench.station.process.wait(20)
        finally:
            self.done.set()
            with open("/proc/sys/kernel/core_pattern", "w", encoding="utf-8") as file:
                file.write(pattern)
        wrong += ["a token in the " + text for text in sorted(self.found)]
        if os.listdir(cores):
            wrong.append("core dumps: %s" % os.listdir(cores))
        self.search_files(wrong, *[os.path.join(self.data, name) for name in ("station", "key", "helper", "log", "cores", "bsp")])
        self.assertFalse(wrong, "\n" + "\n".join(wrong))

    def run_bench(self, bench, before, wrong):
        bench.make_bsp()
        script = os.path.join(bench.place.bsp, "rootfs/home/reeplayer/system-tools/set-serial.sh")
        with open(script, "r+", encoding="utf-8") as file:
            text = file.read().replace('[ -n "$serial" ]', LEAK + '[ -n "$serial" ]', 1)
            self.assertIn("cannot take token", text)
            file.seek(0)
            file.write(text)
        # A later tool of the same job prints what it finds on the unit.
        script = os.path.join(bench.place.bsp, "rootfs/home/reeplayer/system-tools/install-mcutool.sh")
        with open(script, "r+", encoding="utf-8") as file:
            text = file.read().replace("rm -rf /opt/mcutool.new", "cat /etc/reeplayer/token /etc/reeplayer/token >&2\nrm -rf /opt/mcutool.new", 1)
            file.seek(0)
            file.write(text)
        bench.start()
        pairs = [("S%03d" % number, MARK + secrets.token_urlsafe(20)) for number in range(1, 2 * BOARDS)]
        csv = os.path.join(bench.place.run, "batch.csv")
        with open(os.open(csv, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write("".join("%s,%s\n" % pair for pair in pairs))
        bench.cli("pool", "load", "--pool", common.settings.POOL, "--batch", "secret", csv)
        os.unlink(csv)
        bench.open_order()
        watcher = threading.Thread(target=self.tokens_of_host)
        watcher.start()
        try:
            bench.plug_all()
            common.wait_for(lambda: any(tile["state"] == "flashing" for tile in common.tiles(bench.station_api).values()), 120)
            ours = {pid: facts for pid, facts in self.listeners().items() if pid not in before}
            if not ours:
                wrong.append("nobody listens")
            for pid, (uids, capabilities, no_new_privs, name) in ours.items():
                if "0" in uids or any(int(value, 16) for value in capabilities) or no_new_privs != "1":
                    wrong.append("%s (%d) listens with uids %s, capabilities %s, no_new_privs %s" % (name, pid, uids, capabilities, no_new_privs))
            self.crash_a_worker(bench, wrong)
            common.wait_for(lambda: len(bench.verdicts()) == BOARDS, 240, 0.5, lambda: common.tiles(bench.station_api))
        finally:
            self.done.set()
            watcher.join()
        for slot, row in sorted(bench.verdicts().items()):
            print("slot %s: %s %s, %s redactions" % (slot, row["result"], row["code"] or "", row.get("redactions")), flush=True)
            if slot not in ("3", "4") and row["result"] != "PASS":
                wrong.append("slot %s: %s %s %s" % (slot, row["result"], row["code"], row["message"]))
            if slot in ("1", "2", "5", "6") and not row.get("redactions"):
                wrong.append("slot %s: its script printed the token, but nothing was redacted" % slot)
        self.pages(bench, wrong)


if __name__ == "__main__":
    common.main()
