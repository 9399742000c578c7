# SPDX-License-Identifier: Apache-2.0
"""A throw-away QEMU guest: Debian's stock kernel, real USB, real udev, and this machine's root file system as its own, read-only
below a tmpfs, so what is built and installed here runs there as it is. Only the guest's `out` folder outlives it.

    with vm.Guest(cache, out, shares={"bsp": "/srv/bsp"}) as guest:   # shares: 9p tags the command may mount
        status = guest.run(["python3", "something.py"], seconds=600)

`disk` is a raw file that is /dev/vda and outlives the guest too; cut() takes the power away.

The command runs as root. Its output streams to ours, the kernel's goes to out/console.log. /dev/virtio-ports/qmp leads to QEMU's
monitor: a test plugs and unplugs devices from inside. No KVM is needed; without it all is about ten times slower."""
import glob
import os
import shlex
import shutil
import stat
import subprocess
import tempfile

# What is needed to reach the root file system and to speak with the host.
MODULES = ["virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_console"]
PROGRAMS = ["qemu-system-x86_64", "busybox", "modprobe", "depmod", "dpkg-deb", "apt-get", "udevadm"]
# Without KVM: what costs emulation more than it gives. A fork takes three quarters of the time without these.
PLAIN_CPU = "max,la57=off,avx=off,avx2=off,smap=off,smep=off,pku=off"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # the guest's
MOUNT_9P = "trans=virtio,version=9p2000.L,msize=512000"

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
while read -r module; do insmod /modules/$module; done < /modules/order
mkdir -p /lower /changes /new
mount -t 9p -o ro,cache=loose,{options} root /lower
mount -t tmpfs -o size=80% changes /changes
mkdir /changes/upper /changes/work
mount -t overlay -o lowerdir=/lower,upperdir=/changes/upper,workdir=/changes/work root /new
for word in $(cat /proc/cmdline); do
    case $word in vm.out=*) out=${{word#*=}};; vm.modules=*) modules=${{word#*=}};; esac
done
mkdir -p /new/run /new/usr/lib/modules
mount -t tmpfs run /new/run
mkdir -p /new$out /new/dev
mount -t 9p -o rw,{options} out /new$out
mount --bind /new$modules /new/usr/lib/modules
for place in proc sys dev; do mount --move /$place /new/$place; done
mkdir -p /new/dev/pts /new/dev/shm
mount -t devpts devpts /new/dev/pts; mount -t tmpfs shm /new/dev/shm
exec switch_root /new /bin/sh $out/begin
"""

# The power goes off at once: nothing in there is worth a clean end. One compound command, for after it began no line can be read.
BEGIN = """export PATH={path} HOME=/root LANG=C.UTF-8 TERM=dumb
mount -t tmpfs tmp /tmp -o mode=1777
ip link set lo up
mount -t cgroup2 cgroup2 /sys/fs/cgroup
modprobe -a xhci_pci usbcore loop {modules}
modprobe configfs; mount -t configfs configfs /sys/kernel/config
/lib/systemd/systemd-udevd --daemon
udevadm trigger --action=add --subsystem-match=usb --subsystem-match=virtio-ports --subsystem-match=block
udevadm settle -t 60
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
cd {folder}
( {command} ) > /dev/virtio-ports/out 2>&1 < /dev/null
echo $? > {out}/status
sync
{{ echo o > /proc/sysrq-trigger; while :; do :; done; }}
"""


class Missing(Exception):
    """This machine cannot run a guest; says why."""


def cpio(entries):
    """A newc archive of (name, mode, bytes)."""
    out = bytearray()
    for number, (name, mode, content) in enumerate(entries + [("TRAILER!!!", 0, b"")], 1):
        path = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
        for part in (b"070701" + b"".join(b"%08x" % field for field in fields) + path, content):
            out += part + b"\0" * (-len(part) % 4)
    return bytes(out)


def find_kernel(cache):
    """The folder of Debian's kernel, unpacked and not installed; fetched by apt-get at the first use."""
    given = os.environ.get("LINESIDE_VM_KERNEL")
    if given:
        return given
    folder = os.path.join(cache, "kernel")
    if os.path.exists(folder):
        return folder
    listed = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True, check=False).stdout
    names = [line.split()[-1] for line in listed.splitlines() if "Depends: linux-image-" in line]
    if not names:
        raise Missing("apt knows no linux-image-amd64 (apt-get update), and LINESIDE_VM_KERNEL names no unpacked one")
    os.makedirs(cache, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as half:
        done = subprocess.run(["apt-get", "-q", "download", names[0]], cwd=half, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Missing("apt-get cannot download %s: %s" % (names[0], done.stderr.strip()[-200:]))
        subprocess.run(["dpkg-deb", "-x", glob.glob(half + "/*.deb")[0], half + "/tree"], check=True)
        subprocess.run(["depmod", "-b", half + "/tree", names[0].split("linux-image-")[1]], check=True)
        os.rename(half + "/tree", folder)
    return folder


def make_initramfs(kernel, version, path):
    files = []
    for module in MODULES:  # in the order of their needs, each once
        shown = subprocess.run(["modprobe", "-d", kernel, "-S", version, "--show-depends", module], capture_output=True, text=True,
                               check=True).stdout
        files += [line.split()[1] for line in shown.splitlines() if line.startswith("insmod") and line.split()[1] not in files]
    entries = [(name, stat.S_IFDIR | 0o755, b"") for name in ("bin", "modules", "proc", "sys", "dev")]
    contents = {"init": (0o755, INIT.format(options=MOUNT_9P).encode()),
                "modules/order": (0o644, "".join(os.path.basename(name) + "\n" for name in files).encode())}
    for name, mode, source in [("bin/busybox", 0o755, shutil.which("busybox", path=PATH))] + [("modules/" + os.path.basename(f), 0o644, f) for f in files]:
        with open(source, "rb") as file:
            contents[name] = (mode, file.read())
    entries += [(name, stat.S_IFREG | mode, content) for name, (mode, content) in contents.items()]
    with open(path, "wb") as file:
        file.write(cpio(entries))


def has_kvm():
    # /dev/kvm alone is no proof: some hosts have it and hang on any ordinary kernel.
    with open("/proc/cpuinfo", encoding="ascii") as file:
        words = set(file.read().split())
    return bool(words & {"vmx", "svm"}) and os.access("/dev/kvm", os.W_OK)


class Guest:
    def __init__(self, cache, out, shares=None, memory=3072, processors=1, disk=None, modules=(), devices=(), parameters=""):
        """modules: what the guest loads besides what it boots from; devices: more arguments of QEMU; parameters: more of them for the kernel."""
        missing = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
        if missing:
            raise Missing("not installed: " + ", ".join(missing))
        self.out, self.shares, self.memory, self.processors = os.path.abspath(out), shares or {}, memory, processors
        self.modules, self.devices, self.parameters = list(modules), list(devices), parameters
        if disk:
            self.modules += ["virtio_blk", "ext4"]
            # The host's page cache outlives QEMU: what the guest's kernel handed over is there after a cut, and no flush need wait for the host's disk.
            self.devices += ["-drive", "file=%s,format=raw,if=none,id=disk,cache=unsafe" % os.path.abspath(disk),
                             "-device", "virtio-blk-pci,drive=disk"]
        os.makedirs(self.out, exist_ok=True)
        self.kernel = os.path.abspath(find_kernel(os.path.abspath(cache)))
        self.version = os.path.basename(glob.glob(self.kernel + "/lib/modules/*")[0])
        self.initramfs = os.path.join(self.out, "initramfs")
        make_initramfs(self.kernel, self.version, self.initramfs)
        self.qemu = self.copier = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut()

    def cut(self):
        """The power is off, now. What the command told is on our stdout."""
        if self.qemu:
            if self.qemu.poll() is None:
                self.qemu.kill()
            self.qemu.wait()
            self.copier.wait()

    def run(self, command, seconds):
        """The command's exit status; AssertionError where there is none."""
        self.start(command)
        return self.wait(seconds)

    def start(self, command):
        with open(self.out + "/begin", "w", encoding="utf-8") as file:
            file.write(BEGIN.format(path=PATH, folder=shlex.quote(os.getcwd()), command=shlex.join(command), out=shlex.quote(self.out),
                                    modules=" ".join(self.modules)))
        accelerated = ["-accel", "kvm", "-cpu", "host"] if has_kvm() else ["-accel", "tcg,thread=multi,tb-size=512", "-cpu", PLAIN_CPU]
        share = lambda tag, path, more: ["-virtfs", "local,path=%s,mount_tag=%s,security_model=none%s" % (path, tag, more)]
        reader, writer = os.pipe()  # QEMU opens it by name; our own stdout may be anything
        arguments = ["qemu-system-x86_64", "-M", "q35", *accelerated, "-smp", str(self.processors), "-m", str(self.memory),
                     "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                     "-kernel", "%s/boot/vmlinuz-%s" % (self.kernel, self.version), "-initrd", self.initramfs,
                     "-append", "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check "
                     "random.trust_cpu=on net.ifnames=0 vm.out=%s vm.modules=%s/lib/modules %s" % (self.out, self.kernel, self.parameters),
                     "-serial", "file:%s/console.log" % self.out, "-device", "virtio-serial-pci",
                     "-chardev", "file,id=out,path=/dev/fd/%d,append=on" % writer, "-device", "virtserialport,chardev=out,name=out",
                     # The monitor's two ends, joined inside QEMU: one is the monitor's, the other the guest's port.
                     "-chardev", "socket,id=monitor,path=%s/monitor,server=on,wait=off" % self.out, "-mon", "chardev=monitor,mode=control",
                     "-chardev", "socket,id=qmp,path=%s/monitor" % self.out, "-device", "virtserialport,chardev=qmp,name=qmp",
                     *share("root", "/", ",readonly=on,multidevs=remap"), *share("out", self.out, ""),
                     "-device", "qemu-xhci,id=xhci,p2=15,p3=4", *self.devices]
        for tag, path in self.shares.items():
            arguments += share(tag, path, ",readonly=on,multidevs=remap")
        status = self.out + "/status"
        if os.path.exists(status):
            os.unlink(status)
        self.qemu = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, pass_fds=(writer,))
        os.close(writer)
        self.copier = subprocess.Popen(["cat"], stdin=reader)
        os.close(reader)

    def wait(self, seconds):
        """The command's exit status; AssertionError where there is none."""
        try:
            self.qemu.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError("the guest did not end within %d s; its kernel's log is %s/console.log" % (seconds, self.out)) from None
        finally:
            self.cut()
        status = self.out + "/status"
        if not os.path.exists(status):
            raise AssertionError("the guest ended without a word; its kernel's log is %s/console.log" % self.out)
        with open(status, encoding="ascii") as file:
            return int(file.read())
