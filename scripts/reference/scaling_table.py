"""Makes Benchmarks/scaling.md and Benchmarks/results/scaling.json of what scripts/bench-scaling has measured.

    python3 scripts/reference/scaling_table.py MEASURED BENCHMARKS [--check]

MEASURED holds DTYPE.BATCH.THREADS.ROUND.json. With --check, exits with 1 when Benchmarks/thresholds.json is not reached.
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Dict, List

SMALL, MIDDLE, LARGE = 4, 16, 64


def load(folder: Path) -> Dict[str, Dict[str, float]]:
    """Medians of tokens a second, by type, and by batch with threads."""
    found: Dict[str, Dict[str, List[float]]] = {}
    for path in folder.glob("*.*.*.*.json"):
        dtype, batch, threads, _ = path.name.split(".", 3)
        rate = json.loads(path.read_text())["tokens_per_second"]
        found.setdefault(dtype, {}).setdefault("%s.%s" % (batch, threads), []).append(rate)
    return {dtype: {load: statistics.median(rates) for load, rates in loads.items()} for dtype, loads in found.items()}


def ratios(rates: Dict[str, float]) -> Dict[str, float]:
    """How much slower a token of one batch is than of the other, and how much faster two threads are than one."""
    small, large = rates["%d.2" % SMALL], rates["%d.2" % LARGE]
    return {
        "batch": max(small, large) / min(small, large),
        "threads": rates["%d.2" % MIDDLE] / rates["%d.1" % MIDDLE],
    }


def check(results: Dict[str, Dict[str, float]], thresholds: Dict[str, Dict[str, float]]) -> List[str]:
    problems = []
    for dtype, rates in sorted(results.items()):
        found, limits = ratios(rates), thresholds["scaling.%s" % dtype]
        if found["batch"] > limits["batch"]:
            problems.append("%s: batches differ by %.2f, asked for is %.2f" % (dtype, found["batch"], limits["batch"]))
        if found["threads"] < limits["threads"]:
            problems.append(
                "%s: two threads are %.2f times as fast as one, asked for is %.2f"
                % (dtype, found["threads"], limits["threads"]))
    return problems


def page(results: Dict[str, Dict[str, float]], busy: str, problems: List[str]) -> str:
    lines = [
        "# Scaling",
        "",
        "Made by `scripts/bench-scaling`, whose `--help` says what is measured: tokens a second of training steps, medians of",
        "rounds. Load while it was measured: %s." % busy,
        "",
        "| | batch 4, 2 threads | batch 16, 1 thread | batch 16, 2 threads | batch 64, 2 threads | batches differ by | threads |",
        "|---|---|---|---|---|---|---|",
    ]
    for dtype, rates in sorted(results.items()):
        found = ratios(rates)
        cells = ["%.0f" % rates[load] for load in ("4.2", "16.1", "16.2", "64.2")]
        lines.append("| %s | %s | %.2f x | %.2f x |" % (dtype, " | ".join(cells), found["batch"], found["threads"]))
    lines += ["", *("- " + one for one in problems)] if problems else ["", "What `Benchmarks/thresholds.json` asks for is reached."]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("measured", type=Path)
    parser.add_argument("benchmarks", type=Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    results = load(options.measured)
    busy = "%.1f on %d processors" % (os.getloadavg()[2], os.cpu_count() or 1)
    problems = check(results, json.loads((options.benchmarks / "thresholds.json").read_text()))
    document = {"load": busy, "tokens_per_second": results, "ratios": {key: ratios(rates) for key, rates in results.items()}}
    (options.benchmarks / "results" / "scaling.json").write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    text = page(results, busy, problems)
    (options.benchmarks / "scaling.md").write_text(text)
    print(text)
    return 1 if options.check and problems else 0


if __name__ == "__main__":
    sys.exit(main())
