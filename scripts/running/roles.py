"""Roles of a distributed run as processes of this machine, for scripts that measure."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

EXIT_MACHINE_UNFIT = 70
EXIT_INTERRUPTED = 62
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def die(code, sentence):
    print(f"{pathlib.Path(sys.argv[0]).name}: {sentence}", file=sys.stderr)
    sys.exit(code)


def command(*words):
    """Runs a command, silently unless it fails, and gives what it printed."""
    result = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if result.returncode != 0:
        raise OSError(f"'{' '.join(map(str, words))}' failed: {result.stderr.strip() or result.returncode}")
    return result.stdout


def build(*products):
    """The folder with release builds of some products: that of PERMAFROST if it is set, otherwise built here."""
    if path := os.environ.get("PERMAFROST"):
        return pathlib.Path(path).resolve().parent
    if not shutil.which("swift"):
        die(EXIT_MACHINE_UNFIT, "swift was not found. Install the Swift toolchain, see scripts/install.")
    os.chdir(ROOT)
    for product in products:
        subprocess.run(["swift", "build", "-c", "release", "--product", product], stdout=sys.stderr, check=True)
    return pathlib.Path(command("swift", "build", "-c", "release", "--show-bin-path").strip())


def places():
    """The processors of the server and of the devices: one for the server where there are two or more, so that devices
    do not slow down a server that they would not share a machine with."""
    cores = sorted(os.sched_getaffinity(0))
    return {"server": cores[:1], "devices": cores[1:] or cores}


class Roles:
    """Processes by name, each with its output in a file of the folder. All have ended after the `with`."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = {}
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def start(self, name, *words, cores=None):
        with open(self.folder / f"{name}.out", "w") as output, open(self.folder / f"{name}.log", "w") as log:
            self.processes[name] = subprocess.Popen(
                [str(word) for word in words], stdout=output, stderr=log, start_new_session=True)
        if cores:
            os.sched_setaffinity(self.processes[name].pid, cores)

    def text(self, name):
        """All that a process has said."""
        return "".join((self.folder / f"{name}.{kind}").read_text(errors="replace") for kind in ("log", "out"))

    def wait_for(self, name, word, deadline):
        """Returns when a process has said a word."""
        while word not in self.text(name):
            self._check(deadline, name)
            time.sleep(0.05)

    def wait(self, name, deadline):
        """Returns when a process has ended well."""
        while self.processes[name].poll() is None:
            self._check(deadline, name)
            time.sleep(0.1)
        self._check(deadline, name)

    def end(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _check(self, deadline, name):
        failed = [name for name, process in self.processes.items() if process.poll() not in (None, 0)]
        if failed or time.monotonic() > deadline:
            name = failed[0] if failed else name
            what = "failed" if failed else "did not get on in time"
            die(1, f"{name} {what}; its last lines:\n{self.text(name)[-2000:]}")
