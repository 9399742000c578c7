# SPDX-License-Identifier: Apache-2.0
"""In the guest: plugs the emulated unit in and out by QEMU's monitor (tests/vm/lib), and tells what the kernel sees at its port."""
import json
import time

DEVICES = "/sys/bus/usb/devices/"


class Unit:
    """One emulated-unit process of the host, at one port of the guest's root hub."""

    def __init__(self, monitor, folder, port=1):
        self.monitor, self.folder, self.port, self.power_ons, self.plugged = monitor, folder, port, 0, False
        self.bus_port = "1-%d" % port

    def power_on(self, **orders):
        """In recovery mode, anew. orders: see unit/module.h."""
        self.unplug()
        with open(self.folder + "/orders", "w", encoding="ascii") as file:
            file.write("".join("%s %s\n" % (key.replace("_", "-"), value) for key, value in orders.items()))
        self.power_ons += 1
        self.monitor.add_redirected("unit", str(self.port), self.folder + "/usb")
        self.plugged = True
        self.wait(lambda: self.state()[0])

    def unplug(self):
        if self.plugged:
            self.monitor.remove("unit")
            self.wait(lambda: not self.state()[0])
            self.plugged = False  # the wire is gone with the device

    @staticmethod
    def wait(holds, seconds=60):
        until = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > until:
                raise AssertionError("the unit does not come or go")
            time.sleep(0.05)

    def state(self):
        """(USB id or "", device number) as sysfs has it."""
        found = []
        try:
            for name in ("idVendor", "idProduct", "devnum"):
                with open(DEVICES + self.bus_port + "/" + name, encoding="ascii") as file:
                    found.append(file.read().strip())
        except OSError:
            return ("", "")
        return (found[0] + ":" + found[1], found[2])

    def port_events(self):
        """What the station's udev would say of this port from now on, as `port` messages."""
        last = self.state()

        def news():
            nonlocal last
            now, out = self.state(), []
            if now != last:
                gone = {"ev": "port", "present": False, "id": "", "net": []}
                out = [gone] if last[0] else []
                if now[0]:
                    out.append({"ev": "port", "present": True, "id": now[0], "net": []})
                last = now
            return out

        return news

    def journal(self):
        """What the unit says happened since it was last powered on."""
        with open("%s/%d/journal.jsonl" % (self.folder, self.power_ons), encoding="ascii") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def written(self):
        """Partition -> path of the bytes that came, of what was written to the end."""
        return {entry["name"]: "%s/%d/%s" % (self.folder, self.power_ons, entry["name"])
                for entry in self.journal() if entry["ev"] == "written"}
