"""Medians and ratios of the runs that scripts/bench-peft left in a folder.

    PYTHON scripts/reference/bench_table.py FOLDER [--format text|json]

Reads plain.R.json, tuned.R.json and permafrost.R.json. The first two are reports of bench_peft.py,
the last is a run's summary.json.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Dict, List

PEERS = ("plain", "tuned")
# Name here: name in the peer's report, name in summary.json.
FIGURES = {
    "seconds": ("seconds", "train_seconds"),
    "tokens": ("tokens", "train_tokens"),
    "tokens_per_second": ("tokens_per_second", "tokens_per_second"),
    "peak_rss_bytes": ("peak_rss_bytes", "peak_rss_bytes"),
}


def medians(folder: Path, contender: str) -> Dict[str, float]:
    reports = [json.loads(path.read_text()) for path in sorted(folder.glob(contender + ".*.json"))]
    if not reports:
        raise SystemExit("%s holds no runs of %s." % (folder, contender))
    column = 0 if contender in PEERS else 1
    return {
        figure: statistics.median(report[names[column]] for report in reports)
        for figure, names in FIGURES.items()
    }


def text_table(result: Dict[str, Dict[str, float]]) -> List[str]:
    lines = ["%-16s %10s %8s %10s %10s" % ("", "seconds", "tokens", "tokens/s", "peak MiB")]
    for contender in PEERS + ("permafrost",):
        row = result[contender]
        label = "PyTorch, " + contender if contender in PEERS else contender
        mebibytes = row["peak_rss_bytes"] / 2**20
        figures = (row["seconds"], row["tokens"], row["tokens_per_second"], mebibytes)
        lines.append("%-16s %10.1f %8.0f %10.0f %10.0f" % ((label,) + figures))
    for peer in PEERS:
        ratios = result["ratios_to_" + peer]
        lines.append(
            "against %s: %.2f times the tokens/s, %.2f times the memory"
            % (peer, ratios["tokens_per_second"], ratios["peak_rss_bytes"])
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--format", choices=["text", "json"], default="text")
    options = parser.parse_args()
    result = {name: medians(options.folder, name) for name in PEERS + ("permafrost",)}
    for peer in PEERS:
        result["ratios_to_" + peer] = {
            figure: result["permafrost"][figure] / result[peer][figure] for figure in FIGURES
        }
    if options.format == "json":
        print(json.dumps(result, indent=2))
    else:
        print("\n".join(text_table(result)))


if __name__ == "__main__":
    main()
