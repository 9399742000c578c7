#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 in the middle of flashing: of a worker, of its tool, of a tool that double-forked and called setsid; and of the worker
that builds the image.

Within five seconds the slot says ERROR with the cause, its lease is right, nothing of the job is left on the host and the
board's storage no longer changes; the other boards pass untouched.
"""
import hashlib
import os
import signal
import time
import unittest

import common

BOARDS = 8
WITHIN = 5.0
# In the BSP's place of tegradevflash_v2: runs the real tool as a daemon that has left our process group, session and
# parent, and hands its output and status on. When the daemon is killed, so ends this. PLAIN is the port of the board
# whose tool stays an ordinary child.
DAEMON = r'''#!/usr/bin/python3
import os, signal, subprocess, sys
real = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "tegradevflash_v2.real")
if "--create" not in sys.argv or PLAIN in sys.argv:
    os.execv(real, ["tegradevflash_v2.real", *sys.argv[1:]])
back, out = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    os.close(back)
    status = subprocess.call([real, *sys.argv[1:]])
    if status >= 0:
        os.write(out, b"%d" % status)
    os._exit(0)
os.wait()
os.close(out)
told = os.read(back, 16)
if told:
    sys.exit(int(told))
os.kill(os.getpid(), signal.SIGKILL)
'''


class Kill(unittest.TestCase):
    def victim(self, bench, kind, job):
        """The process to kill, once it is there."""
        for pid, command in common.job_processes(job, bench):
            program = os.path.basename(command.split()[0]) if command else ""
            if kind == "worker" and program == "jetson-usb":
                return pid
            if kind != "worker" and program == "tegradevflash_v2.real" and "--create" in command:
                return pid
        return None

    def storage(self, data, board):
        path = os.path.join(data, "line/boards/%d/storage.img" % board)
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def left_of(self, bench, data, job):
        """What of the job is still on the host."""
        found = ["process %d %s" % item for item in common.job_processes(job, bench)]
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            found += ["mount " + line.split()[4] for line in file if data + "/helper/lanes/" in line or "/run/lineside-lane" in line]
        if os.path.exists(os.path.join(data, "helper/lanes/%d" % job)):
            found.append("lane %d" % job)
        if bench.group and os.path.exists(os.path.join(bench.group, "job-%d" % job)):
            found.append("cgroup job-%d" % job)
        return found

    def test_killed_in_the_middle_of_flashing(self):
        data = common.data_folder("kill")
        wrong = []
        with common.bench.Bench(data, BOARDS, seed=31, line_options=["--wire-mbps", "10"]) as bench:
            bench.make_bsp()
            tool = os.path.join(bench.place.bsp, "bootloader/tegradevflash_v2")
            os.rename(tool, tool + ".real")
            with open(tool, "w", encoding="utf-8") as file:
                file.write(DAEMON.replace("PLAIN", '"1-1.2"'))
            os.chmod(tool, 0o755)
            bench.start()
            self.assertEqual(bench.line_api.boards()[1]["bus_port"], "1-1.2")
            bench.load_serials()
            bench.open_order()
            bench.plug_all()
            victims = {"1": "worker", "2": "tool", "3": "daemon"}
            killed = {}

            def writing():
                for slot, tile in common.tiles(bench.station_api).items():
                    if slot in victims and slot not in killed and tile["job"] and (tile["percent"] or 0) >= 35:
                        pid = self.victim(bench, victims[slot], tile["job"])
                        if pid:
                            os.kill(pid, signal.SIGKILL)
                            killed[slot] = (time.monotonic(), tile["job"])
                            self.ends_in_error(bench, data, slot, victims[slot], killed[slot], wrong)
                return len(killed) == len(victims)

            common.wait_for(writing, 150, 0.05, lambda: "writing: %s" % common.tiles(bench.station_api))
            common.wait_for(lambda: len(bench.verdicts()) == BOARDS, 240, 0.5)
            verdicts = bench.verdicts()
            for slot, row in verdicts.items():
                if slot not in victims and row["result"] != "PASS":
                    wrong.append("slot %s was not touched, but: %s %s %s" % (slot, row["result"], row["code"], row["message"]))
            wrong += ["left over: " + line for line in common.leftovers(bench)]
        self.assertFalse(wrong, "\n" + "\n".join(wrong))

    def test_an_image_build_whose_worker_is_killed_is_done_again(self):
        data = common.data_folder("kill-build")
        with common.bench.Bench(data, 1, seed=32) as bench:
            bench.start()
            bench.load_serials()
            bench.open_order()
            bench.plug_all()

            def builder():
                return next((pid for pid, command in common.job_processes(None, bench)
                             if os.path.basename(command.split()[0] if command else "") == "image-build"), None)

            os.kill(common.wait_for(builder, 30, 0.02, "image-build"), signal.SIGKILL)
            common.wait_for(lambda: len(bench.verdicts()) == 1, 120, 0.5, lambda: str(common.tiles(bench.station_api)))
            self.assertEqual(bench.verdicts()["1"]["result"], "PASS")
            self.assertEqual(common.sql(data, "SELECT builds FROM image"), [{"builds": 1}])
            self.assertEqual(common.leftovers(bench), [])

    def ends_in_error(self, bench, data, slot, kind, killed, wrong):
        at, job = killed
        code = "worker.died" if kind == "worker" else "tool.died"
        tile = common.tiles(bench.station_api)[slot]
        while time.monotonic() - at < WITHIN and not (tile["outcome"] and not self.left_of(bench, data, job)):
            time.sleep(0.05)
            tile = common.tiles(bench.station_api)[slot]
        took = time.monotonic() - at
        print("%s killed: %s %s after %.1f s" % (kind, tile["outcome"], tile["code"], took), flush=True)
        if (tile["outcome"], tile["code"]) != ("ERROR", code):
            wrong.append("%s killed: %s %s within %.0f s instead of ERROR %s" % (kind, tile["outcome"], tile["code"], WITHIN, code))
        left = self.left_of(bench, data, job)
        if left:
            wrong.append("%s killed: left behind %s" % (kind, left))
        live = common.sql(data, "SELECT state FROM lease WHERE unit_id = (SELECT unit_id FROM job WHERE id = ?) AND state <> 'released'", job)
        if live:
            wrong.append("%s killed: a unit that never saw a serial has a lease: %s" % (kind, live))
        before = self.storage(data, int(slot))
        time.sleep(1.5)
        if self.storage(data, int(slot)) != before:
            wrong.append("%s killed: the board's storage still changes" % kind)


if __name__ == "__main__":
    common.main()
