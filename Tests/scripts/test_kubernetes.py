"""The chart and the kustomize base: valid for real schemas, for every switch, and of one mould."""

import subprocess
import tempfile
import unittest
from pathlib import Path

from tools import ROOT, environment, helm_program, load_yaml

CHART = ROOT / "docker/kubernetes/chart"
VERSIONS = ("1.27", "1.32")
VARIANTS = {
    "defaults": [],
    "outside": ["devices.outside.enabled=true", "devices.simulated=1", "autoscaling.kind=pods"],
    "inside": ["devices.simulated=4", "recipe.text=name: x", "autoscaling.kind=external", "workers.antiAffinity=required"],
    "plain": ["keys.enabled=false", "networkPolicy.enabled=false", "models.existingClaim=models"],
}


def render(*settings):
    words = [word for setting in settings for word in ("--set", setting)]
    return subprocess.run(
        [helm_program(), "template", "permafrost", CHART, *words], capture_output=True, text=True, check=False
    )


def documents(*settings):
    result = render(*settings)
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return load_yaml(result.stdout)


def pods(found):
    """Templates of pods, by the name of what makes them."""
    return {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in found if "template" in each["spec"]}


def of_kind(found, kind):
    return [each for each in found if each["kind"] == kind]


class ChartTests(unittest.TestCase):
    def test_helm_lint_is_clean(self):
        result = subprocess.run([helm_program(), "lint", "--strict", CHART], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_every_variant_fits_the_schemas_of_kubernetes(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, settings in VARIANTS.items():
                path = Path(folder) / ("%s.yaml" % name)
                path.write_text(render(*settings).stdout)
                for version in VERSIONS:
                    with self.subTest(variant=name, version=version):
                        self.assert_valid(path, version)

    def test_the_kustomize_base_is_what_the_chart_gives_and_is_valid(self):
        helm_program()
        result = subprocess.run([ROOT / "scripts/render-kubernetes", "--check"], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assert_valid(ROOT / "docker/kubernetes/base/permafrost.yaml", "1.32")

    def test_a_mistake_is_found_by_the_schemas(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "wrong.yaml"
            path.write_text(render().stdout.replace("podManagementPolicy:", "podManagmentPolicy:"))
            with self.assertRaises(AssertionError):
                self.assert_valid(path, "1.32")

    def test_every_pod_is_unprivileged_and_has_a_read_only_root(self):
        found = pods(documents("devices.simulated=2"))
        self.assertIn("permafrost-device-2", found)
        for name, pod in found.items():
            with self.subTest(pod=name):
                self.assertTrue(pod["securityContext"]["runAsNonRoot"])
                self.assertFalse(pod["automountServiceAccountToken"])
                for container in pod["containers"] + pod.get("initContainers", []):
                    security = container["securityContext"]
                    self.assertTrue(security["readOnlyRootFilesystem"])
                    self.assertFalse(security["allowPrivilegeEscalation"])
                    self.assertEqual(security["capabilities"], {"drop": ["ALL"]})
                    self.assertIn("limits", container["resources"])

    def test_a_worker_is_ready_by_its_own_word_and_has_time_to_drain(self):
        worker = pods(documents())["permafrost-worker"]
        container = worker["containers"][0]
        self.assertEqual(container["readinessProbe"]["httpGet"]["path"], "/readyz")
        self.assertGreaterEqual(worker["terminationGracePeriodSeconds"], 60)
        self.assertEqual(container["lifecycle"]["preStop"]["exec"]["command"], ["permafrost", "drain"])

    def test_old_clusters_get_the_beta_versions_and_no_others(self):
        found = documents("legacyAPIs=true", "autoscaling.kind=pods")
        self.assertEqual(of_kind(found, "PodDisruptionBudget")[0]["apiVersion"], "policy/v1beta1")
        self.assertEqual(of_kind(found, "HorizontalPodAutoscaler")[0]["apiVersion"], "autoscaling/v2beta2")
        for document in documents("autoscaling.kind=pods"):
            self.assertNotIn("beta", document["apiVersion"])

    def test_keda_scales_on_the_age_of_the_queue_in_place_of_an_autoscaler(self):
        found = documents("autoscaling.kind=keda", "autoscaling.queueAgeSeconds=30")
        self.assertEqual(of_kind(found, "HorizontalPodAutoscaler"), [])
        trigger = of_kind(found, "ScaledObject")[0]["spec"]["triggers"][0]["metadata"]
        self.assertEqual((trigger["query"], trigger["threshold"]), ("max(permafrost_queue_oldest_age_seconds)", "30"))

    def test_a_scaler_has_the_say_over_replicas(self):
        worker = next(each for each in of_kind(documents("autoscaling.kind=pods"), "StatefulSet")
                      if each["metadata"]["name"] == "permafrost-worker")  # fmt: skip
        self.assertNotIn("replicas", worker["spec"])

    def test_an_unknown_kind_of_scaler_is_refused_with_the_known_ones(self):
        result = render("autoscaling.kind=magic")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("none, pods, external or keda", result.stderr)

    def test_without_devices_outside_only_the_run_reaches_its_sockets(self):
        policies = of_kind(documents(), "NetworkPolicy")
        self.assertEqual(len(policies), 3)
        for policy in policies:
            for rule in policy["spec"]["ingress"]:
                self.assertIn("from", rule)

    def test_devices_outside_have_one_port_and_nothing_else_is_open(self):
        found = documents(*VARIANTS["outside"])
        services = [each for each in of_kind(found, "Service") if each["spec"].get("type") == "LoadBalancer"]
        self.assertEqual([each["spec"]["ports"] for each in services],
                         [[{"name": "devices", "port": 7072, "targetPort": "devices"}]])  # fmt: skip
        opened = [(policy["metadata"]["name"], rule["ports"]) for policy in of_kind(found, "NetworkPolicy")
                  for rule in policy["spec"]["ingress"] if "from" not in rule]  # fmt: skip
        self.assertEqual(opened, [("permafrost-gateway", [{"port": 7072, "protocol": "TCP"}])])

    def test_gateways_lead_to_the_coordinator_and_to_where_workers_say_that_they_are(self):
        def words(pod, *settings):
            return pods(documents(*VARIANTS["outside"], *settings))[pod]["containers"][0]["args"]

        def allowed(*settings):
            return [word[8:] for word in words("permafrost-gateway", *settings) if word.startswith("--allow=")]

        self.assertEqual(
            allowed(), ["permafrost-coordinator:7070", "permafrost-worker-*.permafrost-worker:7071"])  # fmt: skip
        self.assertIn("--advertise=tcp://$(POD_NAME).permafrost-worker:7071", words("permafrost-worker"))
        elsewhere = "workers.advertise=tcp://$(POD_NAME):7071"
        self.assertEqual(allowed(elsewhere)[1], "permafrost-worker-*:7071")
        self.assertIn("--advertise=tcp://$(POD_NAME):7071", words("permafrost-worker", elsewhere))
        self.assertIn("--gateway=permafrost-gateway:7072", words("permafrost-device-1"))

    def assert_valid(self, path, version):
        result = subprocess.run(
            [environment() / "kubernetes-validate", "-k", version, "--strict", path], capture_output=True, text=True)  # fmt: skip
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("passed", result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
