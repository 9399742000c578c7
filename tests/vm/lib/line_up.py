# SPDX-License-Identifier: Apache-2.0
"""In the guest: boards in QEMU's tree of hubs. The boards themselves are a lineside-line of the host (--bus redir)."""
import os
import time

from monitor import Monitor

DEVICES = "/sys/bus/usb/devices"
# A tree of hubs as benches have: five and three ports of one chain of hubs, a full hub, two root ports, and a hub that switches its ports.
CHAINS = ["1.1", "1.2", "1.3", "1.4", "1.5"] + ["2.%d" % port for port in range(1, 9)] + ["1.8.1", "1.8.2", "1.8.3"] + ["11", "3"] + ["4.1", "4.2"]
SWITCHING = "4"
DEEP = "1.8.8.8.8.1"            # of one more board, behind five hubs in a row: only while `deep` looks
BY_GPIO, GPIO_LINE = "3", 5     # whose supply a relay is in, and which line of the adapter drives that


def controller_key():
    """ "pci-0000:00:03.0-usb-0:" of QEMU's xHCI. """
    for name in os.listdir(DEVICES):
        path = os.path.realpath(os.path.join(DEVICES, name))
        if name.startswith("usb") and "/pci" in path:
            return "pci-%s-usb-0:" % os.path.basename(os.path.dirname(path))
    raise AssertionError("the guest has no xHCI")


def high_speed_bus():
    for name in os.listdir(DEVICES):
        if name.startswith("usb") and "/pci" in os.path.realpath(os.path.join(DEVICES, name)):
            with open(os.path.join(DEVICES, name, "speed"), encoding="ascii") as file:
                if file.read().strip() == "480":
                    return int(name[3:])
    raise AssertionError("the guest has no high-speed bus")


def read(*parts):
    try:
        with open(os.path.join(DEVICES, *parts), encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


class Boards:
    """`chains`: board -> chain of ports. A hub stands where a chain asks for one; those at `switching` switch the power of their ports."""

    def __init__(self, chains, folder, switching=()):
        self.monitor, self.chains, self.folder = Monitor(), chains, folder
        self.key, self.bus = controller_key(), high_speed_bus()
        self.hubs = sorted({".".join(chain.split(".")[:depth]) for chain in chains.values() for depth in range(1, chain.count(".") + 1)},
                           key=lambda chain: (chain.count("."), chain))
        self.plugged, self.hubs_in, self.switching = set(), set(), switching

    def slot_port(self, board):
        return self.key + self.chains[board]

    def bus_port(self, chain):
        return "%d-%s" % (self.bus, chain)

    def hub_of(self, board):
        return self.chains[board].rpartition(".")[0]

    def reachable(self, board):
        hub = self.hub_of(board)
        return not hub or hub in self.hubs_in

    def add_hubs(self, below=""):
        """The hubs that are missing, or those at and below one place."""
        for hub in self.hubs:
            if hub not in self.hubs_in and (not below or hub == below or hub.startswith(below + ".")):
                self.monitor.add_hub("hub" + hub.replace(".", "-"), hub, hub in self.switching)
                self.hubs_in.add(hub)
                # QEMU gives a hub its port at once; the kernel has to find it before its children.
                wait(lambda hub=hub: read(self.bus_port(hub), "maxchild") == "8", 60, "hub %s" % hub)
                self.keep_awake(hub)

    def keep_awake(self, hub):
        """QEMU's hub tells a change when it is polled, each 128 ms; put to sleep before that, it keeps the change to itself and does not wake
        anybody. (Real ones wake the host, and for a maker's whose do not the kernel asks their ports before they sleep.)"""
        with open(os.path.join(DEVICES, self.bus_port(hub), "power/control"), "w", encoding="ascii") as file:
            file.write("on")

    def plug(self, board):
        assert board not in self.plugged and self.reachable(board)
        self.monitor.add_redirected("board%d" % board, self.chains[board], "%s/usb.%d" % (self.folder, board))
        self.plugged.add(board)

    def unplug(self, board):
        self.monitor.remove("board%d" % board)
        self.plugged.discard(board)

    def drop_hub(self, chain):
        """With all that is plugged in below it. Returns the boards that went."""
        below = lambda place: place.startswith(chain + ".")
        gone = {board for board in self.plugged if below(self.chains[board])}
        hubs = {hub for hub in self.hubs_in if below(hub)}
        self.monitor.remove("hub" + chain.replace(".", "-"), ["board%d" % board for board in sorted(gone)] + [
            "hub" + hub.replace(".", "-") for hub in sorted(hubs)])
        self.plugged -= gone
        self.hubs_in -= hubs | {chain}
        return gone

    def state(self, board):
        """"0955:7e19", or "" while the kernel sees nothing there."""
        port = self.bus_port(self.chains[board])
        vendor, product = read(port, "idVendor"), read(port, "idProduct")
        return "%s:%s" % (vendor, product) if vendor and product else ""


def wait(holds, seconds, what, every=0.05):
    """The first true answer; AssertionError with `what` (a text, or what makes one) when there is none."""
    until = time.monotonic() + seconds
    while True:
        answer = holds()
        if answer:
            return answer
        if time.monotonic() > until:
            raise AssertionError("not within %d s: %s" % (seconds, what() if callable(what) else what))
        time.sleep(every)
