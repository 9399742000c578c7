# SPDX-License-Identifier: Apache-2.0
"""What public copies of the BSP tree leave out because it is large, made up: enough for NVIDIA's scripts to go through, nothing that boots.
Laid over the tree as a layer; the tree itself is only read."""
import gzip
import hashlib
import os
import shutil

import vm

RELEASE = "# R32 (release), REVISION: 7.4, GCID: 33514132, BOARD: t186ref, EABI: aarch64, DATE: Fri Jun  9 04:25:08 UTC 2023\n"
EXTLINUX = """TIMEOUT 30
DEFAULT primary
MENU TITLE L4T boot options
LABEL primary
      MENU LABEL primary kernel
      LINUX /boot/Image
      INITRD /boot/initrd
      APPEND ${cbootargs} quiet root=/dev/mmcblk0p1 rw rootwait rootfstype=ext4 console=ttyTCU0,115200n8
"""
FOLDER, FILE = 0o040755, 0o100755


def _kernel():
    # flash.sh looks for the version among the strings.
    return b"\0" * 64 + b"Linux version 4.9.337-tegra (placeholder) #1 SMP PREEMPT\0" + bytes(range(256)) * 4096


def _initrd():
    """What the recovery image is made of: flash.sh puts its own files into it."""
    entries = [(name, FOLDER, b"") for name in ("bin", "dev", "etc", "etc/ssh", "lib", "lib/aarch64-linux-gnu", "root", "sbin", "usr", "usr/sbin")]
    # NVIDIA's signing wants more than a few hundred bytes, also compressed.
    busy = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(2048))
    entries += [("bin/busybox", FILE, busy), ("init", FILE, b"#!/bin/bash\n"), ("sbin/dhclient-script", FILE, b"#!/bin/bash\n"), ("etc/ssh/sshd_config", FILE, b"Port 22\n")]
    return gzip.compress(vm.cpio(entries), mtime=0)


def lay_over(bsp, layer):
    """Makes in `layer` what `bsp` lacks. Returns the names that were made up."""
    wanted = {"kernel/Image": _kernel, "bootloader/l4t_initrd.img": _initrd,
              "rootfs/boot/extlinux/extlinux.conf": EXTLINUX.encode, "rootfs/etc/nv_tegra_release": RELEASE.encode,
              "rootfs/etc/passwd": b"root:x:0:0:root:/root:/bin/bash\n".strip, "rootfs/bin/true": b"\x7fELF placeholder".strip,
              "rootfs/boot/Image": _kernel, "rootfs/boot/initrd": _initrd,
              "rootfs/lib/aarch64-linux-gnu/libc.so.6": b"\x7fELF placeholder".strip}
    whole = os.path.exists(os.path.join(bsp, "rootfs/etc/nv_tegra_release"))
    made = []
    for name, content in wanted.items():
        if os.path.exists(os.path.join(bsp, name)) or (whole and name.startswith("rootfs/")):
            continue
        path = os.path.join(layer, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content())
        os.chmod(path, 0o755)
        made.append(name)
    return made


def clear(layer):
    shutil.rmtree(layer, ignore_errors=True)
    os.makedirs(layer)
