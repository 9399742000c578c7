# SPDX-License-Identifier: Apache-2.0
"""N boards against one with a flash tool that takes a fixed time, from the first admission to the last PASS; what CPU time
station, tool and units used meanwhile; what memory the station needs while all of them are being flashed.

The one is the board that was last of the N, alone, with the same seed: boards differ in how long they boot, and the
slowest of N would be compared with any.
"""
import os
import shutil
import time

import figures
import memory
import plug_in
import timeline
import usage
from perf_bench import FLASH_WORKER, TOOL, Failed, PerfBench, until

AFTER_TOOL = 240        # seconds that boards may need after their tool


def wait_for_verdicts(bench, count, seconds):
    def all_there():
        rows = bench.order_jobs()
        return rows if len(rows) == count and all(row["outcome"] for row in rows) else None

    rows = until(all_there, seconds, "%d boards have a verdict" % count, every=0.2)
    for row in rows:
        if row["outcome"] != "PASS":
            raise Failed("board %s: %s %s: %s" % (row["slot"], row["outcome"], row["code"], row["message"]))


def one_run(options, boards, seed):
    """`boards`: their numbers. Everything measured in one life of a new station with options.boards slots."""
    shutil.rmtree(os.path.join(options.data, "station"), ignore_errors=True)    # a unit that was here before is another story
    with PerfBench(options.data, options.boards, seed, options.speed, options.tool_seconds) as bench:
        bench.start()
        bench.make_ready(len(boards))
        idle = memory.now(bench)
        before, begun = usage.cpu(bench), time.monotonic()
        bench.plug_in(boards)
        if not bench.watch.wait_for(TOOL, len(boards), 120):
            raise Failed("%d boards were plugged in, but %d flash tools were started" % (len(boards), bench.watch.count(TOOL)))
        time.sleep(options.tool_seconds / 2)      # the middle of the flash: nothing else tells when that is
        flashing = memory.now(bench) if len(bench.watch.running(FLASH_WORKER)) == len(boards) else None
        until(lambda: len(bench.watch.running(TOOL)) < len(boards), options.tool_seconds + AFTER_TOOL, "a flash tool has ended")
        flashed, over = usage.cpu(bench), time.monotonic()
        wait_for_verdicts(bench, len(boards), options.tool_seconds + AFTER_TOOL)
        bench.wait_quiet()
        after, ended = usage.cpu(bench), time.monotonic()
        used, after = usage.between(before, after), usage.between(flashed, after)
        jobs = timeline.jobs(bench)
        tool = [job.tool_cpu_s() for job in jobs]
    if None in tool:
        raise Failed("a tool did not tell its CPU time")
    used["tool"] = sum(tool)
    used["workers"] = used.pop("below_helper") - used["tool"]
    ours = sum(value for name, value in used.items() if value and name != "machine")
    return {"boards": len(boards), "wall_s": (max(job.verdict for job in jobs) - min(job.admitted for job in jobs)) / timeline.S,
            "flashed_s": (max(job.flashed for job in jobs) - min(job.admitted for job in jobs)) / timeline.S,
            "tool_s": max(job.first(TOOL).ended - job.first(TOOL).began for job in jobs) / timeline.S,
            "jobs": jobs, "cpu_s": used, "others_cores": max(0.0, used["machine"] - ours) / (ended - begun),
            "after_tool": {"units_cpu_s": after["line_and_units"], "busy_cores": after["machine"] / (ended - over)},
            "idle": idle, "flashing": flashing}


def parts_of(runs):
    """Median over all units of all runs: who was busy, from admission to verdict."""
    found = [job.parts_s() for run in runs for job in run["jobs"]]
    return {name: figures.median([parts[name] for parts in found], 2) for name in found[0]}


def cpu_per_unit(runs):
    """Seconds of CPU time for one unit, the median of the runs; `station` is ours, the rest is what a real board or tool costs."""
    def each(name):
        values = [run["cpu_s"][name] for run in runs]
        return None if None in values else figures.median([value / run["boards"] for value, run in zip(values, runs)], 3)

    own = {name: each(name) for name in ("service", "helper", "workers")}
    total = sum(own.values())
    return {"station": round(total, 3), **own, "share": {name: round(value / total, 2) for name, value in own.items()},
            "tool": each("tool"), "line_and_units": each("line_and_units")}


def after_tool(runs):
    """From the end of the first tool on: what the units used, and how many cores were busy, whoever used them."""
    found = [run["after_tool"] for run in runs]
    return {name: None if None in (one[name] for one in found) else figures.median([one[name] for one in found], 2)
            for name in found[0]}


def summary(runs):
    return {"wall_s": [round(run["wall_s"], 2) for run in runs], "flashed_s": [round(run["flashed_s"], 2) for run in runs], "tool_s": [round(run["tool_s"], 2) for run in runs],
            "parts_s": parts_of(runs), "cpu_per_unit_s": cpu_per_unit(runs), "after_tool": after_tool(runs),
            "others_cores": figures.median([run["others_cores"] for run in runs], 2)}


def measure(options, say):
    one, many = [], []
    for number in range(options.rounds):
        seed = options.seed + number
        many.append(one_run(options, list(range(1, options.boards + 1)), seed))
        last = max(many[-1]["jobs"], key=lambda job: job.verdict)
        one.append(one_run(options, [int(last.slot)], seed))
        for run in (many[-1], one[-1]):
            say("round %d: %2d boards in %.1f s (tool %.1f s), station's CPU %.2f s, others on this host %.1f cores" % (
                number + 1, run["boards"], run["wall_s"], run["tool_s"],
                sum(run["cpu_s"][name] for name in ("service", "helper", "workers")), run["others_cores"]))
    walls = [(run["wall_s"], alone["wall_s"]) for run, alone in zip(many, one)]
    return {"boards": options.boards, "tool_s": options.tool_seconds, "speed": options.speed, "rounds": options.rounds,
            "flashed_ratio": figures.median([run["flashed_s"] / alone["flashed_s"] for run, alone in zip(many, one)], 4),
            "ratio": figures.median([several / single for several, single in walls], 4),
            "added_s": figures.median([several - single for several, single in walls], 2), "one": summary(one), "many": summary(many),
            "uevent_to_exec_at_once": plug_in.summary([job for run in many for job in run["jobs"]]),
            "memory_flashing_kib": memory.while_flashing(one, many)}
