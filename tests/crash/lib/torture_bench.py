# SPDX-License-Identifier: Apache-2.0
"""The bench of deploy/run made cheap for many lives: a small image, the fewest steps a unit can pass with, points that are
armed while processes run, and a service that may be one that is wrong on purpose."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../../.."))
sys.path.insert(0, os.path.join(ROOT, "tests/integration"))
from common import bench, settings  # noqa: E402

SHORT_RECIPE = """[[recipe.step]]
use = "set-serial"
[[recipe.step]]
use = "read-serial"
"""


class TortureBench(bench.Bench):
    """`broken`: what LINESIDE_BREAK shall say to lineside-stationd-broken; None = the product's own service."""
    BSP_OPTIONS = ("--small",)

    def __init__(self, data, boards, seed, speed, broken=None):
        more = {"recipe": settings.recipe_begin(speed) + SHORT_RECIPE, "pass_stays_s": 0.001}
        # A port that other benches of this host do not ask for: restarts want the same one again.
        super().__init__(data, boards, seed=seed, speed=speed, more=more, port=20_000 + os.getpid() % 10_000,
                         line_options=["--wire-mbps", "400"])
        self.broken = broken

    def open(self):
        super().open()
        self.points = os.path.join(self.place.data, "points")
        bench.trees.remove(self.points)
        os.mkdir(self.points)
        os.chmod(self.points, 0o777)        # whoever dies takes the file away: service and workers have users of their own

    def start_line(self):
        super().start_line()
        self.environment["LINESIDE_CRASH_DIR"] = self.points
        if self.broken:
            self.environment["LINESIDE_BREAK"] = self.broken

    def station_command(self, config=None):
        command = super().station_command(config)
        if self.broken:
            command = [word + "-broken" if word.endswith("/lineside-stationd") else word for word in command]
        return command

    def point_to_us(self):
        """Not while we kill it: a person's `lineside status` would find a dead one."""

    # -- points ---------------------------------------------------------------------------------------------------

    def arm(self, point):
        """Whoever comes there next dies."""
        with open(os.path.join(self.points, point), "w", encoding="ascii"):
            pass

    def armed(self, point):
        return os.path.exists(os.path.join(self.points, point))

    def disarm(self, point):
        """False: it was met."""
        try:
            os.unlink(os.path.join(self.points, point))
            return True
        except FileNotFoundError:
            return False
