# SPDX-License-Identifier: Apache-2.0
"""Ports that are hard to name, deep below hubs and on buses whose numbers have changed; and one that comes and goes."""
import glob
import json
import os
import subprocess
import time

import line_up
from line_up import wait
from scenarios import arrivals

XHCI = "/sys/bus/pci/drivers/xhci_hcd"
TIMES, MOST_TIMES = 6, 40      # within a minute, says station/core/flapping.h; a slow guest may begin anew


def deep(ctx):
    """Five hubs in a row, as deep as USB goes: the board there is at its own slot, and leaves with a hub in the middle."""
    board, chain = len(line_up.CHAINS) + 1, line_up.DEEP
    hubs = [".".join(chain.split(".")[:depth]) for depth in range(1, chain.count(".") + 1)]
    boards, before = ctx.boards, list(ctx.boards.hubs)
    boards.chains[board] = chain
    boards.hubs += [hub for hub in hubs if hub not in before]
    try:
        boards.add_hubs()
        arrivals.come(ctx, board)
        arrivals.check_slots(ctx)
        middle = hubs[2]
        seen = ctx.stream.mark()
        assert boards.drop_hub(middle) == {board}
        assert ctx.stream.wait_tile(ctx.label(board), lambda tile: not tile["present"], 60, seen), "slot %s still shows its board" % ctx.label(board)
        arrivals.check_slots(ctx)
    finally:
        del boards.chains[board]
        boards.hubs = before
    ctx.say("a board at %s came and left with hub %s, the other %d as they were" % (chain, middle, len(boards.plugged)))


def renumbered(ctx):
    """The controller is another bus than before, as after a restart of the host: every board is at the slot where it was."""
    arrivals.plug_missing(ctx)
    old, address = ctx.boards.bus, ctx.boards.key.removeprefix("pci-").partition("-usb")[0]

    def write(name):
        with open(os.path.join(XHCI, name), "w", encoding="ascii") as file:
            file.write(address)
    seen = ctx.stream.mark()
    write("unbind")
    for board in ctx.boards.chains:
        assert ctx.stream.wait_tile(ctx.label(board), lambda tile: not tile["present"], 60, seen), "slot %s still shows a board" % ctx.label(board)
    subprocess.run(["modprobe", "dummy_hcd"], check=True)      # takes the numbers that are free
    write("bind")
    wait(lambda: glob.glob(os.path.join(XHCI, address, "usb*/speed")), 60, "the controller has no bus")
    ctx.boards.bus = line_up.high_speed_bus()
    assert ctx.boards.bus != old, "the bus has its old number"
    for hub in ctx.boards.hubs:
        wait(lambda hub=hub: line_up.read(ctx.boards.bus_port(hub), "maxchild") == "8", 60, "hub %s" % hub)
        ctx.boards.keep_awake(hub)
    arrivals.check_slots(ctx)
    ctx.say("%d boards at their own slots, on bus %d then and %d now" % (len(ctx.boards.plugged), old, ctx.boards.bus))


def closed(ctx):
    """{slot: why} of those that closed themselves or were closed."""
    return {tile["slot"]: tile["reason"] for tile in ctx.bench.tiles().values() if tile["state"] == "closed"}


def reopen(ctx, slots):
    for slot in slots:
        ctx.bench.station_api.post("/api/v1/slots/%s/reopen" % slot, {"reason": "the cable is another one now"})
    assert not set(closed(ctx)) & set(slots), closed(ctx)


def flapping(ctx, hub_too):
    """A port that comes and goes closes its slot, until a technician reopens it; its neighbours' slots stay open. `hub_too`: a hub that does the same
    closes none."""
    arrivals.plug_missing(ctx)
    board, times = ctx.board_at("1.1"), 0
    label = ctx.label(board)
    while not closed(ctx):
        assert times < MOST_TIMES, "slot %s is open after %d times" % (label, times)
        arrivals.go(ctx, board)
        arrivals.come(ctx, board)
        times += 1
    wait(lambda: set(closed(ctx)) == {label} and closed(ctx)[label].startswith("E31, came and went 6 times"), 5, lambda: "closed: %s" % closed(ctx))
    rows = ctx.bench.sql("SELECT data FROM event WHERE kind = 'slot.closed' ORDER BY seq")
    # What the scenarios before did at this port within the minute counts, too: who counts exactly is the rule's own test.
    last = json.loads(rows[-1]["data"])
    assert (last["code"], last["times"]) == ("slot.flapping", TIMES) and last["seconds"] <= 60, rows
    reopen(ctx, [label])
    ctx.say("slot %s closed itself when its board had come and gone %d times within %d s, and was reopened" % (label, TIMES, last["seconds"]))
    if hub_too:
        begun = time.monotonic()
        for _ in range(TIMES + 2):
            gone = ctx.boards.drop_hub("1.8")
            assert len(gone) == 3, gone
            ctx.boards.add_hubs()
            for each in sorted(gone):
                ctx.boards.plug(each)
            arrivals.check_slots(ctx)
        assert not closed(ctx), "closed with their hub: %s" % closed(ctx)
        ctx.say("a hub that did so %d times in %.0f s closed none" % (TIMES + 2, time.monotonic() - begun))
    arrivals.check_slots(ctx)
