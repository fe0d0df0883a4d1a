"""clients/python in a run with a real coordinator, worker and Swift device: the adapter is that of Swift devices alone.

Needs the binary (PERMAFROST, or .build/debug/permafrost) and a Python that has clients/python/requirements.txt
(PERMAFROST_CLIENT_PYTHON, or this one); skipped without them.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("PERMAFROST", ROOT / ".build" / "debug" / "permafrost")).absolute()
PYTHON = os.environ.get("PERMAFROST_CLIENT_PYTHON", sys.executable)
CLIENT = ROOT / "clients" / "python"
TINY = ROOT / "Tests" / "Fixtures" / "tiny-model"
LIMIT_SECONDS = 240


def missing():
    if not os.access(BINARY, os.X_OK):
        return "%s is not there: build it, or set PERMAFROST" % BINARY
    imports = subprocess.run(
        [PYTHON, "-c", "import contract, embeddings, link, outbox"], cwd=CLIENT, capture_output=True, text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    if imports.returncode:
        return "%s lacks a package of clients/python/requirements.txt (%s): install them, or set " \
            "PERMAFROST_CLIENT_PYTHON" % (PYTHON, imports.stderr.strip().splitlines()[-1])
    return None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """A coordinator, a worker and two devices: one at cut 0 with the bad reviews, one at cut 2 with the good ones."""

    def __init__(self, case, secure=False):
        folder = tempfile.TemporaryDirectory()
        case.addCleanup(folder.cleanup)
        self.case, self.secure, self.folder = case, secure, Path(folder.name)
        self.endpoint = "tcp://127.0.0.1:%d" % free_port()
        self.processes = {}
        case.addCleanup(self.stop)
        lines = (TINY / "sentences.txt").read_text(encoding="utf-8").splitlines(keepends=True)
        for name, negative in (("device-1", True), ("device-2", False)):
            chosen = [line for line in lines if line.startswith(tuple("0123456789"))]
            chosen = [line for line in chosen if (float(line.split("\t")[1]) < 0) == negative]
            (self.folder / (name + ".tsv")).write_text("".join(chosen[:40]), encoding="utf-8")
        for name, role in (("coordinator", None), ("worker-1", "worker"), ("device-1", "device"), ("device-2", "device")):
            if secure:
                self.call("keys", "generate", name, "--folder", self.folder)
                if role:
                    self.call("devices", "enroll", name, "--role", role, "--key", self.folder / (name + ".pub"),
                              "--state", self.folder / "coordinator")

    def call(self, *arguments):
        subprocess.run([str(BINARY), *map(str, arguments)], check=True, capture_output=True, timeout=60)

    def security(self, name):
        if not self.secure:
            return ["--insecure"]
        key = ["--key", self.folder / (name + ".key")]
        return key if name == "coordinator" else [*key, "--coordinator-key", self.folder / "coordinator.pub"]

    def start(self, name, *arguments):
        with open(self.folder / (name + ".log"), "ab") as log:
            self.processes[name] = subprocess.Popen(
                [*map(str, arguments), *map(str, self.security(name))], cwd=self.folder, stdout=log, stderr=log,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})

    def start_all(self, python, **options):
        self.start("coordinator", BINARY, "coordinator", TINY / "recipe.yaml", "network.coordinator=" + self.endpoint,
                   "model.path=%s" % (TINY / "tiny.gguf"), "data.path=%s" % (TINY / "sentences.txt"),
                   "devices.cuts=[0,2]", "devices.balance=fixed", "devices.credit_bytes=8KiB", "training.epochs=2",
                   "--state", self.folder / "coordinator")
        self.start("worker-1", BINARY, "worker", "--id", "worker-1", "--coordinator", self.endpoint,
                   "--listen", "tcp://127.0.0.1:%d" % free_port(), "--state", self.folder / "worker")
        self.start_swift("device-2")
        if python:
            self.start_python("device-1", **options)
        else:
            self.start_swift("device-1")

    def start_swift(self, name):
        self.start(name, BINARY, "device", "--id", name, "--coordinator", self.endpoint,
                   "--data", self.folder / (name + ".tsv"))

    def start_python(self, name, part_bytes=1 << 20):
        self.start(name, PYTHON, CLIENT / "device.py", "--id", name, "--coordinator", self.endpoint,
                   "--model", TINY / "tiny.gguf", "--data", self.folder / (name + ".tsv"), "--part-bytes", part_bytes)

    def log(self, name):
        return (self.folder / (name + ".log")).read_text(errors="replace")

    def finish(self):
        """Waits for every process to end well; gives the adapter's bytes."""
        deadline = time.monotonic() + LIMIT_SECONDS
        for name, process in self.processes.items():
            try:
                code = process.wait(max(1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                code = "none"
            if code != 0:
                logs = "\n".join("== %s\n%s" % (other, self.log(other)[-1500:]) for other in self.processes)
                self.case.fail("%s ended with code %s\n%s" % (name, code, logs))
        adapters = list((self.folder / "worker").rglob("adapter_model.safetensors"))
        self.case.assertTrue(adapters, "the worker has left no adapter")
        return max(adapters, key=lambda path: path.stat().st_mtime).read_bytes()

    def stop(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()


REASON = missing()


@unittest.skipIf(REASON, REASON)
class ClientTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.expected = None

    def expect(self):
        """The adapter of a run with Swift devices alone, once."""
        if ClientTests.expected is None:
            cluster = Cluster(self)
            cluster.start_all(python=False)
            ClientTests.expected = cluster.finish()
        return ClientTests.expected

    def test_a_run_with_a_python_device_ends_with_the_adapter_of_swift_devices(self):
        cluster = Cluster(self)
        cluster.start_all(python=True)
        self.assertEqual(cluster.finish(), self.expect())
        self.assertNotIn("refuses", cluster.log("device-1"))

    def test_with_keys_and_messages_in_parts_the_adapter_is_the_same(self):
        cluster = Cluster(self, secure=True)
        cluster.start_all(python=True, part_bytes=1000)
        self.assertEqual(cluster.finish(), self.expect())
        self.assertNotIn("refuses", cluster.log("device-1"))


if __name__ == "__main__":
    unittest.main()
