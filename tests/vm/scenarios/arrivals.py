# SPDX-License-Identifier: Apache-2.0
"""Boards that come and go while no order is open: what the station shows, how soon, and at which slot."""
from line_up import wait
from observer import HeldUp, figures, quantile

MEDIAN_MS, P99_MS = 100, 300


def come(ctx, board, seconds=60):
    """Plugs a board in; the times of udev's event and of the station's event stream, ns."""
    told, seen = ctx.uevents.mark(), ctx.stream.mark()
    ctx.boards.plug(board)
    return between(ctx, board, "add", True, seconds, told, seen)


def go(ctx, board, seconds=60):
    told, seen = ctx.uevents.mark(), ctx.stream.mark()
    ctx.boards.unplug(board)
    return between(ctx, board, "remove", False, seconds, told, seen)


def between(ctx, board, action, present, seconds, told, seen):
    name = ctx.boards.bus_port(ctx.boards.chains[board])
    udev = ctx.uevents.wait(lambda event: event[1:3] == (action, name), seconds, told)
    assert udev, "udev told of no %s of %s" % (action, name)
    tile = ctx.stream.wait_tile(ctx.label(board), lambda tile: tile["present"] is present, seconds, seen)
    assert tile, "the station's stream does not show %s at slot %s" % ("a board" if present else "an empty port", ctx.label(board))
    return udev[0], tile[0]


def check_slots(ctx, seconds=60, silent=lambda: ()):
    """Every slot shows what the kernel has at its port, and nothing else is anywhere. `silent`: boards that say of themselves that they are plugged in
    and not on USB."""
    def differing():
        tiles, quiet, wrong = ctx.bench.tiles(), silent(), []
        for board in ctx.boards.chains:
            there, shown = ctx.boards.state(board) != "", tiles[ctx.label(board)]["present"]
            if there != (board in ctx.boards.plugged and board not in quiet) or shown != there:
                wrong.append("slot %s at %s: plugged %s%s, kernel %s, station %s" % (
                    ctx.label(board), ctx.boards.chains[board], board in ctx.boards.plugged, ", silent" * (board in quiet), there, shown))
        wrong += ["a unit at %s, which is no slot" % tile["port"] for tile in tiles.values() if not tile["mapped"] and tile["present"]]
        return wrong
    wait(lambda: not differing(), seconds, lambda: "; ".join(differing()), every=0.5)


def judge(ctx, name, times, held):
    """Bounds hold for a machine that is there: what fell into a time in which it was away says nothing of the station."""
    clear = [end - begin for begin, end in times if not held.during(begin, end)]
    ctx.say("%s %s%s" % (name, figures(clear) if clear else "-", "" if len(clear) == len(times) else "; %d more fell into times in which the machine was away, "
            "with them %s" % (len(times) - len(clear), figures([end - begin for begin, end in times]))))
    assert len(clear) >= len(times) // 2, "%s: the machine is too busy to say anything" % name
    assert quantile(clear, 0.5) <= MEDIAN_MS * 1e6, "%s: median above %d ms" % (name, MEDIAN_MS)
    assert quantile(clear, 0.99) <= P99_MS * 1e6, "%s: p99 above %d ms" % (name, P99_MS)


def arrival(ctx, rounds):
    """At root ports and behind chained hubs, one after another; then each leaves."""
    ctx.boards.add_hubs()
    came, left = [], []
    with HeldUp() as held:
        first = come(ctx, next(iter(ctx.boards.chains)))        # reads the station's code for it from the host's disk
        for number in range(rounds):
            came += [come(ctx, board) for board in ctx.boards.chains if board not in ctx.boards.plugged]
            some = sorted(ctx.boards.plugged) if number + 1 < rounds else ctx.some(6)
            left += [go(ctx, board) for board in some]
    assert len(came) >= 12, "too few boards to say anything"
    ctx.say("udev to event stream: the very first %.0f ms" % ((first[1] - first[0]) / 1e6))
    judge(ctx, "arrival", came, held)
    judge(ctx, "leave", left, held)
    check_slots(ctx)


def plug_missing(ctx):
    ctx.boards.add_hubs()
    for board in ctx.boards.chains:
        if board not in ctx.boards.plugged:
            ctx.boards.plug(board)
    check_slots(ctx)


def identity(ctx):
    """Ports 1.1 and 11 are two slots, whichever of them is empty; more than twelve units at once."""
    plug_missing(ctx)
    assert len(ctx.boards.plugged) >= 12
    behind, root = ctx.board_at("1.1"), ctx.board_at("11")
    for one, other in ((behind, root), (root, behind)):
        go(ctx, one)
        tiles = ctx.bench.tiles()
        assert not tiles[ctx.label(one)]["present"] and tiles[ctx.label(other)]["present"], "1.1 and 11 were taken for each other"
        come(ctx, one)
    check_slots(ctx)
    ctx.say("%d boards at once, 1.1 and 11 among them" % len(ctx.boards.plugged))


def hub_with_eight(ctx):
    """A hub is pulled with eight boards in it, and comes back."""
    plug_missing(ctx)
    hub = ctx.full_hub
    seen = ctx.stream.mark()
    gone = ctx.boards.drop_hub(hub)
    assert len(gone) == 8, "the hub had %d boards" % len(gone)
    for board in gone:
        assert ctx.stream.wait_tile(ctx.label(board), lambda tile: not tile["present"], 60, seen), "slot %s still shows its board" % ctx.label(board)
    check_slots(ctx)
    ctx.boards.add_hubs()
    for board in sorted(gone):
        ctx.boards.plug(board)
    check_slots(ctx)
    ctx.say("%d boards left with their hub and came back, the other %d stayed" % (len(gone), len(ctx.boards.plugged) - len(gone)))


def clear(ctx):
    for board in sorted(ctx.boards.plugged):
        ctx.boards.unplug(board)
    check_slots(ctx)
