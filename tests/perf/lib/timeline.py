# SPDX-License-Identifier: Apache-2.0
"""What happened to a job and when, from four witnesses with one clock (CLOCK_MONOTONIC): the line's journal, the station's
journal, the kernel's word on processes, and the recording of the worker protocol."""
import json
import os

import usage
from perf_bench import FLASH_WORKER, TOOL, UNIT_WORKER, Failed

MS, S = 1e6, 1e9
STAGES = ("detected", "admitted", "ready", "worker", "hello", "tool")


class Line:
    """The line's journal by board."""

    def __init__(self, bench):
        self.entries = {}
        with open(os.path.join(bench.place.line, "journal.jsonl"), encoding="utf-8") as file:
            for line in file:
                entry = json.loads(line)
                if entry["ev"] == "arrived":
                    self.entries.setdefault(str(entry["board"]), []).append(entry)

    def last_uevent(self, slot, product, before):
        found = [entry["uevent_ns"] for entry in self.entries.get(slot, [])
                 if entry["product"] == product and entry["uevent_ns"] <= before]
        return max(found, default=None)

    def first_uevent(self, slot, product, after):
        found = [entry["uevent_ns"] for entry in self.entries.get(slot, [])
                 if entry["product"] == product and entry["uevent_ns"] >= after]
        return min(found, default=None)


def recorded(folder):
    """Milliseconds of the recording at which the flash worker's hello and its first phase came."""
    found = {}
    with open(os.path.join(folder, "01-flash.1.events.jsonl"), encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            said = entry.get("line", {}).get("ev")
            if entry["dir"] == "in" and said in ("hello", "phase"):
                found.setdefault(said, entry["at_ms"])
    return found


class Job:
    """Moments of one job, in nanoseconds."""

    def __init__(self, bench, line, job, slot):
        self.job, self.slot = job, slot
        self.folder = os.path.join(bench.place.station, "logs", str(job))
        events = {}
        for row in bench.sql("SELECT kind, mono_ns FROM event WHERE job_id = ? ORDER BY seq", job):
            events.setdefault(row["kind"], row["mono_ns"])
        self.processes = bench.watch.of_job(job)
        self.uevent = line.last_uevent(slot, "7e19", events["job.queued"])
        self.queued, self.admitted, self.step = events["job.queued"], events["job.state"], events["step.started"]
        self.flashed = events.get("step.ended")     # of the first step: the image is written
        self.verdict = events.get("job.verdict")
        self.worker = self.first(FLASH_WORKER).began
        self.tool = self.first(TOOL)
        said = recorded(self.folder)
        # The first phase is sent right before the tool is started; the recording counts milliseconds.
        self.hello = max(self.worker, self.tool.began - (said["phase"] - said["hello"]) * MS)
        self.gadget = line.first_uevent(slot, "7020", self.queued)

    def first(self, name):
        found = [process for process in self.processes if process.name == name]
        if not found:
            raise Failed("the kernel told of no %s of job %d: its events came faster than they were read" % (name, self.job))
        return found[0]

    def stages_ms(self):
        """From the uevent to the exec of the tool, piece by piece; they add up to the whole."""
        marks = [self.uevent, self.queued, self.admitted, self.step, self.worker, self.hello, self.tool.began]
        return {name: (end - begin) / MS for name, begin, end in zip(STAGES, marks, marks[1:])}

    def to_exec_ms(self):
        return (self.tool.began - self.uevent) / MS

    def parts_s(self):
        """From admission to verdict by who was busy: the station, the tool, the unit that boots, a worker on the unit."""
        if any(process.ended is None for process in self.processes):
            raise Failed("the kernel did not tell how job %d went on: its events came faster than they were read" % self.job)
        on_unit = sum(process.ended - process.began for process in self.processes if process.name == UNIT_WORKER)
        parts = {"start": self.tool.began - self.admitted, "tool": self.tool.ended - self.tool.began,
                 "boot": max(0, self.gadget - self.tool.ended), "on_unit": on_unit}
        parts["between"] = self.verdict - self.admitted - sum(parts.values())
        return {name: value / S for name, value in parts.items()}

    def tool_cpu_s(self):
        return usage.of_tool(os.path.join(self.folder, "01-flash.1.log"))


def jobs(bench):
    line = Line(bench)
    return [Job(bench, line, row["id"], row["slot"]) for row in bench.order_jobs()]
