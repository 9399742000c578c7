# SPDX-License-Identifier: Apache-2.0
"""The station switches units off and on: a port of a hub that can, one of a hub that cannot, a line of a GPIO adapter; and by itself before a retry."""
import fcntl
import glob
import os
import signal

import station_api
from line_up import BY_GPIO, GPIO_LINE, read, wait
from scenarios import arrivals, churn

CAN, NEIGHBOUR, CANNOT = "4.1", "4.2", "1.5"
ADAPTER = "5"
CHIP = "viperboard gpio a"      # its label, by the kernel's driver
CHIP_INFO = 0x8044b401          # GPIO_GET_CHIPINFO_IOCTL: name, label, lines


def config(slots):
    """What the configuration says of these slots; `slots`: chain -> (label, port)."""
    by_port = '[slot.power]\ndriver = "hub-port"\noff_s = 1\n'
    by_line = '[slot.power]\ndriver = "gpio"\nchip = "%s"\nline = %d\noff_s = 1\n' % (CHIP, GPIO_LINE)
    return {"slot": {slots[CAN][0]: by_port, slots[CANNOT][0]: by_port, slots[BY_GPIO][0]: by_line},
            "switch_ports": [slots[CAN][1], slots[CANNOT][1]]}


def our_chip():
    """The chip of our label, once the adapter's second one is there, too."""
    chips = {}
    for path in glob.glob("/dev/gpiochip*"):
        told = bytearray(68)
        with open(path, "rb") as file:
            fcntl.ioctl(file, CHIP_INFO, told)
        chips[told[32:64].rstrip(b"\0").decode()] = os.path.basename(path)
    return len(chips) > 1 and chips.get(CHIP)


def cycle(ctx, board):
    """A technician's press."""
    ctx.bench.station_api.post("/api/v1/slots/%s/power" % ctx.label(board), {})


def seen_at(ctx, board, told):
    name = ctx.boards.bus_port(ctx.boards.chains[board])
    return [event[1] for event in ctx.uevents.events[told:] if event[2] == name and event[1] in ("add", "remove")]


def off_and_on(ctx, board, neighbours):
    """The unit of this slot is off and on again by the kernel's word, and nobody else saw a thing."""
    told, seen = ctx.uevents.mark(), ctx.stream.mark()
    cycle(ctx, board)
    wait(lambda: seen_at(ctx, board, told) == ["remove", "add"], 60, lambda: "udev told %s at %s" % (
        seen_at(ctx, board, told), ctx.boards.chains[board]))
    assert ctx.stream.wait_tile(ctx.label(board), lambda tile: not tile["present"], 30, seen), "the tile never showed the port empty"
    wait(lambda: ctx.bench.tiles()[ctx.label(board)]["present"], 60, "slot %s does not show its unit again" % ctx.label(board), every=0.5)
    for other in neighbours:
        assert not seen_at(ctx, other, told), "the neighbour at %s: %s" % (ctx.boards.chains[other], seen_at(ctx, other, told))
        assert ctx.bench.tiles()[ctx.label(other)]["present"]


def switches(ctx):
    arrivals.clear(ctx)
    boards = {chain: ctx.board_at(chain) for chain in (CAN, NEIGHBOUR, CANNOT, BY_GPIO)}
    ctx.boards.add_hubs()
    for board in boards.values():
        ctx.boards.plug(board)
    arrivals.check_slots(ctx)
    off_and_on(ctx, boards[CAN], [boards[NEIGHBOUR], boards[CANNOT], boards[BY_GPIO]])
    ctx.say("a hub's port: off and on, neighbours unharmed")

    told = ctx.uevents.mark()
    try:
        cycle(ctx, boards[CANNOT])
        raise AssertionError("a hub without power switches was believed")
    except station_api.Refused as refused:
        assert refused.problem.get("code") == "power.failed", refused.problem
        ctx.say("a hub that cannot is found out: %s" % refused.problem.get("detail"))
    assert not seen_at(ctx, boards[CANNOT], told), "the unit was dropped by a hub that cannot switch it off"

    ctx.boards.monitor.add_redirected("gpio", ADAPTER, "%s/usb.gpio" % ctx.boards.folder)
    chip = wait(our_chip, 60, lambda: "no gpiochip; at the port is %s:%s" % (
        read(ctx.boards.bus_port(ADAPTER), "idVendor"), read(ctx.boards.bus_port(ADAPTER), "idProduct")))
    # A drop-in and a rule for the group, on a host with systemd. The adapter's other chip stays root's, and is in nobody's way.
    os.chmod("/dev/" + chip, 0o666)
    off_and_on(ctx, boards[BY_GPIO], [boards[NEIGHBOUR], boards[CANNOT], boards[CAN]])
    ctx.say("a GPIO line of %s: off and on" % chip)
    arrivals.check_slots(ctx)


def in_a_retry(ctx):
    """A flash fails, here because its worker is killed: the station switches this unit off and on before it tries again, and nobody else's."""
    arrivals.clear(ctx)
    boards = {chain: ctx.board_at(chain) for chain in (CAN, NEIGHBOUR, CANNOT, BY_GPIO)}
    ctx.boards.add_hubs()
    unit, others = boards.pop(CAN), list(boards.values())
    for board in others:
        ctx.boards.plug(board)
    # These have jobs of their own, which are none of ours: they end first, and what they left stays plugged in.
    wait(lambda: all(ctx.bench.tiles()[ctx.label(board)]["job"] for board in others), 120, "the neighbours' jobs do not begin", every=0.5)
    for board in others:
        ctx.bench.station_api.post("/api/v1/slots/%s/stop" % ctx.label(board), {"job": ctx.bench.tiles()[ctx.label(board)]["job"]})
    wait(lambda: all(ctx.bench.tiles()[ctx.label(board)]["outcome"] for board in others) and not ctx.bench.workers(), 240, "the neighbours' jobs do not end", every=0.5)
    before, told_before = churn.last_job(ctx), len(churn.journal(ctx))
    ctx.boards.plug(unit)
    wait(lambda: any(entry.get("board") == unit and entry["ev"] in ("uid", "rcm") for entry in churn.journal(ctx)[told_before:]), 300, "the flash does not begin", every=0.5)
    job = ctx.bench.sql("SELECT id FROM job WHERE id > ? AND slot = ?", before, ctx.label(unit))[0]["id"]
    told = ctx.uevents.mark()
    for pid, _ in ctx.bench.workers():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass    # the helper kills them all together
    steps = lambda: [row["data"] for row in ctx.bench.sql("SELECT data FROM event WHERE job_id = ? AND kind = 'step.started' ORDER BY seq", job)]
    wait(lambda: len(steps()) == 2, 240, lambda: "no second attempt: %s, udev told %s, tile %s" % (
        steps(), seen_at(ctx, unit, told), ctx.bench.tiles()[ctx.label(unit)]), every=0.5)
    assert seen_at(ctx, unit, told)[:2] == ["remove", "add"], seen_at(ctx, unit, told)
    kinds = [row["kind"] for row in ctx.bench.sql("SELECT kind FROM event WHERE job_id = ? ORDER BY seq", job)]
    first, second = (at for at, kind in enumerate(kinds) if kind == "step.started")
    assert first < kinds.index("unit.power_asked") < kinds.index("unit.power_cycled"), kinds
    assert kinds.index("unit.power_asked") < second, kinds
    for other in others:
        assert not seen_at(ctx, other, told), "the neighbour at %s: %s" % (ctx.boards.chains[other], seen_at(ctx, other, told))
    asked = ctx.bench.sql("SELECT DISTINCT slot FROM event WHERE kind = 'unit.power_asked'")
    assert [row["slot"] for row in asked] == [ctx.label(unit)], asked
    ctx.say("its worker killed, slot %s was switched off and on and flashed again; the other %d stayed as they were" % (ctx.label(unit), len(others)))
    ctx.bench.station_api.post("/api/v1/slots/%s/stop" % ctx.label(unit), {"job": job})
    churn.settle(ctx)
