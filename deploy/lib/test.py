# SPDX-License-Identifier: Apache-2.0
"""deploy/test: installs what is missing, builds, and runs every test there is.

    deploy/test [--full] [--no-install] [--only PART[,PART…]]

Parts, in order: lint, build, ui, integration, unit, asan, fuzz, guest (the station on a real kernel: the quick list of tests/vm); --full adds clang, tsan, tidy, soak, vm
(NVIDIA's tools in it need LINESIDE_REAL_BSP), the guest's nightly list, disks and card, and fuzzes longer. What the later parts compile, the unit tests too, is compiled behind the earlier
ones, which mostly wait, and takes no core that a test wants. What a later part runs under a sanitizer or a fuzzer is not compiled and run
without it, too, but with --full. 40 minutes on two cores without a compiler's cache is the bound for all
parts without --full.
What each part says goes to build/test/<part>.log; its failures are shown. The last line on stdout is the count:
`N passed, N failed[, N skipped]`. Exit 0 when nothing failed, 1 when something did, 2 usage, 3 when it could not begin.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as xml

sys.dont_write_bytecode = True
import build  # noqa: E402
import packages  # noqa: E402

ROOT = build.ROOT
LOGS = os.path.join(ROOT, "build/test")
PARTS = ["lint", "build", "ui", "integration", "unit", "asan", "fuzz", "guest"]
FULL = ["clang", "tsan", "tidy", "soak", "vm"]
# The programs among the targets of a build: all but libraries, unit tests and fuzzers.
PROGRAMS, NO_PROGRAMS = r"[a-z0-9-]+(?:_v2)?", {"all", "test", "install", "clean", "help"}
# Parts that compile what the build has not: the unit tests, and the tree once more with a preset: its name, the targets by name. The fuzzers are
# of the build with AddressSanitizer, whose clang compiles in two thirds of the time of g++.
UNITS = r"[A-Za-z0-9_-]+_test|lineside"
COMPILED = {"unit": ("release", UNITS), "asan": ("asan", UNITS), "fuzz": ("asan", r"fuzz_[a-z0-9_]+"), "clang": ("clang", UNITS), "tsan": ("tsan", UNITS)}
# Labels of ctest: what needs root, real time or the whole machine runs by itself, and not under a sanitizer.
SLOW = "integration|virtual-line|slow|guest|vm|perf"
# Labels whose tests a later part runs in a build of its own.
LATER = {"asan": "^unit$", "fuzz": "^fuzz$"}


class Tally:
    def __init__(self):
        self.passed, self.skipped, self.failed = 0, 0, []
        self.lock = threading.Lock()        # fuzzers run at once

    def one(self, name, good):
        with self.lock:
            if good:
                self.passed += 1
            else:
                self.failed.append(name)

    def line(self):
        text = "%d passed, %d failed" % (self.passed, len(self.failed))
        return text + (", %d skipped" % self.skipped if self.skipped else "")


class Behind(threading.Thread):
    """Configures and builds what parts to come need, one part after the other, only while no test wants the core."""

    def __init__(self, parts, work):
        super().__init__(daemon=True)
        self.parts, self.work = parts, work
        self.told = {part: [] for part in parts}            # (name of a command, the error or None)
        self.done = {part: threading.Event() for part in parts}

    def run(self):
        for part in self.parts:
            try:
                self.told[part] = self.work(part)
            except Exception as error:      # whatever it is, it is this part's failure, and the part must not wait for ever
                self.told[part] = [(part + ": build", error)]
            finally:
                self.done[part].set()

    def of(self, part):
        self.done[part].wait()
        return self.told[part]


class Tests:
    def __init__(self, options, chosen):
        self.options, self.chosen = options, chosen
        self.tally = Tally()
        self.begun = time.monotonic()
        self.behind = Behind([part for part in chosen if part in COMPILED], self.compile)
        shutil.rmtree(LOGS, ignore_errors=True)
        os.makedirs(LOGS)

    def log(self, part):
        return open(os.path.join(LOGS, part + ".log"), "a", encoding="utf-8", errors="replace")

    def head(self, text):
        print("== %4d s  %s" % (time.monotonic() - self.begun, text), flush=True)

    def command(self, part, name, command, cwd=ROOT, env=None):
        """One command = one test."""
        with self.log(part) as log:
            try:
                build.run_logged(command, log, cwd, env and {**os.environ, **env})
                self.tally.one(name, True)
                return True
            except (build.Failed, OSError) as error:
                print("%s: %s" % (name, error), flush=True)
                self.tally.one(name, False)
                return False

    def ctest(self, part, folder, *arguments, env=None):
        """Every test of ctest counts; what failed is shown with the end of what it said."""
        report = os.path.join(LOGS, part + ".xml")
        if os.path.exists(report):
            os.unlink(report)
        shutil.rmtree(os.path.join(ROOT, folder, "cases"), ignore_errors=True)
        command = ["ctest", "--test-dir", folder, "--output-junit", report, "--no-tests=ignore", *arguments]
        with self.log(part) as log:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False,
                           cwd=ROOT, env={**os.environ, **(env or {})})
        if not os.path.exists(report):
            print("%s: ctest wrote no report, see %s" % (part, log.name), flush=True)
            return self.tally.one(part, False)
        for case in xml.parse(report).getroot().iter("testcase"):
            if self.cases(part, os.path.join(ROOT, folder, "cases", case.get("name") + ".xml"), case):
                continue
            name = "%s: %s" % (part, case.get("name"))
            if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
                text = case.findtext("skipped") or (case.find("skipped").get("message") if case.find("skipped") is not None else "")
                if "not found" in (text or "").lower() or "Unable to find executable" in (case.findtext("system-out") or ""):
                    self.tally.one(name, False)
                else:
                    self.tally.skipped += 1
                    print("skipped: " + name, flush=True)
            else:
                good = case.find("failure") is None and case.get("status") != "fail"
                self.tally.one(name, good)
                if not good:
                    print("FAILED %s\n%s" % (name, "\n".join((case.findtext("system-out") or "").splitlines()[-40:])), flush=True)

    def cases(self, part, report, entry):
        """Where one entry of ctest is many cases of GoogleTest: counts them. False when it is not, or did not come to its end."""
        if not os.path.exists(report) or entry.get("status") not in ("run", "fail"):
            return False
        found = [case for case in xml.parse(report).getroot().iter("testcase") if case.get("status") == "run"]
        os.unlink(report)
        failed = [case for case in found if case.find("failure") is not None]
        if not found or entry.get("status") == "fail" and not failed:
            return False        # something that no case says: a leak at the end
        for case in found:
            if case.get("result") == "skipped" or case.find("skipped") is not None:
                self.tally.skipped += 1
            else:
                self.tally.one("%s: %s.%s" % (part, case.get("classname"), case.get("name")), case not in failed)
        for case in failed:
            print("FAILED %s: %s.%s\n%s" % (part, case.get("classname"), case.get("name"),
                                            "\n".join(failure.get("message") for failure in case.iter("failure"))), flush=True)
        return True

    # -- parts ----------------------------------------------------------------------------------------------------

    def lint(self):
        for script in sorted(glob.glob(os.path.join(ROOT, "tests/lint/*.py"))):
            self.command("lint", os.path.basename(script), [sys.executable, "-B", script])

    def build(self):
        """What the station is and what plays its surroundings."""
        if self.command("build", "configure", ["cmake", "--preset", "release"]):
            programs = [name for name in self.targets(os.path.join(ROOT, "build/release"), PROGRAMS) if name not in NO_PROGRAMS]
            self.command("build", "build of the programs", ["ninja", "-C", "build/release", "-k", "0", "-j%d" % build.jobs(), *programs])

    def ui(self):
        if not shutil.which("npm"):
            self.tally.skipped += 1
            print("skipped: ui (no npm)", flush=True)
            return
        with self.log("ui") as log:
            build.dashboard(log)
            try:
                build.install_ui_modules(log)
            except build.Failed as error:
                print(error)
                self.tally.one("ui: npm ci", False)
                return
        self.tally.one("ui: build", build.dashboard_is_current())
        done = subprocess.run(["npx", "vitest", "run", "--reporter=default", "--reporter=json", "--outputFile=" + LOGS + "/vitest.json"],
                              cwd=build.UI, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        with self.log("ui") as log:
            log.write(done.stdout + done.stderr)
        found = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|skipped)",
                 next((line for line in reversed(done.stdout.splitlines()) if re.match(r"\s*Tests ", re.sub(r"\x1b\[[0-9;]*m", "", line))), ""))}
        self.tally.passed += found.get("passed", 0)
        self.tally.skipped += found.get("skipped", 0)
        if done.returncode != 0 or not found:
            print("\n".join(done.stdout.splitlines()[-40:]))
            self.tally.failed += ["ui: vitest"] * max(1, found.get("failed", 0))

    def later(self):
        """Labels that the part `unit` leaves to later ones."""
        return [] if self.options.full else [label for part, label in LATER.items() if part in self.chosen]

    def unit(self):
        self.compiled("unit")       # what did build is tested all the same
        self.ctest("unit", "build/release", "-j2", "-LE", "|".join(["integration|perf|guest|vm", *self.later()]))

    def compile(self, part):
        """Configures and builds all of a part that a test needs: [(name of the command, the error or None)]."""
        told = []

        def command(name, *arguments):
            with self.log(part) as log:
                try:
                    build.run_logged(arguments, log, idle=True)
                    told.append((name, None))
                    return True
                except (build.Failed, OSError) as error:
                    told.append((name, error))
                    return False

        if part == "unit":
            folder = os.path.join(ROOT, "build/release")
            if os.path.exists(os.path.join(folder, "build.ninja")) or command("unit: configure", "cmake", "--preset", "release"):
                wanted = self.programs_of(SLOW) & set(self.targets(folder, UNITS)) if "asan" in self.chosen and self.later() else []
                command("unit: build", "ninja", "-C", folder, "-k", "0", "-j%d" % build.jobs(), *sorted(wanted))
            return told
        preset, pattern = COMPILED[part]
        folder = os.path.join(ROOT, "build", preset)
        if command(part + ": configure", "cmake", "--preset", preset):
            # A unit test reads batches through the command line, so `lineside` is among them.
            wanted = [name for name in self.targets(folder, pattern) if name not in self.programs_of(SLOW)]
            command(part + ": build", "ninja", "-C", folder, "-k", "0", "-j%d" % build.jobs(), *wanted)
        return told

    def compiled(self, part):
        """Waits for what is built behind; every command of it is one test. False when one failed."""
        told = self.behind.of(part)
        for name, error in told:
            if error:
                print("%s: %s" % (name, error), flush=True)
            self.tally.one(name, not error)
        return all(not error for _, error in told)

    def sanitized(self, preset):
        """Runs every test program of a preset that needs nothing but itself."""
        if self.compiled(preset):
            self.ctest(preset, os.path.join(ROOT, "build", preset), "-j2", "-L", "^unit$",
                       # Freed memory is watched until 16 MB more were freed. With the 256 MB that are the default most of the time
                       # goes into pages that are touched once.
                       env={"ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:quarantine_size_mb=16",
                            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
                            "TSAN_OPTIONS": "halt_on_error=1 suppressions=" + os.path.join(ROOT, "tests/sanitizers/threads.supp"),
                            "LSAN_OPTIONS": "print_suppressions=0:suppressions=" + os.path.join(ROOT, "tests/sanitizers/leaks.supp"),
                            "BATCH_FILES": "40"})  # one start of the command line each, and a sanitized start takes half a second

    def programs_of(self, labels):
        """Test programs whose ctest label in the release build is one of `labels`."""
        listed = subprocess.run(["ctest", "--test-dir", "build/release", "-N", "-L", labels, "--show-only=json-v1"], cwd=ROOT,
                                capture_output=True, text=True, check=True)
        return {test["name"].rpartition(".")[0] for test in json.loads(listed.stdout)["tests"]}

    def asan(self):
        self.sanitized("asan")

    def tsan(self):
        self.sanitized("tsan")

    def clang(self):
        self.sanitized("clang")

    def fuzz(self):
        """The corpora run with the unit tests too; here libFuzzer goes on from them for a while. Without --full from the same seed each
        time, so that a change is judged by what it changes; with it from a new one (its log says which)."""
        if not shutil.which("clang++"):
            self.tally.skipped += 1
            return
        if not self.compiled("fuzz"):
            return
        with concurrent.futures.ThreadPoolExecutor(build.jobs()) as at_once:
            list(at_once.map(self.fuzz_one, self.targets(os.path.join(ROOT, "build/asan"), COMPILED["fuzz"][1])))

    def fuzz_one(self, name):
        found = os.path.join(LOGS, "corpus", name)
        os.makedirs(found)
        corpus = os.path.join(ROOT, "tests/fuzz/corpus", name.removeprefix("fuzz_"))
        seconds, seed = (60, 0) if self.options.full else (10, 1)      # 0: a new one
        self.command(name, name, [os.path.join(ROOT, "build/asan/bin", name), "-max_total_time=%d" % seconds, "-seed=%d" % seed, "-timeout=10",
                                  "-rss_limit_mb=2048", "-artifact_prefix=" + found + "/", found,
                                  *([corpus] if os.path.isdir(corpus) else [])])

    @staticmethod
    def targets(folder, pattern):
        listed = subprocess.run(["ninja", "-C", folder, "-t", "targets", "all"], capture_output=True, text=True, check=False)
        found = re.findall(r"^(%s): phony" % pattern, listed.stdout, re.M)
        return sorted({name for name in found if not name.startswith("cmake_")})

    def integration(self):
        # Two ninjas in one folder would spoil each other's log, and what deploy/run builds is built.
        self.ctest("integration", "build/release", "-j2", "-L", "integration", env={"LINESIDE_BUILT": "1"} if "build" in self.chosen else None)

    def guest(self):
        """The station in a guest with Debian's kernel: the quick list, with --full the nightly one, and the other guests. Last, when nothing is compiled
        behind any more: it emulates two processors."""
        which = ["-L", "guest"] if self.options.full else ["-R", "^guest[.]station$"]
        self.ctest("guest", "build/release", "-j1", *which, env={"LINESIDE_VM_NIGHTLY": "1"} if self.options.full else None)

    def vm(self):
        """Power cuts, and NVIDIA's own tools (skipped where LINESIDE_REAL_BSP names no tree of theirs), in a guest."""
        self.ctest("vm", "build/release", "-j1", "-L", "vm")

    def tidy(self):
        if not shutil.which("run-clang-tidy"):
            self.tally.skipped += 1
            return
        self.command("tidy", "clang-tidy", ["run-clang-tidy", "-quiet", "-p", "build/clang", "(station|serial-pool|provisioning|workers|web)/.*\\.cpp$"])

    def soak(self):
        run = os.path.join(ROOT, "deploy/run")
        for cycle in range(5):
            self.command("soak", "soak: 16 boards with faults, cycle %d" % cycle,
                         ["sh", "-c", "%s --boards 16 --exit-when-done --seed %d --data build/soak --faults slow-boot=0.2,step-once:set-wifi-ap=0.2" % (run, 100 + cycle)])
        for name in ("run_32_test", "ways_faults_test"):
            self.command("soak", "soak: " + name, [sys.executable, "-B", os.path.join(ROOT, "tests/integration", name + ".py")])
        self.command("soak", "soak: crash", [os.path.join(ROOT, "tests/crash/station"), "--cycles", "20", "--boards", "16", "--seed", "7"])
        self.command("soak", "soak: torture", [os.path.join(ROOT, "tests/crash/torture"), "--cycles", "200", "--seed", "7"])
        self.command("soak", "soak: hammer", [os.path.join(ROOT, "tests/crash/hammer"), "--seconds", "60", "--seed", "7"])


def main(arguments):
    parser = argparse.ArgumentParser(prog="deploy/test", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     allow_abbrev=False)
    parser.add_argument("--full", action="store_true", help="everything there is; takes hours")
    parser.add_argument("--no-install", action="store_true", help="install nothing: fail with the list of missing Debian packages")
    parser.add_argument("--only", metavar="PARTS", help="these parts alone")
    options = parser.parse_args(arguments)
    chosen = PARTS + (FULL if options.full else [])
    if options.only:
        chosen = options.only.split(",")
        if not set(chosen) <= set(PARTS + FULL):
            parser.error("--only: the parts are " + ", ".join(PARTS + FULL))
    os.umask(0o022)
    try:
        packages.ensure({"build", "run", "ui", "test"} | ({"vm"} if "vm" in chosen else set()), not options.no_install)
    except packages.Missing as error:
        print(error, file=sys.stderr)
        return 3
    if os.geteuid() != 0:
        print("the tests mount file systems and make users: run this as root (sudo)", file=sys.stderr)
        return 3
    tests = Tests(options, chosen)
    for part in chosen:
        if part not in ("lint", "build") and not tests.behind.ident:
            tests.behind.start()
        tests.head(part)
        getattr(tests, part)()
    tests.head("done; logs in build/test")
    for name in tests.tally.failed:
        print("FAILED " + name)
    print(tests.tally.line(), flush=True)
    return 1 if tests.tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
