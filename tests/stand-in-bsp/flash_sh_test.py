#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make-bsp and flash.sh without a board: what the real scripts were seen to do, told by exit status, stream and text.

Root only; the tests get a /tmp of their own, as flash.sh shares a file name there with every other one of the host.
"""
import ctypes
import gzip
import hashlib
import io
import os
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BOARD = "jetson-xavier-nx-devkit-emmc"

# A tool that finds no board, and one that finds it and then never ends.
NO_BOARD = "#!/bin/sh\necho 'USB communication failed.Check if device is in recovery'\nexit 8\n"
SILENT = """#!/bin/sh
case "$*" in
    *--uid*) echo 'BR_CID: 0x%s' ;;
    *) echo $$ > "$TOOL_PID"; exec sleep 600 ;;
esac
"""
# A board that does as it is told, and keeps a list of what that was; FAIL names what it refuses.
GOOD = r"""#!/usr/bin/python3
import os, sys
words = sys.argv[1:]
log = os.environ["BOARD_LOG"]
before = open(log).read() if os.path.exists(log) else ""
open(log, "a").write(" ".join(words) + "\n")
away = before.count("--boot recovery") == 2 and before.count("--isapplet") < 4

def end(text="", status=0):
    print(text)
    raise SystemExit(status)

def bar():
    for done in (0, 50, 100):
        sys.stdout.write("[%s] %03d%%%s" % (("." * (done * 48 // 100)).ljust(48), done, "\r" if done < 100 else "\r\n"))

if os.environ.get("FAIL") and os.environ["FAIL"] in words:
    end("0000000000000005: E> refused", 1)
if away and "--iscpubl" in words:
    end("Cannot Open USB", 8)
if away:
    end("No device on specified bus-port[1-1]\nUSB communication failed.Check if device is in recovery", 8)
if "--uid" in words:
    end("BR_CID: 0xCID")
if "--rcm" in words:
    end(("" if "--skipuid" in words else "BR_CID: 0xCID\n") + "RCM version 0X190001\nBoot Rom communication completed")
if "--ismb2" in words or "--isapplet" in words:
    end("", 8) if before.count("--boot recovery") == 2 else end("MB2 Applet version 01.00.0000")
if "--iscpubl" in words:
    end("Bootloader version 01.00.0000")
if "eeprom" in words:
    data = bytearray(256)
    data[20:42], data[74:87] = b"699-13668-SKU-100 F.0", b"1424000000003"
    for byte in data[:255]:
        data[255] ^= byte
        for _ in range(8):
            data[255] = data[255] >> 1 ^ (0x8C if data[255] & 1 else 0)
    data[255] ^= int(os.environ.get("CRC", "0"))
    open(words[-1], "wb").write(data)
elif "platformdetails" in words:
    open(words[-1], "wb").write(bytes(56) + b"prod" + bytes(4))
elif "--create" in words:
    for line in open("flash.xml.bin"):
        field = line.split()
        if field[0] == "erase":
            print("Erasing %s: %s ......... [Done]" % tuple(field[1:]))
        else:
            os.stat(field[4])
            print("Writing partition %s with %s" % tuple(field[3:]))
            bar()
elif "--download" in words or "--write" in words:
    os.stat(words[-1])
    print("Sending " + words[-2])
    bar()
elif "--standin-fault" in words:
    print(os.environ.get("FAULT", ""))
"""
CID = "88021911645838891c00000019028200"


def make(out, *more):
    subprocess.run([os.path.join(HERE, "make-bsp"), "--out", out, *more], check=True)
    return out


def flash_sh(tree, *arguments, **variables):
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "USER": "root", **variables}
    environment = {name: value for name, value in environment.items() if value is not None}
    before = time.monotonic()
    done = subprocess.run(["./flash.sh", *arguments], cwd=tree, env=environment, capture_output=True, text=True,
                          errors="replace", check=False, stdin=subprocess.DEVNULL)
    done.seconds = time.monotonic() - before
    return done


def put_tool(tree, text):
    for name in ("tegrarcm_v2", "tegradevflash_v2"):
        path = os.path.join(tree, "bootloader", name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o755)


def digest(tree):
    whole = hashlib.sha256()
    for folder, names, files in sorted(os.walk(tree)):
        for name in sorted(names + files):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            whole.update(repr((os.path.relpath(path, tree), status.st_mode, status.st_uid, status.st_gid)).encode())
            if stat.S_ISLNK(status.st_mode):
                whole.update(os.readlink(path).encode())
            elif stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:
                    whole.update(file.read())
                for key in sorted(os.listxattr(path)):
                    whole.update(key.encode() + os.getxattr(path, key))
    return whole.hexdigest()


def recovery_files(tree):
    with open(os.path.join(tree, "bootloader/recovery.ramdisk"), "rb") as file:
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(file.read()))) as archive:
            return len([name for name in archive.getnames() if "nv_recovery" in name])


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="stand-in-bsp.")
        self.addCleanup(shutil.rmtree, self.folder)

    def tree(self, name="bsp", *more):
        return make(os.path.join(self.folder, name), *more)


class MakeBsp(Tree):
    def test_same_seed_same_tree(self):
        one, two = self.tree("one"), self.tree("two")
        self.assertEqual(digest(one), digest(two))
        self.assertNotEqual(digest(one), digest(self.tree("three", "--content-seed", "2")))

    def test_root_file_system_is_worth_proving(self):
        rootfs = os.path.join(self.tree(), "rootfs")
        files, with_attributes, owners = 0, 0, set()
        for folder, _, names in os.walk(rootfs):
            for name in names:
                path = os.path.join(folder, name)
                owners.add(os.lstat(path).st_uid)
                if os.path.isfile(path) and not os.path.islink(path):
                    files += 1
                    with_attributes += bool(os.listxattr(path))
        self.assertGreaterEqual(files, 500)
        self.assertGreaterEqual(with_attributes, 50)
        self.assertIn(1000, owners)

    def test_does_not_replace_what_is_no_tree(self):
        for more in ([], ["--force"]):
            with open(os.path.join(self.folder, "precious"), "w"):
                pass
            done = subprocess.run([os.path.join(HERE, "make-bsp"), "--out", self.folder, *more], capture_output=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertTrue(os.path.exists(os.path.join(self.folder, "precious")))


class NoDevice(Tree):
    def setUp(self):
        super().setUp()
        self.bsp = self.tree()
        put_tool(self.bsp, NO_BOARD)

    def test_no_board_is_14_at_once(self):
        done = flash_sh(self.bsp, "-r", "--usb-instance", "1-2.3", BOARD, "mmcblk0p1")
        self.assertEqual(done.returncode, 14)
        self.assertLess(done.seconds, 1)
        self.assertEqual(len(done.stdout.splitlines()), 4)
        self.assertEqual(done.stderr.splitlines()[0], "Error: probing the target board failed.")
        self.assertEqual(len(done.stderr.splitlines()), 3)

    def test_user_is_what_counts_as_root(self):
        for user in (None, "somebody"):
            done = flash_sh(self.bsp, "-r", BOARD, "mmcblk0p1", USER=user)
            self.assertEqual((done.returncode, done.stderr), (21, "flash.sh requires root privilege\n"))
        self.assertEqual(flash_sh(self.bsp, "--no-root-check", "-r", BOARD, "mmcblk0p1", USER=None).returncode, 14)

    def test_fuselevel_never_contacts_the_board(self):
        put_tool(self.bsp, "#!/bin/sh\ntouch %s/contacted\n" % self.folder)
        done = flash_sh(self.bsp, "-r", BOARD, "mmcblk0p1", FUSELEVEL="fuselevel_production")
        self.assertEqual(done.returncode, 14)
        self.assertFalse(os.path.exists(self.folder + "/contacted"))

    def test_fused_or_foreign_chip_is_14(self):
        for cid, text in (("9" + CID[1:], "PKC protected target board."), (CID[:4] + "18" + CID[6:], "mismatches intended"),
                          ("89" + CID[2:], "mismatches intended")):
            put_tool(self.bsp, SILENT % cid)
            done = flash_sh(self.bsp, "-r", BOARD, "mmcblk0p1")
            self.assertEqual(done.returncode, 14, cid)
            self.assertIn(text, done.stderr)

    def test_unknown_board_prints_usage_on_stdout(self):
        done = flash_sh(self.bsp, "-r", "jetson-nonsense", "mmcblk0p1")
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertGreater(len(done.stdout.splitlines()), 60)

    def test_r_without_system_img_is_15(self):
        done = flash_sh(self.bsp, "--no-flash", "-r", BOARD, "mmcblk0p1")
        self.assertEqual(done.returncode, 15)
        self.assertTrue(done.stdout.endswith("file does not exist.\n"))


class Board(Tree):
    def flash(self, sku="0001", **variables):
        bsp = self.tree()
        with open(os.path.join(bsp, "bootloader/recovery.img"), "wb") as file:
            file.write(b"recovery")
        self.assertEqual(flash_sh(bsp, "--no-flash", BOARD, "mmcblk0p1", SKIP_REC_IMG="1").returncode, 0)
        put_tool(bsp, GOOD.replace("0xCID", "0x" + CID).replace("SKU", sku))
        done = flash_sh(bsp, "-r", "--usb-instance", "1-1", BOARD, "mmcblk0p1", SKIP_REC_IMG="1",
                        BOARD_LOG=self.folder + "/log", **variables)
        self.bsp = bsp
        return done

    def test_good_run(self):
        done = self.flash()
        self.assertEqual(done.returncode, 0, done.stdout)
        lines = done.stdout.replace("\r", "\n").splitlines()
        wanted = ["# L4T BSP Information:", "Board ID(3668) version(100) sku(0001) revision(F.0)", "Reusing existing system.img... ",
                  "*** Flashing target device started. ***", "BR_CID: 0x" + CID, "Sending bct_bootrom", "Sending blob", "Cannot Open USB", "Retrieving storage infomation",
                  "Writing partition master_boot_record with mbr_1_3.bin", "Writing partition primary_gpt with gpt_primary_1_3.bin",
                  "Writing partition mb1 with mb1_t194_prod_sigheader.bin.encrypt",
                  "Writing partition master_boot_record with mbr_1_3.bin", "Writing partition APP with system.img",
                  "Writing partition kernel-bootctrl_b with kernel_bootctrl.bin", "--write BCT br_bct_BR.bct",
                  "Flashing completed", "*** The target t186ref has been flashed successfully. ***"]
        for line in lines:
            if wanted and wanted[0] in line:
                del wanted[0]
        self.assertEqual(wanted, [])
        self.assertIn("20+0 records in", done.stderr)
        self.assertEqual(sum(line.isdigit() for line in os.listdir(self.bsp + "/bootloader")), 0)
        for name in ("mb1_t194_prod.bin", "cboot_t194.bin"):
            self.assertEqual(os.path.getsize(os.path.join(self.bsp, "bootloader", name)) % 16, 0)  # padded in place
        with open(self.folder + "/log") as log:
            text = log.read()
        self.assertEqual((text.count("--uid"), text.count("--rcm"), text.count("--reboot")), (1, 2, 2))

    def test_fab_skips_the_eeprom_and_hides_the_chip(self):
        done = self.flash(FAB="100", BOARDID="3668", BOARDSKU="0001")
        self.assertNotIn("BR_CID", done.stdout)
        self.assertNotIn("eeprom", done.stdout)
        self.assertIn("Using default ramcode: 0", done.stdout)

    def test_wrong_sku_is_flashed_without_a_word(self):
        done = self.flash(sku="0000")
        self.assertEqual(done.returncode, 0)
        self.assertIn("sku(0000)", done.stdout)

    def test_bad_eeprom(self):
        done = self.flash(CRC="4")
        self.assertEqual((done.returncode, done.stderr), (1, "Parsing board information failed.\n"))
        self.assertNotIn("CRC8", done.stdout)

    def test_refusals(self):
        done = self.flash(FAIL="eeprom")
        self.assertEqual((done.returncode, done.stderr), (1, "Reading board information failed.\n"))
        os.remove(self.folder + "/log")
        shutil.rmtree(self.bsp)
        done = self.flash(FAIL="--create")
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.endswith("Failed flashing t186ref.\n"))
        self.assertIn("Error: Return value 1\nCommand tegradevflash_v2 --instance 1-1 --pt flash.xml.bin --create\n", done.stdout)

    def test_lying_tool(self):
        done = self.flash(FAULT="lying-tool")
        self.assertEqual(done.returncode, 0)
        self.assertNotIn("flashed successfully", done.stdout)


class Build(Tree):
    def test_no_flash_builds_once_and_r_reuses(self):
        bsp = self.tree()
        done = flash_sh(bsp, "--no-flash", BOARD, "mmcblk0p1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("*** no-flash flag enabled. Exiting now... ***", done.stdout)
        self.assertFalse(os.path.exists(bsp + "/bootloader/signed"))
        self.assertIn("Board ID() version() sku() revision()\n", done.stdout)
        image = os.path.join(bsp, "bootloader/system.img")
        before = os.stat(image).st_mtime_ns
        self.assertGreaterEqual(os.path.getsize(image + ".raw"), 48 << 20)
        self.assertEqual(flash_sh(bsp, "--no-flash", "-r", BOARD, "mmcblk0p1", SKIP_REC_IMG="1").returncode, 0)
        self.assertEqual(os.stat(image).st_mtime_ns, before)
        self.assertEqual(subprocess.run(["/usr/sbin/e2fsck", "-fn", image + ".raw"], capture_output=True, check=False).returncode, 0)

    def test_sign_leaves_what_a_flash_writes(self):
        bsp = self.tree()
        self.assertEqual(flash_sh(bsp, "--no-flash", BOARD, "mmcblk0p1").returncode, 0)
        done = flash_sh(bsp, "--no-flash", "--sign", "-r", BOARD, "mmcblk0p1", SKIP_REC_IMG="1")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with open(bsp + "/bootloader/flash.xml") as file:
            self.assertIn('name="kernel_b" type="data" id="3" oem_sign="true"', file.read())
        for plain, signed in (("boot.img", "boot_sigheader.img.encrypt"), ("mb1_t194_prod.bin", "mb1_t194_prod_sigheader.bin.encrypt"),
                              ("recovery.img", "recovery_sigheader.img.encrypt")):
            with open(bsp + "/bootloader/" + plain, "rb") as file, open(bsp + "/bootloader/signed/" + signed, "rb") as other:
                self.assertEqual(other.read()[4096:], file.read())
        self.assertFalse(os.path.exists(bsp + "/bootloader/signed/kernel_bootctrl_sigheader.bin.encrypt"))

    def test_version_partitions_hold_the_time_of_the_run(self):
        bsp = self.tree("versions", "--version-partitions")
        times = [time.strftime("%Y%m%d%H%M%S")]
        self.assertEqual(flash_sh(bsp, "--no-flash", BOARD, "mmcblk0p1").returncode, 0)
        with open(bsp + "/bootloader/flash.xml") as file:
            self.assertIn('name="VER_b"', file.read())
        with open(bsp + "/bootloader/qspi_bootblob_ver.txt") as file:
            times.append(file.read().splitlines()[-1])
        times.append(time.strftime("%Y%m%d%H%M%S"))
        self.assertEqual(times, sorted(times))

    def test_recovery_image_differs_from_run_to_run(self):
        bsp = self.tree()
        recovery = os.path.join(bsp, "bootloader/recovery.img")

        def content():
            with open(recovery, "rb") as file:
                return file.read()
        flash_sh(bsp, "--no-flash", BOARD, "mmcblk0p1")
        first = content()
        flash_sh(bsp, "--no-flash", "-r", BOARD, "mmcblk0p1", SKIP_REC_IMG="1")
        self.assertEqual(content(), first)
        flash_sh(bsp, "--no-flash", "-r", BOARD, "mmcblk0p1")
        self.assertNotEqual(content(), first)


class Damage(Tree):
    def both(self, trees, speed="2", **variables):
        """Two runs, the second started while the first, at `speed`, makes its recovery image."""
        first = subprocess.Popen(["./flash.sh", "--no-flash", "-r", "--no-systemimg", BOARD, "mmcblk0p1"], cwd=trees[0],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                 env={"PATH": os.environ["PATH"], "USER": "root", "STAND_IN_SPEED": speed, "BOARDSKU": "0001"})
        while "Making recovery ramdisk" not in first.stdout.readline():
            self.assertIsNone(first.poll())
        second = flash_sh(trees[1], "--no-flash", "-r", "--no-systemimg", BOARD, "mmcblk0p1", STAND_IN_SPEED="40",
                          BOARDSKU="0000", **variables)
        first.communicate()
        self.assertEqual((first.wait(), second.returncode), (0, 0))

    def test_two_runs_in_one_tree_mix_up_their_files(self):
        bsp = self.tree()
        self.both([bsp, bsp], SKIP_REC_IMG="1")
        with open(os.path.join(bsp, "rootfs/etc/nv_boot_control.conf")) as file:
            self.assertIn("3668-100-0000", file.read())  # what the first run leaves speaks of the second's board

    def test_two_trees_still_share_one_name_in_tmp(self):
        # On a busy host the second run may come to the name too late; then the first one takes longer.
        trees = [self.tree("one"), self.tree("two")]
        for speed in ("2", "0.5", "0.1"):
            self.both(trees, speed)
            if min(map(recovery_files, trees)) < 53:
                return
        self.fail("both recovery images are whole")

    def test_killing_flash_sh_leaves_python_and_the_tool(self):
        bsp = self.tree()
        put_tool(bsp, SILENT % CID)
        note = os.path.join(self.folder, "pid")
        run = subprocess.Popen(["./flash.sh", "-r", "--usb-instance", "1-1", BOARD, "mmcblk0p1"], cwd=bsp,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                               env={"PATH": os.environ["PATH"], "USER": "root", "TOOL_PID": note})
        self.addCleanup(lambda: os.killpg(run.pid, signal.SIGKILL))
        until = time.monotonic() + 20
        while not (os.path.exists(note) and os.path.getsize(note)):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)
        run.kill()
        run.wait()
        with open(note) as file:
            tool = int(file.read())
        with open("/proc/%d/stat" % tool) as file:
            python = int(file.read().rpartition(")")[2].split()[1])
        self.assertNotEqual(python, run.pid)
        with open("/proc/%d/cmdline" % python) as file:
            self.assertIn("tegraflash.py", file.read())
        self.assertTrue(os.path.isdir(os.path.join(bsp, "bootloader", str(python))))
        os.kill(tool, signal.SIGTERM)
        while os.path.isdir(os.path.join(bsp, "bootloader", str(python))):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("needs root")
        sys.exit(77)
    libc = ctypes.CDLL(None, use_errno=True)
    checkout = os.path.realpath(os.path.join(HERE, "../.."))
    own = libc.unshare(0x20000) == 0 and libc.mount(b"none", b"/", None, ctypes.c_ulong(0x44000), None) == 0
    kept = os.open(checkout, os.O_PATH) if checkout.startswith("/tmp/") else -1
    if not own or libc.mount(b"tmpfs", b"/tmp", b"tmpfs", ctypes.c_ulong(0), b"size=2g") != 0:
        print("cannot have a /tmp of its own")
        sys.exit(77)
    if kept >= 0:  # a checkout that lies in /tmp stays where it is
        os.makedirs(checkout)
        if libc.mount(b"/proc/self/fd/%d" % kept, checkout.encode(), None, ctypes.c_ulong(0x5000), None) != 0:
            print("cannot keep the checkout that lies in /tmp")
            sys.exit(77)
    unittest.main(argv=sys.argv[:1])
