"""Makes Benchmarks/pipeline.md and Benchmarks/results/pipeline.json of what scripts/bench-pipeline has measured.

    PYTHON scripts/reference/pipeline_table.py MEASURED BENCHMARKS

A part that was not measured stays as it is in results/pipeline.json.
"""

import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any, Dict, List

NAMES = {
    "ours.permafrost": "permafrost, 2 stages helping",
    "ours.one-place": "permafrost, one place, 2 threads",
    "reference.single": "torch, one process, 2 threads",
}
# What every ratio is taken to.
OURS, ONE_PLACE, SINGLE = "ours.permafrost", "ours.one-place", "reference.single"


def load(folder: Path, pattern: str) -> Dict[str, List[Any]]:
    """Documents by their file's name without its round, in the order of rounds."""
    found: Dict[str, List[Any]] = {}
    for path in sorted(folder.glob(pattern)):
        found.setdefault(path.name.rsplit(".", 2)[0], []).append(json.loads(path.read_text()))
    return found


def measured_reference(folder: Path) -> Dict[str, Any]:
    rows = {}
    documents = {**load(folder, "ours.*.json"), **load(folder, "reference.*.json")}
    for name, rounds in documents.items():
        if name.startswith("ours."):
            rounds = [document["rows"][0] for document in rounds]
        rows[name] = {
            key: statistics.median(one[key] for one in rounds)
            for key in ("tokens_per_second", "processor_seconds", "peak_bytes")
        }
        rows[name]["best_tokens_per_second"] = max(one["best_tokens_per_second"] for one in rounds)
        rows[name]["rounds"] = [one["tokens_per_second"] for one in rounds]
    return rows


def ratio(rows: Dict[str, Any], name: str, other: str) -> float:
    """Median of the ratios of each round."""
    return statistics.median(a / b for a, b in zip(rows[name]["rounds"], rows[other]["rounds"]))


def best_ratio(rows: Dict[str, Any], name: str, other: str) -> float:
    """Of the shortest steps."""
    return rows[name]["best_tokens_per_second"] / rows[other]["best_tokens_per_second"]


def reference_table(rows: Dict[str, Any]) -> List[str]:
    lines = [
        "| | tokens/s: median | shortest step | processor s a step | peak memory | ours: median | shortest | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in sorted(rows.items(), key=lambda item: -item[1]["best_tokens_per_second"]):
        shown = NAMES.get(name, "torch, %s, 2 processes" % name.partition(".")[2])
        lines.append(
            "| %s | %.0f | %.0f | %.2f | %.0f MB | %.2f x | %.2f x | %.2f x |"
            % (
                shown, row["tokens_per_second"], row["best_tokens_per_second"], row["processor_seconds"],
                row["peak_bytes"] / 1e6, ratio(rows, OURS, name), best_ratio(rows, OURS, name),
                rows[OURS]["peak_bytes"] / row["peak_bytes"],
            )
        )
    return lines


def place(document: Any) -> Any:
    """Where in the table's order a document stands."""
    return document["frozen_blocks"], document["trainable"] == "full", document["stages"], document["manner"]


def stages_table(documents: List[Any]) -> List[str]:
    lines = [
        "| trains | stages | schedule | measured bubble | predicted | micro-batches between F and W |",
        "|---|---|---|---|---|---|",
    ]
    for document in documents:
        manner = "*simulated*" if document["manner"] == "emulated" else document["manner"]
        for row in document["rows"]:
            stashes = ", ".join(str(stage["stashed_micro_batches"]) for stage in row["pipeline"]["stages"])
            lines.append(
                "| %s | %d, %s | %s | %.1f %% | %.1f %% | %s |"
                % (
                    document["trainable"], document["stages"], manner, row["schedule"],
                    100 * row["measured_bubble"], 100 * row["predicted_bubble"], stashes,
                )
            )
    return lines


def weak_table(documents: List[Any]) -> List[str]:
    lines = ["| trains | stages | schedule | bubble | micro-batches between F and W |", "|---|---|---|---|---|"]
    for document in documents:
        manner = "*simulated*" if document["manner"] == "emulated" else document["manner"]
        for row in document["rows"]:
            stashes = ", ".join(str(stage["stashed_micro_batches"]) for stage in row["pipeline"]["stages"])
            lines.append(
                "| %s | %d, %s | %s | %.1f %% | %s |"
                % (
                    document["trainable"], document["stages"], manner, row["schedule"],
                    # Work that began before the first step that counts is in it, and may be more than all time.
                    max(0.0, 100 * row["measured_bubble"]), stashes,
                )
            )
    return lines


def page(results: Dict[str, Any]) -> str:
    lines = [
        "# Pipelines",
        "",
        "Made by `scripts/bench-pipeline`: the shape of GPT-2 small with random weights, 8 micro-batches of 128 tokens,",
        "float32.",
    ]
    rows, stages = results.get("reference"), results.get("stages")
    if rows:
        peers = [name for name in rows if name.startswith("reference.") and name != SINGLE]
        best = max(peers, key=lambda name: rows[name]["best_tokens_per_second"])
        lines += [
            "", "## Beside torch.distributed.pipelining", "",
            "LoRA of rank 8 beside every linear layer. Medians are of rounds, ratios too; the shortest step is that of all",
            "rounds, which says more on a machine that does something else as well. The processor's time is that of all",
            "threads, memory the sum of the processes' peaks. Load while it was measured: %s." % results["load"]["reference"],
            "", *reference_table(rows), "",
            "By the shortest steps, ours is %.2f x torch's best pipeline (%s) with %.2f x its memory, and %.2f x our own"
            % (best_ratio(rows, OURS, best), best.partition(".")[2], rows[OURS]["peak_bytes"] / rows[best]["peak_bytes"],
               best_ratio(rows, OURS, ONE_PLACE)),
            "single process, which takes %.2f x the processor's time."
            % (rows[ONE_PLACE]["processor_seconds"] / rows[OURS]["processor_seconds"]),
        ]
    if stages:
        lines += [
            "", "## Bubbles", "",
            "Stages that do not help each other, as in processes of their own. *simulated*: operations ran one after another,",
            "and each counts with the processor's time that it took, the median of the steps; *apart* were two threads on two",
            "processors, with whatever else these did, and the median of the steps is shown. Load of the machine: %s."
            % ", ".join("%s (%s)" % (results["load"][key], key) for key in ("apart", "emulated") if key in results["load"]),
            "", *stages_table([one for one in stages if one["frozen_blocks"] == 0]),
        ]
        weak = [one for one in stages if one["frozen_blocks"] > 0]
        if weak:
            lines += [
                "", "## With weak devices", "",
                "The upper four blocks train; devices left the lower eight to the server, which runs F0 of every micro-batch two",
                "steps ahead, a block at a time, wherever a stage has to wait. The bubble is the share of all time, between steps",
                "too, in which a stage's thread does neither.",
                "", *weak_table(weak),
            ]
    return "\n".join(lines) + "\n"


def main() -> None:
    folder, benchmarks = Path(sys.argv[1]), Path(sys.argv[2])
    path = benchmarks / "results" / "pipeline.json"
    results = json.loads(path.read_text()) if path.exists() else {"load": {}}
    load_now = "%.1f on %d processors" % (os.getloadavg()[2], os.cpu_count() or 1)
    rows = measured_reference(folder)
    if rows:
        results["reference"] = rows
        results["load"]["reference"] = load_now
    stages = {place(one): one for one in results.get("stages", [])}
    for one in (json.loads(path.read_text()) for path in folder.glob("stages.*.json")):
        stages[place(one)] = one
        results["load"][one["manner"]] = load_now
    if stages:
        results["stages"] = [stages[key] for key in sorted(stages)]
    path.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n")
    (benchmarks / "pipeline.md").write_text(page(results))


if __name__ == "__main__":
    main()
