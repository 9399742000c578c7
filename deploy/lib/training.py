# SPDX-License-Identifier: Apache-2.0
"""Training mode: a second station on virtual boards that fail now and then, with its own data folder, port, keys and serials
(TRAIN-...). Nothing of the real station is opened; it is only told, over its Unix socket, where the training page is, so that its wall
shows the link. Boards are put in and taken out as a person would; what a tile asks for is pressed by who is trained.

Exit status: 0 done (status: it runs), 1 status: it does not run, 2 usage, 3 it cannot start.
"""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import bench  # noqa: E402
import build  # noqa: E402
import station_api  # noqa: E402

FAULTS = "no-boot=0.08,kill-tool=0.05"      # now and then, so that people see FAIL and station problems, too
TOLD_EVERY_S = 20                          # the real station forgets the link a minute after it was last told
PULLED_AFTER_S = 8
NEXT_UNIT_AFTER_S = 6
REAL_SOCKET = "/run/lineside/station.sock"


class TrainingBench(bench.Bench):
    serial_prefix = "TRAIN-"

    def point_to_us(self):
        """Never: the usual place is the real station's."""


class Asked(Exception):
    """Somebody ended the training."""


def state_file(data):
    return os.path.join(data, "training.json")


def read_state(data):
    """What a running training says of itself, or None. A file that a killed one left behind is none."""
    try:
        with open(state_file(data), encoding="utf-8") as file:
            state = json.load(file)
        with open("/proc/%d/cmdline" % state["pid"], "rb") as file:
            ours = b"training.py" in file.read()
        return state if ours else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def tell_real_station(socket, url):
    """The real wall shows the link, or (None) takes it away. No real station, no link."""
    if not os.path.exists(socket):
        return
    try:
        station_api.Station(socket).post("/api/v1/training", {"url": url} if url else {})
    except (station_api.NoAnswer, station_api.Refused, OSError):
        pass                               # it is down or being restarted; it is told again soon


class Hands:
    """Takes judged units out, and puts the next one in where a slot has become free."""

    def __init__(self, one):
        self.bench = one
        self.judged = {}
        self.free = {}

    def work(self):
        now = time.monotonic()
        for tile in self.bench.station_api.get("/api/v1/wall")["tiles"]:
            if not tile["mapped"]:
                continue
            slot = tile["slot"]
            if tile["outcome"] and tile["present"]:
                if now - self.judged.setdefault(slot, now) > PULLED_AFTER_S and not tile["retry"]:
                    self.bench.line_api.ask(do="unplug", board=int(slot))
            else:
                self.judged.pop(slot, None)
            if tile["state"] == "empty":
                if now - self.free.setdefault(slot, now) > NEXT_UNIT_AFTER_S:
                    self.bench.line_api.ask(do="replace", board=int(slot))
                    self.bench.line_api.ask(do="plug", board=int(slot))
                    self.free.pop(slot)
            else:
                self.free.pop(slot, None)


def serve(options):
    def asked(*_):
        raise Asked()
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, asked)
    import run
    seed = random.SystemRandom().randrange(1, 2**31)
    more = {"use": "training", "name": options.name, "id": "training"}
    try:
        with TrainingBench(options.data, options.boards, options.faults, seed, options.speed, options.port, True, more=more) as one:
            one.start()
            one.load_serials(least=options.boards * 100)
            one.open_order(quantity=10000)
            hands = Hands(one)
            with open(state_file(options.data) + ".new", "w", encoding="utf-8") as file:
                json.dump({"pid": os.getpid(), "url": one.url, "data": options.data, "socket": one.place.station_socket}, file)
            os.rename(state_file(options.data) + ".new", state_file(options.data))
            told = 0.0
            while True:
                run.keep_alive(one)
                if time.monotonic() - told > TOLD_EVERY_S:
                    tell_real_station(options.real, one.url)
                    told = time.monotonic()
                try:
                    hands.work()
                except (station_api.NoAnswer, station_api.Refused):
                    pass                   # between two lives of the station; a tile that changed meanwhile
                time.sleep(0.5)
    except Asked:
        return 0
    finally:
        tell_real_station(options.real, None)
        for name in (state_file(options.data), state_file(options.data) + ".new"):
            if os.path.exists(name):
                os.unlink(name)


def start(options):
    running = read_state(options.data)
    if running:
        print("Training runs already: %s" % running["url"])
        return 0
    if os.geteuid() != 0:
        print("Training needs root: the virtual boards are mounted and flashed like real ones. sudo lineside training start", file=sys.stderr)
        return 3
    missing = [name for name in ("lineside-stationd", "lineside-helper", "lineside-line")
               if not os.path.exists(os.path.join(build.BUILD, "bin", name))]
    if missing:
        print("Not there: %s. Build them first: deploy/run does." % ", ".join(missing), file=sys.stderr)
        return 3
    os.makedirs(options.data, exist_ok=True)
    log = os.path.join(options.data, "training.log")
    with open(log, "wb") as out:
        process = subprocess.Popen([sys.executable, "-B", os.path.abspath(__file__), "serve", *options.given], stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=out, start_new_session=True, cwd="/")
    until = time.monotonic() + options.deadline
    while time.monotonic() < until:
        state = read_state(options.data)
        if state and state["pid"] == process.pid:
            print("Training runs: %s" % state["url"])
            print("End it: lineside training stop")
            return 0
        if process.poll() is not None:
            break
        time.sleep(0.1)
    else:
        process.terminate()
    with open(log, encoding="utf-8", errors="replace") as file:
        print("Training does not start:\n%s" % file.read()[-2000:], file=sys.stderr)
    return 3


def stop(options):
    state = read_state(options.data)
    if not state:
        print("No training runs.")
        return 0
    os.kill(state["pid"], signal.SIGTERM)
    until = time.monotonic() + 90
    while read_state(options.data) and time.monotonic() < until:
        time.sleep(0.1)
    if read_state(options.data):
        print("Training does not end: process %d" % state["pid"], file=sys.stderr)
        return 3
    print("Training has ended. Its records stay in %s." % options.data)
    return 0


def status(options):
    state = read_state(options.data)
    print("Training runs: %s" % state["url"] if state else "No training runs.")
    return 0 if state else 1


def main(arguments):
    parser = argparse.ArgumentParser(prog="lineside training", description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["start", "stop", "status", "serve"])
    parser.add_argument("--data", help="the training's own data folder (build/training beside the program)")
    parser.add_argument("--boards", type=int, default=8, choices=range(1, 65), metavar="1..64", help="virtual boards (8)")
    parser.add_argument("--port", type=int, default=8090, help="port of its page (8090, or a free one where that is taken)")
    parser.add_argument("--name", default="Training", help="what its wall is called")
    parser.add_argument("--speed", type=float, default=20.0, help="how much faster than real boards (20)")
    parser.add_argument("--faults", default=FAULTS, help="as of deploy/run (%(default)s)")
    parser.add_argument("--real", default=os.environ.get("LINESIDE_SOCKET") or REAL_SOCKET, help="Unix socket of the real station, whose wall shows the link")
    parser.add_argument("--deadline", type=float, default=300, help="seconds until it must run (300; the first time makes an image)")
    options = parser.parse_args(arguments)
    options.given = arguments[1:]
    options.data = os.path.abspath(options.data or os.path.join(build.ROOT, "build/training"))
    return {"start": start, "stop": stop, "status": status, "serve": serve}[options.what](options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
