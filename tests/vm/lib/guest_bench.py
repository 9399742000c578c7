# SPDX-License-Identifier: Apache-2.0
"""In the guest: the station, the root helper and their workers as deploy/run puts them up, but on the guest's own USB."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../../.."))
sys.path.insert(0, os.path.join(ROOT, "deploy/lib"))
sys.path.insert(0, os.path.join(ROOT, "tests/integration"))
import bench  # noqa: E402
import common  # noqa: E402
import settings  # noqa: E402
from process import Process  # noqa: E402

SPEED = 60.0
TOOL_SPEED = 3      # the stand-in's waits are divided by it: they have to outlast an enumeration in a slow guest
RULES = "99-lineside.rules"


def install_rules():
    """As deploy/README.md says; the guest's own udevd applies them."""
    with open(os.path.join(ROOT, "deploy/udev", RULES), encoding="utf-8") as source, \
            open("/etc/udev/rules.d/" + RULES, "w", encoding="utf-8") as file:
        file.write(source.read())
    reload_rules()


def remove_rules():
    os.unlink("/etc/udev/rules.d/" + RULES)
    reload_rules()


def reload_rules():
    subprocess.run(["udevadm", "control", "--reload"], check=True)
    subprocess.run(["udevadm", "settle", "-t", "60"], check=True)


class GuestBench(bench.Bench):
    """`slots`: (label, port) pairs. `gadgets`: how many boards a line of the guest's own has, on vhci; `boot`: how many of them, the first ones, can
    show more than recovery mode."""
    READY_WITHIN = 300      # seconds; a guest beside a busy machine's own work

    def __init__(self, data, slots, gadgets=0, boot=0, more=None, jobs=4):
        super().__init__(data, boards=gadgets, speed=SPEED, more=more, jobs=jobs)
        self.given_slots, self.gadgets, self.boot = slots, gadgets, boot

    def start_line(self):
        self.environment = {"STAND_IN_SPEED": str(TOOL_SPEED)}
        if not self.gadgets:
            return
        subprocess.run(["modprobe", "-a", "vhci-hcd", "libcomposite", "bridge"], check=True)
        subprocess.run(["modprobe", "usbip-vudc", "num=%d" % self.boot], check=True)
        self.line = Process("boards", [
            os.path.join(self.place.binaries, "lineside-line"), "--bus", "vhci", "--boards", str(self.gadgets), "--speed", str(SPEED),
            "--seed", "2", "--dir", self.place.line, "--control", self.place.line_socket, "--board-os", self.place.board_os,
            "--plug", "manual", "--hop-seconds", "3", "--initrd-seconds", "5"], self.log_file("line"), ready=60)

    def slots(self):
        return self.given_slots

    def sql(self, query, *arguments):
        return bench.read_database(os.path.join(self.place.station, "station.db"), query, *arguments)

    def tiles(self):
        return common.tiles(self.station_api)

    def memory_kib(self):
        """What the service holds, resident."""
        with open("/proc/%d/status" % self.station.pid, encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    def workers(self):
        return common.job_processes(bench=self)


def gadget_port(board):
    """The slot's port of a board on vhci (tests/virtual-line/README.md)."""
    return "platform-vhci_hcd.%d-usb-0:%d" % ((board - 1) // 15, (board - 1) % 15 + 1)


__all__ = ["GuestBench", "RULES", "gadget_port", "install_rules", "reload_rules", "remove_rules", "settings"]
