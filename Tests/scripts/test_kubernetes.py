"""The chart and the kustomize base: valid for real schemas, for every switch, and of one mould."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from tools import ROOT, environment, helm_program, load_yaml

CHART = ROOT / "docker/kubernetes/chart"
VERSIONS = ("1.27", "1.32")
# What the schemas of these versions do not have: another project's, and what Kubernetes has no longer.
UNKNOWN_APIS = ("keda.sh/v1alpha1", "policy/v1beta1", "autoscaling/v2beta2")
LIMITS = {"limits": {"memory": "1Gi"}}
GROUPS = "workers.groups=" + json.dumps([
    {"name": "first", "replicas": 2, "resources": LIMITS, "nodeSelector": {"disk": "fast"},
     "tolerations": [{"key": "training", "operator": "Exists"}]},
    {"name": "later", "replicas": 3, "resources": LIMITS},
])  # fmt: skip
PROXY = {"podSelector": {"matchLabels": {"app": "proxy"}}}
PAGE = ["http.tokenSecret=page", "http.hosts={page.example.org}", "networkPolicy.pageClients=" + json.dumps([PROXY])]
PEERS = {
    "anybody": None,
    "run": {"podSelector": {"matchLabels": {
        "app.kubernetes.io/name": "permafrost", "app.kubernetes.io/instance": "permafrost"}}},
    "monitoring": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}},
    "proxy": PROXY,
}  # fmt: skip
VARIANTS = {
    "defaults": [],
    "outside": ["devices.outside.enabled=true", "devices.simulated=1", "autoscaling.kind=pods"],
    "inside": ["devices.simulated=4", "recipe.text=name: x", "autoscaling.kind=external", "workers.antiAffinity=required"],
    "plain": ["keys.enabled=false", "networkPolicy.enabled=false", "models.existingClaim=models"],
    "keda": ["autoscaling.kind=keda"],
    "legacy": ["legacyAPIs=true", "autoscaling.kind=pods"],
    "groups": [GROUPS, "autoscaling.kind=pods"],
    "page": PAGE,
}


def render(*settings):
    words = [word for setting in settings for word in ("--set-json" if "=[" in setting else "--set", setting)]
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


def unchangeable(found):
    """What Kubernetes refuses to change, by kind and name."""
    fields = {
        "Job": ["template"], "Deployment": ["selector"],
        "StatefulSet": ["selector", "serviceName", "volumeClaimTemplates"],
    }  # fmt: skip
    return {
        (each["kind"], each["metadata"]["name"]): {field: each["spec"][field] for field in fields[each["kind"]]}
        for each in found if each["kind"] in fields
    }  # fmt: skip


def opened(policies, labels, side):
    """With whom pods of these labels may speak at which ports, on one side of them."""
    found = set()
    for policy in policies:
        if policy["podSelector"]["matchLabels"].items() <= labels.items():
            for rule in policy[side]:
                for peer in rule.get("from", rule.get("to", [None])):
                    name = next(name for name, known in PEERS.items() if known == peer)
                    found |= {(name, port["port"]) for port in rule["ports"]}
    return found


class ChartTests(unittest.TestCase):
    def test_helm_lint_is_clean(self):
        result = subprocess.run([helm_program(), "lint", "--strict", CHART], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_every_variant_fits_the_schemas_of_kubernetes(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, settings in VARIANTS.items():
                path = Path(folder) / ("%s.yaml" % name)
                parts = render(*settings).stdout.split("\n---\n")
                path.write_text("\n---\n".join(
                    part for part in parts if not any(f"apiVersion: {api}\n" in part for api in UNKNOWN_APIS)))  # fmt: skip
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

    def test_an_upgrade_changes_nothing_that_cannot_be_changed(self):
        before = unchangeable(documents())
        for setting in ("image.tag=0.2.0", "models.fetch.assets={gpt2}", "logFormat=text"):
            after = unchangeable(documents(setting))
            with self.subTest(setting=setting):
                kept = before.keys() & after.keys()
                self.assertEqual({key: before[key] for key in kept}, {key: after[key] for key in kept})
                replaced = {kind for kind, _ in before.keys() - kept}
                self.assertEqual(replaced, set() if setting == "logFormat=text" else {"Job"})

    def test_another_recipe_is_read_by_a_new_coordinator(self):
        def templates(name):
            found = of_kind(documents("recipe.text=name: %s" % name), "StatefulSet")
            return {each["metadata"]["name"]: each["spec"]["template"] for each in found}

        first, second = templates("x"), templates("y")
        self.assertEqual([name for name in first if first[name] != second[name]], ["permafrost-coordinator"])

    def test_keda_scales_on_the_largest_age_of_the_queue_in_place_of_an_autoscaler(self):
        found = documents("autoscaling.kind=keda", "autoscaling.queueAgeSeconds=30")
        self.assertEqual(of_kind(found, "HorizontalPodAutoscaler"), [])
        trigger = of_kind(found, "ScaledObject")[0]["spec"]["triggers"][0]
        self.assertEqual((trigger["metricType"], trigger["metadata"]["threshold"]), ("Value", "30"))
        query = 'max(permafrost_queue_oldest_age_seconds{namespace="default"})'
        self.assertEqual(trigger["metadata"]["query"], query)
        other = of_kind(documents("autoscaling.kind=keda", "autoscaling.query=up"), "ScaledObject")[0]
        self.assertEqual(other["spec"]["triggers"][0]["metadata"]["query"], "up")

    def test_every_scaler_goes_up_and_down_alike(self):
        pods, external = (of_kind(documents("autoscaling.kind=%s" % kind), "HorizontalPodAutoscaler")[0]["spec"]
                          for kind in ("pods", "external"))  # fmt: skip
        keda = of_kind(documents("autoscaling.kind=keda"), "ScaledObject")[0]["spec"]["advanced"]
        self.assertEqual(pods["behavior"]["scaleDown"]["stabilizationWindowSeconds"], 300)
        self.assertEqual(external["behavior"], pods["behavior"])
        self.assertEqual(keda, {"horizontalPodAutoscalerConfig": {"behavior": pods["behavior"]}})

    def test_a_scaler_has_the_say_over_the_replicas_of_the_first_group_alone(self):
        found = documents(*VARIANTS["groups"])
        replicas = {each["metadata"]["name"]: each["spec"].get("replicas") for each in of_kind(found, "StatefulSet")}
        self.assertEqual(replicas, {"permafrost-coordinator": 1, "permafrost-first": None, "permafrost-later": 3})
        scaler = of_kind(found, "HorizontalPodAutoscaler")[0]["spec"]["scaleTargetRef"]
        self.assertEqual(scaler["name"], "permafrost-first")
        self.assertEqual(pods(found)["permafrost-first"]["nodeSelector"], {"disk": "fast"})
        self.assertIn("tolerations", pods(found)["permafrost-first"])

    def test_values_that_are_none_are_refused_with_those_that_are(self):
        kinds = [repr(kind) for kind in ("none", "pods", "external", "keda")]
        for setting, words in (("worker.replicas=9", ["'worker' not allowed"]), ("autoscaling.kind=magic", kinds)):
            result = render(setting)
            self.assertNotEqual(result.returncode, 0, setting)
            for word in words:
                self.assertIn(word, result.stderr)

    def test_every_role_logs_in_the_form_that_is_asked_for(self):
        asked = ["devices.outside.enabled=true", "devices.simulated=1", "models.fetch.enabled=false"]
        for settings, form in ((asked, "json"), ([*asked, "logFormat=text"], "text")):
            for name, pod in pods(documents(*settings)).items():
                self.assertIn("--log-format=%s" % form, pod["containers"][0]["args"], name)

    def test_the_coordinator_stays_and_its_page_has_names_and_a_token_where_there_is_one(self):
        args = pods(documents())["permafrost-coordinator"]["containers"][0]["args"]
        self.assertIn("--stay", args)
        self.assertIn("--http-host=permafrost-coordinator", args)
        self.assertNotIn("token", " ".join(args))
        pod = pods(documents(*PAGE))["permafrost-coordinator"]
        given = set(pod["containers"][0]["args"]) - set(args)
        self.assertEqual(given, {"--http-host=page.example.org", "--http-token-file=/token/token"})
        self.assertIn({"name": "token", "mountPath": "/token", "readOnly": True}, pod["containers"][0]["volumeMounts"])
        self.assertIn({"name": "token", "secret": {"secretName": "page", "defaultMode": 0o440}}, pod["volumes"])

    def test_the_network_is_open_for_what_a_run_needs_and_for_nothing_else(self):
        expected = {
            "coordinator": {("run", 7070), ("proxy", 9464)}, "worker": {("run", 7071)}, "device": set(),
            "gateway": {("anybody", 7072)},
        }  # fmt: skip
        found = documents(*VARIANTS["outside"], *PAGE)
        policies = [each["spec"] for each in of_kind(found, "NetworkPolicy")]
        self.assertEqual([each["policyTypes"] for each in policies], 4 * [["Ingress", "Egress"]])
        templates = [each["spec"]["template"] for each in found if each["kind"] in ("StatefulSet", "Deployment")]
        self.assertEqual(len(templates), 4)
        for labels in (each["metadata"]["labels"] for each in templates):
            role = labels["app.kubernetes.io/component"]
            with self.subTest(role=role):
                self.assertEqual(opened(policies, labels, "ingress"), expected[role] | {("monitoring", 9464)})
                self.assertEqual(opened(policies, labels, "egress"),
                                 {("anybody", 53), ("run", 7070), ("run", 7071), ("run", 7072)})  # fmt: skip

    def test_devices_outside_have_one_service_with_one_port(self):
        services = [each for each in of_kind(documents(*VARIANTS["outside"]), "Service")
                    if each["spec"].get("type") == "LoadBalancer"]  # fmt: skip
        self.assertEqual([each["spec"]["ports"] for each in services],
                         [[{"name": "devices", "port": 7072, "targetPort": "devices"}]])  # fmt: skip

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
