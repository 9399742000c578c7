# SPDX-License-Identifier: Apache-2.0
"""Boards on vhci: from recovery mode over the flashing initrd to a booted system with a real sshd, at one and the same port."""
import json
import os
import subprocess

from guest_bench import gadget_port
from line_up import DEVICES, wait
from scenarios import churn

STAGES = ["955/7e19", "955/7e19", "955/7e19", "955/7035", "955/7020"]


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
    """Products that udev told of at the board's port since `told`, without repetition of one enumeration."""
    controller, _, chain = gadget_port(board).removeprefix("platform-").partition("-usb-0:")
    return ["/".join(event[3].get("PRODUCT", "").split("/")[:2]) for event in ctx.uevents.events[told:]
            if event[1] == "add" and "/%s/" % controller in event[3]["DEVPATH"] and event[2].split("-")[1] == chain]


def progress(ctx, board):
    """One line for each turn that a board or its tile takes."""
    tile, card = ctx.bench.tiles()[label(board)], ctx.card(board)
    now = (card["state"], card["stage"], tile["word"], tile["code"])
    if ctx.shown.get(board) != now:
        ctx.shown[board] = now
        print("       %s: board %s %s, tile %s %s" % (label(board), *now[:3], now[3] or ""), flush=True)
    return tile, card


def passed(ctx, board):
    return progress(ctx, board)[0]["outcome"]


def plug(ctx, boards):
    told = ctx.uevents.mark()
    for board in boards:
        ctx.bench.line_api.ask(do="plug", board=board)
    return told


def wait_up(ctx, board, seconds=900):
    def state():
        tile, card = progress(ctx, board)
        assert tile["outcome"] in (None, "PASS"), "slot %s: %s" % (label(board), {key: tile[key] for key in ("outcome", "code", "reason", "fact")})
        return card["state"] == "up"
    wait(state, seconds, lambda: "board %d is %s, tile %s" % (board, ctx.card(board)["state"], ctx.bench.tiles()[label(board)]["word"]), every=0.5)


def same_port(ctx, count):
    """A whole life each, to PASS; the unit's own word for its serial; then it leaves."""
    boards = list(range(1, count + 1))
    before, told = churn.last_job(ctx), plug(ctx, boards)
    for board in boards:
        wait_up(ctx, board)
        ctx.once("host care", lambda board=board: care_of_unit(ctx, board))
    for board in boards:
        wait(lambda board=board: passed(ctx, board), 900, lambda board=board: "slot %s: %s" % (label(board), ctx.bench.tiles()[label(board)]["word"]), 0.5)
    serials = {}
    for board in boards:
        row = ctx.bench.sql('SELECT job, chip_id, serial, result, code, message, port FROM record_v1 WHERE job > ? AND slot = ?', before, label(board))
        assert len(row) == 1, "slot %s: %d jobs ended" % (label(board), len(row))
        row = row[0]
        assert row["result"] == "PASS", "slot %s: %s %s: %s" % (label(board), row["result"], row["code"], row["message"])
        assert row["port"] == gadget_port(board)
        card = ctx.card(board)
        assert int(row["chip_id"], 16) == int(card["br_cid"], 16), "slot %s has the unit of another" % label(board)
        with open(os.path.join(ctx.bench.place.line, "boards/%d/os.json" % board), encoding="utf-8") as file:
            init = json.load(file)["pid"]
        with open("/proc/%d/root/etc/reeplayer/serial" % init, encoding="utf-8") as file:
            heard = file.read().strip()
        assert heard == row["serial"], "slot %s: the row says %s, the unit %s" % (label(board), row["serial"], heard)
        serials[heard] = board
        seen = products(ctx, board, told)
        assert seen[:5] == STAGES, "slot %s saw %s" % (label(board), seen)
    assert len(serials) == count, "a serial was given twice: %s" % serials
    for board in boards:
        ctx.bench.line_api.ask(do="unplug", board=board)
    for board in boards:
        wait(lambda board=board: not ctx.bench.tiles()[label(board)]["present"], 120, "slot %s still shows a unit" % label(board))
        assert sysfs_name(gadget_port(board)) is None
    churn.settle(ctx)
    ctx.say("%d PASS; serials %s; %s" % (count, ", ".join(sorted(serials)), " ".join(word.split("/")[1] for word in STAGES)))


def properties(path):
    shown = subprocess.run(["udevadm", "info", "--query=property", "--path=" + path], capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def care_of_unit(ctx, board):
    """What the real udevd made of our rules for a booted unit: device, networks, disk, tty; and that it left others alone."""
    device = os.path.realpath(os.path.join(DEVICES, sysfs_name(gadget_port(board))))
    subprocess.run(["udevadm", "settle", "-t", "60"], check=True)
    found = {"net": [], "block": [], "tty": []}
    for kind, names in found.items():
        for name in os.listdir("/sys/class/" + kind):
            path = os.path.realpath("/sys/class/%s/%s" % (kind, name))
            if path.startswith(device + "/"):
                names.append(path)
    assert len(found["net"]) == 2 and found["block"] and found["tty"], "a booted unit shows two networks, a disk and a tty: %s" % found
    node = properties(device)["DEVNAME"]
    with open(device + "/power/control", encoding="ascii") as file:
        assert file.read().strip() == "on", "the unit may be put to sleep"
    assert os.stat(node).st_mode & 0o777 == 0o640, "%s has mode %o" % (node, os.stat(node).st_mode)
    for kind, wanted in (("net", {"NM_UNMANAGED": "1"}), ("block", {"UDISKS_IGNORE": "1"}),
                         ("tty", {"ID_MM_DEVICE_IGNORE": "1", "ID_MM_PORT_IGNORE": "1"})):
        for path in found[kind]:
            told = properties(path)
            for key, value in wanted.items():
                assert told.get(key) == value, "%s: %s is %s" % (path, key, told.get(key))
    for name in os.listdir("/sys/class/net"):
        path = os.path.realpath("/sys/class/net/" + name)
        if not path.startswith(device + "/") and not path.startswith("/sys/devices/virtual/") and "7020" not in properties(path).get("ID_MODEL_ID", ""):
            assert "NM_UNMANAGED" not in properties(path), "%s is none of ours, and NetworkManager is kept from it" % name
    drivers = sorted(os.path.basename(os.path.realpath(path + "/device/driver")) for path in found["net"])
    ctx.say("booted unit: networks by %s, disk, tty, no sleep: each as the rules say" % " and ".join(drivers))
