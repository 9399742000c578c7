# SPDX-License-Identifier: Apache-2.0
"""A bench on this host: the virtual line, the root helper and the station, in one data folder.

deploy/run and the tests across components use it. Everything needs root, except what the station does: it runs as
user `lineside` without a capability.

    DATA/bsp/           the stand-in BSP tree; made once, so that its image stays cached
    DATA/station/       the station's data, owned by lineside        DATA/key/   what seals the tokens
    DATA/setup/         recipes and profiles, a technician's to edit on the page
    DATA/helper/        lanes, images, methods of the root helper
    DATA/line/          the virtual boards and their storages        DATA/log/   what each process printed
"""
import fcntl
import glob
import os
import pwd
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

import build
import namespace
import settings
import station_api
import trees
from process import Died, Process

ROOT = build.ROOT
LINE_SOURCE = os.path.join(ROOT, "tests/virtual-line")
BSP_SOURCE = os.path.join(ROOT, "tests/stand-in-bsp")
WELL_KNOWN = "/run/lineside"
RUN_PREFIX = "lineside-run."


class CannotStart(Exception):
    """Says in a sentence why the bench does not stand."""


class Place:
    """Where things of a run are."""

    def __init__(self, data, run):
        self.data, self.run = data, run
        self.binaries = os.path.join(build.BUILD, "bin")
        self.source = ROOT
        self.set_folders()

    def set_folders(self):
        self.station = os.path.join(self.data, "station")
        self.key = os.path.join(self.data, "key")
        self.setup = os.path.join(self.data, "setup")
        self.recipes = os.path.join(self.setup, "recipes.toml")
        self.lanes = os.path.join(self.data, "helper/lanes")
        self.images = os.path.join(self.data, "helper/images")
        self.cache = os.path.join(self.data, "helper/cache")
        self.methods = os.path.join(self.data, "helper/methods")
        self.bsp = os.path.join(self.data, "bsp")
        self.line = os.path.join(self.data, "line")
        self.log = os.path.join(self.data, "log")
        self.ui = os.path.join(self.source, "web/ui/dist")
        self.models = os.path.join(self.run, "models.toml")
        self.helper_socket = os.path.join(self.run, "helper.sock")
        self.station_socket = os.path.join(self.run, "station/station.sock")
        self.line_socket = os.path.join(self.run, "line.sock")
        self.board_os = os.path.join(self.source, "tests/virtual-line/board-os")


def read_database(file, query, *arguments):
    """Rows of a station's database as they are on the disk, read beside the station: asking costs it nothing."""
    link = sqlite3.connect("file:%s?mode=ro" % file, uri=True, timeout=20)
    try:
        link.row_factory = sqlite3.Row
        return [dict(row) for row in link.execute(query, arguments)]
    finally:
        link.close()


def ensure_users():
    for name in ("lineside", "lineside-worker"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            subprocess.run(["/usr/sbin/useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
                            "--shell", "/usr/sbin/nologin", name], check=True)


def free_port(wanted, may_choose):
    """`wanted` where it is free, or any. With LINESIDE_ANY_PORT any: tests that start at once would all find the same one free."""
    any_port = may_choose and "LINESIDE_ANY_PORT" in os.environ
    for port in (0,) if any_port else (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                if port == 0 and not any_port:
                    print("port %d is taken, this run has %d" % (wanted, probe.getsockname()[1]), file=sys.stderr)
                return probe.getsockname()[1]
            except OSError as error:
                if not may_choose:
                    raise CannotStart("port %d is taken: give another --port" % wanted) from error
    raise CannotStart("no port is free")


def cgroup_root(name):
    """A group of our own in a cgroup2 tree that this host lets us write, or None."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            left, _, right = line.partition(" - ")
            if right.split()[0] != "cgroup2":
                continue
            group = os.path.join(left.split()[4], name)
            try:
                os.mkdir(group)
            except OSError:
                continue
            if os.path.exists(os.path.join(group, "cgroup.kill")):
                return group
            os.rmdir(group)
    return None


def remove_cgroup(group):
    for name in os.listdir(group):
        path = os.path.join(group, name)
        if os.path.isdir(path):
            try:
                with open(os.path.join(path, "cgroup.kill"), "w", encoding="utf-8") as file:
                    file.write("1")
                os.rmdir(path)
            except OSError:
                pass
    for _ in range(50):
        try:
            os.rmdir(group)
            return
        except OSError:
            time.sleep(0.1)


def lock_folder(folder):
    """Holds as long as we live; None when somebody else does."""
    lock = open(os.path.join(folder, "lock"), "w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lock
    except OSError:
        lock.close()
        return None


def remove_run(folder):
    try:
        trees.remove(folder)
    except trees.StillMounted as error:
        print(error, file=sys.stderr)      # a folder too many does no harm


def sweep_runs(base):
    """Run folders and control groups of runs that were killed."""
    for name in os.listdir(base):
        folder = os.path.join(base, name)
        if not name.startswith(RUN_PREFIX) or not os.path.exists(os.path.join(folder, "lock")):
            continue
        lock = lock_folder(folder)
        if lock:
            for group in glob.glob("/sys/fs/cgroup/**/" + name, recursive=False) + glob.glob("/sys/fs/cgroup/" + name):
                remove_cgroup(group)
            remove_run(folder)
            lock.close()


class Bench:
    """Use as a context manager: leaving it ends every process and takes everything down."""
    serial_prefix = "RC26-"
    READY_WITHIN = 60       # seconds: the station, on a host that is not slow
    BSP_OPTIONS = ()        # more of make-bsp's

    def __init__(self, data, boards=8, faults="none", seed=1, speed=60.0, port=8080, choose_port=True, plug="manual",
                 jobs=None, more=None, line_options=()):
        self.boards, self.faults, self.seed, self.speed = boards, faults, seed, speed
        self.port, self.choose_port, self.plug, self.more = port, choose_port, plug, more
        self.jobs = jobs or 64
        self.line_options = list(line_options)
        # What the wire takes is to be found out where the wire is what is looked at; everywhere else all boards are let in at once.
        self.admission = "" if any(option.startswith("--wire-") for option in self.line_options) else "learn = false\n"
        self.real_data = os.path.abspath(data)
        self.line = self.helper = self.station = None
        self.group = self.url = self.order = self.lock = self.pointer = None
        self.run_lock = None
        self.started = 0.0
        self.environment = {}

    # -- folders --------------------------------------------------------------------------------------------------

    def __enter__(self):
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def open(self):
        os.umask(0o022)
        try:
            os.makedirs(self.real_data, exist_ok=True)
            os.chmod(self.real_data, os.stat(self.real_data).st_mode & 0o7777 | 0o711)
            self.lock = open(os.path.join(self.real_data, "run.lock"), "w", encoding="utf-8")
        except OSError as error:
            raise CannotStart("%s cannot be the data folder: %s" % (self.real_data, error.strerror)) from error
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotStart("%s is in use by another run: give another --data" % self.real_data) from error
        ensure_users()
        base = "/run" if os.access("/run", os.W_OK) else "/tmp"
        sweep_runs(base)
        run = tempfile.mkdtemp(prefix=RUN_PREFIX, dir=base)
        os.chmod(run, 0o755)
        self.run_lock = lock_folder(run)
        self.place = place = Place(self.real_data, run)
        namespace.make_reachable(place, "lineside")
        place.set_folders()
        self.sweep()
        for folder in (place.lanes, place.images, place.cache, place.methods, place.line, place.log):
            os.makedirs(folder, exist_ok=True)
        service = pwd.getpwnam("lineside")
        for folder, mode in ((place.station, 0o750), (place.key, 0o700), (place.setup, 0o700), (os.path.join(run, "station"), 0o755)):
            os.makedirs(folder, exist_ok=True)
            os.chown(folder, service.pw_uid, service.pw_gid)
            os.chmod(folder, mode)
        for name in os.listdir(place.log):
            os.unlink(os.path.join(place.log, name))
        self.install_methods()
        shutil.copyfile(os.path.join(place.source, "deploy/models.toml"), place.models)
        self.station_api = station_api.Station(place.station_socket)
        self.line_api = station_api.Line(place.line_socket)

    def sweep(self):
        """Takes away what a run that was killed left: units, loop devices, mounts."""
        boards = os.path.join(self.place.line, "boards")
        if os.path.isdir(boards):
            subprocess.run([self.place.board_os, "sweep", "--dir", boards], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)
        for point in trees.mounts_below(self.place.data):
            if point != os.path.realpath(self.place.data):
                subprocess.run(["umount", "--lazy", point], stderr=subprocess.DEVNULL, check=False)

    def install_methods(self):
        """A copy that belongs to root, whoever built it: the helper runs no other."""
        methods = self.place.methods
        trees.remove(methods)
        shutil.copytree(os.path.join(os.path.dirname(self.place.binaries), "methods"), methods)
        for top, folders, files in os.walk(methods):
            for path in [top] + [os.path.join(top, name) for name in folders + files]:
                os.chown(path, 0, 0)
                os.chmod(path, os.stat(path).st_mode & 0o755 | 0o444)

    # -- the stand-in BSP -----------------------------------------------------------------------------------------

    def make_bsp(self):
        """Once for a data folder; made anew when the stand-in itself changed. A tree that somebody edited is kept."""
        tools = [os.path.join(self.place.binaries, name) for name in ("tegrarcm_v2", "tegradevflash_v2")]
        sources = [os.path.join(BSP_SOURCE, "make-bsp"), os.path.join(BSP_SOURCE, "tree")]
        stamp = self.place.bsp + ".stamp"
        now = build.digest_of(sources) + build.digest_of(tools)
        if os.path.isdir(self.place.bsp) and build.read_text(stamp) == now:
            return
        self.run_make_bsp(self.place.bsp, 1)
        build.write_text(stamp, now)

    def run_make_bsp(self, tree, content_seed):
        half = tree + ".half"
        trees.remove(half)
        done = subprocess.run([os.path.join(self.place.source, "tests/stand-in-bsp/make-bsp"), "--out", half, "--tools",
                               self.place.binaries, "--board", settings.BOARD, "--content-seed", str(content_seed),
                               *self.BSP_OPTIONS],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CannotStart("make-bsp failed: " + done.stderr.strip())
        trees.remove(tree)
        os.rename(half, tree)

    def old_image(self):
        """The storage of a unit that was flashed with an older build."""
        image = os.path.join(self.place.data, "old-image.img")
        stamp = image + ".stamp"
        now = build.read_text(self.place.bsp + ".stamp")
        if os.path.exists(image) and build.read_text(stamp) == now:
            return image
        tree = os.path.join(self.place.data, "old-bsp")
        self.run_make_bsp(tree, 2)
        with open(os.path.join(tree, "bootloader/recovery.img"), "wb") as file:
            file.write(b"ANDROID!" + bytes(range(256)) * 1000)
        done = subprocess.run(["./flash.sh", "--no-flash", settings.BOARD, "mmcblk0p1"], cwd=tree, capture_output=True, text=True,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "USER": "root", "SKIP_REC_IMG": "1"}, check=False)
        if done.returncode != 0:
            raise CannotStart("the older image could not be built: " + done.stderr.strip())
        subprocess.run([os.path.join(self.place.source, "tests/virtual-line/make-storage"), "--bsp", tree, "--out", image],
                       check=True, stdout=subprocess.DEVNULL)
        trees.remove(tree)
        build.write_text(stamp, now)
        return image

    # -- processes ------------------------------------------------------------------------------------------------

    def log_file(self, name):
        return os.path.join(self.place.log, name + ".log")

    def start_line(self):
        trees.remove(os.path.join(self.place.line, "boards"))
        command = [os.path.join(self.place.binaries, "lineside-line"), "--boards", str(self.boards), "--speed", str(self.speed),
                   "--seed", str(self.seed), "--faults", self.faults, "--dir", self.place.line, "--control",
                   self.place.line_socket, "--board-os", self.place.board_os, "--plug", self.plug, *self.line_options]
        if "old-image" in self.faults:
            command += ["--image-old", self.old_image()]
        self.line = Process("virtual line", command, self.log_file("line"), ready=30)
        told = station_api.read_env(os.path.join(self.place.line, "env"))
        self.environment = {name: told[name] for name in ("LD_PRELOAD", "UMOCKDEV_DIR", "STAND_IN_SPEED") if name in told}

    def slots(self):
        return [(str(board["board"]), board["port"]) for board in self.line_api.boards()]

    def start_helper(self, bsp=None):
        config = os.path.join(self.place.run, "helper.toml")
        if not os.path.exists(config):
            self.group = cgroup_root(os.path.basename(self.place.run))
            build.write_text(config, settings.helper_toml(self.place, bsp or {settings.PROFILE: self.place.bsp},
                                                          self.environment, self.group, self.more))
        self.helper = Process("helper", [os.path.join(self.place.binaries, "lineside-helper"), "--config", config],
                              self.log_file("helper"))
        until = time.monotonic() + 10
        while not os.path.exists(self.place.helper_socket):
            if self.helper.status() is not None or time.monotonic() > until:
                raise CannotStart("the helper does not start\n" + self.helper.tail())
            time.sleep(0.02)

    def write_station_config(self):
        self.port = free_port(self.port, self.choose_port)
        build.write_text(os.path.join(self.place.run, "station.toml"),
                         settings.station_toml(self.place, self.slots(), self.speed, self.port, self.jobs, {"limits": self.admission, **(self.more or {})}))
        self.write_recipes(settings.recipes_toml(self.place, self.speed, self.more))

    def write_recipes(self, text):
        """Anew at each start, but what somebody changed on the page stays, with the tree at its place of this run."""
        file, stamp = self.place.recipes, self.place.setup + ".stamp"
        ours, _, tree = build.read_text(stamp).partition(" ")
        kept = build.read_text(file)
        edited = kept != "" and build.digest_of([file]) != ours
        if edited:
            print("%s was changed on the page: it stays as it is" % file, file=sys.stderr)
            text = kept.replace(settings.quoted(tree), settings.quoted(self.place.bsp))
        with open(os.open(file + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
        service = pwd.getpwnam("lineside")
        os.chown(file + ".new", service.pw_uid, service.pw_gid)
        os.rename(file + ".new", file)
        build.write_text(stamp, "%s %s" % (ours if edited else build.digest_of([file]), self.place.bsp))

    def station_command(self, config=None):
        return ["/usr/bin/setpriv", "--reuid=lineside", "--regid=lineside", "--clear-groups", "--inh-caps=-all",
                "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs", "--pdeathsig=TERM", "/usr/bin/env", "-i",
                "PATH=/usr/bin:/bin", "LANG=C.UTF-8", *["%s=%s" % item for item in self.environment.items()],
                os.path.join(self.place.binaries, "lineside-stationd"),
                "--config", config or os.path.join(self.place.run, "station.toml")]

    def start_station(self, config=None):
        self.station = Process("station", self.station_command(config), self.log_file("station"), ready=self.READY_WITHIN)
        start = self.station.first_line.find("http")
        self.url = self.station.first_line[start:].split('"')[0] if start >= 0 else ""

    def start(self):
        """Line, helper and station; nothing is plugged in yet."""
        self.make_bsp()
        self.start_line()
        self.start_helper()
        self.write_station_config()
        self.start_station()
        self.clear_slots()
        self.point_to_us()

    def point_to_us(self):
        """So that `lineside status` finds this station at its usual place, when that place is free."""
        if os.path.islink(WELL_KNOWN) and not os.path.exists(WELL_KNOWN):
            os.unlink(WELL_KNOWN)
        try:
            os.symlink(os.path.join(self.place.run, "station"), WELL_KNOWN)
            self.pointer = WELL_KNOWN
        except OSError:
            pass

    def cli(self, *arguments, check=True):
        """The command line of the station, as a person would use it."""
        done = subprocess.run([os.path.join(self.place.binaries, "lineside"), "--socket", self.place.station_socket, *arguments],
                              capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise CannotStart("`lineside %s` failed: %s" % (" ".join(arguments), done.stderr.strip() or done.stdout.strip()))
        return done

    # -- work -----------------------------------------------------------------------------------------------------

    def load_serials(self, least=None, size=None):
        """Loads a sample batch when fewer than `least` serials are left. Returns the pairs that were loaded."""
        least = least or self.boards
        pools = {pool["name"]: pool for pool in self.station_api.get("/api/v1/pool")["pools"]}
        pool = pools.get(settings.POOL, {"free": 0, "total": 0})
        if pool["free"] >= least:
            return []
        first = pool["total"] + 1
        pairs = [(self.serial_prefix + "%05d" % number, "t" + secrets.token_urlsafe(24))
                 for number in range(first, first + max(size or 100, least))]
        name = "sample-%05d" % first
        file = os.path.join(self.place.run, name + ".csv")
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write("serial,token\n" + "".join("%s,%s\n" % pair for pair in pairs))
        try:
            self.cli("pool", "load", "--pool", settings.POOL, "--batch", name, file)
        finally:
            os.unlink(file)
        return pairs

    def open_order(self, quantity=None):
        self.started = time.time()
        self.order = time.strftime("run-%d%H%M%S-", time.gmtime(self.started)) + secrets.token_hex(2)
        self.cli("order", "open", "--name", self.order, "--profile", settings.PROFILE, "--pool", settings.POOL,
                 "--quantity", str(quantity or self.boards), "--close-others")

    def clear_slots(self, seconds=30):
        """What a person does before a shift: stops what a former run left half done, acknowledges its verdicts."""
        until = time.monotonic() + seconds
        while True:
            busy = [tile for tile in self.station_api.status()["slots"] if tile["job"] and tile["mapped"]]
            for tile in busy:
                what = "acknowledge" if tile["ack"] == "ready" else None if tile["outcome"] or tile["state"] == "stopping" else "stop"
                if what:
                    try:
                        self.station_api.post("/api/v1/slots/%s/%s" % (tile["slot"], what), {"job": tile["job"]})
                    except station_api.Refused:
                        pass        # it changed meanwhile
            if not busy:
                return
            if time.monotonic() > until:
                raise CannotStart("slots of a former run cannot be cleared: " + ", ".join(
                    "%s %s" % (tile["slot"], tile["word"]) for tile in busy))
            time.sleep(0.1)

    def plug_all(self, apart=0.1):
        for board in range(1, self.boards + 1):
            self.line_api.ask(do="plug", board=board)
            time.sleep(apart)

    def verdicts(self):
        """The first verdict of each slot in this order: {slot: row of the view record_v1}."""
        first = {}
        for row in self.station_api.records(since=str(int(self.started * 1000) - 1000)):
            if row.get("order_name", row.get("order")) == self.order:
                slot = row["slot"]
                if slot not in first or row["job"] < first[slot]["job"]:
                    first[slot] = row
        return first

    # -- the end --------------------------------------------------------------------------------------------------

    def close(self):
        for process, within in ((self.station, 30), (self.helper, 15), (self.line, 40)):
            if process is not None:
                process.stop(within)
        if self.pointer and os.path.islink(self.pointer):
            os.unlink(self.pointer)
        if getattr(self, "place", None):
            self.sweep()
            if self.group:
                remove_cgroup(self.group)
            namespace.undo(self.place)
            remove_run(self.place.run)
        for lock in (self.run_lock, self.lock):
            if lock:
                lock.close()


__all__ = ["Bench", "CannotStart", "Died", "Place"]
