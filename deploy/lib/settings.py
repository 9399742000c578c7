# SPDX-License-Identifier: Apache-2.0
"""The configuration files of a run: station.toml, recipes.toml with the example profile of seed A, helper.toml for the root helper."""
import json
import os

# What a booted virtual unit has changed or hidden before the proof of image (tests/virtual-line/README.md, "Board OS").
MUTABLE = ["/dev/", "/proc/", "/sys/", "/run/", "/tmp/", "/mnt/", "/lost+found/",
           "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ed25519_key.pub"]
BOARD = "jetson-xavier-nx-devkit-emmc"
PROFILE = "crc-nx"
POOL = "cameras"


def quoted(value):
    """A TOML basic string; JSON's escapes are a part of TOML's."""
    return json.dumps(str(value), ensure_ascii=False)


def seconds(at_speed_one, speed, least):
    """A deadline of the real world at this speed, but never so short that a busy host breaks it."""
    return max(least, int(at_speed_one / speed + 0.999))


def recipe_begin(speed, silence_s=None):
    """The steps until the image is proven."""
    return f"""
[[recipe]]
id = "camera"
[[recipe.step]]
use = "flash"
silence_s = {silence_s or seconds(60, speed, 25)}
total_s = {seconds(1800, speed, 400)}
[[recipe.step]]
use = "wait-unit"
boot_s = {seconds(300, speed, 45)}
refused_s = {seconds(60, speed, 15)}
[[recipe.step]]
use = "prove-image"
"""


def recipe(speed, silence_s=None):
    boot = seconds(300, speed, 45)
    return recipe_begin(speed, silence_s) + f"""
[[recipe.step]]
use = "set-nvme"
[[recipe.step]]
use = "set-serial"
[[recipe.step]]
use = "set-wifi-ap"
ssid = "Reeplayer"
wifi_ap_password = "Reeplayer"
ap_address = "10.0.0.1"
[[recipe.step]]
use = "set-wifi-station"
ssid = "Guest"
[[recipe.step]]
use = "install-mcutool"
[[recipe.step]]
use = "install-camera"
version = "2.11.0"
[[recipe.step]]
use = "reboot-and-wait"
boot_s = {boot}
down_s = {seconds(60, speed, 30)}
[[recipe.step]]
use = "read-serial"
"""


def station_toml(place, slots, speed, port, jobs, more=None):
    """`slots`: (label, port) pairs. `place` has the folders, see Bench. `more`: pass_stays_s, the policy of [release], the text of [web],
    of [limits], `slot`: by label what stands behind the slot."""
    more = more or {}
    lines = [f"""# Written by deploy/run; it is written anew at each start.
[station]
id = {quoted(more.get("id", "virtual-line"))}
name = {quoted(more.get("name", "Virtual line"))}
use = {quoted(more.get("use", "demonstration"))}
data = {quoted(place.station)}
recipes = {quoted(place.recipes)}
key_file = {quoted(os.path.join(place.key, "station.key"))}
models = {quoted(place.models)}
helper_socket = {quoted(place.helper_socket)}
images = {quoted(place.images)}
unix_socket = {quoted(place.station_socket)}
ui = {quoted(place.ui)}
port = {port}
pass_stays_s = {more.get("pass_stays_s", 3)}

[limits]
jobs = {jobs}
{more.get("limits", "")}
[release]
policy = {quoted(more.get("release", "none"))}
{more.get("web", "")}"""]
    for label, path in slots:
        lines.append(f'\n[[slot]]\nlabel = {quoted(label)}\nport = {quoted(path)}\n' + more.get("slot", {}).get(label, ""))
    return "".join(lines)


def profile(name, text, model, tree, recipe_name, speed, expect=""):
    return f"""
[[profile]]
id = "{name}"
name = "{text}"
model = "{model}"
board = "{BOARD}"
rootdev = "mmcblk0p1"
bsp = {quoted(tree)}
recipe = "{recipe_name}"
boot_s = {seconds(300, speed, 45)}
[profile.image]
release = "stand-in 32.7.4"
mutable = {json.dumps(MUTABLE)}
[profile.expect]
id = "3668"
{expect}[profile.ssh]
user = "reeplayer"
password = "reeplayer"
"""


def recipes_toml(place, speed, more=None):
    """A file of its own, so that a technician may edit it on the page. `more`: silence_s of the flash, another recipe, text to stand behind."""
    more = more or {}
    lines = ["# Written by deploy/run, until somebody changes it on the page.\n",
             more.get("recipe") or recipe(speed, more.get("silence_s"))]
    lines.append(profile(PROFILE, "Camera, Xavier NX", "xavier-nx", place.bsp, "camera", speed, 'sku = ["0001"]\n'))
    return "".join(lines) + more.get("also", "")


def package_profile(way, model, tree, speed, more_steps):
    """A recipe and a profile `<way>` for a finished package."""
    begin = recipe_begin(speed).replace('id = "camera"', f'id = "{way}"').replace('use = "flash"', f'use = "flash"\nway = "{way}"', 1)
    return begin + more_steps + profile(way, "Camera by " + way, model, tree, way, speed)


def helper_toml(place, bsp, environment, cgroup_root, more=None):
    """`bsp`: profile id -> tree. `more`: switch_ports, those whose power the station may switch."""
    lines = [f"""# Written by deploy/run; it is written anew at each start.
socket = {quoted(place.helper_socket)}
service_user = "lineside"
worker_user = "lineside-worker"
methods = {quoted(place.methods)}
lanes = {quoted(place.lanes)}
images = {quoted(place.images)}
cache = {quoted(place.cache)}
hide = {json.dumps([path for path in (place.key, place.station, place.setup) if path])}
"""]
    keep = [path for path in (place.methods, place.lanes, place.images, place.cache, place.binaries, *bsp.values())
            if path.startswith("/tmp/")]
    if keep:
        lines.append(f"keep = {json.dumps(keep)}\n")
    if more and more.get("switch_ports"):
        lines.append(f"switch_ports = {json.dumps(more['switch_ports'])}\n")
    if cgroup_root:
        lines.append(f"cgroup_root = {quoted(cgroup_root)}\n")
    lines.append("\n[environment]\n")
    lines += [f"{name} = {quoted(value)}\n" for name, value in environment.items()]
    for profile, tree in bsp.items():
        lines.append(f"\n[profile.{profile}]\nbsp = {quoted(tree)}\n")
    return "".join(lines)
