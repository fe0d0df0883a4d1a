"""What `podman kube play` runs of rendered manifests: pods, one for each that a controller would make."""

import copy

RESTART = "OnFailure"


def pods(documents):
    """Pods of all controllers, and their claims, by the pod's name; Services and policies are left out."""
    found = {}
    for document in documents:
        kind, name = document["kind"], document["metadata"]["name"]
        if kind not in ("StatefulSet", "Deployment"):
            continue
        spec = document["spec"]
        for number in range(spec.get("replicas", 1)):
            # podman knows no Services: the coordinator's name in the network is that of its pod.
            pod = f"{name}-{number}" if kind == "StatefulSet" and not name.endswith("-coordinator") else name
            found[pod] = single(pod, spec)
    return found


def single(pod, spec):
    """A pod of a template and its claims."""
    template = copy.deepcopy(spec["template"])
    inside = template["spec"]
    inside["restartPolicy"] = RESTART
    for container in inside["containers"] + inside.get("initContainers", []):
        # podman 4 asks by curl, which is not in the image, takes ports of the host, and fills no names into arguments.
        for key in ("startupProbe", "livenessProbe", "readinessProbe", "ports"):
            container.pop(key, None)
        container["args"] = [each.replace("$(POD_NAME)", pod) for each in container.get("args", [])]
    claims = []
    for claim in spec.get("volumeClaimTemplates", []):
        volume = claim["metadata"]["name"]
        inside["volumes"].append({"name": volume, "persistentVolumeClaim": {"claimName": f"{volume}-{pod}"}})
        claims.append({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": f"{volume}-{pod}"}, "spec": claim["spec"],
        })  # fmt: skip
    for volume in inside["volumes"]:
        if "secret" in volume:
            volume["secret"] = {"secretName": volume["secret"]["secretName"], "optional": False}
    # One that is removed when it has ended may be removed too early.
    annotations = {"io.podman.annotations.init.container.type": "always"}
    metadata = {"name": pod, "labels": template["metadata"]["labels"], "annotations": annotations}
    return [*claims, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": inside}]
