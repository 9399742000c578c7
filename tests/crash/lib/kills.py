# SPDX-License-Identifier: Apache-2.0
"""Who is killed, when, and what follows."""
import os
import secrets
import signal
import time

import common
import person as person_module
import points as points_module
from common import bench as bench_module, settings

ENOUGH = 4              # jobs at work, or the death does not count
ARMED_WAIT = 6          # seconds for an armed point to be met, before it is given up
LATE = ("personalising", "testing")
# Points of a job that somebody stops: pressed while one is armed, at a unit in one of these states.
PRESSED = {"lease_release_written": ("flashing",), "lease_doubt_written": LATE}
STUCK = 120             # seconds without enough work: then something is wrong with the bench
BATCH = 200


class Torture:
    def __init__(self, bench, promises, dice):
        self.bench, self.promises, self.dice = bench, promises, dice
        self.points = points_module.Points()
        self.person = person_module.Person(bench, promises, dice)
        self.cycles = self.life = self.batches = 0
        self.kills = {"kills_station": 0, "kills_worker": 0, "kills_both": 0}
        self.now = {}

    def least(self):
        return ", ".join("%s %d" % item for item in sorted(self.points.hits.items(), key=lambda item: item[1])[:3])

    # -- beginning and end ----------------------------------------------------------------------------------------

    def begin(self):
        bench = self.bench
        bench.make_bsp()
        bench.start_line()
        bench.start_helper()
        bench.write_station_config()
        for _ in range(3):
            for point in self.points.new_store:
                self.die_at_first_start(point)
        bench.start_station()
        self.load()
        bench.open_order(1_000_000)
        common.wait_for(lambda: any(order["image_ready"] for order in bench.station_api.status()["orders"]), 120, 0.1, "the image")
        self.person.plug_all()

    def die_at_first_start(self, point):
        """A database that does not exist yet: its first start dies, the second makes it whole."""
        bench = self.bench
        for folder in (bench.place.station, bench.place.key):
            for name in os.listdir(folder):
                path = os.path.join(folder, name)
                bench_module.trees.remove(path) if os.path.isdir(path) else os.unlink(path)
        bench.arm(point)
        try:
            bench.start_station()
            bench.disarm(point)
        except bench_module.Died:
            self.points.hit(point)
            bench.start_station()
        self.promises.check_database("after a death at %s" % point, thorough=True)
        bench.station.stop(20)

    def load(self, point=None):
        """One batch more. With `point` the service dies meanwhile: then it is there as a whole or not at all."""
        bench = self.bench
        self.batches += 1
        name = "batch-%d" % self.batches
        serials = ["T%d-%05d" % (self.batches, number) for number in range(BATCH)]
        file = os.path.join(bench.place.run, name + ".csv")
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write("serial,token\n" + "".join("%s,t%s\n" % (serial, secrets.token_urlsafe(24)) for serial in serials))
        done = bench.cli("pool", "load", "--pool", settings.POOL, "--batch", name, file, check=point is None)
        os.unlink(file)
        if done.returncode == 0:
            self.promises.loaded.update(serials)

    def end(self):
        """The units come to rest, every one is looked at."""
        self.bench.station.stop(30)
        common.wait_for(lambda: not common.job_processes(None, self.bench), 20, 0.2)
        boards = self.bench.line_api.boards()
        for board in boards:
            self.bench.line_api.ask(do="unplug", board=board["board"])
        common.wait_for(lambda: all(board["gone"] for board in self.bench.line_api.boards()), 40)
        for board in boards:
            self.promises.check_storage_of(board["board"], "at the end")
        self.promises.check_database("at the end", thorough=True)
        self.promises.check_chain(self.bench, "at the end")

    # -- work goes on ---------------------------------------------------------------------------------------------

    def dead(self):
        return self.bench.station.status() is not None

    def work_until(self, what, seconds):
        """Plays the person until `what` holds (True), the service is dead or the time is over (False)."""
        until = time.monotonic() + seconds
        while True:
            if what():
                return True
            if self.dead() or time.monotonic() > until:
                return False
            now = person_module.tiles_or_none(self.bench)
            if now:
                self.now = now
                self.person.tick(now, self.life)
            time.sleep(0.05)

    def busy(self):
        return self.promises.live() >= ENOUGH

    def late(self):
        return any(tile["state"] in LATE for tile in self.now.values())

    # -- one cycle ------------------------------------------------------------------------------------------------

    def cycle(self):
        self.keep_serials()
        if not self.work_until(self.busy, STUCK):
            raise bench_module.CannotStart("no four jobs at work within %d s: %s" % (STUCK, self.tell()))
        # Work begins anew after each death of the service: every other one waits until a unit got further.
        if self.dice.random() < 0.5:
            self.work_until(self.late, 8)
        self.work_until(lambda: False, self.dice.uniform(0, 1))
        if not self.work_until(self.busy, STUCK):
            raise bench_module.CannotStart("no four jobs at work within %d s: %s" % (STUCK, self.tell()))
        kind = self.dice.choice(sorted(self.kills))
        at_point = self.dice.random() < 0.65
        killed = {"kills_station": self.kill_station, "kills_worker": self.kill_worker, "kills_both": self.kill_both}[kind](at_point)
        live = self.promises.live()
        if self.dead():
            self.restart()
        elif kind != "kills_worker":
            raise bench_module.CannotStart("the service lives, but was to be dead: " + kind)
        when = "after death %d (%s%s)" % (self.cycles + 1, kind[6:], " at " + killed if killed else "")
        self.promises.check_running(range(1, self.bench.boards + 1), when)
        self.promises.check_database(when)
        if killed is not None and live >= ENOUGH:
            self.cycles += 1
            self.kills[kind] += 1
        if self.cycles % 25 == 0:
            self.promises.check_chain(self.bench, when)

    def tell(self):
        return {slot: (tile["state"], tile["action"], tile["reason"], tile["code"]) for slot, tile in self.now.items()}

    def keep_serials(self):
        left = self.promises.sql("SELECT count(*) AS n FROM serial WHERE free = 1")[0]["n"]
        if left < 3 * self.bench.boards:
            self.load()

    def met(self, names):
        """Arms one of these points; its name when somebody died there, None when nobody came by."""
        point = self.points.choose(self.dice, names)
        self.bench.arm(point)
        pressed = set()
        self.work_until(lambda: not self.bench.armed(point) or self.press_stop(PRESSED.get(point, ()), pressed), ARMED_WAIT)
        if self.bench.disarm(point):
            return None
        self.points.hit(point)
        return point

    def press_stop(self, states, pressed):
        """Of two units at most: the others go on working, or the death would not count."""
        for tile in self.now.values():
            if tile["state"] in states and not tile["outcome"] and tile["job"] not in pressed and len(pressed) < 2:
                pressed.add(tile["job"])
                self.person.post(tile, "stop")
        return False

    # Each returns the name of the point, "" for a random moment; None: nobody died.

    def kill_station(self, at_point):
        if not at_point:
            self.bench.station.kill()
            return ""
        kind = self.dice.random()
        if self.points.start and kind < 0.2:
            return self.kill_at_start()
        if self.points.load and kind < 0.3:
            return self.kill_at_load()
        point = self.met(self.points.service)
        self.bench.station.kill() if point is None else self.bench.station.process.wait(10)
        return point or ""

    def kill_at_start(self):
        """It dies, and once more while it comes to itself."""
        self.bench.station.kill()
        point = self.points.choose(self.dice, self.points.start)
        self.bench.arm(point)
        try:
            self.bench.start_station()
            self.bench.disarm(point)
            self.bench.station.kill()
            return ""
        except bench_module.Died:
            self.points.hit(point)
            return point

    def kill_at_load(self):
        point = self.points.choose(self.dice, self.points.load)
        self.bench.arm(point)
        self.load(point)
        if self.bench.disarm(point):
            self.bench.station.kill()
            return ""
        self.bench.station.process.wait(10)
        self.points.hit(point)
        return point

    def worker(self):
        """A process of a job, whichever: the method's, or a tool of its."""
        found = [pid for pid, command in common.job_processes(None, self.bench) if command and "lineside-helper" not in command]
        return self.dice.choice(found) if found else None

    def kill_worker(self, at_point):
        if at_point:
            return self.met(self.points.workers)
        return self.kill_pid(self.worker())

    @staticmethod
    def kill_pid(pid):
        try:
            os.kill(pid, signal.SIGKILL)
            return ""
        except (TypeError, ProcessLookupError):
            return None

    def kill_both(self, at_point):
        killed = self.met(self.points.workers) if at_point else None
        if killed is None:
            killed = self.kill_pid(self.worker())
        self.bench.station.kill()
        return killed

    def restart(self):
        open_jobs = {row["slot"]: row["id"] for row in self.promises.sql("SELECT id, slot FROM job WHERE outcome IS NULL")}
        self.life += 1
        self.bench.start_station()
        now = common.tiles(self.bench.station_api)
        for slot, job in open_jobs.items():
            if now.get(slot, {}).get("job") != job:
                self.promises.wrong("lost", "job %d of slot %s is not shown after a restart: %s" % (
                    job, slot, now.get(slot)), "after death %d" % (self.cycles + 1))


