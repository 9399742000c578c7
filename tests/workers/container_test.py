#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The workers jetson-usb and image-build with their tools in a container, by a stand-in for the engine (stand_in_engine.py) that
runs the stand-in BSP in namespaces of its own, over an overlay lane as the root helper makes it.

    container_test.py BINDIR METHODSDIR
"""
import hashlib
import os
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
import jetson_usb_test as flash  # noqa: E402
from played_station import Worker  # noqa: E402
from stand_in_engine import DIGEST, ID, Engine  # noqa: E402

IMAGE = "reeplayer/camera-sw:l4t-system-crc-nx-32.7.2-5"
# The job's own mounts: what the root helper makes, and no container engine sees.
WITH_LANE = 'mount -t overlay lane -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$3" && exec "$4"'


def setUpModule():
    flash.setUpModule()


def tearDownModule():
    flash.tearDownModule()


def state_of(tree):
    """Every name, mode, owner, size and time below a tree."""
    seen = hashlib.sha256()
    for folder, folders, names in os.walk(tree):
        folders.sort()
        for name in sorted(folders + names):
            about = os.lstat(os.path.join(folder, name))
            seen.update(repr((folder, name, about.st_mode, about.st_uid, about.st_size, about.st_mtime_ns)).encode())
    return seen.hexdigest()


class Line(flash.Line):
    def start_in_container(self, number, engine, answers=None, silence=5, path=None, **settings):
        folder, lane = ("%s/%s%d" % (self.dir, name, number) for name in ("folder", "lane"))
        for made in (folder + "/upper", folder + "/work", lane):
            os.makedirs(made, exist_ok=True)
        self.wait(number, "recovery")
        program = "%s/worker%d" % (self.dir, number)
        with open(program, "w") as file:
            file.write("#!/bin/sh\nexec /usr/bin/unshare --mount --propagation private /bin/sh -c '%s' lane %s %s %s %s\n"
                       % (WITH_LANE.replace("mount", "/usr/bin/mount", 1), flash.FOLDER + "/bsp", folder, lane,
                          flash.METHODS + "/jetson-usb/jetson-usb"))
        os.chmod(program, 0o755)
        job = self.job(number, lane, silence, container={"image": IMAGE, "engine": "docker", **settings})
        environment = {"PATH": path or engine.folder + ":" + os.environ["PATH"], "HOME": "/tmp", "LANG": "C.UTF-8", **self.environment,
                       "LINESIDE_LANE_TREE": flash.FOLDER + "/bsp", "LINESIDE_LANE_FOLDER": folder, "LINESIDE_CONTAINERS": "reeplayer/camera-sw"}
        return Worker(program, job, environment, answers, self.port_events(number))


class InContainer(flash.Checks):
    def line(self, *arguments):
        line = Line(*arguments)
        self.addCleanup(line.stop)
        self.engine = Engine(line.environment)
        self.addCleanup(self.engine.close)
        return line

    def nothing_ran(self, line, worker):
        self.assertEqual(self.engine.of("run"), [])
        self.assertEqual(worker.of("ask"), [])
        self.assertFalse(os.path.exists(line.dir + "/boards/1/storage.img"))

    def nothing_left(self):
        self.assertEqual(self.engine.containers, {})

    def writing(self, worker):
        """Is APP being written?"""
        return any(phase["name"] == "write" for phase in worker.of("phase"))

    def test_image_is_fetched_with_progress_and_the_unit_flashed(self):
        line = self.line(1)
        tree = state_of(flash.FOLDER + "/bsp")
        worker = line.start_in_container(1, self.engine, digest=DIGEST)
        result = worker.run(120)
        self.assertTrue(result and result["ok"], (result, worker.log[-3000:].decode(errors="replace")))
        board, facts, name = line.board(1), worker.facts(), "lineside-" + line.board(1)["bus_port"]
        self.assertEqual((facts["container_image"], facts["container_digest"]), (IMAGE, DIGEST))
        self.assertEqual((facts["chip_id"], facts["module_serial"]), (board["br_cid"], board["module_serial"]))
        phases = worker.of("phase")
        self.assertEqual([(phase["name"], phase["index"], phase["of"]) for phase in phases],
                         [(phase, at, 6) for at, phase in enumerate(["container", "prepare", "recovery", "erase", "write", "finish"], 1)])
        self.assertEqual(sum(phase["weight"] for phase in phases), 100)
        layers = [(line["done"], line["total"]) for line in worker.of("progress") if line["unit"] == "layers"]
        self.assertEqual((layers[0][1] <= 2, layers[-1]), (True, (2, 2)))
        self.assertEqual(self.engine.of("pull"), [["pull", IMAGE]])
        run, = self.engine.of("run")
        folder, lane = line.dir + "/folder1", line.dir + "/lane1"
        self.assertEqual(run[:16], ["run", "--rm", "--privileged", "--network", "host", "-v", "/dev/bus/usb:/dev/bus/usb",
                                    "-v", flash.FOLDER + "/bsp:/bsp:ro", "--name", name, "--pull", "never", "-e", "USER=root", "-e"])
        self.assertEqual(run[16:22], ["SKIP_REC_IMG=1", "-v", folder + ":/lineside-layer", "--entrypoint", "/bin/sh", ID])
        self.assertEqual(run[24:], ["lineside", "/bsp", lane, "./flash.sh", "-r", "--usb-instance", board["bus_port"], flash.BOARD, "mmcblk0p1"])
        verbs = [call[0] for call in self.engine.calls]
        self.assertEqual(verbs, ["--version", "version", "image", "pull", "image", "rm", "run", "pause", "unpause"])
        self.assertEqual(state_of(flash.FOLDER + "/bsp"), tree, "the tree is read-only")
        self.assertTrue(os.path.exists(folder + "/upper/bootloader/cvm.bin"), "what the tool wrote is in the lane")
        self.assertEqual(os.listdir(lane), [], "no mount of it is left")
        self.nothing_left()

    def test_two_at_once_each_in_its_own(self):
        line = self.line(2)
        self.engine.here = True
        workers = [line.start_in_container(number, self.engine) for number in (1, 2)]
        with flash.concurrent.futures.ThreadPoolExecutor(2) as stations:
            for result in stations.map(lambda worker: worker.run(120), workers):
                self.assertTrue(result["ok"], result)
        self.assertEqual(self.engine.of("pull"), [])
        self.assertEqual({run[run.index("--name") + 1] for run in self.engine.of("run")},
                         {"lineside-" + line.board(number)["bus_port"] for number in (1, 2)})
        self.nothing_left()

    def test_failed_fetch(self):
        line = self.line(1)
        self.engine.pull = (1, ["Error response from daemon: manifest for %s not found: manifest unknown" % IMAGE])
        worker = line.start_in_container(1, self.engine)
        result = self.bad(worker, "container.pull")
        self.assertIn("manifest unknown", result["error"]["message"])
        self.nothing_ran(line, worker)

    def test_no_engine(self):
        line = self.line(1)
        worker = line.start_in_container(1, self.engine, path="/nowhere")
        self.bad(worker, "container.missing")
        self.nothing_ran(line, worker)

    def test_engine_does_not_run(self):
        line = self.line(1)
        self.engine.probe = (1, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
        worker = line.start_in_container(1, self.engine)
        self.bad(worker, "container.missing")
        self.nothing_ran(line, worker)

    def test_no_rights(self):
        line = self.line(1)
        self.engine.probe = (1, "Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock")
        worker = line.start_in_container(1, self.engine)
        self.bad(worker, "container.rights")
        self.nothing_ran(line, worker)

    def test_image_that_root_does_not_allow(self):
        line = self.line(1)
        worker = line.start_in_container(1, self.engine, image="somebody/else:1")
        self.bad(worker, "container.rights")
        self.assertEqual(self.engine.calls, [])

    def test_wrong_digest(self):
        line = self.line(1)
        self.engine.here = True
        worker = line.start_in_container(1, self.engine, digest="sha256:" + "e" * 64)
        self.bad(worker, "container.wrong")
        self.nothing_ran(line, worker)

    def test_container_dies_while_it_writes(self):
        line = self.line(1)
        worker = line.start_in_container(1, self.engine)
        self.assertIsNone(worker.run(60, until=self.writing))
        self.assertTrue(self.engine.end("lineside-" + line.board(1)["bus_port"]))
        self.bad(worker, "container.died")
        self.assertFalse(self.writes_after(line, 1))
        self.nothing_left()

    def test_command_line_dies_while_it_writes(self):
        line = self.line(1)
        worker = line.start_in_container(1, self.engine)
        self.assertIsNone(worker.run(60, until=self.writing))
        subprocess.run(["pkill", "-KILL", "-P", str(worker.process.pid), "-f", self.engine.folder + "/docker run"], check=True)
        self.bad(worker, "container.died")
        self.assertFalse(self.writes_after(line, 1), "the container was removed, too")
        self.nothing_left()

    def test_stop_removes_it(self):
        line = self.line(1)
        worker = line.start_in_container(1, self.engine)
        self.assertIsNone(worker.run(60, until=self.writing))
        worker.say({"ev": "stop", "reason": "operator", "grace_s": 10})
        self.bad(worker, "operator.stopped")
        self.assertFalse(self.writes_after(line, 1))
        self.nothing_left()

    def test_left_over_one_is_removed_first(self):
        line = self.line(1)
        self.engine.here = True
        name = "lineside-" + line.board(1)["bus_port"]
        self.engine.containers[name] = old = subprocess.Popen(["sleep", "600"])
        worker = line.start_in_container(1, self.engine)
        result = worker.run(120)
        self.assertTrue(result["ok"], (result, worker.log[-1000:]))
        self.assertEqual(old.returncode, -9)

    def test_stands_still_while_the_station_thinks(self):
        line = self.line(1)
        name = "lineside-" + line.board(1)["bus_port"]

        def slowly(_ask):
            time.sleep(1.5)
            self.assertEqual(set(self.engine.states(name).values()), {"T"}, self.engine.states(name))
            self.assertFalse(os.path.exists(line.dir + "/boards/1/storage.img"))
            return {"ok": True}

        worker = line.start_in_container(1, self.engine, {"unit.admit": slowly})
        result = worker.run(120)
        self.assertTrue(result["ok"], (result, worker.log[-1000:]))

    def test_engine_that_cannot_hold_it(self):
        line = self.line(1)
        do = self.engine._do
        self.engine._do = lambda argv, fds: 1 if argv[0] == "pause" else do(argv, fds)
        worker = line.start_in_container(1, self.engine)
        self.bad(worker, "container.died")
        self.assertEqual(worker.of("ask"), [])
        self.assertFalse(os.path.exists(line.dir + "/boards/1/storage.img"))
        self.nothing_left()

    def test_refused_unit_is_not_written(self):
        line = self.line(1)
        refusal = {"ok": False, "error": {"code": "unit.duplicate_chip", "kind": "station", "message": "twice", "hint": "", "retry": False}}
        self.bad(line.start_in_container(1, self.engine, {"unit.admit": refusal}), "unit.duplicate_chip")
        self.assertFalse(os.path.exists(line.dir + "/boards/1/storage.img"))
        self.nothing_left()

    def test_wrong_model_before_a_byte_is_written(self):
        line = self.line(1, "wrong-model=1")
        self.bad(line.start_in_container(1, self.engine), "order.wrong_model")
        self.assertFalse(os.path.exists(line.dir + "/boards/1/storage.img"))
        self.nothing_left()

    # fault of the board, code
    FAULTS = [("lying-tool=1", "tool.no_proof"), ("kill-tool=1", "tool.died"), ("unplug:47=1", "usb.left"), ("stall=1", "tool.silence")]

    def test_faults_of_the_tool_are_told_as_on_the_host(self):
        for fault, code in self.FAULTS:
            with self.subTest(fault=fault):
                line = self.line(1, fault)
                self.bad(line.start_in_container(1, self.engine, silence=3), code)
                self.nothing_left()


if __name__ == "__main__":
    if os.geteuid() != 0 or not os.access(flash.BIN + "/lineside-line", os.X_OK) or not os.access(flash.METHODS + "/jetson-usb/jetson-usb", os.X_OK):
        print("needs root, the folder of lineside-line and the methods folder as arguments")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
