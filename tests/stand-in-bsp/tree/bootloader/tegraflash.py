#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stand-in for tegraflash.py of L4T R32.7.4, written anew from what the real one was seen to print and do.

It runs the compiled tools as children, reads them one byte at a time and prints them again behind `[ %8.4f ] `, with
the time of the last newline. It works in a folder named after its pid, full of links into bootloader/: killed with
SIGKILL it leaves that folder, and the tool, behind. Firmware files are padded in place through those links.
"""
import argparse
import hashlib
import os
import shutil
import struct
import subprocess
import sys
import time
import uuid
import xml.etree.ElementTree
import zlib

START = time.time()
SPEED = float(os.environ.get("STAND_IN_SPEED", "60") or "60")
HERE = os.path.dirname(os.path.abspath(__file__))
SECTOR = 512
LYING_TOOL = 77  # understood by the stand-in flash.sh only


class Failure(Exception):
    pass


def nap(seconds):
    time.sleep(seconds / SPEED if SPEED > 0 else seconds)


def prefix(moment):
    return "[ %8.4f ] " % moment


def say(text=""):
    sys.stdout.write(prefix(time.time() - START) + text + "\n")
    sys.stdout.flush()


def relay(process):
    """Prints what the tool prints, byte by byte, as the real script does."""
    fresh, moment = True, time.time() - START
    while process.poll() is None:
        char = process.stdout.read(1).decode("utf-8")
        if not char:
            continue
        if fresh:
            sys.stdout.write(prefix(moment))
            fresh = False
        sys.stdout.write(char)
        if char == "\n":
            moment = time.time() - START
        if char in "\r\n":
            fresh = True
        sys.stdout.flush()
    rest = process.communicate()[0]
    if rest:
        sys.stdout.write(rest.decode("utf-8"))
        sys.stdout.flush()


def run(*command, quiet=False, may_fail=False, announce=True):
    if announce and not quiet:
        say(" ".join(command))
    process = subprocess.Popen([os.path.join(HERE, command[0]), *command[1:]], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
    if quiet:
        text = process.communicate()[0].decode("utf-8", "replace")
    else:
        relay(process)
        text = ""
    if process.returncode != 0 and not may_fail:
        raise Failure("Return value %d\nCommand %s" % (process.returncode, " ".join(command)))
    return text if quiet else process.returncode


def pad_in_place(name, boundary=16):
    """The real one grows firmware files in bootloader/ itself, through the links of its work folder."""
    size = os.stat(name).st_size
    if size % boundary:
        with open(name, "ab") as file:
            file.write(bytes(boundary - size % boundary))


def signed_name(name):
    stem, dot, ending = name.rpartition(".")
    return stem + "_sigheader" + dot + ending + ".encrypt"


def sign_file(name):
    """A header before the file, as long as the real one's; what is in it only has to follow from the file."""
    with open(name, "rb") as file:
        content = file.read()
    with open(signed_name(name), "wb") as file:
        file.write((b"NVDA" + hashlib.sha256(content).digest()).ljust(4096, b"\0") + content)


class Layout:
    """flash.xml: the devices, and every partition with its place on the one disk of the stand-in board."""

    def __init__(self, path):
        self.devices = []
        root = xml.etree.ElementTree.parse(path).getroot()
        for device in root.findall("device"):
            partitions = []
            for node in device.findall("partition"):
                word = lambda tag, node=node: (node.findtext(tag) or "").strip()
                partitions.append({
                    "name": node.get("name"), "type": node.get("type"), "id": int(node.get("id") or 0),
                    "size": int(word("size") or 0), "start": int(word("start_location") or 0),
                    "file": word("filename"), "guid": word("unique_guid"),
                    # mb1 is signed without saying so, as in the real layout
                    "signed": node.get("oem_sign") == "true" or node.get("type") == "mb1_bootloader"})
            self.devices.append({"type": device.get("type"), "instance": int(device.get("instance")),
                                 "sectors": int(device.get("num_sectors")), "partitions": partitions})
        self.sectors = next(d["sectors"] for d in self.devices if d["type"] == "sdmmc_user")
        self.partitions = [p for d in self.devices for p in d["partitions"]]
        self.in_gpt = sorted((p for p in self.partitions if p["id"]), key=lambda p: p["id"])

    def write_gpt(self, mbr, primary, secondary):
        entries = bytearray(128 * 128)
        linux = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
        for p in self.in_gpt:
            unique = uuid.UUID(p["guid"]) if p["guid"] else uuid.uuid5(uuid.NAMESPACE_DNS, p["name"])
            first = p["start"] // SECTOR
            struct.pack_into("<16s16sQQQ72s", entries, (p["id"] - 1) * 128, linux.bytes_le, unique.bytes_le, first,
                             first + p["size"] // SECTOR - 1, 0, p["name"].encode("utf-16-le"))
        disk = uuid.uuid5(uuid.NAMESPACE_DNS, "stand-in-disk").bytes_le

        def header(own, other, table):
            head = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, own, other, 34,
                               self.sectors - 34, disk, table, 128, 128, zlib.crc32(entries))
            head = head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]
            return head + bytes(SECTOR - len(head))

        boot = bytearray(SECTOR)
        struct.pack_into("<B3sB3sII", boot, 446, 0, b"\x00\x02\x00", 0xEE, b"\xff\xff\xff", 1, self.sectors - 1)
        boot[510:] = b"\x55\xaa"
        for path, content in ((mbr, boot), (primary, header(1, self.sectors - 1, 2) + entries),
                              (secondary, bytes(entries) + header(self.sectors - 1, 1, self.sectors - 33))):
            with open(path, "wb") as file:
                file.write(content)


class Flash:
    def __init__(self, options):
        self.options = options
        self.instance = ["--instance", options.instance] if options.instance else []
        self.bins = dict(entry.split()[:2] for entry in (options.bins or "").split(";") if len(entry.split()) >= 2)

    def rcm(self, *arguments, **more):
        return run("tegrarcm_v2", *self.instance, *arguments, **more)

    def device(self, *arguments, **more):
        return run("tegradevflash_v2", *self.instance, *arguments, **more)

    # --- boot ROM -------------------------------------------------------------------------------------------------

    def make_rcm_messages(self):
        say("Generating RCM messages")
        mb1 = open(os.path.basename(self.options.applet), "rb").read()
        fuses = open(self.options.soft_fuses, "rb").read() if self.options.soft_fuses else b""
        for index, (size, body) in enumerate(((0x7B0, b""), (0x8B0, fuses), (max(252400, len(mb1) + 4), mb1))):
            with open("rcm_%d.rcm" % index, "wb") as file:
                file.write((struct.pack("<I", size) + body + bytes(size))[:size])
            say("RCM %d is saved as rcm_%d.rcm" % (index, index))
        say("RCM list is saved as rcm_list.xml")
        say("Signing RCM messages")
        say("Assuming zero filled SBK key")
        say("Copying signature to RCM mesages")
        with open("rcm_list_signed.xml", "w") as file:
            file.write('<?xml version="1.0"?>\n<rcm_list>\n' + "".join(
                '    <rcm id="%d" file="rcm_%d.rcm"/>\n' % (i, i) for i in range(3)) + "</rcm_list>\n")

    def boot_rom(self, skip_uid):
        self.make_rcm_messages()
        say("Boot Rom communication")
        self.rcm("--chip", self.options.chip, "0", "--rcm", "rcm_list_signed.xml",
                 *(["--skipuid"] if skip_uid else []))
        say()
        self.rcm("--isapplet")

    def wait_for(self, *questions):
        """The loader is away for a while; the real script asks at most 30 times, a second apart."""
        for _ in range(30):
            for ask in questions:
                if ask() == 0:
                    return
            time.sleep(max(0.2, 1 / SPEED if SPEED > 0 else 1))
        sys.stdout.write("\nError: None of the bootloaders are running on device. Check the UART log.\n")
        sys.stdout.flush()
        raise SystemExit(1)

    # --- dump eeprom boardinfo FILE; reboot recovery --------------------------------------------------------------

    def dump_eeprom(self, target):
        self.boot_rom(skip_uid=True)
        self.rcm("--download", "mb2", signed_name(self.bins["mb2_applet"]))
        self.rcm("--boot", "recovery")
        self.wait_for(lambda: self.rcm("--ismb2", may_fail=True))
        say("Retrieving board information")
        self.rcm("--oem", "platformdetails", "chip", "chip_info.bin")
        self.report_chip("chip_info.bin")
        say("Retrieving EEPROM data")
        self.rcm("--oem", "platformdetails", "eeprom", "cvm", os.path.join(HERE, target))
        self.has_applet = True

    def report_chip(self, path):
        with open(path, "rb") as file:
            info = file.read().ljust(64, b"\0")
        word = lambda at: struct.unpack_from("<I", info, at)[0]
        say("Chip minor revision: %d" % word(44))
        say("Bootrom revision: 0x%x" % word(48))
        say("Ram code: 0x%x" % word(52))
        say("Chip sku: 0x%x" % word(0))
        say("Chip Sample: %s" % info[56:].split(b"\0")[0].decode("ascii", "replace"))
        shutil.copyfile(path, os.path.join(HERE, "chip_info.bin_bak"))

    # --- flash; reboot --------------------------------------------------------------------------------------------

    def sign(self, layout):
        say("Parsing partition layout")
        layout.write_gpt("mbr_1_3.bin", "gpt_primary_1_3.bin", "gpt_secondary_1_3.bin")
        say("Creating list of images to be signed")
        say("Generating signatures")
        nap(3)
        for name in sorted({p["file"] for p in layout.partitions if p["signed"]}):
            pad_in_place(name)
            sign_file(name)
            if name.startswith("cboot"):
                say("Header already present for " + name)
        say("Warning: EKS partition magic header mismatch!")
        say("Generating br-bct")
        for name in ("br_bct_BR.bct", "mb1_cold_boot_bct_MB1.bct", "mem_coldboot.bct", "mem_rcm.bct"):
            with open(name, "wb") as file:
                file.write(name.encode().ljust(4096, b"\0"))
        nap(2)
        # The tool's own list; text in the stand-in.
        actions = ["erase spi 0", "erase sdmmc_user 3"]
        first = ("master_boot_record", "primary_gpt", "secondary_gpt")
        for device in layout.devices:
            for p in device["partitions"]:
                if p["name"] in first:
                    actions.append("write %s %d %s %s" % (device["type"], device["instance"], p["name"], p["file"]))
        for device in layout.devices:
            for p in device["partitions"]:
                if p["name"] == "master_boot_record" or (p["name"] not in first and p["file"]):
                    actions.append("write %s %d %s %s" % (device["type"], device["instance"], p["name"],
                                                          signed_name(p["file"]) if p["signed"] else p["file"]))
        with open("flash.xml.bin", "w") as file:
            file.write("\n".join(actions) + "\n")

    def flash(self):
        if not self.options.cfg:
            print("Error: Partition configuration is not specified")  # and exit 0, as the real one
            raise SystemExit(0)
        self.sign(Layout(self.options.cfg))
        self.boot_rom(skip_uid=self.options.skipuid)
        if os.path.exists(os.path.join(HERE, "chip_info.bin_bak")):
            os.remove(os.path.join(HERE, "chip_info.bin_bak"))
        else:
            say("Using default ramcode: 0")
        say("Sending BCTs")
        for name, file in (("bct_bootrom", "br_bct_BR.bct"), ("bct_mb1", "mb1_cold_boot_bct_MB1.bct"),
                           ("bct_mem", "mem_rcm.bct")):
            self.rcm("--download", name, file)
        say()
        say("Generating blob")
        with open("blob.bin", "wb") as blob:
            for name in (self.options.bl, self.bins.get("mb2_bootloader")):
                if name:
                    blob.write(open(name, "rb").read())
        say("Sending bootloader and pre-requisite binaries")
        self.rcm("--download", "blob", "blob.bin")
        self.rcm("--boot", "recovery")
        self.wait_for(lambda: self.rcm("--isapplet", may_fail=True), lambda: self.rcm("--ismb2", may_fail=True),
                      lambda: self.device("--iscpubl", may_fail=True))
        self.device("--iscpubl")
        say("Retrieving storage infomation")
        self.rcm("--isapplet", may_fail=True, quiet=True)
        say("Applet is not running on device. Continue with Bootloader")
        self.device("--oem", "platformdetails", "storage", "storage_info.bin")
        say()
        say("Flashing the device")
        self.device("--pt", "flash.xml.bin", "--create")
        for name, file in (("BCT", "br_bct_BR.bct"), ("MB1_BCT", "mb1_cold_boot_bct_MB1.bct"),
                           ("MB1_BCT_b", "mb1_cold_boot_bct_MB1.bct"), ("MEM_BCT", "mem_coldboot.bct"),
                           ("MEM_BCT_b", "mem_coldboot.bct")):
            self.device("--write", name, file)
        say("Flashing completed")
        sys.stdout.write("\n")
        if self.device("--standin-fault", quiet=True, may_fail=True).strip() == "lying-tool":
            raise SystemExit(LYING_TOOL)

    def reboot(self, where):
        if where == "recovery":
            say("Rebooting to recovery mode")
            self.rcm("--ismb2")
            self.rcm("--reboot", "recovery")
            return
        say("Coldbooting the device")
        self.device("--reboot", "coldboot")

    # --- what a package for another host is made of: all that was signed, and the rcm messages ---------------------

    def package(self, target):
        layout = Layout(self.options.cfg)
        self.sign(layout)
        self.make_rcm_messages()
        with open("blob.bin", "wb") as blob:
            for name in (self.options.bl, self.bins.get("mb2_bootloader")):
                if name:
                    blob.write(open(name, "rb").read())
        with open("flash.xml.bin") as file:
            written = {line.split()[4] for line in file if line.startswith("write ")}
        os.makedirs(target, exist_ok=True)
        for name in sorted(os.listdir(".")):
            if name in written or name.endswith((".rcm", ".bct", "blob.bin", "flash.xml.bin", "rcm_list_signed.xml")):
                shutil.copyfile(name, os.path.join(target, name))
        shutil.copyfile(self.options.cfg, os.path.join(target, "flash.xml"))

    def execute(self):
        for command in (self.options.cmd or "").split(";"):
            words = command.split()
            if words[:3] == ["dump", "eeprom", "boardinfo"]:
                self.dump_eeprom(words[3])
            elif words == ["flash"]:
                self.flash()
            elif words == ["sign"]:
                layout = Layout(self.options.cfg)
                self.sign(layout)
                say("Copying signed file in " + os.path.join(HERE, "signed"))
                os.makedirs(os.path.join(HERE, "signed"), exist_ok=True)
                for name in sorted({signed_name(p["file"]) for p in layout.partitions if p["signed"]}) + ["br_bct_BR.bct"]:
                    shutil.copyfile(name, os.path.join(HERE, "signed", name))
            elif words[:1] == ["package"]:
                self.package(words[1])
            elif words[:1] == ["reboot"]:
                self.reboot(words[1] if len(words) > 1 else "coldboot")
            elif words:
                raise Failure("Return value 1\nCommand " + command)


def open_work_folder():
    folder = os.path.join(HERE, str(os.getpid()))
    os.mkdir(folder)
    for name in os.listdir(HERE):
        path = os.path.join(HERE, name)
        if os.path.isfile(path):
            os.symlink(path, os.path.join(folder, name))
    os.chdir(folder)
    return folder


def main():
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("instance", "chip", "applet", "soft_fuses", "bins", "cmd", "cfg", "bl", "sdram_config", "odmdata"):
        parser.add_argument("--" + name)
    parser.add_argument("--skipuid", action="store_true")
    options, _ = parser.parse_known_args()
    sys.stdout.write("Welcome to Tegra Flash\nversion 1.0.0\nType ? or help for help and q or quit to exit\n"
                     "Use ! to execute system commands\n \n")
    sys.stdout.flush()
    if not options.cmd:
        print("Error: Command is not specified")
        return 0
    folder = open_work_folder()
    try:
        flash = Flash(options)
        for name in flash.bins.values():
            pad_in_place(name)
            shutil.copyfile(name, signed_name(name))
        flash.execute()
    except Failure as failure:
        sys.stdout.write("Error: %s\n" % failure)
        return 1
    finally:
        sys.stdout.flush()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
