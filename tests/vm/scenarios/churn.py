# SPDX-License-Identifier: Apache-2.0
"""Boards that are flashed while they, and their hubs, come and go."""
import json
import os
import random
import time

import station_api
from line_up import wait
from scenarios import arrivals

# A board that was pulled while its job ran: what may be said of it.
PULLED = {"usb.left", "usb.no_device", "usb.link", "usb.cycle", "operator.removed"}
NO_BOOT = {"boot.none", "boot.back_in_recovery"}    # of one that was flashed, and then stayed away or was plugged in anew
GROWN_KIB = 24 * 1024   # more than this after the first third is a leak


def journal(ctx):
    """What the boards say happened to them (on the host)."""
    with open(os.path.join(ctx.out, "line/journal.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def acknowledge_ready(ctx):
    """What a person at the bench does: takes the unit out, presses the tile."""
    for tile in ctx.bench.tiles().values():
        if tile["ack"] == "ready" and tile["job"]:
            try:
                ctx.bench.station_api.post("/api/v1/slots/%s/acknowledge" % tile["slot"], {"job": tile["job"]})
            except station_api.Refused:
                pass    # it changed meanwhile


def settle(ctx, seconds=600):
    """All boards out, every job over and acknowledged, no process of a job left. One that was flashed is waited for as long as a unit may boot."""
    for board in sorted(ctx.boards.plugged):
        ctx.boards.unplug(board)

    def quiet():
        acknowledge_ready(ctx)
        return not any(tile["job"] for tile in ctx.bench.tiles().values() if tile["mapped"]) and not ctx.bench.workers()
    wait(quiet, seconds, lambda: "jobs %s, processes %s" % (
        [(tile["slot"], tile["word"]) for tile in ctx.bench.tiles().values() if tile["job"]], ctx.bench.workers()), every=0.5)


def pulled_while_it_hopped(ctx):
    """{board: how often it was pulled after its bootloader was sent and before that came}. To whoever looks from outside such a unit is one whose
    bootloader died, unless its hub has left as well."""
    found, sent = {}, set()
    for entry in journal(ctx):
        board, what = entry.get("board"), (entry["ev"], entry.get("detail", entry.get("stage")))
        if what == ("download", "blob"):
            sent.add(board)
        elif what == ("arrived", "bootloader") or entry["ev"] == "job":
            sent.discard(board)
        elif entry["ev"] == "unplugged" and board in sent:
            sent.discard(board)
            found[board] = found.get(board, 0) + 1
    return found


def flashed_whole(ctx):
    """{board: how often it was flashed to its end}. These boards have no system that boots."""
    found = {}
    for entry in journal(ctx):
        if entry.get("state") == "booting":
            found[entry["board"]] = found.get(entry["board"], 0) + 1
    return found


def on_no_bus(ctx):
    """Boards that were flashed to their end and left their port to boot: they stay plugged in, and nothing comes there any more."""
    state = {entry["board"]: entry["state"] for entry in journal(ctx) if entry["ev"] == "state"}
    return {board for board in state if state[board] == "booting"}


def check_records(ctx, since, pulled):
    """No verdict that the board's own account does not bear out, no slot with another's unit. Returns {code: cases}."""
    cards = {}
    for board in ctx.boards.chains:
        with open(os.path.join(ctx.out, "line/boards/%d/board.json" % board), encoding="utf-8") as file:
            cards[board] = json.load(file)
    counts, hopped, flashed = {}, pulled_while_it_hopped(ctx), flashed_whole(ctx)
    rows = ctx.bench.sql('SELECT job, slot, port, chip_id, result, code, started_ms, ended_ms FROM record_v1 WHERE job > ?', since)
    for row in rows:
        board = next(board for board in cards if ctx.label(board) == row["slot"])
        assert row["port"] == ctx.boards.slot_port(board), "job %d: slot %s at port %s" % (row["job"], row["slot"], row["port"])
        if row["chip_id"]:
            assert int(row["chip_id"], 16) == int(cards[board]["br_cid"], 16), "job %d: the unit of another slot: %s, not %s" % (
                row["job"], row["chip_id"], cards[board]["br_cid"])
        assert row["result"] not in ("PASS",), "job %d passed, and no system ever ran" % row["job"]
        code = row["code"] or row["result"]
        counts[code] = counts.get(code, 0) + 1
        times = [at for at in pulled.get(board, []) if row["started_ms"] - 1000 <= at <= row["ended_ms"] + 1000]
        if times and code == "unit.bootloader" and hopped.get(board, 0) > 0:
            hopped[board] -= 1
        elif code in NO_BOOT and flashed.get(board, 0) > 0:
            flashed[board] -= 1
        elif times:
            assert code in PULLED, "job %d at slot %s: the board was pulled, the verdict is %s" % (row["job"], row["slot"], code)
        else:
            assert code not in PULLED, "job %d at slot %s: %s, and nobody pulled it" % (row["job"], row["slot"], code)
    return counts


def last_job(ctx):
    return ctx.bench.sql("SELECT coalesce(max(id), 0) AS id FROM job")[0]["id"]


def reenumerations(ctx, meanwhile):
    """A board at a root port is flashed: three enumerations under new device numbers are one board at one slot. `meanwhile`: what may begin beside it."""
    arrivals.clear(ctx)
    meanwhile()
    board = ctx.board_at("11")
    before, told = last_job(ctx), ctx.uevents.mark()
    ctx.boards.plug(board)
    name = ctx.boards.bus_port("11")
    numbers = lambda: [event[3].get("DEVNUM") for event in ctx.uevents.events[told:] if event[1:3] == ("add", name)]
    written = lambda: [entry for entry in journal(ctx) if entry["board"] == board and entry.get("ev") == "no-gadget" or
                       entry["board"] == board and entry.get("state") == "booting"]
    def flashed():
        tile = ctx.bench.tiles()[ctx.label(board)]
        assert tile["outcome"] is None, "slot %s: %s %s: %s" % (ctx.label(board), tile["outcome"], tile["code"], tile["reason"])
        return written()
    wait(flashed, 900, lambda: "the board is not flashed: %s, enumerations %s" % (ctx.bench.tiles()[ctx.label(board)]["word"], numbers()), every=0.5)
    assert len(numbers()) >= 3 and len(set(numbers())) == len(numbers()), numbers()
    jobs = ctx.bench.sql("SELECT id FROM job WHERE id > ? AND slot = ?", before, ctx.label(board))
    assert len(jobs) == 1, jobs
    ctx.say("flashed over %d enumerations, one job" % len(numbers()))
    ctx.bench.station_api.post("/api/v1/slots/%s/stop" % ctx.label(board), {"job": jobs[0]["id"]})
    arrivals.clear(ctx)

    def over():
        acknowledge_ready(ctx)
        return not ctx.bench.tiles()[ctx.label(board)]["job"]
    wait(over, 240, lambda: "slot %s: %s" % (ctx.label(board), ctx.bench.tiles()[ctx.label(board)]["word"]), every=0.5)


def random_events(ctx, count):
    """Plug, unplug and hub-drop by dice; a verdict for each job that its board bears out."""
    dice = random.Random(ctx.seed)
    boards, before, pulled, memory, kinds = ctx.boards, last_job(ctx), {}, [], {}
    arrivals.clear(ctx)
    apart = {chain for chain in boards.chains.values() if boards.hub_of(ctx.board_at(chain)) in boards.switching}
    used = [board for board, chain in boards.chains.items() if boards.hub_of(board) and chain not in apart]
    out = lambda board: pulled.setdefault(board, []).append(time.time() * 1000)
    boards.add_hubs()
    for number in range(count):
        free = [board for board in used if board not in boards.plugged and boards.reachable(board)]
        there = sorted(set(used) & boards.plugged)
        missing = [hub for hub in boards.hubs if hub not in boards.hubs_in]
        kind = dice.choices(["plug", "unplug", "drop", "restore"], [6 * bool(free), 3 * bool(there), bool(there), 4 * bool(missing)])[0]
        kinds[kind] = kinds.get(kind, 0) + 1
        if kind == "plug":
            boards.plug(dice.choice(free))
        elif kind == "unplug":
            board = dice.choice(there)
            out(board)
            boards.unplug(board)
        elif kind == "drop":
            for board in boards.drop_hub(dice.choice(sorted(boards.hubs_in))):
                out(board)
        else:
            boards.add_hubs()
        acknowledge_ready(ctx)
        memory.append(ctx.bench.memory_kib())
        time.sleep(dice.uniform(0, 1.5))
    for board in boards.plugged:
        out(board)
    arrivals.check_slots(ctx, silent=lambda: on_no_bus(ctx))
    settle(ctx)
    counts = check_records(ctx, before, pulled)
    assert sum(counts.values()) > 0, "no job was ever started"
    third = max(memory[:max(1, count // 3)])
    assert memory[-1] - third <= GROWN_KIB, "the service grew from %d to %d KiB" % (third, memory[-1])
    left = [name for name in os.listdir(ctx.bench.group) if os.path.isdir(os.path.join(ctx.bench.group, name)) and "job" in name]
    assert not left, "control groups of jobs are left: %s" % left
    ctx.say("seed %s: %s; verdicts %s; service %d -> %d MiB" % (ctx.seed, kinds, counts, memory[0] // 1024, memory[-1] // 1024))
