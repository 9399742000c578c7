#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what deploy/ installs: systemd-analyze verify, scoped udev rules, users, paths that agree with each other.

Exit 0 fine, 1 with a line per complaint. A check whose tool is missing is skipped with a sentence.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
RULES = "udev/99-lineside.rules"
# What the rules may run.
RUNS = ("/sbin/ip link set dev $name up", "/sbin/ip address add 192.168.55.100 peer 192.168.55.1/32 dev $name")
# The settings of the kernel's that they may change, of their own interfaces.
SETTINGS = (("{net/ipv6/conf/$kernel/disable_ipv6}", "0"), ("{net/ipv4/conf/$kernel/rp_filter}", "2"))
UNITS = ("lineside-helper.service", "lineside-stationd.service")
NEVER = ("7045",)
complaints = []


def complain(text):
    complaints.append(text)
    print(text)


def read(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def check_units():
    if not shutil.which("systemd-analyze"):
        print("skipped: systemd-analyze is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        for unit in UNITS:  # the programs are not installed here: /bin/true stands in for them
            text = re.sub(r"/usr/libexec/lineside/lineside-\w+", "/bin/true", read("systemd/" + unit))
            text = text.replace("User=lineside\nGroup=lineside\n", "")
            with open(os.path.join(folder, unit), "w", encoding="utf-8") as file:
                file.write(text)
        done = run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no"] +
                   [os.path.join(folder, unit) for unit in UNITS])
        ours = [line for line in (done.stdout + done.stderr).splitlines() if "lineside" in line]
        if done.returncode != 0 or ours:
            complain("systemd-analyze verify: %d %s" % (done.returncode, "; ".join(ours) or done.stderr.strip()))
        done = run(["systemd-analyze", "security", "--offline=true", "--threshold=25",
                    os.path.join(folder, "lineside-stationd.service")])
        if done.returncode != 0 and "nrecognized" not in done.stderr and "nknown" not in done.stderr:
            complain("systemd-analyze security: " + (done.stdout.strip().splitlines() or [done.stderr])[-1])


def rule_lines():
    for number, line in enumerate(read(RULES).splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line


def check_rules():
    """What `udevadm verify` (systemd 254) checks and what it cannot: that the rules touch our ids only."""
    item = re.compile(r'^([A-Z_]+)(\{[^}]+\})?(==|!=|=|\+=|:=)"([^"]*)"$')
    known = {"ACTION", "SUBSYSTEM", "SUBSYSTEMS", "ENV", "ATTR", "ATTRS", "GOTO", "LABEL", "MODE", "GROUP", "RUN", "TEST", "SYSCTL"}
    labels, gotos = set(), set()
    usb = set()
    for number, line in rule_lines():
        match = {}
        assigns = []
        for part in re.split(r",\s*", line):
            parsed = item.match(part)
            if not parsed or parsed.group(1) not in known:
                complain("%s:%d: cannot read '%s'" % (RULES, number, part))
                continue
            key, sub, operator, value = parsed.groups()
            name = key + (sub or "")
            if operator in ("==", "!="):
                match[name] = (operator, value)
            elif key == "GOTO":
                gotos.add(value)
            elif key == "LABEL":
                labels.add(value)
            else:
                assigns.append(name)
                if key == "SYSCTL" and (sub, value) not in SETTINGS:
                    complain("%s:%d: sets '%s' to '%s'" % (RULES, number, name, value))
                if key == "RUN" and value not in RUNS:
                    complain("%s:%d: runs '%s'" % (RULES, number, value))
        if assigns:
            vendor = match.get("ATTR{idVendor}") or match.get("ATTRS{idVendor}")
            product = match.get("ATTR{idProduct}") or match.get("ATTRS{idProduct}")
            if vendor != ("==", "0955") or not product or product[0] != "==" or "*" in product[1]:
                complain("%s:%d: assigns %s without naming 0955 and its products" % (RULES, number, ", ".join(assigns)))
                continue
            ids = set(product[1].split("|"))
            if ids & set(NEVER):
                complain("%s:%d: touches %s" % (RULES, number, ids & set(NEVER)))
            if match.get("SUBSYSTEM") == ("==", "usb"):
                usb |= ids
    if gotos - labels:
        complain("%s: no LABEL for %s" % (RULES, gotos - labels))
    models = tomllib.loads(read("models.toml"))
    wanted = {pid for model in models["model"] for pid in model["pids"]}
    wanted |= set(models["gadget"]["pids"]) | set(models["initrd"]["pids"])
    if usb != wanted:
        complain("%s and models.toml differ by %s" % (RULES, sorted(usb ^ wanted)))
    if {row["pid"] for row in models["never"]} != set(NEVER):
        complain("models.toml: [[never]] changed; check %s" % RULES)
    if shutil.which("udevadm") and run(["udevadm", "verify", "--help"]).returncode == 0:
        done = run(["udevadm", "verify", os.path.join(HERE, RULES)])
        if done.returncode != 0:
            complain("udevadm verify: " + done.stdout + done.stderr)
    else:
        print("skipped: this host's udevadm cannot verify rules (systemd 254 can)")


def check_config_formats():
    for tool, name in (("systemd-sysusers", "sysusers.d/lineside.conf"), ("systemd-tmpfiles", "tmpfiles.d/lineside.conf")):
        if not shutil.which(tool):
            print("skipped: %s is not installed" % tool)
            continue
        with tempfile.TemporaryDirectory() as root:
            for folder in ("etc", "sys", "run", "usr/libexec"):
                os.makedirs(os.path.join(root, folder))
            with open(os.path.join(root, "etc/passwd"), "w", encoding="utf-8") as file:
                file.write("root:x:0:0:root:/root:/bin/sh\n")
            with open(os.path.join(root, "etc/group"), "w", encoding="utf-8") as file:
                file.write("root:x:0:\n")
            command = [tool, "--root=" + root, os.path.join(HERE, name)]
            if tool == "systemd-tmpfiles":
                command.insert(1, "--create")
            done = run(command)
            if "Failed to parse" in done.stderr or "Unknown" in done.stderr or "nvalid" in done.stderr:
                complain("%s: %s" % (tool, done.stderr.strip()))
            if tool == "systemd-sysusers" and os.geteuid() == 0:
                with open(os.path.join(root, "etc/passwd"), encoding="utf-8") as file:
                    users = {line.split(":")[0] for line in file}
                if not {"lineside", "lineside-worker"} <= users:
                    complain("%s made only %s: %s" % (tool, users, done.stderr.strip()))


def check_agreement():
    helper = tomllib.loads(read("etc/helper.toml"))
    service, station = read("systemd/lineside-helper.service"), read("systemd/lineside-stationd.service")
    rules = read("sysusers.d/lineside.conf")
    for user in (helper["service_user"], helper["worker_user"]):
        if not re.search(r"^u %s\b" % re.escape(user), rules, re.M):
            complain("sysusers.d makes no user %s" % user)
    if not helper["socket"].startswith("/run/%s/" % re.search(r"RuntimeDirectory=(\S+)", service).group(1)):
        complain("helper.toml: socket lies outside the helper's RuntimeDirectory")
    for key in ("lanes", "images", "cache"):
        if helper[key].removeprefix("/var/lib/") not in re.search(r"StateDirectory=(.+)", service).group(1).split():
            complain("helper.toml: %s is no StateDirectory of the helper" % key)
    if helper["cgroup_root"] != "/sys/fs/cgroup/system.slice/lineside-helper.service/jobs" or "Delegate=yes" not in service:
        complain("helper.toml: cgroup_root is not what the unit delegates")
    if "/var/lib/lineside" not in helper["hide"]:
        complain("helper.toml does not hide the service's data")
    for wanted in ("NoNewPrivileges=yes", "CapabilityBoundingSet=\n", "ProtectSystem=strict", "User=lineside"):
        if wanted not in station:
            complain("lineside-stationd.service: no " + wanted.strip())


def main():
    check_units()
    check_rules()
    check_config_formats()
    check_agreement()
    print("deploy files: %d complaints" % len(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
