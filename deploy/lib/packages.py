# SPDX-License-Identifier: Apache-2.0
"""What of deploy/packages.txt is missing on this host, and installing it."""
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LIST = os.path.join(HERE, "../packages.txt")


class Missing(Exception):
    """Packages are missing and may not, or could not, be installed."""


def wanted(groups):
    names = []
    with open(LIST, encoding="utf-8") as file:
        for line in file:
            words = line.split("#")[0].split()
            if words and words[1] in groups:
                names.append(words[0])
    return names


def node_is_new_enough():
    if not shutil.which("node") or not shutil.which("npm"):
        return False
    text = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", text)
    return bool(found) and int(found.group(1)) >= 18


def missing(groups):
    groups = set(groups)
    if "ui" in groups and node_is_new_enough():
        groups.discard("ui")
    names = wanted(groups)
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],
                          capture_output=True, text=True, check=False)
    there = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}
    # pkg-config of another release does as well as pkgconf
    if shutil.which("pkg-config"):
        there.add("pkgconf")
    return [name for name in names if name not in there]


def as_root(command):
    if os.geteuid() == 0:
        return command
    if not shutil.which("sudo"):
        raise Missing("this needs root, or sudo")
    return ["sudo", *command]


# Packages that begin to serve the network when they are installed: (their units, what gives them back). What is tested starts its own.
SERVERS = {"openssh-server": (["ssh.service", "ssh.socket"], "ssh"), "snmpd": (["snmpd.service"], "snmpd")}


def keep_servers_down(names):
    """Installing these packages must open no port of this host's."""
    for name in names:
        if name in SERVERS and os.path.isdir("/run/systemd/system"):
            units, own = SERVERS[name]
            subprocess.run(as_root(["systemctl", "mask", *units]), capture_output=True, check=False)
            print("%s: the host's own stays off; `systemctl unmask %s` gives it back" % (name, own), file=sys.stderr)


def install(names):
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    keep_servers_down(names)
    print("installing Debian packages: " + " ".join(names), file=sys.stderr, flush=True)
    for command in (quiet + ["update"], quiet + ["install", "-y", "--no-install-recommends", *names]):
        done = subprocess.run(as_root(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0 and "install" in command:
            raise Missing("apt-get failed:\n" + "\n".join(done.stdout.splitlines()[-15:]))


def ensure(groups, may_install):
    """Makes the groups' packages be there. The dashboard's are not worth a failure: returns whether it can be built."""
    lacking = missing(groups)
    if not lacking:
        return True
    if not may_install:
        raise Missing("missing Debian packages: " + " ".join(lacking))
    needed = [name for name in lacking if name not in wanted({"ui"})]
    if needed:
        install(needed)
    extra = [name for name in lacking if name not in needed]
    if extra:
        try:
            install(extra)
        except Missing as error:
            print("the dashboard cannot be built, the station will serve its plain page: %s" % error, file=sys.stderr)
            return False
    return True
