"""Makes Benchmarks/job.md and Benchmarks/results/job.json of what scripts/bench-job has measured.

    PYTHON scripts/reference/job_table.py MEASURED BENCHMARKS --sentences N --scored M [--check]

MEASURED holds CONTENDER.DTYPE.REPEAT.json and .seconds. With --check, exits with 1 when a ratio of
Benchmarks/thresholds.json is not reached.
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any, Dict, List

NAMES = {"trainer": "Trainer + PEFT", "permafrost": "Permafrost"}
DTYPES = ("f32", "bf16")


def figures(report: Dict[str, Any]) -> Dict[str, float]:
    """Accuracy and peak memory, as either side's report has them."""
    score = report.get("score", report)
    return {"accuracy": score["accuracy"], "peak_bytes": report.get("peak_rss_bytes") or report["peak_bytes"]}


def load(folder: Path) -> Dict[str, Dict[str, float]]:
    rows: Dict[str, Dict[str, float]] = {}
    for name in NAMES:
        for dtype in DTYPES:
            paths = sorted(folder.glob("%s.%s.*.json" % (name, dtype)))
            row = figures(json.loads(paths[0].read_text()))
            row["seconds"] = statistics.median(float(one.with_suffix(".seconds").read_text()) for one in paths)
            rows["%s.%s" % (name, dtype)] = row
    return rows


def ratio(rows: Dict[str, Dict[str, float]], dtype: str) -> float:
    return rows["trainer." + dtype]["seconds"] / rows["permafrost." + dtype]["seconds"]


def page(document: Dict[str, Any], problems: List[str]) -> str:
    rows = document["rows"]
    lines = [
        "# The whole job",
        "",
        "Made by `scripts/bench-job`, whose `--help` says what is compared: %d training sentences of `recipes/movies.yaml` in"
        % document["sentences"],
        "two epochs, %d scored, in whole processes of 2 threads. Load while it was measured: %s." % (
            document["scored"], document["load"]),
        "",
        "| | seconds | accuracy % | peak memory | Permafrost is faster by |",
        "|---|---:|---:|---:|---:|",
    ]
    for dtype in DTYPES:
        for name, title in NAMES.items():
            row = rows["%s.%s" % (name, dtype)]
            faster = "%.1f x" % ratio(rows, dtype) if name == "trainer" else ""
            lines.append(
                "| %s, %s | %.0f | %.1f | %.1f GB | %s |"
                % (title, dtype, row["seconds"], 100 * row["accuracy"], row["peak_bytes"] / 1e9, faster)
            )
    lines += ["", *(problems or ["Every ratio of `Benchmarks/thresholds.json` is reached."])]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("measured", type=Path)
    parser.add_argument("benchmarks", type=Path)
    parser.add_argument("--sentences", type=int, required=True)
    parser.add_argument("--scored", type=int, required=True)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    document = {
        "sentences": options.sentences,
        "scored": options.scored,
        "load": "%.1f on %d processors" % (os.getloadavg()[2], os.cpu_count() or 1),
        "rows": load(options.measured),
    }
    limits = json.loads((options.benchmarks / "thresholds.json").read_text())
    problems = [
        "- %s: %.1f times as fast, asked for is %.1f" % (dtype, ratio(document["rows"], dtype), limits["job." + dtype]["wall"])
        for dtype in DTYPES
        if ratio(document["rows"], dtype) < limits["job." + dtype]["wall"]
    ]
    (options.benchmarks / "results" / "job.json").write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    text = page(document, problems)
    (options.benchmarks / "job.md").write_text(text)
    print(text)
    return 1 if options.check and problems else 0


if __name__ == "__main__":
    sys.exit(main())
