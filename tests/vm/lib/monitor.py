# SPDX-License-Identifier: Apache-2.0
"""In a guest: QEMU's monitor, which plugs and unplugs USB devices of this very guest. One user at a time."""
import json
import os


class Monitor:
    def __init__(self, path="/dev/virtio-ports/qmp"):
        self.file = os.open(path, os.O_RDWR)
        self.rest, self.events, self.number = b"", [], 0
        self.ask("qmp_capabilities")

    def _line(self):
        while b"\n" not in self.rest:
            self.rest += os.read(self.file, 65536)
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def ask(self, command, **arguments):
        self.number += 1
        os.write(self.file, json.dumps({"execute": command, "arguments": arguments, "id": self.number}).encode() + b"\n")
        while True:
            reply = self._line()
            if "event" in reply:
                self.events.append(reply)
            elif reply.get("id") == self.number:
                if "error" in reply:
                    raise AssertionError("%s: %s" % (command, reply["error"]["desc"]))
                return reply["return"]

    def wait_for(self, event, device):
        while True:
            for seen in self.events:
                if seen["event"] == event and seen["data"].get("device") == device:
                    self.events.remove(seen)
                    return
            self.events.append(self._line())

    def add_hub(self, name, port, switches=False):
        """QEMU's hub has eight ports and is a full-speed one. `switches`: it can take the power of each port away."""
        self.ask("device_add", driver="usb-hub", id=name, bus="xhci.0", port=port, ports=8, **{"port-power": switches})

    def add_redirected(self, name, port, path):
        """A device at the far end of the Unix socket `path` of the host."""
        self.ask("chardev-add", id="wire-" + name, backend={"type": "socket", "data": {"server": False, "addr": {
            "type": "unix", "data": {"path": path}}}})
        self.ask("device_add", driver="usb-redir", id=name, chardev="wire-" + name, bus="xhci.0", port=port)

    def remove(self, name, below=()):
        """Unplugs a device, or a hub with what is plugged in `below` it."""
        self.ask("device_del", id=name)
        for each in (name, *below):
            self.wait_for("DEVICE_DELETED", each)
