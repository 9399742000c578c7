# SPDX-License-Identifier: Apache-2.0
"""From a board's uevent to the exec of its flash tool: boards plugged in one by one into a station that is otherwise idle."""
import os
import time

import figures
import timeline
from perf_bench import FAST, TOOL, Failed, PerfBench, until


def fdatasync_ms(folder):
    """One append made durable, on the disk of the station's database: each commit on the way costs one."""
    path = os.path.join(folder, "perf-fdatasync")
    with open(path, "ab", buffering=0) as file:
        file.write(bytes(4096))
        begun = time.monotonic_ns()
        os.fdatasync(file.fileno())
        return (time.monotonic_ns() - begun) / 1e6


def end_job(bench, board):
    """A person stops it, takes the unit out and acknowledges; then the station is idle again."""
    tile = next(tile for tile in bench.station_api.status()["slots"] if tile["slot"] == str(board))
    bench.station_api.post("/api/v1/slots/%d/stop" % board, {"job": tile["job"]})
    until(lambda: bench.sql("SELECT 1 FROM job WHERE id = ? AND outcome IS NOT NULL", tile["job"]), 30, "the job was stopped")
    bench.line_api.ask(do="unplug", board=board)
    bench.clear_slots()
    bench.wait_quiet()


def summary(jobs):
    """Of the way from uevent to tool: the whole, and each stage of it."""
    stages = [job.stages_ms() for job in jobs]
    return {**figures.spread([job.to_exec_ms() for job in jobs]),
            "stages": {name: figures.spread([stage[name] for stage in stages]) for name in timeline.STAGES}}


def measure(options, say):
    synced = []
    with PerfBench(options.data, options.latency_boards, options.seed, FAST) as bench:
        bench.start()
        bench.make_ready(options.latency_boards)
        for number in range(options.plugs):
            board = 1 + number % options.latency_boards
            synced.append(fdatasync_ms(bench.place.log))
            bench.plug_in([board])
            if not bench.watch.wait_for(TOOL, number + 1, 60):
                raise Failed("board %d was plugged in, but no flash tool was started" % board)
            end_job(bench, board)
            if number % 16 == 15:
                say("uevent to tool: %d of %d" % (number + 1, options.plugs))
        jobs = timeline.jobs(bench)
    return {"slots": options.latency_boards, **summary(jobs), "fdatasync": figures.spread(synced, 2)}
