#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that mean it ill, in a process of their own: crowd.py idle|slow|rubbish PORT COUNT SECONDS [SEED] [ADDRESS].
idle: connections that say nothing. slow: requests that never end, a byte a second. rubbish: requests with a few bytes or words of them changed,
one after the other. Prints "ready" once all are open (rubbish: at its begin), then one line of JSON at its end."""
import json
import random
import resource
import select
import socket
import sys
import time

PARTS = [b"GET", b"POST", b"DELETE", b"TRACE", b" /", b"/api/v1/wall", b"/api/v1/events", b"/api/v1/slots/1/retry", b"/api/v1/pool/preview?pool=p",
         b"/..%2f..%2fetc/passwd", b"//", b"/%00", b"/%c0%af", b"/api/v1/jobs/99999999999999999999", b"/api/v1/records?limit=-1", b"?x=%zz",
         b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b" HTTP/9.9\r\n", b"Host: 127.0.0.1:%d\r\n", b"Host: evil.example\r\n", b"Origin: null\r\n",
         b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: chunked\r\n",
         b"Transfer-Encoding: gzip, chunked\r\n", b"Content-Type: application/json\r\n", b"X-Lineside: 1\r\n", b"Cookie: lineside=\xff\xfe; lineside=a\r\n",
         b"Range: bytes=0-1,5-,-3\r\n", b"Last-Event-ID: 1e999\r\n", b"Accept-Encoding: br;q=,gzip;;q=1\r\n", b"Expect: 100-continue\r\n",
         b"Upgrade: h2c\r\nConnection: Upgrade\r\n", b"X: " + b"a" * 20000 + b"\r\n", b" folded\r\n", b"\r\n", b"{}", b'{"job":' + b"[" * 5000,
         b"5\r\nhello\r\n0\r\n\r\n", b"fffffffffffffffff\r\n", b"\x00\x01\x02", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
WHOLE = b"GET /api/v1/wall HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept-Encoding: gzip\r\n\r\n"


def connect(address, port):
    link = socket.socket()
    link.settimeout(10)
    link.connect((address, port))
    return link


def idle(address, port, count, until):
    held = []
    for _ in range(count):
        held.append(connect(address, port))
    print("ready", flush=True)
    time.sleep(max(0.0, until - time.monotonic()))
    return {"opened": len(held)}


def slow(address, port, count, until):
    held = [connect(address, port) for _ in range(count)]
    text = b"POST /api/v1/acknowledge-passed HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-Trickle: " % port
    print("ready", flush=True)
    sent = ended = at = 0
    while time.monotonic() < until:
        for link in held[:]:
            try:
                sent += link.send(text[at:at + 1] or b"z")
            except OSError:
                held.remove(link)
                ended += 1
        at += 1
        time.sleep(1)
    return {"opened": count, "bytes": sent, "ended_by_station": ended}


def request(dice, port):
    """A whole request with a few bytes changed, or words thrown together."""
    if dice.random() < 0.4:
        text = bytearray(WHOLE % port)
        for _ in range(dice.randint(1, 6)):
            where = dice.randrange(len(text))
            if dice.random() < 0.5:
                text[where] = dice.randrange(256)
            else:
                text[where:where + dice.randint(0, 9)] = bytes(dice.randrange(256) for _ in range(dice.randint(0, 9)))
        return bytes(text)
    words = [dice.choice(PARTS) for _ in range(dice.randint(1, 14))]
    return b"".join(word % port if b"%d" in word else word for word in words)


def rubbish(address, port, count, until, seed):
    dice = random.Random(seed)
    print("ready", flush=True)
    sent = answered = odd = 0
    while time.monotonic() < until and sent < count:
        link = connect(address, port)
        try:
            link.sendall(request(dice, port))
            sent += 1
            if select.select([link], [], [], 0.05)[0]:
                head = link.recv(64)
                answered += bool(head)
                # An answer is ours, or under TLS an alert; silence and an end are answers too.
                odd += bool(head) and not head.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ", b"\x15\x03"))
        except OSError:
            pass
        finally:
            link.close()
    return {"sent": sent, "answered": answered, "odd": odd}


def main():
    kind, port, count, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else 1
    address = sys.argv[6] if len(sys.argv) > 6 else "127.0.0.1"
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    until = time.monotonic() + seconds
    if kind == "rubbish":
        print(json.dumps(rubbish(address, port, count, until, seed)))
    else:
        print(json.dumps({"idle": idle, "slow": slow}[kind](address, port, count, until)))


if __name__ == "__main__":
    main()
