"""The Dockerfile and the compose file: linted, and every service as unprivileged as it can be."""

import re
import subprocess
import unittest

from tools import ROOT, environment, load_yaml

COMPOSE = ROOT / "docker/compose.yaml"
VERSIONS = {
    "Sources/Runs/Version.swift": r'permafrostVersion = "(.+)"',
    "docker/Dockerfile": r"\nARG VERSION=(.+)",
    "docker/kubernetes/chart/Chart.yaml": r"\nappVersion: (.+)",
}


class DockerfileTests(unittest.TestCase):
    def test_hadolint_has_nothing_to_say(self):
        result = subprocess.run(
            [environment() / "hadolint", ROOT / "docker/Dockerfile"], capture_output=True, text=True
        )
        self.assertEqual((result.returncode, result.stdout), (0, ""), result.stderr)

    def test_the_image_runs_as_a_number_and_checks_itself_without_a_shell(self):
        last = (ROOT / "docker/Dockerfile").read_text().split("\nFROM ")[-1]
        self.assertRegex(last, r"\nUSER 10001:10001\n")
        self.assertRegex(last, r'HEALTHCHECK .*CMD \["permafrost", "health"\]')
        self.assertIn('\nENTRYPOINT ["permafrost"]', last)

    def test_program_image_and_chart_have_one_version(self):
        found = {path: re.search(pattern, (ROOT / path).read_text()).group(1) for path, pattern in VERSIONS.items()}
        self.assertEqual(len(set(found.values())), 1, found)


class ComposeTests(unittest.TestCase):
    def setUp(self):
        self.file = load_yaml(COMPOSE.read_text())[0]
        self.services = self.file["services"]
        self.roles = {name: each for name, each in self.services.items() if name != "prometheus"}

    def test_there_are_a_coordinator_two_workers_and_four_devices_of_different_strength(self):
        self.assertEqual(self.services["worker"]["deploy"]["replicas"], 2)
        limits = [self.services["device-%d" % n]["deploy"]["resources"]["limits"] for n in range(1, 5)]
        self.assertEqual(len({(each["cpus"], each["memory"]) for each in limits}), 4)

    def test_every_service_is_unprivileged_limited_and_stops_in_peace(self):
        for name, service in self.services.items():
            with self.subTest(service=name):
                self.assertTrue(service["read_only"])
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertIn("memory", service["deploy"]["resources"]["limits"])
        for name, service in self.roles.items():
            self.assertEqual(service["stop_grace_period"], "60s", name)
            self.assertEqual(service["healthcheck"]["test"][:3], ["CMD", "permafrost", "health"], name)

    def test_workers_and_devices_wait_for_a_healthy_coordinator(self):
        for name in set(self.roles) - {"coordinator", "gateway"}:
            self.assertEqual(self.services[name]["depends_on"], {"coordinator": {"condition": "service_healthy"}}, name)

    def test_a_gateway_has_no_key_and_leads_to_the_ports_of_coordinator_and_workers_alone(self):
        gateway = self.services["gateway"]
        self.assertNotIn("secrets", gateway)
        allowed = [word[8:] for word in gateway["command"] if word.startswith("--allow=")]
        self.assertEqual(allowed, ["coordinator:7070", "*:7071"])
        self.assertEqual(gateway["profiles"], ["outside"])

    def test_a_role_gets_its_own_secrets_and_no_others(self):
        for number in range(1, 5):
            name = "device-%d" % number
            self.assertEqual(self.services[name]["secrets"], ["coordinator.pub", name + ".key"])
        self.assertEqual(self.services["coordinator"]["secrets"], ["coordinator.key", "token"])

    def test_every_worker_that_can_be_scaled_to_has_a_key(self):
        command = " ".join(self.services["worker"]["command"])
        last = int(re.search(r"--id=worker-1\.\.(\d+)", command).group(1))
        keys = [secret for secret in self.services["worker"]["secrets"] if secret.startswith("worker-")]
        self.assertEqual(keys, ["worker-%d.key" % number for number in range(1, last + 1)])
        self.assertIn("pipeline.replicas=%d" % last, self.services["coordinator"]["command"].split())

    def test_every_role_logs_in_the_form_that_is_asked_for(self):
        for name, service in self.roles.items():
            self.assertIn("--log-format=${PERMAFROST_LOG_FORMAT:-text}", service["command"], name)

    def test_every_variable_is_explained(self):
        text = "".join(path.read_text() for path in COMPOSE.parent.glob("compose*.yaml"))
        explained = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/containers.md").read_text(), re.MULTILINE)
        self.assertEqual(sorted(explained), sorted(set(re.findall(r"\$\{([A-Z_]+)", text))))

    def test_prometheus_asks_every_role(self):
        self.assertEqual(self.services["prometheus"]["profiles"], ["monitoring"])
        config = load_yaml((ROOT / "docker/prometheus/prometheus.yml").read_text())[0]
        asked = {name for job in config["scrape_configs"] for dns in job["dns_sd_configs"] for name in dns["names"]}
        self.assertEqual(asked, set(self.roles))


if __name__ == "__main__":
    unittest.main()
