"""What is played of manifests: a pod for each that a controller would make, with its own claims and name."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from containers.pods import pods  # noqa: E402


def controller(kind, name, replicas, claims=()):
    container = {"name": "c", "args": ["--id=$(POD_NAME)"], "livenessProbe": {"httpGet": {}}}
    volumes = [{"name": "keys", "secret": {"secretName": "s", "defaultMode": 0o440}}]
    return {
        "kind": kind, "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container], "volumes": volumes}},
            "volumeClaimTemplates": [{"metadata": {"name": claim}, "spec": {"size": 1}} for claim in claims],
        },
    }  # fmt: skip


class PodTests(unittest.TestCase):
    def test_each_replica_has_its_name_its_claim_and_its_arguments(self):
        found = pods([controller("StatefulSet", "x-worker", 2, ["state"])])
        self.assertEqual(list(found), ["x-worker-0", "x-worker-1"])
        claim, pod = found["x-worker-1"]
        self.assertEqual(claim["metadata"]["name"], "state-x-worker-1")
        self.assertIn(
            {"name": "state", "persistentVolumeClaim": {"claimName": "state-x-worker-1"}}, pod["spec"]["volumes"]
        )
        self.assertEqual(pod["spec"]["containers"][0]["args"], ["--id=x-worker-1"])

    def test_the_coordinator_has_the_name_of_its_service_and_other_kinds_are_left_out(self):
        found = pods([controller("StatefulSet", "x-coordinator", 1), {"kind": "Service", "metadata": {"name": "y"}}])
        self.assertEqual(list(found), ["x-coordinator"])

    def test_what_podman_cannot_do_is_taken_out_and_the_template_stays_as_it_is(self):
        given = controller("Deployment", "x-device-1", 1)
        pod = pods([given])["x-device-1"][-1]
        self.assertNotIn("livenessProbe", pod["spec"]["containers"][0])
        self.assertEqual(pod["spec"]["volumes"][0]["secret"], {"secretName": "s", "optional": False})
        self.assertIn("livenessProbe", given["spec"]["template"]["spec"]["containers"][0])


if __name__ == "__main__":
    unittest.main()
