"""A real Prometheus beside the roles of a composition."""

import json
import subprocess
import urllib.parse
import urllib.request

from running.roles import die

# Debian's package on the image that the roles stand on, in place of one of a registry.
RECIPE = """FROM {base}
RUN apt-get update && apt-get install -y --no-install-recommends prometheus && rm -rf /var/lib/apt/lists/* \\
    && install -d -o nobody /prometheus
USER nobody
ENTRYPOINT ["prometheus"]
"""
BASES = ("debian:bookworm-slim", "permafrost-base/debian:bookworm-slim")


def has_image(name):
    return subprocess.run(["docker", "image", "inspect", name], capture_output=True).returncode == 0


class Prometheus:
    def __init__(self, run, address="http://127.0.0.1:19090", image="permafrost-prometheus:e2e"):
        self.run, self.address = run, address
        if not has_image(image):
            base = next(name for name in BASES if has_image(name))
            subprocess.run(
                ["docker", "buildx", "build", "--load", "--quiet", "--tag", image, "-"],
                input=RECIPE.format(base=base), text=True, check=True, stdout=subprocess.DEVNULL)  # fmt: skip

    def query(self, expression):
        """The samples of an instant query; none while Prometheus does not answer."""
        url = f"{self.address}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]["result"]
        except OSError:
            return []

    def firing(self):
        return {sample["metric"]["alertname"] for sample in self.query('ALERTS{alertstate="firing"}')}

    def wait_scraped(self, **roles):
        """Until every role answers, with its own metrics and the coordinator's step."""
        for role, count in roles.items():
            job = f"permafrost-{role.removesuffix('s')}"
            self.run.wait(f"{count} {role} in Prometheus", lambda: len(self.query(f'up{{job="{job}"}} == 1')) >= count)
        self.run.wait("a step in Prometheus", lambda: self.query("permafrost_train_step > 0"))

    def assert_silent(self, *expected):
        """No alert has ever fired but those that were to."""
        if not self.query("up"):
            die(1, "Prometheus does not answer.")
        fired = {sample["metric"]["alertname"] for sample in self.query('last_over_time(ALERTS{alertstate="firing"}[1h])')}
        if fired != set(expected):
            die(1, f"alerts have fired: {', '.join(sorted(fired)) or 'none'}; expected: {', '.join(expected) or 'none'}")

    def wait_firing(self, name):
        self.run.wait(f"the alert {name}", lambda: name in self.firing())

    def wait_silent(self, name):
        self.run.wait(f"an end of the alert {name}", lambda: self.query("up") and name not in self.firing())
