# SPDX-License-Identifier: Apache-2.0
"""A checkout in a folder that others may not enter: it is in reach during a run, and whole after it, also where run folder and
checkout are on one file system (there a bind mount looks like a plain folder)."""
import os
import subprocess
import sys
import tempfile
import types
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import namespace  # noqa: E402
import trees  # noqa: E402


class PrivateCheckout(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="lineside-private.")      # 0700: out of reach of other users
        self.addCleanup(self.folder.cleanup)
        self.source = os.path.join(self.folder.name, "checkout")
        self.run_folder = os.path.join(self.folder.name, "run")
        for name in ("bin", "data"):
            os.makedirs(os.path.join(self.source, name))
        os.mkdir(self.run_folder)
        with open(os.path.join(self.source, "README"), "w", encoding="utf-8") as file:
            file.write("precious\n")

    def in_a_process(self, part):
        """In a child: make_reachable() moves its process into a mount namespace for good."""
        child = os.fork()
        if child == 0:
            try:
                part()
                os._exit(0)
            except BaseException as error:      # pylint: disable=broad-except
                print(repr(error), file=sys.stderr, flush=True)
                os._exit(1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def reach(self):
        place = types.SimpleNamespace(source=self.source, binaries=os.path.join(self.source, "bin"), run=self.run_folder,
                                      data=os.path.join(self.source, "data"))
        namespace.make_reachable(place, "daemon")
        assert place.source.startswith(self.run_folder) and os.path.exists(os.path.join(place.source, "README"))
        return place

    def assert_whole(self):
        with open(os.path.join(self.source, "README"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "precious\n")

    def test_a_run_that_ends_leaves_the_checkout_and_no_folder(self):
        def life():
            namespace.undo(self.reach())
            trees.remove(self.run_folder)
        self.in_a_process(life)
        self.assert_whole()
        self.assertFalse(os.path.exists(self.run_folder))

    def test_what_is_still_mounted_is_not_removed(self):
        def life():
            self.reach()
            try:
                trees.remove(self.run_folder)
            except trees.StillMounted:
                return
            raise AssertionError("it was removed")
        self.in_a_process(life)
        self.assert_whole()

    def test_a_bind_mount_on_the_same_file_system_is_seen(self):
        place = os.path.join(self.run_folder, "a folder")
        os.mkdir(place)
        subprocess.run(["mount", "--bind", self.source, place], check=True)
        try:
            self.assertFalse(os.path.ismount(place), "this file system shows nothing")
            self.assertEqual(trees.mounts_below(self.run_folder), [place])
            self.assertEqual(trees.mounts_below(place), [place])
            self.assertEqual(trees.mounts_below(self.folder.name + "/run/a"), [])
        finally:
            subprocess.run(["umount", place], check=True)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("this needs root")
        sys.exit(77)
    unittest.main()
