# SPDX-License-Identifier: Apache-2.0
"""How scenarios of a guest are run and counted."""
import json
import os
import resource
import time
import traceback


def run_one(ctx, name, what):
    """Tells one scenario in a line and notes it for the host; whatever goes wrong is its failure, and the next one goes on. Was it good?"""
    begun, ctx.details = time.monotonic(), []
    try:
        what(ctx)
        good, why = True, ""
    except Exception as error:      # whatever went wrong is this scenario's failure, and the next one goes on
        good, why = False, "%s: %s" % (type(error).__name__, error)
        traceback.print_exc()
    seconds = time.monotonic() - begun
    print("%s %-24s %4.0f s  %s" % ("ok    " if good else "FAILED", name, seconds, "; ".join(ctx.details + [why] * (not good))), flush=True)
    with open(os.path.join(ctx.out, "results.jsonl"), "a", encoding="utf-8") as file:
        file.write(json.dumps({"name": name, "good": good, "seconds": round(seconds, 1)}) + "\n")
    return good


def read(out):
    try:
        with open(os.path.join(out, "results.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    except FileNotFoundError:
        return []


def count(out, finished, begun):
    """The last line, and the exit status."""
    told = read(out)
    passed, failed = sum(entry["good"] for entry in told), sum(not entry["good"] for entry in told)
    if not finished:
        failed += 1
        print("FAILED the guest did not end as it should; logs in %s" % out)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("       all: %.0f s, %.0f s of processors" % (time.monotonic() - begun, used.ru_utime + used.ru_stime))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0
