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
LIMIT_SECONDS = 120

# The device, which kills a process (or itself, given 0) once it has sent so many parts: argv is parts, process, rest.
KILLER = """
import os, signal, sys
import device, link
parts, process = int(sys.argv[1]), int(sys.argv[2]) or os.getpid()
sys.argv[1:3] = []
send = link.Link.send
def counting(self, header, payload=None):
    global parts
    went = send(self, header, payload)
    parts -= went and payload is not None
    if parts == 0:
        parts = -1
        os.kill(process, signal.SIGKILL)
    return went
link.Link.send = counting
device.main()
"""

# The device, whose every first attempt has a wrong checksum.
LIAR = """
import device
class Wrong:
    seen = set()
    def xxh64_intdigest(piece, digest=device.xxhash.xxh64_intdigest):
        fresh = digest(piece) not in Wrong.seen
        Wrong.seen.add(digest(piece))
        return digest(piece) ^ fresh
device.xxhash = Wrong
device.main()
"""


def missing():
    if not os.access(BINARY, os.X_OK):
        return "%s is not there: build it, or set PERMAFROST" % BINARY
    imports = subprocess.run(
        [PYTHON, "-c", "import contract, embeddings, link, outbox, patience, payload"], cwd=CLIENT, capture_output=True, text=True,
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

    def __init__(self, case, secure=False, codec="f32"):
        folder = tempfile.TemporaryDirectory()
        case.addCleanup(folder.cleanup)
        self.case, self.secure, self.codec, self.folder = case, secure, codec, Path(folder.name)
        self.endpoint, self.worker = ("tcp://127.0.0.1:%d" % free_port() for _ in range(2))
        self.processes = {}
        case.addCleanup(self.stop)
        lines = (TINY / "sentences.txt").read_text(encoding="utf-8").splitlines(keepends=True)
        for name, negative in (("device-1", True), ("device-2", False)):
            chosen = [line for line in lines if line.startswith(tuple("0123456789"))]
            chosen = [line for line in chosen if (float(line.split("\t")[1]) < 0) == negative]
            (self.folder / (name + ".tsv")).write_text("".join(chosen[:40]), encoding="utf-8")
        roles = {"coordinator": None, "worker-1": "worker", "device-1": "device", "device-2": "device"}
        for name, role in roles.items():
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
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(CLIENT)})

    def start_coordinator(self):
        self.start("coordinator", BINARY, "coordinator", TINY / "recipe.yaml", "network.coordinator=" + self.endpoint,
                   "model.path=%s" % (TINY / "tiny.gguf"), "data.path=%s" % (TINY / "sentences.txt"),
                   "devices.cuts=[0,2]", "devices.balance=fixed", "devices.credit_bytes=8KiB", "training.epochs=2",
                   "devices.codec=" + self.codec,
                   "--state", self.folder / "coordinator")

    def start_worker(self):
        self.start("worker-1", BINARY, "worker", "--id", "worker-1", "--coordinator", self.endpoint,
                   "--listen", self.worker, "--state", self.folder / "worker")

    def start_swift(self, name):
        self.start(name, BINARY, "device", "--id", name, "--coordinator", self.endpoint,
                   "--data", self.folder / (name + ".tsv"))

    def start_gateway(self):
        """Where it listens."""
        place = "127.0.0.1:%d" % free_port()
        with open(self.folder / "gateway.log", "ab") as log:
            self.gateway = subprocess.Popen(
                [str(BINARY), "gateway", "--listen", place]
                + [word for role in (self.endpoint, self.worker) for word in ("--allow", role.removeprefix("tcp://"))],
                stdout=log, stderr=log)
        self.case.addCleanup(self.gateway.wait)
        self.case.addCleanup(self.gateway.kill)
        return place

    def start_python(self, name, part_bytes=1 << 20, kill=None, lies=False, patience=3600, gateway=None):
        """`kill` is the name of the process that dies once a dozen parts were sent."""
        program = [CLIENT / "device.py"]
        if kill:
            program = ["-c", KILLER, 12, 0 if kill == name else self.processes[kill].pid]
        if lies:
            program = ["-c", LIAR]
        self.start(name, PYTHON, *program, "--id", name, "--coordinator", self.endpoint,
                   "--model", TINY / "tiny.gguf", "--data", self.folder / (name + ".tsv"), "--part-bytes", part_bytes,
                   "--patience", patience, *(["--gateway", gateway] if gateway else []))

    def await_death(self, name):
        self.case.assertEqual(self.processes[name].wait(LIMIT_SECONDS), -9, self.log(name))

    def log(self, name):
        return (self.folder / (name + ".log")).read_text(errors="replace")

    def finish(self, *names):
        """Waits for these processes, or all, to end well; gives the adapter's bytes."""
        deadline = time.monotonic() + LIMIT_SECONDS
        for name, process in ((name, self.processes[name]) for name in names or self.processes):
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

    def begin(self, **options):
        cluster = Cluster(self, **options)
        cluster.start_coordinator()
        cluster.start_worker()
        cluster.start_swift("device-2")
        return cluster

    def expect(self):
        """The adapter of a run with Swift devices alone, once."""
        if ClientTests.expected is None:
            cluster = self.begin()
            cluster.start_swift("device-1")
            ClientTests.expected = cluster.finish()
        return ClientTests.expected

    def check(self, cluster, *names):
        self.assertTrue(cluster.finish(*names) == self.expect(), "the adapter is another one")

    def test_a_run_with_a_python_device_ends_with_the_adapter_of_swift_devices(self):
        cluster = self.begin()
        cluster.start_python("device-1")
        self.check(cluster)
        self.assertNotIn("refuses", cluster.log("device-1"))

    def test_in_every_codec_the_adapter_is_that_of_swift_devices(self):
        for codec in ("bf16", "int8", "int4"):
            with self.subTest(codec):
                adapters = []
                for start in (Cluster.start_swift, Cluster.start_python):
                    cluster = self.begin(codec=codec)
                    start(cluster, "device-1")
                    adapters.append(cluster.finish())
                self.assertTrue(adapters[0] == adapters[1], "the adapter is another one")

    def test_with_keys_and_messages_in_parts_the_adapter_is_the_same(self):
        cluster = self.begin(secure=True)
        cluster.start_python("device-1", part_bytes=1000)
        self.check(cluster)
        self.assertNotIn("refuses", cluster.log("device-1"))

    def test_through_a_gateway_the_adapter_is_the_same(self):
        cluster = self.begin(secure=True)
        cluster.start_python("device-1", gateway=cluster.start_gateway())
        self.check(cluster)
        for endpoint in (cluster.endpoint, cluster.worker):
            self.assertRegex(cluster.log("gateway"), "opened .* to %s" % endpoint.removeprefix("tcp://"))

    def test_a_python_device_sends_again_what_was_refused(self):
        cluster = self.begin()
        cluster.start_python("device-1", lies=True)
        self.check(cluster)
        self.assertIn("(25)", cluster.log("device-1"))

    def test_a_python_device_that_was_killed_in_the_middle_of_a_message_goes_on(self):
        cluster = self.begin()
        cluster.start_python("device-1", part_bytes=1000, kill="device-1")
        cluster.await_death("device-1")
        cluster.start_python("device-1", part_bytes=1000)
        self.check(cluster)

    def test_a_python_device_outlives_its_worker(self):
        cluster = self.begin(secure=True)
        cluster.start_python("device-1", part_bytes=1000, kill="worker-1")
        cluster.await_death("worker-1")
        cluster.start_worker()
        self.check(cluster)

    def test_a_python_device_outlives_the_coordinator(self):
        cluster = self.begin()
        cluster.start_python("device-1", part_bytes=1000, kill="coordinator")
        cluster.await_death("coordinator")
        cluster.start_coordinator()
        self.check(cluster)

    def test_a_python_device_without_a_coordinator_leaves_in_the_end(self):
        cluster = Cluster(self)
        cluster.start_python("device-1", patience=1)
        self.assertEqual(cluster.processes["device-1"].wait(LIMIT_SECONDS), 56, cluster.log("device-1"))
        cluster.start_coordinator()
        cluster.start_worker()
        cluster.start_python("device-1", kill="coordinator", patience=2)
        self.assertEqual(cluster.processes["device-1"].wait(LIMIT_SECONDS), 0, cluster.log("device-1"))
        self.assertIn("everything is with the worker, and no coordinator was heard of", cluster.log("device-1"))
        cluster.await_death("coordinator")
        cluster.start_coordinator()
        cluster.start_swift("device-2")
        cluster.start_python("device-1")
        self.check(cluster)


if __name__ == "__main__":
    unittest.main()
