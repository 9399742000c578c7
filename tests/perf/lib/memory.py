# SPDX-License-Identifier: Apache-2.0
"""Memory of service, helper and workers: what a configured slot costs, and what a running job costs."""
import statistics

import usage
from perf_bench import FAST, FLASH_WORKER, PerfBench


def now(bench):
    """KiB. The helper's other processes are the first processes of workers: one per job, one that waits staged."""
    return {"service": usage.memory(bench.station.pid), "helper": usage.memory(bench.helper.pid),
            "inits": usage.memory_of(usage.children(bench.helper.pid)),
            "workers": usage.memory_of(process.pid for process in bench.watch.running(FLASH_WORKER))}


def idle(options, say):
    """Stations with few and many slots, nothing plugged in."""
    found = {}
    for slots in options.slots:
        with PerfBench(options.data, max(options.slots), options.seed, FAST, slots=slots) as bench:
            bench.start()
            bench.make_ready(1)
            found[slots] = now(bench)
        say("memory with %2d slots: service %d KiB" % (slots, found[slots]["service"]["pss"]))
    fewest, most = min(found), max(found)
    return {"slots": {str(slots): {name: value["pss"] for name, value in one.items() if name in ("service", "helper")}
                      for slots, one in found.items()},
            "service_per_slot": round((found[most]["service"]["own"] - found[fewest]["service"]["own"]) / (most - fewest), 1)}


def while_flashing(one, many):
    """What each running job adds, from runs with one board and with many."""
    few, full = ([run["flashing"] for run in runs if run["flashing"]] for runs in (one, many))
    if not few or not full:
        return None
    jobs = many[0]["boards"]

    def added(name):
        def median(runs):
            return statistics.median(run[name]["own"] for run in runs)
        return round((median(full) - median(few)) / (jobs - 1), 1)

    per_job = {"service": added("service"), "helper": added("helper"), "init": added("inits"),
               "worker": round(statistics.median(run["workers"]["pss"] for run in full) / jobs, 1)}
    return {"service": statistics.median(run["service"]["pss"] for run in full),
            "service_idle": statistics.median(run["idle"]["service"]["pss"] for run in many),
            "per_job": {**per_job, "sum": round(sum(per_job.values()), 1)}}
