# SPDX-License-Identifier: Apache-2.0
"""A container engine for tests: the command line of docker, which writes down how it was called, and behind it a server that
makes the containers, so that these live on when the command line dies, as docker's do. A container is this host's own file
system in namespaces of its own, with the mounts it was asked for; of the job's mounts it sees nothing."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ID = "sha256:" + "a" * 64
DIGEST = "sha256:" + "d" * 64

# Quick to start: an engine's program is no Python, and a tool that is to be held goes on until it has been asked.
CLI = """#!/usr/bin/python3 -IS
import _socket, sys
link = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
link.connect(%r)
ends = b"".join(fd.to_bytes(4, sys.byteorder) for fd in range(3))
link.sendmsg([b"\\0".join(map(str.encode, sys.argv[1:]))], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, ends)])
sys.exit(int(link.recv(16)))
"""

# $1 an empty folder, $2 mounts as "host:inside[:ro]" lines, $3 the folder to work in; the rest is the command.
INSIDE = """
set -e
root=$1; mounts=$2; folder=$3; shift 3
mount -t tmpfs -o mode=755 root "$root"
for entry in /*; do
    if [ -L "$entry" ]; then ln -s "$(readlink "$entry")" "$root$entry"
    elif [ "$entry" = /proc ]; then mkdir "$root/proc"; mount -t proc proc "$root/proc"
    elif [ -d "$entry" ]; then mkdir "$root$entry"; mount --rbind "$entry" "$root$entry"
    fi
done
printf '%s' "$mounts" | while IFS=: read -r host inside how; do
    mkdir -p "$root$inside"
    mount --bind "$host" "$root$inside"
    [ "$how" != ro ] || mount -o remount,bind,ro "$root$inside"
done
exec chroot "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"""


def send(pid, what):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)


class Engine:
    def __init__(self, environment):
        """`environment`: of every container, such as where the bus of the virtual line is."""
        self.folder = tempfile.mkdtemp(prefix="engine.", dir="/var/tmp")
        self.environment = environment
        self.calls = []
        self.lock = threading.Lock()
        self.name = "Docker version 20.10.24, build 297e128"
        self.probe = (0, "20.10.24")
        self.pull = (0, ["ea362f368469: Pulling fs layer", "0123456789ab: Already exists", "ea362f368469: Pull complete"])
        self.here = False                   # is the image fetched
        self.digests = ["reeplayer/camera-sw@" + DIGEST]
        self.containers = {}                # name -> the process that holds it
        address = self.folder + "/socket"
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(address)
        self.server.listen(64)
        with open(self.folder + "/docker", "w") as file:
            file.write(CLI % address)
        os.chmod(self.folder + "/docker", 0o755)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.server.close()
        for name in list(self.containers):
            self.end(name)
        shutil.rmtree(self.folder)

    def of(self, verb):
        with self.lock:
            return [call for call in self.calls if call[0] == verb]

    def processes(self, name):
        """Of a container, from outside."""
        with self.lock:
            held = self.containers.get(name)
        inner = subprocess.run(["pgrep", "-P", str(held.pid)], capture_output=True, text=True, check=False).stdout.split() if held else []
        found = []
        for space in {os.readlink("/proc/%s/ns/pid" % pid) for pid in inner}:
            for pid in os.listdir("/proc"):
                try:
                    if pid.isdigit() and os.readlink("/proc/%s/ns/pid" % pid) == space:
                        found.append(int(pid))
                except OSError:
                    pass
        return found

    def states(self, name):
        """What the kernel says of each process of a container that is not over: {process: "T" where it stands still}. So does one that
        waits for its child of vfork(2), stopped before it became another program; no signal stops that wait."""
        found, parents = {}, {}
        for pid in self.processes(name):
            try:
                with open("/proc/%d/stat" % pid) as file:
                    found[pid], parents[pid] = file.read().rpartition(")")[2].split()[:2]
            except OSError:
                pass
        held = {int(parents[pid]) for pid, state in found.items() if state == "T"}
        return {pid: "T" if state == "D" and pid in held else state for pid, state in found.items() if state not in "ZX"}

    def _hold(self, name):
        """All at once, as the kernel's freezer would: what was forked while the others were stopped is stopped, too."""
        until = time.monotonic() + 5
        while time.monotonic() < until:
            states = self.states(name)
            if set(states.values()) <= {"T"}:
                return bool(states)
            for pid, state in states.items():
                if state != "T":
                    send(pid, signal.SIGSTOP)
            time.sleep(0.002)
        return False

    def end(self, name):
        """As by hand, or for want of memory."""
        with self.lock:
            held = self.containers.pop(name, None)
        if held is None:
            return False
        held.kill()     # its process 1 goes with it, and with that all the others
        held.wait(10)
        return True

    def _serve(self):
        while True:
            try:
                link, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(link,), daemon=True).start()

    def _answer(self, link):
        text, fds, _, _ = socket.recv_fds(link, 1 << 20, 3)
        argv = text.decode().split("\0")
        with self.lock:
            self.calls.append(argv)
        try:
            status = self._do(argv, fds)
        finally:
            for fd in fds:
                os.close(fd)
        try:
            link.sendall(b"%d\n" % status)
        except OSError:
            pass                            # the command line was killed
        link.close()

    def _do(self, argv, fds):
        def say(text, fd=1):
            try:
                os.write(fds[fd], text.encode() + b"\n")
            except BrokenPipeError:
                pass

        if argv[0] == "--version":
            say(self.name)
            return 0
        if argv[0] in ("version", "info"):
            status, text = self.probe
            say(text, 2 if status else 1)
            return status
        if argv[0] == "image":
            if not self.here:
                say("Error: No such image: " + argv[-1], 2)
                return 1
            say("%s %s" % (ID, json.dumps(self.digests)))
            return 0
        if argv[0] == "pull":
            status, lines = self.pull
            for line in lines:
                say(line, 2 if status else 1)
                time.sleep(0.12)
            self.here = status == 0
            return status
        if argv[0] == "rm":
            return 0 if self.end(argv[-1]) else 1
        if argv[0] == "pause":
            return 0 if self._hold(argv[-1]) else 1
        if argv[0] == "unpause":
            found = self.processes(argv[-1])
            for pid in found:       # the first to go on may end the next
                send(pid, signal.SIGCONT)
            return 0 if found else 1
        return self._run(argv, fds)

    def _run(self, argv, fds):
        at, mounts, folder, env, options = 1, [], "/", {}, {}
        while argv[at].startswith("-"):
            word = argv[at]
            alone = word in ("--rm", "--privileged", "-i")
            value = "" if alone else argv[at + 1]
            at += 1 if alone else 2
            if word == "-v":
                mounts.append(value)
            elif word == "-w":
                folder = value
            elif word == "-e":
                env.update([value.split("=", 1)])
            else:
                options[word] = value
        if argv[at] != ID:
            return 125
        root = tempfile.mkdtemp(dir=self.folder)
        command = ["/usr/bin/unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", INSIDE,
                   "container", root, "".join(mount + "\n" for mount in mounts), folder, options["--entrypoint"], *argv[at + 1:]]
        null = os.open("/dev/null", os.O_RDONLY)
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **self.environment, **env}
        name = options["--name"]
        with self.lock:
            if name in self.containers:
                os.write(fds[2], b"docker: Error response from daemon: Conflict. The container name is in use.\n")
                return 125
            held = subprocess.Popen(command, stdin=fds[0] if "-i" in argv[:at] else null, stdout=fds[1], stderr=fds[2], env=environment,
                                    start_new_session=True)
            self.containers[name] = held
        os.close(null)
        for end in fds:     # the container has them; a killed command line leaves it nobody to tell
            os.dup2(os.open("/dev/null", os.O_RDWR), end)
        status = held.wait()
        with self.lock:
            if self.containers.get(name) is held:
                del self.containers[name]
        return status if status >= 0 else 128 - status
