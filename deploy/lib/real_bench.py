# SPDX-License-Identifier: Apache-2.0
"""deploy/run --config FILE: helper and station on real USB, in the foreground. For a bench that stays, install the
systemd units of deploy/ instead."""
import os
import shutil
import subprocess
import tomllib

from bench import Bench, CannotStart


class RealBench(Bench):
    def __init__(self, data, config):
        super().__init__(data, boards=0)
        self.config = os.path.abspath(config)

    def start(self):
        check = subprocess.run([os.path.join(self.place.binaries, "lineside"), "check", "config", self.config],
                               capture_output=True, text=True, check=False)
        if check.returncode != 0:
            raise CannotStart(check.stdout.strip() or check.stderr.strip())
        with open(self.config, "rb") as file:
            config = tomllib.load(file)
        station = config["station"]
        self.place.helper_socket = station.get("helper_socket", "/run/lineside-helper/helper.sock")
        self.place.station_socket = station.get("unix_socket", "/run/lineside/station.sock")
        self.place.images = station.get("images", "/var/lib/lineside-helper/images")
        self.place.lanes = os.path.join(os.path.dirname(self.place.images), "lanes")
        self.place.cache = os.path.join(os.path.dirname(self.place.images), "cache")
        self.place.station, self.place.key = station["data"], os.path.dirname(station["key_file"])
        self.place.recipes = station.get("recipes", "")
        self.place.setup = os.path.dirname(self.place.recipes)
        if self.place.recipes:
            with open(self.place.recipes, "rb") as file:
                config = tomllib.load(file)
        bsp = {profile["id"]: profile["bsp"] for profile in config.get("profile", [])}
        own = os.path.join(os.path.dirname(self.config), "helper.toml")
        if os.path.exists(own):
            os.symlink(own, os.path.join(self.place.run, "helper.toml"))
        else:
            self.prepare_folders()
        self.start_helper(bsp)
        self.start_station(self.config)

    def prepare_folders(self):
        for folder in (self.place.lanes, self.place.images, self.place.cache, os.path.dirname(self.place.helper_socket)):
            os.makedirs(folder, exist_ok=True)
        for folder in (self.place.station, self.place.key, os.path.dirname(self.place.station_socket)):
            if not os.path.isdir(folder):
                os.makedirs(folder)
                shutil.chown(folder, "lineside", "lineside")
