# SPDX-License-Identifier: Apache-2.0
"""A guest whose power can be cut: QEMU without KVM, Debian's kernel, an initramfs with nothing but the store driver.

The disk is a raw file. What the guest's kernel has in its page cache dies with QEMU; what it has handed to the disk is in the
file, flushed or not, because the host goes on. So a cut shows a commit that was told before it left the guest (--break
no-fsync); that a write is on its way but not flushed is shown by the replay of log_writes.py instead."""
import os
import select
import shutil
import stat
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../../.."))
sys.path.insert(0, os.path.join(ROOT, "tests/vm/lib"))
import vm  # noqa: E402

BINARIES = os.path.join(ROOT, "build/release/bin")
MODULES = ["virtio_pci", "virtio_blk", "virtio_console", "ext4", "dm_log_writes"]
MIB = 1 << 20
DISK = 48 * MIB
LOG = 256 * MIB

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
while read -r module; do insmod /modules/$module; done < /modules/order
until [ -c /dev/vport*p1 ] && [ -b /dev/vda ]; do sleep 0.05; done
out=$(echo /dev/vport*p1)
disk=/dev/vda
if [ -b /dev/vdb ]; then
    mkdir -p /dev/mapper
    echo "0 $(cat /sys/block/vda/size) log-writes /dev/vda /dev/vdb" | dmsetup create log --noudevsync && disk=/dev/dm-0
fi
mount -t ext4 $disk /data || echo "no /data" > $out
export LINESIDE_BREAK={broken}
if [ $disk = /dev/dm-0 ]; then
    # A mark stands behind what was confirmed: at each flush after it, the lease must be there. It must be one word.
    /driver /data/store {options} 2>&1 | while read -r word serial unit; do
        dmsetup message log 0 mark "$word:$serial:$unit"
        echo "$word $serial $unit" > $out
    done
    umount /data
    dmsetup remove --noudevsync log
else
    /driver /data/store {options} > $out 2>&1
fi
echo o > /proc/sysrq-trigger
while :; do sleep 1; done
"""


def libraries(program):
    """What the dynamic linker will open, itself included."""
    shown = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return sorted({word for line in shown.splitlines() for word in line.split() if word.startswith("/")})


def make_initramfs(kernel, version, path, driver, broken, options):
    dmsetup = shutil.which("dmsetup", path=vm.PATH)
    if not dmsetup:
        raise vm.Missing("not installed: dmsetup")
    modules = []
    for module in MODULES:
        shown = subprocess.run(["modprobe", "-d", kernel, "-S", version, "--show-depends", module], capture_output=True, text=True,
                               check=True).stdout
        modules += [line.split()[1] for line in shown.splitlines() if line.startswith("insmod") and line.split()[1] not in modules]
    files = {"init": (0o755, INIT.format(broken=broken or "nothing", options=options).encode()),
             "modules/order": (0o644, "".join(os.path.basename(name) + "\n" for name in modules).encode())}
    sources = [("driver", driver), ("bin/dmsetup", dmsetup), ("bin/busybox", shutil.which("busybox", path=vm.PATH))]
    sources += [("modules/" + os.path.basename(name), name) for name in modules]
    sources += [(name[1:], name) for program in (driver, dmsetup) for name in libraries(program)]
    for name, source in sources:
        with open(source, "rb") as file:
            files[name] = (0o755, file.read())
    folders = {"data", "proc", "sys", "dev"}
    for name in files:
        while os.path.dirname(name):
            name = os.path.dirname(name)
            folders.add(name)
    entries = [(name, stat.S_IFDIR | 0o755, b"") for name in sorted(folders)]
    entries += [(name, stat.S_IFREG | mode, content) for name, (mode, content) in files.items()]
    with open(path, "wb") as file:
        file.write(vm.cpio(entries))


def make_disk(path, load):
    """An ext4 with a database of `load` free serials, made by the driver itself."""
    tree = path + ".tree"
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(tree + "/store")
    subprocess.run([BINARIES + "/lineside-store-driver", tree + "/store", "--leases", "0", "--load", str(load)], check=True)
    with open(path, "wb") as file:
        file.truncate(DISK)
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", "-d", tree, path], check=True)
    shutil.rmtree(tree)


class Guest:
    """One power-on. `lines` are what the driver has told so far; each was read whole."""

    def __init__(self, kernel, initramfs, disk, console, log=None):
        version = os.path.basename(os.listdir(kernel + "/lib/modules")[0])
        disks = []
        for name, file in (("disk", disk), ("log", log)):
            if file:
                disks += ["-drive", "file=%s,format=raw,if=none,id=%s,cache=writeback" % (file, name),
                          "-device", "virtio-blk-pci,drive=" + name]
        reader, writer = os.pipe()
        accelerated = ["-accel", "kvm", "-cpu", "host"] if vm.has_kvm() else ["-accel", "tcg", "-cpu", "max,la57=off"]
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "q35", *accelerated, "-m", "512", "-nodefaults", "-no-user-config", "-display", "none",
             "-no-reboot", "-kernel", "%s/boot/vmlinuz-%s" % (kernel, version), "-initrd", initramfs,
             "-append", "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check random.trust_cpu=on",
             "-serial", "file:" + console, *disks, "-device", "virtio-serial-pci",
             "-chardev", "file,id=out,path=/dev/fd/%d,append=on" % writer, "-device", "virtserialport,chardev=out,name=out"],
            stdin=subprocess.DEVNULL, pass_fds=(writer,))
        os.close(writer)
        self.out = reader
        self.text = b""

    def read(self, seconds):
        """Waits until something was told (True) or the time is over or nothing more will come (False)."""
        if not select.select([self.out], [], [], max(seconds, 0))[0]:
            return False
        piece = os.read(self.out, 65536)
        self.text += piece
        return bool(piece)

    @property
    def lines(self):
        return self.text.decode("ascii", "replace").split("\n")[:-1]

    def cut(self):
        """The power is off, now. All that was told is read."""
        self.process.kill()
        self.process.wait()
        while self.read(1):
            pass
        os.close(self.out)

    def wait(self, seconds):
        """Until it switched itself off."""
        until = time.monotonic() + seconds
        while self.read(until - time.monotonic()):
            pass
        try:
            self.process.wait(max(until - time.monotonic(), 1))
        except subprocess.TimeoutExpired:
            self.cut()
            raise AssertionError("the guest did not end within %d s" % seconds) from None
        os.close(self.out)
