# SPDX-License-Identifier: Apache-2.0
"""deploy/run: builds the station and runs it on a line of virtual boards that plug themselves in and go to PASS.

On stderr: what happens, and the dashboard's address. On stdout: nothing, but with --exit-when-done one last line
{"boards":8,"pass":8,"fail":0,"error":0,"aborted":0,"seconds":31.4}.

Exit status: 0 every board passed (or Ctrl-C ended a run without --exit-when-done), 1 a board did not pass, 2 usage,
3 the station could not start, or the deadline came first.
"""
import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import build  # noqa: E402
import packages  # noqa: E402
import settings  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
FAULTS = os.path.join(build.ROOT, "tests/virtual-line/faults.md")
VIRTUAL = ("boards", "faults", "seed", "speed", "deadline", "exit_when_done", "port")


def say(text):
    print(text, file=sys.stderr, flush=True)


def number(least, most, whole=True):
    def read(text):
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError("%r is not a%s number from %s to %s" % (text, " whole" if whole else "", least, most))
        return value
    return read


def fault_names():
    with open(FAULTS, encoding="utf-8") as file:
        rows = [line.split("|")[1].strip() for line in file if re.match(r"\| [a-z]", line)]
    return [name for name in rows if name != "name"]


def check_faults(spec, boards):
    """A sentence about the first item that is wrong, or None. The line itself checks the rest."""
    if spec in ("none", ""):
        return None
    for item in spec.split(","):
        found = re.fullmatch(r"([a-z-]+)(?::([a-z0-9-]+))?(?:@(\d+(?:\+\d+)*))?=(\d*\.?\d+|\d+\.)", item)
        if not found:
            return "%r is not NAME[:ARG][@BOARD[+BOARD...]]=P" % item
        if found.group(1) not in fault_names():
            return "%r names no fault; there are %s" % (item, ", ".join(fault_names()))
        steps = re.findall(r'use = "(.*)"', settings.recipe(1))
        steps = steps[steps.index("set-nvme"):]     # those before have no tool on the unit that could fail
        if found.group(1).startswith("step-") and found.group(2) not in steps:
            return "%r names no step of the recipe; there are %s" % (item, ", ".join(steps))
        if not 0 <= float(found.group(4)) <= 1:
            return "%r: P is from 0 to 1" % item
        if found.group(3) and not all(1 <= int(board) <= boards for board in found.group(3).split("+")):
            return "%r names a board that is not one of 1 to %d" % (item, boards)
    return None


def read_options(arguments):
    parser = argparse.ArgumentParser(prog="deploy/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     allow_abbrev=False)
    parser.add_argument("--boards", type=number(1, 64), help="virtual boards, 1 to 64 (8)")
    parser.add_argument("--faults", metavar="SPEC", help="none (default), or NAME[:ARG][@BOARD[+BOARD...]]=P,... as in tests/virtual-line/faults.md")
    parser.add_argument("--seed", type=number(0, 2**63 - 1), help="who the boards are, and the dice of --faults (random: new units at each run)")
    parser.add_argument("--speed", type=number(0.1, 1000, whole=False), help="how much faster than real boards (60); 1 = real time")
    parser.add_argument("--port", type=number(1, 65535), help="port of the dashboard (8080, or a free one where that is taken)")
    parser.add_argument("--data", metavar="DIR", help="database, image cache, storages (build/run); kept between runs")
    parser.add_argument("--deadline", type=number(1, 86400), metavar="S", help="seconds from the first plug-in to the last verdict (600)")
    parser.add_argument("--config", metavar="FILE", help="a station.toml: runs on a real bench, without virtual boards")
    parser.add_argument("--exit-when-done", action="store_true", help="end when every board has its verdict")
    parser.add_argument("--no-install", action="store_true", help="install nothing: fail with the list of missing Debian packages")
    options = parser.parse_args(arguments)
    if options.data == "":
        parser.error("--data is empty")
    if options.config:
        for name in VIRTUAL:
            if getattr(options, name) not in (None, False):
                parser.error("--config is a real bench, --%s is not for it" % name.replace("_", "-"))
        if not os.path.isfile(options.config):
            parser.error("--config: there is no file " + options.config)
    options.boards = options.boards or 8
    options.faults = options.faults or "none"
    options.speed = options.speed or 60.0
    options.deadline = options.deadline or 600
    options.data = os.path.abspath(options.data or os.path.join(build.ROOT, "build/run"))
    complaint = check_faults(options.faults, options.boards)
    if complaint:
        parser.error("--faults: " + complaint)
    return options


class Asked(Exception):
    """Somebody asked the run to end: Ctrl-C or SIGTERM."""


def end_on_signals():
    def asked(*_):
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(one, signal.SIG_IGN)     # the clean-up is not interrupted
        raise Asked()
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, asked)


def prepare(options):
    """Packages, binaries, dashboard. Runs as whoever called; 3 when it cannot."""
    os.umask(0o022)
    os.makedirs(os.path.join(build.ROOT, "build"), exist_ok=True)
    with open(os.path.join(build.ROOT, "build/run-build.log"), "w", encoding="utf-8", errors="replace") as log:
        groups = {"build", "run"} | (set() if build.dashboard_is_current() else {"ui"})
        with_ui = packages.ensure(groups, not options.no_install)
        if not os.path.exists(os.path.join(build.BUILD, "bin/lineside-stationd")):
            say("building (the first time takes minutes; build/run-build.log) ...")
        build.release(build.TARGETS, log)
        if with_ui:
            build.dashboard(log)


def become_root(arguments):
    """The virtual boards and the root helper need root: everything after the build does."""
    if os.geteuid() == 0:
        return
    command = packages.as_root([sys.executable, "-B", os.path.abspath(__file__), "--built", *arguments])
    say("the virtual boards and the root helper need root: going on with sudo")
    os.execvp(command[0], command)


class Progress:
    """One line that is written over, where stderr is a terminal; else a line now and then."""

    def __init__(self):
        self.tty = sys.stderr.isatty()
        self.last = ""
        self.at = 0.0

    def show(self, text):
        now = time.monotonic()
        if text == self.last or (not self.tty and now - self.at < 10):
            return
        self.last, self.at = text, now
        sys.stderr.write("\r\033[K" + text if self.tty else text + "\n")
        sys.stderr.flush()

    def end(self):
        if self.tty and self.last:
            sys.stderr.write("\n")


def describe(status, done, boards):
    words = {}
    for slot in status["slots"]:
        words[slot["word"]] = words.get(slot["word"], 0) + 1
    return "%d of %d have a verdict; %s" % (done, boards, ", ".join("%d %s" % (count, word) for word, count in sorted(words.items())))


def keep_alive(bench):
    """A service manager would start a station or helper again that died; so do we. The line itself must live."""
    import bench as bench_module
    if bench.line and bench.line.status() is not None:
        raise bench_module.CannotStart("the virtual line ended\n" + bench.line.tail())
    if bench.helper.status() is not None:
        say("the helper ended (%s); starting it again" % bench.helper.status())
        bench.start_helper()
    if bench.station.status() is not None:
        say("the station ended (%s); starting it again" % bench.station.status())
        time.sleep(1)
        bench.start_station(getattr(bench, "config", None))


def watch(bench, options):
    """Until every board has a verdict (True), or the deadline (False); without --exit-when-done for ever."""
    import station_api
    progress = Progress()
    told = False
    begun = time.monotonic()
    try:
        while True:
            keep_alive(bench)
            try:
                found = bench.verdicts()
                progress.show(describe(bench.station_api.status(), len(found), options.boards))
            except station_api.NoAnswer:
                found = {}
            if options.exit_when_done and (len(found) >= options.boards or time.monotonic() - begun > options.deadline):
                return found, time.monotonic() - begun
            if len(found) >= options.boards and not told:
                told = True
                progress.end()
                progress.last = ""
                say("every board has its verdict: %s. Ctrl-C ends the run." % summary(found, options.boards, time.monotonic() - begun))
            time.sleep(0.25 if options.exit_when_done else 1)
    finally:
        progress.end()


def summary(found, boards, seconds):
    counts = {"boards": boards, "pass": 0, "fail": 0, "error": 0, "aborted": 0, "seconds": round(seconds, 1)}
    for row in found.values():
        counts[row["result"].lower()] += 1
    counts["error"] += boards - len(found)      # no verdict within the deadline
    return json.dumps(counts, separators=(",", ":"))


def report_failures(bench, found):
    for slot, row in sorted(found.items(), key=lambda item: int(item[0])):
        if row["result"] != "PASS":
            say("board %s: %s %s: %s" % (slot, row["result"], row["code"], row.get("message") or row.get("reason") or ""))
    for board in range(1, bench.boards + 1):
        if str(board) not in found:
            say("board %d: no verdict within the deadline" % board)


def virtual_bench(options):
    import bench as bench_module
    seed = random.SystemRandom().randrange(1, 2**31) if options.seed is None else options.seed
    with bench_module.Bench(options.data, options.boards, options.faults, seed, options.speed, options.port or 8080,
                            options.port is None) as bench:
        bench.start()
        bench.load_serials()
        bench.open_order()
        say("dashboard: %s   seed: %d   data: %s" % (bench.url, seed, options.data))
        say("command line: LINESIDE_SOCKET=%s %s status" % (bench.place.station_socket, os.path.join(build.BUILD, "bin/lineside")))
        begun = time.monotonic()
        bench.plug_all()
        found, _ = watch(bench, options)
        seconds = time.monotonic() - begun
        report_failures(bench, found)
    line = summary(found, options.boards, seconds)
    print(line, flush=True)
    if len(found) < options.boards:
        return 3
    return 0 if all(row["result"] == "PASS" for row in found.values()) else 1


def real_bench(options):
    import real_bench as real
    with real.RealBench(options.data, options.config) as bench:
        bench.start()
        say("dashboard: %s" % bench.url)
        while True:
            keep_alive(bench)
            time.sleep(1)


def main(arguments):
    built = arguments[:1] == ["--built"]
    if built:
        arguments = arguments[1:]
    options = read_options(arguments)
    end_on_signals()
    try:
        if not built:
            prepare(options)
            become_root(arguments)
    except (packages.Missing, build.Failed) as error:
        say(str(error))
        return 3
    except Asked:
        return 130
    import bench as bench_module
    import station_api
    try:
        return real_bench(options) if options.config else virtual_bench(options)
    except bench_module.Died as error:
        say(str(error))
        return 2 if error.status == 2 and str(error).startswith("virtual line") else 3
    except (bench_module.CannotStart, station_api.NoAnswer, station_api.Refused, subprocess.CalledProcessError, OSError) as error:
        say(str(error))
        return 3
    except Asked:
        say("ended on request")
        return 3 if options.exit_when_done else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
