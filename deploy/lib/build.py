# SPDX-License-Identifier: Apache-2.0
"""Builds what deploy/run starts: the release binaries, and the dashboard when its sources changed."""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../.."))
BUILD = os.path.join(ROOT, "build/release")
UI = os.path.join(ROOT, "web/ui")
OPENAPI = os.path.join(ROOT, "web/api/openapi.yaml")    # the types the dashboard is compiled against come from it
UI_STAMP = os.path.join(ROOT, "build/ui.stamp")
INDEX = os.path.join(UI, "dist/index.html")
TARGETS = ["lineside-stationd", "lineside", "lineside-helper", "jetson-usb", "image-build", "provision-ssh",
           "lineside-line", "lineside-fdshim", "tegrarcm_v2", "tegradevflash_v2"]


class Failed(Exception):
    """A build failed; the text ends with the last lines of its output."""


def run_logged(command, log, cwd=ROOT, env=None, idle=False):
    """Its output goes to `log`; on failure the end of it becomes the exception's text. `idle`: it and all it starts run only
    while nobody else wants the core."""
    log.flush()
    start = log.tell()
    done = subprocess.run([*(["chrt", "--idle", "0"] if idle else []), *command], cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=log,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        with open(log.name, encoding="utf-8", errors="replace") as file:
            file.seek(start)
            tail = file.read().splitlines()[-25:]
        raise Failed("`%s` failed (exit %d), all of it is in %s:\n%s"
                     % (" ".join(command[:4]), done.returncode, log.name, "\n".join(tail)))


def jobs():
    """Compilers at once: as many as cores, fewer where memory is short (1.5 GB each)."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(os.cpu_count() or 1, memory // 1_500_000_000))


def release(targets, log):
    """One build at a time: a second run that starts meanwhile waits for it. LINESIDE_BUILT: deploy/test has built all of it."""
    if os.environ.get("LINESIDE_BUILT"):
        return
    os.makedirs(BUILD, exist_ok=True)
    with open(os.path.join(ROOT, "build/release.lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _release(targets, log)


def _release(targets, log):
    if not os.path.exists(os.path.join(BUILD, "build.ninja")):
        run_logged(["cmake", "--preset", "release"], log)
    run_logged(["ninja", "-C", BUILD, "-j%d" % jobs(), *targets], log)


def digest_of(paths):
    """Names and content of files and folders, in one number; the same wherever they stand."""
    sha = hashlib.sha256()
    for path in sorted(paths, key=os.path.basename):
        above = os.path.dirname(path)
        files = [path]
        if os.path.isdir(path):
            files = sorted(os.path.join(top, name) for top, _, names in os.walk(path) for name in names)
        for file in files:
            if os.path.isfile(file):
                sha.update(os.path.relpath(file, above).encode() + b"\0")
                with open(file, "rb") as content:
                    sha.update(hashlib.sha256(content.read()).digest())
    return sha.hexdigest()


def read_text(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def write_text(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def install_ui_modules(log):
    """`npm ci`, when the lock file is another one than the modules came from."""
    stamp = os.path.join(UI, "node_modules/.lineside-lock")
    lock = digest_of([os.path.join(UI, "package-lock.json")])
    if read_text(stamp) != lock:
        run_logged(["npm", "ci", "--no-audit", "--no-fund"], log, cwd=UI)
        write_text(stamp, lock)


def dashboard_digest():
    sources = [os.path.join(UI, name) for name in os.listdir(UI)
               if name not in ("dist", "node_modules", "shots", "e2e", "test", "mock", "README.md")]
    # What the build itself writes into src is no source: counted, the first build of a fresh checkout would differ from its own stamp.
    generated = (os.path.join(UI, "src/fonts") + os.sep, os.path.join(UI, "src/api/generated.d.ts"))
    plain = [file for path in sources for file in
             ([path] if os.path.isfile(path) else [os.path.join(top, name) for top, _, names in os.walk(path) for name in names])
             if not file.startswith(generated)]
    return digest_of(plain + [OPENAPI])


def dashboard_is_current():
    return os.path.exists(INDEX) and read_text(UI_STAMP) == dashboard_digest()


def dashboard(log):
    """Builds web/ui/dist when it does not belong to the sources. The station runs without it, so no failure ends a run."""
    if dashboard_is_current():
        return
    if not shutil.which("npm"):
        print("no npm: the dashboard is not built, the station serves its plain page", file=sys.stderr)
        return
    now = dashboard_digest()
    try:
        install_ui_modules(log)
        run_logged(["npm", "run", "-s", "build"], log, cwd=UI)
    except Failed as error:
        print("the dashboard could not be built, the station serves its plain page\n%s" % error, file=sys.stderr)
        return
    write_text(UI_STAMP, now)
