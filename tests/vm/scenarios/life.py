# SPDX-License-Identifier: Apache-2.0
"""Boards on vhci: from recovery mode over the flashing initrd to a booted system with a real sshd, at one and the same port."""
import itertools
import json
import os
import re
import subprocess

from guest_bench import gadget_port
from line_up import DEVICES, read, wait
from observer import HeldUp, figures
from scenarios import churn

AT_ONCE = 4
STAGES = ["955/7e19", "955/7035", "955/7020"]     # what a board is in turn; recovery mode up to three times


def label(board):
    return "v%d" % board


def sysfs_name(port):
    """ "3-1": what the kernel calls what is plugged in at a slot's port now, or None. """
    for name in os.listdir(DEVICES):
        if "-" in name and ":" not in name:
            chain = name.split("-")[1]
            controller = os.path.basename(os.path.dirname(os.path.dirname(os.path.realpath(os.path.join(DEVICES, name)))))
            if port == "platform-%s-usb-0:%s" % (controller, chain):
                return name
    return None


def products(ctx, board, told):
    """Products of the enumerations at the board's port that udev told of since `told`."""
    controller, _, chain = gadget_port(board).removeprefix("platform-").partition("-usb-0:")
    return ["/".join(event[3].get("PRODUCT", "").split("/")[:2]) for event in ctx.uevents.events[told:]
            if event[1] == "add" and "/%s/" % controller in event[3]["DEVPATH"] and event[2].split("-")[1] == chain]


def progress(ctx, board, tiles=None):
    """One line for each turn that a board or its tile takes."""
    tile, card = (tiles or ctx.bench.tiles())[label(board)], ctx.card(board)
    now = (card["state"], card["stage"], tile["word"], tile["code"])
    if ctx.shown.get(board) != now:
        ctx.shown[board] = now
        print("       %s: board %s %s, tile %s %s" % (label(board), *now[:3], now[3] or ""), flush=True)
    return tile, card


def passed(ctx, board):
    return progress(ctx, board)[0]["outcome"]


def begin(ctx, boards):
    """Plugs in those of these boards that are not; they go on while others are looked at."""
    for board in boards:
        if board not in ctx.begun:
            ctx.begun[board] = (churn.last_job(ctx), ctx.uevents.mark(), ctx.stream.mark())
            ctx.bench.line_api.ask(do="plug", board=board)


def take_out(ctx, boards):
    """Unplugs them; a person presses each tile that is ready. Their slots are empty then."""
    for board in boards:
        ctx.bench.line_api.ask(do="unplug", board=board)

    def empty():
        churn.acknowledge_ready(ctx)
        tiles = [ctx.bench.tiles()[label(board)] for board in boards]
        return not any(tile["present"] or tile["job"] for tile in tiles)
    wait(empty, 240, lambda: "slots %s" % [(tile["slot"], tile["word"], tile["present"]) for tile in ctx.bench.tiles().values() if tile["job"]], every=0.5)


def verdict(ctx, board):
    """The row of its one job."""
    rows = ctx.bench.sql('SELECT job, chip_id, serial, result, code, message, port FROM record_v1 WHERE job > ? AND slot = ?', ctx.begun[board][0], label(board))
    assert len(rows) == 1, "slot %s: %d jobs ended" % (label(board), len(rows))
    return rows[0]


def is_up(ctx, board, tiles=None):
    tile, card = progress(ctx, board, tiles)
    assert tile["outcome"] in (None, "PASS"), "slot %s: %s" % (label(board), {key: tile[key] for key in ("outcome", "code", "reason", "fact")})
    return card["state"] == "up"


def first_up(ctx, boards, seconds=900):
    def one():
        tiles = ctx.bench.tiles()
        return next((board for board in boards if is_up(ctx, board, tiles)), None)
    return wait(one, seconds, "none is up", every=1)


def wait_up(ctx, board, seconds=900):
    wait(lambda: is_up(ctx, board), seconds, lambda: "board %d is %s, tile %s" % (board, ctx.card(board)["state"], ctx.bench.tiles()[label(board)]["word"]), every=0.5)


def to_pass(ctx, boards):
    """A few at a time, since these machines compute everything; those that are done stay as they are, booted."""
    for first in range(0, len(boards), AT_ONCE):
        some = boards[first:first + AT_ONCE]
        begin(ctx, some)
        ctx.once("host care", lambda some=some: care_of_unit(ctx, first_up(ctx, some)))     # it has a serial line; the ninth of them has none
        for board in some:
            wait_up(ctx, board)
        for board in some:
            wait(lambda board=board: passed(ctx, board), 900, lambda board=board: "slot %s: %s" % (label(board), ctx.bench.tiles()[label(board)]["word"]), 0.5)


def same_port(ctx, boards):
    """A whole life each to PASS, in the end all of them booted at one address of their own networks; the unit's own word for its serial; then it leaves."""
    try:
        to_pass(ctx, boards)
    except AssertionError:
        for board in boards:        # what follows has the guest to itself
            ctx.bench.line_api.ask(do="unplug", board=board)
        raise
    tiles = ctx.bench.tiles()
    for board in boards:
        assert is_up(ctx, board, tiles), "board %d is %s" % (board, ctx.card(board)["state"])
    serials, addresses, enumerations = {}, set(), 0
    for board in boards:
        row = verdict(ctx, board)
        assert row["result"] == "PASS", "slot %s: %s %s: %s" % (label(board), row["result"], row["code"], row["message"])
        assert row["port"] == gadget_port(board)
        card = ctx.card(board)
        assert int(row["chip_id"], 16) == int(card["br_cid"], 16), "slot %s has the unit of another" % label(board)
        with open(os.path.join(ctx.bench.place.line, "boards/%d/os.json" % board), encoding="utf-8") as file:
            os_said = json.load(file)
        with open("/proc/%d/root/etc/reeplayer/serial" % os_said["pid"], encoding="utf-8") as file:
            heard = file.read().strip()
        assert heard == row["serial"], "slot %s: the row says %s, the unit %s" % (label(board), row["serial"], heard)
        serials[heard] = board
        shown = subprocess.run(["nsenter", "--net=/proc/%d/ns/net" % os_said["pid"], "ip", "-o", "-4", "addr", "show", "dev", "l4tbr0"],
                               capture_output=True, text=True, check=True).stdout
        addresses.add(" ".join(sorted(re.findall(r"inet (\S+)", shown))))
        seen = products(ctx, board, ctx.begun[board][1])
        enumerations += len(seen)
        # A hub that a busy kernel looks at half a second late has seen no absence, and the board is the same device as before.
        assert [product for product, _ in itertools.groupby(seen)] == STAGES, "slot %s saw %s" % (label(board), seen)
    assert len(serials) == len(boards), "a serial was given twice: %s" % serials
    assert len(addresses) == 1, "the units are at addresses of their own: %s" % addresses
    take_out(ctx, boards)
    assert not any(sysfs_name(gadget_port(board)) for board in boards)
    ctx.say("%d PASS, all at %s; serials %s; %s in %d enumerations" % (len(boards), addresses.pop(), ", ".join(sorted(serials)), " ".join(word.split("/")[1] for word in STAGES), enumerations))


def without_ipv6(ctx, board):
    """The host has switched IPv6 off for all that it has and will have. A unit's own networks have their link-local address all the same, nothing else has."""
    setting = "/proc/sys/net/ipv6/conf/%s/disable_ipv6"

    def switch(off):
        for name in ("all", "default"):
            with open(setting % name, "w", encoding="ascii") as file:
                file.write("%d" % off)
    switch(True)
    try:
        begin(ctx, [board])
        wait_up(ctx, board)
        device = os.path.realpath(os.path.join(DEVICES, wait(lambda: sysfs_name(gadget_port(board)), 60, "nothing is at the unit's port")))
        own = lambda: {name for name in os.listdir("/sys/class/net") if os.path.realpath("/sys/class/net/" + name).startswith(device + "/")}
        wait(lambda: len(own()) == 2, 60, "a booted unit shows two networks")
        subprocess.run(["udevadm", "settle", "-t", "60"], check=True)

        def addresses():
            shown = subprocess.run(["ip", "-o", "-6", "addr", "show"], capture_output=True, text=True, check=True).stdout
            return {line.split()[1]: line.split()[3] for line in shown.splitlines()}
        wait(lambda: set(addresses()) == own(), 60, lambda: "IPv6 is off, and there are %s; the unit's networks are %s" % (addresses(), own()))
        have = addresses()
        assert all(address.startswith("fe80:") for address in have.values()), have
        ctx.say("the host's IPv6 off, the unit's own networks at %s" % ", ".join(sorted(have.values())))
        same_port(ctx, [board])
    finally:
        switch(False)


def crowd(ctx, boards):
    """As many boards as there are ports, while no order is open: each is shown at its own slot, and only there; then every third is pulled."""
    told, seen = ctx.uevents.mark(), ctx.stream.mark()

    def shown():
        tiles = ctx.bench.tiles()
        return {board for board in boards if tiles[label(board)]["present"]}
    with HeldUp() as held:
        for board in boards:
            ctx.bench.line_api.ask(do="plug", board=board)
        wait(lambda: shown() == set(boards), 600, lambda: "not shown: %s; of those the kernel has nothing at the ports of %s" % (
            sorted(set(boards) - shown()), [board for board in boards if not sysfs_name(gadget_port(board))]), every=1)
    times, untold = [], 0
    for board in boards:
        tile = ctx.stream.wait_tile(label(board), lambda tile: tile["present"], 1, seen)
        if not tile:
            untold += 1     # a reader that falls behind is told to look anew, and not each tile
            continue
        name = sysfs_name(gadget_port(board))
        times.append((next(event[0] for event in ctx.uevents.events[told:] if event[1:3] == ("add", name)), tile[0]))
    assert untold == 0 or ctx.stream.wait(lambda event: event[1] == "reset", 0, seen), "the stream never told of %d boards, and of no reset" % untold

    pulled = set(boards[::3])
    for board in pulled:
        ctx.bench.line_api.ask(do="unplug", board=board)
    wait(lambda: shown() == set(boards) - pulled, 120, lambda: "shown though pulled %s, pulled wrongly %s" % (
        sorted(shown() & pulled), sorted(set(boards) - pulled - shown())), every=0.5)
    for board in set(boards) - pulled:
        ctx.bench.line_api.ask(do="unplug", board=board)
    wait(lambda: not shown(), 120, lambda: "still shown: %s" % sorted(shown()), every=0.5)
    clear = [end - begin for begin, end in times if not held.during(begin, end)]
    ctx.say("%d boards, each at its own slot; udev to event stream, all at once%s: %s%s" % (
        len(boards), ", but for %d that a reset hid" % untold if untold else "", figures([end - begin for begin, end in times]), "; of those while the machine was there: %s" % figures(clear) if clear else ""))


def swapped(ctx, pair, meanwhile):
    """Two flashed units lose their power while they start, and their cables are put back crosswise: neither is taken for the other. `meanwhile`: what may
    begin when they are flashed."""
    begin(ctx, pair)
    off = set()

    def cut_off():
        for board in set(pair) - off:
            tile, card = progress(ctx, board)
            assert tile["outcome"] is None, "slot %s: %s %s" % (label(board), tile["code"], tile["reason"])
            if card["state"] in ("initrd", "booting"):
                ctx.bench.line_api.ask(do="unplug", board=board)
                off.add(board)
        return off == set(pair)
    wait(cut_off, 900, lambda: "boards %s" % [(board, ctx.card(board)["state"]) for board in pair], every=0.1)
    meanwhile()
    wait(lambda: all(ctx.bench.line_api.boards()[board - 1]["gone"] for board in pair), 60, "the boards are not off")
    ctx.bench.line_api.ask(do="swap", board=pair[0], **{"with": pair[1]})
    for board in pair:
        ctx.bench.line_api.ask(do="plug", board=board, boot=True)
    for board in pair:
        wait(lambda board=board: progress(ctx, board)[0]["outcome"], 900, lambda board=board: "slot %s: %s" % (
            label(board), ctx.bench.tiles()[label(board)]["word"]), every=0.5)
        row = verdict(ctx, board)
        assert (row["result"], row["code"]) == ("FAIL", "unit.swapped"), "slot %s: %s %s: %s" % (label(board), row["result"], row["code"], row["message"])
        assert not row["serial"], "slot %s was given %s" % (label(board), row["serial"])
    take_out(ctx, pair)
    ctx.bench.line_api.ask(do="swap", board=pair[0], **{"with": pair[1]})
    ctx.say("both units FAIL unit.swapped, none got a serial")


def properties(path):
    """What udev knows of a device; None where it left, or was given another name, since it was found."""
    told = subprocess.run(["udevadm", "info", "--query=property", "--path=" + path], capture_output=True, text=True, check=False)
    if told.returncode != 0:
        assert not os.path.exists(path), "udev knows nothing of %s: %s" % (path, told.stderr)
        return None
    return dict(line.split("=", 1) for line in told.stdout.splitlines() if "=" in line)


def care_of_unit(ctx, board):
    """What the real udevd made of our rules for a booted unit: device, networks, disk, tty; and that it left others alone."""
    name = wait(lambda: sysfs_name(gadget_port(board)), 60, "nothing is at the unit's port")    # a unit is up before the host has looked at it
    device = os.path.realpath(os.path.join(DEVICES, name))

    def functions():
        found = {"net": [], "block": [], "tty": []}
        for kind, paths in found.items():
            for each in os.listdir("/sys/class/" + kind):
                path = os.path.realpath("/sys/class/%s/%s" % (kind, each))
                if path.startswith(device + "/"):
                    paths.append(path)
        return found if len(found["net"]) == 2 and found["block"] and found["tty"] else None
    wait(functions, 60, "a booted unit shows two networks, a disk and a tty")
    subprocess.run(["udevadm", "settle", "-t", "60"], check=True)
    found = wait(functions, 60, "a booted unit keeps two networks, a disk and a tty")      # udevd has given the networks their names by now
    node = properties(device)["DEVNAME"]
    with open(device + "/power/control", encoding="ascii") as file:
        assert file.read().strip() == "on", "the unit may be put to sleep"
    assert os.stat(node).st_mode & 0o777 == 0o640, "%s has mode %o" % (node, os.stat(node).st_mode)
    for kind, wanted in (("net", {"NM_UNMANAGED": "1"}), ("block", {"UDISKS_IGNORE": "1"}),
                         ("tty", {"ID_MM_DEVICE_IGNORE": "1", "ID_MM_PORT_IGNORE": "1"})):
        for path in found[kind]:
            told = properties(path)
            assert told is not None, "%s has left" % path
            for key, value in wanted.items():
                assert told.get(key) == value, "%s: %s is %s" % (path, key, told.get(key))
    for path in found["net"]:
        wait(lambda path=path: int(read(path, "flags") or "0", 16) & 1, 30, "%s is not brought up" % path)
    for name in os.listdir("/sys/class/net"):
        path = os.path.realpath("/sys/class/net/" + name)
        told = None if path.startswith((device + "/", "/sys/devices/virtual/")) else properties(path)
        if told is not None and told.get("ID_MODEL_ID") != "7020":      # those of other units come and go meanwhile
            assert "NM_UNMANAGED" not in told, "%s is none of ours, and NetworkManager is kept from it" % name
    drivers = sorted(os.path.basename(os.path.realpath(path + "/device/driver")) for path in found["net"])
    ctx.say("booted unit: networks by %s, disk, tty, no sleep: each as the rules say" % " and ".join(drivers))
