# SPDX-License-Identifier: Apache-2.0
"""What the tests across components share: a data folder of their own, the bench of deploy/run, SQL, storages."""
import json
import os
import re
import shutil
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ["LINESIDE_ANY_PORT"] = "1"    # two tests run at once
ROOT = os.path.abspath(os.path.join(HERE, "../.."))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "deploy/lib"))
import bench  # noqa: E402
import settings  # noqa: E402
import station_api  # noqa: E402

LINE = os.path.join(ROOT, "tests/virtual-line")


def need_root():
    if os.geteuid() != 0:
        print("this needs root")
        sys.exit(77)


def need_browser():
    need_root()
    ui = os.path.join(ROOT, "web/ui")
    if not shutil.which("chromium") or not shutil.which("npx") or not os.path.isdir(os.path.join(ui, "node_modules")):
        print("skipped: needs chromium and the modules of web/ui")
        sys.exit(77)


def data_folder(name, fresh=True):
    """Below build/, so that a run on a full /tmp is not what is tested. `fresh`: nothing of an earlier test."""
    folder = os.path.join(ROOT, "build/test-data", name)
    if fresh:
        bench.trees.remove(folder)
    os.makedirs(folder, exist_ok=True)
    return folder


def wait_for(what, seconds, every=0.1, tell=""):
    """The first true answer of `what`. Where `tell` is a function, `seconds` count from when what it tells last changed: a busy host is slow, not
    broken. Four times as long at most."""
    begun = changed = time.monotonic()
    looked, told = 0, tell
    while True:
        answer = what()
        if answer:
            return answer
        now = time.monotonic()
        if callable(tell) and now > looked + 1:
            before, told = told, tell()
            if looked and told != before:
                changed = now
            looked = now
        if now > changed + seconds or now > begun + 4 * seconds:
            raise AssertionError("not within %d s: %s" % (now - begun, told))
        time.sleep(every)


def sql(data, query, *arguments):
    """Reads the station's database as it is on the disk."""
    return bench.read_database(os.path.join(data, "station/station.db"), query, *arguments)


def image_of(data):
    """The folder of the newest cached image."""
    images = os.path.join(data, "helper/images")
    found = [os.path.join(images, name) for name in os.listdir(images)
             if os.path.exists(os.path.join(images, name, "image.json"))]
    return max(found, key=os.path.getmtime)


def storages(data, *more, bsp=None):
    """check-storage's view of all boards, by number; beside the newest image, or another built tree."""
    done = subprocess.run([os.path.join(LINE, "check-storage"), "--dir", os.path.join(data, "line"), "--bsp", bsp or image_of(data), *more],
                          capture_output=True, text=True, check=False)
    if not done.stdout:
        raise AssertionError("check-storage: " + done.stderr)
    return {board["board"]: board for board in json.loads(done.stdout)["boards"]}


def deploy_run(data, *arguments, env=None, timeout=900):
    """deploy/run as a person would; returns (status, what stdout held, seconds, stderr)."""
    begun = time.monotonic()
    done = subprocess.run([os.path.join(ROOT, "deploy/run"), "--exit-when-done", "--no-install", "--data", data, *arguments],
                          capture_output=True, text=True, timeout=timeout, check=False, env=env, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, time.monotonic() - begun, done.stderr


def tiles(api):
    return {tile["slot"]: tile for tile in api.status()["slots"]}


def job_processes(job=None, bench=None):
    """Processes that were started for a job (or for any), by this bench's helper: [(pid, command line)]."""
    found = []
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            with open("/proc/%s/environ" % pid, "rb") as file:
                environment = file.read().split(b"\0")
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                command = file.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        except OSError:
            continue
        marks = [entry for entry in environment if entry.startswith(b"LINESIDE_JOB=")]
        ours = bench is None or bench.helper.pid in ancestors(int(pid)) or orphan(int(pid))
        if marks and ours and (job is None or marks[0] == b"LINESIDE_JOB=%d" % job):
            found.append((int(pid), command))
    return found


def ancestors(pid):
    found = []
    while pid > 1:
        try:
            with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
                pid = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            break
        found.append(pid)
    return found


def leftovers(bench):
    """What `lineside doctor --leftovers` names, but for processes of another helper that works on this host just now."""
    done = bench.cli("doctor", "--leftovers", check=False)
    found = []
    for line in (done.stdout + done.stderr).splitlines():
        process = re.match(r"process of job \d+: (\d+)", line)
        if process and (bench.helper.pid not in ancestors(int(process.group(1))) and not orphan(int(process.group(1)))):
            continue
        found.append(line)
    return found if done.returncode != 0 else []


def orphan(pid):
    return ancestors(pid)[:1] in ([1], [])


def main():
    need_root()
    unittest.main(verbosity=2)
