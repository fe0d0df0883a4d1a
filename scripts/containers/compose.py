"""docker/compose.yaml as a run that a script can watch and disturb."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from running.roles import EXIT_MACHINE_UNFIT, ROOT, command, die

FILE = ROOT / "docker/compose.yaml"
IMAGE = "permafrost:latest"


def docker(*words):
    return command("docker", *words)


def use_plugins():
    """Lets docker find the plug-ins that scripts/images has fetched, where it has none of its own."""
    cache = os.environ.get("PERMAFROST_CACHE") or str(Path.home() / ".cache/permafrost")
    folder = Path(cache) / "docker"
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode != 0 and folder.is_dir():
        os.environ["DOCKER_CONFIG"] = str(folder)


def has_engine():
    return bool(shutil.which("docker")) and subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def prepare_images(keep):
    """Builds the images with scripts/images, which starts an engine where none runs; or sees that those here can be used."""
    if not keep:
        subprocess.run([ROOT / "scripts/images"], stdout=sys.stderr, check=True)
    elif not has_engine():
        die(EXIT_MACHINE_UNFIT, "no container engine runs. Start dockerd, or leave out --keep-images.")
    use_plugins()


def embedded_adapter(folder):
    """Trains the recipe of the folder's cache in one container; gives the adapter's file."""
    state = folder / "embedded"
    state.mkdir()
    state.chmod(0o777)
    docker("run", "--rm", "--read-only", "--no-healthcheck", "--cap-drop", "ALL", "--network", "none",
           "--volume", f"{folder}/cache:/models:ro", "--volume", f"{state}:/state", IMAGE,
           "train", "/models/e2e.yaml", "runs=/state/runs")  # fmt: skip
    return next(state.glob("runs/*/adapter/adapter_model.safetensors"))


class Composition:
    """A project of its own: containers, networks and volumes are gone after the `with`, as is an engine that it started."""

    def __init__(self, folder, deadline, keep_images):
        self.folder, self.deadline = folder, deadline
        self.last_step = 0
        self.files = [FILE]
        self.had_engine = has_engine()
        prepare_images(keep_images)
        os.environ.update(
            COMPOSE_PROJECT_NAME="permafrost-e2e",
            COMPOSE_PROFILES="monitoring,outside",
            PERMAFROST_IMAGE=IMAGE,
            PERMAFROST_KEYS=str(folder / "keys"),
            PERMAFROST_RECIPE="/models/e2e.yaml",
            PERMAFROST_HTTP_PORT="19464",
            PERMAFROST_LOG_FORMAT="text",
            PERMAFROST_GATEWAY_PORT="17072",
            PROMETHEUS_PORT="19090",
            PROMETHEUS_IMAGE="permafrost-prometheus:e2e",
        )

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.compose("logs", "--no-color", "--tail", "15"), file=sys.stderr)
        self.compose("down", "--volumes", "--timeout", "10")
        if not self.had_engine and Path("/var/run/docker.pid").exists():
            os.kill(int(Path("/var/run/docker.pid").read_text()), 15)

    def compose(self, *words):
        # Only containers have the small cache: scripts look for their plug-ins in the machine's.
        environment = {**os.environ, "PERMAFROST_CACHE": str(self.folder / "cache")}
        files = [word for file in self.files for word in ("--file", str(file))]
        words = ["docker", "compose", *files, *map(str, words)]
        result = subprocess.run(words, capture_output=True, text=True, env=environment)
        if result.returncode != 0:
            raise OSError(f"'{' '.join(words)}' failed: {result.stderr.strip()[-2000:]}")
        return result.stdout

    def images(self):
        return docker("images", "--format", "{{.Repository}}:{{.Tag}} {{.Size}}", "permafrost").replace("\n", ", ")

    def enroll(self):
        environment = {**os.environ, "PERMAFROST_CACHE": str(self.folder / "cache")}
        subprocess.run([ROOT / "docker/enroll"], stdout=subprocess.DEVNULL, check=True, env=environment)

    def up(self, workers):
        """Starts what does not run, and has so many workers."""
        self.compose("up", "--detach", "--no-recreate", "--scale", f"worker={workers}")

    def lead_through_gateway(self, device):
        """Lets a device reach the others through the gateway alone, as one elsewhere does."""
        service = json.loads(self.compose("config", "--format", "json"))["services"][device]
        path = self.folder / "elsewhere.json"
        path.write_text(json.dumps({"services": {device: {"command": [*service["command"], "--gateway=gateway:7072"]}}}))
        self.files.append(path)

    def log(self, service):
        return self.compose("logs", "--no-color", "--no-log-prefix", service)

    def kill(self, service):
        """Kills a service's containers as `docker kill` does: no restart policy brings them back."""
        self.step()
        for container in self.compose("ps", "--quiet", service).split():
            docker("kill", container)

    def ask(self, *words):
        """What the coordinator's ledger says; None while its container does not run."""
        try:
            return json.loads(
                self.compose("exec", "-T", "coordinator", "permafrost", *words, "--state", "/state", "--format", "json")
            )
        except (OSError, ValueError):
            return None

    def step(self):
        runs = self.ask("run", "ls")
        if runs:
            self.last_step = runs[0]["step"]
        return self.last_step

    def workers(self, *states):
        """The workers and their states, all or those in some states."""
        found = {worker["id"]: worker["state"] for worker in self.ask("workers", "ls") or []}
        return {id: state for id, state in found.items() if not states or state in states}

    def is_healthy(self, service):
        containers = [json.loads(line) for line in self.compose("ps", "--format", "json", service).splitlines()]
        return bool(containers) and all(entry["Health"] == "healthy" for entry in containers)

    def is_over(self):
        self.step()
        return not self.compose("ps", "--quiet", "coordinator").strip()

    def outcome(self):
        """The newest run's state, out of the ledger that the coordinator left."""
        text = self.compose("run", "--rm", "--no-deps", "coordinator", "run", "ls", "--state", "/state", "--format", "json")
        newest = json.loads(text)[0]
        self.last_step = newest["step"]
        if newest["state"] != "completed":
            die(1, f"the run is {newest['state']} after {newest['step']} steps: {newest.get('reason')}")
        return newest["state"]

    def adapter(self):
        """The adapter of the worker that finished the run."""
        target = self.folder / "trained"
        container = docker("create", "--volume", "permafrost-e2e_workers:/state", IMAGE).strip()
        docker("cp", f"{container}:/state/.", target)
        docker("rm", container)
        found = sorted(target.glob("*/*/adapter/adapter_model.safetensors"), key=lambda path: path.stat().st_mtime)
        if not found:
            die(1, "no worker has left an adapter.")
        shutil.copy(found[-1], self.folder / "adapter.safetensors")
        return self.folder / "adapter.safetensors"

    def wait(self, what, condition):
        while not condition():
            if condition != self.is_over and self.is_over():
                die(1, f"the run has ended before {what}. On this machine it needs more --samples.")
            if time.monotonic() > self.deadline:
                die(1, f"waited in vain for {what}; the run is at step {self.step()}, workers {self.workers()}")
            time.sleep(1)
