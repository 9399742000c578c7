# SPDX-License-Identifier: Apache-2.0
"""CPU seconds and memory of the processes of a bench."""
import os
import re

TICK = os.sysconf("SC_CLK_TCK")
TIMES = re.compile(rb"CPU of the tool:\n(\d+)m([\d.]+)s (\d+)m([\d.]+)s\n(\d+)m([\d.]+)s (\d+)m([\d.]+)s\n")


def times(pid):
    """Own CPU seconds, and those of all descendants that were waited for."""
    with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    user, system, of_children_user, of_children_system = (int(field) / TICK for field in fields[11:15])
    return user + system, of_children_user + of_children_system


def of_group(group):
    """CPU seconds of everything that ever ran in a control group; None without one."""
    if not group:
        return None
    with open(os.path.join(group, "cpu.stat"), encoding="utf-8") as file:
        return int(dict(line.split() for line in file)["usage_usec"]) / 1e6


def of_machine():
    """Busy CPU seconds of all cores, whoever used them."""
    with open("/proc/stat", encoding="utf-8") as file:
        fields = [int(field) for field in file.readline().split()[1:]]
    return sum(fields[:3] + fields[5:7]) / TICK      # user, nice, system, irq, softirq


def cpu(bench):
    """What was used up to now; two of these tell what was used between them."""
    service, _ = times(bench.station.pid)
    helper, below_helper = times(bench.helper.pid)
    return {"service": service, "helper": helper, "below_helper": below_helper, "line_and_units": of_group(bench.line_group),
            "machine": of_machine()}


def between(before, after):
    return {name: None if before[name] is None else after[name] - before[name] for name in before}


def of_tool(log):
    """CPU seconds of the tool and all its children, as fixed-tool/flash.sh told at its end."""
    with open(log, "rb") as file:
        found = TIMES.search(file.read())
    if not found:
        return None
    numbers = [float(number) for number in found.groups()]
    return sum(60 * minutes + seconds for minutes, seconds in zip(numbers[::2], numbers[1::2]))


def memory(pid):
    """KiB: `pss` shares what is mapped by several by their number, `own` is what no other process maps."""
    with open("/proc/%d/smaps_rollup" % pid, encoding="utf-8") as file:
        found = {line.split(":")[0]: int(line.split()[1]) for line in file if line.endswith("kB\n")}
    return {"pss": found["Pss"], "own": found["Private_Clean"] + found["Private_Dirty"]}


def children(pid):
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task), encoding="utf-8") as file:
            found += [int(child) for child in file.read().split()]
    return found


def memory_of(pids):
    """The sum; a process that just ended does not count."""
    total = {"pss": 0, "own": 0}
    for pid in pids:
        try:
            one = memory(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
        total = {name: total[name] + one[name] for name in total}
    return total
