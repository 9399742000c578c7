#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Disk images onto cards at the slots' own ports: several pass at once; a card that changes a bit, one that holds less than it says, one that dies
of its writes, one that is mounted and one that is pulled never do, and harm nobody. A person stops one; a serial goes onto a card where the recipe says so."""
import gzip
import hashlib
import io
import json
import os
import random
import subprocess
import tarfile
import unittest

import common
import settings

SLOTS = 7
MIB = 1 << 20
IMAGE = 40 * MIB                    # of it 32 MiB of noise
CARD = 48 * MIB
HOLE = (20 * MIB, 28 * MIB)
SERIAL_AT = 24 * MIB                # inside of the hole
STUCK = 5 * MIB + 12345             # no place that the capacity probe looks at
THROTTLE = "/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device"
STEP = """
[[recipe.step]]
use = "%s"
%s
"""


def recipe(name, *more):
    return "\n[[recipe]]\nid = \"%s\"\n" % name + STEP % ("flash", 'method = "media-writer"\nsilence_s = 30') + "".join(more)


def profile(name, images, steps=None, image='file = "gateway.img.gz"'):
    return """
[[profile]]
id = "%s"
name = "Gateway card"
model = "card"
bsp = %s
recipe = "%s"
[profile.image]
%s
""" % (name, settings.quoted(images), steps or name, image)


RECIPE = """type: mmc
recipe:
  partition_table: gpt
  partitions:
    - {name: boot, size: 8mb, fs_type: vfat, mount_point: /boot, mount_opts: ro, flags: boot}
    - {name: rootfs, size: max, fs_type: ext4, mount_point: /, mount_opts: , flags: }
  load:
    Linux_Boot: {device: 0}
    Rootfs_Rootfs: {device: 1}
"""


BY_RECIPE = """recipe = "board.yml"
keep_root_password = true
[profile.image.products]
Linux_Boot = "boot.tar"
Rootfs_Rootfs = "root.tar.gz"
"""


def pack(path, files, mode):
    with tarfile.open(path, mode) as archive:
        for name, (text, owner, rights) in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.uid, member.gid, member.mode, member.mtime = len(text), owner, owner, rights, 1_600_000_000
            archive.addfile(member, io.BytesIO(text))


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Cards(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        data = common.data_folder("cards")
        cls.images = os.path.join(data, "gateway-images")
        cls.cards = os.path.join(data, "cards")
        for folder in (cls.images, cls.cards):
            os.makedirs(folder)
        dice = random.Random(17)
        image = bytearray(dice.randbytes(IMAGE))
        image[HOLE[0]:HOLE[1]] = bytes(HOLE[1] - HOLE[0])
        cls.image = bytes(image)
        with gzip.open(os.path.join(cls.images, "gateway.img.gz"), "wb", compresslevel=1) as file:
            file.write(cls.image)
        cls.noise = dice.randbytes(3 * MIB)
        with open(os.path.join(cls.images, "board.yml"), "w", encoding="ascii") as file:
            file.write(RECIPE)
        pack(os.path.join(cls.images, "boot.tar"), {"kernel.img": (cls.noise[:MIB], 0, 0o644)}, "w")
        pack(os.path.join(cls.images, "root.tar.gz"), {"etc/hostname": (b"board\n", 0, 0o644), "etc/shadow": (b"root:*:19000:0:99999:7:::\n", 0, 0o600),
                                                       "srv/noise": (cls.noise, 1000, 0o640)}, "w:gz")
        cls.bench = common.bench.Bench(data, SLOTS, "none", seed=5, more={"pass_stays_s": 1})
        cls.addClassCleanup(common.bench.trees.remove, data)
        cls.bench.__enter__()
        cls.addClassCleanup(cls.bench.close)
        bench = cls.bench
        bench.make_bsp()
        images = os.path.join(bench.place.data, "gateway-images")      # as workers without rights see it
        bench.more["also"] = (recipe("gateway") + profile("gateway", images) +
                              profile("board", images, "gateway", BY_RECIPE) +
                              recipe("numbered-board", STEP % ("set-serial", "at = 65536")) + profile("numbered-board", images, None, BY_RECIPE) +
                              recipe("impatient").replace("silence_s = 30", "silence_s = 8") + profile("impatient", images, None, BY_RECIPE) +
                              recipe("numbered", STEP % ("set-serial", "at = %d" % SERIAL_AT)) + profile("numbered", images))
        bench.start_line()
        bench.start_helper({settings.PROFILE: bench.place.bsp, "gateway": images, "board": images, "numbered": images, "numbered-board": images, "impatient": images})
        bench.write_station_config()
        bench.start_station()
        bench.started = common.time.time()

    def setUp(self):
        self.addCleanup(self.clear)     # also after a test that failed: the next one finds empty slots

    # ---- what a person does

    def order(self, name, profile_name, **more):
        self.bench.station_api.post("/api/v1/orders", {"name": name, "profile": profile_name, "quantity": 50, "close_others": True, **more})

        def ready():
            open_ones = [each for each in self.bench.station_api.status()["orders"] if each["name"] == name]
            return open_ones and open_ones[0]["image_ready"]
        common.wait_for(ready, 120, tell=lambda: self.bench.station_api.status()["orders"])

    def change_order(self, name, what):
        self.bench.station_api.post("/api/v1/orders/%s/%s" % (name, what), {})

    def make_card(self, name, folder=None):
        path = os.path.join(folder or self.cards, name)
        with open(path, "wb") as file:
            if folder:
                file.truncate(CARD)
            else:
                file.write(b"\xa5" * CARD)
        return path

    def lying_card(self, name, *lies):
        folder = os.path.join(self.cards, name)
        os.mkdir(folder)
        process = subprocess.Popen([os.path.join(common.LINE, "lying-card"), folder, "--bytes", str(CARD), *lies], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait, 60)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        self.addCleanup(subprocess.run, ["umount", "--lazy", folder], check=False)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return os.path.join(folder, "card")

    def insert(self, slot, path):
        return self.bench.line_api.ask(do="card", board=slot, file=path, model="SD Reader")["disk"]

    def take_out(self, slot):
        self.bench.line_api.ask(do="card-out", board=slot)

    def press(self, slot, what):
        self.bench.station_api.post("/api/v1/slots/%d/%s" % (slot, what), {"job": self.tile(slot)["job"]})

    def slow(self, disk, bytes_per_s):
        """A card of its own speed, where this host lets us say so: else one of the host's."""
        def limit(most):
            with open("/sys/block/%s/dev" % disk, encoding="ascii") as number, open(THROTTLE, "w", encoding="ascii") as file:
                file.write("%s %d" % (number.read().strip(), most))
        if os.path.exists(THROTTLE):
            limit(bytes_per_s)
            self.addCleanup(limit, 0)

    # ---- what is so

    def tile(self, slot):
        return common.tiles(self.bench.station_api)[str(slot)]

    def wait_verdict(self, slot, seconds=90):
        return common.wait_for(lambda: self.tile(slot)["outcome"], seconds, tell=lambda: self.tile(slot))

    def row(self, slot):
        rows = [row for row in self.bench.station_api.records(since=str(int(self.bench.started * 1000) - 1000)) if row["slot"] == str(slot)]
        return max(rows, key=lambda row: row["job"])

    def writing(self, slot):
        tile = self.tile(slot)
        return tile["state"] == "flashing" and (tile["percent"] or 0) >= 5

    def holds_image(self, path):
        with open(path, "rb") as file:
            found = file.read()
        return found[:IMAGE] == self.image and set(found[IMAGE:]) == {0xa5}

    def clear(self):
        for slot in range(1, SLOTS + 1):
            self.bench.line_api.ask(do="reader-out", board=slot)
            common.wait_for(lambda slot=slot: not self.tile(slot)["present"], 10, tell=lambda slot=slot: self.tile(slot))
            if self.tile(slot)["ack"] == "ready":
                self.press(slot, "acknowledge")

    # ---- the cases

    def test_1_many_at_once_and_the_bad_ones_among_them(self):
        self.order("cards", "gateway")
        self.change_order("cards", "pause")
        good = {slot: self.make_card("good%d" % slot) for slot in (1, 2)}
        stuck = self.lying_card("stuck", "--flips", str(STUCK))
        tiny = os.path.join(self.cards, "tiny")
        os.mkdir(tiny)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % (CARD // 2), "none", tiny], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", tiny], check=False)
        dying = self.make_card("dying", tiny)
        fake = self.lying_card("fake", "--keeps", str(CARD - 4096))
        mounted = self.make_card("mounted")
        subprocess.run(["mkfs.ext4", "-q", "-F", mounted], check=True)
        pulled = self.make_card("pulled")
        for slot, path in good.items():
            self.insert(slot, path)
        self.insert(3, stuck)
        self.insert(4, fake)
        point = os.path.join(self.cards, "point")
        os.mkdir(point)
        disk = self.insert(5, mounted)
        subprocess.run(["mount", "-o", "ro,noload", "/dev/" + disk, point], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", "--quiet", point], check=False)
        before = digest(mounted)
        self.slow(self.insert(6, pulled), 6 * MIB)
        self.insert(7, dying)
        common.wait_for(lambda: all(self.tile(slot)["state"] == "waiting" for slot in range(1, SLOTS + 1)), 20,
                        tell=lambda: [(tile["slot"], tile["state"], tile["reason"]) for tile in common.tiles(self.bench.station_api).values()])
        self.change_order("cards", "resume")
        common.wait_for(lambda: self.writing(6), 60, 0.02, tell=lambda: self.tile(6))
        self.take_out(6)
        for slot in range(1, SLOTS + 1):
            self.wait_verdict(slot)
        rows = {slot: self.row(slot) for slot in range(1, SLOTS + 1)}
        told = {slot: (row["result"], row["code"]) for slot, row in rows.items()}
        self.assertEqual(told, {1: ("PASS", None), 2: ("PASS", None), 3: ("FAIL", "image.mismatch"), 4: ("FAIL", "media.capacity"),
                                5: ("ERROR", "media.forbidden"), 6: ("ERROR", "usb.left"), 7: ("FAIL", "media.capacity")}, {slot: row["message"] for slot, row in rows.items()})
        for slot, path in good.items():
            self.assertTrue(self.holds_image(path), path)
            self.assertEqual(rows[slot]["image_proven"], 1)
            self.assertIsNone(rows[slot]["serial"])
            proof = self.bench.station_api.get("/api/v1/jobs/%d/certificate" % rows[slot]["job"])
            self.assertEqual((proof["serial"], proof["chip_id"], [each["kind"] for each in proof["proofs"]]), ("", None, ["image"]))
        self.assertIn(str(STUCK), rows[3]["message"], "which byte differs is told")
        self.assertEqual(digest(mounted), before, "not a byte was written")
        subprocess.run(["umount", point], check=True)
        with open(pulled, "rb") as file:
            self.assertNotEqual(file.read(IMAGE), self.image)
        self.assertEqual(common.sql(self.bench.real_data, "SELECT count(*) AS n FROM lease"), [{"n": 0}])
        self.assertEqual(common.sql(self.bench.real_data, "SELECT sum(builds) AS n FROM image"), [{"n": 1}], "unpacked and hashed once")

    def test_2_the_next_card_and_one_that_a_person_stops(self):
        self.order("more", "gateway")
        again = self.make_card("again")
        stopped = self.make_card("stopped")
        self.insert(6, again)
        self.slow(self.insert(2, stopped), 6 * MIB)
        common.wait_for(lambda: self.writing(2), 60, 0.02, tell=lambda: self.tile(2))
        self.press(2, "stop")
        self.assertEqual(self.wait_verdict(2), "ABORTED")
        self.assertEqual(self.wait_verdict(6), "PASS")
        self.assertTrue(self.holds_image(again))
        self.assertEqual(common.leftovers(self.bench), [])

    def test_3_a_serial_where_the_recipe_says_so(self):
        self.bench.load_serials(least=5, size=5)
        self.order("numbered", "numbered", pool=settings.POOL)
        paths = {slot: self.make_card("numbered%d" % slot) for slot in (1, 4)}
        for slot, path in paths.items():
            self.insert(slot, path)
        serials = set()
        for slot, path in paths.items():
            self.assertEqual(self.wait_verdict(slot), "PASS", self.tile(slot))
            row = self.row(slot)
            with open(path, "rb") as file:
                file.seek(SERIAL_AT)
                self.assertEqual(file.read(4096).rstrip(b"\0").decode(), row["serial"] + "\n")
            self.assertEqual((row["lease"], row["serial_heard"]), ("burned", 1))
            serials.add(row["serial"])
        self.assertEqual(len(serials), 2)
        key = os.path.join(self.bench.real_data, "signing.pem")
        with open(key, "w", encoding="ascii") as file:
            file.write(common.sql(self.bench.real_data, "SELECT public_pem AS pem FROM signing_key")[0]["pem"])
        done = self.bench.cli("audit", "verify", "--db", os.path.join(self.bench.real_data, "station/station.db"), "--key", key, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_4_partitions_and_products_by_a_recipe(self):
        self.order("boards", "board")
        paths = {slot: self.make_card("board%d" % slot) for slot in (1, 2)}
        with open(paths[2], "ab") as file:  # the last partition takes what there is
            file.write(b"\xa5" * (16 * MIB))
        liar = self.lying_card("changes a bit", "--flips", str(9 * MIB + 1024 + 0x68))  # the second partition's UUID
        for slot, path in (*paths.items(), (3, liar)):
            self.insert(slot, path)
        for slot in (1, 2):
            self.assertEqual(self.wait_verdict(slot), "PASS", self.tile(slot))
        self.assertEqual(self.wait_verdict(3), "FAIL", self.tile(3))
        self.assertIn(self.row(3)["code"], ("image.mismatch", "unit.storage"), self.row(3)["message"])
        uuids = set()
        for slot, path in paths.items():
            row = self.row(slot)
            self.assertEqual((row["image_proven"], row["serial"]), (1, None))
            table = json.loads(subprocess.run(["sfdisk", "--json", path], check=True, capture_output=True).stdout)["partitiontable"]
            self.assertEqual((table["label"], len(table["partitions"])), ("gpt", 2))
            boot, root = ((part["start"] * 512, part["size"] * 512) for part in table["partitions"])
            self.assertGreater(root[1], os.path.getsize(path) - 12 * MIB)
            with open(path, "rb") as file:
                card = file.read()
            parts = []
            for name, (begin, size) in (("boot", boot), ("root", root)):
                parts.append(os.path.join(self.cards, "%s%d" % (name, slot)))
                with open(parts[-1], "wb") as file:
                    file.write(card[begin:begin + size])
            self.assertEqual(subprocess.run(["mtype", "-i", parts[0], "::kernel.img"], check=True, capture_output=True).stdout, self.noise[:MIB])
            subprocess.run(["e2fsck", "-f", "-n", parts[1]], check=True, capture_output=True)

            def read(name, disk=parts[1]):
                return subprocess.run(["debugfs", "-R", "cat " + name, disk], check=True, capture_output=True).stdout
            self.assertEqual(read("/srv/noise"), self.noise)
            self.assertIn("User:  1000   Group:  1000", subprocess.run(["debugfs", "-R", "stat /srv/noise", parts[1]], check=True, capture_output=True, text=True).stdout)
            fstab = read("/etc/fstab").decode().split()
            uuids.add(fstab[0])
            self.assertIn("/boot", fstab)
        self.assertEqual(len(uuids), 2, "each card has file systems of its own")
        self.assertEqual(common.sql(self.bench.real_data, "SELECT sum(builds) AS n FROM image WHERE profile = 'board'"), [{"n": 1}])
        pulled = self.make_card("board pulled")
        self.slow(self.insert(4, pulled), 2 * MIB)
        common.wait_for(lambda: self.writing(4), 60, 0.02, tell=lambda: self.tile(4))
        self.take_out(4)
        self.assertEqual(self.wait_verdict(4), "ERROR", self.tile(4))
        self.assertEqual(self.row(4)["code"], "usb.left", self.row(4)["message"])
        self.assertEqual(common.leftovers(self.bench), [])

    def test_5_a_serial_onto_a_board_by_a_recipe(self):
        self.bench.load_serials(least=5, size=5)
        self.order("numbered-boards", "numbered-board", pool=settings.POOL)
        path = self.make_card("numbered board")
        self.insert(5, path)
        self.assertEqual(self.wait_verdict(5), "PASS", self.tile(5))
        row = self.row(5)
        with open(path, "rb") as file:
            file.seek(65536)
            self.assertEqual(file.read(4096).rstrip(b"\0").decode(), row["serial"] + "\n")
        self.assertEqual((row["lease"], row["serial_heard"], row["image_proven"]), ("burned", 1, 1))
        self.assertEqual(len(json.loads(subprocess.run(["sfdisk", "--json", path], check=True, capture_output=True).stdout)["partitiontable"]["partitions"]), 2)

    @unittest.skipUnless(os.path.exists(THROTTLE), "no blkio cgroup (v1) here to stop a card with")
    def test_6_a_card_that_answers_no_more_under_a_recipe(self):
        self.order("impatient", "impatient")
        stuck = self.make_card("answers no more")
        disk = self.insert(6, stuck)
        self.slow(disk, 2 * MIB)
        common.wait_for(lambda: self.writing(6), 60, 0.02, tell=lambda: self.tile(6))
        self.slow(disk, 1)      # a byte a second
        # The worker is killed, but for the thread that waits for the disk.
        common.wait_for(lambda: not common.job_processes(bench=self.bench), 60, tell=lambda: self.tile(6))
        self.slow(disk, 0)
        self.assertEqual(self.wait_verdict(6), "ERROR", self.tile(6))
        self.assertEqual(self.row(6)["code"], "worker.silence", self.row(6)["message"])


if __name__ == "__main__":
    common.main()
