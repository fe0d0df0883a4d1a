"""The fleets and methods with which scripts/verify-clock checks the virtual clock, and their recipes."""

FROZEN_BLOCKS = 6
SEED = 7
RATE = 1e-4
# What a class can do: GFLOP/s, bytes a second up and down, seconds there and back; the cut, and how many devices.
# Sentences and epochs are those of splitfrozen.
FLEETS = {
    "links": {
        "bound": "uplinks", "sentences": 240, "epochs": 1,
        "classes": {"sensor": (20, 80_000, 400_000, 0.2, 6, 4)},
    },
    "processors": {
        "bound": "device compute", "sentences": 240, "epochs": 1,
        "classes": {"board": (2, 1_500_000, 3_000_000, 0.04, 6, 4)},
    },
    "unequal": {
        "bound": "three classes", "sentences": 300, "epochs": 2,
        "classes": {
            "board": (1.2, 300_000, 600_000, 0.05, 3, 2),
            "phone": (8, 100_000, 300_000, 0.1, 6, 2),
            "laptop": (20, 1_000_000, 2_000_000, 0.02, 6, 2),
        },
    },
}
# Methods whose devices hear of the server have little data: samples of a batch, and batches of each device, in one epoch.
# The rest is the same in both sections of a recipe.
METHODS = {
    "splitfrozen": None,
    "splitlora": {"batch": 4, "batches": 2, "keys": {"averaging_steps": 4}, "compare": {"averaging_steps": 4}},
    "fedlora": {"batch": 4, "batches": 2, "keys": {"local_steps": 1}, "compare": {"local_steps": 1}},
    "hosl": {"batch": 2, "batches": 2, "keys": {"pairs": 2}, "compare": {"probe_pairs": 2}},
}


def devices(name):
    """The class of each device."""
    return [kind for kind, (*_, count) in FLEETS[name]["classes"].items() for _ in range(count)]


def load(name, method):
    """Sentences of all devices, passes over them, and samples of a batch."""
    if own := METHODS[method]:
        return own["batch"] * own["batches"] * len(devices(name)), 1, own["batch"]
    return FLEETS[name]["sentences"], FLEETS[name]["epochs"], 8


def fleet(name):
    """A fleet as its file says it. JSON is YAML as well."""
    classes = {
        kind: {
            "count": count, "fp32_flops_per_second": 1e9 * gigaflops, "uplink_bytes_per_second": up,
            "downlink_bytes_per_second": down, "round_trip_seconds": round_trip, "memory_bytes": 1 << 31, "spread": 0,
        } for kind, (gigaflops, up, down, round_trip, _, count) in FLEETS[name]["classes"].items()}
    return {"name": name, "seed": SEED, "classes": classes}


def recipe(name, method, scratch, model, port):
    """A recipe that says the same to 'compare' and to roles."""
    classes, own = FLEETS[name]["classes"], METHODS[method] or {}
    sentences, epochs, batch = load(name, method)
    return {
        "name": f"clock-{name}-{method}", "seed": SEED, "model": {"path": str(model), "frozen_blocks": FROZEN_BLOCKS},
        "data": {
            "path": "cache:movieReviewSnippets_GroundTruth.txt", "format": "rated-sentences", "train_limit": sentences},
        "task": {"prompt": "{text} It was", "labels": {"negative": " terrible", "positive": " great"}},
        "training": {
            "method": method, "epochs": epochs, "batch": batch, "micro_batch": batch, "learning_rate": RATE,
            "warmup_steps": 0, "checkpoint_steps": 0},
        "method": own.get("keys", {}), "lora": {"targets": ["c_attn"]} if own else {},
        "devices": {
            "cuts": [classes[kind][4] for kind in devices(name)], "partition": "iid", "publish_batch": 4,
            "codec": "f32", "balance": "fixed"},
        "evaluation": {"samples": 8, "baseline": False}, "threads": 1, "runs": str(scratch / "runs"),
        "network": {"coordinator": f"tcp://127.0.0.1:{port}"},
        "compare": {
            "fleet": str(scratch / "fleet.yaml"), "methods": [method], "imbalances": ["iid"], "seeds": [SEED],
            "evaluations": 1, "sweep": [], "learning_rates": {method: RATE},
            "cuts": {kind: figures[4] for kind, figures in classes.items()}, **own.get("compare", {})},
    }
