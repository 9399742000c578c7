#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Thirty-two boards at once pass, with 32 serials read from their storage files and not from the database."""
import json
import unittest

import common


class Run32(unittest.TestCase):
    def test_all_pass_with_serials_of_their_own(self):
        data = common.data_folder("run-32")
        status, out, seconds, error = common.deploy_run(data, "--boards", "32", "--deadline", "400")
        self.assertEqual(status, 0, error)
        self.assertEqual(json.loads(out)["pass"], 32, out)
        boards = common.storages(data)
        self.assertEqual(len(boards), 32)
        for board in boards.values():
            self.assertTrue(board["equal"], board)
        self.assertEqual(len({board["serial"] for board in boards.values()}), 32)
        print("32 boards: %.1f s" % seconds)
        common.bench.trees.remove(data)


if __name__ == "__main__":
    common.main()
