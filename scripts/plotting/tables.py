#!/usr/bin/env python3
"""The tables of docs/results.md from results.json of comparisons. Run by scripts/results."""
import collections
import json
import pathlib
import re
import statistics
import sys

SUBJECT = "splitfrozen"


def quantity(value, unit):
    for factor, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}".strip()


def spread(values):
    mean = 100 * statistics.mean(values)
    return f"{mean:.1f} ± {100 * statistics.stdev(values):.1f}" if len(values) > 1 else f"{mean:.1f}"


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)] + rows
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def ended(answer, method, imbalance):
    """The last point of each run of a cell, with its result."""
    rate = answer["learning_rates"][method]
    return [
        (run["result"], run["result"]["points"][-1])
        for run in answer["runs"]
        if run.get("result") and run["job"]["key"]["method"] == method
        and run["job"]["key"]["imbalance"] == imbalance and run["job"]["learning_rate"] == rate
    ]


def methods(answer):
    return [method["name"] for method in answer["plan"]["methods"]]


def cell(answer, imbalance):
    subject = [point["accuracy"] for _, point in ended(answer, SUBJECT, imbalance)] if SUBJECT in methods(answer) else []
    head = ["method", "rate", "accuracy %", "runs", "steps", "tokens"]
    if subject:
        head += ["SplitFrozen ahead, points", "gain"]
    head += ["time, *simulated*", "up", "down", "device operations", "device memory"]
    rows = []
    for method in methods(answer):
        runs = ended(answer, method, imbalance)
        if not runs:
            continue
        accuracies = [point["accuracy"] for _, point in runs]
        row = [f"`{method}`", f"{answer['learning_rates'][method]:g}", spread(accuracies), f"{len(runs)}"]
        row += [f"{statistics.mean(point[key] for _, point in runs):,.0f}" for key in ("step", "tokens")]
        if subject:
            gap = statistics.mean(subject) - statistics.mean(accuracies)
            row += ["", ""] if method == SUBJECT else [
                f"{100 * gap:+.1f}", f"{100 * gap / statistics.mean(accuracies):+.1f} %"]
        mean = lambda key: statistics.mean(point[key] for _, point in runs)
        memory = max((device["memory_bytes"] for result, _ in runs for device in result["devices"]), default=0)
        row += [
            f"{mean('simulated_seconds'):.0f} s", quantity(mean("bytes_up"), "B"), quantity(mean("bytes_down"), "B"),
            quantity(mean("device_flops"), ""), f"{memory / 2**20:.0f} MiB" if memory else ""]
        rows.append(row)
    return table(head, rows)


def sweep(answer):
    central = max(point["accuracy"] for _, point in ended(answer, "central", "iid"))
    found = collections.defaultdict(dict)
    for run in answer["runs"]:
        job = run["job"]
        if job["key"]["imbalance"] == "iid" and job["key"]["seed"] == answer["plan"]["seeds"][0]:
            last = run["result"]["points"][-1] if run.get("result") else None
            found[job["key"]["method"]][job["learning_rate"]] = last
    rates = sorted({rate for row in found.values() for rate in row})
    rows = []
    for method in methods(answer):
        best = max((point["accuracy"] for point in found[method].values() if point), default=None)
        cells = []
        for rate in rates:
            point = found[method].get(rate)
            cells.append("" if rate not in found[method] else "diverged" if point is None
                         else f"{100 * point['accuracy']:.1f} ({point['loss']:.3f})")
        rows.append([f"`{method}`"] + cells + ["" if best is None else f"{100 * (best - central):+.1f}"])
    return table(["method"] + [f"{rate:g}" for rate in rates] + ["best − central, points"], rows)


def claims(answer):
    """What SplitFrozen saves where every device knows one label. Rounds end beyond the budget, and so costs are those of a
    token that was trained on."""
    imbalance = "one-label-per-device"

    def mean(method, key):
        return statistics.mean(
            point[key] / (1 if key == "accuracy" else point["tokens"]) for _, point in ended(answer, method, imbalance))

    rows = []
    for method in methods(answer):
        if method in (SUBJECT, "central") or not ended(answer, method, imbalance):
            continue
        less = lambda key: f"{100 * (mean(SUBJECT, key) / mean(method, key) - 1):+.1f} %"
        gain = 100 * (mean(SUBJECT, "accuracy") / mean(method, "accuracy") - 1)
        rows.append([f"`{method}`", f"{gain:+.1f} %", less("device_flops"), less("simulated_seconds"), less("bytes_up")])
    return table(["against", "accuracy", "device operations a token", "*simulated* time a token", "bytes up a token"], rows)


def latency(answer):
    rows = []
    for method in methods(answer):
        for result, point in ended(answer, method, "iid"):
            by_class = collections.defaultdict(list)
            for device in result["devices"]:
                by_class[device["device_class"]].append(device)
            worst = max(device["round_seconds"] for device in result["devices"])
            queues = [device["queue_seconds"] for device in result["devices"] if device.get("queue_seconds") is not None]
            rows.append(
                [f"`{method}`", f"{result.get('rank') or ''}", f"{point['step']}"]
                + [f"{statistics.mean(d['round_seconds'] for d in by_class[name]):.2f} s" for name in by_class]
                + [f"{worst:.2f} s", f"{max(queues):.1f} s" if queues else "", f"{100 * point['accuracy']:.1f}",
                   f"{point['simulated_seconds']:.0f} s", quantity(point["bytes_up"], "B")])
    names = [kind["name"] for kind in answer["classes"]]
    return table(
        ["method", "rank chosen", "rounds"] + names + ["slowest device", "longest queue", "accuracy %",
                                                       "time, *simulated*", "up"], rows)


def main():
    page = pathlib.Path(sys.argv[1])
    answers = {}
    for argument in sys.argv[2:]:
        name, folder = argument.split("=", 1)
        answers[name] = json.loads((pathlib.Path(folder) / "report" / "results.json").read_text())
    kinds = {"sweep": sweep, "claims": claims, "latency": latency}

    def replaced(match):
        name, kind = match.group(1), match.group(2)
        if name not in answers:
            return match.group(0)
        text = kinds[kind](answers[name]) if kind in kinds else cell(answers[name], kind)
        return f"<!-- {name} {kind} -->\n{text}\n<!-- end -->"

    text = re.sub(r"<!-- (\S+) (\S+) -->\n.*?<!-- end -->", replaced, page.read_text(), flags=re.S)
    page.write_text(text)


main()
