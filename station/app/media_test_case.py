# SPDX-License-Identifier: Apache-2.0
"""What the tests of `lineside` commands for media have in common."""
import os
import shutil
import tempfile
import unittest


class MediaTestCase(unittest.TestCase):
    """A folder of its own, gone afterwards."""
    PREFIX, PARENT = "lineside-media-", None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix=self.PREFIX, dir=self.PARENT)
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name, content=None):
        path = os.path.join(self.folder, name)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
        return path
