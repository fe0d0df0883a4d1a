"""Rendered manifests as pods of podman, with volumes, secrets and a network that are gone after the `with`."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from containers.pods import pods
from running.roles import command, die

# Of podman 4 on Debian 12: its default runtime and limits do not work everywhere.
CONFIGURATION = """[containers]
default_ulimits=["nofile=20000:20000","nproc=32768:32768"]
[engine]
cgroup_manager="cgroupfs"
events_logger="file"
runtime="runc"
[network]
network_backend="netavark"
"""
COORDINATOR = "permafrost-coordinator"


class Podman:
    def __init__(self, folder, documents, deadline):
        self.folder, self.deadline = folder, deadline
        self.pods = pods(documents)
        self.last_step, self.run_state = 0, None
        (folder / "containers.conf").write_text(CONFIGURATION)
        os.environ["CONTAINERS_CONF"] = str(folder / "containers.conf")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            for pod in self.pods:
                print(f"== {pod}\n{self.log(pod)}", file=sys.stderr)
        for pod in self.pods:
            subprocess.run(["podman", "pod", "rm", "--force", pod], capture_output=True)
        names = [each["metadata"]["name"] for group in self.pods.values() for each in group[:-1]]
        # Secrets are shown to pods in volumes of their names.
        subprocess.run(["podman", "volume", "rm", "--force", "models", *names, *self.secrets()], capture_output=True)
        subprocess.run(["podman", "secret", "rm", *self.secrets()], capture_output=True)

    def load(self, image):
        """Takes an image over from docker, and the recipe's files into the claim `models`."""
        archive = self.folder / "image.tar"
        command("docker", "save", "--output", archive, image)
        command("podman", "load", "--input", archive)
        archive.unlink()
        command("podman", "volume", "create", "models")
        place = command("podman", "volume", "inspect", "--format", "{{.Mountpoint}}", "models").strip()
        shutil.copytree(self.folder / "cache", place, dirs_exist_ok=True)

    def with_keys(self):
        """Pods of roles that have a key."""
        return sorted({pod for group in self.secrets().values() for pod in group})

    def secrets(self):
        """The secrets' names, and which pods have a key in each."""
        found = {}
        for pod, group in self.pods.items():
            for volume in group[-1]["spec"]["volumes"]:
                if "secret" in volume:
                    found.setdefault(volume["secret"]["secretName"], []).append(pod)
        return found

    @staticmethod
    def identity(pod):
        """The id under which a pod's role speaks, which is its key's name."""
        return pod.removeprefix("permafrost-") if "-device-" in pod or pod == COORDINATOR else pod

    def make_keys(self):
        folder = self.folder / "keys"
        folder.mkdir()
        folder.chmod(0o777)
        for name in map(self.identity, self.with_keys()):
            command("podman", "run", "--rm", "--network", "none", "--user", "0", "--volume", f"{folder}:/keys",
                    "localhost/permafrost:latest", "keys", "generate", name, "--folder", "/keys")  # fmt: skip
        for secret, pods in self.secrets().items():
            files = [f"{self.identity(pod)}.key" for pod in pods] + ["coordinator.pub"]
            # podman 4 shows a secret's values as they are, and not what they are in base64.
            text = json.dumps({"data": {name: (folder / name).read_text() for name in files}})
            path = self.folder / f"{secret}.json"
            path.write_text(text)
            command("podman", "secret", "create", secret, path)

    def play(self, pod):
        """Plays a pod; its claims only once, as they stay."""
        existing = command("podman", "volume", "ls", "--quiet").split()
        wanted = [each for each in self.pods[pod] if each["metadata"]["name"] not in existing]
        path = self.folder / f"{pod}.yaml"
        path.write_text("\n---\n".join(json.dumps(each) for each in wanted))
        command("podman", "kube", "play", path)

    def play_all(self):
        for pod in sorted(self.pods, key=lambda pod: pod != COORDINATOR):
            self.play(pod)

    def enroll(self):
        """What an operator does once, with `kubectl exec`."""
        for name in map(self.identity, set(self.with_keys()) - {COORDINATOR}):
            role = "device" if name.startswith("device-") else "worker"
            public = self.folder / "keys" / f"{name}.pub"
            command("podman", "cp", public, f"{self.container(COORDINATOR)}:/state/{name}.pub")
            self.execute(COORDINATOR, "devices", "enroll", name, "--role", role, "--key", f"/state/{name}.pub",
                         "--state", "/state")  # fmt: skip

    def container(self, pod):
        return f"{pod}-{self.pods[pod][-1]['spec']['containers'][0]['name']}"

    def execute(self, pod, *words):
        return command("podman", "exec", self.container(pod), "permafrost", *words)

    def log(self, pod):
        result = subprocess.run(["podman", "logs", "--tail", "15", self.container(pod)], capture_output=True, text=True)
        return result.stdout + result.stderr

    def delete(self, pod):
        self.step()
        command("podman", "pod", "kill", pod)
        command("podman", "pod", "rm", "--force", pod)

    def ask(self, *words):
        """What the coordinator's ledger says; None while its container does not run."""
        try:
            return json.loads(self.execute(COORDINATOR, *words, "--state", "/state", "--format", "json"))
        except (OSError, ValueError):
            return None

    def run_hook(self, pod):
        """Runs a container's preStop hook, as Kubernetes does before it stops a pod. The container's end takes the hook's
        process with it, so that what counts is the code with which the role has left."""
        hook = self.pods[pod][-1]["spec"]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
        subprocess.run(["podman", "exec", self.container(pod), *hook], capture_output=True)
        self.wait(f"{pod} to leave after its hook", lambda: self.state(pod)[0] == "exited")
        if self.state(pod)[1] != "0":
            die(1, f"the hook has not drained {pod}:\n{self.log(pod)}")

    def state(self, pod):
        """Whether its container runs, and with which code it has ended."""
        text = command("podman", "inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", self.container(pod))
        return tuple(text.split())

    def step(self):
        runs = self.ask("run", "ls")
        if runs:
            self.last_step, self.run_state = runs[0]["step"], runs[0]["state"]
        return self.last_step

    def workers(self):
        return {worker["id"]: worker["state"] for worker in self.ask("workers", "ls") or []}

    def all_ready(self):
        return all(
            subprocess.run(["podman", "exec", self.container(pod), "permafrost", "health", "--ready"],
                           capture_output=True).returncode == 0 for pod in self.pods)  # fmt: skip

    def is_over(self):
        """Whether the run is complete; its coordinator stays."""
        self.step()
        status, code = self.state(COORDINATOR)
        if status == "exited":
            die(1, f"the coordinator has ended with {code}:\n{self.log(COORDINATOR)}")
        if self.run_state in ("interrupted", "failed"):
            die(1, f"the run is {self.run_state}:\n{self.log(COORDINATOR)}")
        return self.run_state == "completed"

    def adapter(self):
        found = []
        for pod, group in self.pods.items():
            for claim in group[:-1]:
                name = claim["metadata"]["name"]
                place = command("podman", "volume", "inspect", "--format", "{{.Mountpoint}}", name).strip()
                found += Path(place).glob("*/adapter/adapter_model.safetensors")
        if not found:
            die(1, "no worker has left an adapter.")
        return max(found, key=lambda path: path.stat().st_mtime)

    def wait(self, what, condition):
        while not condition():
            if condition != self.is_over and self.is_over():
                die(1, f"the run has ended before {what}. On this machine it needs more --samples.")
            if time.monotonic() > self.deadline:
                die(1, f"waited in vain for {what}; the run is at step {self.last_step}, workers {self.workers()}")
            time.sleep(1)
