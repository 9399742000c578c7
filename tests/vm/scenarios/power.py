# SPDX-License-Identifier: Apache-2.0
"""The power of the station's host is cut while units are made: first half before the cut, second half on the same disk after it."""
import json
import os
import sys

from guest_bench import ROOT
from line_up import wait
from scenarios import life

sys.path.insert(0, os.path.join(ROOT, "tests/crash/lib"))
import promises  # noqa: E402

HOLDERS = "SELECT s.value AS serial, u.chip_id, l.state FROM lease l JOIN serial s ON s.id = l.serial_id JOIN unit u ON u.id = l.unit_id"\
          " WHERE l.state <> 'released'"
TOLD, CUT = "told.jsonl", "cut-me"      # below the folder shared with the host; the second asks it for the cut


def before(ctx, boards):
    """Does not come back: the host takes the power away in the middle of the run of one of these units, when its serial is proven and steps are left."""
    life.begin(ctx, boards)
    labels = [life.label(board) for board in boards]
    found = ctx.stream.wait(lambda event: event[1] == "tile" and event[2]["tile"]["slot"] in labels and (
        event[2]["tile"]["ticks"]["serial"] or event[2]["tile"]["outcome"]), 1200, ctx.begun[boards[0]][2])
    assert found, "no serial is proven: %s" % [(tile["slot"], tile["word"], tile["code"]) for tile in ctx.bench.tiles().values() if tile["job"]]
    tile = found[2]["tile"]
    assert not tile["outcome"], "slot %s: %s %s, and its serial was never proven before that" % (tile["slot"], tile["outcome"], tile["code"])
    told = {"leases": ctx.bench.sql(HOLDERS), "pass": ctx.bench.sql("SELECT job, serial, chip_id FROM record_v1 WHERE result = 'PASS'"),
            "job": tile["job"]}
    now = ctx.bench.tiles()[tile["slot"]]
    assert now["job"] == tile["job"] and not now["outcome"], "slot %s was done before the cut: %s" % (tile["slot"], now["outcome"])
    with open(os.path.join(ctx.out, TOLD), "w", encoding="utf-8") as file:
        json.dump(told, file)
        file.flush()
        os.fsync(file.fileno())
    with open(os.path.join(ctx.out, CUT), "w", encoding="utf-8"):
        pass
    wait(lambda: False, 600, "the host did not cut the power")


def after(ctx):
    """What was told before the cut is there, nothing twice, nothing lost, no PASS without proof; and the station goes on."""
    with open(os.path.join(ctx.out, TOLD), encoding="utf-8") as file:
        told = json.load(file)
    for kind in (promises.DUPLICATES, promises.LOST, promises.FALSE_PASS):
        for what, query in kind:
            rows = ctx.bench.sql(query)
            assert not rows, "%s: %s" % (what, [dict(row) for row in rows])
    assert ctx.bench.sql("PRAGMA integrity_check")[0]["integrity_check"] == "ok"
    now = {(row["serial"], row["chip_id"]): row["state"] for row in ctx.bench.sql(HOLDERS)}
    for row in told["leases"]:
        state = now.get((row["serial"], row["chip_id"]))
        assert state, "the lease of %s for %s is gone" % (row["serial"], row["chip_id"])
        assert row["state"] != "burned" or state == "burned", "%s was burned, now it is %s" % (row["serial"], state)
    passed = {(row["job"], row["serial"], row["chip_id"]) for row in ctx.bench.sql("SELECT job, serial, chip_id FROM record_v1 WHERE result = 'PASS'")}
    for row in told["pass"]:
        assert (row["job"], row["serial"], row["chip_id"]) in passed, "the PASS of job %d is gone" % row["job"]
    job = ctx.bench.sql("SELECT state, outcome FROM job WHERE id = ?", told["job"])
    assert len(job) == 1 and (job[0]["state"] == "interrupted" or job[0]["outcome"]), "job %d, which the cut ended: %s" % (told["job"], job)
    assert not ctx.bench.workers(), "workers outlived the power"
    verify = ctx.bench.cli("audit", "verify", "--db", os.path.join(ctx.bench.place.station, "station.db"), "--key",
                           os.path.join(ctx.bench.place.station, "public-keys"), check=False)
    assert verify.returncode == 0, "audit verify: " + (verify.stdout + verify.stderr).strip()
    ctx.say("%d leases (%d burned) and %d PASS survived the cut; the history is whole" % (
        len(told["leases"]), sum(row["state"] == "burned" for row in told["leases"]), len(told["pass"])))
