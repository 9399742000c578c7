# SPDX-License-Identifier: Apache-2.0
"""A checkout in a folder that only its owner may enter (root's home, a private temporary folder) is out of reach of the
users `lineside` and `lineside-worker`. Then this process and its children get a mount namespace of their own in which
checkout and data stand below the run folder; nobody's permissions are changed, and nothing stays mounted."""
import ctypes
import os
import subprocess

import trees

CLONE_NEWNS = 0x20000


def _reachable(path, user):
    done = subprocess.run(["/usr/bin/setpriv", "--reuid=" + user, "--regid=" + user, "--clear-groups", "/usr/bin/test", "-x", path],
                          check=False)
    return done.returncode == 0


def _bind(path, place):
    os.makedirs(place)
    subprocess.run(["mount", "--bind", path, place], check=True)
    return place


def make_reachable(place, user):
    if _reachable(place.data, user) and _reachable(place.binaries, user):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare of the mount namespace")
    if subprocess.run(["mount", "--make-rprivate", "/"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        # In a chroot "/" is no mount point: then the run folder becomes one that hides what is mounted below it.
        subprocess.run(["mount", "--bind", place.run, place.run], check=True)
        subprocess.run(["mount", "--make-private", place.run], check=True)
    data_in_source = os.path.relpath(place.data, place.source)
    source = place.source
    place.source = _bind(source, os.path.join(place.run, "checkout"))
    place.binaries = os.path.join(place.source, os.path.relpath(place.binaries, source))
    if data_in_source.startswith(".."):
        place.data = _bind(place.data, os.path.join(place.run, "data"))
    else:
        place.data = os.path.join(place.source, data_in_source)


def undo(place):
    """What is mounted below the run folder is somebody's checkout: the folder must not be removed before this was done."""
    for point in trees.mounts_below(place.run):
        subprocess.run(["umount", "--lazy", point], check=False)
    for name in ("data", "checkout"):
        if os.path.isdir(os.path.join(place.run, name)):
            os.rmdir(os.path.join(place.run, name))
