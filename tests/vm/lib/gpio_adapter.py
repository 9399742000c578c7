# SPDX-License-Identifier: Apache-2.0
"""On the host: a USB adapter with 16 GPIO lines (a Viperboard, 2058:1005, whose driver Debian's kernel has) behind QEMU's usb-redir, and what hangs
on its lines.

The usbredir protocol with one capability alone: ids of 64 bits, which QEMU uses. What a line is set to comes as a control transfer; what its driver
asks besides (version, I2C frequency) is answered with zeros."""
import json
import os
import socket
import struct
import threading

HELLO, CONNECT, RESET, INTERFACES, ENDPOINTS = 0, 1, 3, 4, 5
SET_CONFIGURATION, GET_CONFIGURATION, CONFIGURATION, SET_ALT, GET_ALT, ALT = 6, 7, 8, 9, 10, 11
CONTROL = 100
IDS_64 = 5      # a capability; in force once both have said hello
HIGH_SPEED, NO_ENDPOINT = 2, 255
GET_DESCRIPTOR, GPIO_A = 6, 0xed
SET_OUT = 3
DEVICE = struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x200, 0, 0, 0, 64, 0x2058, 0x1005, 0x100, 0, 0, 0, 1)
CONFIGURATION_1 = struct.pack("<BBHBBBBB", 9, 2, 18, 1, 1, 0, 0x80, 50) + struct.pack("<BBBBBBBBB", 9, 4, 0, 0, 0, 0xff, 0, 0, 0)
DESCRIPTORS = {1: DEVICE, 2: CONFIGURATION_1}


class GpioAdapter(threading.Thread):
    """`switched(line, high)` is called for each line that changes."""

    def __init__(self, path, switched):
        super().__init__(daemon=True)
        self.switched, self.lines = switched, {}
        if os.path.exists(path):
            os.unlink(path)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(1)
        self.link, self.head = None, ""
        self.start()

    def run(self):
        while True:
            self.link, _ = self.listener.accept()
            try:
                self.serve()
            except (OSError, EOFError):
                pass        # unplugged

    def take(self, count):
        data = b""
        while len(data) < count:
            more = self.link.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def send(self, kind, number, body):
        self.link.sendall(struct.pack(self.head, kind, len(body), number) + body)

    def serve(self):
        self.head = "<III"
        self.send(HELLO, 0, b"gpio adapter".ljust(64, b"\0") + struct.pack("<I", 1 << IDS_64))
        while True:
            kind, length, number = struct.unpack(self.head, self.take(struct.calcsize(self.head)))
            body = self.take(length)
            if kind == HELLO:
                self.head = "<IIQ"
                self.connect()
            elif kind == SET_CONFIGURATION:
                self.send(CONFIGURATION, number, struct.pack("<BB", 0, body[0]))
            elif kind == GET_CONFIGURATION:
                self.send(CONFIGURATION, number, struct.pack("<BB", 0, 1))
            elif kind in (SET_ALT, GET_ALT):
                self.send(ALT, number, struct.pack("<BBB", 0, body[0], 0))
            elif kind == CONTROL:
                self.control(number, body)

    def connect(self):
        classes = bytes([0xff]) + bytes(31)
        self.send(INTERFACES, 0, struct.pack("<I", 1) + bytes(32) + classes + bytes(32) + bytes(32))
        types = bytearray([NO_ENDPOINT] * 32)
        types[0] = types[16] = 0
        self.send(ENDPOINTS, 0, bytes(types) + bytes(32) + bytes(32))
        self.send(CONNECT, 0, struct.pack("<BBBBHH", HIGH_SPEED, 0, 0, 0, 0x2058, 0x1005))

    def control(self, number, body):
        endpoint, request, kind, _, value, index, length = struct.unpack("<BBBBHHH", body[:10])
        answer = b""
        if kind & 0x80:
            known = DESCRIPTORS.get(value >> 8) if request == GET_DESCRIPTOR and kind == 0x80 else bytes(length)
            answer = (known or b"")[:length]
        elif request == GPIO_A and len(body) >= 10 + 8 and body[10] == SET_OUT:
            line, high = body[12], bool(body[17])
            if self.lines.get(line) != high:
                self.lines[line] = high
                self.switched(line, high)
        status = 4 if kind == 0x80 and request == GET_DESCRIPTOR and not answer else 0    # a stall
        self.send(CONTROL, number, struct.pack("<BBBBHHH", endpoint, request, kind, status, value, index, len(answer) if kind & 0x80 else length) + answer)


class Relays(GpioAdapter):
    """A relay at each line of `boards` (line -> board), in that board's supply: high takes the power away. `control` is the line's socket; what was
    done stands in `log`."""

    def __init__(self, path, control, log, boards):
        self.control_socket, self.log, self.boards = control, log, boards
        super().__init__(path, self.power)

    def power(self, line, high):
        if line not in self.boards:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.connect(self.control_socket)
            link.sendall(json.dumps({"do": "unplug" if high else "plug", "board": self.boards[line]}).encode() + b"\n")
            answer = link.makefile().readline()
        with open(self.log, "a", encoding="utf-8") as file:
            file.write(json.dumps({"line": line, "high": high, "answer": json.loads(answer)}) + "\n")
