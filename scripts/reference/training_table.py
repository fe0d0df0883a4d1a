"""Makes Benchmarks/training.md and Benchmarks/results/training.json of what scripts/bench has measured.

    PYTHON scripts/reference/training_table.py MEASURED BENCHMARKS [--check]

MEASURED holds CASE.DTYPE.VARIANT.ROUND.json. Cases that were not measured stay as they are in results/training.json.
With --check, exits with 1 when a ratio of Benchmarks/thresholds.json is not reached.
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

OURS, PEERS = "permafrost", ("plain", "tuned", "compiled")
CASES = ("split", "whole", "device", "opt", "long", "real", "large")
# Ratios that may not be larger than their thresholds; others may not be smaller.
AT_MOST = ("memory", "rest")
# Losses of one step on the same weights and tokens; bfloat16 has 8 bits.
LOSS_TOLERANCE = {"f32": 1e-3, "bf16": 1e-2}


def load(folder: Path) -> Dict[str, Dict[str, List[Any]]]:
    """Reports in the order of rounds, by case with type, and by variant."""
    found: Dict[str, Dict[str, List[Any]]] = {}
    for path in sorted(folder.glob("*.*.*.*.json")):
        case, dtype, variant, _ = path.name.split(".", 3)
        report = json.loads(path.read_text())
        found.setdefault("%s.%s" % (case, dtype), {}).setdefault(variant, []).append(report)
    return found


def summary(variants: Dict[str, List[Any]]) -> Dict[str, Any]:
    rows = {}
    for variant, rounds in variants.items():
        rows[variant] = {
            "tokens_per_second": statistics.median(one["tokens_per_second"] for one in rounds),
            "best_tokens_per_second": max(one["best_tokens_per_second"] for one in rounds),
            "processor_seconds": statistics.median(one["processor_seconds"] for one in rounds),
            "peak_bytes": statistics.median(one["peak_bytes"] for one in rounds),
            "first_loss": rounds[0].get("first_loss"),
            "rounds": [one["tokens_per_second"] for one in rounds],
        }
        if "product_share" in rounds[0]:
            for share in ("product_share", "attention_share"):
                rows[variant][share] = statistics.median(one[share] for one in rounds)
    return rows


def best_tuned(rows: Dict[str, Any]) -> str:
    return max((name for name in ("tuned", "compiled") if name in rows), key=lambda name: rows[name]["tokens_per_second"])


def ratios(rows: Dict[str, Any]) -> Dict[str, float]:
    """Ours to the tuned peer at its best, and to PEFT as it comes: medians of the rounds' ratios."""
    def to(name: str) -> float:
        return statistics.median(a / b for a, b in zip(rows[OURS]["rounds"], rows[name]["rounds"]))

    tuned = best_tuned(rows)
    return {
        "tuned": to(tuned),
        "plain": to("plain"),
        "memory": rows[OURS]["peak_bytes"] / rows["tuned"]["peak_bytes"],
        "processor": rows[tuned]["processor_seconds"] / rows[OURS]["processor_seconds"],
        "rest": rest(rows[OURS]),
    }


def rest(ours: Dict[str, Any]) -> float:
    """The share of the processor's time that is neither in products nor in attention, which is products for the most part."""
    return 1 - ours.get("product_share", 0) - ours.get("attention_share", 0)


def check_losses(results: Dict[str, Any]) -> List[str]:
    problems = []
    for key, rows in results.items():
        theirs, ours = rows["tuned"]["first_loss"], rows[OURS]["first_loss"]
        if ours is not None and abs(ours - theirs) > LOSS_TOLERANCE[key.split(".")[1]]:
            problems.append("%s: the loss of the first step is %.5f, and %.5f in PyTorch" % (key, ours, theirs))
    return problems


def check_ratios(results: Dict[str, Any], thresholds: Dict[str, Dict[str, float]]) -> List[str]:
    problems = []
    for key, limits in thresholds.items():
        if key not in results:
            continue
        found = ratios(results[key])
        for name, limit in limits.items():
            if (found[name] > limit) if name in AT_MOST else (found[name] < limit):
                problems.append("%s: %s is %.2f, asked for is %.2f" % (key, name, found[name], limit))
    return problems


def place(key: str) -> Tuple[int, bool]:
    case, dtype = key.split(".")
    return CASES.index(case), dtype == "bf16"


def table(results: Dict[str, Any]) -> List[str]:
    lines = [
        "| case | | tokens/s | shortest step | processor s a step | peak memory | ours: rate | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for key in sorted(results, key=place):
        rows = results[key]
        for name in (*PEERS, OURS):
            if name not in rows:
                continue
            row = rows[name]
            to = [a / b for a, b in zip(rows[OURS]["rounds"], row["rounds"])]
            ratio = "" if name == OURS else "%.2f x" % statistics.median(to)
            memory = "" if name == OURS else "%.2f x" % (rows[OURS]["peak_bytes"] / row["peak_bytes"])
            lines.append(
                "| %s | %s | %.0f | %.0f | %.2f | %.0f MB | %s | %s |"
                % (
                    key.replace(".", ", "), name if name == OURS else "PyTorch, " + name, row["tokens_per_second"],
                    row["best_tokens_per_second"], row["processor_seconds"], row["peak_bytes"] / 1e6, ratio, memory,
                )
            )
    return lines


def shares(results: Dict[str, Any]) -> List[str]:
    lines = ["| case | products | attention | all the rest |", "|---|---|---|---|"]
    for key in sorted(results, key=place):
        ours = results[key][OURS]
        if "product_share" in ours:
            lines.append(
                "| %s | %.1f %% | %.1f %% | %.1f %% |"
                % (key.replace(".", ", "), 100 * ours["product_share"], 100 * ours["attention_share"], 100 * rest(ours))
            )
    return lines


def page(results: Dict[str, Any], load_now: str, problems: List[str]) -> str:
    lines = [
        "# Training steps",
        "",
        "Made by `scripts/bench`, whose `--help` says what the cases are: PyTorch with PEFT and Permafrost in turn, the same",
        "weights and tokens, 2 threads. Medians of rounds; *ours* is Permafrost's rate over the row's, and its memory over the",
        "row's. The processor's time is that of all threads and says most on a machine that does something else as well. Load",
        "while it was measured: %s." % load_now,
        "",
        *table(results),
        "",
        "Where Permafrost's share of the processor goes: products with the rounding of their factors; attention, which is",
        "products for the most part; and norms, activations, optimizer, copies, system.",
        "",
        *shares(results),
        "",
    ]
    lines += ["Below what `Benchmarks/thresholds.json` asks for:", "", *("- " + one for one in problems)] if problems else [
        "Every ratio of `Benchmarks/thresholds.json` is reached."
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("measured", type=Path)
    parser.add_argument("benchmarks", type=Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    path = options.benchmarks / "results" / "training.json"
    document = json.loads(path.read_text()) if path.exists() else {"cases": {}}
    results = document["cases"]
    results.update({key: summary(variants) for key, variants in load(options.measured).items()})
    document["load"] = "%.1f on %d processors" % (os.getloadavg()[2], os.cpu_count() or 1)
    thresholds = json.loads((options.benchmarks / "thresholds.json").read_text())
    losses = check_losses(results)
    problems = check_ratios(results, thresholds) + losses
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    text = page(results, document["load"], problems)
    (options.benchmarks / "training.md").write_text(text)
    print(text)
    return 1 if losses or (options.check and problems) else 0


if __name__ == "__main__":
    sys.exit(main())
